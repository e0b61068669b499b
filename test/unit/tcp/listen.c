/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>

#include "base/invariant.h"
#include "script.h"

TestSuite(listen, .fini = script_over);

Test(listen, a_child_is_accepted) /* RFC 9293 3.5, figure 6; T9293-8, T9293-16 */
{
    struct script s = closed(.iss = 300, .irs = 100);

    call_listen(&s);
    arrives(&s, "100:100 SYN win 1000 <mss 1400>");
    accepted(&s);
    cr_assert_not(call_accept(&s));
    sends(&s, "300:300 SYN ack 101 <mss 1460, nots, nows, noeno>"); /* MUST-14 */
    arrives(&s, "101:101 ack 301 win 2000");
    accepted(&s);
    cr_assert_eq(script_acceptable(&s), 1);
    cr_assert(call_accept(&s));
    cr_assert_not(call_accept(&s));
    in_state(&s, SL_TCP_ESTABLISHED);
    cr_assert_eq(s.tcb->snd_wnd, 2000);
    cr_assert_eq(s.tcb->mss_bytes, 1400);
    counted(&s, CONNECTIONS_PASSIVE, 1);
    told_nothing(&s); /* it had no user yet: accept() asks for the level */
    cr_assert_eq(sl_tcb_level(s.tcb), SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
}

Test(listen, options_are_sent_only_if_the_syn_had_them) /* T7323-1, -5, -6, -15; T7323-4 */
{
    struct script s = closed(.ts = true, .scale = true, .rcvbuf_bytes = 1000000);

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460, ws 3, ts 5000 0>");
    sends(&s, "100:100 SYN ack 301 win 65535 <mss 1460, ws 4, ts * 5000>");
    arrives(&s, "301:301 ack 101 win 100 <ts 5001 0>");
    cr_assert(call_accept(&s));
    cr_assert_eq(s.tcb->snd_wnd, 800); /* T7323-8 */
    arrives(&s, "301:311 ack 101 <ts 5002 0>");
    sends(&s, "101:101 ack 311 win 62499 <ts * 5002>"); /* T7323-9 */
    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301 <mss 1460, nows, nots>");
    arrives(&s, "301:301 ack 101 <>");
    cr_assert(call_accept(&s));
    cr_assert_eq(s.tcb->rcv_wscale, 0); /* T7323-7 */
}

Test(listen, a_reset_is_ignored) /* T9293-8, T9293-7 */
{
    struct script s = closed();

    call_listen(&s);
    arrives(&s, "300:300 RST");
    dropped(&s, TCP_LISTEN_STATE);
    arrives(&s, "300:300 SYN RST ack 5");
    dropped(&s, TCP_LISTEN_STATE);
    sends_nothing(&s);
}

Test(listen, an_acknowledgment_is_reset) /* T9293-8 */
{
    struct script s = closed();

    call_listen(&s);
    arrives(&s, "300:310 ack 777");
    dropped(&s, TCP_LISTEN_STATE);
    sends(&s, "777:777 RST");
    arrives(&s, "300:300 SYN ack 888 <mss 1460>");
    dropped(&s, TCP_LISTEN_STATE);
    sends(&s, "888:888 RST");
    cr_assert_eq(script_flows(&s), 0);
}

Test(listen, what_has_neither_syn_nor_ack_is_dropped) /* T9293-9, T9293-24 */
{
    struct script s = closed();

    call_listen(&s);
    arrives(&s, "300:300 FIN");
    dropped(&s, TCP_LISTEN_STATE);
    arrives(&s, "300:310");
    dropped(&s, TCP_LISTEN_STATE);
    sends_nothing(&s);
}

Test(listen, data_and_fin_of_a_syn_stay_unacknowledged) /* T9293-14, R31, R32, trap 18 */
{
    struct script s = closed();

    call_listen(&s);
    arrives(&s, "300:310 SYN FIN <mss 1460>");
    dropped(&s, TCP_SYN_DATA);
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "301:311 FIN ack 101"); /* the ACK was lost: data comes with the next segment */
    cr_assert(call_accept(&s));
    in_state(&s, SL_TCP_CLOSE_WAIT);
    reads(&s, 10);
    sends(&s, "101:101 ack 312");
}

