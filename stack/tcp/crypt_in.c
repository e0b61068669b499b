/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "base/invariant.h"
#include "tcp/crypt.h"
#include "tcp/crypt_job.h"

/*
 * Reading A14 in short. Received bytes are held, in ciphertext and unacknowledged, until the tag
 * of their frame holds. A range may be held in two copies that differ; a frame is then tried with
 * each choice of copies. When none authenticates, what it was made of is dropped as if lost. An
 * incomplete frame is acknowledged unverified after a while, lest its sender starve, unless there
 * are two copies of any of it.
 */
enum {
    FIRST_LOOK_BYTES = 2048, /* a frame that fills a segment is seen at the first look */
    RANGES_AT_HAND = 32,
    COPIES_TRIED_MAX = 3, /* all combinations of so many ranges with two copies */
    COPIES_ALONE_MAX = 8, /* beyond that, so many of them are tried alone */
    HOLD_MSS = 4,         /* A14 b */
};

static const uint64_t dispute_ns = 1000000000; /* a few retransmissions */

static sl_seq rx_seq(const struct sl_tcb *tcb, uint64_t offset)
{
    return tcb->irs + 1 + (uint32_t)offset;
}

sl_seq sl_crypt_rcv_high(const struct sl_tcb *tcb)
{
    const sl_seq from = rx_seq(tcb, tcb->crypt->rx_auth);

    return sl_seq_max(tcb->rcv_nxt, from + sl_rcvq_contiguous(&tcb->rcvq, from));
}

/* How many ranges that hold bytes of [from, from + len) are there in two copies. */
static uint32_t copies_in(const struct sl_tcb *tcb, sl_seq from, uint32_t len)
{
    const struct sl_rcvq *q = &tcb->rcvq;
    uint32_t i, n = 0;

    if (q->copies == 0)
        return 0;
    for (i = sl_rcvq_find(q, from); i < q->n && sl_seq_lt(sl_rcvq_at(q, i)->seq, from + len); i++)
        n += sl_rcvq_at(q, i)->copy != NULL;
    return n;
}

/*
 * Nobody can tell yet which copy belongs to an incomplete frame, and its sender may be waiting for
 * an acknowledgment. After a while all that is disputed goes, and is asked for anew.
 */
static void dispute(struct sl_tcb *tcb, sl_seq high, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq from = sl_seq_max(tcb->rcv_nxt, rx_seq(tcb, c->rx_auth));

    if (c->disputed_since_ns == 0)
        c->disputed_since_ns = now_ns;
    if (now_ns - c->disputed_since_ns < dispute_ns) {
        sl_tcb_timer_set(tcb, SL_TIMER_HOLD, c->disputed_since_ns + dispute_ns);
        return;
    }
    sl_tcb_timer_off(tcb, SL_TIMER_HOLD);
    c->disputed_since_ns = 0;
    sl_count_drop(tcb->tcp->host.counters, SL_DROP_CRYPT_TAG);
    sl_rcvq_drop(&tcb->rcvq, from, high - from);
    tcb->ack_now = true;
    sl_tcb_wants_output(tcb);
}

/* A14 b: an incomplete frame that nobody disputes is acknowledged after a while (or at once,
 * while the TEP shakes hands: those bytes have no tag to wait for). */
