/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <criterion/criterion.h>
#include <rte_byteorder.h>

#include "base/invariant.h"
#include "script.h"

TestSuite(open, .fini = script_over);

Test(open, actively) /* RFC 9293 3.5, figure 6; T9293-12 */
{
    struct script s = closed(.iss = 100, .irs = 300);

    call_connect(&s);
    in_state(&s, SL_TCP_SYN_SENT);
    sends(&s, "100:100 SYN <mss 1460, nots, nows, noeno>"); /* MUST-14, SHLD-5, MAY-3 */
    told_nothing(&s);
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    accepted(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
    sends(&s, "101:101 ack 301");
    sends_nothing(&s);
    told(&s, SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
    counted(&s, CONNECTIONS_ACTIVE, 1);
}

Test(open, with_everything_offered) /* T7323-2, T7323-15, T7323-21 */
{
    struct script s = closed(.ts = true, .scale = true, .rcvbuf_bytes = 1000000);

    call_connect(&s);
    sends(&s, "100:100 SYN win 65535 <mss 1460, ws 4, ts 0 0>");
    after(&s, 25);
    arrives(&s, "300:300 SYN ack 101 win 1000 <mss 1460, ws 7, ts 4000 0>");
    sends(&s, "101:101 ack 301 <ts 25 4000, nomss, nows>"); /* T7323-16, MUST-65 */
    cr_assert_eq(s.tcb->snd_wnd, 1000);                     /* T7323-4: not scaled in a SYN */
    cr_assert_eq(s.tcb->snd_wscale, 7);
    cr_assert_eq(s.tcb->rcv_wscale, 4);
    cr_assert_eq(s.tcb->mss_bytes, 1448); /* MUST-16 */
    arrives(&s, "301:301 ack 101 win 1000 <ts 4001 25>");
    cr_assert_eq(s.tcb->snd_wnd, 128000); /* T7323-8 */
}

Test(open, the_peer_knows_no_options) /* T7323-7, T7323-20, MUST-15, trap 10 */
{
    struct script s = closed(.ts = true, .scale = true, .rcvbuf_bytes = 1000000);

    call_connect(&s);
    sends(&s, "100:100 SYN <ws 4, ts>");
    arrives(&s, "300:300 SYN ack 101 <>");
    sends(&s, "101:101 ack 301 win 65535 <nots>");
    cr_assert_eq(s.tcb->snd_wscale, 0);
    cr_assert_eq(s.tcb->rcv_wscale, 0);
    cr_assert_eq(s.tcb->mss_bytes, 536);
    arrives(&s, "301:311 ack 101 <ts 1 1>");
    accepted(&s);
    sends(&s, "101:101 ack 311 <nots>");
}

Test(open, options_that_were_not_offered_do_not_count) /* T7323-1, T7323-15 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN <nots, nows>");
    arrives(&s, "300:300 SYN ack 101 win 1000 <mss 1460, ws 7, ts 4000 0>");
    sends(&s, "101:101 ack 301 <nots>");
    arrives(&s, "301:301 ack 101 win 1000 <>");
    cr_assert_eq(s.tcb->snd_wnd, 1000);
}

Test(open, a_shift_above_14_is_used_as_14) /* T7323-10, trap 11 */
{
    struct script s = closed(.scale = true);

    call_connect(&s);
    sends(&s, "100:100 SYN <ws 0>");
    arrives(&s, "300:300 SYN ack 101 <mss 1460, ws 200>");
    cr_assert_eq(s.tcb->snd_wscale, 14);
}

/* What the peer offers, the way's MTU, and what a segment may carry then. */
static const struct {
    const char *story;
    uint16_t mtu_bytes, mss_bytes; /* 0: none */
    bool ts, ip6;
    uint16_t effective;
} segment_sizes[] = {
    {"Ethernet", 1500, 1460, false, false, 1460},
    {"Ethernet with timestamps (MUST-16, trap 9)", 1500, 1460, true, false, 1448},
    {"our MTU is smaller", 1400, 1460, false, false, 1360},
    {"the peer's is", 1500, 1300, false, false, 1300},
    {"no option: MUST-15", 1500, 0, false, false, 536},
    {"no option, IPv6: MUST-15", 1500, 0, false, true, 1220},
    {"IPv6", 1500, 1440, true, true, 1428},
    {"jumbo frames", 9000, 8960, false, false, 8960},
    {"65535 is a bound like any (T9293-44)", 1500, 65535, false, false, 1460},
    {"MSS 1: D38, CVE-2019-11479", 1500, 1, false, false, 216},
    {"MSS 12 with as many bytes of options", 1500, 12, true, false, 216},
    {"MSS 4 with more than that", 1500, 4, true, false, 216},
    {"MSS 48 on a way of 68 bytes", 68, 48, true, false, 16},
};

Test(open, effective_mss) /* MUST-14, -15, -16, D38, trap 10 */
{
    for (size_t i = 0; i < sizeof(segment_sizes) / sizeof(segment_sizes[0]); i++) {
        struct script s = closed(.mtu_bytes = segment_sizes[i].mtu_bytes, .ts = segment_sizes[i].ts,
                                 .ip6 = segment_sizes[i].ip6);
        char text[128];

        call_connect(&s);
        script_skip(&s);
        (void)snprintf(text, sizeof(text), "300:300 SYN ack 101 <%s %u%s>",
                       segment_sizes[i].mss_bytes != 0 ? "mss" : "raw 01010101,raw",
                       segment_sizes[i].mss_bytes, segment_sizes[i].ts ? ", ts 1 0" : "");
        if (segment_sizes[i].mss_bytes == 0)
            (void)snprintf(text, sizeof(text), "300:300 SYN ack 101 <>");
        arrives(&s, text);
        cr_expect_eq(s.tcb->mss_bytes, segment_sizes[i].effective, "%s: %u", segment_sizes[i].story,
                     s.tcb->mss_bytes);
        script_over();
    }
}

Test(open, simultaneously) /* MUST-10, RFC 9293 3.5, figure 7; trap 18 */
{
    struct script s = closed(.iss = 100, .irs = 300);

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1400>");
    in_state(&s, SL_TCP_SYN_RECEIVED);
    sends(&s, "100:100 SYN ack 301 <mss 1460>"); /* T9293-12: the same ISS */
    arrives(&s, "300:300 SYN ack 101 win 5000 <mss 1400>");
    accepted(&s);
    in_state(&s, SL_TCP_ESTABLISHED);
    told(&s, SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
    cr_assert_eq(s.tcb->mss_bytes, 1400);
    cr_assert_eq(s.tcb->snd_wnd, 5000);
    sends_nothing(&s); /* the peer was told by our SYN-ACK */
    call_send(&s, 10);
    sends(&s, "101:111 PSH ack 301");
    counted(&s, CONNECTIONS_ACTIVE, 1);
}

Test(open, simultaneously_with_options) /* T7323-4: no window of a SYN-ACK is scaled */
{
    struct script s = closed(.ts = true, .scale = true);

    call_connect(&s);
    sends(&s, "100:100 SYN <mss 1460, ws 0, ts * 0>");
    arrives(&s, "300:300 SYN win 1000 <mss 1400, ws 7, ts 5000 0>");
    cr_assert_eq(s.tcb->snd_wnd, 1000);
    sends(&s, "100:100 SYN ack 301 <mss 1460, ws 0, ts * 5000>");
    arrives(&s, "300:300 SYN ack 101 win 2000 <mss 1400, ws 7, ts 5001 0>");
    in_state(&s, SL_TCP_ESTABLISHED);
    cr_assert_eq(s.tcb->snd_wnd, 2000);
    cr_assert_eq(s.tcb->mss_bytes, 1388);
    arrives(&s, "301:301 ack 101 win 2000 <ts 5002 0>");
    cr_assert_eq(s.tcb->snd_wnd, 256000);
}

Test(open, simultaneously_and_a_bare_ack_ends_it) /* MUST-10: the peer saw our SYN-ACK first */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "301:301 ack 101");
    in_state(&s, SL_TCP_ESTABLISHED);
}

Test(open, simultaneously_in_one_burst) /* our SYN-ACK had no time to leave */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1460>");
    arrives(&s, "301:301 ack 101");
    in_state(&s, SL_TCP_ESTABLISHED);
    sends(&s, "101:101 ack 301");
    sends_nothing(&s);
}