Test(listen, groups_and_ourselves_do_not_connect) /* MUST-57, MUST-63, trap 29 (CVE-1999-0016) */
{
    struct script s = closed();

    call_listen(&s);
    from_address(&s, "224.0.0.5");
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_ADDRESS);
    from_address(&s, "255.255.255.255");
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_ADDRESS);
    from_address(&s, "10.0.0.1");
    from_port(&s, 5000);
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_LAND);
    from_port(&s, 40000);
    from_address(&s, "10.0.0.2");
    to_address(&s, "224.0.0.1");
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_ADDRESS);
    sends_nothing(&s);
    cr_assert_eq(script_flows(&s), 0);
}

/* ---- SYN-RECEIVED
 * -------------------------------------------------------------------------------- */

static struct script half_open(void)
{
    struct script s = closed();

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    return s;
}

Test(listen, a_reset_child_is_forgotten) /* T9293-15: passive origin, user not told */
{
    struct script s = half_open();

    arrives(&s, "301:301 RST");
    accepted(&s);
    cr_assert_eq(script_flows(&s), 0);
    sends_nothing(&s);
    told_nothing(&s);
    cr_assert_eq(script_acceptable(&s), 0);
    cr_assert_eq(s.listener->n_half_open, 0);
    cr_assert_eq(s.tcp->n_half_open, 0);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(listen, a_blind_reset_of_a_child_draws_a_challenge) /* T5961-2, T5961-3 */
{
    struct script s = half_open();

    arrives(&s, "302:302 RST");
    dropped(&s, TCP_RST_CHALLENGE);
    sends(&s, "101:101 ack 301");
    arrives(&s, "299:299 RST");
    dropped(&s, TCP_RST_OUTSIDE);
    cr_assert_eq(script_flows(&s), 1);
}

Test(listen, a_wrong_ack_of_our_syn_is_reset) /* T9293-16 */
{
    struct script s = half_open();

    arrives(&s, "301:301 ack 100");
    dropped(&s, TCP_ACK_RANGE);
    sends(&s, "100:100 RST");
    arrives(&s, "301:301 ack 102");
    dropped(&s, TCP_ACK_RANGE);
    sends(&s, "102:102 RST");
    cr_assert_eq(s.listener->n_half_open, 1);
    arrives(&s, "301:301 ack 101");
    cr_assert(call_accept(&s));
}

Test(listen, a_segment_without_ack_does_not_connect) /* T9293-17 */
{
    struct script s = half_open();

    arrives(&s, "301:311 FIN");
    dropped(&s, TCP_NO_ACK);
    cr_assert_not(call_accept(&s));
}

Test(listen, a_repeated_syn_gets_the_same_syn_ack) /* D36, T9293-45, R25 */
{
    struct script s = half_open();

    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_SYN_CHALLENGE);
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "300:300 SYN <mss 1460>"); /* at most one per 500 ms */
    arrives(&s, "300:300 SYN <mss 1460>");
    sends_nothing(&s);
    after(&s, 501);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    cr_assert_eq(script_flows(&s), 1);
}

Test(listen, another_syn_in_the_window_forgets_the_child) /* T9293-45, D36 */
{
    struct script s = half_open();

    arrives(&s, "500:500 SYN <mss 1460>");
    dropped(&s, TCP_SYN_CHALLENGE);
    cr_assert_eq(script_flows(&s), 0);
    cr_assert_eq(s.listener->n_half_open, 0);
    arrives(&s, "500:500 SYN <mss 1460>"); /* as the peer does after a second */
    sends(&s, "100:100 SYN ack 501");
}

Test(listen, another_syn_outside_the_window_gets_an_ack) /* D36 */
{
    struct script s = half_open();

    arrives(&s, "200:200 SYN <mss 1460>");
    dropped(&s, TCP_SEQUENCE);
    sends(&s, "101:101 ack 301");
    cr_assert_eq(script_flows(&s), 1);
}

