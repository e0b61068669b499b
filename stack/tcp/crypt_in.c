/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/crypt_hold.h"
#include "tcp/crypt_job.h"
#include "tcp/crypt_look.h"

/*
 * Reading A14 in short. Received bytes are held, in ciphertext and unacknowledged, until the tag
 * of their frame holds. A range may be held in two copies that differ; a frame is then tried with
 * each choice of copies. When none authenticates, what it was made of is dropped as if lost. An
 * incomplete frame is acknowledged unverified after a while, lest its sender starve, unless there
 * are two copies of any of it.
 */
enum {
    COPIES_TRIED_MAX = 3, /* all combinations of so many ranges with two copies */
    COPIES_ALONE_MAX = 8, /* beyond that, so many of them are tried alone */
};

/*
 * How many combinations are tried with so many ranges that have two copies, and the k-th of them:
 * all, where they are few; else the first copies, the second ones, and each second one alone.
 */
static uint32_t n_choices(uint32_t copies)
{
    return copies <= COPIES_TRIED_MAX ? 1u << copies
                                      : 2 + RTE_MIN(copies, (uint32_t)COPIES_ALONE_MAX);
}

static uint32_t choice_at(uint32_t k, uint32_t copies)
{
    if (copies <= COPIES_TRIED_MAX || k == 0)
        return k;
    return k == 1 ? UINT32_MAX : 1u << (k - 2);
}

static void choose_first(struct sl_crypt *c)
{
    c->tried = 0;
    c->choice = 0;
    c->forged_bytes = 0;
}

/*
 * Go on with the next choice of copies, counted over all that is held without a gap: one frame's
 * length depends on the choice, and the count must not, or it would never end. False when all were
 * tried, and the first is next.
 */
static bool choose_next(struct sl_tcb *tcb)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq at = sl_crypt_rx_seq(tcb, c->rx_auth);
    const uint32_t copies = sl_rcvq_copies(&tcb->rcvq, at, sl_rcvq_contiguous(&tcb->rcvq, at));

    c->tried++;
    if (c->tried >= n_choices(copies)) {
        c->tried = 0;
        c->choice = 0;
        return false;
    }
    c->choice = choice_at(c->tried, copies);
    return true;
}

/* Bytes of the ranges that hold the first `len` ones at rx_auth: whole segments go. */
static uint32_t segments_at(const struct sl_tcb *tcb, uint32_t len)
{
    const sl_seq at = sl_crypt_rx_seq(tcb, tcb->crypt->rx_auth);
    uint32_t i = sl_rcvq_find(&tcb->rcvq, at), end = len;

    for (; i < tcb->rcvq.n; i++) {
        const struct sl_rcv_range *r = sl_rcvq_at(&tcb->rcvq, i);

        if (sl_seq_geq(r->seq, at + len))
            break;
        end = r->seq + r->len - at;
    }
    return RTE_MAX(end, len);
}

/* Nothing authentic stands at rx_auth: forget what was held there, as if it had been lost. */
static void drop_forged(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq at = sl_crypt_rx_seq(tcb, c->rx_auth);

    sl_crypt_note_failure(tcb, now_ns);
    if (c->undecided) { /* the right bytes may be those of which some are still to come */
        c->undecided = false;
        c->incomplete = true;
        return;
    }
    sl_count_drop(tcb->tcp->host.counters, SL_DROP_CRYPT_TAG);
    if (sl_seq_gt(tcb->rcv_nxt, at)) { /* A14 b: acknowledged before, never to be repaired */
        sl_crypt_abort(tcb, SL_TEP_AUTH_FAILED, now_ns);
        return;
    }
    sl_rcvq_drop(&tcb->rcvq, at, segments_at(tcb, c->forged_bytes));
    c->forged_bytes = 0;
    tcb->ack_now = true; /* a duplicate ACK asks for them again */
    sl_tcb_wants_output(tcb);
}

/* The header at rx_auth is impossible. Returns whether another choice of copies is to be tried. */
static bool bad_header(struct sl_tcb *tcb, const struct sl_tep_frame *f, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    if (f->error != SL_TEP_AUTH_FAILED) {
        sl_crypt_abort(tcb, f->error, now_ns);
        return false;
    }
    c->forged_bytes = RTE_MAX(c->forged_bytes, (uint32_t)SL_TEP_HEAD_MAX_BYTES);
    if (choose_next(tcb))
        return true;
    drop_forged(tcb, now_ns);
    return false;
}

/* The TEP's own bytes were read: consumed, and acknowledged as any. */
static void took_own(struct sl_tcb *tcb, uint32_t len, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    c->rx_auth += len;
    c->rx_read = c->rx_auth;
    choose_first(c);
    sl_rcvq_consume(&tcb->rcvq, sl_crypt_rx_seq(tcb, c->rx_auth));
    if (sl_seq_gt(sl_crypt_rx_seq(tcb, c->rx_auth), tcb->rcv_nxt))
        sl_tcb_advance(tcb, sl_crypt_rx_seq(tcb, c->rx_auth), now_ns);
    sl_crypt_follow_up(tcb);
    sl_tcb_wants_output(tcb);
}

