/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "base/invariant.h"
#include "tcp/tcb.h"

/*
 * Listeners: SEGMENT ARRIVES in LISTEN (RFC 9293 3.10.7.2), half-open children and the accept
 * queue. A child is its listener's until it is accepted, and has no user.
 */
#define OLD_ISS_GAP 65537 /* MAY-2, as Linux has it */

struct sl_tcp_listener *sl_tcp_listen(struct sl_tcp *tcp, const struct sl_addr *local,
                                      uint16_t local_port, uint32_t backlog,
                                      const struct sl_tcp_options_set *set, void *user)
{
    struct sl_tcp_listener *l = SL_FAULT(listener_alloc) ? NULL : calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->local = *local;
    l->local_port = local_port;
    l->set = *set;
    l->user = user;
    sl_tcp_listener_backlog(l, backlog);
    sl_list_init(&l->half_open);
    sl_list_init(&l->ready);
    sl_list_add_tail(&tcp->listeners, &l->link);
    return l;
}

void sl_tcp_listener_backlog(struct sl_tcp_listener *l, uint32_t backlog)
{
    l->backlog = backlog > 0 ? backlog : 1; /* POSIX: 0 may mean one */
}

void sl_tcp_listener_options(struct sl_tcp_listener *l, const struct sl_tcp_options_set *set)
{
    l->set = *set;
}

uint32_t sl_tcp_listener_ready(const struct sl_tcp_listener *l)
{
    return l->n_ready;
}

void *sl_tcp_listener_user(const struct sl_tcp_listener *l)
{
    return l->user;
}

/* The listener's no more, and nobody's yet. */
static void orphan(struct sl_tcb *tcb)
{
    tcb->of_listener = false;
    tcb->user = NULL;
}

void sl_tcp_listener_close(struct sl_tcp *tcp, struct sl_tcp_listener *l, uint64_t now_ns)
{
    struct sl_link *link;

    tcp->now_ns = now_ns;
    while (!sl_list_empty(&l->half_open))
        sl_tcb_reset(SL_CONTAINER(l->half_open.next, struct sl_tcb_syn, link)->tcb, SL_TCP_ABORTED,
                     now_ns);
    while ((link = sl_list_take(&l->ready)) != NULL) {
        struct sl_tcb *tcb = SL_CONTAINER(link, struct sl_tcb, accept_link);

        orphan(tcb);
        tcb->detached = true;
        sl_tcb_reset(tcb, SL_TCP_ABORTED, now_ns);
        sl_tcb_release(tcb); /* also what had ended by itself */
    }
    sl_list_remove(&l->link);
    free(l);
}

struct sl_tcb *sl_tcp_accept(struct sl_tcp *tcp, struct sl_tcp_listener *l)
{
    struct sl_link *link = sl_list_take(&l->ready);
    struct sl_tcb *tcb;

    (void)tcp;
    if (link == NULL)
        return NULL;
    tcb = SL_CONTAINER(link, struct sl_tcb, accept_link);
    orphan(tcb);
    l->n_ready--;
    return tcb;
}

static void leave_half_open(struct sl_tcb *tcb)
{
    sl_list_remove(&tcb->syn->link);
    tcb->listener->n_half_open--;
    tcb->tcp->n_half_open--;
}

void sl_listen_established(struct sl_tcb *tcb)
{
    leave_half_open(tcb);
    sl_list_add_tail(&tcb->listener->ready, &tcb->accept_link);
    tcb->listener->n_ready++;
}

void sl_listen_ended(struct sl_tcb *tcb)
{
    struct sl_tcp *tcp = tcb->tcp;

    if (tcb->state != SL_TCP_SYN_RECEIVED) { /* accept() still gets it, and what became of it */
        tcp->host.acceptable(tcp->host.ctx, tcb->listener);
        return;
    }
    leave_half_open(tcb);
    orphan(tcb);
    tcb->detached = true; /* T9293-15: nobody ever had it */
}

/* First to fourth of 3.10.7.2, in front of them what no segment may be. */
static enum sl_drop check(struct sl_tcp *tcp, const struct sl_tcp_listener *l,
                          const struct sl_seg *seg, uint64_t now_ns)
{
    const enum sl_drop drop = sl_closed_check_addresses(seg);

    if (drop != SL_DROP_NONE)
        return drop;
    if (seg->flags & SL_TCP_RST)
        return SL_DROP_TCP_LISTEN_STATE;
    if (seg->flags & SL_TCP_ACK) {
        sl_output_rst_for(tcp, seg, now_ns);
        return SL_DROP_TCP_LISTEN_STATE;
    }
    if (!(seg->flags & SL_TCP_SYN)) /* T9293-9 */
        return SL_DROP_TCP_LISTEN_STATE;
    if (l->n_half_open >= l->backlog || tcp->n_half_open >= tcp->config.half_open_max)
        return SL_DROP_TCP_BACKLOG; /* T4987-1 */
    return SL_DROP_NONE;
}

