/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/sndq.h"

#include <assert.h>
#include <stdlib.h>

#include <rte_mbuf.h>

#include "base/invariant.h"

enum { RING_MIN = 8, RING_MAX = 1 << 24 };

static_assert(sizeof(struct sl_snd_seg) == 64, "a segment is one cache line");

void sl_sndq_init(struct sl_sndq *q, uint32_t max_segs)
{
    uint32_t bound = RING_MIN;

    while (bound < max_segs && bound < RING_MAX)
        bound *= 2;
    *q = (struct sl_sndq){.max_segs = bound};
}

void sl_sndq_fini(struct sl_sndq *q)
{
    uint32_t i;

    for (i = 0; i < q->n; i++)
        rte_pktmbuf_free(sl_sndq_at(q, i)->m);
    free(q->ring);
    *q = (struct sl_sndq){.max_segs = q->max_segs};
}

void sl_sndq_trim(struct sl_sndq *q)
{
    if (q->n > 0)
        return;
    free(q->ring);
    q->ring = NULL;
    q->mask = 0;
}

/* Room for one more segment. */
static bool reserve(struct sl_sndq *q)
{
    const uint32_t old = q->ring == NULL ? 0 : q->mask + 1;
    const uint32_t capacity = old == 0 ? RING_MIN : 2 * old;
    struct sl_snd_seg *ring;
    uint32_t i;

    if (q->n < old)
        return true;
    if (q->n >= q->max_segs || SL_FAULT(sndq_ring) ||
        (ring = aligned_alloc(sizeof(ring[0]), capacity * sizeof(ring[0]))) == NULL)
        return false;
    for (i = 0; i < q->n; i++)
        ring[(q->head + i) & (capacity - 1)] = *sl_sndq_at(q, i);
    free(q->ring);
    q->ring = ring;
    q->mask = capacity - 1;
    return true;
}

static void fill(struct sl_sndq *q, struct sl_snd_seg *seg, struct rte_mbuf *m)
{
    const uint32_t len = m == NULL ? 0 : m->data_len;

    SL_INVARIANT(m == NULL || m->nb_segs == 1);
    *seg = (struct sl_snd_seg){.m = m, .len = len, .data_len = len};
    q->data_bytes += len;
    q->unsent_bytes += len;
}

struct sl_snd_seg *sl_sndq_push(struct sl_sndq *q, struct rte_mbuf *m)
{
    return sl_sndq_insert(q, q->n, m);
}

/* Segment `i` and what is behind it move on by one place. */
static void open_behind(struct sl_sndq *q, uint32_t i)
{
    uint32_t k;

    for (k = q->n++; k > i; k--)
        *sl_sndq_at(q, k) = *sl_sndq_at(q, k - 1);
}

/*
 * What is before segment `i` moves forward by one place. Costs what is unacknowledged before it,
 * and the running numbers of all segments behind, by which seals under way know them, stay.
 */
static void open_before(struct sl_sndq *q, uint32_t i)
{
    uint32_t k;

    q->head--;
    q->n++;
    for (k = 0; k < i; k++)
        *sl_sndq_at(q, k) = *sl_sndq_at(q, k + 1);
}

struct sl_snd_seg *sl_sndq_insert(struct sl_sndq *q, uint32_t i, struct rte_mbuf *m)
{
    SL_INVARIANT(i >= q->n_cut && i <= q->n);
    if (!reserve(q))
        return NULL;
    open_behind(q, i);
    fill(q, sl_sndq_at(q, i), m);
    return sl_sndq_at(q, i);
}

struct sl_snd_seg *sl_sndq_tail(const struct sl_sndq *q)
{
    struct sl_snd_seg *seg;

    if (q->n == 0)
        return NULL;
    seg = sl_sndq_at(q, q->n - 1);
    if (seg->state != SL_SND_WRITTEN || seg->fin || seg->own || seg->m == NULL ||
        !RTE_MBUF_DIRECT(seg->m) || rte_mbuf_refcnt_read(seg->m) != 1)
        return NULL;
    return seg;
}

void sl_sndq_grew(struct sl_sndq *q, uint32_t bytes)
{
    struct sl_snd_seg *seg = sl_sndq_at(q, q->n - 1);

    seg->len += bytes;
    seg->data_len += bytes;
    q->data_bytes += bytes;
    q->unsent_bytes += bytes;
    SL_INVARIANT(seg->len == seg->m->data_len);
}

