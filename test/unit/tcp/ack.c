/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <criterion/criterion.h>

#include "script.h"

/* Congestion windows as acknowledgments move them, and what else these do. */
TestSuite(ack, .fini = script_over);

enum { MSS = 1460 };

static void acknowledges(struct script *s, unsigned segs)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "301:301 ack %u", 101 + segs * MSS);
    arrives(s, text);
}

Test(ack, handshake_does_not_grow_cwnd) /* T5681-2, -3; T6928-1 */
{
    struct script s = established();

    cr_expect_eq(s.tcb->cc.cwnd, 10 * MSS);
    cr_expect_gt(s.tcb->cc.ssthresh, 1 << 30);
}

Test(ack, passive_handshake_neither) /* T5681-2, T9293-16 */
{
    struct script s = established(.passive = true);

    cr_expect_eq(s.tcb->cc.cwnd, 10 * MSS);
    cr_expect_eq(s.tcb->snd_wnd, 65535);
    call_send(&s, 100);
    sends(&s, "101:201 ack *");
}

Test(ack, slow_start) /* T5681-4, -5; T3465-1 */
{
    struct script s = established();

    call_send(&s, 60000);
    cr_expect_eq(script_pending(&s), 10);
    script_skip(&s);
    acknowledges(&s, 1); /* 11, of which 9 in flight */
    cr_expect_eq(script_pending(&s), 2);
    script_skip(&s);
    acknowledges(&s, 3); /* 13, of which 9 in flight */
    cr_expect_eq(script_pending(&s), 4);
    script_skip(&s);
    acknowledges(&s, 13); /* 15: no more than L = 2 for an ACK */
    cr_expect_eq(script_pending(&s), 12, "3 in flight");
}

Test(ack, slow_start_after_a_timeout) /* T3465-2: L = 1; T5681-9, trap 6 */
{
    struct script s = established();

    call_send(&s, 60000);
    script_skip(&s);
    at(&s, 200);
    sends(&s, "101:1561 ack *");
    sends_nothing(&s);
    acknowledges(&s, 1);
    sends(&s, "1561:3021 ack *");
    sends(&s, "3021:4481 ack *");
    sends_nothing(&s);
    acknowledges(&s, 3); /* two segments: cwnd grows by one */
    cr_expect_eq(s.tcb->cc.cwnd, 3 * MSS);
    cr_expect_eq(script_pending(&s), 3);
    sends(&s, "4481:5941 ack *");
}

Test(ack, avoidance_one_segment_a_window) /* T5681-6 */
{
    struct script s = established();

    s.tcb->cc.ssthresh = 10 * MSS;
    call_send(&s, 60000);
    script_skip(&s);
    acknowledges(&s, 5);
    cr_expect_eq(s.tcb->cc.cwnd, 10 * MSS);
    cr_expect_eq(script_pending(&s), 5);
    script_skip(&s);
    acknowledges(&s, 10);
    cr_expect_eq(s.tcb->cc.cwnd, 11 * MSS);
}

Test(ack, what_nobody_fills_does_not_grow) /* trap 4 */
{
    struct script s = established();
    unsigned i;

    for (i = 1; i <= 100; i++) {
        call_send(&s, MSS);
        script_skip(&s);
        acknowledges(&s, i);
    }
    cr_expect_eq(s.tcb->cc.cwnd, 10 * MSS);
}

Test(ack, what_was_filled_once_does_not_grow_for_ever) /* trap 4: in the last round, that is */
{
    struct script s = established();
    unsigned i;

    call_send(&s, 10 * MSS);
    script_skip(&s);
    acknowledges(&s, 10);
    cr_expect_eq(s.tcb->cc.cwnd, 12 * MSS);
    for (i = 11; i <= 60; i++) {
        call_send(&s, MSS);
        script_skip(&s);
        acknowledges(&s, i);
    }
    cr_expect_eq(s.tcb->cc.cwnd, 12 * MSS);
}

Test(ack, what_the_peer_s_window_limits_does_not_grow) /* trap 4 */
{
    struct script s = established(.wnd = 5 * MSS);
    unsigned i;

    call_send(&s, 60000);
    script_skip(&s);
    for (i = 1; i <= 20; i++) {
        acknowledges(&s, i);
        script_skip(&s);
    }
    cr_expect_eq(s.tcb->cc.cwnd, 10 * MSS);
}

