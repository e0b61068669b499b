/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_common.h>

#include "base/invariant.h"
#include "tcp/tcb.h"

/*
 * What acknowledgments, and their absence, say about the path: round trips, losses, windows.
 * Loss recovery is RFC 6582 with RFC 3042's limited transmit; who may send how much belongs to
 * congestion control (cc.h), the sending to output.c, which finds here-marked segments.
 */
enum {
    DUP_ACKS = 3, /* RFC 5681 3.2 */
    IW_SEGS = 10, /* T6928-1 */
    IW_BYTES = 14600,
    IW_LOST_SEGS = 4, /* RFC 3390 */
    IW_LOST_BYTES = 4380,
    SYN_LOSSES_MAX = 1, /* D20: beyond, the initial window is one segment */
};

static const uint64_t ms_ns = 1000000, s_ns = 1000000000;

static const struct sl_cc_ops *cc_of(const struct sl_tcb *tcb)
{
    return sl_cc_at(tcb->cc_index);
}

uint32_t sl_ack_initial_window(const struct sl_tcb *tcb)
{
    const uint32_t mss = tcb->mss_bytes;

    if (tcb->iw_lost) /* T6928-3 */
        return RTE_MIN(IW_LOST_SEGS * mss, RTE_MAX(2 * mss, (uint32_t)IW_LOST_BYTES));
    return RTE_MIN(IW_SEGS * mss, RTE_MAX(2 * mss, (uint32_t)IW_BYTES));
}

/* ---- round trips ------------------------------------------------------------------------------
 */

/* By the echoed timestamp; 0: none, or one that cannot be. */
static uint64_t echoed_rtt(const struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    const uint32_t ticks = sl_tcb_tsval(tcb, now_ns) - seg->o.tsecr;

    if (!tcb->ts_on || !seg->o.has_ts || ticks * ms_ns > tcb->tcp->config.rto.max_ns)
        return 0;
    return RTE_MAX(ticks, 1U) * ms_ns;
}

/* T6298-7: one sample a round trip, so that the gains are those of RFC 6298 (T7323-24). */
static void sample_rtt(struct sl_tcb *tcb, sl_seq ack, uint64_t rtt_ns, uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;

    if (rtt_ns == 0 || sl_seq_leq(ack, tcb->rtt_seq))
        return;
    sl_rto_sample(&tcb->rto, &tcp->config.rto, rtt_ns, 1);
    tcb->rtt_seq = tcb->snd_nxt;
    if (now_ns - tcb->confirmed_ns > s_ns) { /* T4861-22: often enough, and not each time */
        tcb->confirmed_ns = now_ns;
        tcp->host.path(tcp->host.ctx, tcb, true);
    }
}

/* ---- what was acknowledged --------------------------------------------------------------------
 */

/* What an ACK of new data covers. */
struct covered {
    uint32_t bytes;  /* sequence numbers */
    uint32_t flight; /* before it */
    bool resent;     /* some of it was sent more than once (T6298-6) */
    bool whole;      /* at least one segment: `last` is a copy of the newest */
    struct sl_snd_seg last;
};

static sl_seq end_of(const struct sl_snd_seg *seg)
{
    return seg->seq + seg->len + seg->fin;
}

/* Walk what `ack` covers, and take it off what is marked lost. */
static void cover(struct sl_tcb *tcb, sl_seq ack, struct covered *c)
{
    const struct sl_sndq *q = &tcb->sndq;
    uint32_t i;

    c->bytes = ack - tcb->snd_una;
    c->flight = sl_tcb_flight(tcb);
    c->resent = false;
    for (i = 0; i < q->n_sent && sl_seq_lt(sl_sndq_at(q, i)->seq, ack); i++) {
        const struct sl_snd_seg *seg = sl_sndq_at(q, i);

        c->resent |= seg->n_sent > 1;
        if (seg->lost)
            tcb->lost_bytes -= sl_seq_min(end_of(seg), ack) - sl_seq_max(seg->seq, tcb->snd_una);
        if (sl_seq_gt(end_of(seg), ack))
            break;
    }
    c->whole = i > 0;
    if (c->whole)
        c->last = *sl_sndq_at(q, i - 1);
}

