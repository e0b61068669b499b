/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>
#include <rte_byteorder.h>

#include "script.h"

TestSuite(icmp, .fini = script_over);

enum { UNREACHABLE = SL_ICMP_UNREACHABLE, TOO_BIG = SL_ICMP_TOO_BIG };

struct error {
    int kind;
    uint8_t code;
    sl_seq quoted;
    uint16_t mtu_bytes, total_bytes;
};

static enum sl_drop error_arrives(struct script *s, struct error e)
{
    struct sl_net_icmp_error icmp = {
        .kind = e.kind,
        .code = e.code,
        .mtu_bytes = e.mtu_bytes,
        .total_bytes = e.total_bytes,
        .src = s->tcb->local,
        .dst = s->tcb->remote,
        .protocol = 6,
    };
    const uint32_t seq = rte_cpu_to_be_32(e.quoted);

    memcpy(icmp.quoted, &s->tcb->local_port, 2);
    memcpy(icmp.quoted + 2, &s->tcb->remote_port, 2);
    memcpy(icmp.quoted + 4, &seq, 4);
    return sl_tcp_icmp(s->tcp, s->tcb, &icmp, script_now_ns(s));
}

/* Kind, code, quoted number; for TOO_BIG also the MTU, and how long the quoted packet was. */
#define ICMP(kind, code, quoted) error_arrives(&s, (struct error){kind, code, quoted, 0, 0})
#define ICMP_MTU(quoted, mtu_bytes, total_bytes) \
    error_arrives(&s, (struct error){TOO_BIG, 4, quoted, mtu_bytes, total_bytes})

static struct script syn_sent(bool ip6)
{
    struct script s = closed(.ip6 = ip6);

    call_connect(&s);
    sends(&s, "100:100 SYN");
    return s;
}

Test(icmp, hard_errors_end_a_connect) /* D9, SHLD-26, T5927-3, MUST-54 */
{
    for (uint8_t code = 2; code <= 3; code++) {
        struct script s = syn_sent(false);

        cr_assert_eq(ICMP(UNREACHABLE, code, 100), SL_DROP_NONE);
        in_state(&s, SL_TCP_CLOSED);
        told(&s, SL_TCP_EV_ERROR);
        reads_error(&s, ECONNREFUSED);
        sends_nothing(&s);
        script_over();
    }
}

Test(icmp, soft_errors_do_not) /* MUST-56, SHLD-25 */
{
    static const struct error soft[] = {
        {.kind = SL_ICMP_UNREACHABLE, .code = 0},   {.kind = SL_ICMP_UNREACHABLE, .code = 1},
        {.kind = SL_ICMP_UNREACHABLE, .code = 5},   {.kind = SL_ICMP_UNREACHABLE, .code = 13},
        {.kind = SL_ICMP_TIME_EXCEEDED, .code = 0}, {.kind = SL_ICMP_PARAMETER, .code = 0},
    };

    for (size_t i = 0; i < sizeof(soft) / sizeof(soft[0]); i++) {
        struct script s = syn_sent(false);
        struct error e = soft[i];

        e.quoted = 100;
        cr_assert_eq(error_arrives(&s, e), SL_DROP_NONE);
        in_state(&s, SL_TCP_SYN_SENT);
        at(&s, 300000); /* all SYNs are lost: now it is what connect reports (D9) */
        in_state(&s, SL_TCP_CLOSED);
        cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_UNREACHABLE);
        reads_error(&s, EHOSTUNREACH);
        script_over();
    }
}

Test(icmp, ip6_port_unreachable_ends_a_connect) /* D9 */
{
    struct script s = syn_sent(true);

    cr_assert_eq(ICMP(UNREACHABLE, 3, 100), SL_DROP_NONE); /* address: soft (MUST-56) */
    in_state(&s, SL_TCP_SYN_SENT);
    cr_assert_eq(ICMP(UNREACHABLE, 0, 100), SL_DROP_NONE);
    in_state(&s, SL_TCP_SYN_SENT);
    cr_assert_eq(ICMP(UNREACHABLE, 4, 100), SL_DROP_NONE);
    in_state(&s, SL_TCP_CLOSED);
}