static void hold_back(struct sl_tcb *tcb, bool waited, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    const sl_seq high = sl_crypt_rcv_high(tcb);
    const uint32_t pending = high - tcb->rcv_nxt;

    if (pending == 0 || !c->incomplete || !sl_list_empty(&c->opens)) {
        sl_tcb_timer_off(tcb, SL_TIMER_HOLD);
        return;
    }
    if (copies_in(tcb, rx_seq(tcb, c->rx_auth), high - rx_seq(tcb, c->rx_auth)) > 0) {
        dispute(tcb, high, now_ns);
        return;
    }
    c->disputed_since_ns = 0;
    if (sl_crypt_ready(tcb) && !waited && pending < HOLD_MSS * (uint32_t)tcb->mss_bytes) {
        if (tcb->due_ns[SL_TIMER_HOLD] == SL_NEVER)
            sl_tcb_timer_set(tcb, SL_TIMER_HOLD, now_ns + tcb->tcp->config.delayed_ack_ns);
        return;
    }
    sl_tcb_timer_off(tcb, SL_TIMER_HOLD);
    if (sl_crypt_ready(tcb) && c->unprotected_at != c->rx_auth + 1) {
        c->unprotected_at = c->rx_auth + 1;
        sl_count(tcb->tcp->host.counters, SL_COUNT_FRAMES_UNPROTECTED);
    }
    sl_tcb_advance(tcb, high, now_ns);
}

enum sl_drop sl_crypt_text(struct sl_tcb *tcb, sl_seq seq, struct rte_mbuf *m, uint64_t now_ns)
{
    const sl_seq high = sl_crypt_rcv_high(tcb);
    enum sl_drop drop;

    (void)now_ns;
    drop = sl_rcvq_insert(&tcb->rcvq, seq, m, true, tcb->tcp->host.rx);
    if (sl_seq_gt(seq, high) || tcb->rcvq.copies > 0) { /* a hole, or a dispute: RFC 5681 3.2 */
        tcb->ack_now = true;
        sl_tcb_wants_output(tcb);
    }
    sl_tcb_wants_read(tcb); /* some of it may be held even so */
    return drop;
}

/*
 * A FIN that nothing is missing in front of, but the mark of the end, has so long to be joined by
 * it. One that lies further ahead proves nothing yet.
 */
static void await_mark(struct sl_tcb *tcb, uint64_t now_ns)
{
    const struct sl_crypt *c = tcb->crypt;

    if (c->fin_seen && tcb->due_ns[SL_TIMER_AUTH] == SL_NEVER &&
        c->fin_seq == sl_crypt_rcv_high(tcb))
        sl_tcb_timer_set(tcb, SL_TIMER_AUTH, now_ns + tcb->tcp->config.auth_timeout_ns);
}

/* R78: a FIN in front of which no mark of the end stood is no end; it may be forged. */
void sl_crypt_fin(struct sl_tcb *tcb, sl_seq seq, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    if (sl_seq_lt(seq, rx_seq(tcb, c->rx_auth)))
        return;
    if (c->mark_in && seq == rx_seq(tcb, c->rx_auth)) {
        tcb->has_fin_seq = true;
        tcb->fin_seq = seq;
        sl_tcb_advance(tcb, seq, now_ns);
        return;
    }
    c->fin_counted = c->fin_seen && c->fin_seq == seq && c->fin_counted;
    c->fin_seen = true;
    c->fin_seq = seq;
    await_mark(tcb, now_ns);
    sl_tcb_wants_read(tcb);
}

/* A14 c: everything in front of a FIN is authentic, and says nothing of an end. */
static void note_held_fin(struct sl_tcb *tcb)
{
    struct sl_crypt *c = tcb->crypt;

    if (!c->fin_seen || c->fin_counted || c->mark_in || !sl_list_empty(&c->opens) ||
        c->fin_seq != rx_seq(tcb, c->rx_auth))
        return;
    c->fin_counted = true;
    sl_count_drop(tcb->tcp->host.counters, SL_DROP_CRYPT_FIN);
}

/* The bytes from `at` on of `in` as ranges of `out`; returns how many. */
static uint32_t slice(const struct sl_range *in, uint32_t n_in, uint32_t at, uint32_t len,
                      struct sl_range *out)
{
    uint32_t i, n = 0;

    for (i = 0; i < n_in && len > 0; i++) {
        uint32_t take;

        if (at >= in[i].len) {
            at -= in[i].len;
            continue;
        }
        take = RTE_MIN(in[i].len - at, len);
        out[n++] = (struct sl_range){in[i].at + at, take};
        at = 0;
        len -= take;
    }
    return n;
}