static uint64_t rtt_of(const struct sl_tcb *tcb, const struct sl_seg *seg, const struct covered *c,
                       uint64_t now_ns)
{
    if (c->resent) /* T6298-6; a timestamp tells which transmission it was (T7323-22) */
        return echoed_rtt(tcb, seg, now_ns);
    return c->whole ? RTE_MAX(now_ns - c->last.sent_ns, (uint64_t)1) : 0;
}

/* draft-cheng-iccrg-delivery-rate-estimation 3.3. */
static void sample_rate(struct sl_tcb *tcb, const struct covered *c, struct sl_cc_acked *e)
{
    uint64_t send_ns, ack_ns;

    tcb->delivered_bytes += c->bytes;
    tcb->delivered_ns = e->now_ns;
    if (!c->whole)
        return;
    send_ns = c->last.sent_ns - c->last.first_sent_ns;
    ack_ns = e->now_ns - c->last.delivered_ns;
    e->interval_ns = RTE_MAX(send_ns, ack_ns);
    e->delivered_bytes = tcb->delivered_bytes - c->last.delivered_bytes;
    e->app_limited = c->last.app_limited;
    if (e->interval_ns < tcb->rto.min_rtt_ns) /* too short to be true */
        e->interval_ns = 0;
    tcb->first_sent_ns = c->last.sent_ns;
    if (tcb->app_limited_bytes > 0 && tcb->delivered_bytes > tcb->app_limited_bytes)
        tcb->app_limited_bytes = 0;
}

static void tell_cc(struct sl_tcb *tcb, const struct covered *c, uint64_t rtt_ns, uint64_t now_ns)
{
    struct sl_cc_acked e = {
        .now_ns = now_ns,
        .bytes = c->bytes,
        .in_flight = c->flight,
        .rtt_ns = rtt_ns,
        .srtt_ns = tcb->rto.srtt_ns,
        .min_rtt_ns = tcb->rto.min_rtt_ns,
        .cwnd_limited = tcb->cwnd_limited,
        .in_recovery = tcb->in_recovery,
        .after_rto = tcb->after_rto,
    };

    sample_rate(tcb, c, &e);
    cc_of(tcb)->acked(&tcb->cc, &e);
    if (sl_seq_geq(tcb->snd_una, tcb->limited_end))
        tcb->cwnd_limited = false;
}

/* ---- losses -----------------------------------------------------------------------------------
 */

static void mark_lost(struct sl_tcb *tcb, uint32_t i)
{
    struct sl_snd_seg *seg = sl_sndq_at(&tcb->sndq, i);

    if (seg->lost)
        return;
    seg->lost = true;
    tcb->lost_bytes += end_of(seg) - sl_seq_max(seg->seq, tcb->snd_una);
    tcb->resend_at = sl_seq_min(tcb->resend_at, tcb->sndq.head + i);
}

/* The segment at snd_una goes again, whatever cwnd says, and no other (trap 6). */
static void resend_first(struct sl_tcb *tcb)
{
    mark_lost(tcb, 0);
    tcb->resend_now = 1;
}

/* T6928-4: the outcome of a large initial window can be seen. */
static void note_loss(struct sl_tcb *tcb)
{
    if (tcb->iw_lost || tcb->delivered_bytes >= sl_ack_initial_window(tcb))
        return;
    tcb->iw_lost = true;
    sl_count(tcb->tcp->host.counters, SL_COUNT_INITIAL_WINDOW_LOSS);
}

static void congested(struct sl_tcb *tcb, enum sl_cc_signal signal, uint32_t flight_bytes,
                      bool repeated, uint64_t now_ns)
{
    const struct sl_cc_lost e = {now_ns, signal, flight_bytes, repeated};

    note_loss(tcb);
    cc_of(tcb)->lost(&tcb->cc, &e);
}

/* RFC 6582 3.2, steps 1 and 2. */
static void enter_recovery(struct sl_tcb *tcb, uint64_t now_ns)
{
    /* What limited transmit sent lies beyond cwnd, and does not count (T5681-15). */
    const uint32_t flight = RTE_MIN(tcb->snd_nxt - tcb->snd_una, tcb->cc.cwnd);

    congested(tcb, SL_CC_FAST_RETRANSMIT, flight, false, now_ns);
    tcb->in_recovery = true;
    tcb->partial_seen = false;
    tcb->recover = tcb->snd_nxt;
    tcb->inflate_bytes = DUP_ACKS * (uint32_t)tcb->mss_bytes;
    resend_first(tcb);
    sl_count(tcb->tcp->host.counters, SL_COUNT_FAST_RETRANSMITS);
    sl_timers_rearm(tcb, now_ns); /* T6298-9 */
}