/* MAY-2: a new incarnation begins above all that the old one used. */
static sl_seq choose_iss(struct sl_tcp *tcp, const struct sl_tcb *tcb, uint64_t now_ns)
{
    const sl_seq isn =
        sl_isn(&tcp->keys, &tcb->local, tcb->local_port, &tcb->remote, tcb->remote_port, now_ns);

    if (!tcp->reopened.valid || tcp->reopened.local_port != tcb->local_port ||
        tcp->reopened.remote_port != tcb->remote_port ||
        !sl_addr_eq(&tcp->reopened.local, &tcb->local) ||
        !sl_addr_eq(&tcp->reopened.remote, &tcb->remote))
        return isn;
    tcp->reopened.valid = false;
    return sl_seq_max(isn, tcp->reopened.snd_nxt + OLD_ISS_GAP);
}

static void fill_child(struct sl_tcb *tcb, const struct sl_seg *seg, uint16_t mtu_bytes,
                       uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;

    tcb->local = seg->local;
    tcb->remote = seg->remote;
    tcb->local_port = seg->local_port;
    tcb->remote_port = seg->remote_port;
    tcb->mtu_bytes = mtu_bytes;
    tcb->iss = choose_iss(tcp, tcb, now_ns);
    tcb->snd_una = tcb->iss;
    tcb->snd_nxt = tcb->iss + 1;
    tcb->ts_offset =
        sl_isn_ts_offset(&tcp->keys, &tcb->local, tcb->local_port, &tcb->remote, tcb->remote_port);
    tcb->rcv_wscale = sl_handshake_wscale(tcb);
    sl_handshake_take_syn(tcb, seg, now_ns);
}

/* A child in SYN-RECEIVED; its SYN-ACK goes out at the next output. */
static enum sl_drop open_child(struct sl_tcp *tcp, struct sl_tcp_listener *l,
                               const struct sl_seg *seg, uint16_t mtu_bytes, uint64_t now_ns)
{
    const struct sl_eno_seen seen = sl_handshake_eno_seen(seg);
    struct sl_tcb *tcb = sl_tcb_create(tcp, &l->set, true, now_ns);

    if (tcb == NULL)
        return SL_DROP_TCP_NO_MEMORY;
    sl_eno_syn_received(&tcb->syn->eno, &seen);
    fill_child(tcb, seg, mtu_bytes, now_ns);
    if (!tcp->host.flow_add(tcp->host.ctx, tcb)) {
        sl_count(tcp->host.counters, SL_COUNT_CONNECTIONS_REFUSED);
        tcb->detached = true;
        sl_tcb_release(tcb);
        return SL_DROP_TCP_NO_MEMORY;
    }
    sl_tcb_enter(tcb, SL_TCP_SYN_RECEIVED);
    tcb->listener = l;
    tcb->of_listener = true;
    sl_list_add_tail(&l->half_open, &tcb->syn->link);
    l->n_half_open++;
    tcp->n_half_open++;
    tcb->syn->send_now = true;
    sl_tcb_wants_output(tcb);
    return seg->len > 0 ? SL_DROP_TCP_SYN_DATA : SL_DROP_NONE; /* T9293-14, R31, R32 */
}

/* Would a plain connection be reset at once? Then it is refused right here. */
static bool refuses_plain(const struct sl_tcp_listener *l, const struct sl_seg *seg)
{
    const struct sl_eno_seen seen = sl_handshake_eno_seen(seg);
    struct sl_eno eno;

    if (!l->set.require_encryption)
        return false;
    if (l->set.eno == NULL)
        return true;
    sl_eno_init(&eno, l->set.eno, true);
    sl_eno_syn_received(&eno, &seen);
    return eno.state == SL_ENO_DISABLED;
}

static enum sl_drop arrives(struct sl_tcp *tcp, struct sl_tcp_listener *l, const struct sl_seg *seg,
                            uint16_t mtu_bytes, uint64_t now_ns)
{
    const enum sl_drop drop = check(tcp, l, seg, now_ns);

    if (drop != SL_DROP_NONE)
        return drop;
    if (refuses_plain(l, seg)) {
        sl_output_rst_for(tcp, seg, now_ns);
        return SL_DROP_TCP_ENO_PLAINTEXT;
    }
    return open_child(tcp, l, seg, mtu_bytes, now_ns);
}

enum sl_drop sl_tcp_listener_segment(struct sl_tcp *tcp, struct sl_tcp_listener *l,
                                     struct sl_seg *seg, uint16_t mtu_bytes, uint64_t now_ns)
{
    enum sl_drop drop;

    tcp->now_ns = now_ns;
    sl_count(tcp->host.counters, SL_COUNT_SEGS_IN);
    drop = arrives(tcp, l, seg, mtu_bytes, now_ns);
    if (drop != SL_DROP_NONE)
        sl_count_drop(tcp->host.counters, drop);
    rte_pktmbuf_free(seg->m);
    seg->m = NULL;
    return drop;
}