/* Not all there. Returns whether another choice of copies is to be tried. */
static bool incomplete(struct sl_tcb *tcb)
{
    struct sl_crypt *c = tcb->crypt;

    c->incomplete = true;
    if (tcb->rcvq.copies == 0)
        return false;
    if (c->rx_ahead > 0) { /* its copies are tried when nothing is in front of it */
        c->waiting = true;
        return false;
    }
    c->undecided = true;
    if (choose_next(tcb))
        return true;
    c->undecided = false;
    return false;
}

/* Read one frame. Returns whether to go on. */
static bool read_one(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    struct sl_crypt_job *cj = sl_crypt_job_take(tcb);
    struct sl_crypt_look l;
    bool more = false;

    if (cj == NULL) {
        sl_tcb_wants_read(tcb);
        return false;
    }
    switch (sl_crypt_look(tcb, &l, cj)) {
    case SL_TEP_READ_FRAME:
        if (!sl_crypt_look_open(tcb, &l, cj)) {
            sl_tcb_wants_read(tcb);
            break;
        }
        c->rx_read += cj->frame.len;
        c->rx_ahead++;
        sl_list_add_tail(&c->opens, &cj->order);
        sl_crypt_look_done(&l);
        sl_crypt_job_submit(cj);
        return c->choice == 0; /* a choice of copies is tried alone */
    case SL_TEP_READ_OWN:
        took_own(tcb, cj->frame.len, now_ns);
        more = tcb->state != SL_TCP_CLOSED;
        break;
    case SL_TEP_READ_MORE:
        more = incomplete(tcb);
        break;
    case SL_TEP_READ_WAIT:
        c->waiting = true;
        break;
    case SL_TEP_READ_ERROR:
        if (c->rx_ahead == 0)
            more = bad_header(tcb, &cj->frame, now_ns);
        break;
    }
    sl_crypt_look_done(&l);
    sl_crypt_job_put(cj);
    return more;
}

void sl_crypt_read(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    if (c == NULL || c->ended || c->failed) /* failed: a verdict is due first */
        return;
    sl_crypt_pin(tcb);
    if (c->rx_ahead == 0)
        choose_first(c); /* new bytes: begin with the first copies again */
    c->incomplete = false;
    c->undecided = false;
    c->waiting = false;
    while (read_one(tcb, now_ns) && !c->ended)
        ;
    if (!c->ended) {
        if (c->work_waits)
            sl_crypt_follow_up(tcb);
        sl_crypt_hold_back(tcb, false, now_ns);
        sl_crypt_note_fin(tcb);
        sl_crypt_await_mark(tcb, now_ns);
    }
    sl_crypt_unpin(tcb);
}

/* Keep [at, at + len) of the chain; NULL when that is nothing. */
static struct rte_mbuf *cut_text(struct rte_mbuf *m, uint32_t at, uint32_t len)
{
    while (m != NULL && (at >= m->data_len || len == 0)) {
        struct rte_mbuf *next = m->next;

        at -= RTE_MIN(at, (uint32_t)m->data_len);
        rte_pktmbuf_free_seg(m);
        m = next;
    }
    if (m == NULL)
        return NULL;
    m->data_off = (uint16_t)(m->data_off + at);
    m->data_len = (uint16_t)(m->data_len - at);
    m->pkt_len = len;
    m->nb_segs = 1;
    for (struct rte_mbuf *last = m; last != NULL; last = last->next) {
        last->data_len = (uint16_t)RTE_MIN((uint32_t)last->data_len, len);
        len -= last->data_len;
        if (len == 0) {
            rte_pktmbuf_free(last->next);
            last->next = NULL;
            break;
        }
        m->nb_segs++;
    }
    return m;
}

/* The stream is authentic up to rx_auth. */
static void progress(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq at = sl_crypt_rx_seq(tcb, c->rx_auth);

    c->failing = false;
    c->doubts = 0;
    c->old_acks = 0;
    c->disputed_since_ns = 0;
    choose_first(c);
    c->undecided = false;
    sl_tcb_timer_off(tcb, SL_TIMER_AUTH);
    if (c->fin_seen && sl_seq_lt(c->fin_seq, at))
        c->fin_seen = false; /* that FIN was not the peer's */
    if (c->fin_seen && c->mark_in && c->fin_seq == at) {
        c->fin_seen = false;
        tcb->has_fin_seq = true;
        tcb->fin_seq = at;
    }
    sl_rcvq_consume(&tcb->rcvq, at);
    sl_crypt_await_mark(tcb, now_ns);
    if (sl_seq_gt(at, tcb->rcv_nxt) || tcb->has_fin_seq)
        sl_tcb_advance(tcb, at, now_ns);
}