/*
 * T5681-14. With the window shut, ACKs answer probes. `wnd` as in the segment, scaled.
 */
static bool is_duplicate(const struct sl_tcb *tcb, const struct sl_seg *seg, uint32_t wnd)
{
    return seg->ack == tcb->snd_una && tcb->snd_una != tcb->snd_nxt && wnd == tcb->snd_wnd &&
           wnd > 0 && seg->len == 0 && (seg->flags & (SL_TCP_SYN | SL_TCP_FIN)) == 0;
}

static void take_duplicate(struct sl_tcb *tcb, uint64_t now_ns)
{
    const uint32_t mss = tcb->mss_bytes;

    if (tcb->dup_acks < UINT8_MAX)
        tcb->dup_acks++;
    if (tcb->in_recovery) /* T5681-16; no more can have left the network than was in it */
        tcb->inflate_bytes = RTE_MIN(tcb->inflate_bytes + mss, tcb->snd_nxt - tcb->snd_una);
    else if (tcb->after_rto)
        return;                        /* T6582-5 */
    else if (tcb->dup_acks < DUP_ACKS) /* T3042-1, -2 */
        tcb->inflate_bytes = tcb->dup_acks * mss;
    else if (tcb->dup_acks == DUP_ACKS && sl_seq_gt(tcb->snd_una, tcb->recover)) /* T6582-1 */
        enter_recovery(tcb, now_ns);
    sl_tcb_wants_output(tcb);
}

/* RFC 6582 3.2, step 3, for an ACK of `bytes` new ones. */
static void advance_recovery(struct sl_tcb *tcb, uint32_t bytes, uint64_t now_ns)
{
    const uint32_t mss = tcb->mss_bytes;

    if (sl_seq_geq(tcb->snd_una, tcb->recover)) { /* T6582-2 */
        tcb->in_recovery = false;
        tcb->dup_acks = 0;
        tcb->inflate_bytes = 0;
        cc_of(tcb)->recovered(&tcb->cc, tcb->snd_nxt - tcb->snd_una, now_ns);
        return;
    }
    tcb->inflate_bytes -= RTE_MIN(bytes, tcb->inflate_bytes); /* T6582-3 */
    if (bytes >= mss)
        tcb->inflate_bytes += mss;
    resend_first(tcb);
}

/* snd_una has moved: where does that leave what went before? */
static void progress(struct sl_tcb *tcb, uint32_t bytes, uint64_t now_ns)
{
    const bool impatient = tcb->in_recovery && tcb->partial_seen;

    tcb->stalled_since_ns = 0;
    tcb->timeouts = 0;
    tcb->resend_now = 0;
    tcb->small_end = sl_seq_max(tcb->small_end, tcb->snd_una);
    if (tcb->in_recovery) {
        advance_recovery(tcb, bytes, now_ns);
        tcb->partial_seen = true;
    } else {
        tcb->dup_acks = 0;
        tcb->inflate_bytes = 0;
        if (tcb->after_rto && sl_seq_geq(tcb->snd_una, tcb->recover))
            tcb->after_rto = false;
        if (!tcb->after_rto) /* never more than half the sequence space behind */
            tcb->recover = sl_seq_max(tcb->recover, tcb->snd_una - 1);
    }
    if (!impatient || !tcb->in_recovery) /* T6298-10, T6582-4 */
        sl_timers_rearm(tcb, now_ns);
}

static void take_new(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    /* A user who looked at the level while the buffer was full waits, too. */
    const bool waits = tcb->send_blocked || !sl_tcb_has_room(tcb);
    struct covered c;
    uint64_t rtt_ns;

    cover(tcb, seg->ack, &c);
    rtt_ns = rtt_of(tcb, seg, &c, now_ns);
    sl_sndq_acked(&tcb->sndq, seg->ack);
    tcb->snd_una = seg->ack;
    sample_rtt(tcb, seg->ack, rtt_ns, now_ns);
    tell_cc(tcb, &c, rtt_ns, now_ns);
    progress(tcb, c.bytes, now_ns);
    if (waits && sl_tcb_has_room(tcb)) {
        tcb->send_blocked = false;
        sl_tcb_event(tcb, SL_TCP_EV_WRITABLE);
    }
}

