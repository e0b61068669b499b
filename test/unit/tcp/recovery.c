/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <criterion/criterion.h>

#include "script.h"

/* Loss recovery without SACK: RFC 5681 3.2, RFC 6582, RFC 3042. Segment i is 101 + 1460 i. */
TestSuite(recovery, .fini = script_over);

enum { MSS = 1460, FIRST = 101 };

/* Ten segments of a longer write are in flight: the initial window. */
static struct script in_flight(void)
{
    struct script s = established();

    call_send(&s, 60000);
    cr_assert_eq(script_pending(&s), 10);
    script_skip(&s);
    after(&s, 10);
    return s;
}

static void duplicates(struct script *s, unsigned n)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "301:301 ack %u", s->tcb->snd_una);
    while (n-- > 0)
        arrives(s, text);
}

static void acknowledges(struct script *s, unsigned segs)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "301:301 ack %u", FIRST + segs * MSS);
    arrives(s, text);
}

/* Segments first .. first + n - 1 are sent, each whole. */
static void sends_segs(struct script *s, unsigned first, unsigned n)
{
    char text[64];

    for (; n > 0; n--, first++) {
        (void)snprintf(text, sizeof(text), "%u:%u ack *", FIRST + first * MSS,
                       FIRST + (first + 1) * MSS);
        sends(s, text);
    }
}

Test(recovery, limited_transmit) /* T3042-1, -2 */
{
    struct script s = in_flight();

    duplicates(&s, 1);
    sends_segs(&s, 10, 1);
    sends_nothing(&s);
    duplicates(&s, 1);
    sends_segs(&s, 11, 1);
    sends_nothing(&s);
    cr_expect_eq(s.tcb->cc.cwnd, 10 * MSS);
}

Test(recovery, limited_transmit_ends_with_an_ack) /* reordering: nothing changes */
{
    struct script s = in_flight();

    duplicates(&s, 2);
    sends_segs(&s, 10, 2);
    acknowledges(&s, 3); /* cwnd 12 (L = 2); 9 in flight */
    sends_segs(&s, 12, 3);
    sends_nothing(&s);
    counted(&s, FAST_RETRANSMITS, 0);
}

Test(recovery, limited_transmit_needs_a_window) /* T3042-1 */
{
    struct script s = established(.wnd = 14600);

    call_send(&s, 60000);
    script_skip(&s);
    duplicates(&s, 2);
    sends_nothing(&s);
}

Test(recovery, third_duplicate_retransmits) /* T5681-13, -15 */
{
    struct script s = in_flight();

    duplicates(&s, 2);
    script_skip(&s);
    duplicates(&s, 1);
    sends_segs(&s, 0, 1);
    sends_nothing(&s);
    cr_expect_eq(s.tcb->cc.ssthresh, 5 * MSS, "limited transmit's two do not count");
    cr_expect_eq(s.tcb->cc.cwnd + s.tcb->inflate_bytes, 8 * MSS);
    counted(&s, FAST_RETRANSMITS, 1);
    counted(&s, SEGS_RETRANSMITTED, 1);
}

Test(recovery, in_one_burst_too) /* all three in one iteration */
{
    struct script s = in_flight();

    duplicates(&s, 3);
    sends_segs(&s, 0, 1);
    sends_nothing(&s);
}

Test(recovery, duplicates_inflate) /* T5681-16 */
{
    struct script s = in_flight();

    duplicates(&s, 2);
    sends_segs(&s, 10, 2);
    duplicates(&s, 1);
    sends_segs(&s, 0, 1);
    duplicates(&s, 4); /* cwnd 5 + 3 + 4: the 12 in flight */
    sends_nothing(&s);
    duplicates(&s, 1);
    sends_segs(&s, 12, 1);
    sends_nothing(&s);
    duplicates(&s, 3);
    sends_segs(&s, 13, 3);
    sends_nothing(&s);
}

Test(recovery, inflation_is_bounded) /* more duplicates than segments were sent: a liar */
{
    struct script s = in_flight();

    duplicates(&s, 1000);
    script_skip(&s);
    cr_expect_leq(s.tcb->inflate_bytes, s.tcb->snd_nxt - s.tcb->snd_una);
    cr_expect_leq(s.tcb->snd_nxt - s.tcb->snd_una, 60000);
}

