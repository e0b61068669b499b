/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/cursor.h"

#include <stdlib.h>

#include <criterion/criterion.h>

Test(cursor, reads_big_endian_numbers_of_any_width)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};

    for (size_t n = 0; n <= 8; n++) {
        struct sl_cursor c = sl_cursor_of(bytes, sizeof(bytes));

        cr_expect_eq(sl_take_be(&c, n), n == 0 ? 0 : UINT64_C(0x0102030405060708) >> (64 - 8 * n));
        cr_expect_eq(sl_cursor_left(&c), 8 - n);
        cr_expect_not(c.bad);
    }
}

Test(cursor, stays_bad_after_a_read_past_the_end)
{
    uint8_t *bytes = malloc(3); /* exact, so that the address sanitizer sees a read too far */
    struct sl_cursor c;

    memset(bytes, 0xff, 3);
    c = sl_cursor_of(bytes, 3);
    cr_expect_eq(sl_take_be(&c, 4), 0);
    cr_expect(c.bad);
    cr_expect_eq(sl_cursor_left(&c), 0);
    cr_expect_eq(sl_take_be(&c, 1), 0, "what was left is gone");
    cr_expect_eq(sl_take_be(&c, 0), 0);
    cr_expect(c.bad);
    free(bytes);
}

Test(cursor, refuses_a_length_that_would_wrap_the_pointer)
{
    static const uint8_t bytes[4];
    struct sl_cursor c = sl_cursor_of(bytes, sizeof(bytes));
    const struct sl_cursor cut = sl_take(&c, SIZE_MAX);

    cr_expect(c.bad && cut.bad);
    cr_expect_eq(sl_cursor_left(&cut), 0);
}

Test(cursor, cuts_a_cursor_that_cannot_leave_its_part)
{
    static const uint8_t bytes[] = {1, 2, 3, 4};
    struct sl_cursor c = sl_cursor_of(bytes, sizeof(bytes));
    struct sl_cursor cut = sl_take(&c, 2);

    cr_expect_eq(sl_take_be(&cut, 2), 0x0102);
    cr_expect_eq(sl_take_be(&cut, 1), 0);
    cr_expect(cut.bad);
    cr_expect_not(c.bad);
    cr_expect_eq(sl_take_be(&c, 2), 0x0304);
}

Test(cursor, copies_bytes_or_zeroes)
{
    static const uint8_t bytes[] = {1, 2, 3};
    struct sl_cursor c = sl_cursor_of(bytes, sizeof(bytes));
    uint8_t out[2] = {9, 9};

    sl_take_bytes(&c, out, 2);
    cr_expect(out[0] == 1 && out[1] == 2 && !c.bad);
    sl_take_bytes(&c, out, 2);
    cr_expect(out[0] == 0 && out[1] == 0 && c.bad);
}

Test(cursor, of_no_bytes_is_empty_and_good)
{
    struct sl_cursor c = sl_cursor_of(NULL, 0);

    cr_expect_eq(sl_cursor_left(&c), 0);
    cr_expect_eq(sl_take_be(&c, 0), 0);
    cr_expect_not(c.bad);
}

Test(writer, writes_big_endian_up_to_the_last_byte)
{
    uint8_t *bytes = malloc(8);
    struct sl_writer w = sl_writer_of(bytes, 8);

    sl_put_be(&w, 0x1122334455, 3); /* the low three bytes */
    sl_put_be(&w, 0xab, 1);
    sl_put(&w, "wxyz", 4);
    cr_expect_not(w.full);
    cr_expect(memcmp(bytes, "\x33\x44\x55\xabwxyz", 8) == 0);
    cr_expect_eq(w.at, w.end);
    free(bytes);
}

Test(writer, stays_full_and_writes_nothing_past_the_end)
{
    uint8_t bytes[4] = {7, 7, 7, 7};
    struct sl_writer w = sl_writer_of(bytes, 3);

    sl_put_be(&w, 0, 4);
    cr_expect(w.full);
    cr_expect(bytes[0] == 7 && bytes[3] == 7, "nothing of what does not fit is written");
    sl_put(&w, "ab", 2);
    cr_expect(w.full, "for good, also when a later piece fits");
    sl_put(&w, NULL, 0);
    cr_expect_eq(bytes[3], 7);
}
