/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/options.h"

#include <stdlib.h>

#include <criterion/criterion.h>

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define WIRE(...) .wire = {__VA_ARGS__}, .len = sizeof((uint8_t[]){__VA_ARGS__})
#define BAD       .drop = SL_DROP_TCP_OPTION_LENGTH

static const struct {
    const char *story;
    bool syn;
    uint8_t wire[SL_TCP_OPTIONS_MAX_BYTES];
    size_t len;
    enum sl_drop drop;
    struct sl_tcp_options o; /* `eno` apart, which eno_at and eno_len tell */
    size_t eno_at, eno_len;
} reads[] = {
    {"no options", true, .len = 0},
    {"a SYN offers 1460", true, WIRE(2, 4, 0x05, 0xb4), .o = {.mss_bytes = 1460}},
    {"MSS after the SYN is not heard (MUST-65)", false, WIRE(2, 4, 0x05, 0xb4)},
    {"timestamps", false, WIRE(1, 1, 8, 10, 0, 0, 1, 7, 0, 0, 0, 5), .o = {263, 5, .has_ts = true}},
    {"unknown kind is skipped (MUST-6)", true, WIRE(253, 3, 9, 2, 4, 2, 0),
     .o = {.mss_bytes = 512}},
    {"nothing counts after EOL", true, WIRE(0, 2, 99)},
    {"length 0 cannot loop", true, WIRE(2, 0, 0, 0), BAD},
    {"length 1 neither", true, WIRE(2, 1, 0, 0), BAD},
    {"length 0 of an unknown kind", true, WIRE(254, 0, 1, 1), BAD},
    {"length byte missing", true, WIRE(1, 1, 1, 2), BAD},
    {"body cut off", false, WIRE(8, 10, 0, 0), BAD},
    {"body one byte short", false, WIRE(8, 10, 0, 0, 0, 1, 0, 0, 0), BAD},
    {"unknown kind reaches past the end (MUST-68)", true, WIRE(200, 255, 1, 1), BAD},
    {"an impossible length spoils what stood before", true, WIRE(2, 4, 2, 0, 3, 9, 7), BAD},
    {"MSS of another size is not heard", true, WIRE(2, 5, 1, 2, 3)},
    {"nor without a value", true, WIRE(2, 2, 1, 1)},
    {"of two MSS the first counts (D1)", true, WIRE(2, 4, 2, 0, 2, 4, 5, 0xb4),
     .o = {.mss_bytes = 512}},
    {"one of another size is no first one", true, WIRE(2, 3, 9, 2, 4, 5, 0xb4),
     .o = {.mss_bytes = 1460}},
    {"an MSS of 0 is not the same as none (D38, MUST-15)", true, WIRE(2, 4, 0, 0),
     .o = {.mss_bytes = 1}},
    {"of MSS 0 and another the first counts", true, WIRE(2, 4, 0, 0, 2, 4, 5, 0xb4),
     .o = {.mss_bytes = 1}},
    {"of two timestamps, too", false,
     WIRE(8, 10, 0, 0, 0, 7, 0, 0, 0, 5, 8, 10, 0, 0, 0, 9, 0, 0, 0, 6),
     .o = {7, 5, .has_ts = true}},
    {"timestamps of another size", false, WIRE(8, 6, 0, 0, 0, 7)},
    {"timestamps in a SYN, at an odd place (MUST-64)", true,
     WIRE(1, 8, 10, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff),
     .o = {0x80000000, UINT32_MAX, .has_ts = true}},
    {"window scale 7", true, WIRE(1, 3, 3, 7), .o = {.has_wscale = true, .wscale = 7}},
    {"window scale 0 is an offer (T7323-2)", true, WIRE(3, 3, 0, 0), .o = {.has_wscale = true}},
    {"window scale above 14 is the caller's matter (T7323-10)", true, WIRE(3, 3, 255),
     .o = {.has_wscale = true, .wscale = 255}},
    {"window scale after the SYN is not heard (T7323-3)", false, WIRE(1, 3, 3, 7)},
    {"window scale of another size", true, WIRE(3, 4, 7, 7)},
    {"of two window scales the first", true, WIRE(3, 3, 0, 3, 3, 9), .o = {.has_wscale = true}},
    {"SACK permitted", true, WIRE(1, 1, 4, 2), .o = {.sack_permitted = true}},
    {"SACK permitted after the SYN is not heard (T2018-1)", false, WIRE(1, 1, 4, 2)},
    {"SACK permitted of another size", true, WIRE(4, 3, 1, 0)},
    {"one SACK block (T2018-2)", false, WIRE(1, 1, 5, 10, 0, 0, 1, 0, 0, 0, 2, 0),
     .o = {.n_sack = 1, .sack = {{0x100, 0x200}}}},
    {"four", false,
     WIRE(5, 34, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7,
          0, 0, 0, 8),
     .o = {.n_sack = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}}},
    {"a block over the wrap of sequence numbers", false,
     WIRE(5, 10, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 0x10),
     .o = {.n_sack = 1, .sack = {{0xfffffff0, 0x10}}}},
    {"a block that ends before it begins is no block, the others are (trap 25)", false,
     WIRE(5, 26, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 5),
     .o = {.n_sack = 1, .sack = {{1, 2}}}},
    {"SACK of another size", false, WIRE(5, 9, 0, 0, 1, 0, 0, 0, 2)},
    {"nor the whole block in it", false, WIRE(5, 14, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 9)},
    {"SACK of no block", false, WIRE(5, 2, 1, 1)},
    {"of two SACK options the first", false,
     WIRE(5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4),
     .o = {.n_sack = 1, .sack = {{1, 2}}}},
    {"ENO in a SYN", true, WIRE(69, 4, 0x01, 0x23), .o = {.n_eno = 1}, .eno_at = 2, .eno_len = 2},
    {"ENO without content", false, WIRE(1, 1, 69, 2), .o = {.n_eno = 1}, .eno_at = 4},
    {"two ENO options are counted, the first is told (R3, R4)", true,
     WIRE(69, 3, 0x23, 69, 4, 0x01, 0x24), .o = {.n_eno = 2}, .eno_at = 2, .eno_len = 1},
    {"nineteen ENO options", false,
     WIRE(69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2,
          69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 69, 2, 1),
     .o = {.n_eno = 19}, .eno_at = 2},
    {"the experimental kind is not ENO (R1)", true, WIRE(253, 5, 0x45, 0x4e, 0x23)},
    {"a SYN as Linux sends it", true,
     WIRE(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7),
     .o = {9, 0, 1460, true, true, true, .wscale = 7}},
};

