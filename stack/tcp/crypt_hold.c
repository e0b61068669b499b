/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/crypt_hold.h"

enum {
    HOLD_MSS = 4,   /* A14 b */
    DOUBTS_MAX = 8, /* doublings of the time that bytes are held back */
    OLD_ACKS = 3,   /* more than reordering makes of them */
};

static const uint64_t dispute_ns = 1000000000; /* a few retransmissions */

sl_seq sl_crypt_rcv_high(const struct sl_tcb *tcb)
{
    const sl_seq from = sl_crypt_rx_seq(tcb, tcb->crypt->rx_auth);

    return sl_seq_max(tcb->rcv_nxt, from + sl_rcvq_contiguous(&tcb->rcvq, from));
}

/*
 * Nobody can tell yet which copy belongs to an incomplete frame, and its sender may be waiting for
 * an acknowledgment. After a while all that is disputed goes, and is asked for anew, but for what
 * was acknowledged once: whoever sent that has it no more.
 */
static void dispute(struct sl_tcb *tcb, sl_seq high, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq acked = sl_crypt_rx_seq(tcb, RTE_MAX(c->rx_acked, c->rx_auth));
    const sl_seq from = sl_seq_max(tcb->rcv_nxt, acked);

    if (c->disputed_since_ns == 0)
        c->disputed_since_ns = now_ns;
    if (now_ns - c->disputed_since_ns < dispute_ns) {
        sl_tcb_timer_set(tcb, SL_TIMER_HOLD, c->disputed_since_ns + dispute_ns);
        return;
    }
    sl_tcb_timer_off(tcb, SL_TIMER_HOLD);
    c->disputed_since_ns = 0;
    sl_count_drop(tcb->tcp->host.counters, SL_DROP_CRYPT_TAG);
    if (sl_seq_gt(high, from))
        sl_rcvq_drop(&tcb->rcvq, from, high - from);
    if (sl_seq_gt(acked, tcb->rcv_nxt))
        sl_tcb_advance(tcb, sl_seq_min(acked, high), now_ns);
    tcb->ack_now = true;
    sl_tcb_wants_output(tcb);
}

/* In doubt long enough for what is in flight to be sent again with an ACK that is heard. */
static uint64_t hold_ns(const struct sl_tcb *tcb)
{
    const struct sl_tcp_config *config = &tcb->tcp->config;
    const uint64_t ns = config->delayed_ack_ns << tcb->crypt->doubts;

    if (tcb->crypt->doubts == 0 || tcb->snd_una == tcb->snd_nxt)
        return ns;
    return RTE_MAX(ns, 2 * sl_rto_now(&tcb->rto, &config->rto));
}

void sl_crypt_hold_back(struct sl_tcb *tcb, bool waited, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq high = sl_crypt_rcv_high(tcb);
    const uint32_t pending = high - tcb->rcv_nxt;

    if (pending == 0 || !c->incomplete || !sl_list_empty(&c->opens)) {
        sl_tcb_timer_off(tcb, SL_TIMER_HOLD);
        return;
    }
    if (sl_rcvq_copies(&tcb->rcvq, tcb->rcv_nxt, pending) > 0) {
        dispute(tcb, high, now_ns);
        return;
    }
    c->disputed_since_ns = 0;
    if (sl_crypt_ready(tcb) && !waited &&
        (c->doubts > 0 || pending < HOLD_MSS * (uint32_t)tcb->mss_bytes)) {
        if (tcb->due_ns[SL_TIMER_HOLD] == SL_NEVER)
            sl_tcb_timer_set(tcb, SL_TIMER_HOLD, now_ns + hold_ns(tcb));
        return;
    }
    sl_tcb_timer_off(tcb, SL_TIMER_HOLD);
    if (sl_crypt_ready(tcb) && c->unprotected_at != c->rx_auth + 1) {
        c->unprotected_at = c->rx_auth + 1;
        sl_count(tcb->tcp->host.counters, SL_COUNT_FRAMES_UNPROTECTED);
    }
    sl_tcb_advance(tcb, high, now_ns);
}

