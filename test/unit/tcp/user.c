/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>
#include <rte_byteorder.h>

#include "base/invariant.h"
#include "script.h"

TestSuite(user, .fini = script_over);

/* ---- SEND
 * ---------------------------------------------------------------------------------------- */

Test(user, send_copies_into_full_segments) /* SHLD-27, SHLD-28, MUST-61 */
{
    struct script s = established(.nodelay = true);

    cr_assert_eq(call_send(&s, 1000), 1000);
    cr_assert_eq(call_send(&s, 1000), 1000);
    cr_assert_eq(s.tcb->sndq.n, 2);
    sends(&s, "101:1561 nopsh ack 301");
    sends(&s, "1561:2101 PSH ack 301");
    counted(&s, BYTES_OUT, 2000);
}

Test(user, many_small_writes_share_a_segment) /* SHLD-27 */
{
    struct script s = established();

    for (int i = 0; i < 1460; i++)
        cr_assert_eq(call_send(&s, 1), 1);
    cr_assert_eq(s.tcb->sndq.n, 1);
    sends(&s, "101:1561 ack 301");
    sends_nothing(&s);
}

Test(user, send_takes_what_the_buffer_holds) /* T9293-36; WRITABLE once a third is free */
{
    struct script s = established(.sndbuf_bytes = 9000, .wnd = 9000);

    cr_assert_eq(call_send(&s, 10000), 9000);
    cr_assert_eq(call_send(&s, 1), 0);
    cr_assert_eq(sl_tcb_level(s.tcb) & SL_TCP_EV_WRITABLE, 0);
    script_skip(&s);
    arrives(&s, "301:301 ack 1561");
    told_nothing(&s);
    cr_assert_eq(sl_tcb_level(s.tcb) & SL_TCP_EV_WRITABLE, 0);
    arrives(&s, "301:301 ack 4481"); /* 4380 of 9000 are free */
    told(&s, SL_TCP_EV_WRITABLE);
    cr_assert_eq(sl_tcb_level(s.tcb) & SL_TCP_EV_WRITABLE, SL_TCP_EV_WRITABLE);
    cr_assert_eq(call_send(&s, 10000), 4380);
}

Test(user, who_saw_a_full_buffer_is_told_of_room) /* as if by a poll, without a refused send */
{
    struct script s = established(.sndbuf_bytes = 9000);

    cr_assert_eq(call_send(&s, 8000), 8000);
    cr_assert_eq(sl_tcb_level(s.tcb) & SL_TCP_EV_WRITABLE, 0);
    script_skip(&s);
    arrives(&s, "301:301 ack 8101");
    told(&s, SL_TCP_EV_WRITABLE);
    cr_assert_eq(call_send(&s, 1000), 1000);
    script_skip(&s);
    arrives(&s, "301:301 ack 9101");
    told_nothing(&s); /* there was room all the time */
}

Test(user, send_without_buffers_takes_less)
{
    struct script s = established();
    struct rte_mempool *data = script_host(&s)->data;
    struct rte_mbuf *taken[1024];
    unsigned n = 0;

    while (rte_mempool_avail_count(data) > 3)
        taken[n++] = rte_pktmbuf_alloc(data);
    cr_assert_eq(call_send(&s, 1460 * 8), 0); /* a burst of eight is not there: none is taken */
    counted(&s, POOL_EMPTY, 1);
    told(&s, SL_TCP_EV_WRITABLE); /* three are there: that is worth a try */
    cr_assert_eq(call_send(&s, 1460 * 2), 1460 * 2);
    rte_pktmbuf_free_bulk(taken, n);
    cr_assert_eq(call_send(&s, 1460), 1460);
    sends(&s, "101:1561 ack 301");
    sends(&s, "1561:3021 ack 301");
    sends(&s, "3021:4481 PSH ack 301");
}

Test(user, who_found_no_buffers_is_told_of_them) /* though no acknowledgment will come */
{
    struct script s = established();
    struct rte_mempool *data = script_host(&s)->data;
    struct rte_mbuf *taken[1024];
    unsigned n = 0;

    while (rte_mempool_avail_count(data) > 0)
        taken[n++] = rte_pktmbuf_alloc(data);
    cr_assert_eq(call_send(&s, 10), 0);
    told_nothing(&s);
    cr_assert(sl_tcp_has_work(s.tcp)); /* it goes on looking */
    told_nothing(&s);
    rte_pktmbuf_free_bulk(taken, n);
    told(&s, SL_TCP_EV_WRITABLE);
    cr_assert_not(sl_tcp_has_work(s.tcp));
    cr_assert_eq(call_send(&s, 10), 10);
}

