/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/invariant.h"
#include "tcp/crypt.h"
#include "tcp/crypt_job.h"
#include "tcp/window.h"

/*
 * One frame is one segment where it can be. A frame is cut when TCP would let it go in this
 * iteration, and sealed where its data lies: the TEP's bytes go into headroom and tailroom of the
 * mbuf that holds what the application wrote. Once cut it is never cut anew (R74, R85).
 */

/* First byte behind what is cut. */
static sl_seq cut_seq(const struct sl_tcb *tcb)
{
    return tcb->iss + 1 + (uint32_t)tcb->crypt->tx_cut;
}

/* What next() is told is pending, and how long the frame may get. */
struct plan {
    struct sl_snd_seg *seg; /* whose data it takes; NULL: none is written */
    struct sl_tep_pending pending;
    uint32_t room;
};

/* Plan the next frame. False when nothing is to be sent, or TCP would not let it go. */
static bool plan_frame(struct sl_tcb *tcb, struct plan *p)
{
    struct sl_crypt *c = tcb->crypt;
    struct sl_sndq *q = &tcb->sndq;
    const uint32_t mss = sl_tcb_send_mss(tcb);
    const uint32_t window = sl_window_usable(tcb, sl_window_cut_end(tcb));
    uint32_t data, whole;
    bool behind, fits, squeezed;

    *p = (struct plan){.seg = q->n_cut < q->n ? sl_sndq_at(q, q->n_cut) : NULL};
    if (p->seg == NULL && !tcb->fin_queued && !c->reply_due)
        return false;
    behind = q->n - q->n_cut > 1;
    data = p->seg != NULL ? p->seg->len : 0;
    whole = data + c->overhead_bytes;
    /* What the peer's window cannot take whole is cut smaller, if SWS avoidance lets so little go.
     * A segment with another one behind it grows no more: it is as full as it gets. */
    p->room = RTE_MIN(mss, RTE_MAX(window, c->overhead_bytes + 1));
    /* No frame fits a window as small as that; after the override timer (MUST-38) one is cut all
     * the same, and TCP sends it piece by piece. */
    squeezed = tcb->override && window > 0 && window <= c->overhead_bytes;
    if (squeezed)
        p->room = mss;
    fits = whole <= p->room;
    if (!squeezed && !sl_tcb_may_cut(tcb, RTE_MIN(whole, p->room),
                                     p->room == mss && (behind || whole >= mss), fits && !behind)) {
        p->seg = NULL; /* a reply that is due goes alone, whatever the windows say */
        p->room = mss;
        return c->reply_due;
    }
    if (!fits) {
        data = p->room - c->overhead_bytes;
        if (!sl_sndq_split(q, q->n_cut, data, tcb->tcp->host.data, tcb->tcp->host.clones))
            return false;
        p->seg = sl_sndq_at(q, q->n_cut);
    }
    p->pending.data_len = data;
    p->pending.end_of_stream = tcb->fin_queued && fits && !behind;
    return true;
}

/* A segment for bytes that the application did not write. NULL: no memory. */
static struct sl_snd_seg *insert_segment(struct sl_tcb *tcb, struct rte_mbuf *m)
{
    struct sl_snd_seg *seg = sl_sndq_insert(&tcb->sndq, tcb->sndq.n_cut, m);

    if (seg == NULL)
        rte_pktmbuf_free(m);
    return seg;
}

/* The TEP's own bytes, in clear: as many segments as they take. False: no memory. */
static bool queue_own(struct sl_tcb *tcb, const struct sl_tep_cut *cut)
{
    struct sl_crypt *c = tcb->crypt;
    const uint32_t mss = sl_tcb_send_mss(tcb);
    uint32_t at, len;

    for (at = 0; at < cut->len; at += len) {
        struct rte_mbuf *m = SL_FAULT(own_alloc) ? NULL : rte_pktmbuf_alloc(tcb->tcp->host.data);
        struct sl_snd_seg *seg;

        len = RTE_MIN(cut->len - at, mss);
        if (m == NULL)
            return false;
        len = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m));
        memcpy(rte_pktmbuf_append(m, (uint16_t)len), cut->own + at, len);
        seg = insert_segment(tcb, m);
        if (seg == NULL)
            return false;
        seg->own = true;
        seg->psh = cut->push && at + len == cut->len;
        sl_sndq_cut(&tcb->sndq, cut_seq(tcb), len, 0);
        seg->state = SL_SND_SEALED;
        c->tx_cut += len;
    }
    return true;
}

/* Put the TEP's bytes around the data and aim the job at it. */
static void lay_out(struct sl_crypt_job *cj, struct rte_mbuf *m)
{
    const struct sl_tep_cut *cut = &cj->cut;
    struct sl_job *job = &cj->job;
    const uint32_t text = cut->prefix_len + cut->data_len + cut->suffix_len;
    uint8_t *at;

    SL_INVARIANT(cut->data_len == m->data_len);
    at = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)(cut->head_len + cut->prefix_len));
    memcpy(at, cut->head, cut->head_len);
    memcpy(at + cut->head_len, cut->prefix, cut->prefix_len);
    memcpy(rte_pktmbuf_append(m, (uint16_t)(cut->suffix_len + cut->tag_len)), cut->suffix,
           cut->suffix_len);
    job->kind = SL_JOB_SEAL;
    job->src_few[0] = (struct sl_range){at + cut->head_len, text};
    job->dst_few[0] = job->src_few[0];
    job->src = job->src_few;
    job->dst = job->dst_few;
    job->n_src = 1;
    job->n_dst = 1;
}