static void copy_out(const struct sl_range *in, uint32_t n, uint32_t at, uint8_t *out, uint32_t len)
{
    for (uint32_t i = 0; i < n && len > 0; i++) {
        uint32_t take;

        if (at >= in[i].len) {
            at -= in[i].len;
            continue;
        }
        take = RTE_MIN(in[i].len - at, len);
        memcpy(out, in[i].at + at, take);
        out += take;
        len -= take;
        at = 0;
    }
}

/* A chain of fresh mbufs with `len` bytes of data in all; NULL: the pool is empty. */
static struct rte_mbuf *text_alloc(struct sl_tcp *tcp, uint32_t len)
{
    struct rte_mbuf *first = NULL, **tail = &first;

    do {
        struct rte_mbuf *m = SL_FAULT(text_alloc) ? NULL : rte_pktmbuf_alloc(tcp->host.rx);

        if (m == NULL) {
            sl_count(tcp->host.counters, SL_COUNT_POOL_EMPTY);
            rte_pktmbuf_free(first);
            return NULL;
        }
        m->data_len = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m)) & UINT16_MAX;
        m->pkt_len = m->data_len;
        len -= m->data_len;
        *tail = m;
        if (first != m) {
            first->pkt_len += m->data_len;
            first->nb_segs++;
        }
        tail = &m->next;
    } while (len > 0);
    return first;
}

/* Room for the ranges of a frame held in many pieces. False: no memory. */
static bool many_ranges(struct sl_crypt_job *cj, uint32_t n_src, uint32_t n_dst)
{
    if (n_src <= SL_JOB_RANGES && n_dst <= SL_JOB_RANGES)
        return true;
    cj->ranges = SL_FAULT(job_ranges) ? NULL : calloc((size_t)n_src + n_dst, sizeof(*cj->ranges));
    return cj->ranges != NULL;
}

/* Aim the job at the ciphertext in `in` and at fresh mbufs. False: no memory now. */
static bool fill_open(struct sl_tcb *tcb, struct sl_crypt_job *cj, const struct sl_range *in,
                      uint32_t n)
{
    const struct sl_tep_frame *f = &cj->frame;
    struct sl_job *job = &cj->job;
    struct sl_range *src, *dst;
    struct rte_mbuf *m;

    cj->text = text_alloc(tcb->tcp, f->cipher_len);
    if (cj->text == NULL || !many_ranges(cj, n, cj->text->nb_segs))
        return false;
    src = cj->ranges != NULL ? cj->ranges : job->src_few;
    dst = cj->ranges != NULL ? cj->ranges + n : job->dst_few;
    job->kind = SL_JOB_OPEN;
    job->src = src;
    job->n_src = slice(in, n, f->head_len, f->cipher_len, src);
    job->dst = dst;
    job->n_dst = 0;
    for (m = cj->text; m != NULL; m = m->next)
        dst[job->n_dst++] = (struct sl_range){rte_pktmbuf_mtod(m, uint8_t *), m->data_len};
    copy_out(in, n, f->head_len + f->cipher_len, job->tag, f->tag_len);
    return true;
}

/* The bytes at hand from `offset`, at most `want`, looked at by the TEP. */
struct look {
    struct sl_range few[RANGES_AT_HAND];
    struct sl_range *ranges; /* few, or malloc()ed */
    uint32_t n, covered, copies;
};