static bool same(const struct sl_tcp_options *a, const struct sl_tcp_options *b)
{
    bool same = a->mss_bytes == b->mss_bytes && a->has_ts == b->has_ts && a->tsval == b->tsval &&
                a->tsecr == b->tsecr && a->has_wscale == b->has_wscale && a->wscale == b->wscale &&
                a->sack_permitted == b->sack_permitted && a->n_sack == b->n_sack &&
                a->n_eno == b->n_eno;

    for (uint8_t i = 0; same && i < a->n_sack; i++)
        same = a->sack[i].left == b->sack[i].left && a->sack[i].right == b->sack[i].right;
    return same;
}

/* A heap block of exactly `len` bytes, `shift` after an aligned place. */
static uint8_t *exact(const uint8_t *bytes, size_t len, size_t shift)
{
    uint8_t *heap = malloc(shift + len);

    if (len > 0)
        memcpy(heap + shift, bytes, len);
    return heap;
}

Test(tcp_options, read)
{
    for (size_t i = 0; i < COUNT(reads); i++) {
        for (size_t shift = 0; shift < 4; shift++) { /* MUST-64 */
            uint8_t *heap = exact(reads[i].wire, reads[i].len, shift);
            const uint8_t *wire = heap + shift;
            struct sl_tcp_options o;
            const enum sl_drop drop =
                sl_tcp_options_read(sl_cursor_of(wire, reads[i].len), reads[i].syn, &o);

            cr_expect_eq(drop, reads[i].drop, "%s", reads[i].story);
            if (drop == SL_DROP_NONE) {
                cr_expect(same(&o, &reads[i].o), "%s", reads[i].story);
                cr_expect_eq(sl_cursor_left(&o.eno), reads[i].eno_len, "%s", reads[i].story);
                cr_expect(o.n_eno == 0 || o.eno.at == wire + reads[i].eno_at, "%s", reads[i].story);
            }
            free(heap);
        }
    }
}

/* The ENO option of a case is the first `eno_len` bytes of this one, its length byte set so. */
static const uint8_t eno_bytes[] = {69, 21, 0x01, 0xa3, 1,  2,  3,  4,  5,  6, 7,
                                    8,  9,  10,   11,   12, 13, 14, 15, 16, 17};