void sl_crypt_doubt(struct sl_tcb *tcb, const struct sl_seg *seg)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq at = sl_crypt_rx_seq(tcb, c->rx_auth);

    if (c->ended || tcb->fin_received || !sl_crypt_ready(tcb) || sl_seq_leq(tcb->rcv_nxt, at))
        return;
    if (seg->len > 0 ? sl_rcvq_knows(&tcb->rcvq, seg->seq, seg->m, at, tcb->rcv_nxt)
                     : sl_seq_lt(seg->seq, at) || ++c->old_acks < OLD_ACKS)
        return;
    c->old_acks = 0;
    c->rx_acked = RTE_MAX(c->rx_acked, c->rx_auth + (tcb->rcv_nxt - at));
    if (c->doubts < DOUBTS_MAX)
        c->doubts++;
    tcb->rcv_nxt = at;
    sl_tcb_timer_off(tcb, SL_TIMER_HOLD);
    sl_tcb_wants_read(tcb); /* to be held back anew */
}

void sl_crypt_note_failure(struct sl_tcb *tcb, uint64_t now_ns)
{
    if (tcb->crypt->failing)
        return;
    tcb->crypt->failing = true;
    sl_tcb_timer_set(tcb, SL_TIMER_AUTH, now_ns + tcb->tcp->config.auth_timeout_ns);
}

/*
 * Two versions are held of what was acknowledged before anything vouched for it, and here comes a
 * third: whoever sends it will send it again, so let there be room for it. If it does not, nothing
 * can repair this.
 */
static void make_room(struct sl_tcb *tcb, sl_seq seq)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq at = sl_crypt_rx_seq(tcb, c->rx_auth);

    if (c->rx_acked <= c->rx_auth || !sl_list_empty(&c->opens) ||
        sl_seq_geq(seq, sl_crypt_rx_seq(tcb, c->rx_acked)))
        return;
    sl_rcvq_drop(&tcb->rcvq, at, (uint32_t)(c->rx_acked - c->rx_auth));
    c->rx_acked = c->rx_auth;
    sl_crypt_note_failure(tcb, tcb->tcp->now_ns);
}

enum sl_drop sl_crypt_text(struct sl_tcb *tcb, sl_seq seq, struct rte_mbuf *m)
{
    const sl_seq high = sl_crypt_rcv_high(tcb);
    const enum sl_drop drop = sl_rcvq_insert(&tcb->rcvq, seq, m, true, tcb->tcp->host.rx);

    tcb->crypt->old_acks = 0;
    if (drop == SL_DROP_CRYPT_COPY)
        make_room(tcb, seq);
    if (sl_seq_gt(seq, high) || tcb->rcvq.copies > 0) { /* a hole, or a dispute: RFC 5681 3.2 */
        tcb->ack_now = true;
        sl_tcb_wants_output(tcb);
    }
    sl_tcb_wants_read(tcb); /* some of it may be held even so */
    return drop;
}

void sl_crypt_await_mark(struct sl_tcb *tcb, uint64_t now_ns)
{
    const struct sl_crypt *c = tcb->crypt;

    if (c->fin_seen && tcb->due_ns[SL_TIMER_AUTH] == SL_NEVER &&
        c->fin_seq == sl_crypt_rcv_high(tcb))
        sl_tcb_timer_set(tcb, SL_TIMER_AUTH, now_ns + tcb->tcp->config.auth_timeout_ns);
}

void sl_crypt_fin(struct sl_tcb *tcb, sl_seq seq, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    if (sl_seq_lt(seq, sl_crypt_rx_seq(tcb, c->rx_auth)))
        return;
    if (c->mark_in && seq == sl_crypt_rx_seq(tcb, c->rx_auth)) {
        tcb->has_fin_seq = true;
        tcb->fin_seq = seq;
        sl_tcb_advance(tcb, seq, now_ns);
        return;
    }
    c->fin_counted = c->fin_seen && c->fin_seq == seq && c->fin_counted;
    c->fin_seen = true;
    c->fin_seq = seq;
    sl_crypt_await_mark(tcb, now_ns);
    sl_tcb_wants_read(tcb);
}

void sl_crypt_note_fin(struct sl_tcb *tcb)
{
    struct sl_crypt *c = tcb->crypt;

    if (!c->fin_seen || c->fin_counted || c->mark_in || !sl_list_empty(&c->opens) ||
        c->fin_seq != sl_crypt_rx_seq(tcb, c->rx_auth))
        return;
    c->fin_counted = true;
    sl_count_drop(tcb->tcp->host.counters, SL_DROP_CRYPT_FIN);
}
