/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mempool.h>

#include "base/invariant.h"
#include "tcp/crypt.h"

/* SEGMENT ARRIVES: RFC 9293 3.10.7.4, in its order, with RFC 5961, 7323 5.3 and 8547 4.6 in it. */

#define TS_RECENT_VALID_NS (24 * UINT64_C(86400) * 1000000000) /* T7323-32 */

enum {
    ACK_EVERY_SEGS = 2, /* SHLD-19 */
    QUICK_ACKS = 16,    /* D7 */
    RX_LOOK_SEGS = 64,  /* how often the receive pool is looked at */
    RX_LOW_SHARE = 8,   /* low water: an eighth of it */
    SMALL_BYTES = 256,  /* segments that are packed together, */
    PACK_FROM = 32,     /* once so many mbufs wait for a reader */
    MBUF_SHARE = 256,   /* bytes of the receive buffer that an mbuf counts for, at least */
};

/* ---- ACKs that nothing in the window asked for ------------------------------------------------
 */

/*
 * RFC 5961 7: throttle challenge ACKs. For each connection alone, since a counter that others see
 * gives it away (CVE-2016-5696), and at intervals that vary by a quarter either way (D11).
 */
void sl_input_challenge(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;
    const uint64_t interval_ns = tcp->config.challenge_interval_ns;

    if (now_ns < tcb->challenge_next_ns) {
        sl_count(tcp->host.counters, SL_COUNT_CHALLENGE_ACKS_LIMITED);
        return;
    }
    tcb->challenge_next_ns = now_ns + interval_ns - interval_ns / 4 +
                             sl_random_below(tcp->host.random, interval_ns / 2 + 1);
    sl_count(tcp->host.counters, SL_COUNT_CHALLENGE_ACKS);
    tcb->ack_now = true;
    sl_tcb_wants_output(tcb);
}

/* ---- first to fourth ---------------------------------------------------------------------------
 */

static bool ts_recent_is_valid(const struct sl_tcb *tcb, uint64_t now_ns)
{
    return now_ns - tcb->ts_recent_at_ns < TS_RECENT_VALID_NS;
}

/*
 * RFC 7323 5.3, before anything else (T7323-30). A RST is exempt (T7323-33), and so is a SYN:
 * where it comes from a new incarnation its timestamps say nothing about this one, and it has to
 * get its challenge ACK (RFC 5961 4.2, T9293-38).
 */
enum sl_drop sl_input_check_timestamp(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    if (!tcb->ts_on || (seg->flags & (SL_TCP_RST | SL_TCP_SYN)))
        return SL_DROP_NONE;
    if (!seg->o.has_ts) /* D12 */
        return tcb->tcp->config.tolerate_missing_ts ? SL_DROP_NONE : SL_DROP_TCP_NO_TIMESTAMP;
    if (!sl_seq_lt(seg->o.tsval, tcb->ts_recent) || !ts_recent_is_valid(tcb, now_ns))
        return SL_DROP_NONE;
    sl_input_challenge(tcb, now_ns);
    return SL_DROP_TCP_PAWS;
}

/* A repeat of the SYN that made us SYN-RECEIVED: the SYN-ACK again, but not too often (D36). */
static enum sl_drop check_repeated_syn(struct sl_tcb *tcb, const struct sl_seg *seg,
                                       uint64_t now_ns)
{
    const uint8_t control = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST;
    struct sl_tcb_syn *syn = tcb->syn;

    if (tcb->state != SL_TCP_SYN_RECEIVED || (seg->flags & control) != SL_TCP_SYN ||
        seg->seq != tcb->irs)
        return SL_DROP_NONE;

    const struct sl_eno_seen seen = sl_handshake_eno_seen(seg);

    sl_eno_syn_received(&syn->eno, &seen); /* R23: it may have come without ENO */
    if (now_ns >= syn->synack_repeat_ns) {
        syn->synack_repeat_ns = now_ns + tcb->tcp->config.challenge_interval_ns;
        syn->send_now = true;
        sl_tcb_wants_output(tcb);
    }
    return SL_DROP_TCP_SYN_CHALLENGE;
}