void sl_sndq_cut(struct sl_sndq *q, sl_seq seq, uint32_t len, uint32_t data_len)
{
    struct sl_snd_seg *seg = sl_sndq_at(q, q->n_cut);

    SL_INVARIANT(q->n_cut < q->n && seg->state == SL_SND_WRITTEN);
    q->unsent_bytes -= seg->data_len;
    q->data_bytes += data_len - seg->data_len;
    seg->seq = seq;
    seg->len = len;
    seg->data_len = data_len;
    seg->state = SL_SND_CUT;
    q->n_cut++;
}

void sl_sndq_sent(struct sl_sndq *q)
{
    struct sl_snd_seg *seg = sl_sndq_at(q, q->n_sent);

    SL_INVARIANT(q->n_sent < q->n_cut && seg->state == SL_SND_SEALED);
    seg->state = SL_SND_SENT;
    q->n_sent++;
}

static sl_seq end_of(const struct sl_snd_seg *seg)
{
    return seg->seq + seg->len + seg->fin;
}

uint32_t sl_sndq_acked(struct sl_sndq *q, sl_seq una)
{
    uint32_t freed = 0;

    while (q->n_sent > 0) {
        struct sl_snd_seg *seg = sl_sndq_at(q, 0);

        if (sl_seq_gt(end_of(seg), una))
            break;
        rte_pktmbuf_free(seg->m);
        freed += seg->data_len;
        q->head++;
        q->n--;
        q->n_cut--;
        q->n_sent--;
    }
    q->data_bytes -= freed;
    return freed;
}

uint32_t sl_sndq_find(const struct sl_sndq *q, sl_seq seq)
{
    uint32_t low = 0, high = q->n_cut; /* segments below `low` end at or before `seq` */

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (sl_seq_leq(end_of(sl_sndq_at(q, middle)), seq))
            low = middle + 1;
        else
            high = middle;
    }
    if (low < q->n_cut && sl_seq_leq(sl_sndq_at(q, low)->seq, seq))
        return low;
    return q->n_cut;
}

/* What follows the first `len` bytes of `m` as an mbuf of its own. */
static struct rte_mbuf *rest_of(struct rte_mbuf *m, uint32_t len, bool written,
                                struct rte_mempool *pool, struct rte_mempool *clones)
{
    const uint16_t left = (uint16_t)(m->data_len - len);
    struct rte_mbuf *rest;

    if (SL_FAULT(sndq_split) || (rest = rte_pktmbuf_alloc(written ? pool : clones)) == NULL)
        return NULL;
    if (!written) {
        rte_pktmbuf_attach(rest, m);
        rte_pktmbuf_adj(rest, (uint16_t)len);
        return rest;
    }
    if (rte_pktmbuf_tailroom(rest) < left) {
        rte_pktmbuf_free(rest);
        return NULL;
    }
    memcpy(rte_pktmbuf_append(rest, left), rte_pktmbuf_mtod_offset(m, const void *, len), left);
    return rest;
}

bool sl_sndq_split(struct sl_sndq *q, uint32_t i, uint32_t len, struct rte_mempool *pool,
                   struct rte_mempool *clones)
{
    const bool written = sl_sndq_at(q, i)->state == SL_SND_WRITTEN;
    struct sl_snd_seg *head, *tail;
    struct rte_mbuf *rest;

    SL_INVARIANT(i < q->n && sl_sndq_at(q, i)->state != SL_SND_CUT);
    SL_INVARIANT(len > 0 && len < sl_sndq_at(q, i)->len);
    if (!reserve(q) || (rest = rest_of(sl_sndq_at(q, i)->m, len, written, pool, clones)) == NULL)
        return false;
    if (written) {
        open_behind(q, i);
    } else {
        open_before(q, i + 1);
        q->n_cut++;
        q->n_sent += sl_sndq_at(q, i)->state == SL_SND_SENT;
    }
    /* Both places hold the segment now. */
    head = sl_sndq_at(q, i);
    tail = sl_sndq_at(q, i + 1);
    tail->m = rest;
    tail->seq += len;
    tail->len -= len;
    /* A frame's application bytes are free once all of it is acknowledged. */
    head->data_len = head->data_len == head->len ? len : 0;
    tail->data_len -= head->data_len;
    head->len = len;
    head->psh = head->fin = false;
    rte_pktmbuf_trim(head->m, (uint16_t)(rte_pktmbuf_data_len(head->m) - len));
    return true;
}
