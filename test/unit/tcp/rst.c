/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "script.h"

TestSuite(rst, .fini = script_over);

Test(rst, at_rcv_nxt_resets) /* T5961-1, T9293-28, MUST-12 */
{
    struct script s = established();

    arrives(&s, "301:401 ack 101");
    call_send(&s, 100);
    sends(&s, "101:201 ack 401");
    told(&s, SL_TCP_EV_READABLE);
    arrives(&s, "401:401 RST");
    accepted(&s);
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    reads_error(&s, ECONNRESET); /* the queues are flushed */
    cr_assert_eq(call_send(&s, 1), -ECONNRESET);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_RESET);
    counted(&s, CONNECTIONS_RESET_IN, 1);
    sends_nothing(&s); /* T9293-7 */
    call_close(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(rst, in_window_draws_a_challenge) /* T5961-2, T5961-7, trap 20 */
{
    struct script s = established();

    arrives(&s, "302:312 RST ack 101");
    dropped(&s, TCP_RST_CHALLENGE);
    sends(&s, "101:101 ack 301");
    in_state(&s, SL_TCP_ESTABLISHED);
    reads_nothing(&s);
    arrives(&s, "301:301 RST"); /* what the peer answers to it: T5961-6 */
    in_state(&s, SL_TCP_CLOSED);
}

Test(rst, at_the_last_octet_of_the_window_draws_a_challenge) /* T5961-2 */
{
    struct script s = established(.rcvbuf_bytes = 10000);

    arrives(&s, "10300:10300 RST");
    dropped(&s, TCP_RST_CHALLENGE);
    sends(&s, "101:101 ack 301 win 10000");
}

Test(rst, outside_the_window_is_nothing) /* T5961-3 */
{
    struct script s = established(.rcvbuf_bytes = 10000);

    arrives(&s, "300:300 RST");
    dropped(&s, TCP_RST_OUTSIDE);
    arrives(&s, "10301:10301 RST ack 101");
    dropped(&s, TCP_RST_OUTSIDE);
    arrives(&s, "298:304 RST"); /* though its payload reaches in: it is data of no meaning */
    dropped(&s, TCP_RST_OUTSIDE);
    sends_nothing(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
}

Test(rst, with_data_resets_and_the_data_is_nothing) /* SHLD-2 */
{
    struct script s = established();

    arrives(&s, "301:311 RST ack 101");
    in_state(&s, SL_TCP_CLOSED);
    reads_error(&s, ECONNRESET);
}

Test(rst, is_processed_though_the_window_is_shut) /* MUST-66, T9293-5 */
{
    struct script s = established(.rcvbuf_bytes = 1000);

    arrives(&s, "301:1301 ack 101");
    sends(&s, "101:101 ack 1301 win 0");
    arrives(&s, "1302:1302 RST");
    dropped(&s, TCP_RST_OUTSIDE);
    arrives(&s, "1301:1302 RST ack 101");
    in_state(&s, SL_TCP_CLOSED);
}

Test(rst, challenges_are_throttled) /* T5961-10, T5961-11, D11, trap 20 */
{
    struct script s = established();

    for (int i = 0; i < 100; i++)
        arrives(&s, "310:310 RST");
    sends(&s, "101:101 ack 301");
    sends_nothing(&s);
    counted(&s, CHALLENGE_ACKS, 1);
    counted(&s, CHALLENGE_ACKS_LIMITED, 99);
    at(&s, 374); /* 500 ms less a quarter */
    arrives(&s, "310:310 RST");
    sends_nothing(&s);
    at(&s, 626); /* and a quarter more */
    arrives(&s, "310:310 RST");
    sends(&s, "101:101 ack 301");
    counted(&s, CHALLENGE_ACKS, 2);
}

static void never(struct sl_tcp_config *config)
{
    config->challenge_interval_ns = 10 * UINT64_C(1000000000);
}

Test(rst, the_throttle_can_be_configured) /* T5961-11 */
{
    struct script s = established(.tune = never);

    arrives(&s, "310:310 RST");
    sends(&s, "101:101 ack 301");
    at(&s, 7400);
    arrives(&s, "310:310 RST");
    sends_nothing(&s);
}

/* A tuple of own keys for each connection: nothing shared tells who got an answer (trap 21). */
Test(rst, one_connections_challenges_do_not_cost_another_its_own) /* D11 */
{
    struct script s = closed();

    call_listen(&s);
    for (uint16_t port = 40001; port <= 40002; port++) {
        from_port(&s, port);
        arrives(&s, "300:300 SYN <mss 1460>");
        sends(&s, "100:100 SYN ack 301");
        arrives(&s, "301:301 ack 101");
        cr_assert(call_accept(&s));
    }
    from_port(&s, 40001);
    arrives(&s, "310:310 RST");
    sends(&s, "101:101 ack 301");
    from_port(&s, 40002);
    arrives(&s, "310:310 RST");
    sends(&s, "101:101 ack 301");
    counted(&s, CHALLENGE_ACKS, 2);
}

static void enter_state(struct script *s, enum sl_tcp_state state)
{
    switch (state) {
    case SL_TCP_FIN_WAIT_1:
    case SL_TCP_FIN_WAIT_2:
        call_shutdown(s);
        sends(s, "101:101 FIN ack 301");
        if (state == SL_TCP_FIN_WAIT_2)
            arrives(s, "301:301 ack 102");
        break;
    case SL_TCP_CLOSE_WAIT:
    case SL_TCP_LAST_ACK:
        arrives(s, "301:301 FIN ack 101");
        sends(s, "101:101 ack 302");
        if (state == SL_TCP_LAST_ACK) {
            call_shutdown(s);
            sends(s, "101:101 FIN ack 302");
        }
        break;
    case SL_TCP_CLOSING:
        call_shutdown(s);
        sends(s, "101:101 FIN ack 301");
        arrives(s, "301:301 FIN ack 101");
        sends(s, "102:102 ack 302");
        break;
    default:
        break;
    }
    in_state(s, state);
    told(s, s->tcb->eof ? SL_TCP_EV_READABLE | SL_TCP_EV_EOF : 0);
}

#define ENDS_IN(name, state, seq, event) \
    Test(rst, ends_##name)               \
    {                                    \
        struct script s = established(); \
                                         \
        enter_state(&s, state);          \
        arrives(&s, seq);                \
        in_state(&s, SL_TCP_CLOSED);     \
        told(&s, event);                 \
        sends_nothing(&s);               \
    }

ENDS_IN(fin_wait_1, SL_TCP_FIN_WAIT_1, "301:301 RST", SL_TCP_EV_ERROR)       /* T9293-28 */
ENDS_IN(fin_wait_2, SL_TCP_FIN_WAIT_2, "301:301 RST", SL_TCP_EV_ERROR)       /* T9293-28 */
ENDS_IN(close_wait, SL_TCP_CLOSE_WAIT, "302:302 RST", SL_TCP_EV_ERROR)       /* T9293-28 */
ENDS_IN(closing_silently, SL_TCP_CLOSING, "302:302 RST", SL_TCP_EV_CLOSED)   /* T9293-29 */
ENDS_IN(last_ack_silently, SL_TCP_LAST_ACK, "302:302 RST", SL_TCP_EV_CLOSED) /* T9293-29 */

#define ABORT_IN(name, state, answer)               \
    Test(rst, abort_in_##name) /* T9293-33 */       \
    {                                               \
        struct script s = established();            \
        const char *text = answer;                  \
                                                    \
        enter_state(&s, state);                     \
        call_abort(&s);                             \
        in_state(&s, SL_TCP_CLOSED);                \
        if (text != NULL)                           \
            sends(&s, text);                        \
        sends_nothing(&s);                          \
        cr_assert_eq(sl_tcp_connections(s.tcp), 0); \
    }

ABORT_IN(established, SL_TCP_ESTABLISHED, "101:101 RST ack 301")
ABORT_IN(fin_wait_1, SL_TCP_FIN_WAIT_1, "102:102 RST ack 301")
ABORT_IN(fin_wait_2, SL_TCP_FIN_WAIT_2, "102:102 RST ack 301")
ABORT_IN(close_wait, SL_TCP_CLOSE_WAIT, "101:101 RST ack 302")
ABORT_IN(closing, SL_TCP_CLOSING, NULL)
ABORT_IN(last_ack, SL_TCP_LAST_ACK, NULL)

Test(rst, abort_destroys_what_was_queued) /* T9293-33 */
{
    struct script s = established(.wnd = 1000);

    call_send(&s, 5000);
    sends(&s, "101:1101 ack 301");
    arrives(&s, "301:401 ack 101");
    call_abort(&s);
    sends(&s, "1101:1101 RST ack 401");
    at(&s, 10000);
    sends_nothing(&s);
    counted(&s, CONNECTIONS_RESET_OUT, 1);
}

Test(rst, a_burst_may_go_on_behind_the_reset) /* the TCB is still there for it */
{
    struct script s = established();
    struct sl_tcb *tcb = s.tcb;
    const struct sl_net_meta meta = {.src = tcb->remote, .dst = tcb->local, .protocol = 6};
    struct sl_seg seg = {.seq = 301, .ack = 101, .flags = SL_TCP_ACK, .local = meta.dst};

    call_close(&s);
    arrives(&s, "301:301 RST");
    in_state(&s, SL_TCP_CLOSED);
    seg.remote = meta.src;
    seg.local_port = tcb->local_port;
    seg.remote_port = tcb->remote_port;
    cr_assert_eq(sl_tcp_segment(s.tcp, tcb, &seg, script_now_ns(&s)), SL_DROP_TCP_NO_SOCKET);
    sends(&s, "101:101 RST"); /* as to a stranger: T9293-6 */
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

/* ---- CLOSED: RFC 9293 3.10.7.1 -----------------------------------------------------------------
 */

Test(rst, answers_a_stray_ack) /* T9293-6: SEQ=SEG.ACK */
{
    struct script s = closed();

    arrives(&s, "300:310 PSH ack 777");
    dropped(&s, TCP_NO_SOCKET);
    sends(&s, "777:777 RST");
}

Test(rst, answers_a_stray_segment_without_ack) /* T9293-6: ACK=SEG.SEQ+SEG.LEN, SYN and FIN count */
{
    struct script s = closed();

    arrives(&s, "300:300 SYN");
    sends(&s, "0:0 RST ack 301");
    arrives(&s, "300:310 SYN FIN");
    sends(&s, "0:0 RST ack 312");
    arrives(&s, "300:310 FIN");
    sends(&s, "0:0 RST ack 311");
    arrives(&s, "300:310");
    sends(&s, "0:0 RST ack 310");
}

Test(rst, is_never_answered_by_one) /* T9293-7 */
{
    struct script s = closed();

    arrives(&s, "300:300 RST");
    dropped(&s, TCP_NO_SOCKET);
    arrives(&s, "300:300 RST ack 100");
    arrives(&s, "300:300 SYN RST");
    sends_nothing(&s);
}

Test(rst, echoes_the_timestamp_of_what_it_answers) /* T7323-17 */
{
    struct script s = closed();

    arrives(&s, "300:300 ack 777 <ts 4711 0>");
    sends(&s, "777:777 RST <ts * 4711>");
    arrives(&s, "300:300 ack 777 <>");
    sends(&s, "777:777 RST <nots>");
}

Test(rst, does_not_go_to_groups_or_to_ourselves) /* MUST-57, MUST-63, trap 29 */
{
    static const char *const groups[] = {"224.0.0.1", "239.1.2.3", "255.255.255.255", "0.0.0.0"};
    struct script s = closed();

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        from_address(&s, groups[i]);
        arrives(&s, "300:300 ack 777");
        dropped(&s, TCP_ADDRESS);
    }
    from_address(&s, "10.0.0.2");
    to_address(&s, "224.0.0.1");
    arrives(&s, "300:300 ack 777");
    dropped(&s, TCP_ADDRESS);
    to_address(&s, "10.0.0.1");
    from_address(&s, "10.0.0.1");
    from_port(&s, 5000);
    arrives(&s, "300:300 ack 777");
    dropped(&s, TCP_LAND);
    sends_nothing(&s);
}

Test(rst, does_not_go_to_ip6_groups) /* MUST-57, MUST-63 */
{
    struct script s = closed(.ip6 = true);

    from_address(&s, "ff02::1");
    arrives(&s, "300:300 ack 777");
    dropped(&s, TCP_ADDRESS);
    from_address(&s, "::");
    arrives(&s, "300:300 ack 777");
    dropped(&s, TCP_ADDRESS);
    sends_nothing(&s);
    from_address(&s, "fd00::2");
    arrives(&s, "300:300 ack 777");
    sends(&s, "777:777 RST");
}

static void one_rst(struct sl_tcp_config *config)
{
    config->rst_per_second = 2;
}

Test(rst, of_strangers_are_limited) /* D34 */
{
    struct script s = closed(.tune = one_rst);

    arrives(&s, "300:300 ack 777");
    sends(&s, "777:777 RST");
    for (int i = 0; i < 10; i++)
        arrives(&s, "300:300 ack 777");
    sends_nothing(&s);
    cr_assert_eq(script_counters(&s)->drops[SL_DROP_TCP_RST_RATE], 10);
}
