/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "tcpcrypt/eno/option.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;

    for (; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
        out[n] = (uint8_t)byte;
    return n;
}

/* "03 23 a3:0102": global suboption (- for none), then each TEP's first byte and its data. */
static void say(const struct sl_eno_option *o, char *out)
{
    out += sprintf(out, o->has_global ? "%02x" : "-", o->global);
    for (uint8_t i = 0; i < o->n; i++) {
        const struct sl_eno_suboption *s = &o->sub[i];

        out += sprintf(out, " %02x%s", s->tep | (s->v ? 0x80 : 0), s->v ? ":" : "");
        for (uint8_t j = 0; j < s->len; j++)
            out += sprintf(out, "%02x", s->data[j]);
    }
}

/* Reads from a heap block of exactly `len` bytes, so that one byte too far is seen. */
static bool read_exact(const uint8_t *content, size_t len, struct sl_eno_option *o, char *said)
{
    uint8_t *heap = malloc(len);

    if (len > 0)
        memcpy(heap, content, len);

    const bool ok = sl_eno_option_read(sl_cursor_of(heap, len), o);

    say(o, said);
    free(heap);
    return ok;
}

#define BYTES_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct {
    const char *story, *wire;
    const char *said; /* NULL: ill-formed */
} reads[] = {
    /* the independent vectors, group eno_parse */
    {"vacuous, no content (R11)", "4502", "-"},
    {"one TEP, implicit global (R7)", "450323", "- 23"},
    {"global a=1 b=1", "45040323", "03 23"},
    {"second global ignored (R5)", "4505000323", "00 23"},
    {"second global ignored, TEP between (R5)", "4505012302", "01 23"},
    {"last TEP with data, length inferred (R8)", "450ca3000102030405060708",
     "- a3:000102030405060708"},
    {"last TEP with 37 bytes (R8)", "4528a3" BYTES_32 "2021222324", "- a3:" BYTES_32 "2021222324"},
    {"length byte 17 bytes then TEP", "451690a3000102030405060708090a0b0c0d0e0f1021",
     "- a3:000102030405060708090a0b0c0d0e0f10 21"},
    {"length byte exact fit at end", "450782a3010203", "- a3:010203"},
    {"bad: data one byte beyond the option (R10)", "450783a3010203", NULL},
    {"bad: length byte is the last byte (R10)", "45042388", NULL},
    {"bad: length byte then global (R10)", "4505800123", NULL},
    {"bad: length byte then 0x9f (R10)", "4505809f00", NULL},
    {"reserved TEP 0x70 parses", "4505017023", "01 70 23"},
    /* RFC 8547 */
    {"z bits do no harm (R6)", "45041d23", "1d 23"},
    {"highest global, lowest TEP", "45041f20", "1f 20"},
    {"highest TEP", "45037f", "- 7f"},
    {"highest TEP with no data behind v", "4503ff", "- ff:"},
    {"length byte of 32 bytes, then one more TEP", "45249fa0" BYTES_32 "23",
     "- a0:" BYTES_32 " 23"},
    {"length byte then TEP without v (R9)", "4505802311", NULL},
    {"length byte then length byte (R9)", "45068081a311", NULL},
    {"length byte then data TEP, data missing", "450480a3", NULL},
    {"bad after good: nothing of it counts (R10)", "4505012388", NULL},
    {"data swallows what looks like a TEP", "4506a3210124", "- a3:210124"},
    {"data of a counted TEP is not read as suboptions", "45082381a10102a424", "- 23 a1:0102 a4:24"},
};

Test(eno_option, read)
{
    for (size_t i = 0; i < COUNT(reads); i++) {
        uint8_t wire[64];
        char said[512];
        struct sl_eno_option o;
        const size_t len = unhex(reads[i].wire, wire);
        const bool ok = read_exact(wire + 2, len - 2, &o, said);

        cr_expect_eq(ok, reads[i].said != NULL, "%s", reads[i].story);
        cr_expect_str_eq(said, reads[i].said != NULL ? reads[i].said : "-", "%s", reads[i].story);
    }
}

Test(eno_option, more_than_a_header_holds_is_ill_formed)
{
    uint8_t content[64];
    char said[512];
    struct sl_eno_option o;

    memset(content, 0x23, sizeof(content));
    cr_expect(read_exact(content, 38, &o, said) && o.n == 38);
    cr_expect_not(read_exact(content, 39, &o, said));
    cr_expect_eq(o.n, 0);
    cr_expect_not(sl_eno_option_read((struct sl_cursor){content, content, true}, &o));
}

static const uint8_t data[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                               13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                               26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38};

#define ONE(...) .o = {.n = 1, .sub = {__VA_ARGS__}}
#define TWO(...) .o = {.n = 2, .sub = {__VA_ARGS__}}
#define CANNOT   ""
#define BARE(id)    \
    {               \
        .tep = (id) \
    }