/* ---- the peer's window ------------------------------------------------------------------------
 */

/*
 * What is in flight when the window opens after it was probed was sent beyond it, and not taken:
 * it goes again, and congestion has no part in that.
 */
static void window_opened(struct sl_tcb *tcb, uint64_t now_ns)
{
    uint32_t i;

    for (i = 0; tcb->shut_probes > 0 && i < tcb->sndq.n_sent; i++)
        mark_lost(tcb, i);
    tcb->shut_probes = 0;
    sl_timers_rearm(tcb, now_ns);
}

/* T9293-20. */
static void take_window(struct sl_tcb *tcb, const struct sl_seg *seg, uint32_t wnd, uint64_t now_ns)
{
    const bool was_shut = tcb->snd_wnd == 0;

    if (!sl_seq_lt(tcb->snd_wl1, seg->seq) &&
        !(tcb->snd_wl1 == seg->seq && sl_seq_leq(tcb->snd_wl2, seg->ack)))
        return;
    tcb->snd_wl1 = seg->seq;
    tcb->snd_wl2 = seg->ack;
    if (wnd == tcb->snd_wnd)
        return;
    tcb->snd_wnd = wnd;
    tcb->snd_wnd_max = RTE_MAX(tcb->snd_wnd_max, wnd);
    if (was_shut)
        window_opened(tcb, now_ns);
    else if (wnd == 0)
        sl_timers_rearm(tcb, now_ns);
}

/* ---- an acknowledgment ------------------------------------------------------------------------
 */

/* The handshake's only round trip: T6298-12 with reading D18. */
static void sample_syn(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    const struct sl_rto_bounds *b = &tcb->tcp->config.rto;
    const struct sl_tcb_syn *syn = tcb->syn;
    uint64_t rtt_ns;

    rtt_ns = syn->n_sent == 1 ? RTE_MAX(now_ns - syn->sent_ns, (uint64_t)1)
                              : echoed_rtt(tcb, seg, now_ns);
    if (rtt_ns > 0) {
        sl_rto_sample(&tcb->rto, b, rtt_ns, 1);
        return;
    }
    tcb->rto.backoff = 0;
    tcb->rto.rto_ns = RTE_MAX(tcb->rto.rto_ns, 3 * s_ns);
}

/* The peer has our SYN: begin. It does not grow cwnd (T5681-2). */
static void take_syn(struct sl_tcb *tcb, const struct sl_seg *seg, uint32_t wnd, uint64_t now_ns)
{
    const bool lost = tcb->syn->n_sent > SYN_LOSSES_MAX + 1; /* D20 */

    sample_syn(tcb, seg, now_ns);
    tcb->snd_una = tcb->iss + 1;
    tcb->recover = tcb->iss;
    tcb->rtt_seq = tcb->small_end = tcb->snd_una;
    tcb->snd_wnd = tcb->snd_wnd_max = wnd; /* T9293-16 */
    tcb->snd_wl1 = seg->seq;
    tcb->snd_wl2 = seg->ack;
    tcb->last_snd_ns = now_ns;
    tcb->stalled_since_ns = 0;
    tcb->timeouts = 0;
    cc_of(tcb)->init(&tcb->cc, tcb->mss_bytes, lost ? tcb->mss_bytes : sl_ack_initial_window(tcb));
    sl_tcb_timer_off(tcb, SL_TIMER_RETRANSMIT);
    sl_tcb_wants_output(tcb);
}

/* Is there anything that an output could send? */
static bool has_output(const struct sl_tcb *tcb)
{
    return tcb->sndq.n > tcb->sndq.n_sent || tcb->lost_bytes > 0 ||
           (tcb->fin_queued && !tcb->fin_sent);
}

/* What is marked lost, and the hint where that begins, counted out (checked builds). */
static __rte_unused bool marks_agree(const struct sl_tcb *tcb)
{
    const struct sl_sndq *q = &tcb->sndq;
    uint32_t lost = 0, i;

    for (i = 0; i < q->n; i++) {
        const struct sl_snd_seg *seg = sl_sndq_at(q, i);

        if (!seg->lost)
            continue;
        if (i >= q->n_sent || sl_seq_lt(q->head + i, tcb->resend_at))
            return false;
        lost += end_of(seg) - sl_seq_max(seg->seq, tcb->snd_una);
    }
    return lost == tcb->lost_bytes && lost <= tcb->snd_nxt - tcb->snd_una;
}

