/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/rto.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

/* The RFC's own bounds, and those of reading D18. */
static const struct sl_rto_bounds rfc = {1 * S, 1 * S, 60 * S, 1 * MS};
static const struct sl_rto_bounds d18 = {1 * S, 200 * MS, 120 * S, 1 * MS};
static const struct sl_rto_bounds low = {1 * S, 5 * MS, 120 * S, 1 * MS};

Test(rto, is_one_second_before_the_first_sample) /* T6298-1 */
{
    struct sl_rto r = {.srtt_ns = 9, .backoff = 3};

    sl_rto_init(&r, &d18);
    cr_expect_eq(sl_rto_now(&r, &d18), 1 * S);
    cr_expect_eq(r.srtt_ns, 0);
    cr_expect_eq(r.min_rtt_ns, 0);
}

Test(rto, first_sample) /* T6298-2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR */
{
    struct sl_rto r;

    sl_rto_init(&r, &d18);
    sl_rto_sample(&r, &d18, 100 * MS, 1);
    cr_expect_eq(r.srtt_ns, 100 * MS);
    cr_expect_eq(r.rttvar_ns, 50 * MS);
    cr_expect_eq(sl_rto_now(&r, &d18), 300 * MS);
    cr_expect_eq(r.min_rtt_ns, 100 * MS);
}

Test(rto, later_samples_move_the_variance_by_the_old_mean_first) /* T6298-3 */
{
    struct sl_rto r;

    sl_rto_init(&r, &d18);
    sl_rto_sample(&r, &d18, 100 * MS, 1);
    sl_rto_sample(&r, &d18, 200 * MS, 1);
    cr_expect_eq(r.rttvar_ns, 62500000); /* 3/4 50 + 1/4 |100 - 200|; after the mean: 59.375 */
    cr_expect_eq(r.srtt_ns, 112500000);  /* 7/8 100 + 1/8 200 */
    cr_expect_eq(sl_rto_now(&r, &d18), 362500000);
    sl_rto_sample(&r, &d18, 32500000, 1);
    cr_expect_eq(r.rttvar_ns, 66875000);  /* 3/4 62.5 + 1/4 80 */
    cr_expect_eq(r.srtt_ns, 102500000);   /* 7/8 112.5 + 1/8 32.5 */
    cr_expect_eq(r.min_rtt_ns, 32500000); /* the lowest so far */
    sl_rto_sample(&r, &d18, 40 * MS, 1);
    cr_expect_eq(r.min_rtt_ns, 32500000);
}

Test(rto, is_rounded_up_to_the_minimum) /* T6298-4, D18 */
{
    struct sl_rto r;

    sl_rto_init(&r, &rfc);
    sl_rto_sample(&r, &rfc, 100 * MS, 1);
    cr_expect_eq(sl_rto_now(&r, &rfc), 1 * S);
    sl_rto_init(&r, &d18);
    sl_rto_sample(&r, &d18, 1 * MS, 1);
    cr_expect_eq(sl_rto_now(&r, &d18), 200 * MS);
    sl_rto_init(&r, &low);
    sl_rto_sample(&r, &low, 1 * MS, 1);
    cr_expect_eq(sl_rto_now(&r, &low), 5 * MS);
}

Test(rto, variance_counts_for_a_tick_at_least) /* T6298-8 */
{
    struct sl_rto r;

    sl_rto_init(&r, &low);
    for (int i = 0; i < 200; i++)
        sl_rto_sample(&r, &low, 10 * MS, 1);
    cr_expect_eq(r.srtt_ns, 10 * MS);
    cr_expect_lt(4 * r.rttvar_ns, low.granularity_ns);
    cr_expect_eq(sl_rto_now(&r, &low), 11 * MS);
}

Test(rto, doubles_up_to_the_maximum) /* T6298-5, T6298-11 */
{
    static const uint64_t seconds[] = {1, 2, 4, 8, 16, 32, 64, 120, 120};
    struct sl_rto r;

    sl_rto_init(&r, &d18);
    for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        cr_expect_eq(sl_rto_now(&r, &d18), seconds[i] * S, "after %u", i);
        sl_rto_backoff(&r);
    }
    for (int i = 0; i < 1000; i++) {
        sl_rto_backoff(&r);
        cr_expect_eq(sl_rto_now(&r, &d18), 120 * S, "and stays there");
    }
}

Test(rto, a_sample_ends_the_back_off)
{
    struct sl_rto r;

    sl_rto_init(&r, &d18);
    sl_rto_backoff(&r);
    sl_rto_backoff(&r);
    sl_rto_sample(&r, &d18, 100 * MS, 1);
    cr_expect_eq(r.backoff, 0);
    cr_expect_eq(sl_rto_now(&r, &d18), 300 * MS);
}

Test(rto, many_samples_in_a_round_trip_weigh_as_one) /* T7323-24, RFC 7323 appendix G */
{
    struct sl_rto one, many;

    sl_rto_init(&one, &d18);
    sl_rto_sample(&one, &d18, 100 * MS, 1);
    many = one;
    sl_rto_sample(&one, &d18, 180 * MS, 1);
    for (int i = 0; i < 64; i++)
        sl_rto_sample(&many, &d18, 180 * MS, 64);
    /* (1 - 1/512)^64 of the distance is left, where one sample leaves 1 - 1/8: near enough. */
    cr_expect(many.srtt_ns > 109 * MS && many.srtt_ns < 110 * MS, "%lu", many.srtt_ns);
    cr_expect_eq(one.srtt_ns, 110 * MS);
    cr_expect(many.rttvar_ns > 55 * MS && many.rttvar_ns < one.rttvar_ns + MS, "%lu",
              many.rttvar_ns);
    sl_rto_sample(&many, &d18, 100 * MS, 0); /* counts as 1 */
}

Test(rto, a_round_trip_within_one_clock_reading_is_a_sample)
{
    struct sl_rto r;

    sl_rto_init(&r, &d18);
    sl_rto_sample(&r, &d18, 0, 1);
    cr_expect_eq(r.srtt_ns, 1);
    cr_expect_eq(r.min_rtt_ns, 1);
    cr_expect_eq(sl_rto_now(&r, &d18), 200 * MS);
}

Test(rto, absurd_samples_do_not_wrap)
{
    struct sl_rto r;

    sl_rto_init(&r, &d18);
    for (int i = 0; i < 100; i++) {
        sl_rto_sample(&r, &d18, i % 2 == 0 ? UINT64_MAX : 0, (uint32_t)i);
        cr_expect_eq(sl_rto_now(&r, &d18), 120 * S);
    }
}