/*
 * The SYNs had crossed and the peer's SYN-ACK is here: all that is new in it is the ACK (RFC 9293
 * 3.5, figure 7; by the letter of 3.10.7.4 its SYN would make it unacceptable). It becomes one.
 */
static bool uncross(struct sl_tcb *tcb, struct sl_seg *seg)
{
    const uint8_t control = SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST;

    if (tcb->state != SL_TCP_SYN_RECEIVED || tcb->passive ||
        (seg->flags & control) != (SL_TCP_SYN | SL_TCP_ACK) || seg->seq != tcb->irs ||
        seg->ack != tcb->snd_nxt)
        return false;

    const struct sl_eno_seen seen = sl_handshake_eno_seen(seg);

    sl_eno_syn_received(&tcb->syn->eno, &seen);
    /* What else it carries stays unacknowledged (T9293-14). */
    seg->flags = SL_TCP_ACK;
    seg->seq++;
    seg->len = 0;
    return true;
}

bool sl_input_is_acceptable(const struct sl_tcb *tcb, const struct sl_seg *seg)
{
    const uint32_t wnd = tcb->rcv_adv - tcb->rcv_nxt; /* T7323-12: the edge once announced */
    const uint32_t len = sl_seg_len(seg);

    if (wnd == 0)
        return len == 0 && seg->seq == tcb->rcv_nxt;
    return sl_seq_in(seg->seq, tcb->rcv_nxt, wnd) ||
           (len > 0 && sl_seq_in(seg->seq + len - 1, tcb->rcv_nxt, wnd));
}

/* A probe of our shut window: its ACK counts, and it gets one (T9293-5, T9293-39). */
static bool probes_window(const struct sl_tcb *tcb, const struct sl_seg *seg)
{
    return tcb->rcv_adv == tcb->rcv_nxt && seg->seq == tcb->rcv_nxt;
}

static enum sl_drop check_sequence(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    if (seg->flags & SL_TCP_RST) {
        const uint32_t wnd = tcb->rcv_adv - tcb->rcv_nxt;

        /* Its data is nothing (SHLD-2), and no window is too small for it (MUST-66). */
        return seg->seq == tcb->rcv_nxt || sl_seq_in(seg->seq, tcb->rcv_nxt, wnd)
                   ? SL_DROP_NONE
                   : SL_DROP_TCP_RST_OUTSIDE; /* T5961-3 */
    }
    /* T5961-5: whatever its SEQ. A half-open connection has D36 instead. */
    if ((seg->flags & SL_TCP_SYN) && tcb->state != SL_TCP_SYN_RECEIVED)
        return SL_DROP_NONE;
    if (sl_input_is_acceptable(tcb, seg) || probes_window(tcb, seg))
        return SL_DROP_NONE;
    sl_input_challenge(tcb, now_ns); /* T9293-4 */
    return SL_DROP_TCP_SEQUENCE;
}

/* An acceptable RST at rcv_nxt: T9293-15, -28, -29. */
static void take_rst(struct sl_tcb *tcb)
{
    enum sl_tcp_error why = SL_TCP_RESET;

    if (tcb->state == SL_TCP_CLOSING || tcb->state == SL_TCP_LAST_ACK)
        why = SL_TCP_OK;
    else if (tcb->state == SL_TCP_SYN_RECEIVED)
        why = SL_TCP_REFUSED; /* a child of a listener has nobody to tell */
    sl_count(tcb->tcp->host.counters, SL_COUNT_CONNECTIONS_RESET_IN);
    sl_tcb_end(tcb, why);
}