#define WITH(id, n)                                      \
    {                                                    \
        .tep = (id), .v = true, .len = (n), .data = data \
    }

static const struct {
    const char *story, *wire;
    size_t room;
    struct sl_eno_option o;
} writes[] = {
    {"vacuous (R11)", "4502", 2, .o = {.n = 0}},
    {"no room for kind and length", CANNOT, 1, .o = {.n = 0}},
    {"one TEP", "450323", 3, ONE(BARE(0x23))},
    {"one TEP, one byte short", CANNOT, 2, ONE(BARE(0x23))},
    {"explicit zero (R7)", "45040023", 40, .o = {true, 0, 1, {BARE(0x23)}}},
    {"a and b", "45040323", 40, .o = {true, 3, 1, {BARE(0x23)}}},
    {"z bits go out as zero (R6)", "45040123", 40, .o = {true, 0x1d, 1, {BARE(0x23)}}},
    {"data last: no length byte (R8)", "450821a300010203", 40, TWO(BARE(0x21), WITH(0x23, 4))},
    {"data not last: length byte (R8)", "450983a30001020321", 40, TWO(WITH(0x23, 4), BARE(0x21))},
    {"1 byte not last", "450680a30021", 40, TWO(WITH(0x23, 1), BARE(0x21))},
    {"32 bytes not last", "45259fa0" BYTES_32 "23", 40, TWO(WITH(0x20, 32), BARE(0x23))},
    {"33 bytes not last", CANNOT, 40, TWO(WITH(0x20, 33), BARE(0x23))},
    {"no bytes not last", CANNOT, 40, TWO(WITH(0x20, 0), BARE(0x23))},
    {"no bytes last", "4503a0", 40, ONE(WITH(0x20, 0))},
    {"37 bytes last", "4528a3" BYTES_32 "2021222324", 40, ONE(WITH(0x23, 37))},
    {"38 bytes are more than a header holds", CANNOT, 64, ONE(WITH(0x23, 38))},
    {"identifier too low", CANNOT, 40, ONE(BARE(0x1f))},
    {"identifier too high", CANNOT, 40, ONE(BARE(0x80))},
    {"data without v", CANNOT, 40, ONE({0x23, false, 1, data})},
    {"more suboptions than there can be", CANNOT, 40, .o = {.n = SL_ENO_SUBOPTIONS_MAX + 1}},
};

Test(eno_option, write)
{
    for (size_t i = 0; i < COUNT(writes); i++) {
        uint8_t want[64];
        const size_t want_len = unhex(writes[i].wire, want);
        uint8_t *out = malloc(writes[i].room);
        const size_t len = sl_eno_option_write(&writes[i].o, out, writes[i].room);

        cr_expect_eq(len, want_len, "%s: %zu bytes", writes[i].story, len);
        cr_expect(len != want_len || memcmp(out, want, len) == 0, "%s", writes[i].story);
        free(out);
    }
}

static uint64_t next(uint64_t *seed) /* xorshift64 */
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Bytes that a suboption may begin with, far more often than chance has them. */
static size_t random_content(uint64_t *seed, uint8_t *content)
{
    static const uint8_t likely[] = {0x00, 0x01, 0x1f, 0x20, 0x23, 0x7f,
                                     0x80, 0x83, 0x9f, 0xa0, 0xa3, 0xff};
    const size_t len = next(seed) % (SL_ENO_SUBOPTIONS_MAX + 1);

    for (size_t i = 0; i < len; i++)
        content[i] = next(seed) % 3 ? likely[next(seed) % COUNT(likely)] : (uint8_t)next(seed);
    return len;
}

Test(eno_option, what_can_be_read_can_be_written_and_reads_the_same)
{
    uint64_t seed = 8547;
    unsigned good = 0, bad = 0;

    for (int i = 0; i < 200000; i++) {
        uint8_t content[SL_ENO_SUBOPTIONS_MAX], wire[SL_ENO_OPTION_MAX_BYTES];
        char first[512], second[512];
        struct sl_eno_option o;
        const size_t len = random_content(&seed, content);

        if (!read_exact(content, len, &o, first)) {
            bad++;
            continue;
        }
        good++;
        cr_assert(sl_eno_option_read(sl_cursor_of(content, len), &o));
        o.global &= SL_ENO_GLOBAL_A | SL_ENO_GLOBAL_B; /* z bits do not survive (R6) */
        say(&o, first);

        const size_t written = sl_eno_option_write(&o, wire, sizeof(wire));

        cr_assert(written >= 2 && written <= len + 2, "round %d: %s", i, first);
        cr_assert(wire[0] == SL_ENO_KIND && wire[1] == written);
        cr_assert(read_exact(wire + 2, written - 2, &o, second), "round %d: %s", i, first);
        cr_assert_str_eq(first, second, "round %d", i);
    }
    cr_expect(good > 1000 && bad > 1000, "%u good, %u bad", good, bad);
}