static bool gather(const struct sl_tcb *tcb, struct look *l, uint32_t want)
{
    const struct sl_crypt *c = tcb->crypt;
    const sl_seq from = rx_seq(tcb, c->rx_read);
    const uint32_t choice = c->rx_ahead == 0 ? c->choice : 0;

    l->ranges = l->few;
    l->n = sl_rcvq_gather(&tcb->rcvq, from, want, choice, l->few, RANGES_AT_HAND, &l->covered,
                          &l->copies);
    if (l->n < RANGES_AT_HAND || l->covered == want)
        return true;
    l->ranges = malloc((size_t)tcb->rcvq.n * sizeof(*l->ranges));
    if (l->ranges == NULL)
        return false;
    l->n = sl_rcvq_gather(&tcb->rcvq, from, want, choice, l->ranges, tcb->rcvq.n, &l->covered,
                          &l->copies);
    return true;
}

static void look_done(struct look *l)
{
    if (l->ranges != l->few)
        free(l->ranges);
    l->ranges = l->few;
}

/* What read() says once it has seen as much as it wants and we have. */
static enum sl_tep_read look_at(struct sl_tcb *tcb, struct look *l, struct sl_crypt_job *cj)
{
    struct sl_crypt *c = tcb->crypt;
    const uint32_t held = sl_rcvq_contiguous(&tcb->rcvq, rx_seq(tcb, c->rx_read));
    uint32_t want = RTE_MIN(held, (uint32_t)FIRST_LOOK_BYTES);
    enum sl_tep_read r = SL_TEP_READ_MORE;

    l->ranges = l->few;
    while (held > 0) {
        uint32_t need;

        if (!gather(tcb, l, want))
            return SL_TEP_READ_WAIT;
        cj->frame = (struct sl_tep_frame){.offset = c->rx_read};
        r = c->tep->read(c->state, l->ranges, l->n, c->rx_read, c->rx_ahead, &cj->frame, &cj->job);
        need = r == SL_TEP_READ_MORE ? cj->frame.need : cj->frame.len;
        if (r != SL_TEP_READ_MORE && r != SL_TEP_READ_FRAME && r != SL_TEP_READ_OWN)
            return r;
        if (need > held)
            return SL_TEP_READ_MORE;
        if (need <= want)
            return r;
        want = need;
        look_done(l);
    }
    return r;
}

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
    const sl_seq at = rx_seq(tcb, c->rx_auth);
    const uint32_t copies = copies_in(tcb, at, sl_rcvq_contiguous(&tcb->rcvq, at));

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
    const sl_seq at = rx_seq(tcb, tcb->crypt->rx_auth);
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
    const sl_seq at = rx_seq(tcb, c->rx_auth);

    if (!c->failing) {
        c->failing = true;
        sl_tcb_timer_set(tcb, SL_TIMER_AUTH, now_ns + tcb->tcp->config.auth_timeout_ns);
    }
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
    sl_rcvq_consume(&tcb->rcvq, rx_seq(tcb, c->rx_auth));
    if (sl_seq_gt(rx_seq(tcb, c->rx_auth), tcb->rcv_nxt))
        sl_tcb_advance(tcb, rx_seq(tcb, c->rx_auth), now_ns);
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
    struct look l;
    bool more = false;

    if (cj == NULL) {
        sl_tcb_wants_read(tcb);
        return false;
    }
    switch (look_at(tcb, &l, cj)) {
    case SL_TEP_READ_FRAME:
        if (!fill_open(tcb, cj, l.ranges, l.n)) {
            sl_tcb_wants_read(tcb);
            break;
        }
        c->rx_read += cj->frame.len;
        c->rx_ahead++;
        sl_list_add_tail(&c->opens, &cj->order);
        look_done(&l);
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
    look_done(&l);
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
        hold_back(tcb, false, now_ns);
        note_held_fin(tcb);
        await_mark(tcb, now_ns);
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
    const sl_seq at = rx_seq(tcb, c->rx_auth);

    c->failing = false;
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
    await_mark(tcb, now_ns);
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
        hold_back(tcb, false, now_ns);
    note_held_fin(tcb);
}

static void timer_fired(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    enum sl_tep_error e;

    if (which == SL_TIMER_HOLD) {
        hold_back(tcb, true, now_ns);
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