/* RFC 5961 3.2. Returns whether the segment was a RST, all of which end here. */
static bool check_rst(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns,
                      enum sl_drop *drop)
{
    if (!(seg->flags & SL_TCP_RST))
        return false;
    if (seg->seq == tcb->rcv_nxt) { /* T5961-1 */
        take_rst(tcb);
        return true;
    }
    sl_input_challenge(tcb, now_ns); /* T5961-2 */
    *drop = SL_DROP_TCP_RST_CHALLENGE;
    return true;
}

static enum sl_drop check_syn(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    if (!(seg->flags & SL_TCP_SYN))
        return SL_DROP_NONE;
    if (tcb->state == SL_TCP_SYN_RECEIVED && tcb->passive)
        sl_tcb_end(tcb, SL_TCP_OK); /* back to LISTEN (T9293-45) */
    else
        sl_input_challenge(tcb, now_ns); /* T5961-5 */
    return SL_DROP_TCP_SYN_CHALLENGE;
}

/* ---- fifth: ACK --------------------------------------------------------------------------------
 */

/* SYN-RECEIVED: the ACK of our SYN (T9293-16). */
static enum sl_drop check_handshake_ack(struct sl_tcb *tcb, const struct sl_seg *seg,
                                        uint64_t now_ns)
{
    if (!sl_seq_gt(seg->ack, tcb->snd_una) || sl_seq_gt(seg->ack, tcb->snd_nxt)) {
        sl_output_rst_for(tcb->tcp, seg, now_ns);
        return SL_DROP_TCP_ACK_RANGE;
    }
    if (tcb->of_listener && tcb->listener->n_ready >= tcb->listener->backlog)
        return SL_DROP_TCP_ACCEPT_QUEUE; /* D46 */
    sl_ack_take(tcb, seg, now_ns);
    sl_handshake_done(tcb, now_ns);
    return SL_DROP_NONE;
}

/* What the ACK of our FIN leads to (T9293-21). */
static void take_ack_of_fin(struct sl_tcb *tcb, uint64_t now_ns)
{
    if (!sl_ack_covers_fin(tcb))
        return;
    if (tcb->state == SL_TCP_FIN_WAIT_1) {
        sl_tcb_enter(tcb, SL_TCP_FIN_WAIT_2);
        if (tcb->detached) /* D41 */
            sl_tcb_timer_set(tcb, SL_TIMER_TIME_WAIT, now_ns + tcb->tcp->config.fin_wait_2_ns);
    } else if (tcb->state == SL_TCP_CLOSING) {
        sl_time_wait_enter(tcb, now_ns);
    } else if (tcb->state == SL_TCP_LAST_ACK) {
        sl_tcb_end(tcb, SL_TCP_OK);
    }
}

static enum sl_drop check_ack(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    if (!(seg->flags & SL_TCP_ACK))
        return SL_DROP_TCP_NO_ACK; /* T9293-17 */
    if (tcb->state == SL_TCP_SYN_RECEIVED)
        return check_handshake_ack(tcb, seg, now_ns);
    /* RFC 5961 5.2: blind data injection has to guess this number too (T5961-8, T9293-18). */
    if (sl_seq_gt(seg->ack, tcb->snd_nxt) ||
        (sl_seq_lt(seg->ack, tcb->snd_una) &&
         sl_seq_lt(seg->ack, tcb->snd_una - tcb->snd_wnd_max))) {
        sl_input_challenge(tcb, now_ns);
        return SL_DROP_TCP_ACK_RANGE;
    }
    if (sl_seq_gt(seg->ack, tcb->snd_una))
        tcb->soft_error = SL_TCP_OK;
    sl_ack_take(tcb, seg, now_ns);
    take_ack_of_fin(tcb, now_ns);
    return SL_DROP_NONE;
}

/* T7323-25: of what is older than our last ACK nothing is echoed, nor of what came too early. */
static void take_timestamp(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    if (!tcb->ts_on || !seg->o.has_ts || sl_seq_gt(seg->seq, tcb->last_ack_sent))
        return;
    if (sl_seq_lt(seg->o.tsval, tcb->ts_recent) && ts_recent_is_valid(tcb, now_ns))
        return;
    tcb->ts_recent = seg->o.tsval;
    tcb->ts_recent_at_ns = now_ns;
}

