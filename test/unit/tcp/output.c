/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <criterion/criterion.h>
#include <rte_mempool.h>

#include "script.h"

/* What is cut, and what each segment carries. Windows and their limits: RFC 9293 3.7, 3.8.6. */
TestSuite(output, .fini = script_over);

static struct rte_mbuf *hoard[4096];

/* Take all mbufs of a pool; returns how many. */
static unsigned empty(struct rte_mempool *pool)
{
    unsigned n = 0;

    while (n < 4096 && (hoard[n] = rte_pktmbuf_alloc(pool)) != NULL)
        n++;
    return n;
}

static void refill(unsigned n)
{
    while (n > 0)
        rte_pktmbuf_free(hoard[--n]);
}

Test(output, full_segments_and_push_at_the_end) /* SHLD-28, MUST-61, trap 14 */
{
    struct script s = established();

    cr_expect_eq(call_send(&s, 3000), 3000);
    sends(&s, "101:1561 nopsh ack 301");
    sends(&s, "1561:3021 nopsh ack 301");
    sends(&s, "3021:3101 PSH ack 301");
    sends_nothing(&s);
    counted(&s, SEGS_OUT, 2 + 3); /* SYN and the handshake's ACK before */
}

Test(output, timestamps_come_off_the_payload) /* MUST-16, trap 9: 1460 - 12 */
{
    struct script s = established(.ts = true);

    call_send(&s, 2000);
    sends(&s, "101:1549 ack * <ts * 7000>");
    sends(&s, "1549:2101 PSH ack * <ts * 7000>");
}

Test(output, small_peer_mss_counts) /* MUST-16: SendMSS is the peer's */
{
    struct script s = established(.mss_bytes = 1000);

    call_send(&s, 1500);
    sends(&s, "101:1101 ack *");
    sends(&s, "1101:1601 ack *");
}

Test(output, small_mtu_counts) /* MUST-16: MMS_S is the way's */
{
    struct script s = established(.mtu_bytes = 1240);

    call_send(&s, 1500);
    sends(&s, "101:1301 ack *");
    sends(&s, "1301:1601 ack *");
}

Test(output, ip6_headers_count)
{
    struct script s = established(.ip6 = true);

    call_send(&s, 1500);
    sends(&s, "101:1541 ack *"); /* 1500 - 60 */
    sends(&s, "1541:1601 ack *");
}

static unsigned segments_of_initial_window(struct script *s)
{
    call_send(s, 60000);
    return script_pending(s);
}

Test(output, initial_window_of_ten_segments) /* T6928-1: 10 * 1460 = 14600 */
{
    struct script s = established();

    cr_expect_eq(segments_of_initial_window(&s), 10);
}

Test(output, initial_window_of_jumbo_segments) /* T6928-1: max(2 * 8960, 14600) */
{
    struct script s = established(.mss_bytes = 8960, .mtu_bytes = 9000);
    sl_seq first, last = 0;

    call_send(&s, 60000);
    while (script_peek(&s, &first, &last) && script_pending(&s) > 1) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%u:%u ack *", first, last);
        sends(&s, text);
    }
    cr_expect_leq(last, 101 + 17920);
    cr_expect_gt(last, 101 + 17920 - 8960);
}

/* The SYN-ACK comes after so many time-outs of the SYN: 1, 2, 4 s. */
static struct script connected_after_losses(unsigned losses)
{
    struct script s = closed();
    unsigned i;

    call_connect(&s);
    for (i = 0; i < losses; i++)
        after(&s, 1000 << i);
    after(&s, 10);
    cr_assert_eq(script_pending(&s), losses + 1);
    script_skip(&s);
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    script_skip(&s);
    return s;
}

Test(output, initial_window_after_one_lost_syn) /* D20: one loss proves little */
{
    struct script s = connected_after_losses(1);

    cr_expect_eq(segments_of_initial_window(&s), 10);
}

