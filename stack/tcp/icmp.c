/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/cursor.h"
#include "tcp/tcb.h"

/*
 * ICMP errors about segments of ours (RFC 9293 3.9.2.2), believed as far as RFC 5927 does: the
 * quoted sequence number has to be in flight, an established connection is never ended, and a
 * smaller path MTU counts only while nothing gets through. Source Quench never comes here
 * (MUST-55).
 */
enum {
    PMTU4_FLOOR_BYTES = 552, /* D26 */
    PMTU6_FLOOR_BYTES = 1280,
    QUOTED_SEQ = 4, /* its place in the quoted header */
    PROTOCOL4_UNREACHABLE = 2,
    PORT4_UNREACHABLE = 3,
    PORT6_UNREACHABLE = 4,
};

/* T5927-1. */
static bool is_in_flight(const struct sl_tcb *tcb, const struct sl_net_icmp_error *e)
{
    struct sl_cursor c = sl_cursor_of(e->quoted + QUOTED_SEQ, sizeof(e->quoted) - QUOTED_SEQ);
    const sl_seq seq = (sl_seq)sl_take_be(&c, 4);

    return sl_seq_in(seq, tcb->snd_una, tcb->snd_nxt - tcb->snd_una);
}

static bool is_hard(const struct sl_net_icmp_error *e)
{
    if (e->kind != SL_ICMP_UNREACHABLE)
        return false;
    if (!sl_addr_is_ip4(&e->dst))
        return e->code == PORT6_UNREACHABLE;
    return e->code == PROTOCOL4_UNREACHABLE || e->code == PORT4_UNREACHABLE;
}

/* D9: a hard error ends the attempt, a soft one is what connect() reports should it fail. */
static void while_connecting(struct sl_tcb *tcb, const struct sl_net_icmp_error *e)
{
    tcb->soft_error = SL_TCP_UNREACHABLE;
    if (is_hard(e))
        sl_tcb_end(tcb, SL_TCP_REFUSED);
    else
        tcb->syn->soft_error = SL_TCP_UNREACHABLE; /* MUST-56 */
}

/* What a router without RFC 1191 means: the next lower plateau of its section 7.1. */
static uint16_t plateau_below(uint16_t total_bytes)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
    size_t i = 0;

    while (plateaus[i] >= total_bytes && i + 1 < sizeof(plateaus) / sizeof(plateaus[0]))
        i++;
    return plateaus[i];
}

/*
 * T5927-5, T5927-6, D26: acted upon while nothing was acknowledged yet or the segment has timed
 * out; a connection that makes progress needs no smaller MTU. What a forger may reach is the floor.
 */
static void shrink_mtu(struct sl_tcb *tcb, const struct sl_net_icmp_error *e, uint64_t now_ns)
{
    const bool ip4 = sl_addr_is_ip4(&tcb->remote);
    const uint16_t said = e->mtu_bytes != 0 ? e->mtu_bytes : plateau_below(e->total_bytes);
    const uint16_t floor = ip4 ? PMTU4_FLOOR_BYTES : PMTU6_FLOOR_BYTES;
    const uint16_t mtu = said > floor ? said : floor, mss = tcb->mss_bytes;

    if (mtu >= tcb->mtu_bytes || (tcb->delivered_bytes > 0 && tcb->timeouts == 0))
        return;
    tcb->mtu_bytes = mtu;
    sl_handshake_set_mss(tcb);
    if (tcb->mss_bytes < mss && tcb->state >= SL_TCP_ESTABLISHED)
        sl_ack_mss_shrank(tcb, now_ns);
}

enum sl_drop sl_tcp_icmp(struct sl_tcp *tcp, struct sl_tcb *tcb, const struct sl_net_icmp_error *e,
                         uint64_t now_ns)
{
    tcp->now_ns = now_ns;
    if (!is_in_flight(tcb, e)) {
        sl_count_drop(tcp->host.counters, SL_DROP_ICMP_QUOTE);
        return SL_DROP_ICMP_QUOTE;
    }
    if (e->kind == SL_ICMP_TOO_BIG)
        shrink_mtu(tcb, e, now_ns);
    else if (tcb->state == SL_TCP_SYN_SENT || tcb->state == SL_TCP_SYN_RECEIVED)
        while_connecting(tcb, e);
    else /* T5927-2: soft, whatever it is; should the connection time out, this is why (SHLD-25) */
        tcb->soft_error = SL_TCP_UNREACHABLE;
    return SL_DROP_NONE;
}