/* The first ACK segment decides about ENO, before its text is taken (R23, R26). */
static enum sl_drop take_eno(struct sl_tcb *tcb, const struct sl_seg *seg, bool had_syn,
                             uint64_t now_ns)
{
    const struct sl_eno_seen seen = sl_handshake_eno_seen(seg);

    if (!had_syn)
        sl_eno_segment_received(&tcb->syn->eno, &seen);
    sl_tcb_eno_settle(tcb, now_ns);
    return tcb->state == SL_TCP_CLOSED && tcb->error == SL_TCP_NO_ENCRYPTION
               ? SL_DROP_TCP_ENO_PLAINTEXT
               : SL_DROP_NONE;
}

/* ---- sixth: URG ---------------------------------------------------------------------------------
 */

/*
 * RFC 6093: the pointer is a hint; the stream never depends on it (T6093-3). Of an encrypted
 * connection it is nobody's word (R41).
 */
static void take_urgent(struct sl_tcb *tcb, const struct sl_seg *seg)
{
    const sl_seq up = seg->seq + seg->urgent; /* D28: the octet behind */

    if (!(seg->flags & SL_TCP_URG) || tcb->encrypting || tcb->fin_received)
        return;
    if (sl_seq_gt(up, tcb->rcv_nxt) && (!tcb->urgent || sl_seq_gt(up, tcb->rcv_up))) {
        tcb->urgent = true;
        tcb->rcv_up = up;
    }
}

/* ---- seventh: text
 * ------------------------------------------------------------------------------- */

/* Cut `n` bytes off the front of a chain, which is longer. */
static struct rte_mbuf *cut_front(struct rte_mbuf *m, uint32_t n)
{
    while (n >= m->data_len && m->next != NULL) {
        struct rte_mbuf *next = m->next;

        next->pkt_len = m->pkt_len - m->data_len;
        next->nb_segs = (uint16_t)(m->nb_segs - 1);
        n -= m->data_len;
        rte_pktmbuf_free_seg(m);
        m = next;
    }
    rte_pktmbuf_adj(m, (uint16_t)n);
    return m;
}

/* Cut a chain off behind its first `len` bytes, 1 at least. */
static void cut_back(struct rte_mbuf *m, uint32_t len)
{
    struct rte_mbuf *last = m;

    m->pkt_len = len;
    m->nb_segs = 1;
    while (len > last->data_len) {
        len -= last->data_len;
        last = last->next;
        m->nb_segs++;
    }
    last->data_len = (uint16_t)len;
    rte_pktmbuf_free(last->next);
    last->next = NULL;
}

/*
 * Trim to the window on both sides, and to the peer's FIN, so that the segment begins at rcv_nxt
 * or behind (T9293-42, T9293-26). Nothing may remain, which is what the reason says then; only a
 * FIN behind payload that is all old stands yet.
 */
static enum sl_drop trim(struct sl_tcb *tcb, struct sl_seg *seg)
{
    const sl_seq end = seg->seq + seg->len;
    const bool bounded = tcb->has_fin_seq && sl_seq_lt(tcb->fin_seq, tcb->rcv_adv);
    const sl_seq edge = bounded ? tcb->fin_seq : tcb->rcv_adv;
    const sl_seq from = sl_seq_max(seg->seq, tcb->rcv_nxt), to = sl_seq_min(end, edge);

    if (to != end)
        seg->flags &= (uint8_t)~SL_TCP_FIN;
    if (sl_seq_leq(end, tcb->rcv_nxt)) {
        seg->seq = end;
        seg->len = 0;
        return SL_DROP_TCP_DUPLICATE;
    }
    if (sl_seq_geq(from, to)) {
        seg->len = 0;
        return bounded ? SL_DROP_TCP_AFTER_FIN : SL_DROP_TCP_SEQUENCE;
    }
    if (from != seg->seq)
        seg->m = cut_front(seg->m, from - seg->seq);
    if (to != end)
        cut_back(seg->m, to - from);
    seg->seq = from;
    seg->len = to - from;
    return SL_DROP_NONE;
}

