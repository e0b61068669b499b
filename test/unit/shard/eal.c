/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/eal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char err[512];

/* Standard output is a file meanwhile: what arrived there comes back in `said`. */
static int init_aside(const char *arg, char *said, size_t said_len)
{
    const char *args[] = {
        "x", "--no-huge", "-m", "64", "--no-pci", "--no-shconf", "--no-telemetry", "--log-level=1",
        arg};
    FILE *file = tmpfile();
    const int kept = dup(STDOUT_FILENO);
    size_t n;
    int rc;

    cr_assert(file != NULL && kept >= 0);
    (void)printf("before ");
    (void)fflush(stdout);
    cr_assert_geq(dup2(fileno(file), STDOUT_FILENO), 0);
    (void)printf("held, "); /* not written yet */
    rc = sl_eal_init(9, args, err, sizeof(err));
    (void)printf("behind");
    (void)fflush(stdout);
    (void)dup2(kept, STDOUT_FILENO);
    rewind(file);
    n = fread(said, 1, said_len - 1, file);
    said[n] = '\0';
    (void)fclose(file);
    return rc;
}

Test(eal, says_nothing_on_standard_output)
{
    char said[256];

    cr_expect_eq(init_aside("--frobnicate", said, sizeof(said)), -EINVAL);
    cr_expect_str_eq(said, "held, behind");
    cr_expect_str_eq(err, "EAL does not start: Invalid argument");
}

Test(eal, what_it_stops_at_is_an_error)
{
    char said[256];

    cr_expect_eq(init_aside("frobnicate", said, sizeof(said)), -EINVAL);
    cr_expect_str_eq(said, "held, behind");
    cr_expect_str_eq(err, "EAL does not know 'frobnicate'");
}

Test(eal, starts_without_standard_output)
{
    const char *args[] = {"x",           "--no-huge",      "-m",           "64", "--no-pci",
                          "--no-shconf", "--no-telemetry", "--log-level=1"};
    const int kept = dup(STDOUT_FILENO);
    int rc;

    (void)fflush(stdout);
    (void)close(STDOUT_FILENO);
    rc = sl_eal_init(8, args, err, sizeof(err));
    sl_eal_fini();
    (void)dup2(kept, STDOUT_FILENO);
    cr_expect_eq(rc, 0, "%s", err);
}