Test(icmp, the_quoted_number_must_be_in_flight) /* T5927-1, trap 28 */
{
    struct script s = syn_sent(false);

    cr_assert_eq(ICMP(UNREACHABLE, 3, 99), SL_DROP_ICMP_QUOTE);
    cr_assert_eq(ICMP(UNREACHABLE, 3, 101), SL_DROP_ICMP_QUOTE);
    in_state(&s, SL_TCP_SYN_SENT);
    cr_assert_eq(script_counters(&s)->drops[SL_DROP_ICMP_QUOTE], 2);
}

Test(icmp, a_hard_error_forgets_a_half_open_child) /* T5927-3 */
{
    struct script s = closed();

    call_listen(&s);
    arrives(&s, "300:300 SYN <mss 1460>");
    sends(&s, "100:100 SYN ack 301");
    s.tcb = SL_CONTAINER(s.listener->half_open.next, struct sl_tcb_syn, link)->tcb;
    cr_assert_eq(ICMP(UNREACHABLE, 1, 100), SL_DROP_NONE);
    cr_assert_eq(script_flows(&s), 1);
    cr_assert_eq(ICMP(UNREACHABLE, 3, 100), SL_DROP_NONE);
    cr_assert_eq(script_flows(&s), 0);
    cr_assert_eq(s.listener->n_half_open, 0);
    told_nothing(&s);
}

Test(icmp, nothing_ends_an_established_connection) /* T5927-2, MUST-56, trap 28 */
{
    struct script s = established();

    call_send(&s, 10);
    sends(&s, "101:111 ack 301");
    for (uint8_t code = 0; code < 16; code++)
        cr_assert_eq(ICMP(UNREACHABLE, code, 101), SL_DROP_NONE);
    cr_assert_eq(ICMP(SL_ICMP_PARAMETER, 0, 110), SL_DROP_NONE);
    in_state(&s, SL_TCP_ESTABLISHED);
    told_nothing(&s);
    arrives(&s, "301:301 ack 111");
    cr_assert_eq(ICMP(UNREACHABLE, 3, 110), SL_DROP_ICMP_QUOTE); /* acknowledged */
}

Test(icmp, a_soft_error_is_why_a_connection_timed_out) /* MUST-47, SHLD-25 */
{
    struct script s = established(.user_timeout_ns = 2000000000);
    struct sl_tcb_facts f;

    call_send(&s, 10);
    sends(&s, "101:111 ack 301");
    cr_assert_eq(ICMP(UNREACHABLE, 1, 101), SL_DROP_NONE);
    sl_tcb_facts(s.tcb, &f);
    cr_assert_eq(f.soft_error, SL_TCP_UNREACHABLE);
    at(&s, 3000);
    in_state(&s, SL_TCP_CLOSED);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_UNREACHABLE);
    counted(&s, CONNECTIONS_TIMED_OUT, 1);
}

Test(icmp, progress_forgets_a_soft_error) /* MUST-47 */
{
    struct script s = established(.user_timeout_ns = 2000000000);

    call_send(&s, 10);
    sends(&s, "101:111 ack 301");
    cr_assert_eq(ICMP(UNREACHABLE, 1, 101), SL_DROP_NONE);
    arrives(&s, "301:301 ack 111");
    call_send(&s, 10);
    at(&s, 3000);
    in_state(&s, SL_TCP_CLOSED);
    cr_assert_eq(sl_tcb_error(s.tcb), SL_TCP_TIMEOUT);
}

/* ---- path MTU
 * ------------------------------------------------------------------------------------ */