/*
 * Below the low-water mark of the receive pool payload is not kept, so that acknowledgments still
 * find mbufs to arrive in. Looking costs as much as a segment, so it is done once in a while.
 */
static bool is_pool_low(struct sl_tcp *tcp)
{
    if (tcp->rx_countdown > 0 && !tcp->rx_low) {
        tcp->rx_countdown--;
        return false;
    }
    tcp->rx_countdown = RX_LOOK_SEGS;
    tcp->rx_low = rte_mempool_avail_count(tcp->host.rx) < tcp->host.rx->size / RX_LOW_SHARE;
    return tcp->rx_low;
}

/* In order, or filling a hole: what is behind it and in order now goes with it. */
static enum sl_drop take_in_order(struct sl_tcb *tcb, struct rte_mbuf *m, uint32_t len,
                                  uint64_t now_ns)
{
    const bool fills = tcb->rcvq.n > 0;
    enum sl_drop drop = SL_DROP_NONE;
    sl_seq nxt = tcb->rcv_nxt;

    if (fills && sl_seq_lt(sl_rcvq_at(&tcb->rcvq, 0)->seq, nxt + len)) {
        /* It overlaps what was held: of that the first copy counts (D43). */
        drop = sl_rcvq_insert(&tcb->rcvq, nxt, m, false, tcb->tcp->host.rx);
    } else if (sl_tcb_deliver(tcb, m)) {
        nxt += len;
    } else {
        drop = SL_DROP_TCP_NO_MEMORY;
    }
    while (fills && (m = sl_rcvq_take(&tcb->rcvq, nxt)) != NULL) {
        len = m->pkt_len;
        if (!sl_tcb_deliver(tcb, m)) {
            drop = SL_DROP_TCP_NO_MEMORY;
            break;
        }
        nxt += len;
    }
    if (fills) { /* T5681-19 */
        tcb->ack_now = true;
        sl_tcb_wants_output(tcb);
    }
    sl_tcb_advance(tcb, nxt, now_ns);
    return drop;
}

static enum sl_drop take_out_of_order(struct sl_tcb *tcb, sl_seq seq, struct rte_mbuf *m)
{
    tcb->ack_now = true; /* MAY-13: a duplicate ACK at once */
    sl_tcb_wants_output(tcb);
    return sl_rcvq_insert(&tcb->rcvq, seq, m, false, tcb->tcp->host.rx); /* SHLD-31 */
}

/* May the state receive? Behind the peer's FIN nothing follows. */
static bool receives(enum sl_tcp_state state)
{
    return state == SL_TCP_ESTABLISHED || state == SL_TCP_FIN_WAIT_1 || state == SL_TCP_FIN_WAIT_2;
}

/* Windows count bytes, memory is mbufs: what waits for a reader is bounded in both (trap 24). */
static bool is_memory_full(const struct sl_tcb *tcb)
{
    return tcb->inq.n >= tcb->rcvbuf_bytes / MBUF_SHARE + PACK_FROM;
}

/* Payload that the window has room for, and nobody wants: why. */
static enum sl_drop refuse_text(struct sl_tcb *tcb, uint64_t now_ns)
{
    if (tcb->negotiating) /* it overtook our ACK; nothing may be taken before R26 is decided */
        return SL_DROP_TCP_ENO_PLAINTEXT;
    if (is_pool_low(tcb->tcp))
        return SL_DROP_TCP_POOL_LOW;
    if (is_memory_full(tcb))
        return SL_DROP_TCP_RCV_MEMORY;
    if (tcb->detached && !tcb->encrypting) { /* SHLD-3; under a TEP: once it is authentic */
        sl_tcb_reset(tcb, SL_TCP_ABORTED, now_ns);
        return SL_DROP_TCP_CLOSED_READER;
    }
    return SL_DROP_NONE;
}