/* The frame is final: fix its place and have it sealed. */
static void cut_frame(struct sl_tcb *tcb, struct sl_crypt_job *cj, struct sl_snd_seg *seg)
{
    struct sl_crypt *c = tcb->crypt;
    struct sl_sndq *q = &tcb->sndq;

    lay_out(cj, seg->m);
    if (cj->cut.end_of_stream) {
        seg->fin = true;
        c->mark_out = true;
    }
    seg->psh = cj->cut.push || q->n - q->n_cut == 1;
    sl_sndq_cut(q, cut_seq(tcb), cj->cut.len, cj->cut.data_len);
    cj->seg = q->head + q->n_cut - 1;
    c->tx_cut += cj->cut.len;
    sl_list_add_tail(&c->seals, &cj->order);
    sl_crypt_job_submit(cj);
}

/* Queue what next() said. False: no memory, and the connection cannot go on. */
static bool queue_cut(struct sl_tcb *tcb, struct sl_crypt_job *cj, enum sl_tep_next what,
                      struct sl_snd_seg *seg, struct rte_mbuf **spare)
{
    if (what == SL_TEP_NEXT_OWN) {
        const bool queued = queue_own(tcb, &cj->cut);

        sl_crypt_job_put(cj);
        return queued;
    }
    if (cj->cut.data_len == 0) { /* a frame of its own, expected or not */
        struct rte_mbuf *m = *spare != NULL ? *spare : rte_pktmbuf_alloc(tcb->tcp->host.data);

        seg = m != NULL ? insert_segment(tcb, m) : NULL;
        *spare = NULL;
    }
    if (seg == NULL) {
        sl_crypt_job_put(cj);
        return false;
    }
    cut_frame(tcb, cj, seg);
    return true;
}

/* Cut one frame, or take the TEP's own bytes. Returns whether to go on. */
static bool cut_one(struct sl_tcb *tcb, const struct plan *p, struct sl_crypt_job *cj,
                    uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    /* For a frame without data, got before next() says anything final. */
    struct rte_mbuf *spare = NULL;
    enum sl_tep_next what = SL_TEP_NEXT_NOTHING;
    bool queued = false;

    if (p->pending.data_len == 0 || c->reply_due) {
        spare = SL_FAULT(spare_alloc) ? NULL : rte_pktmbuf_alloc(tcb->tcp->host.data);
        if (spare == NULL) {
            sl_count(tcb->tcp->host.counters, SL_COUNT_POOL_EMPTY);
            sl_crypt_job_put(cj);
            sl_tcb_wants_output(tcb);
            return false;
        }
    }
    what = c->tep->next(c->state, &p->pending, p->room, c->tx_cut, &cj->cut, &cj->job);
    if (what == SL_TEP_NEXT_NOTHING) {
        sl_crypt_job_put(cj);
        if (sl_list_empty(&c->seals)) /* else it may wait for them: asked again then */
            c->reply_due = false;
    } else {
        queued = queue_cut(tcb, cj, what, p->seg, &spare);
        if (!queued)
            sl_tcb_reset(tcb, SL_TCP_NO_BUFFERS, now_ns);
    }
    rte_pktmbuf_free(spare);
    return queued;
}

/* Handshake messages wait for no window but the peer's: nothing else can be in flight. */
static void cut_handshake(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    bool more = tcb->snd_wnd > 0;

    while (more && !c->ended) {
        const struct plan p = {.room = sl_tcb_send_mss(tcb)};
        struct sl_crypt_job *cj = sl_crypt_job_take(tcb);

        if (cj == NULL) {
            sl_tcb_wants_output(tcb);
            return;
        }
        more = cut_one(tcb, &p, cj, now_ns);
    }
    if (!c->ended && sl_crypt_ready(tcb) && tcb->snd_wnd > 0)
        c->shaking = false;
}

static void cut_frames(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;
    struct plan p;

    while (!c->ended && !c->mark_out && plan_frame(tcb, &p)) {
        struct sl_crypt_job *cj = sl_crypt_job_take(tcb);

        if (cj == NULL) {
            sl_tcb_wants_output(tcb);
            return;
        }
        if (!cut_one(tcb, &p, cj, now_ns))
            return;
    }
}

void sl_crypt_cut(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    if (c == NULL || c->ended)
        return;
    sl_crypt_pin(tcb);
    if (c->shaking)
        cut_handshake(tcb, now_ns);
    if (!c->ended && !c->shaking)
        cut_frames(tcb, now_ns);
    sl_crypt_unpin(tcb);
}

void sl_crypt_sealed(struct sl_crypt_job *cj)
{
    struct sl_tcb *tcb = cj->tcb;
    struct sl_crypt *c = tcb->crypt;
    struct sl_snd_seg *seg = &tcb->sndq.ring[cj->seg & tcb->sndq.mask];
    struct rte_mbuf *m = seg->m;

    memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len - cj->cut.tag_len), cj->job.tag,
           cj->cut.tag_len);
    seg->state = SL_SND_SEALED;
    sl_count(tcb->tcp->host.counters, SL_COUNT_FRAMES_SEALED);
    c->tep->sealed(c->state, &cj->cut);
    sl_crypt_job_put(cj);
    sl_tcb_wants_output(tcb);
}