Test(open, simultaneously_and_the_peers_syn_comes_twice) /* D36: our SYN-ACK was lost */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "300:300 SYN <mss 1460>");
    dropped(&s, TCP_SYN_CHALLENGE);
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    in_state(&s, SL_TCP_ESTABLISHED);
}

Test(open, simultaneously_and_another_syn_draws_a_challenge) /* T9293-45: active origin */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "400:400 SYN <mss 1460>");
    dropped(&s, TCP_SYN_CHALLENGE);
    sends(&s, "101:101 ack 301");
    in_state(&s, SL_TCP_SYN_RECEIVED);
}

Test(open, simultaneously_with_a_reset) /* T9293-15: active origin */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    arrives(&s, "301:301 RST");
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_REFUSED);
    call_close(&s);
}

Test(open, simultaneously_and_closed_before_it_is_up) /* 3.10.4: CLOSE in SYN-RECEIVED */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    call_send(&s, 10);
    call_close(&s);
    in_state(&s, SL_TCP_SYN_RECEIVED);
    sends_nothing(&s);
    arrives(&s, "301:301 ack 101");
    in_state(&s, SL_TCP_FIN_WAIT_1);
    sends(&s, "101:111 FIN PSH ack 301");
}

Test(open, a_wrong_acknowledgment_is_reset) /* T9293-10 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN ack 100 <mss 1460>"); /* SEG.ACK = ISS */
    dropped(&s, TCP_SYN_SENT_STATE);
    sends(&s, "100:100 RST");
    arrives(&s, "300:300 SYN ack 102 <mss 1460>"); /* beyond SND.NXT */
    dropped(&s, TCP_SYN_SENT_STATE);
    sends(&s, "102:102 RST");
    arrives(&s, "300:300 ack 99");
    sends(&s, "99:99 RST");
    arrives(&s, "300:300 RST ack 102"); /* T9293-7 */
    dropped(&s, TCP_SYN_SENT_STATE);
    sends_nothing(&s);
    in_state(&s, SL_TCP_SYN_SENT);
}

