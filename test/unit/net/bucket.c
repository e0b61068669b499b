/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/bucket.h"

#include <criterion/criterion.h>

static unsigned take_all(struct sl_bucket *b, struct sl_random *random, uint64_t now_ns)
{
    unsigned n = 0;

    while (sl_bucket_take(b, random, now_ns))
        n++;
    return n;
}

/* Reading D34 */
Test(bucket, starts_with_a_burst_of_half_its_rate)
{
    struct sl_random_seeded seeded;
    struct sl_random *random = sl_random_seed(&seeded, 1);
    struct sl_bucket b;

    sl_bucket_init(&b, 100, 0);
    cr_expect_eq(take_all(&b, random, 0), 50);
    cr_expect_eq(take_all(&b, random, 99000000), 0, "no refill within a step");
    sl_bucket_init(&b, 1, 0);
    cr_expect_eq(take_all(&b, random, 0), 1);
    sl_bucket_init(&b, 0, 0);
    cr_expect_eq(take_all(&b, random, 0), 0, "0 is never");
    cr_expect_eq(take_all(&b, random, UINT64_MAX), 0);
}

Test(bucket, keeps_its_rate_in_the_long_run)
{
    struct sl_random_seeded seeded;
    struct sl_random *random = sl_random_seed(&seeded, 7);
    struct sl_bucket b;
    uint64_t now_ns, n = 0;

    sl_bucket_init(&b, 100, 0);
    take_all(&b, random, 0);
    for (now_ns = 0; now_ns <= 1000000000000; now_ns += 1000000)
        n += sl_bucket_take(&b, random, now_ns);
    cr_expect(n > 95000 && n < 105000, "%zu in 1000 s", (size_t)n);
}

/* CVE-2020-25705: what a step brings cannot be foretold. */
Test(bucket, refills_by_random_amounts)
{
    struct sl_random_seeded seeded;
    struct sl_random *random = sl_random_seed(&seeded, 3);
    struct sl_bucket b;
    uint64_t seen = 0;
    unsigned i, most = 0;

    sl_bucket_init(&b, 100, 0);
    take_all(&b, random, 0);
    for (i = 1; i <= 400; i++) {
        const unsigned n = take_all(&b, random, i * 100000000ULL);

        seen |= 1ULL << n;
        most = n > most ? n : most;
    }
    cr_expect_leq(most, 20, "never more than twice the mean");
    cr_expect_geq(__builtin_popcountll(seen), 15);
}

Test(bucket, long_silence_fills_it_no_further_than_its_burst)
{
    struct sl_random_seeded seeded;
    struct sl_random *random = sl_random_seed(&seeded, 1);
    struct sl_bucket b;

    sl_bucket_init(&b, UINT32_MAX, 0);
    b.tokens_milli = 0;
    cr_expect(sl_bucket_take(&b, random, UINT64_MAX - 1));
    cr_expect_leq(b.tokens_milli, UINT32_MAX / 2 * 1000ULL);
    sl_bucket_init(&b, 100, 0);
    cr_expect_leq(take_all(&b, random, UINT64_MAX - 1), 50);
}