void sl_ack_take(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns)
{
    /* T7323-4, -8. */
    const uint32_t wnd =
        (seg->flags & SL_TCP_SYN) != 0 ? seg->wnd : (uint32_t)seg->wnd << tcb->snd_wscale;

    tcb->probes = 0; /* somebody is there (D5, D6) */
    if (tcb->persisting)
        tcb->stalled_since_ns = 0;
    if (tcb->syn != NULL && tcb->cc.mss == 0)
        take_syn(tcb, seg, wnd, now_ns);
    if (sl_seq_gt(seg->ack, tcb->snd_una))
        take_new(tcb, seg, now_ns);
    else if (is_duplicate(tcb, seg, wnd))
        take_duplicate(tcb, now_ns);
    take_window(tcb, seg, wnd, now_ns);
    SL_INVARIANT(marks_agree(tcb));
    if (has_output(tcb))
        sl_tcb_wants_output(tcb);
}

/* ---- no acknowledgment ------------------------------------------------------------------------
 */

/*
 * Everything in flight counts as lost, but for what impatient recovery has just sent again: the
 * timer did not wait for that, and it is not to go out twice within one time-out (T6298-9).
 */
static void lose_flight(struct sl_tcb *tcb, uint64_t now_ns)
{
    const uint64_t rto_ns = sl_rto_now(&tcb->rto, &tcb->tcp->config.rto);
    uint32_t i;

    for (i = 0; i < tcb->sndq.n_sent; i++) {
        const struct sl_snd_seg *seg = sl_sndq_at(&tcb->sndq, i);

        if (seg->n_sent == 1 || now_ns - seg->sent_ns >= rto_ns)
            mark_lost(tcb, i);
    }
}

/* MUST-20, MUST-21, D42. */
static bool is_hopeless(const struct sl_tcb *tcb, uint64_t now_ns)
{
    const uint64_t stalled_ns = now_ns - tcb->stalled_since_ns;

    if (tcb->user_timeout_ns > 0)
        return stalled_ns >= tcb->user_timeout_ns;
    return tcb->timeouts >= tcb->tcp->config.retries_2 && stalled_ns >= 100 * s_ns; /* SHLD-11 */
}

void sl_ack_rto(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;
    const uint32_t flight = sl_tcb_flight(tcb);
    const bool repeated = tcb->timeouts > 0; /* T5681-8: nothing was acknowledged in between */

    if (tcb->sndq.n_sent == 0)
        return;
    if (tcb->stalled_since_ns == 0)
        tcb->stalled_since_ns = sl_sndq_at(&tcb->sndq, 0)->sent_ns;
    if (is_hopeless(tcb, now_ns)) {
        sl_tcb_end(tcb, SL_TCP_TIMEOUT); /* T9293-30 */
        return;
    }
    sl_count(tcp->host.counters, SL_COUNT_RTO_FIRED);
    congested(tcb, SL_CC_RTO, flight, repeated, now_ns);
    lose_flight(tcb, now_ns);
    if (tcb->timeouts < UINT8_MAX)
        tcb->timeouts++;
    if (tcb->timeouts == tcp->config.retries_1) /* MUST-20 */
        tcp->host.path(tcp->host.ctx, tcb, false);
    tcb->in_recovery = false; /* T6582-5 */
    tcb->after_rto = true;
    tcb->recover = tcb->snd_nxt;
    tcb->rtt_seq = tcb->snd_una; /* what was being timed is gone */
    tcb->dup_acks = 0;
    tcb->inflate_bytes = 0;
    tcb->resend_now = 0;
    sl_rto_backoff(&tcb->rto); /* T6298-11 */
    sl_timers_rearm(tcb, now_ns);
    sl_tcb_wants_output(tcb);
}

void sl_ack_mss_shrank(struct sl_tcb *tcb, uint64_t now_ns)
{
    uint32_t i;

    if (tcb->cc.mss == 0)
        return;
    cc_of(tcb)->mss_changed(&tcb->cc, tcb->mss_bytes);
    for (i = 0; i < tcb->sndq.n_sent; i++) {
        if (sl_sndq_at(&tcb->sndq, i)->len > tcb->mss_bytes)
            mark_lost(tcb, i);
    }
    if (has_output(tcb))
        sl_tcb_wants_output(tcb);
    sl_timers_rearm(tcb, now_ns);
}
