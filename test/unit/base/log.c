/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define SECOND UINT64_C(1000000000)

static struct seen {
    int lines;
    enum sl_log_level level;
    char last[2048];
} seen;

static void see(void *ctx, enum sl_log_level level, const char *line)
{
    struct seen *s = ctx;

    s->lines++;
    s->level = level;
    (void)snprintf(s->last, sizeof(s->last), "%s", line);
    errno = EIO; /* a sink may well fail */
}

static void setup(void)
{
    seen = (struct seen){0};
    sl_log_sink(see, &seen);
}

TestSuite(log, .init = setup);

Test(log, hands_a_line_to_the_sink)
{
    sl_log(SL_LOG_WARNING, "port %d of %s", 3, "ring");
    cr_expect_eq(seen.lines, 1);
    cr_expect_eq(seen.level, SL_LOG_WARNING);
    cr_expect_str_eq(seen.last, "port 3 of ring");
}

Test(log, leaves_errno_alone)
{
    errno = ENOENT;
    sl_log(SL_LOG_ERROR, "no such file: %m");
    cr_expect_eq(errno, ENOENT);
    cr_expect_str_eq(seen.last, "no such file: No such file or directory");
}

Test(log, keeps_to_its_level)
{
    static const enum sl_log_level levels[] = {SL_LOG_ERROR, SL_LOG_WARNING, SL_LOG_INFO,
                                               SL_LOG_DEBUG};

    sl_log(SL_LOG_DEBUG, "not by default");
    cr_expect_eq(seen.lines, 0);
    for (int most = 0; most < 4; most++) {
        seen.lines = 0;
        sl_log_set_level(levels[most]);
        for (int i = 0; i < 4; i++)
            sl_log(levels[i], "line");
        cr_expect_eq(seen.lines, most + 1);
    }
}

Test(log, a_line_stays_one_line)
{
    sl_log(SL_LOG_INFO, "name %s", "a\nsealane: error: forged\x1b[2J\x7f\xc3\xa9");
    cr_expect_str_eq(seen.last, "name a?sealane: error: forged?[2J?\xc3\xa9");
}

Test(log, a_long_line_is_cut_and_says_so)
{
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    sl_log(SL_LOG_INFO, "%s", text);
    cr_expect_eq(strlen(seen.last), 1023);
    cr_expect_str_eq(seen.last + 1020, "...");
    cr_expect_eq(seen.last[1019], 'x');
}

/* Datagrams keep the borders of writes. */
Test(log, goes_to_standard_error_in_one_write)
{
    char got[4096];
    int ends[2];
    ssize_t n;

    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    sl_log_sink(NULL, NULL);
    sl_log(SL_LOG_ERROR, "cannot open %s", "x.ini");
    n = recv(ends[0], got, sizeof(got) - 1, MSG_DONTWAIT);
    cr_assert_gt(n, 0);
    got[n] = '\0';
    cr_expect_str_eq(got, "sealane: error: cannot open x.ini\n");
    cr_expect_eq(recv(ends[0], got, sizeof(got), MSG_DONTWAIT), -1);
    cr_expect_eq(seen.lines, 0);
}

Test(log, limited_writes_one_line_a_second_and_counts_the_others)
{
    struct sl_log_limit limit = {0};

    for (uint64_t now_ns = 5; now_ns < SECOND + 5; now_ns += SECOND / 10)
        sl_log_limited(&limit, now_ns, SL_LOG_WARNING, "bad frame from %s", "peer");
    cr_expect_eq(seen.lines, 1);
    cr_expect_str_eq(seen.last, "bad frame from peer");

    sl_log_limited(&limit, SECOND + 4, SL_LOG_WARNING, "again");
    cr_expect_eq(seen.lines, 1, "a nanosecond short of a second");
    sl_log_limited(&limit, SECOND + 5, SL_LOG_WARNING, "again");
    cr_expect_eq(seen.lines, 2);
    cr_expect_str_eq(seen.last, "again (10 more left out)");

    sl_log_limited(&limit, 9 * SECOND, SL_LOG_WARNING, "later");
    cr_expect_str_eq(seen.last, "later", "none was left out since");
}

Test(log, limits_are_of_each_call_site)
{
    struct sl_log_limit a = {0}, b = {0};

    sl_log_limited(&a, 1, SL_LOG_INFO, "a");
    sl_log_limited(&b, 1, SL_LOG_INFO, "b");
    cr_expect_eq(seen.lines, 2);
}

Test(log, a_level_that_is_off_uses_up_no_limit)
{
    struct sl_log_limit limit = {0};

    sl_log_limited(&limit, 1, SL_LOG_DEBUG, "unheard");
    sl_log_set_level(SL_LOG_DEBUG);
    sl_log_limited(&limit, 2, SL_LOG_DEBUG, "heard");
    cr_expect_eq(seen.lines, 1);
    cr_expect_str_eq(seen.last, "heard");
}

Test(log, a_long_limited_line_still_tells_how_many_were_left_out)
{
    struct sl_log_limit limit = {.left_out = UINT64_MAX};
    char text[5000];
    const char *tail = "... (18446744073709551615 more left out)";

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    sl_log_limited(&limit, 1, SL_LOG_INFO, "%s", text);
    cr_expect_eq(strlen(seen.last), 1023);
    cr_expect_str_eq(seen.last + 1023 - strlen(tail), tail);
}