#ifdef SL_CHECKED
Test(user, send_without_memory_takes_less)
{
    struct script s = established();

    sl_fault_arm("sndq_ring", 1);
    cr_assert_eq(call_send(&s, 1460 * 4), 0);
    cr_assert_eq(call_send(&s, 1460 * 8), 1460 * 8);
    sl_fault_arm("sndq_ring", 1);
    cr_assert_eq(call_send(&s, 1460 * 2), 0);
    sl_fault_arm("send_alloc", 1);
    cr_assert_eq(call_send(&s, 10), 0);
    cr_assert_eq(call_send(&s, 10), 10);
    script_skip(&s); /* and the bytes are the right ones: script.c compares each */
}
#endif

Test(user, scattered_data_is_gathered)
{
    struct script s = established();
    uint8_t bytes[300];
    const struct sl_iov iov[] = {
        {bytes, 1}, {NULL, 0}, {bytes + 1, 199}, {bytes + 200, 0}, {bytes + 200, 100}};

    for (uint32_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + 1); /* as script.c expects them */
    cr_assert_eq(sl_tcp_send(s.tcp, s.tcb, iov, 5, script_now_ns(&s)), 300);
    cr_assert_eq(sl_tcp_send(s.tcp, s.tcb, iov, 0, script_now_ns(&s)), 0);
    sends(&s, "101:401 PSH ack 301");
}

Test(user, send_after_close_fails) /* T9293-36 */
{
    struct script s = established();

    cr_assert_eq(call_shutdown(&s), 0);
    cr_assert_eq(call_send(&s, 1), -EPIPE);
    cr_assert_eq(call_shutdown(&s), 0); /* a second FIN is not sent */
    sends(&s, "101:101 FIN ack 301");
    sends_nothing(&s);
}

Test(user, headroom_and_tailroom_are_left_for_a_frame) /* P: one frame, one segment, one mbuf */
{
    struct script s = established(.mtu_bytes = 9000, .mss_bytes = 8960);
    uint32_t i;

    cr_assert_eq(call_send(&s, 20000), 20000);
    for (i = 0; i < s.tcb->sndq.n; i++) {
        const struct rte_mbuf *m = sl_sndq_at(&s.tcb->sndq, i)->m;

        cr_assert_geq(rte_pktmbuf_headroom(m), RTE_PKTMBUF_HEADROOM);
        cr_assert_geq(rte_pktmbuf_tailroom(m), 32);
    }
}

/* ---- RECEIVE
 * ------------------------------------------------------------------------------------- */

Test(user, peeking_takes_nothing)
{
    struct script s = established();
    uint8_t one[20], two[20];

    reads_nothing(&s);
    arrives(&s, "301:321 ack 101");
    cr_assert_eq(sl_tcp_recv(s.tcp, s.tcb, one, 20, true, 0), 20);
    cr_assert_eq(sl_tcp_recv(s.tcp, s.tcb, two, 20, true, 0), 20);
    cr_assert_eq(memcmp(one, two, 20), 0);
    reads(&s, 20);
}

Test(user, reading_nothing_gives_nothing)
{
    struct script s = established();

    reads_some(&s, 0);
    arrives(&s, "301:321 ack 101");
    reads_some(&s, 0);
    reads(&s, 20);
}

Test(user, reading_opens_the_window_in_steps_that_are_worth_it) /* MUST-39, T9293-39 */
{
    struct script s = established(.rcvbuf_bytes = 20000);

    for (int i = 0; i < 20; i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%d:%d ack 101", 301 + 1000 * i, 1301 + 1000 * i);
        arrives(&s, text);
    }
    sends(&s, "101:101 ack 20301 win 0");
    reads_some(&s, 2000);
    sends_nothing(&s);
    reads_some(&s, 919);
    sends_nothing(&s);
    reads_some(&s, 1); /* two full segments */
    sends(&s, "101:101 ack 20301 win 2920");
    reads_some(&s, 100);
    sends_nothing(&s);
}

Test(user, half_of_a_small_buffer_is_a_step) /* MUST-39 */
{
    struct script s = established(.rcvbuf_bytes = 1000);

    arrives(&s, "301:1301 ack 101");
    sends(&s, "101:101 ack 1301 win 0");
    reads_some(&s, 499);
    sends_nothing(&s);
    reads_some(&s, 1);
    sends(&s, "101:101 ack 1301 win 500");
}

