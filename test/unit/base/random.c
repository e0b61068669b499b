/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/random.h"

#include <string.h>

#include <criterion/criterion.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

Test(random, seeded_is_xoshiro256ss)
{
    /* First outputs of the authors' xoshiro256starstar.c for the state 1, 2, 3, 4. */
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct sl_random_seeded r;
    struct sl_random *source = sl_random_seed(&r, 0);

    memcpy(r.state, (uint64_t[]){1, 2, 3, 4}, sizeof(r.state));
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        cr_expect_eq(sl_random_u64(source), expected[i], "output %zu", i);
}

Test(random, seeds_through_splitmix64)
{
    /* First outputs of the authors' splitmix64.c for the seed 1234567. */
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),
        UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431),
    };
    struct sl_random_seeded r;

    cr_expect_eq(sl_random_seed(&r, 1234567), &r.base);
    cr_expect_arr_eq(r.state, expected, sizeof(expected));
}

Test(random, the_same_seed_gives_the_same_bytes_at_any_alignment)
{
    for (size_t n = 0; n <= 40; n++) {
        uint8_t expected[40];
        struct sl_random_seeded r;

        cr_assert(sl_random_fill(sl_random_seed(&r, 7), expected, sizeof(expected)));
        for (size_t offset = 0; offset < 8; offset++) {
            uint8_t out[56];

            memset(out, 0xee, sizeof(out));
            cr_assert(sl_random_fill(sl_random_seed(&r, 7), out + offset, n));
            cr_expect(memcmp(out + offset, expected, n) == 0, "%zu bytes at %zu", n, offset);
            cr_expect(out[offset + n] == 0xee && (offset == 0 || out[offset - 1] == 0xee));
        }
    }
}

Test(random, other_seeds_give_other_bytes)
{
    struct sl_random_seeded a, b;

    cr_expect_neq(sl_random_u64(sl_random_seed(&a, 1)), sl_random_u64(sl_random_seed(&b, 2)));
}

Test(random, below_keeps_its_bound)
{
    static const uint64_t bounds[] = {
        1, 2, 3, 10, 63, 64, 65, UINT64_C(1) << 32, (UINT64_C(1) << 63) + 1, UINT64_MAX,
    };
    struct sl_random_seeded r;

    sl_random_seed(&r, 11);
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        for (int n = 0; n < 1000; n++)
            cr_assert_lt(sl_random_below(&r.base, bounds[i]), bounds[i]);
    }
}

Test(random, below_is_uniform)
{
    struct sl_random_seeded r;
    uint64_t hits[10] = {0}, low = 0;
    const uint64_t three_quarters = UINT64_C(3) << 62;

    sl_random_seed(&r, 12);
    for (int n = 0; n < 100000; n++)
        hits[sl_random_below(&r.base, 10)]++;
    for (int i = 0; i < 10; i++) /* 10,000 each; deviation 95 */
        cr_expect(hits[i] > 9500 && hits[i] < 10500, "%d: %lu times", i, (unsigned long)hits[i]);

    /* Without rejection a third of this range would be hit by half of the draws. */
    for (int n = 0; n < 30000; n++)
        low += sl_random_below(&r.base, three_quarters) % 3 == 0;
    cr_expect(low > 9500 && low < 10500, "%lu times", (unsigned long)low);
}

static bool fill_fails(struct sl_random *r, void *out, size_t n)
{
    (void)r;
    memset(out, 0, n);
    return false;
}

static bool fill_zeroes(struct sl_random *r, void *out, size_t n)
{
    (void)r;
    memset(out, 0, n);
    return true;
}

Test(random, below_ends_though_the_source_fails, .timeout = 5)
{
    struct sl_random fails = {fill_fails}, zeroes = {fill_zeroes};

    cr_expect_eq(sl_random_u64(&fails), 0);
    cr_expect_eq(sl_random_below(&fails, 3), 0);
    cr_expect_eq(sl_random_below(&zeroes, (UINT64_C(1) << 63) + 1), 0);
}

Test(random, system_fills_and_never_the_same)
{
    struct sl_random *r = sl_random_system();
    uint8_t a[64] = {0}, b[64] = {0};
    int zeroes = 0;

    cr_assert(sl_random_fill(r, a, sizeof(a)) && sl_random_fill(r, b, sizeof(b)));
    cr_expect(memcmp(a, b, sizeof(a)) != 0);
    for (size_t i = 0; i < sizeof(a); i++)
        zeroes += a[i] == 0;
    cr_expect_lt(zeroes, 10);
    cr_expect(sl_random_fill(r, NULL, 0));
}