Test(icmp, a_smaller_mtu_is_believed_at_first) /* T5927-6, T1191-8, D26 */
{
    struct script s = established();

    call_send(&s, 2000);
    sends(&s, "101:1561 ack 301");
    sends(&s, "1561:2101 ack 301");
    cr_assert_eq(ICMP_MTU(101, 1000, 1500), SL_DROP_NONE);
    cr_assert_eq(s.tcb->mss_bytes, 960);
    sends(&s, "101:1061 ack 301");
    sends(&s, "1061:1561 ack 301");
    arrives(&s, "301:301 ack 2101");
    call_send(&s, 960);
    sends(&s, "2101:3061 ack 301");
}

Test(icmp, a_connection_that_makes_progress_needs_no_smaller_mtu) /* T5927-5, trap 28 */
{
    struct script s = established();

    call_send(&s, 1460);
    sends(&s, "101:1561 ack 301");
    arrives(&s, "301:301 ack 1561");
    call_send(&s, 1460);
    sends(&s, "1561:3021 ack 301");
    cr_assert_eq(ICMP_MTU(1561, 600, 1500), SL_DROP_NONE);
    cr_assert_eq(s.tcb->mss_bytes, 1460);
    after(&s, 250); /* it was lost, and its repeat is too big again */
    sends(&s, "1561:3021 ack 301");
    cr_assert_eq(ICMP_MTU(1561, 600, 1500), SL_DROP_NONE);
    cr_assert_eq(s.tcb->mss_bytes, 560);
    sends(&s, "1561:2121 ack 301");
}

Test(icmp, no_mtu_below_the_floor) /* D26, trap 28 */
{
    struct script s = established();

    call_send(&s, 1460);
    sends(&s, "101:1561 ack 301");
    cr_assert_eq(ICMP_MTU(101, 68, 1500), SL_DROP_NONE);
    cr_assert_eq(s.tcb->mss_bytes, 512);
}

Test(icmp, no_ip6_mtu_below_1280) /* D26 */
{
    struct script s = established(.ip6 = true, .mss_bytes = 1440);

    call_send(&s, 1440);
    sends(&s, "101:1541 ack 301");
    cr_assert_eq(ICMP_MTU(101, 600, 1500), SL_DROP_NONE);
    cr_assert_eq(s.tcb->mss_bytes, 1220);
}

Test(icmp, no_mtu_is_raised) /* trap 28 */
{
    struct script s = established(.mtu_bytes = 1000, .mss_bytes = 8000);

    call_send(&s, 960);
    sends(&s, "101:1061 ack 301");
    cr_assert_eq(ICMP_MTU(101, 9000, 1000), SL_DROP_NONE);
    cr_assert_eq(s.tcb->mss_bytes, 960);
    sends_nothing(&s);
}

/* RFC 1191 7.1: the plateau below what the old router's quotation says was too long. */
static const struct {
    uint16_t total_bytes, mss_bytes;
} old_routers[] = {{9000, 8166 - 40}, {8166, 4352 - 40}, {4000, 2002 - 40}, {1500, 1492 - 40},
                   {1492, 1006 - 40}, {1000, 552 - 40},  {60, 552 - 40}};

Test(icmp, an_old_routers_mtu_is_guessed) /* T1191-3 */
{
    for (size_t i = 0; i < sizeof(old_routers) / sizeof(old_routers[0]); i++) {
        struct script s = established(.mtu_bytes = 9000, .mss_bytes = 8960);

        call_send(&s, 10);
        sends(&s, "101:111 ack 301");
        cr_assert_eq(ICMP_MTU(101, 0, old_routers[i].total_bytes), SL_DROP_NONE);
        cr_expect_eq(s.tcb->mss_bytes, old_routers[i].mss_bytes, "%u: %u",
                     old_routers[i].total_bytes, s.tcb->mss_bytes);
        script_over();
    }
}

Test(icmp, a_smaller_mtu_while_connecting) /* the SYN itself was too long: it goes again in time */
{
    struct script s = syn_sent(false);

    cr_assert_eq(ICMP_MTU(100, 1000, 1500), SL_DROP_NONE);
    in_state(&s, SL_TCP_SYN_SENT);
    arrives(&s, "300:300 SYN ack 101 <mss 1460>");
    cr_assert_eq(s.tcb->mss_bytes, 960);
}