Test(user, no_window_is_announced_behind_a_fin)
{
    struct script s = established(.rcvbuf_bytes = 1001);

    arrives(&s, "301:1301 FIN ack 101");
    sends(&s, "101:101 ack 1302");
    reads(&s, 1000);
    sends_nothing(&s);
}

/* ---- STATUS, options
 * ----------------------------------------------------------------------------- */

Test(user, facts) /* RFC 9293 3.10.6 */
{
    struct script s = established(.sndbuf_bytes = 10000);
    struct sl_tcb_facts f;

    call_send(&s, 3000);
    script_skip(&s);
    arrives(&s, "301:351 ack 101");
    sl_tcb_facts(s.tcb, &f);
    cr_assert_eq(f.state, SL_TCP_ESTABLISHED);
    cr_assert_eq(f.error, SL_TCP_OK);
    cr_assert_eq(f.mss_bytes, 1460);
    cr_assert_eq(f.readable_bytes, 50);
    cr_assert_eq(f.writable_bytes, 7000);
    cr_assert_eq(f.unacked_bytes, 3000);
    cr_assert_eq(f.srtt_ns, 10000000); /* the handshake took 10 ms */
    cr_assert_eq(f.rto_ns, 200000000);
    cr_assert_not(f.encrypted);
    cr_assert_not(f.negotiating);
    cr_assert_eq(f.fallback, SL_ENO_FALLBACK_DISABLED);
    cr_assert_eq(f.local_port, rte_cpu_to_be_16(5000));
    cr_assert_eq(f.remote_port, rte_cpu_to_be_16(40000));
    call_shutdown(&s);
    sl_tcb_facts(s.tcb, &f);
    cr_assert_eq(f.state, SL_TCP_FIN_WAIT_1);
    cr_assert_eq(f.writable_bytes, 0);
}

static const struct {
    enum sl_tcp_error error;
    const char *name;
    int posix;
} errors[] = {
    {SL_TCP_OK, "ok", 0},
    {SL_TCP_RESET, "reset", ECONNRESET},
    {SL_TCP_REFUSED, "refused", ECONNREFUSED},
    {SL_TCP_TIMEOUT, "timeout", ETIMEDOUT},
    {SL_TCP_UNREACHABLE, "unreachable", EHOSTUNREACH},
    {SL_TCP_AUTH_FAILED, "auth_failed", EBADMSG}, /* R79: no tcpcrypt error looks like a reset */
    {SL_TCP_KEX_FAILED, "kex_failed", EKEYREJECTED},
    {SL_TCP_TRUNCATED, "truncated", EPROTO},
    {SL_TCP_NO_ENCRYPTION, "no_encryption", ENOKEY},
    {SL_TCP_ABORTED, "aborted", ECONNABORTED},
    {SL_TCP_NO_BUFFERS, "no_buffers", ENOBUFS},
};

Test(user, errors_have_stable_names) /* R79, MUST-12 */
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        cr_expect_str_eq(sl_tcp_error_name(errors[i].error), errors[i].name);
        cr_expect_eq(sl_tcp_error_errno(errors[i].error), errors[i].posix, "%s", errors[i].name);
    }
}