Test(listen, an_unanswered_syn_ack_is_given_up) /* D4, T4987-7 */
{
    struct script s = half_open();

    at(&s, 1001);
    sends(&s, "100:100 SYN ack 301");
    at(&s, 60000);
    script_skip(&s);
    at(&s, 64000);
    cr_assert_eq(script_flows(&s), 0);
    cr_assert_eq(s.listener->n_half_open, 0);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
    sends_nothing(&s);
}

Test(listen, data_with_the_last_ack_is_received) /* T9293-16: "continue processing" */
{
    struct script s = half_open();

    arrives(&s, "301:401 PSH ack 101");
    cr_assert(call_accept(&s));
    cr_assert_eq(sl_tcb_level(s.tcb),
                 SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE | SL_TCP_EV_READABLE);
    reads(&s, 100);
    sends(&s, "101:101 ack 401");
}

/* ---- bounds
 * -------------------------------------------------------------------------------------- */

Test(listen, half_open_children_are_bounded_by_the_backlog) /* T4987-1 */
{
    struct script s = closed(.backlog = 3);

    call_listen(&s);
    for (uint16_t port = 1; port <= 3; port++) {
        from_port(&s, port);
        arrives(&s, "300:300 SYN <mss 1460>");
        accepted(&s);
    }
    from_port(&s, 4);
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_BACKLOG);
    cr_assert_eq(script_flows(&s), 3);
    sl_tcp_listener_backlog(s.listener, 4);
    arrives(&s, "300:300 SYN <mss 1460>");
    accepted(&s);
}

static void two_half_open(struct sl_tcp_config *config)
{
    config->half_open_max = 2;
}

Test(listen, half_open_children_are_bounded_in_all) /* T4987-1 */
{
    struct script s = closed(.tune = two_half_open);

    call_listen(&s);
    for (uint16_t port = 1; port <= 3; port++) {
        from_port(&s, port);
        arrives(&s, "300:300 SYN <mss 1460>");
    }
    dropped(&s, TCP_BACKLOG);
    cr_assert_eq(script_flows(&s), 2);
}

Test(listen, a_full_accept_queue_lets_the_last_ack_wait) /* D46, trap 29 */
{
    struct script s = closed(.backlog = 1);

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "301:301 ack 101");
    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "301:301 ack 101");
    dropped(&s, TCP_ACCEPT_QUEUE);
    arrives(&s, "301:311 ack 101");
    dropped(&s, TCP_ACCEPT_QUEUE);
    sends_nothing(&s); /* nothing of it is acknowledged */
    cr_assert(call_accept(&s));
    arrives(&s, "301:311 ack 101");
    accepted(&s);
    cr_assert(call_accept(&s));
    reads(&s, 10);
}

Test(listen, the_flow_table_is_full)
{
    struct script s = closed();

    call_listen(&s);
    script_flows_max(&s, 0);
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_NO_MEMORY);
    sends_nothing(&s);
    counted(&s, CONNECTIONS_REFUSED, 1);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

#ifdef SL_CHECKED
Test(listen, without_memory_a_syn_is_dropped)
{
    struct script s = closed();

    call_listen(&s);
    sl_fault_arm("tcb_alloc", 1);
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_NO_MEMORY);
    counted(&s, CONNECTIONS_REFUSED, 1);
    arrives(&s, "300:300 SYN <mss 1460>");
    accepted(&s);
}

Test(listen, without_memory_there_is_no_listener)
{
    struct script s = closed();
    const struct sl_tcp_options_set set = script_options(&s);
    struct sl_addr any = {.scope = 0};

    sl_fault_arm("listener_alloc", 1);
    cr_assert_null(sl_tcp_listen(s.tcp, &any, 1, 1, &set, NULL));
}
#endif

/* ---- the accept queue
 * ---------------------------------------------------------------------------- */