Test(output, initial_window_after_two_lost_syns) /* T6928-2, D20 */
{
    struct script s = connected_after_losses(2);

    cr_expect_eq(segments_of_initial_window(&s), 1);
}

Test(output, syn_says_what_we_take) /* MUST-14, MUST-67; MAY-3 */
{
    struct script s = closed(.mtu_bytes = 1400);

    call_connect(&s);
    sends(&s, "100:100 SYN win 65535 <mss 1360, nots, nows, nosack, noeno>");
    sends_nothing(&s);
    in_state(&s, SL_TCP_SYN_SENT);
}

Test(output, syn_offers_scale_and_timestamps) /* T7323-2, -4, -15, -21; D39: 1 MiB needs 5 */
{
    struct script s = closed(.ts = true, .scale = true, .rcvbuf_bytes = 1 << 20);

    call_connect(&s);
    sends(&s, "100:100 SYN win 65535 <mss 1460, ws 5, ts 0 0, nosack, noeno>");
}

Test(output, shift_shows_the_whole_buffer) /* D39, T7323-10 */
{
    cr_expect_eq(sl_output_wscale(0), 0);
    cr_expect_eq(sl_output_wscale(65535), 0);
    cr_expect_eq(sl_output_wscale(65536), 1);
    cr_expect_eq(sl_output_wscale(16 << 20), 9);
    cr_expect_eq(sl_output_wscale(UINT32_MAX), 14);
}

Test(output, syn_is_repeated_unchanged) /* R25, but for the timestamp */
{
    struct script s = closed(.ts = true, .scale = true, .rcvbuf_bytes = 1 << 20);

    call_connect(&s);
    sends(&s, "100:100 SYN win 65535 <mss 1460, ws 5, ts 0 0>");
    after(&s, 1000);
    sends(&s, "100:100 SYN win 65535 <mss 1460, ws 5, ts 1000 0>");
}

Test(output, ack_rides_on_data) /* MUST-58 */
{
    struct script s = established();

    arrives(&s, "301:401 PSH ack 101");
    call_send(&s, 10);
    sends(&s, "101:111 ack 401");
    after(&s, 500);
    script_skip(&s); /* retransmissions, but */
    counted(&s, SEGS_RETRANSMITTED, 1);
    sends_nothing(&s);
}

Test(output, one_ack_for_a_burst) /* MUST-58, MUST-59, D7 */
{
    struct script s = established();

    arrives(&s, "301:1761 ack 101");
    arrives(&s, "1761:3221 ack 101");
    arrives(&s, "3221:4681 ack 101");
    sends(&s, "101:101 ack 4681");
    sends_nothing(&s);
}

Test(output, windows_are_scaled_after_the_syn) /* T7323-6, -9: 262144 >> 3 */
{
    struct script s = closed(.scale = true, .rcvbuf_bytes = 1 << 18);

    call_connect(&s);
    sends(&s, "100:100 SYN win 65535");
    arrives(&s, "300:300 SYN ack 101 <mss 1460, ws 0>");
    sends(&s, "101:101 ack 301 win 32768");
}

Test(output, nothing_beyond_the_window) /* T5681-1, SHLD-15 */
{
    struct script s = established(.wnd = 3000);

    call_send(&s, 10000);
    sends(&s, "101:1561 ack *");
    sends(&s, "1561:3021 ack *");
    sends_nothing(&s); /* 80 bytes would be silly (MUST-38) */
    arrives(&s, "301:301 ack 1561");
    sends(&s, "3021:4481 ack *"); /* 101 + 1460 + 3000 = 4561 */
    sends_nothing(&s);
}

Test(output, half_of_the_largest_window_is_not_silly) /* MUST-38 (3) */
{
    struct script s = established(.wnd = 2000);

    call_send(&s, 10000);
    sends(&s, "101:1561 ack *");
    sends_nothing(&s); /* 540 of 2000 */
    arrives(&s, "301:301 ack 1561 win 1000");
    sends(&s, "1561:2561 nopsh ack *"); /* less than an MSS, but all there is */
    sends_nothing(&s);
}