static const struct {
    const char *story;
    struct sl_tcp_options o;
    size_t eno_len;
    uint8_t wire[SL_TCP_OPTIONS_MAX_BYTES];
    size_t len;
} writes[] = {
    {"nothing", .len = 0},
    /* Layouts as `tcpdump -x` shows them of Linux 6. */
    {"Linux' SYN",
     {9, 0, 1460, true, true, true, .wscale = 7},
     0,
     WIRE(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7)},
    {"with tcp_timestamps=0",
     {0, 0, 1460, false, true, true, .wscale = 7},
     0,
     WIRE(2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7)},
    {"with tcp_sack=0",
     {9, 0, 1460, true, true, false, .wscale = 7},
     0,
     WIRE(2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7)},
    {"with neither",
     {0, 0, 1460, false, true, false, .wscale = 7},
     0,
     WIRE(2, 4, 5, 0xb4, 1, 3, 3, 7)},
    {"MSS alone", {.mss_bytes = 536}, 0, WIRE(2, 4, 2, 24)},
    {"data",
     {0x01020304, 0x05060708, .has_ts = true},
     0,
     WIRE(1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8)},
    {"an ACK with two blocks",
     {1, 2, .has_ts = true, .n_sack = 2, .sack = {{3, 4}, {5, 6}}},
     0,
     WIRE(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 18, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0,
          0, 0, 6)},
    {"beside timestamps three of four fit",
     {1, 2, .has_ts = true, .n_sack = 4, .sack = {{3, 4}, {5, 6}, {7, 8}, {9, 10}}},
     0,
     WIRE(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 26, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0,
          0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8)},
    {"alone all four",
     {.n_sack = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 0xfffffff0}}},
     0,
     WIRE(1, 1, 5, 34, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0,
          0, 7, 0xff, 0xff, 0xff, 0xf0)},
    /* ENO goes behind what everybody sends. */
    {"the third segment's ENO (R22)",
     {1, 2, .has_ts = true},
     2,
     WIRE(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 69, 2)},
    {"ENO in a SYN",
     {9, 0, 1460, true, true, true, .wscale = 7},
     4,
     WIRE(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7, 69, 4, 1, 0xa3)},
    {"ENO of three bytes", {.mss_bytes = 536}, 3, WIRE(2, 4, 2, 24, 1, 69, 3, 1)},
    {"the usual layout's last fit",
     {9, 0, 1460, true, true, true, .wscale = 7},
     20,
     WIRE(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7, 69, 20, 1, 0xa3, 1, 2, 3,
          4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)},
    {"a resuming SYN-ACK fills the 40 bytes exactly (trap 5)",
     {9, 0, 1460, true, true, true, .wscale = 7},
     21,
     WIRE(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 3, 3, 7, 69, 21, 1, 0xa3, 1, 2, 3, 4,
          5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)},
    {"22 do not fit, and nothing is written",
     {9, 0, 1460, true, true, true, .wscale = 7},
     22,
     .len = 0},
    {"without NOPs the rest is zero (MUST-69)",
     {9, 0, 1460, true, true, false, .wscale = 7},
     21,
     WIRE(2, 4, 5, 0xb4, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 3, 3, 7, 69, 21, 1, 0xa3, 1, 2, 3, 4, 5, 6,
          7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0, 0)},
    {"SACK blocks take what ENO leaves",
     {1, 2, .has_ts = true, .n_sack = 3, .sack = {{3, 4}, {5, 6}, {7, 8}}},
     2,
     WIRE(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 69, 2, 1, 1, 5, 18, 0, 0, 0, 3, 0, 0, 0, 4, 0,
          0, 0, 5, 0, 0, 0, 6)},
    {"or nothing",
     {1, 2, .has_ts = true, .n_sack = 1, .sack = {{3, 4}}},
     18,
     WIRE(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 69, 18, 1, 0xa3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
          11, 12, 13, 14)},
};

static size_t write_exact(struct sl_tcp_options o, size_t eno_len, uint8_t *out)
{
    uint8_t eno[40] = {0};
    uint8_t *heap = malloc(SL_TCP_OPTIONS_MAX_BYTES);
    size_t len;

    memcpy(eno, eno_bytes, sizeof(eno_bytes));
    eno[1] = (uint8_t)eno_len;
    o.eno = sl_cursor_of(eno, eno_len);
    memset(heap, 0xee, SL_TCP_OPTIONS_MAX_BYTES);
    len = sl_tcp_options_write(&o, heap);
    memcpy(out, heap, SL_TCP_OPTIONS_MAX_BYTES);
    free(heap);
    return len;
}

