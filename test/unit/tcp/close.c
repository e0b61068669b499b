/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "script.h"

TestSuite(close, .fini = script_over);

Test(close, active_half_close_and_time_wait) /* RFC 9293 3.6, figure 12; T9293-21, -22, -34 */
{
    struct script s = established(.iss = 100, .irs = 300);

    call_close(&s);
    in_state(&s, SL_TCP_FIN_WAIT_1);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 ack 102");
    in_state(&s, SL_TCP_FIN_WAIT_2);
    arrives(&s, "301:301 FIN ack 102");
    sends(&s, "102:102 ack 302");
    in_state(&s, SL_TCP_TIME_WAIT);
    at(&s, 59000);
    in_state(&s, SL_TCP_TIME_WAIT);
    at(&s, 60001); /* MUST-13: 2 MSL; T9293-32: silently */
    in_state(&s, SL_TCP_CLOSED);
    sends_nothing(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(close, passive) /* figure 12, the other side: T9293-22, T9293-34, T9293-21 */
{
    struct script s = established(.iss = 300, .irs = 100);

    arrives(&s, "101:101 FIN ack 301");
    told(&s, SL_TCP_EV_EOF | SL_TCP_EV_READABLE); /* MUST-12 */
    sends(&s, "301:301 ack 102");
    in_state(&s, SL_TCP_CLOSE_WAIT);
    reads_eof(&s);
    call_close(&s);
    in_state(&s, SL_TCP_LAST_ACK);
    sends(&s, "301:301 FIN ack 102");
    arrives(&s, "102:102 ack 302");
    in_state(&s, SL_TCP_CLOSED);
    sends_nothing(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(close, simultaneous) /* RFC 9293 3.6, figure 13; T9293-23 */
{
    struct script s = established(.iss = 100, .irs = 300);

    call_close(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 FIN ack 101"); /* crossed ours */
    sends(&s, "102:102 ack 302");
    in_state(&s, SL_TCP_CLOSING);
    arrives(&s, "302:302 ack 102");
    in_state(&s, SL_TCP_TIME_WAIT);
}

Test(close, fin_and_its_ack_in_one_segment) /* T9293-23: our FIN is acknowledged by now */
{
    struct script s = established();

    call_close(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 FIN ack 102");
    in_state(&s, SL_TCP_TIME_WAIT);
    sends(&s, "102:102 ack 302");
}

Test(close, fin_goes_behind_all_data) /* T9293-34, trap 16 */
{
    struct script s = established(.wnd = 3000);

    cr_assert_eq(call_send(&s, 5000), 5000);
    call_close(&s);
    in_state(&s, SL_TCP_FIN_WAIT_1);
    sends(&s, "101:1561 ack 301");
    sends(&s, "1561:3021 ack 301");
    sends_nothing(&s);
    arrives(&s, "301:301 ack 3021");
    sends(&s, "3021:4481 ack 301");
    sends(&s, "4481:5101 FIN PSH ack 301");
    in_state(&s, SL_TCP_FIN_WAIT_1);
    arrives(&s, "301:301 ack 5101"); /* all but the FIN */
    in_state(&s, SL_TCP_FIN_WAIT_1);
    arrives(&s, "301:301 ack 5102");
    in_state(&s, SL_TCP_FIN_WAIT_2);
}

Test(close, data_waits_in_close_wait_and_the_fin_behind_it) /* 3.10.4: CLOSE-WAIT */
{
    struct script s = established(.wnd = 1000);

    arrives(&s, "301:301 FIN ack 101");
    sends(&s, "101:101 ack 302");
    cr_assert_eq(call_send(&s, 1500), 1500);
    call_close(&s);
    sends(&s, "101:1101 ack 302");
    in_state(&s, SL_TCP_LAST_ACK);
    arrives(&s, "302:302 ack 1101");
    in_state(&s, SL_TCP_LAST_ACK);
    sends(&s, "1101:1561 ack 302");
    sends(&s, "1561:1601 FIN ack 302");
    arrives(&s, "302:302 ack 1602");
    in_state(&s, SL_TCP_CLOSED);
}

Test(close, half_closed_connection_receives) /* T9293-37 */
{
    struct script s = established();

    cr_assert_eq(call_shutdown(&s), 0);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:801 ack 101"); /* FIN-WAIT-1 */
    arrives(&s, "801:1301 ack 102");
    in_state(&s, SL_TCP_FIN_WAIT_2);
    sends(&s, "102:102 ack 1301");
    arrives(&s, "1301:1401 FIN ack 102");
    in_state(&s, SL_TCP_TIME_WAIT);
    sends(&s, "102:102 ack 1402");
    told(&s, SL_TCP_EV_READABLE | SL_TCP_EV_EOF | SL_TCP_EV_CLOSED);
    reads(&s, 1100);
    reads_eof(&s);
    cr_assert_eq(call_send(&s, 1), -EPIPE); /* T9293-36 */
}

Test(close, queued_data_is_read_before_the_end) /* T9293-35 */
{
    struct script s = established();

    arrives(&s, "301:401 FIN ack 101");
    in_state(&s, SL_TCP_CLOSE_WAIT);
    reads_some(&s, 60);
    reads(&s, 40);
    reads_eof(&s);
    reads_eof(&s);
}

Test(close, unread_data_is_a_reset) /* SHLD-3, trap 17 */
{
    struct script s = established();

    arrives(&s, "301:401 ack 101");
    sends(&s, "101:101 ack 401");
    call_close(&s);
    sends(&s, "101:101 RST ack 401");
    in_state(&s, SL_TCP_CLOSED);
    counted(&s, CONNECTIONS_RESET_OUT, 1);
}

Test(close, data_after_close_is_a_reset) /* SHLD-3 */
{
    struct script s = established();

    call_close(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 ack 102");
    in_state(&s, SL_TCP_FIN_WAIT_2);
    arrives(&s, "301:311 ack 102");
    dropped(&s, TCP_CLOSED_READER);
    sends(&s, "102:102 RST ack 301");
    in_state(&s, SL_TCP_CLOSED);
}

Test(close, old_data_after_close_is_none) /* only what the reader never had is lost */
{
    struct script s = established();

    arrives(&s, "301:311 ack 101");
    sends(&s, "101:101 ack 311");
    reads(&s, 10);
    call_close(&s);
    sends(&s, "101:101 FIN ack 311");
    arrives(&s, "301:311 ack 102");
    dropped(&s, TCP_SEQUENCE);
    in_state(&s, SL_TCP_FIN_WAIT_1);
}

Test(close, nobody_reads_after_shutdown_of_reading)
{
    struct script s = established();

    cr_assert_eq(call_shutdown_read(&s), 0);
    arrives(&s, "301:401 ack 101");
    accepted(&s);
    sends(&s, "101:101 ack 401");
    reads_eof(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
}

Test(close, fin_out_of_order_waits) /* T9293-25, trap 16 */
{
    struct script s = established();

    arrives(&s, "401:401 FIN ack 101");
    in_state(&s, SL_TCP_ESTABLISHED);
    sends(&s, "101:101 ack 301");
    arrives(&s, "301:401 ack 101");
    in_state(&s, SL_TCP_CLOSE_WAIT);
    sends(&s, "101:101 ack 402");
    reads(&s, 100);
    reads_eof(&s);
}

Test(close, fin_behind_held_data_waits_too) /* T9293-25: data before it is delivered first */
{
    struct script s = established();

    arrives(&s, "401:501 FIN ack 101");
    sends(&s, "101:101 ack 301");
    arrives(&s, "301:401 ack 101");
    in_state(&s, SL_TCP_CLOSE_WAIT);
    sends(&s, "101:101 ack 502");
    reads(&s, 200);
    reads_eof(&s);
}

Test(close, nothing_follows_the_fin) /* T9293-26 */
{
    struct script s = established();

    arrives(&s, "401:401 FIN ack 101");
    arrives(&s, "401:501 ack 101"); /* beyond a FIN that waits */
    dropped(&s, TCP_AFTER_FIN);
    arrives(&s, "351:501 ack 101"); /* cut at it */
    accepted(&s);
    arrives(&s, "301:351 ack 101");
    in_state(&s, SL_TCP_CLOSE_WAIT);
    script_skip(&s);
    arrives(&s, "402:502 ack 101"); /* beyond one that was taken */
    dropped(&s, TCP_AFTER_FIN);
    in_state(&s, SL_TCP_CLOSE_WAIT);
    reads(&s, 100);
    reads_eof(&s);
}

Test(close, second_fin_elsewhere_is_not_believed)
{
    struct script s = established();

    arrives(&s, "401:401 FIN ack 101");
    arrives(&s, "351:351 FIN ack 101");
    arrives(&s, "301:351 ack 101");
    in_state(&s, SL_TCP_ESTABLISHED);
    arrives(&s, "351:401 ack 101");
    in_state(&s, SL_TCP_CLOSE_WAIT);
    reads(&s, 100);
}

Test(close, lost_fin_is_sent_again) /* T9293-41, T9293-31 */
{
    struct script s = established();

    call_close(&s);
    sends(&s, "101:101 FIN ack 301");
    after(&s, 300);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 FIN ack 102");
    in_state(&s, SL_TCP_TIME_WAIT);
}

Test(close, fin_wait_2_of_a_closed_socket_ends) /* D41 */
{
    struct script s = established();

    call_close(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 ack 102");
    at(&s, 59999);
    in_state(&s, SL_TCP_FIN_WAIT_2);
    at(&s, 60001);
    in_state(&s, SL_TCP_CLOSED);
    sends_nothing(&s);
}

Test(close, fin_wait_2_after_shutdown_has_no_end_until_close) /* D41 */
{
    struct script s = established();

    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 301");
    arrives(&s, "301:301 ack 102");
    at(&s, 1000000);
    in_state(&s, SL_TCP_FIN_WAIT_2);
    call_close(&s);
    at(&s, 1059999);
    in_state(&s, SL_TCP_FIN_WAIT_2);
    at(&s, 1060001);
    in_state(&s, SL_TCP_CLOSED);
}

Test(close, both_ends_are_told_once_nothing_more_will_happen) /* SL_TCP_EV_CLOSED */
{
    struct script s = established();

    arrives(&s, "301:301 FIN ack 101");
    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 302");
    told(&s, SL_TCP_EV_READABLE | SL_TCP_EV_EOF);
    arrives(&s, "302:302 ack 102");
    told(&s, SL_TCP_EV_CLOSED);
    in_state(&s, SL_TCP_CLOSED);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_OK);
    cr_assert_eq(sl_tcp_connections(s.tcp), 1); /* its user has it still */
    reads_eof(&s);
    cr_assert_eq(call_send(&s, 1), -EPIPE);
    cr_assert_eq(call_shutdown(&s), -ENOTCONN);
    call_close(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(close, data_can_be_read_after_the_connection_is_gone) /* T9293-35 */
{
    struct script s = established();

    arrives(&s, "301:401 FIN ack 101");
    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 402");
    arrives(&s, "402:402 ack 102");
    in_state(&s, SL_TCP_CLOSED);
    reads(&s, 100);
    reads_eof(&s);
}

Test(close, around_the_end_of_sequence_space) /* T9293-2 */
{
    struct script s = established(.iss = 4294967294, .irs = 4294967293);

    cr_assert_eq(call_send(&s, 3), 3);
    call_close(&s);
    sends(&s, "4294967295:2 FIN ack 4294967294");
    arrives(&s, "4294967294:4 ack 3");
    in_state(&s, SL_TCP_CLOSED); /* data after close */
    dropped(&s, TCP_CLOSED_READER);
    sends(&s, "3:3 RST ack 4294967294");
}

Test(close, at_the_middle_of_sequence_space) /* T9293-2 */
{
    struct script s = established(.iss = 2147483646, .irs = 2147483645);

    arrives(&s, "2147483646:2147483656 FIN ack 2147483647");
    reads(&s, 10);
    sends(&s, "2147483647:2147483647 ack 2147483657");
    call_close(&s);
    sends(&s, "2147483647:2147483647 FIN ack 2147483657");
    arrives(&s, "2147483657:2147483657 ack 2147483648");
    in_state(&s, SL_TCP_CLOSED);
}