Test(output, shrunken_window) /* MUST-34, SHLD-15, SHLD-16 */
{
    struct script s = established();

    call_send(&s, 4380);
    sends(&s, "101:1561 ack *");
    sends(&s, "1561:3021 ack *");
    sends(&s, "3021:4481 ack *");
    arrives(&s, "301:301 ack 1561 win 100"); /* the edge goes back to 1661 */
    call_send(&s, 1460);
    sends_nothing(&s);
    arrives(&s, "301:301 ack 4481 win 65535");
    sends(&s, "4481:5941 ack *");
}

Test(output, window_update_needs_a_newer_segment) /* T9293-20 */
{
    struct script s = established(.wnd = 1460);

    call_send(&s, 10000);
    sends(&s, "101:1561 ack *");
    arrives(&s, "301:311 ack 1561 win 1460"); /* WL1 = 301, then */
    sends(&s, "1561:3021 ack 311");
    arrives(&s, "300:301 ack 1561 win 8000"); /* an older one comes late */
    script_skip(&s);
    cr_expect_eq(s.tcb->snd_wnd, 1460);
    arrives(&s, "311:311 ack 1561 win 4380");
    sends(&s, "3021:4481 ack *");
    sends(&s, "4481:5941 ack *");
    sends_nothing(&s);
}

Test(output, scaled_peer_window) /* T7323-8 */
{
    struct script s = established(.scale = true, .wscale = 2, .wnd = 1000);

    /* The SYN-ACK's 1000 is unscaled, 1000 << 2 follows. */
    call_send(&s, 10000);
    sends(&s, "101:1101 ack *"); /* as much as the whole window: MUST-38 (3) */
    arrives(&s, "301:301 ack 1101");
    sends(&s, "1101:1561 ack *"); /* what was left of the first */
    sends(&s, "1561:3021 ack *");
    sends(&s, "3021:4481 ack *");
    sends_nothing(&s); /* 620 are left of 4000, and 2000 would be half */
}

Test(output, fin_rides_on_the_last_segment) /* T9293-34 */
{
    struct script s = established();

    call_send(&s, 1500);
    call_close(&s);
    sends(&s, "101:1561 ack *");
    sends(&s, "1561:1601 FIN ack 301");
    in_state(&s, SL_TCP_FIN_WAIT_1);
}