Test(recovery, full_ack_deflates) /* T6582-2, trap 5: min(ssthresh, FlightSize + SMSS) */
{
    struct script s = in_flight();

    duplicates(&s, 3);
    script_skip(&s);
    acknowledges(&s, 10);
    cr_expect_eq(s.tcb->cc.cwnd + s.tcb->inflate_bytes, 2 * MSS, "no burst (T6582-7)");
    cr_expect_eq(s.tcb->cc.ssthresh, 5 * MSS);
    sends_segs(&s, 10, 2);
    sends_nothing(&s);
    acknowledges(&s, 12);
    cr_expect_eq(s.tcb->cc.cwnd, 4 * MSS, "slow start up to ssthresh");
}

Test(recovery, partial_ack_retransmits_the_next) /* T6582-3, trap 6 */
{
    struct script s = in_flight();

    duplicates(&s, 2);
    sends_segs(&s, 10, 2);
    duplicates(&s, 1);
    sends_segs(&s, 0, 1);
    duplicates(&s, 7); /* 1 to 4, 6 to 11: ten in all; cwnd 5 + 10 */
    sends_segs(&s, 12, 3);
    acknowledges(&s, 5); /* number 5 is missing too; cwnd 5 + 10 - 5 + 1, 10 in flight */
    sends_segs(&s, 5, 1);
    sends_segs(&s, 15, 1);
    sends_nothing(&s);
    acknowledges(&s, 15); /* beyond recover (12): over. cwnd min(5, 1 + 1) */
    sends_segs(&s, 16, 1);
    sends_nothing(&s);
    cr_expect_eq(s.tcb->cc.ssthresh, 5 * MSS, "one reduction for one recovery");
    counted(&s, FAST_RETRANSMITS, 1);
}

Test(recovery, each_partial_ack_retransmits_one)
{
    struct script s = in_flight();
    unsigned i;

    duplicates(&s, 3); /* only the last three arrived */
    sends_segs(&s, 0, 1);
    for (i = 1; i < 7; i++) {
        acknowledges(&s, i);
        sends_segs(&s, i, 1);
        if (i >= 3) /* cwnd 5 + 3 - 1 + 1 all along, and one less in flight each time */
            sends_segs(&s, 7 + i, 1);
        sends_nothing(&s);
    }
    acknowledges(&s, 10);
    sends_segs(&s, 14, 1);
    sends_nothing(&s);
    counted(&s, SEGS_RETRANSMITTED, 7);
    cr_expect_eq(s.tcb->cc.ssthresh, 5 * MSS);
}

Test(recovery, first_partial_ack_restarts_the_timer) /* T6582-4, trap 2 */
{
    struct script s = in_flight();

    at(&s, 100);
    duplicates(&s, 3);
    sends_segs(&s, 0, 1);
    at(&s, 150);
    acknowledges(&s, 1);
    sends_segs(&s, 1, 1);
    at(&s, 349);
    sends_nothing(&s);
    at(&s, 350);
    sends_segs(&s, 1, 1);
    sent_at(&s, 350);
    counted(&s, RTO_FIRED, 1);
}

/*
 * The timer was not restarted by the second partial ACK, so it fires less than an RTO after the
 * last retransmission; that one is not repeated by it (T6298-9), but slow start takes over.
 */
Test(recovery, impatient_timeout) /* T6582-4 */
{
    struct script s = in_flight();

    at(&s, 100);
    duplicates(&s, 3);
    sends_segs(&s, 0, 1);
    at(&s, 150);
    acknowledges(&s, 1);
    sends_segs(&s, 1, 1);
    at(&s, 300);
    acknowledges(&s, 2);
    sends_segs(&s, 2, 1);
    at(&s, 360);
    counted(&s, RTO_FIRED, 1);
    sends_nothing(&s);
    acknowledges(&s, 3); /* cwnd 2 */
    sends_segs(&s, 3, 2);
    sends_nothing(&s);
}

Test(recovery, no_second_recovery_for_old_duplicates) /* T6582-1, T6582-6 */
{
    struct script s = in_flight();

    duplicates(&s, 3);
    script_skip(&s);
    acknowledges(&s, 10);
    sends_segs(&s, 10, 2);
    duplicates(&s, 3); /* of what was retransmitted needlessly, perhaps */
    cr_expect_eq(s.tcb->in_recovery, 0);
    script_skip(&s);
    counted(&s, FAST_RETRANSMITS, 1);
}

Test(recovery, second_loss_second_reduction) /* T5681-20 */
{
    struct script s = in_flight();

    duplicates(&s, 3);
    script_skip(&s);
    acknowledges(&s, 10);
    sends_segs(&s, 10, 2);
    acknowledges(&s, 11);
    script_skip(&s);
    duplicates(&s, 3);
    cr_expect_eq(s.tcb->in_recovery, 1);
    sends_segs(&s, 11, 1);
    counted(&s, FAST_RETRANSMITS, 2);
    cr_expect_eq(s.tcb->cc.ssthresh, 2 * MSS);
}