/* Grow cwnd to 20 segments and have everything acknowledged. */
static struct script grown(void)
{
    struct script s = established();
    unsigned i;

    call_send(&s, 40 * MSS);
    for (i = 1; i <= 10; i++) {
        script_skip(&s);
        acknowledges(&s, i);
    }
    for (; i <= 40; i++) {
        script_skip(&s);
        if (s.tcb->cc.cwnd > 20 * MSS)
            s.tcb->cc.cwnd = 20 * MSS;
        acknowledges(&s, i);
    }
    script_skip(&s);
    s.tcb->cc.cwnd = 20 * MSS;
    return s;
}

Test(ack, restart_after_idle) /* T5681-18, D19: halved once, and no lower than IW */
{
    struct script s = grown();

    after(&s, 250); /* the RTO is 200 ms */
    call_send(&s, 40 * MSS);
    cr_expect_eq(script_pending(&s), 10);
    cr_expect_geq(s.tcb->cc.ssthresh, 15 * MSS, "it remembers");
}

Test(ack, restart_after_long_idle) /* D19 */
{
    struct script s = grown();

    s.tcb->cc.cwnd = 45 * MSS;
    after(&s, 60000);
    call_send(&s, 45 * MSS);
    cr_expect_eq(script_pending(&s), 10);
}

Test(ack, a_pause_is_not_idle) /* T5681-18 */
{
    struct script s = grown();

    after(&s, 150);
    call_send(&s, 40 * MSS);
    cr_expect_eq(script_pending(&s), 20);
}

Test(ack, room_is_told) /* a blocked sender hears of room once a third is free */
{
    struct script s = established(.sndbuf_bytes = 14600);

    cr_expect_eq(call_send(&s, 20000), 14600);
    script_skip(&s);
    acknowledges(&s, 1);
    told_nothing(&s);
    acknowledges(&s, 4);
    told(&s, SL_TCP_EV_WRITABLE);
    acknowledges(&s, 10);
    told_nothing(&s);
}

Test(ack, rtt_of_the_handshake) /* T6298-2: SRTT = R, RTO = R + 4 * R / 2 */
{
    struct script s = established(.rtt_ms = 300);

    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(300000000));
    cr_expect_eq(s.tcb->rto.rto_ns, UINT64_C(900000000));
}

Test(ack, rtt_of_a_passive_handshake) /* T6298-2 */
{
    struct script s = established(.passive = true, .rtt_ms = 300);

    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(300000000));
}

Test(ack, rtt_of_data) /* T6298-3: 7/8 300 + 1/8 100 */
{
    struct script s = established(.rtt_ms = 300);

    call_send(&s, 100);
    script_skip(&s);
    after(&s, 100);
    arrives(&s, "301:301 ack 201");
    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(275000000));
}

Test(ack, one_sample_a_round_trip) /* T6298-7, T7323-24: gains are those of RFC 6298 */
{
    struct script s = established(.rtt_ms = 300);

    call_send(&s, 4 * MSS);
    script_skip(&s);
    after(&s, 100);
    acknowledges(&s, 1);
    acknowledges(&s, 2);
    acknowledges(&s, 3);
    cr_expect_eq(s.tcb->rto.srtt_ns, UINT64_C(275000000));
}

Test(ack, progress_is_good_news_of_the_path) /* T4861-22 */
{
    struct script s = established();

    after(&s, 5000);
    script_path_advice(&s);
    call_send(&s, 100);
    script_skip(&s);
    arrives(&s, "301:301 ack 201");
    cr_expect_eq(script_path_advice(&s), 1);
}

Test(ack, delivery_rate_sample) /* draft-cheng-iccrg-delivery-rate-estimation 3.3 */
{
    struct script s = established();

    call_send(&s, 2 * MSS);
    script_skip(&s);
    after(&s, 10);
    acknowledges(&s, 1);
    cr_expect_eq(s.tcb->delivered_bytes, MSS);
    cr_expect_eq(s.tcb->delivered_ns, script_now_ns(&s));
    acknowledges(&s, 2);
    cr_expect_eq(s.tcb->delivered_bytes, 2 * MSS);
}
