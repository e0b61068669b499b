/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "tcp/cc.h"

enum { MSS = 1000, IW = 10 * MSS };

static const struct sl_cc_ops *const ops = &sl_cc_newreno;

static struct sl_cc fresh(void)
{
    struct sl_cc cc;

    ops->init(&cc, MSS, IW);
    return cc;
}

/* A connection in congestion avoidance with this window. */
static struct sl_cc avoiding(uint32_t cwnd)
{
    struct sl_cc cc = fresh();

    cc.cwnd = cc.ssthresh = cwnd;
    return cc;
}

#define ACKED(cc, ...) ops->acked(cc, &(struct sl_cc_acked){.cwnd_limited = true, __VA_ARGS__})
#define LOST(cc, ...)  ops->lost(cc, &(struct sl_cc_lost){__VA_ARGS__})

Test(cc, is_found_by_name_and_by_index)
{
    uint8_t index = 99;

    cr_expect_eq(sl_cc_find("newreno", &index), ops);
    cr_expect_eq(sl_cc_at(index), ops);
    cr_expect_str_eq(ops->name, "newreno");
    index = 99;
    cr_expect_null(sl_cc_find("vegas", &index));
    cr_expect_eq(index, 99);
}

Test(cc_newreno, starts_with_the_initial_window_and_no_threshold) /* T5681-3, T6928-1 */
{
    const struct sl_cc cc = fresh();

    cr_expect_eq(cc.cwnd, IW);
    cr_expect_eq(cc.ssthresh, UINT32_MAX);
    cr_expect_eq(cc.mss, MSS);
    cr_expect_eq(cc.pacing_bytes_per_s, 0);
}

Test(cc_newreno, slow_start_grows_by_the_bytes_acknowledged) /* T5681-5, T3465-1 */
{
    struct sl_cc cc = fresh();

    ACKED(&cc, .bytes = 1);
    cr_expect_eq(cc.cwnd, IW + 1, "a sliver earns a sliver: ACK division is worth nothing");
    ACKED(&cc, .bytes = 2 * MSS);
    cr_expect_eq(cc.cwnd, IW + 1 + 2 * MSS);
    ACKED(&cc, .bytes = 9 * MSS);
    cr_expect_eq(cc.cwnd, IW + 1 + 4 * MSS, "L is 2 SMSS (D21)");
}

Test(cc_newreno, slow_start_after_a_time_out_grows_by_one_segment) /* T3465-2 */
{
    struct sl_cc cc = fresh();

    LOST(&cc, .signal = SL_CC_RTO, .flight_bytes = IW);
    ACKED(&cc, .bytes = 2 * MSS, .after_rto = true);
    cr_expect_eq(cc.cwnd, 2 * MSS);
    ACKED(&cc, .bytes = MSS / 2, .after_rto = true);
    cr_expect_eq(cc.cwnd, 2 * MSS + MSS / 2);
}

Test(cc_newreno, at_the_threshold_slow_start_ends) /* T5681-4 */
{
    struct sl_cc cc = fresh();

    cc.ssthresh = IW + 1;
    ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, IW + MSS);
    ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, IW + MSS);
}

Test(cc_newreno, congestion_avoidance_grows_one_segment_a_window) /* T5681-6, trap 4 */
{
    struct sl_cc cc = avoiding(10 * MSS);

    for (int i = 0; i < 9; i++)
        ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, 10 * MSS);
    ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, 11 * MSS);
    /* Ten round trips in slivers: one segment each, no constant on top (RFC 2525 2.6). */
    for (uint32_t trip = 0; trip < 10; trip++)
        for (uint32_t left = cc.cwnd; left > 0; left -= 500)
            ACKED(&cc, .bytes = 500);
    cr_expect_eq(cc.cwnd, 21 * MSS);
}

Test(cc_newreno, congestion_avoidance_counts_what_stretch_acks_bring)
{
    struct sl_cc cc = avoiding(10 * MSS);

    ACKED(&cc, .bytes = 10 * MSS);
    cr_expect_eq(cc.cwnd, 11 * MSS);
    ACKED(&cc, .bytes = 6 * MSS);
    ACKED(&cc, .bytes = 6 * MSS);
    cr_expect_eq(cc.cwnd, 12 * MSS);
    ACKED(&cc, .bytes = 11 * MSS);
    cr_expect_eq(cc.cwnd, 13 * MSS, "the one left over counts");
}

Test(cc_newreno, does_not_grow_while_nobody_fills_it) /* trap 4 */
{
    const struct sl_cc_acked unfilled = {.bytes = MSS, .cwnd_limited = false};
    struct sl_cc cc = fresh();

    ops->acked(&cc, &unfilled);
    cr_expect_eq(cc.cwnd, IW);
    cc = avoiding(2 * MSS);
    for (int i = 0; i < 10; i++)
        ops->acked(&cc, &unfilled);
    ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, 2 * MSS);
}

Test(cc_newreno, does_not_grow_in_recovery)
{
    struct sl_cc cc = fresh();

    ACKED(&cc, .bytes = MSS, .in_recovery = true);
    cr_expect_eq(cc.cwnd, IW);
}

Test(cc_newreno, never_grows_past_what_a_peer_can_announce)
{
    struct sl_cc cc = fresh();

    cc.cwnd = (65535U << 14) - 5;
    ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, 65535U << 14);
    cc.cwnd = UINT32_MAX - 1;
    ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, UINT32_MAX - 1);
}