Test(user, states_have_their_rfcs_names)
{
    static const char *const names[SL_TCP_STATES] = {
        "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};

    for (int i = 0; i < SL_TCP_STATES; i++)
        cr_expect_str_eq(sl_tcp_state_name((enum sl_tcp_state)i), names[i]);
}

Test(user, level_of_a_connection_from_its_beginning_to_its_end)
{
    struct script s = closed();

    call_connect(&s);
    cr_assert_eq(sl_tcb_level(s.tcb), 0);
    script_skip(&s);
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    cr_assert_eq(sl_tcb_level(s.tcb), SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE);
    arrives(&s, "301:301 FIN ack 101");
    cr_assert_eq(sl_tcb_level(s.tcb),
                 SL_TCP_EV_CONNECTED | SL_TCP_EV_WRITABLE | SL_TCP_EV_READABLE | SL_TCP_EV_EOF);
    call_shutdown(&s);
    script_skip(&s);
    arrives(&s, "302:302 ack 102");
    cr_assert_eq(sl_tcb_level(s.tcb),
                 SL_TCP_EV_WRITABLE | SL_TCP_EV_READABLE | SL_TCP_EV_EOF | SL_TCP_EV_CLOSED);
}

Test(user, what_the_shard_asks_of_a_connection)
{
    struct script s = established();
    struct sl_addr remote;
    uint16_t port;

    cr_assert(sl_addr_parse("10.0.0.2", &remote));
    cr_assert(sl_addr_eq(sl_tcb_remote(s.tcb, &port), &remote));
    cr_assert_eq(port, rte_cpu_to_be_16(40000));
    cr_assert_eq(sl_tcb_user(s.tcb), s.w);
    cr_assert_eq(sl_tcb_path(s.tcb)->epoch, 0); /* unresolved: it is the shard's */
    cr_assert_not(sl_tcp_has_work(s.tcp));
    call_send(&s, 1);
    cr_assert(sl_tcp_has_work(s.tcp));
    script_skip(&s);
    cr_assert_not(sl_tcp_has_work(s.tcp));
}

Test(user, options_change_a_live_connection) /* MUST-17, MUST-48, MUST-49, SHLD-21, SHLD-22 */
{
    struct script s = established();
    struct sl_tcp_options_set set = script_options(&s);
    struct sl_net_hdr hdr;

    call_send(&s, 10);
    sends(&s, "101:111 ack 301");
    call_send(&s, 10);
    sends_nothing(&s); /* Nagle */
    set.nodelay = true;
    set.tos = 0x28;
    set.ttl = 3;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    sends(&s, "111:121 ack 301");
    sl_tcb_hdr(s.tcb, &hdr);
    cr_assert_eq(hdr.tos, 0x28);
    cr_assert_eq(hdr.ttl, 3);
}

Test(user, keepalive_can_be_switched) /* MUST-24, MUST-25 */
{
    struct script s = established();
    struct sl_tcp_options_set set = script_options(&s);

    cr_assert_eq(s.tcb->due_ns[SL_TIMER_KEEPALIVE], SL_NEVER);
    set.keepalive = true;
    set.keepalive_idle_ns = 10000000;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    after(&s, 11);
    sends(&s, "100:100 ack 301");
    arrives(&s, "301:301 ack 101");
    set.keepalive = false;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    after(&s, 1000000);
    sends_nothing(&s);
}

Test(user, keepalive_begins_with_the_connection) /* MUST-26, MUST-28 */
{
    struct script s = established(.keepalive = true);

    at(&s, 7199999);
    sends_nothing(&s);
    at(&s, 7200001);
    sends(&s, "100:100 ack 301");
}

Test(user, encryption_required_too_late_ends_a_plain_connection)
{
    struct script s = established();
    struct sl_tcp_options_set set = script_options(&s);

    set.require_encryption = true;
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s));
    sends(&s, "101:101 RST ack 301");
    told(&s, SL_TCP_EV_ERROR);
    reads_error(&s, ECONNABORTED);
    sl_tcb_set_options(s.tcp, s.tcb, &set, script_now_ns(&s)); /* nothing is left to be changed */
    sends_nothing(&s);
}

Test(user, closing_twice_over_does_nothing) /* 3.10.4 */
{
    struct script s = established();

    call_shutdown(&s);
    sends(&s, "101:101 FIN ack 301");
    call_close(&s);
    sends_nothing(&s);
    in_state(&s, SL_TCP_FIN_WAIT_1);
}

/* ---- the instance
 * -------------------------------------------------------------------------------- */

Test(user, destroying_an_instance_ends_all_without_a_segment)
{
    struct script s = established();

    call_send(&s, 10);
    arrives(&s, "301:311 ack 101");
    arrives(&s, "401:411 ack 101");
    call_listen(&s);
    from_port(&s, 40001);
    arrives(&s, "300:300 SYN <mss 1460>");
    from_port(&s, 40002);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "101:111 ack 311");
    /* The rest is for script_over(): flows and mbufs are counted there, memory by the sanitizer. */
}

#ifdef SL_CHECKED
Test(user, without_memory_there_is_no_instance)
{
    static const char *const faults[] = {"tcp_create", "wheel_create"};
    struct script s = closed();

    for (size_t i = 0; i < 2; i++) {
        sl_fault_arm(faults[i], 1);
        cr_assert_null(sl_tcp_create(&s.tcp->config, script_host(&s), script_now_ns(&s)), "%s",
                       faults[i]);
    }
}
#endif

static bool no_entropy(struct sl_random *r, void *out, size_t n)
{
    (void)r;
    memset(out, 0, n);
    return false;
}

Test(user, without_randomness_there_is_no_instance) /* MUST-9: keys that anybody can guess */
{
    struct script s = closed();
    struct sl_tcp_host host = *script_host(&s);
    struct sl_random poor = {.fill = no_entropy};

    host.secrets = &poor;
    cr_assert_null(sl_tcp_create(&s.tcp->config, &host, script_now_ns(&s)));
}