/* None of the payload is taken. A FIN waits until that comes again, unless it came before. */
static enum sl_drop leave_text(struct sl_tcb *tcb, struct sl_seg *seg, enum sl_drop why)
{
    if (why != SL_DROP_TCP_DUPLICATE)
        seg->flags &= (uint8_t)~SL_TCP_FIN;
    if (tcb->state != SL_TCP_CLOSED) {
        tcb->ack_now = true;
        sl_tcb_wants_output(tcb);
    }
    return why;
}

static enum sl_drop take_text(struct sl_tcb *tcb, struct sl_seg *seg, uint64_t now_ns)
{
    enum sl_drop drop;
    struct rte_mbuf *m;

    if (seg->len == 0)
        return SL_DROP_NONE;
    drop = receives((enum sl_tcp_state)tcb->state) ? trim(tcb, seg) : SL_DROP_TCP_AFTER_FIN;
    if (drop == SL_DROP_NONE)
        drop = refuse_text(tcb, now_ns);
    if (drop != SL_DROP_NONE)
        return leave_text(tcb, seg, drop);
    m = seg->m;
    seg->m = NULL;
    if (tcb->encrypting)
        return sl_crypt_text(tcb, seg->seq, m);
    if (seg->seq != tcb->rcv_nxt)
        return take_out_of_order(tcb, seg->seq, m);
    return take_in_order(tcb, m, seg->len, now_ns);
}

/*
 * A segment of a byte holds as much memory as a full one. Where nobody reads, small ones go into
 * one mbuf. Returns what is to be queued; NULL: it was copied behind what is.
 */
static struct rte_mbuf *pack(struct sl_tcb *tcb, struct rte_mbuf *m)
{
    const uint16_t len = m->data_len;
    struct rte_mbuf *fresh;

    if (m->pkt_len > SMALL_BYTES || m->nb_segs > 1 || tcb->inq.n < PACK_FROM)
        return m;
    if (sl_inq_append(&tcb->inq, rte_pktmbuf_mtod(m, const void *), len)) {
        rte_pktmbuf_free(m);
        return NULL;
    }
    if (RTE_MBUF_DIRECT(m) || SL_FAULT(input_pack) ||
        (fresh = rte_pktmbuf_alloc(tcb->tcp->host.rx)) == NULL)
        return m;
    memcpy(rte_pktmbuf_append(fresh, len), rte_pktmbuf_mtod(m, const void *), len);
    rte_pktmbuf_free(m);
    return fresh;
}

bool sl_tcb_deliver(struct sl_tcb *tcb, struct rte_mbuf *m)
{
    const uint32_t len = m->pkt_len;

    if (tcb->rd_shut) { /* received, acknowledged, and not wanted */
        rte_pktmbuf_free(m);
        return true;
    }
    m = pack(tcb, m);
    if (m != NULL && !sl_inq_push(&tcb->inq, m))
        return false;
    sl_count_add(tcb->tcp->host.counters, SL_COUNT_BYTES_IN, len);
    sl_tcb_event(tcb, SL_TCP_EV_READABLE);
    return true;
}

/* ---- eighth: FIN
 * --------------------------------------------------------------------------------- */

static const uint8_t after_fin[SL_TCP_STATES] = {
    [SL_TCP_ESTABLISHED] = SL_TCP_CLOSE_WAIT,
    [SL_TCP_FIN_WAIT_1] = SL_TCP_CLOSING, /* were our FIN acknowledged, we had left by now */
    [SL_TCP_FIN_WAIT_2] = SL_TCP_TIME_WAIT,
};

