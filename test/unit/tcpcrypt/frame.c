/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/frame.h"

#include <criterion/criterion.h>

static const struct {
    const char *story;
    uint8_t wire[3];
    bool ok;
    struct sl_frame_head h;
} heads[] = {
    {"one flags byte and a tag", {0, 0, 17}, true, {.clen = 17}},
    {"a tag alone cannot be (trap 12)", {0, 0, 16}, false, {0}},
    {"clen 0", {0, 0, 0}, false, {0}},
    {"the largest (R69)", {0, 0xff, 0xff}, true, {.clen = 65535}},
    {"rekey", {1, 1, 0}, true, {.clen = 256, .rekey = true}},
    {"reserved bits are ignored (R70)", {0xfe, 1, 0}, true, {.clen = 256}},
};

Test(frame, head_is_read)
{
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct sl_frame_head h;
        const bool ok = sl_frame_head_read(sl_cursor_of(heads[i].wire, 3), &h);

        cr_expect_eq(ok, heads[i].ok, "%s", heads[i].story);
        cr_expect(!ok || (h.clen == heads[i].h.clen && h.rekey == heads[i].h.rekey), "%s",
                  heads[i].story);
        cr_expect_not(sl_frame_head_read(sl_cursor_of(heads[i].wire, 2), &h), "cut short");
    }
}

Test(frame, head_is_written_with_reserved_bits_zero) /* R70 */
{
    uint8_t out[3];

    sl_frame_head_write(out, false, 1);
    cr_expect_arr_eq(out, ((uint8_t[]){0, 0, 17}), 3);
    sl_frame_head_write(out, true, SL_FRAME_PLAIN_MAX_BYTES);
    cr_expect_arr_eq(out, ((uint8_t[]){1, 0xff, 0xff}), 3);
}

static const struct {
    const char *story;
    uint8_t wire[4];
    size_t len;
    bool ok;
    struct sl_frame_prefix p;
} prefixes[] = {
    {"data", {0, 'x'}, 2, true, {.len = 1}},
    {"FINp without data", {1}, 1, true, {.finp = true, .len = 1}},
    {"URGp", {2, 0x12, 0x34, 'x'}, 4, true, {.urgp = true, .urgent = 0x1234, .len = 3}},
    {"URGp and FINp, no data", {3, 0, 0}, 3, true, {.finp = true, .urgp = true, .len = 3}},
    {"reserved bits are ignored (R71)", {0xfc, 1, 1}, 3, true, {.len = 1}},
    {"URGp without its field (A8)", {2}, 1, false, {0}},
    {"half an urgent field (A8)", {2, 1}, 2, false, {0}},
    {"no flags", {0}, 0, false, {0}},
};

Test(frame, prefix_is_read)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct sl_frame_prefix p;
        const bool ok = sl_frame_prefix_read(sl_cursor_of(prefixes[i].wire, prefixes[i].len), &p);

        cr_expect_eq(ok, prefixes[i].ok, "%s", prefixes[i].story);
        cr_expect(!ok || (p.finp == prefixes[i].p.finp && p.urgp == prefixes[i].p.urgp &&
                          p.urgent == prefixes[i].p.urgent && p.len == prefixes[i].p.len),
                  "%s", prefixes[i].story);
    }
}

Test(frame, prefix_is_written_with_reserved_bits_zero) /* R71 */
{
    uint8_t out[3] = {0xff, 0xff, 0xff};

    cr_expect_eq(sl_frame_prefix_write(out, &(struct sl_frame_prefix){0}), 1);
    cr_expect_eq(out[0], 0);
    cr_expect_eq(sl_frame_prefix_write(out, &(struct sl_frame_prefix){.finp = true}), 1);
    cr_expect_eq(out[0], 1);
    cr_expect_eq(
        sl_frame_prefix_write(out, &(struct sl_frame_prefix){.urgp = true, .urgent = 0x1234}), 3);
    cr_expect_arr_eq(out, ((uint8_t[]){2, 0x12, 0x34}), 3);
}

/* R73; the first is a frame of test/vectors, the second has every byte of the offset set. */
Test(frame, nonce_is_the_randomizer_and_the_offset)
{
    const uint8_t nr[12] = {0xff, 0x59, 0xad, 0x7c, 0x13, 0x8c, 0x88, 0xb3, 0x96, 0x2b, 0xf9, 0x9f};
    const uint8_t at_79[12] = {0xff, 0x59, 0xad, 0x7c, 0x13, 0x8c,
                               0x88, 0xb3, 0x96, 0x2b, 0xf9, 0xd0};
    uint8_t nonce[12];

    sl_frame_nonce(nr, 79, nonce);
    cr_expect_arr_eq(nonce, at_79, 12);
    sl_frame_nonce((uint8_t[12]){0}, UINT64_C(0x0102030405060708), nonce);
    cr_expect_arr_eq(nonce, ((uint8_t[12]){0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}), 12);
}