Test(listen, a_backlog_of_nothing_is_one)
{
    struct script s = half_open();

    sl_tcp_listener_backlog(s.listener, 0);
    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_BACKLOG);
    from_port(&s, 40000);
    arrives(&s, "301:301 ack 101");
    accepted(&s);
    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460>");
    accepted(&s);
}

Test(listen, the_oldest_child_is_accepted_first)
{
    struct script s = closed();

    call_listen(&s);
    for (uint16_t port = 1; port <= 3; port++) {
        from_port(&s, port);
        arrives(&s, "300:300 SYN <mss 1460>");
        sends(&s, "100:100 SYN ack 301");
    }
    for (uint16_t port = 3; port >= 1; port--) {
        from_port(&s, port);
        arrives(&s, "301:301 ack 101");
    }
    for (uint16_t port = 3; port >= 1; port--) {
        struct sl_tcb_facts f;

        cr_assert(call_accept(&s));
        sl_tcb_facts(s.tcb, &f);
        cr_assert_eq(rte_be_to_cpu_16(f.remote_port), port);
    }
}

Test(listen, a_child_reset_in_the_queue_is_accepted_with_its_error) /* T9293-28 */
{
    struct script s = half_open();

    arrives(&s, "301:301 ack 101");
    arrives(&s, "301:301 RST");
    cr_assert_eq(script_flows(&s), 0);
    cr_assert_eq(s.listener->n_ready, 1);
    cr_assert(call_accept(&s));
    told_nothing(&s);
    cr_assert_eq(sl_tcb_level(s.tcb) & SL_TCP_EV_ERROR, SL_TCP_EV_ERROR);
    reads_error(&s, ECONNRESET);
    call_close(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(listen, closing_forgets_a_child_that_was_reset)
{
    struct script s = half_open();

    arrives(&s, "301:301 ack 101");
    arrives(&s, "301:301 RST");
    call_listener_close(&s);
    sends_nothing(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(listen, a_child_closed_by_its_peer_is_accepted_with_its_data)
{
    struct script s = half_open();

    arrives(&s, "301:401 FIN ack 101");
    cr_assert(call_accept(&s));
    in_state(&s, SL_TCP_CLOSE_WAIT);
    cr_assert_eq(sl_tcb_level(s.tcb),
                 SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE | SL_TCP_EV_READABLE | SL_TCP_EV_EOF);
    reads(&s, 100);
    reads_eof(&s);
}

Test(listen, closing_resets_whoever_was_not_accepted) /* trap 29 */
{
    struct script s = half_open();

    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "301:401 ack 101");
    call_listener_close(&s);
    sends(&s, "101:101 RST ack 301"); /* half-open */
    sends(&s, "101:101 RST ack 401"); /* in the accept queue */
    sends_nothing(&s);
    cr_assert_eq(script_flows(&s), 0);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
    cr_assert_eq(s.tcp->n_half_open, 0);
}

Test(listen, closing_leaves_accepted_children_alone)
{
    struct script s = established(.passive = true);

    call_listener_close(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
    arrives(&s, "301:311 ack 101");
    reads(&s, 10);
}

Test(listen, options_are_those_of_the_moment)
{
    struct script s = closed();
    struct sl_tcp_options_set set = script_options(&s);
    struct sl_net_hdr hdr;

    call_listen(&s);
    cr_assert_eq(sl_tcp_listener_user(s.listener), s.w);
    set.tos = 0x40;
    sl_tcp_listener_options(s.listener, &set);
    arrives(&s, "300:300 SYN <mss 1460>");
    script_skip(&s);
    arrives(&s, "301:301 ack 101");
    cr_assert_eq(sl_tcp_listener_ready(s.listener), 1);
    cr_assert(call_accept(&s));
    cr_assert_eq(sl_tcp_listener_ready(s.listener), 0);
    sl_tcb_hdr(s.tcb, &hdr);
    cr_assert_eq(hdr.tos, 0x40);
}

Test(listen, works_on_a_port_that_connects) /* MUST-42 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    call_listen(&s);
    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "301:301 ack 101");
    cr_assert(call_accept(&s));
}
