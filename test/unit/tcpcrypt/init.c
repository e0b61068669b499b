/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/init.h"

#include <stdlib.h>

#include <criterion/criterion.h>

enum { PUB = 32, LEAST_1 = 9 + 32 + PUB, LEAST_2 = 10 + 32 + PUB };

/* A message with fields that tell themselves apart: nonce 0x4e, key 0x50, tail 0xee. */
static size_t build(uint8_t *out, enum sl_init_kind kind, uint32_t message_len, uint8_t n,
                    size_t tail)
{
    struct sl_writer w = sl_writer_of(out, 8192);
    uint8_t fill[4096];

    sl_put_be(&w, kind == SL_INIT_1 ? 0x15101a0e : 0x097105e0, 4);
    sl_put_be(&w, message_len, 4);
    if (kind == SL_INIT_1)
        sl_put_be(&w, n, 1);
    for (unsigned i = 0; i < n; i++)
        sl_put_be(&w, 0x0100 + i, 2);
    memset(fill, 0x4e, sizeof(fill));
    sl_put(&w, fill, SL_INIT_NONCE_BYTES);
    memset(fill, 0x50, sizeof(fill));
    sl_put(&w, fill, PUB);
    memset(fill, 0xee, sizeof(fill));
    sl_put(&w, fill, tail);
    return (size_t)(w.at - out);
}

/* Read from an exact heap buffer. */
static enum sl_init_read read_exact(const uint8_t *bytes, size_t len, enum sl_init_kind kind,
                                    struct sl_init *m)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    enum sl_init_read got;

    memcpy(copy, bytes, len);
    got = sl_init_read(sl_cursor_of(copy, len), kind, PUB, m);
    free(copy);
    return got;
}

static const struct {
    const char *story;
    enum sl_init_kind kind;
    uint32_t message_len;
    uint8_t n;
    size_t tail;
    enum sl_init_read got;
    uint32_t ignored;
} cases[] = {
    {"Init1 with one cipher", SL_INIT_1, LEAST_1 + 2, 1, 0, SL_INIT_OK, 0},
    {"Init1 with none parses (trap 7)", SL_INIT_1, LEAST_1, 0, 0, SL_INIT_OK, 0},
    {"Init1 with 255", SL_INIT_1, LEAST_1 + 510, 255, 0, SL_INIT_OK, 0},
    {"a tail is allowed (R50)", SL_INIT_1, LEAST_1 + 2 + 7, 1, 7, SL_INIT_OK, 7},
    {"the longest that we take (A16)", SL_INIT_1, 4096, 1, 4096 - LEAST_1 - 2, SL_INIT_OK,
     4096 - LEAST_1 - 2},
    {"one longer (A16)", SL_INIT_1, 4097, 1, 4096, SL_INIT_ABORT, 0},
    {"2^32 - 1 (trap 7)", SL_INIT_1, UINT32_MAX, 1, 0, SL_INIT_ABORT, 0},
    {"0", SL_INIT_1, 0, 1, 0, SL_INIT_ABORT, 0},
    {"below the least", SL_INIT_1, LEAST_1 - 1, 0, 0, SL_INIT_ABORT, 0},
    {"ciphers run past the end", SL_INIT_1, LEAST_1 + 1, 1, 0, SL_INIT_ABORT, 0},
    {"bytes behind the message are not its own", SL_INIT_1, LEAST_1 + 2, 1, 40, SL_INIT_OK, 0},
    {"Init2", SL_INIT_2, LEAST_2, 1, 0, SL_INIT_OK, 0},
    {"Init2 with a tail", SL_INIT_2, LEAST_2 + 1, 1, 1, SL_INIT_OK, 1},
    {"Init2 too short for its key", SL_INIT_2, LEAST_2 - 1, 1, 0, SL_INIT_ABORT, 0},
};

Test(init, read)
{
    static uint8_t wire[8192];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t len =
            build(wire, cases[i].kind, cases[i].message_len, cases[i].n, cases[i].tail);
        struct sl_init m;

        cr_expect_eq(read_exact(wire, len, cases[i].kind, &m), cases[i].got, "%s", cases[i].story);
        if (cases[i].got != SL_INIT_OK)
            continue;
        cr_expect_eq(m.len, cases[i].message_len, "%s", cases[i].story);
        cr_expect_eq(m.n_ciphers, cases[i].n, "%s", cases[i].story);
        cr_expect_eq(m.ignored_len, cases[i].ignored, "%s", cases[i].story);
        sl_init_read(sl_cursor_of(wire, len), cases[i].kind, PUB, &m);
        cr_expect(m.nonce[0] == 0x4e && m.nonce[31] == 0x4e, "%s", cases[i].story);
        cr_expect(m.pub[0] == 0x50 && m.pub[31] == 0x50, "%s", cases[i].story);
    }
}

