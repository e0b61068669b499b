/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_common.h>
#include <rte_prefetch.h>

#include "tcp/crypt.h"
#include "tcp/pass.h"
#include "tcp/tcb.h"
#include "tcp/window.h"

/*
 * From queues to segments: lost ones first, then new ones as far as windows go, then an ACK where
 * no data said it. Plain bytes become a segment when they are sent; of an encrypted connection
 * what is sealed goes, in the order of the stream.
 */

/* Book a transmission, and begin its delivery-rate sample (draft-cheng, 3.2). */
static void note_sent(const struct sl_pass *p, struct sl_snd_seg *seg)
{
    struct sl_tcb *tcb = p->tcb;

    if (tcb->snd_una == tcb->snd_nxt) {
        tcb->first_sent_ns = p->now_ns;
        tcb->delivered_ns = p->now_ns;
    }
    seg->sent_ns = p->now_ns;
    seg->first_sent_ns = tcb->first_sent_ns;
    seg->delivered_ns = tcb->delivered_ns;
    seg->delivered_bytes = tcb->delivered_bytes;
    seg->app_limited = tcb->app_limited_bytes > 0;
    if (seg->n_sent < UINT8_MAX)
        seg->n_sent++;
}

/*
 * Send what was marked lost, in order, as far as cwnd lets it go (trap 6). The peer's window does
 * not matter (T7323-14, SHLD-16) unless it is shut: then probes do this.
 */
static void resend(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;
    struct sl_sndq *q = &tcb->sndq;
    const uint32_t mss = sl_tcb_send_mss(tcb);
    uint32_t i = sl_seq_gt(tcb->resend_at, q->head) ? tcb->resend_at - q->head : 0;

    for (; tcb->lost_bytes > 0 && tcb->snd_wnd > 0 && i < q->n_sent; i++) {
        struct sl_snd_seg *seg = sl_sndq_at(q, i);
        const uint32_t off = sl_seq_lt(seg->seq, tcb->snd_una) ? tcb->snd_una - seg->seq : 0;

        if (!seg->lost)
            continue;
        if (seg->len > off + mss && !p->starved) {
            p->starved =
                !sl_sndq_split(q, i, off + mss, tcb->tcp->host.data, tcb->tcp->host.clones);
            seg = sl_sndq_at(q, i);
        }
        if (p->starved ||
            (tcb->resend_now == 0 &&
             !sl_window_cwnd_allows(tcb, sl_tcb_flight(tcb), seg->len - off)) ||
            !sl_pass_part(p, seg, off, seg->len - off))
            break;
        note_sent(p, seg);
        seg->lost = false;
        tcb->lost_bytes -= seg->len + seg->fin - off;
        if (tcb->resend_now > 0)
            tcb->resend_now--;
        tcb->retransmitted_segs++;
        sl_count(tcb->tcp->host.counters, SL_COUNT_SEGS_RETRANSMITTED);
    }
    tcb->resend_at = q->head + i;
}

/* Segment n_sent went out for the first time. */
static void sent_new(struct sl_pass *p, struct sl_snd_seg *seg)
{
    struct sl_tcb *tcb = p->tcb;

    note_sent(p, seg);
    sl_sndq_sent(&tcb->sndq);
    tcb->snd_nxt = seg->seq + seg->len + seg->fin;
    /* Small for want of data, that is; what was split off for a window is not meant. */
    if (seg->len > 0 && !seg->own && tcb->sndq.n_sent == tcb->sndq.n &&
        seg->len + sl_crypt_overhead(tcb) < tcb->mss_bytes)
        tcb->small_end = tcb->snd_nxt;
    if (seg->fin)
        tcb->fin_sent = true;
    p->new_bytes += seg->len;
    tcb->override = false;
}

/* Of a segment that the window cannot take whole, how much goes (MUST-38, 3 and 4); 0: nothing. */
static uint32_t part_that_fits(const struct sl_tcb *tcb, const struct sl_snd_seg *seg,
                               uint32_t room)
{
    const uint32_t len = RTE_MIN(room, seg->len - (seg->len > 0 && seg->fin)); /* FIN goes last */

    return tcb->override || (len > 0 && len >= tcb->snd_wnd_max / 2) ? len : 0;
}

