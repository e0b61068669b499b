/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"

#include "fuzz.h"

/*
 * Configuration files: any text is taken, or refused with a message that names a line at fault: the
 * first one, but that what inih alone refuses is told only when no other is; and nothing behind it
 * changes what is said.
 */

enum { ERR_BYTES = 400, TIGHT_BYTES = 24, TEXT_MAX = 4096 };

static const char name[] = "t.conf";

/* Read `text` alone; its message goes to `err`, an exact buffer of `room` bytes. */
static int read_alone(const char *text, size_t len, char *err, size_t room)
{
    struct sl_config *c = sl_config_create();
    char *exact = malloc(len + 1);
    int rc;

    FUZZ_CHECK(c != NULL && exact != NULL);
    memcpy(exact, text, len);
    exact[len] = '\0';
    memset(err, 'x', room);
    rc = sl_config_read_text(c, exact, name, err, room);
    FUZZ_CHECK(rc == 0 ? err[0] == 'x' : memchr(err, '\0', room) != NULL);
    if (rc == 0) { /* what was read can be judged as a whole, and looked at */
        char *whole = malloc(ERR_BYTES);

        whole[0] = '\0';
        FUZZ_CHECK((sl_config_check(c, whole, ERR_BYTES) < 0) == (whole[0] != '\0'));
        (void)sl_config_shards(c);
        (void)sl_config_address(c, 0);
        free(whole);
    }
    sl_config_destroy(c);
    free(exact);
    return rc;
}

/* Where line `n` (from 1) begins; the end where there are fewer. */
static size_t line_at(const char *text, size_t len, unsigned n)
{
    size_t at = 0;

    while (n > 1 && at < len)
        n -= text[at++] == '\n';
    return at;
}

static void check_error(const char *text, size_t len, const char *err)
{
    char *again = malloc(ERR_BYTES), *tight = malloc(TIGHT_BYTES);
    unsigned line = 0;

    FUZZ_CHECK(sscanf(err, "t.conf:%u: ", &line) == 1 && line >= 1);
    FUZZ_CHECK(line_at(text, len, line) < len);
    FUZZ_CHECK(read_alone(text, line_at(text, len, line), again, ERR_BYTES) == 0);
    FUZZ_CHECK(read_alone(text, line_at(text, len, line + 1), again, ERR_BYTES) < 0);
    FUZZ_CHECK(strcmp(err, again) == 0);
    FUZZ_CHECK(read_alone(text, len, tight, TIGHT_BYTES) < 0);
    FUZZ_CHECK(strncmp(err, tight, TIGHT_BYTES - 1) == 0);
    free(tight);
    free(again);
}

/* The same bytes as assignments of the command line, a line each. */
static void assign(const char *text, size_t len)
{
    struct sl_config *c = sl_config_create();
    char *err = malloc(ERR_BYTES);

    for (size_t at = 0, end; at < len; at = end + 1) {
        char *one;

        for (end = at; end < len && text[end] != '\n';)
            end++;
        one = strndup(text + at, end - at);
        err[0] = '\0';
        FUZZ_CHECK((sl_config_set(c, one, err, ERR_BYTES) < 0) == (err[0] != '\0'));
        FUZZ_CHECK(err[0] == '\0' || strncmp(err, "--set: ", 7) == 0);
        free(one);
    }
    free(err);
    sl_config_destroy(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    const size_t len = strnlen(text, size < TEXT_MAX ? size : TEXT_MAX);
    char *err;

    if (len == 0)
        return 0;
    err = malloc(ERR_BYTES);
    if (read_alone(text, len, err, ERR_BYTES) < 0)
        check_error(text, len, err);
    assign(text, len);
    free(err);
    return 0;
}