/* All in front of the peer's FIN was received (T9293-22, T9293-23). */
static void pass_fin(struct sl_tcb *tcb, uint64_t now_ns)
{
    tcb->has_fin_seq = false;
    tcb->fin_received = true;
    tcb->rcv_nxt++;
    tcb->rcv_adv = sl_seq_max(tcb->rcv_adv, tcb->rcv_nxt);
    tcb->ack_now = true;
    sl_tcb_wants_output(tcb);
    if (!tcb->eof) {
        tcb->eof = true;
        sl_tcb_event(tcb, SL_TCP_EV_READABLE | SL_TCP_EV_EOF);
    }
    if (after_fin[tcb->state] == SL_TCP_TIME_WAIT)
        sl_time_wait_enter(tcb, now_ns);
    else
        sl_tcb_enter(tcb, (enum sl_tcp_state)after_fin[tcb->state]);
}

static void take_fin(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    const sl_seq seq = seg->seq + seg->len;

    if (!(seg->flags & SL_TCP_FIN) || !receives((enum sl_tcp_state)tcb->state))
        return;
    if (!sl_seq_in(seq, tcb->rcv_nxt, tcb->rcv_adv - tcb->rcv_nxt)) {
        tcb->ack_now = true; /* a probe of our shut window (T9293-39) */
        sl_tcb_wants_output(tcb);
        return;
    }
    if (tcb->encrypting) {
        sl_crypt_fin(tcb, seq, now_ns);
        return;
    }
    if (!tcb->has_fin_seq) { /* the first one stands */
        tcb->has_fin_seq = true;
        tcb->fin_seq = seq;
    }
    if (tcb->fin_seq != tcb->rcv_nxt) { /* T9293-25: it waits */
        tcb->ack_now = true;
        sl_tcb_wants_output(tcb);
        return;
    }
    sl_tcb_advance(tcb, tcb->fin_seq, now_ns);
}

/* ---- acknowledging
 * -------------------------------------------------------------------------------- */

/* D7: at once for the first segments and after idle, at once for every second one, else delayed. */
static void owe_ack(struct sl_tcb *tcb, uint64_t now_ns)
{
    const bool at_once = tcb->quick_acks > 0;

    if (tcb->ack_pending_segs < UINT16_MAX)
        tcb->ack_pending_segs++;
    if (at_once)
        tcb->quick_acks--;
    if (tcb->ack_now) { /* the rest of a burst */
        SL_INVARIANT(sl_link_is_listed(&tcb->out_link));
        return;
    }
    if (at_once || tcb->ack_pending_segs >= ACK_EVERY_SEGS)
        tcb->ack_now = true;
    else if (tcb->due_ns[SL_TIMER_DELAYED_ACK] == SL_NEVER)
        sl_tcb_timer_set(tcb, SL_TIMER_DELAYED_ACK, now_ns + tcb->tcp->config.delayed_ack_ns);
    sl_tcb_wants_output(tcb);
}

void sl_tcb_advance(struct sl_tcb *tcb, sl_seq nxt, uint64_t now_ns)
{
    if (tcb->state == SL_TCP_CLOSED)
        return;
    if (sl_seq_gt(nxt, tcb->rcv_nxt)) {
        SL_INVARIANT(sl_seq_leq(nxt, tcb->rcv_adv));
        tcb->rcv_nxt = nxt;
        owe_ack(tcb, now_ns);
    }
    if (tcb->has_fin_seq && tcb->fin_seq == tcb->rcv_nxt)
        pass_fin(tcb, now_ns);
}

/*
 * An acceptable segment came. Data after silence is acknowledged at once, as at the beginning: its
 * sender's window may be small again (D7; RFC 5681 4.1), and PSH then says that somebody waits.
 */