Test(init, each_beginning_of_a_message_is_incomplete_and_says_what_would_do)
{
    static uint8_t wire[8192];

    for (int kind = SL_INIT_1; kind <= SL_INIT_2; kind++) {
        const uint32_t whole = kind == SL_INIT_1 ? LEAST_1 + 2 + 9 : LEAST_2 + 9;
        struct sl_init m;

        build(wire, kind, whole, 1, 9);
        for (size_t len = 0; len < whole; len++) {
            cr_expect_eq(read_exact(wire, len, kind, &m), SL_INIT_INCOMPLETE, "%zu", len);
            cr_expect_eq(m.len, len < 8 ? 8 : whole, "%zu", len);
        }
        cr_expect_eq(read_exact(wire, whole, kind, &m), SL_INIT_OK);
    }
}

Test(init, what_is_wrong_shows_at_the_first_byte_that_can_show_it)
{
    static uint8_t wire[8192];
    struct sl_init m;

    build(wire, SL_INIT_1, LEAST_1, 0, 0);
    for (size_t i = 0; i < 4; i++) {
        wire[i] ^= 1;
        cr_expect_eq(read_exact(wire, i, SL_INIT_1, &m), SL_INIT_INCOMPLETE);
        cr_expect_eq(read_exact(wire, i + 1, SL_INIT_1, &m), SL_INIT_ABORT);
        wire[i] ^= 1;
    }
    cr_expect_eq(read_exact(wire, 4, SL_INIT_2, &m), SL_INIT_ABORT, "the other's message");
    build(wire, SL_INIT_1, 4097, 0, 0);
    cr_expect_eq(read_exact(wire, 7, SL_INIT_1, &m), SL_INIT_INCOMPLETE);
    cr_expect_eq(read_exact(wire, 8, SL_INIT_1, &m), SL_INIT_ABORT);
    build(wire, SL_INIT_1, LEAST_1, 1, 0);
    cr_expect_eq(read_exact(wire, 8, SL_INIT_1, &m), SL_INIT_INCOMPLETE);
    cr_expect_eq(read_exact(wire, 9, SL_INIT_1, &m), SL_INIT_ABORT);
}

Test(init, names_the_ciphers_in_it)
{
    static uint8_t wire[8192];
    struct sl_init m;

    sl_init_read(sl_cursor_of(wire, build(wire, SL_INIT_1, LEAST_1 + 6, 3, 0)), SL_INIT_1, PUB, &m);
    cr_expect(sl_init_names(&m, 0x0100) && sl_init_names(&m, 0x0102));
    cr_expect_not(sl_init_names(&m, 0x0103));
    cr_expect_not(sl_init_names(&m, 0x0001), "not across two");
    sl_init_read(sl_cursor_of(wire, build(wire, SL_INIT_1, LEAST_1, 0, 0)), SL_INIT_1, PUB, &m);
    cr_expect_not(sl_init_names(&m, 0x0100));
}

Test(init, write_is_what_read_reads_and_has_no_tail) /* R50 */
{
    static uint8_t wire[8192], out[128];
    uint8_t nonce[32], pub[PUB];

    memset(nonce, 0x4e, 32);
    memset(pub, 0x50, PUB);
    for (int kind = SL_INIT_1; kind <= SL_INIT_2; kind++) {
        const uint8_t n = kind == SL_INIT_1 ? 3 : 1;
        const uint32_t whole = kind == SL_INIT_1 ? LEAST_1 + 6 : LEAST_2;
        const uint16_t ciphers[] = {0x0100, 0x0101, 0x0102};

        build(wire, kind, whole, n, 0);
        cr_expect_eq(sl_init_write(kind, ciphers, n, nonce, pub, PUB, out, sizeof(out)), whole);
        cr_expect_arr_eq(out, wire, whole);
        cr_expect_eq(sl_init_write(kind, ciphers, n, nonce, pub, PUB, out, whole - 1), 0);
    }
}