static bool split_next(struct sl_pass *p, uint32_t len)
{
    struct sl_tcb *tcb = p->tcb;

    if (sl_sndq_split(&tcb->sndq, tcb->sndq.n_sent, len, tcb->tcp->host.data,
                      tcb->tcp->host.clones))
        return true;
    p->starved = true;
    sl_count(tcb->tcp->host.counters, SL_COUNT_POOL_EMPTY);
    return false;
}

/* A cut segment that was not sent: sealed, or plain and held up by an empty pool. */
static struct sl_snd_seg *next_sealed(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;
    const struct sl_snd_seg *seg = sl_sndq_at(&tcb->sndq, tcb->sndq.n_sent);
    const uint32_t room = sl_window_usable(tcb, tcb->snd_nxt);
    uint32_t len = RTE_MIN(seg->len, sl_tcb_send_mss(tcb));

    if (seg->state != SL_SND_SEALED)
        return NULL;
    if (len + (seg->fin && len == seg->len) > room) {
        len = part_that_fits(tcb, seg, room);
        if (len == 0)
            return NULL;
    }
    if (!sl_window_cwnd_allows(tcb, sl_tcb_flight(tcb), len) ||
        (len < seg->len && !split_next(p, len)))
        return NULL;
    return sl_sndq_at(&tcb->sndq, tcb->sndq.n_sent);
}

/* A FIN with nothing to ride on. */
static struct sl_snd_seg *push_fin(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;
    struct sl_snd_seg *seg = sl_sndq_push(&tcb->sndq, NULL);

    if (seg == NULL) {
        p->starved = true;
        return NULL;
    }
    seg->fin = true;
    sl_sndq_cut(&tcb->sndq, tcb->snd_nxt, 0, 0);
    seg->state = SL_SND_SEALED;
    return seg;
}

/* Does a plain connection owe a FIN that no segment carries yet? */
static bool owes_fin(const struct sl_tcb *tcb)
{
    const struct sl_sndq *q = &tcb->sndq;

    return tcb->fin_queued && !tcb->fin_sent && !tcb->encrypting &&
           (q->n == 0 || !sl_sndq_at(q, q->n - 1)->fin);
}

/* Cut the first `len` bytes of what is written, with PSH where the queue ends (MUST-61). */
static struct sl_snd_seg *cut_written(struct sl_pass *p, uint32_t len, bool fin)
{
    struct sl_tcb *tcb = p->tcb;
    struct sl_sndq *q = &tcb->sndq;
    struct sl_snd_seg *seg = sl_sndq_at(q, q->n_cut);

    if (len < seg->len && !split_next(p, len))
        return NULL;
    seg = sl_sndq_at(q, q->n_cut);
    sl_sndq_cut(q, tcb->snd_nxt, seg->len, seg->data_len);
    seg->state = SL_SND_SEALED;
    seg->psh |= q->n_cut == q->n;
    seg->fin = fin && q->n_cut == q->n;
    return seg;
}

/* Plain bytes become a segment when they are sent. NULL: there are none, or they have to wait. */
static struct sl_snd_seg *next_written(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;
    const struct sl_sndq *q = &tcb->sndq;
    const uint32_t mss = sl_tcb_send_mss(tcb), room = sl_window_usable(tcb, tcb->snd_nxt);
    const struct sl_snd_seg *seg;
    uint32_t len;
    bool last;

    if (q->n_cut == q->n)
        return owes_fin(tcb) && room > 0 ? push_fin(p) : NULL;
    seg = sl_sndq_at(q, q->n_cut);
    len = RTE_MIN(seg->len, mss);
    last = q->n_cut + 1 == q->n && len == seg->len;
    if (len > room)
        len = part_that_fits(tcb, seg, room);
    if (len == 0 || !sl_tcb_may_cut(tcb, len, len == mss || (!last && len <= room), last))
        return NULL;
    return cut_written(p, len, owes_fin(tcb) && len < room);
}

static struct sl_snd_seg *next_segment(struct sl_pass *p)
{
    const struct sl_sndq *q = &p->tcb->sndq;

    if (q->n_sent < q->n_cut)
        return next_sealed(p);
    return p->tcb->encrypting ? NULL : next_written(p);
}