Test(open, is_refused) /* T9293-11, T5961-4 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "0:0 RST");
    dropped(&s, TCP_SYN_SENT_STATE);
    arrives(&s, "0:0 RST ack 100");
    dropped(&s, TCP_SYN_SENT_STATE);
    in_state(&s, SL_TCP_SYN_SENT);
    arrives(&s, "0:0 RST ack 101");
    accepted(&s);
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    reads_error(&s, ECONNREFUSED);
    sends_nothing(&s);
    call_close(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(open, nothing_but_syn_and_rst_counts_in_syn_sent) /* T9293-13, T9293-24 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "301:301 ack 101");
    dropped(&s, TCP_SYN_SENT_STATE);
    arrives(&s, "301:311 FIN ack 101");
    dropped(&s, TCP_SYN_SENT_STATE);
    arrives(&s, "301:311");
    dropped(&s, TCP_SYN_SENT_STATE);
    sends_nothing(&s);
    in_state(&s, SL_TCP_SYN_SENT);
}

Test(open, data_and_fin_of_a_syn_ack_stay_unacknowledged) /* T9293-14, R31, R32 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:310 SYN FIN ack 101 <mss 1460>");
    dropped(&s, TCP_SYN_DATA);
    in_state(&s, SL_TCP_ESTABLISHED);
    sends(&s, "101:101 ack 301");
    reads_nothing(&s);
    arrives(&s, "301:311 FIN ack 101"); /* again, by itself */
    reads(&s, 10);
    sends(&s, "101:101 ack 312");
}

Test(open, a_syn_ack_that_comes_twice_gets_its_ack_again) /* our ACK was lost */
{
    struct script s = established();

    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    dropped(&s, TCP_SYN_CHALLENGE);
    sends(&s, "101:101 ack 301");
    in_state(&s, SL_TCP_ESTABLISHED);
}

Test(open, data_written_early_goes_with_the_handshakes_end) /* T9293-36 */
{
    struct script s = closed();

    call_connect(&s);
    cr_assert_eq(call_send(&s, 2000), 2000);
    sends(&s, "100:100 SYN");
    sends_nothing(&s);
    arrives(&s, "300:300 SYN ack 101 <mss 1000>"); /* smaller than what was thought */
    sends(&s, "101:1101 ack 301");
    sends(&s, "1101:1561 ack 301");
    arrives(&s, "301:301 ack 1561"); /* Nagle */
    sends(&s, "1561:2101 PSH ack 301");
}

Test(open, close_in_syn_sent_sends_nothing) /* T9293-34 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    call_send(&s, 10);
    call_close(&s);
    in_state(&s, SL_TCP_CLOSED);
    at(&s, 10000);
    sends_nothing(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(open, abort_in_syn_sent_sends_nothing) /* T9293-33 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    call_abort(&s);
    in_state(&s, SL_TCP_CLOSED);
    sends_nothing(&s);
}

Test(open, abort_in_syn_received_resets) /* T9293-33 */
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    call_abort(&s);
    sends(&s, "101:101 RST ack 301");
    in_state(&s, SL_TCP_CLOSED);
}

Test(open, shutdown_in_syn_sent_is_a_fin_behind_the_data)
{
    struct script s = closed();

    call_connect(&s);
    sends(&s, "100:100 SYN");
    cr_assert_eq(call_send(&s, 10), 10);
    cr_assert_eq(call_shutdown(&s), 0);
    cr_assert_eq(call_send(&s, 10), -EPIPE);
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    in_state(&s, SL_TCP_FIN_WAIT_1);
    sends(&s, "101:111 FIN PSH ack 301");
}