Test(tcp_options, write)
{
    for (size_t i = 0; i < COUNT(writes); i++) {
        uint8_t out[SL_TCP_OPTIONS_MAX_BYTES];
        const size_t len = write_exact(writes[i].o, writes[i].eno_len, out);

        cr_expect_eq(len, writes[i].len, "%s: %zu", writes[i].story, len);
        cr_expect_eq(memcmp(out, writes[i].wire, writes[i].len), 0, "%s", writes[i].story);
    }
}

Test(tcp_options, eno_room_is_what_the_others_leave) /* trap 5 */
{
    for (unsigned set = 0; set < 16; set++) {
        const struct sl_tcp_options o = {.mss_bytes = (set & 1) != 0 ? 1460 : 0,
                                         .has_wscale = (set & 2) != 0,
                                         .sack_permitted = (set & 4) != 0,
                                         .has_ts = (set & 8) != 0};
        const size_t room = sl_tcp_options_eno_room(&o);
        uint8_t out[SL_TCP_OPTIONS_MAX_BYTES];

        cr_expect_eq(write_exact(o, room, out), SL_TCP_OPTIONS_MAX_BYTES, "set %u", set);
        if (room < 40)
            cr_expect_eq(write_exact(o, room + 1, out), 0, "set %u", set);
        if (set == 15)
            cr_expect_eq(room, 21);
    }
}

Test(tcp_options, what_is_written_reads_back)
{
    srand(7);
    for (unsigned i = 0; i < 200000; i++) {
        const int set = rand();
        struct sl_tcp_options o = {.tsval = (uint32_t)rand(), .tsecr = (uint32_t)rand()}, back;
        const size_t eno_len = (set & 16) != 0 ? 2 + (size_t)rand() % 20 : 0;
        uint8_t out[SL_TCP_OPTIONS_MAX_BYTES], *heap;
        size_t len;

        o.has_ts = (set & 1) != 0;
        o.has_wscale = (set & 2) != 0;
        o.sack_permitted = (set & 4) != 0;
        o.mss_bytes = (set & 8) != 0 ? (uint16_t)(1 + rand() % 65535) : 0;
        o.wscale = o.has_wscale ? (uint8_t)rand() : 0;
        o.n_sack = (uint8_t)(rand() % 5);
        for (uint8_t k = 0; k < o.n_sack; k++) {
            o.sack[k].left = (sl_seq)rand() * 2 + (sl_seq)rand() % 2;
            o.sack[k].right = o.sack[k].left + 1 + (sl_seq)rand();
        }
        if (!o.has_ts)
            o.tsval = o.tsecr = 0;
        len = write_exact(o, eno_len, out);
        cr_assert(len % 4 == 0 && len <= SL_TCP_OPTIONS_MAX_BYTES);
        cr_assert(len > 0 || eno_len > sl_tcp_options_eno_room(&o) ||
                  (eno_len == 0 && o.n_sack == 0 && sl_tcp_options_eno_room(&o) == 40));
        if (len == 0)
            continue;
        heap = exact(out, len, 0);
        cr_assert_eq(sl_tcp_options_read(sl_cursor_of(heap, len), true, &back), SL_DROP_NONE);
        cr_assert(back.n_sack <= o.n_sack);
        cr_assert_eq(sl_cursor_left(&back.eno), eno_len > 0 ? eno_len - 2 : 0);
        o.n_sack = back.n_sack;
        o.n_eno = eno_len > 0;
        cr_assert(same(&back, &o));
        free(heap);
    }
}

Test(tcp_options, any_bytes_are_survived) /* MUST-7 */
{
    srand(11);
    for (unsigned i = 0; i < 300000; i++) {
        static const uint8_t likely[] = {0, 1, 2, 2, 3, 3, 4, 5, 8, 10, 18, 69};
        const size_t len = (size_t)rand() % (SL_TCP_OPTIONS_MAX_BYTES + 1);
        uint8_t bytes[SL_TCP_OPTIONS_MAX_BYTES], *heap;
        struct sl_tcp_options o;

        for (size_t k = 0; k < len; k++)
            bytes[k] = rand() % 4 == 0 ? (uint8_t)rand() : likely[(size_t)rand() % COUNT(likely)];
        heap = exact(bytes, len, 0);
        if (sl_tcp_options_read(sl_cursor_of(heap, len), rand() % 2 == 0, &o) == SL_DROP_NONE) {
            cr_assert_leq(o.n_sack, SL_TCP_SACK_MAX);
            for (uint8_t k = 0; k < o.n_sack; k++)
                cr_assert(sl_seq_lt(o.sack[k].left, o.sack[k].right));
            cr_assert(o.n_eno == 0 || (o.eno.at >= heap + 2 && o.eno.end <= heap + len));
        }
        free(heap);
    }
}
