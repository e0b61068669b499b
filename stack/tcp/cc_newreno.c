/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/cc.h"

/*
 * NewReno: RFC 5681 with the byte counting of RFC 3465. What fast recovery adds to and takes from
 * cwnd while it lasts (RFC 6582) is ack.c's; here are the windows at its ends.
 */
enum { COUNTED = 0 }; /* in state[]: bytes acknowledged towards the next growth (RFC 3465 2.1) */

enum { WINDOW_MAX_BYTES = 65535 << 14 }; /* what a peer can announce at most (RFC 7323 2.3) */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void init(struct sl_cc *cc, uint32_t mss, uint32_t initial_window)
{
    *cc = (struct sl_cc){.cwnd = initial_window, .ssthresh = UINT32_MAX, .mss = mss}; /* T5681-3 */
}

static void grow(struct sl_cc *cc, uint32_t bytes)
{
    cc->cwnd = larger(cc->cwnd, smaller(cc->cwnd + bytes, WINDOW_MAX_BYTES));
}

static void acked(struct sl_cc *cc, const struct sl_cc_acked *e)
{
    const uint32_t limit = e->after_rto ? cc->mss : 2 * cc->mss; /* L: D21, T3465-1, -2 */

    if (e->in_recovery || !e->cwnd_limited) /* trap 4: what nobody fills does not grow */
        return;
    if (cc->cwnd < cc->ssthresh) { /* T5681-4 */
        grow(cc, smaller(e->bytes, limit));
        return;
    }
    cc->state[COUNTED] += e->bytes;
    if (cc->state[COUNTED] >= cc->cwnd) { /* a window's worth: one SMSS (T5681-6) */
        cc->state[COUNTED] -= cc->cwnd;
        grow(cc, cc->mss);
    }
}

static void lost(struct sl_cc *cc, const struct sl_cc_lost *e)
{
    if (!e->repeated) /* T5681-8, -10 */
        cc->ssthresh = larger(e->flight_bytes / 2, 2 * cc->mss);
    cc->state[COUNTED] = 0;
    cc->cwnd = e->signal == SL_CC_RTO ? cc->mss : cc->ssthresh; /* T5681-9; RFC 3168 6.1.2 */
}

static void recovered(struct sl_cc *cc, uint32_t flight_bytes, uint64_t now_ns)
{
    (void)now_ns;
    cc->cwnd = smaller(cc->ssthresh, larger(flight_bytes, cc->mss) + cc->mss); /* T6582-2, -7 */
}

static void sent(struct sl_cc *cc, uint64_t now_ns, uint32_t bytes, uint32_t in_flight)
{
    (void)cc; /* acknowledgments alone drive it */
    (void)now_ns;
    (void)bytes;
    (void)in_flight;
}

/* T5681-18 with reading D19: RFC 2861's decay; ssthresh remembers most of what was reached. */
static void idle(struct sl_cc *cc, uint64_t idle_ns, uint64_t rto_ns, uint32_t initial_window)
{
    const uint32_t floor = smaller(cc->cwnd, initial_window);
    uint64_t n;

    if (rto_ns == 0 || idle_ns <= rto_ns)
        return;
    cc->ssthresh = larger(cc->ssthresh, cc->cwnd / 4 * 3);
    for (n = idle_ns / rto_ns; n > 0 && cc->cwnd > floor; n--)
        cc->cwnd = larger(cc->cwnd / 2, floor);
    cc->state[COUNTED] = 0;
}

static void mss_changed(struct sl_cc *cc, uint32_t mss)
{
    if (mss < cc->mss) /* T5681-22: as many segments as before */
        cc->cwnd = larger((uint32_t)((uint64_t)cc->cwnd * mss / cc->mss), mss);
    cc->mss = mss;
}

const struct sl_cc_ops sl_cc_newreno = {
    .name = "newreno",
    .init = init,
    .acked = acked,
    .lost = lost,
    .recovered = recovered,
    .sent = sent,
    .idle = idle,
    .mss_changed = mss_changed,
};