Test(recovery, what_is_no_duplicate) /* T5681-14 */
{
    struct script s = in_flight();
    int i;

    for (i = 0; i < 4; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%d:%d ack 101", 301 + i, 302 + i); /* data */
        arrives(&s, text);
    }
    for (i = 0; i < 4; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "305:305 ack 101 win %d",
                       60000 + i); /* another window */
        arrives(&s, text);
    }
    script_skip(&s);
    cr_expect_eq(s.tcb->dup_acks, 0);
    counted(&s, FAST_RETRANSMITS, 0);
}

Test(recovery, nothing_outstanding_no_duplicate) /* T5681-14 */
{
    struct script s = established();
    int i;

    for (i = 0; i < 5; i++)
        arrives(&s, "301:301 ack 101");
    cr_expect_eq(s.tcb->dup_acks, 0);
    call_send(&s, 60000);
    cr_expect_eq(script_pending(&s), 10);
}

Test(recovery, none_after_a_timeout) /* T6582-5 */
{
    struct script s = in_flight();

    at(&s, 200);
    sends_segs(&s, 0, 1);
    duplicates(&s, 5);
    sends_nothing(&s);
    counted(&s, FAST_RETRANSMITS, 0);
    acknowledges(&s, 1);
    sends_segs(&s, 1, 2);
    duplicates(&s, 5);
    sends_nothing(&s);
    acknowledges(&s, 10); /* all of recover, and no more: */
    sends_segs(&s, 10, 3);
    duplicates(&s, 3);
    script_skip(&s);
    counted(&s, FAST_RETRANSMITS, 0);
    acknowledges(&s, 12); /* more */
    script_skip(&s);
    duplicates(&s, 3);
    sends_segs(&s, 12, 1);
    counted(&s, FAST_RETRANSMITS, 1);
}

Test(recovery, timeout_ends_recovery) /* T6582-5; T5681-8, -9 */
{
    struct script s = in_flight();

    duplicates(&s, 3);
    script_skip(&s);
    at(&s, 300);
    sends_segs(&s, 0, 1);
    cr_expect_eq(s.tcb->in_recovery, 0);
    cr_expect_eq(s.tcb->inflate_bytes, 0);
    cr_expect_eq(s.tcb->cc.cwnd, MSS);
    sends_nothing(&s);
}

Test(recovery, only_the_first_goes_whatever_cwnd_says) /* T5681-15, trap 6 */
{
    struct script s = in_flight();

    s.tcb->mss_bytes = 1000; /* the path's MTU fell: all ten go again, as far as cwnd allows */
    sl_ack_mss_shrank(s.tcb, script_now_ns(&s));
    script_skip(&s);
    cr_expect_gt(s.tcb->lost_bytes, 1460);
    duplicates(&s, 3);
    sends(&s, "101:1101 ack *");
    sends_nothing(&s);
}

Test(recovery, retransmission_carries_the_same_bytes) /* R74, T9293-41; sends() compares */
{
    struct script s = in_flight();

    duplicates(&s, 3);
    sends_segs(&s, 0, 1);
    at(&s, 1000);
    sends_segs(&s, 0, 1);
}

Test(recovery, fin_is_retransmitted_with_its_data) /* trap 16 */
{
    struct script s = established();

    call_send(&s, 100);
    call_close(&s);
    sends(&s, "101:201 FIN ack *");
    at(&s, 200);
    sends(&s, "101:201 FIN PSH ack *");
    arrives(&s, "301:301 ack 201"); /* not the FIN */
    in_state(&s, SL_TCP_FIN_WAIT_1);
    after(&s, 1000);
    sends(&s, "201:201 FIN ack *");
    arrives(&s, "301:301 ack 202");
    in_state(&s, SL_TCP_FIN_WAIT_2);
}

Test(recovery, loss_in_the_initial_window_is_counted) /* T6928-4; T6928-3 */
{
    struct script s = in_flight();

    duplicates(&s, 3);
    counted(&s, INITIAL_WINDOW_LOSS, 1);
    cr_expect_eq(sl_ack_initial_window(s.tcb), 4380);
    script_skip(&s);
    acknowledges(&s, 10);
    script_skip(&s);
    acknowledges(&s, 11);
    script_skip(&s);
    duplicates(&s, 3);
    counted(&s, INITIAL_WINDOW_LOSS, 1);
}

Test(recovery, recover_follows_without_losses) /* T9293-2: it is never half a space behind */
{
    struct script s = in_flight();

    acknowledges(&s, 4);
    cr_expect_eq(s.tcb->recover, FIRST + 4 * MSS - 1);
}