static void send_new(struct sl_pass *p)
{
    const struct sl_sndq *q = &p->tcb->sndq;
    struct sl_snd_seg *seg;

    while ((seg = next_segment(p)) != NULL && sl_pass_part(p, seg, 0, seg->len)) {
        if (q->n_sent + 1 < q->n)
            rte_prefetch0(sl_sndq_at(q, q->n_sent + 1)->m);
        sent_new(p, seg);
    }
}

/* D19, T5681-18: an idle connection's cwnd says nothing any more. */
static void restart_after_idle(struct sl_tcb *tcb, uint64_t now_ns)
{
    const uint64_t idle_ns = now_ns - tcb->last_snd_ns, rto_ns = tcb->rto.rto_ns;

    if (tcb->snd_una != tcb->snd_nxt || tcb->sndq.n == 0 || idle_ns <= rto_ns)
        return;
    sl_cc_at(tcb->cc_index)->idle(&tcb->cc, idle_ns, rto_ns, sl_ack_initial_window(tcb));
    tcb->last_snd_ns = now_ns;
}

/* What was it that ended this pass: cwnd, or a lack of data (trap 4; draft-cheng, 3.4)? */
static void note_limits(struct sl_tcb *tcb)
{
    const uint32_t flight = sl_tcb_flight(tcb);

    if (flight + tcb->mss_bytes > tcb->cc.cwnd) {
        tcb->cwnd_limited = true;
        tcb->limited_end = tcb->snd_nxt;
    } else if (tcb->sndq.n_sent == tcb->sndq.n) {
        tcb->app_limited_bytes = RTE_MAX(tcb->delivered_bytes + flight, (uint64_t)1);
    }
}

static void send_data(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;

    restart_after_idle(tcb, p->now_ns);
    if (tcb->lost_bytes > 0)
        resend(p);
    if (tcb->lost_bytes == 0 && !p->starved)
        send_new(p);
    if (p->new_bytes > 0) {
        tcb->last_snd_ns = p->now_ns;
        sl_cc_at(tcb->cc_index)->sent(&tcb->cc, p->now_ns, p->new_bytes, sl_tcb_flight(tcb));
    }
    if (p->segs > 0)
        note_limits(tcb);
    /* T6298-10: on when it was off; and what the window holds back is probed for (MUST-36). */
    if (tcb->due_ns[SL_TIMER_RETRANSMIT] == SL_NEVER || (tcb->persisting && p->segs > 0))
        sl_timers_rearm(tcb, p->now_ns);
}

/*
 * Sequence number of a pure ACK: snd_nxt, unless a probe or a shrunken window has left that
 * outside of what the peer accepts; it would not hear what we acknowledge (T9293-5).
 */
static sl_seq ack_seq(const struct sl_tcb *tcb)
{
    return tcb->state < SL_TCP_ESTABLISHED ? tcb->snd_nxt
                                           : sl_seq_min(tcb->snd_nxt, tcb->snd_una + tcb->snd_wnd);
}

/* May end `tcb`. */
static void output_one(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_pass p;

    if (tcb->syn != NULL && tcb->syn->send_now) {
        sl_output_syn(tcb, now_ns);
        return;
    }
    if (tcb->state < SL_TCP_SYN_RECEIVED)
        return;
    if (tcb->send_starved)
        sl_tcb_feed(tcb);
    p.tcb = tcb;
    p.now_ns = now_ns;
    p.segs = p.new_bytes = 0;
    p.head_len = 0;
    p.starved = false;
    if (tcb->state >= SL_TCP_ESTABLISHED && !tcb->negotiating)
        send_data(&p);
    if (tcb->ack_now && p.segs == 0) /* MUST-58: data said it already */
        sl_pass_ack(&p, ack_seq(tcb));
    sl_pass_finish(&p);
}