Test(cc_newreno, fast_retransmit_halves_the_flight) /* T5681-10, -15 */
{
    struct sl_cc cc = fresh();

    cc.cwnd = 40 * MSS; /* the flight counts, not the window */
    LOST(&cc, .signal = SL_CC_FAST_RETRANSMIT, .flight_bytes = 20 * MSS);
    cr_expect_eq(cc.ssthresh, 10 * MSS);
    cr_expect_eq(cc.cwnd, 10 * MSS);
    LOST(&cc, .signal = SL_CC_FAST_RETRANSMIT, .flight_bytes = 3 * MSS);
    cr_expect_eq(cc.ssthresh, 2 * MSS, "two segments at least");
}

Test(cc_newreno, a_congestion_mark_counts_as_a_loss) /* RFC 3168 6.1.2 */
{
    struct sl_cc cc = fresh();

    LOST(&cc, .signal = SL_CC_ECN, .flight_bytes = 10 * MSS);
    cr_expect_eq(cc.ssthresh, 5 * MSS);
    cr_expect_eq(cc.cwnd, 5 * MSS);
}

Test(cc_newreno, a_time_out_leaves_one_segment) /* T5681-8, -9 */
{
    struct sl_cc cc = fresh();

    LOST(&cc, .signal = SL_CC_RTO, .flight_bytes = 8 * MSS);
    cr_expect_eq(cc.ssthresh, 4 * MSS);
    cr_expect_eq(cc.cwnd, MSS);
    LOST(&cc, .signal = SL_CC_RTO, .flight_bytes = MSS, .repeated = true);
    cr_expect_eq(cc.ssthresh, 4 * MSS, "of the same segment: the threshold stays");
    cr_expect_eq(cc.cwnd, MSS);
    LOST(&cc, .signal = SL_CC_RTO, .flight_bytes = MSS);
    cr_expect_eq(cc.ssthresh, 2 * MSS);
}

Test(cc_newreno, a_loss_forgets_what_was_counted)
{
    struct sl_cc cc = avoiding(10 * MSS);

    ACKED(&cc, .bytes = 9 * MSS);
    LOST(&cc, .signal = SL_CC_FAST_RETRANSMIT, .flight_bytes = 10 * MSS);
    ACKED(&cc, .bytes = 4 * MSS);
    cr_expect_eq(cc.cwnd, 5 * MSS);
    ACKED(&cc, .bytes = MSS);
    cr_expect_eq(cc.cwnd, 6 * MSS);
}

Test(cc_newreno, recovery_ends_without_a_burst) /* T6582-2, -7 */
{
    struct sl_cc cc = avoiding(10 * MSS);

    cc.cwnd = 17 * MSS; /* inflated */
    ops->recovered(&cc, 20 * MSS, 0);
    cr_expect_eq(cc.cwnd, 10 * MSS, "ssthresh");
    ops->recovered(&cc, 4 * MSS, 0);
    cr_expect_eq(cc.cwnd, 5 * MSS, "what is in flight, and one more");
    ops->recovered(&cc, 0, 0);
    cr_expect_eq(cc.cwnd, 2 * MSS);
}

Test(cc_newreno, sending_changes_nothing)
{
    struct sl_cc cc = fresh();
    const struct sl_cc before = cc;

    ops->sent(&cc, 5, MSS, MSS);
    cr_expect_eq(cc.cwnd, before.cwnd);
    cr_expect_eq(cc.ssthresh, before.ssthresh);
}

Test(cc_newreno, idle_time_halves_it_down_to_the_restart_window) /* T5681-18, D19 */
{
    struct sl_cc cc = avoiding(80 * MSS);

    ops->idle(&cc, 200, 200, IW);
    cr_expect_eq(cc.cwnd, 80 * MSS, "not more than one RTO");
    ops->idle(&cc, 399, 200, IW);
    cr_expect_eq(cc.cwnd, 40 * MSS);
    cr_expect_eq(cc.ssthresh, 80 * MSS);
    ops->idle(&cc, 400, 200, IW);
    cr_expect_eq(cc.cwnd, 10 * MSS);
    cc.cwnd = 15 * MSS;
    ops->idle(&cc, 400, 200, IW);
    cr_expect_eq(cc.cwnd, 10 * MSS, "not below the initial window");
    cc.cwnd = 3 * MSS;
    ops->idle(&cc, UINT64_MAX, 1, IW);
    cr_expect_eq(cc.cwnd, 3 * MSS, "nor below itself");
    ops->idle(&cc, 5, 0, IW);
    cr_expect_eq(cc.cwnd, 3 * MSS);
}

Test(cc_newreno, idle_time_remembers_three_quarters) /* RFC 2861 3 */
{
    struct sl_cc cc = avoiding(80 * MSS);

    cc.ssthresh = 20 * MSS;
    ops->idle(&cc, 1000, 200, IW);
    cr_expect_eq(cc.ssthresh, 60 * MSS);
}

Test(cc_newreno, a_smaller_segment_size_keeps_the_number_of_segments) /* T5681-22 */
{
    struct sl_cc cc = avoiding(10 * MSS);

    ops->mss_changed(&cc, 500);
    cr_expect_eq(cc.cwnd, 5000);
    cr_expect_eq(cc.mss, 500);
    ops->mss_changed(&cc, 1000);
    cr_expect_eq(cc.cwnd, 5000, "a larger one is no news of the path's room");
    cc.cwnd = MSS;
    cc.mss = 1400;
    ops->mss_changed(&cc, 1000);
    cr_expect_eq(cc.cwnd, 1000, "one segment at least");
    cc.cwnd = 65535U << 14;
    ops->mss_changed(&cc, 500);
    cr_expect_eq(cc.cwnd, 65535U << 13);
}
