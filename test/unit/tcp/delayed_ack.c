/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <criterion/criterion.h>

#include "script.h"

/* When and with which window we acknowledge: RFC 9293 3.8.6.2.2 and 3.8.6.3, reading D7. */
TestSuite(delayed_ack, .fini = script_over);

/* The quick ACKs of a connection's beginning are used up. */
static struct script seasoned(struct script s)
{
    s.tcb->quick_acks = 0;
    return s;
}

Test(delayed_ack, after_40_ms) /* MUST-40, SHLD-18, D7 */
{
    struct script s = seasoned(established());

    arrives(&s, "301:401 ack 101");
    sends_nothing(&s);
    at(&s, 39);
    sends_nothing(&s);
    at(&s, 40);
    sends(&s, "101:101 ack 401");
    sent_at(&s, 40);
    at(&s, 1000);
    sends_nothing(&s);
}

Test(delayed_ack, runs_from_the_first_segment) /* not put off by more of them */
{
    struct script s = seasoned(established());

    arrives(&s, "301:401 ack 101");
    at(&s, 30);
    s.tcb->ack_pending_segs = 0; /* as if it were not the second */
    arrives(&s, "401:501 ack 101");
    at(&s, 40);
    sends(&s, "101:101 ack 501");
}

Test(delayed_ack, every_second_segment_at_once) /* SHLD-19 */
{
    struct script s = seasoned(established());

    arrives(&s, "301:1761 ack 101");
    sends_nothing(&s);
    arrives(&s, "1761:3221 ack 101");
    sends(&s, "101:101 ack 3221");
    at(&s, 1000);
    sends_nothing(&s); /* the timer is off */
}

Test(delayed_ack, data_says_it) /* MUST-58 */
{
    struct script s = seasoned(established());

    arrives(&s, "301:401 ack 101");
    at(&s, 10);
    call_send(&s, 10);
    sends(&s, "101:111 ack 401");
    arrives(&s, "401:401 ack 111");
    at(&s, 1000);
    sends_nothing(&s);
}

Test(delayed_ack, echoes_the_earliest_timestamp) /* T7323-26 */
{
    struct script s = seasoned(established(.ts = true));

    arrives(&s, "301:401 ack 101 <ts 7100 10>");
    at(&s, 20);
    arrives(&s, "401:501 ack 101 <ts 7120 10>");
    sends(&s, "101:101 ack 501 <ts 30 7100>");
    arrives(&s, "501:601 ack 101 <ts 7130 10>");
    at(&s, 60);
    sends(&s, "101:101 ack 601 <ts * 7130>");
}

Test(delayed_ack, deadline_that_passed_for_nothing) /* lazily: the wheel fires, nothing is due */
{
    struct script s = seasoned(established());

    arrives(&s, "301:401 ack 101");
    at(&s, 10);
    call_send(&s, 10);
    sends(&s, "101:111 ack 401");
    arrives(&s, "401:401 ack 111");
    at(&s, 30);
    arrives(&s, "401:501 ack 111");
    at(&s, 69);
    sends_nothing(&s);
    at(&s, 70);
    sends(&s, "111:111 ack 501");
}

Test(delayed_ack, edge_stays_while_nobody_reads) /* SHLD-14 */
{
    struct script s = established(.rcvbuf_bytes = 10000);

    arrives(&s, "301:1301 ack 101");
    sends(&s, "101:101 ack 1301 win 9000");
    arrives(&s, "1301:5301 ack 101");
    sends(&s, "101:101 ack 5301 win 5000");
    arrives(&s, "5301:10301 ack 101");
    sends(&s, "101:101 ack 10301 win 0");
}

Test(delayed_ack, edge_moves_by_whole_segments) /* MUST-39: min(5000, 1460) */
{
    struct script s = established(.rcvbuf_bytes = 10000);

    arrives(&s, "301:10301 ack 101");
    sends(&s, "101:101 ack 10301 win 0");
    reads_some(&s, 1459);
    sends_nothing(&s);
    cr_expect_eq(sl_tcb_rcv_wnd(s.tcb), 0);
    reads_some(&s, 1);
    cr_expect_eq(sl_tcb_rcv_wnd(s.tcb), 1460);
    reads_some(&s, 8540);
    sends(&s, "101:101 ack 10301 win 10000"); /* an update: somebody may wait for it */
}

Test(delayed_ack, edge_moves_by_half_of_a_small_buffer) /* MUST-39 */
{
    struct script s = established(.rcvbuf_bytes = 1000);

    arrives(&s, "301:1301 ack 101");
    sends(&s, "101:101 ack 1301 win 0");
    reads_some(&s, 499);
    sends_nothing(&s);
    reads_some(&s, 1);
    sends(&s, "101:101 ack 1301 win 500");
}

Test(delayed_ack, window_of_duplicate_acks_is_the_same) /* T5681-14, at the other end */
{
    struct script s = established(.rcvbuf_bytes = 20000);

    arrives(&s, "301:1301 ack 101");
    sends(&s, "101:101 ack 1301 win 19000");
    arrives(&s, "2301:3301 ack 101");
    sends(&s, "101:101 ack 1301 win 19000");
    arrives(&s, "3301:4301 ack 101");
    sends(&s, "101:101 ack 1301 win 19000");
}

Test(delayed_ack, scaling_does_not_move_the_edge_back) /* SHLD-14, trap 11 */
{
    struct script s = established(.scale = true, .rcvbuf_bytes = 1 << 18); /* units of 8 */
    unsigned i;

    for (i = 1; i <= 10; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%u:%u ack 101", 298 + 3 * i, 301 + 3 * i);
        arrives(&s, text);
        reads(&s, 3);
        /* Fewer than 262144 octets of the edge before are left, and more than 32767 units. */
        (void)snprintf(text, sizeof(text), "101:101 ack %u win 32768", 301 + 3 * i);
        sends(&s, text);
    }
}

Test(delayed_ack, no_update_of_what_no_window_tells) /* 65535 is all there is without scaling */
{
    struct script s = established(.rcvbuf_bytes = 200000);

    cr_expect_eq(sl_tcb_rcv_wnd(s.tcb), 65535);
    arrives(&s, "301:1301 ack 101");
    sends(&s, "101:101 ack 1301 win 64535");
    reads(&s, 1000);
    sends_nothing(&s);
}

Test(delayed_ack, full_buffer_shuts_the_scaled_window) /* small segments do not keep it open */
{
    struct script s = established(.scale = true, .rcvbuf_bytes = 1 << 18);
    uint32_t at_byte = 301;

    for (int i = 0; i < 700; i++) {
        char text[64];

        if (s.tcb->rcv_adv - s.tcb->rcv_nxt < 1459)
            break;
        (void)snprintf(text, sizeof(text), "%u:%u ack 101", at_byte, at_byte + 1459);
        arrives(&s, text);
        at_byte += 1459;
        script_skip(&s);
    }
    cr_expect_gt(s.tcb->inq.bytes, (1 << 18) - 2 * 1459);
    cr_expect_leq(s.tcb->inq.bytes, (1 << 18) + 8, "one unit beyond the buffer at most");
}