static void take_all(struct sl_link *to, struct sl_link *from)
{
    sl_list_init(to);
    if (sl_list_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    sl_list_init(from);
}

/* Those who did not get their turn are the first ones of the next iteration. */
static void put_back(struct sl_link *to, struct sl_link *from)
{
    while (!sl_list_empty(from)) {
        struct sl_link *last = from->prev;

        sl_list_remove(last);
        sl_list_add_tail(to->next, last);
    }
}

static bool may_tx(const struct sl_tcp *tcp)
{
    return tcp->host.may_tx == NULL || tcp->host.may_tx(tcp->host.ctx);
}

void sl_tcp_output(struct sl_tcp *tcp, uint64_t now_ns)
{
    struct sl_link todo, *link;

    tcp->now_ns = now_ns;
    /* What enlists anew while we are at it waits for the next iteration: no endless loop. */
    take_all(&todo, &tcp->out_list);
    while (may_tx(tcp) && (link = sl_list_take(&todo)) != NULL) {
        rte_prefetch0(SL_CONTAINER(todo.next, struct sl_tcb, out_link));
        output_one(SL_CONTAINER(link, struct sl_tcb, out_link), now_ns);
    }
    put_back(&tcp->out_list, &todo);
    sl_tcb_reap(tcp);
}

void sl_tcp_cut_frames(struct sl_tcp *tcp, uint64_t now_ns)
{
    struct sl_link *link = tcp->out_list.next, *next;

    tcp->now_ns = now_ns;
    for (; link != &tcp->out_list; link = next) {
        struct sl_tcb *tcb = SL_CONTAINER(link, struct sl_tcb, out_link);

        next = link->next;
        if (!tcb->encrypting)
            continue;
        restart_after_idle(tcb, now_ns);
        sl_crypt_cut(tcb, now_ns); /* may end it */
    }
}

/* ---- probes -------------------------------------------------------------------------------------
 */

bool sl_output_shut_out(const struct sl_tcb *tcb)
{
    const struct sl_sndq *q = &tcb->sndq;
    const bool may_cut = !tcb->encrypting || sl_crypt_ready(tcb);

    if (tcb->state < SL_TCP_ESTABLISHED || tcb->negotiating ||
        sl_window_usable(tcb, tcb->snd_nxt) >= tcb->mss_bytes)
        return false;
    return q->n_sent < q->n_cut ||
           (may_cut && (q->n_cut < q->n || (tcb->fin_queued && !tcb->fin_sent)));
}

bool sl_output_sees_window(const struct sl_tcb *tcb)
{
    return sl_window_usable(tcb, tcb->snd_nxt) > 0;
}

/* The next octet that was never sent, as a segment; NULL: none can be had. */
static struct sl_snd_seg *next_octet(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;
    const struct sl_sndq *q = &tcb->sndq;

    if (q->n_sent < q->n_cut) {
        const struct sl_snd_seg *seg = sl_sndq_at(q, q->n_sent);

        if (seg->state != SL_SND_SEALED || (seg->len > 1 && !split_next(p, 1)))
            return NULL;
        return sl_sndq_at(q, q->n_sent);
    }
    if (tcb->encrypting)
        return NULL;
    if (q->n_cut == q->n)
        return owes_fin(tcb) ? push_fin(p) : NULL;
    return cut_written(p, 1, owes_fin(tcb));
}

void sl_output_probe(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_pass p = {.tcb = tcb, .now_ns = now_ns};
    struct sl_snd_seg *seg;

    sl_count(tcb->tcp->host.counters, SL_COUNT_PERSIST_PROBES);
    if (tcb->snd_una != tcb->snd_nxt) { /* sent already, and not accepted: once more */
        seg = sl_sndq_at(&tcb->sndq, 0);
        const uint32_t off = tcb->snd_una - seg->seq;

        if (sl_pass_part(&p, seg, off, RTE_MIN(seg->len - off, 1U)))
            note_sent(&p, seg);                  /* whichever is answered: T6298-6 */
    } else if ((seg = next_octet(&p)) != NULL) { /* T9293-40 */
        if (sl_pass_part(&p, seg, 0, seg->len))
            sent_new(&p, seg);
    } else {
        sl_pass_ack(&p, tcb->snd_una - 1);
    }
    sl_pass_finish(&p);
}

void sl_output_keepalive(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_pass p = {.tcb = tcb, .now_ns = now_ns};

    sl_count(tcb->tcp->host.counters, SL_COUNT_KEEPALIVE_PROBES);
    sl_pass_ack(&p, tcb->snd_nxt - 1); /* SHLD-12 */
    sl_pass_finish(&p);
}