Test(output, fin_alone) /* T9293-34 */
{
    struct script s = established();

    call_close(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 ack 102");
    in_state(&s, SL_TCP_FIN_WAIT_2);
    after(&s, 30000);
    sends_nothing(&s); /* nothing is left to time out */
}

Test(output, fin_behind_data_in_flight)
{
    struct script s = established();

    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    call_close(&s);
    sends(&s, "201:201 FIN ack 301");
    arrives(&s, "301:301 ack 202");
    in_state(&s, SL_TCP_FIN_WAIT_2);
}

Test(output, fin_needs_a_window_too) /* trap 16: it takes a sequence number */
{
    struct script s = established(.wnd = 1460);

    call_send(&s, 1460);
    call_close(&s);
    sends(&s, "101:1561 ack *");
    sends_nothing(&s);
    arrives(&s, "301:301 ack 1561");
    sends(&s, "1561:1561 FIN ack *");
}

Test(output, data_of_syn_sent_follows_the_handshake) /* T9293-36 */
{
    struct script s = closed();
    sl_seq first = 0, last = 0;

    call_connect(&s);
    sends(&s, "100:100 SYN");
    cr_expect_eq(call_send(&s, 1000), 1000);
    sends_nothing(&s);
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    cr_assert(script_peek(&s, &first, &last));
    cr_expect_eq(first, 101);
    cr_expect_gt(last, first, "data says the ACK of the SYN-ACK (MUST-58)");
}

Test(output, empty_pool_of_headers_delays) /* nothing lost: POOL_EMPTY */
{
    struct script s = established();
    const unsigned n = empty(script_host(&s)->heads);

    call_send(&s, 2000);
    arrives(&s, "301:401 PSH ack 101");
    sends_nothing(&s);
    cr_expect_gt(script_counters(&s)->n[SL_COUNT_POOL_EMPTY], 0);
    cr_expect(sl_tcp_has_work(s.tcp), "tried again in the next iteration");
    refill(n);
    sends(&s, "101:1561 ack 401");
    sends(&s, "1561:2101 PSH ack 401");
    sends_nothing(&s);
    cr_expect(!sl_tcp_has_work(s.tcp));
}

Test(output, empty_pool_of_clones_delays)
{
    struct script s = established();
    const unsigned n = empty(script_host(&s)->clones);

    call_send(&s, 100);
    sends_nothing(&s);
    call_close(&s);
    sends_nothing(&s);
    refill(n);
    sends(&s, "101:201 ack *");
    sends(&s, "201:201 FIN ack *"); /* the segment was cut before there was a FIN */
}

Test(output, empty_pool_delays_the_syn)
{
    struct script s = closed();
    const unsigned n = empty(script_host(&s)->heads);

    call_connect(&s);
    sends_nothing(&s);
    refill(n);
    sends(&s, "100:100 SYN");
    after(&s, 1000);
    sends(&s, "100:100 SYN");
}

Test(output, empty_pool_delays_a_retransmission)
{
    struct script s = established();
    unsigned n;

    call_send(&s, 100);
    sends(&s, "101:201 ack *");
    n = empty(script_host(&s)->clones);
    at(&s, 200);
    sends_nothing(&s);
    refill(n);
    sends(&s, "101:201 ack *");
    sends_nothing(&s);
}

Test(output, numbers_wrap) /* T9293-2, trap 12 */
{
    struct script s = established(.iss = 0xfffffa00, .irs = 0xffffff00);

    call_send(&s, 4000);
    sends(&s, "4294965761:4294967221 ack *"); /* 0xfffffa01 */
    sends(&s, "4294967221:1385 ack *");
    sends(&s, "1385:2465 PSH ack *");
    arrives(&s, "4294967041:4294967041 ack 1385");
    arrives(&s, "4294967041:4294967041 ack 2465");
    cr_expect_eq(s.tcb->sndq.n, 0);
    call_send(&s, 10);
    sends(&s, "2465:2475 ack *");
}

Test(output, mss_that_shrank_splits) /* MUST-16; T1191-8 */
{
    struct script s = established();

    call_send(&s, 2920);
    sends(&s, "101:1561 ack *");
    sends(&s, "1561:3021 ack *");
    call_send(&s, 1460); /* written, and held by nothing */
    s.tcb->mss_bytes = 1000;
    sl_ack_mss_shrank(s.tcb, script_now_ns(&s));
    sends(&s, "101:1101 ack *");
    sends(&s, "1101:1561 ack *");
    sends(&s, "1561:2561 ack *");
    sends(&s, "2561:3021 ack *");
    sends(&s, "3021:4021 ack *");
    sends(&s, "4021:4481 ack *");
    sends_nothing(&s);
    arrives(&s, "301:301 ack 4481");
    cr_expect_eq(s.tcb->sndq.n, 0);
    cr_expect_eq(sl_tcb_flight(s.tcb), 0);
}

Test(output, ack_stays_acceptable_beyond_a_shut_window) /* T9293-5, as Linux does it */
{
    struct script s = established(.wnd = 1000);

    call_send(&s, 1500);
    sends(&s, "101:1101 ack *");
    arrives(&s, "301:301 ack 1101 win 0");
    at(&s, 300); /* a probe: an octet beyond the window */
    sends(&s, "1101:1102 ack *");
    arrives(&s, "301:401 ack 1101 win 0"); /* not taken; and there is something to acknowledge */
    after(&s, 40);
    sends(&s, "1101:1101 ack 401"); /* where the peer, at rcv_nxt with no window, hears it */
}
