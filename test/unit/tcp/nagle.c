/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>

#include "script.h"

/* RFC 9293 3.7.4 (SHLD-7) as Minshall amended it, and silly windows, 3.8.6.2.1. */
TestSuite(nagle, .fini = script_over);

Test(nagle, small_waits_for_small)
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 PSH ack *");
    call_send(&s, 20);
    call_send(&s, 30);
    sends_nothing(&s);
    arrives(&s, "301:301 ack 111");
    sends(&s, "111:161 PSH ack *"); /* both in one */
    sends_nothing(&s);
}

Test(nagle, full_segments_wait_for_nothing)
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack *");
    call_send(&s, 1460);
    sends(&s, "111:1571 ack *");
    sends_nothing(&s);
}

Test(nagle, what_fills_up_goes)
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack *");
    call_send(&s, 1000);
    sends_nothing(&s);
    call_send(&s, 500);
    sends(&s, "111:1571 ack *");
    sends_nothing(&s); /* 40 are left */
    arrives(&s, "301:301 ack 111");
    sends(&s, "1571:1611 PSH ack *");
}

Test(nagle, end_of_a_large_write_goes) /* trap 14 */
{
    struct script s = established();

    call_send(&s, 1470);
    sends(&s, "101:1561 ack *");
    sends(&s, "1561:1571 PSH ack *");
}

Test(nagle, off) /* MUST-17 */
{
    struct script s = established(.nodelay = true);

    call_send(&s, 10);
    sends(&s, "101:111 PSH ack *");
    call_send(&s, 20);
    sends(&s, "111:131 PSH ack *");
}

Test(nagle, switched_off_in_mid_connection) /* MUST-17 */
{
    struct script s = established();
    struct sl_tcp_options_set set = script_options(&s);

    call_send(&s, 10);
    sends(&s, "101:111 ack *");
    call_send(&s, 20);
    sends_nothing(&s);
    set.nodelay = true;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    sends(&s, "111:131 ack *");
}

Test(nagle, nothing_waits_for_ever) /* MUST-60: an answer, or a retransmission's answer */
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack *");
    call_send(&s, 20);
    at(&s, 200);
    sends(&s, "101:111 ack *"); /* it was lost */
    arrives(&s, "301:301 ack 111");
    sends(&s, "111:131 PSH ack *");
}

Test(nagle, close_waits_for_nothing)
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack *");
    call_send(&s, 20);
    call_close(&s);
    sends(&s, "111:131 FIN ack *");
}

Test(nagle, write_write_read) /* trap 14: D7's quick ACKs answer at once; so no 40 ms here */
{
    struct script s = established(.passive = true);

    arrives(&s, "301:311 PSH ack 101");
    sends(&s, "101:101 ack 311");
    arrives(&s, "311:321 PSH ack 101");
    reads(&s, 20);
    call_send(&s, 5);
    sends(&s, "101:106 ack 321");
}

Test(nagle, small_marks_survive_two_gigabytes) /* T9293-2: an old mark is not a new one */
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack *");
    arrives(&s, "301:301 ack 111");
    cr_expect_eq(s.tcb->small_end, 111);
    call_send(&s, 1460);
    sends(&s, "111:1571 ack *");
    arrives(&s, "301:301 ack 1571");
    cr_expect_eq(s.tcb->small_end, 1571, "moves with snd_una");
}