/* The tag of the oldest frame held. */
static void authentic(struct sl_tcb *tcb, struct sl_crypt_job *cj, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    struct sl_tep_opened out = {.error = SL_TEP_OK};
    struct rte_mbuf *text = cj->text;

    c->tep->opened(c->state, &cj->frame, cj->job.dst, cj->job.n_dst, &out);
    if (out.error != SL_TEP_OK) {
        sl_crypt_abort(tcb, out.error, now_ns);
        return;
    }
    cj->text = NULL;
    c->rx_auth += cj->frame.len;
    c->rx_ahead--;
    sl_count(tcb->tcp->host.counters, SL_COUNT_FRAMES_OPENED);
    if (c->choice != 0) {
        sl_count(tcb->tcp->host.counters, SL_COUNT_FRAMES_SECOND_COPY);
        c->waiting = true; /* it was tried alone: there may be more behind it */
    }
    text = cut_text(text, out.data_at, out.data_len);
    if (text != NULL && tcb->detached) { /* SHLD-3 */
        sl_count_drop(tcb->tcp->host.counters, SL_DROP_TCP_CLOSED_READER);
        rte_pktmbuf_free(text);
        sl_tcb_reset(tcb, SL_TCP_ABORTED, now_ns);
        return;
    }
    if (text != NULL && !sl_tcb_deliver(tcb, text)) {
        sl_tcb_reset(tcb, SL_TCP_NO_BUFFERS, now_ns);
        return;
    }
    if (out.end_of_stream && !c->mark_in) { /* R77 */
        c->mark_in = true;
        tcb->eof = true;
        sl_tcb_event(tcb, SL_TCP_EV_READABLE | SL_TCP_EV_EOF);
    }
    if (out.reply_due) {
        c->reply_due = true;
        sl_tcb_wants_output(tcb);
    }
    progress(tcb, now_ns);
}

/* All jobs are back and the oldest frame failed: another choice of copies, or none is left. */
static void verdict(struct sl_tcb *tcb, uint32_t len, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    c->failed = false;
    c->waiting = false; /* what waited was read behind a frame that is none */
    c->rx_read = c->rx_auth;
    c->rx_ahead = 0;
    c->incomplete = false;
    c->forged_bytes = RTE_MAX(c->forged_bytes, len);
    if (!choose_next(tcb)) {
        drop_forged(tcb, now_ns);
        if (!c->ended && !c->undecided && !c->incomplete)
            sl_tcb_wants_read(tcb);
        return;
    }
    while (read_one(tcb, now_ns) && !c->ended)
        ;
}

/* Frames behind one that failed: their bytes are read again, once the verdict is in. */
static bool all_done(const struct sl_crypt *c)
{
    const struct sl_link *link;

    for (link = c->opens.next; link != &c->opens; link = link->next) {
        if (!SL_CONTAINER(link, struct sl_crypt_job, order)->done)
            return false;
    }
    return true;
}

static void forget_opens(struct sl_crypt *c)
{
    while (!sl_list_empty(&c->opens))
        sl_crypt_job_put(SL_CONTAINER(c->opens.next, struct sl_crypt_job, order));
}

void sl_crypt_opened(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    while (!sl_list_empty(&c->opens) && !c->ended) {
        struct sl_crypt_job *cj = SL_CONTAINER(c->opens.next, struct sl_crypt_job, order);

        if (!cj->done)
            return;
        if (!cj->job.ok) {
            const uint32_t len = cj->frame.len;

            c->failed = true;
            if (!all_done(c))
                return; /* they still read the bytes that would be dropped */
            forget_opens(c);
            verdict(tcb, len, now_ns);
            break;
        }
        authentic(tcb, cj, now_ns);
        sl_crypt_job_put(cj);
    }
    if (c->ended)
        return;
    if (c->waiting)
        sl_tcb_wants_read(tcb); /* what waited for these frames */
    if (c->incomplete)
        sl_crypt_hold_back(tcb, false, now_ns);
    sl_crypt_note_fin(tcb);
}

static void timer_fired(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    enum sl_tep_error e;

    if (which == SL_TIMER_HOLD) {
        sl_crypt_hold_back(tcb, true, now_ns);
        return;
    }
    if (which == SL_TIMER_AUTH) {
        if (c->failing)
            sl_crypt_abort(tcb, SL_TEP_AUTH_FAILED, now_ns);
        else if (c->fin_seen)
            sl_crypt_abort(tcb, SL_TEP_TRUNCATED, now_ns);
        return;
    }
    e = c->tep->event(c->state, SL_TEP_EVENT_TIMER, now_ns);
    if (e != SL_TEP_OK)
        sl_crypt_abort(tcb, e, now_ns);
    else
        sl_crypt_follow_up(tcb);
}

void sl_crypt_timer(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t now_ns)
{
    if (tcb->crypt == NULL || tcb->crypt->ended)
        return;
    sl_crypt_pin(tcb);
    timer_fired(tcb, which, now_ns);
    sl_crypt_unpin(tcb);
}