Test(open, to_a_group_fails_at_once) /* MUST-46 */
{
    static const char *const groups[] = {"224.0.0.1", "255.255.255.255", "0.0.0.0"};
    struct script s = closed();

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        from_address(&s, groups[i]);
        call_connect(&s);
        cr_assert_null(s.tcb);
        cr_assert_eq(script_errno(&s), -ENETUNREACH);
    }
    sends_nothing(&s);
    cr_assert_eq(sl_tcp_connections(s.tcp), 0);
}

Test(open, of_a_tuple_in_use_fails) /* MUST-41: never alters an existing connection */
{
    struct script s = established();
    struct sl_tcb *first = s.tcb;

    call_connect(&s);
    cr_assert_null(s.tcb);
    cr_assert_eq(script_errno(&s), -EADDRINUSE);
    counted(&s, CONNECTIONS_REFUSED, 1);
    s.tcb = first;
    in_state(&s, SL_TCP_ESTABLISHED);
    cr_assert_eq(sl_tcp_connections(s.tcp), 1);
}

static void two(struct sl_tcp_config *config)
{
    config->connections_max = 2;
}

Test(open, beyond_the_bound_fails) /* every resource has a bound and a counter */
{
    struct script s = closed(.tune = two);

    for (uint16_t port = 1; port <= 3; port++) {
        from_port(&s, port);
        call_connect(&s);
    }
    cr_assert_null(s.tcb);
    cr_assert_eq(script_errno(&s), -ENOMEM);
    counted(&s, CONNECTIONS_REFUSED, 1);
    cr_assert_eq(sl_tcp_connections(s.tcp), 2);
}

#ifdef SL_CHECKED
Test(open, without_memory_fails)
{
    static const char *const faults[] = {"tcb_alloc", "tcb_syn_alloc"};
    struct script s = closed();

    for (size_t i = 0; i < 2; i++) {
        sl_fault_arm(faults[i], 1);
        call_connect(&s);
        cr_assert_null(s.tcb, "%s", faults[i]);
        cr_assert_eq(script_errno(&s), -ENOMEM);
    }
    call_connect(&s);
    cr_assert_not_null(s.tcb);
}
#endif

Test(open, isn_grows_from_one_incarnation_to_the_next) /* MUST-8, T9293-43, D2 */
{
    struct script s = closed(.iss = 1000);
    const sl_seq first = 1000;

    call_connect(&s);
    cr_assert_eq(s.tcb->iss, first);
    script_skip(&s);
    call_abort(&s);
    after(&s, 64);
    call_connect(&s);
    cr_assert_eq(s.tcb->iss, first + 1000000); /* 64 ms in ticks of 64 ns */
}

Test(open, half_open_recovery) /* T9293-38, RFC 9293 3.5.1, figure 9 */
{
    struct script s = established(.iss = 100, .irs = 300);

    arrives(&s, "400:400 SYN <mss 1460>"); /* the peer has crashed and begins anew */
    dropped(&s, TCP_SYN_CHALLENGE);
    sends(&s, "101:101 ack 301");
    arrives(&s, "301:301 RST");
    in_state(&s, SL_TCP_CLOSED);
    told(&s, SL_TCP_EV_ERROR);
    call_listen(&s);
    arrives(&s, "400:400 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 401");
}

Test(open, half_open_recovery_with_older_timestamps) /* T9293-38: PAWS must not be in its way */
{
    struct script s = established(.ts = true);

    arrives(&s, "400:400 SYN <mss 1460, ts 1 0>");
    dropped(&s, TCP_SYN_CHALLENGE);
    sends(&s, "101:101 ack 301");
    arrives(&s, "400:400 SYN <mss 1460>"); /* nor may the lack of one */
    dropped(&s, TCP_SYN_CHALLENGE);
}

Test(open, keeps_its_local_address) /* MUST-45, MUST-43 */
{
    struct script s = closed();
    struct sl_net_hdr hdr;
    struct sl_addr local;
    uint16_t port;

    to_address(&s, "10.0.0.7");
    call_connect(&s);
    cr_assert(sl_addr_parse("10.0.0.7", &local));
    sl_tcb_hdr(s.tcb, &hdr);
    cr_assert(sl_addr_eq(&hdr.src, &local));
    cr_assert(sl_addr_eq(sl_tcb_local(s.tcb, &port), &local));
    cr_assert_eq(port, rte_cpu_to_be_16(5000));
    cr_assert_eq(hdr.protocol, 6);
    cr_assert_eq(hdr.ttl, 64); /* MUST-49 */
}