static void note_arrival(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    const struct sl_tcp_config *config = &tcb->tcp->config;
    const uint64_t quiet_ns = now_ns - tcb->last_rcv_ns;

    tcb->last_rcv_ns = now_ns;
    if (seg->len == 0 || quiet_ns <= RTE_MIN(config->delayed_ack_ns, config->rto.min_ns))
        return;
    if (quiet_ns > tcb->rto.rto_ns)
        tcb->quick_acks = QUICK_ACKS;
    else if ((seg->flags & SL_TCP_PSH) && quiet_ns > config->delayed_ack_ns)
        tcb->quick_acks = (uint8_t)RTE_MAX(tcb->quick_acks, 1);
}

/* ---- the whole
 * ------------------------------------------------------------------------------------ */

static enum sl_drop synchronized(struct sl_tcb *tcb, struct sl_seg *seg, uint64_t now_ns)
{
    const bool had_syn = uncross(tcb, seg);
    enum sl_drop drop, text;

    if ((drop = sl_input_check_timestamp(tcb, seg, now_ns)) || /* PAWS: RFC 7323 5.3 */
        (drop = check_repeated_syn(tcb, seg, now_ns)))         /* D36 */
        return drop;
    if (tcb->encrypting && sl_seq_lt(seg->seq, tcb->rcv_nxt))
        sl_crypt_doubt(tcb, seg);
    if ((drop = check_sequence(tcb, seg, now_ns)) || /* first */
        check_rst(tcb, seg, now_ns, &drop) ||        /* second; RFC 5961 3.2 */
        (drop = check_syn(tcb, seg, now_ns)))        /* fourth; RFC 5961 4.2 */
        return drop;
    note_arrival(tcb, seg, now_ns);
    if ((drop = check_ack(tcb, seg, now_ns)) || tcb->state == SL_TCP_CLOSED) /* fifth */
        return drop;
    if (had_syn) /* T7323-4 */
        tcb->snd_wnd = tcb->snd_wnd_max = seg->wnd;
    take_timestamp(tcb, seg, now_ns);
    if (tcb->syn != NULL &&
        ((drop = take_eno(tcb, seg, had_syn, now_ns)) || tcb->state == SL_TCP_CLOSED))
        return drop;
    take_urgent(tcb, seg);              /* sixth; RFC 6093 */
    text = take_text(tcb, seg, now_ns); /* seventh */
    if (tcb->state != SL_TCP_CLOSED)
        take_fin(tcb, seg, now_ns); /* eighth */
    return text;
}

static enum sl_drop by_state(struct sl_tcb *tcb, struct sl_seg *seg, uint64_t now_ns)
{
    switch ((enum sl_tcp_state)tcb->state) {
    case SL_TCP_SYN_SENT:
        return sl_syn_sent_segment(tcb, seg, now_ns);
    case SL_TCP_TIME_WAIT:
        return sl_time_wait_segment(tcb, seg, now_ns);
    case SL_TCP_SYN_RECEIVED:
    case SL_TCP_ESTABLISHED:
    case SL_TCP_FIN_WAIT_1:
    case SL_TCP_FIN_WAIT_2:
    case SL_TCP_CLOSE_WAIT:
    case SL_TCP_CLOSING:
    case SL_TCP_LAST_ACK:
        return synchronized(tcb, seg, now_ns);
    case SL_TCP_CLOSED:
    case SL_TCP_LISTEN:
    case SL_TCP_STATES:
        break;
    }
    return SL_DROP_NONE;
}

enum sl_drop sl_tcp_segment(struct sl_tcp *tcp, struct sl_tcb *tcb, struct sl_seg *seg,
                            uint64_t now_ns)
{
    enum sl_drop drop;

    if (tcb->state == SL_TCP_CLOSED) /* ended by one before it in the burst */
        return sl_tcp_stray_segment(tcp, seg, now_ns);
    tcp->now_ns = now_ns;
    sl_count(tcp->host.counters, SL_COUNT_SEGS_IN);
    drop = by_state(tcb, seg, now_ns);
    if (drop != SL_DROP_NONE)
        sl_count_drop(tcp->host.counters, drop);
    rte_pktmbuf_free(seg->m);
    seg->m = NULL;
    return drop;
}
