/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/inq.h"

#include <stdlib.h>

#include <rte_prefetch.h>

#include "base/invariant.h"
#include "tcp/part.h"

enum {
    RING_MIN = 8,
    AHEAD = 2, /* mbufs: in their time a line comes from memory */
};

void sl_inq_fini(struct sl_inq *q)
{
    uint32_t i;

    for (i = 0; i < q->n; i++)
        rte_pktmbuf_free_seg(q->ring[(q->head + i) & q->mask]);
    free(q->ring);
    *q = (struct sl_inq){0};
}

/* Room for `more` mbufs. */
static bool reserve(struct sl_inq *q, uint32_t more)
{
    uint32_t capacity = q->ring == NULL ? RING_MIN : q->mask + 1, i;
    struct rte_mbuf **ring;

    if (q->ring != NULL && q->n + more <= capacity)
        return true;
    while (capacity < q->n + more)
        capacity *= 2;
    if (SL_FAULT(inq_ring) || (ring = malloc(capacity * sizeof(ring[0]))) == NULL)
        return false;
    for (i = 0; i < q->n && q->ring != NULL; i++)
        ring[i] = q->ring[(q->head + i) & q->mask];
    free(q->ring);
    q->ring = ring;
    q->mask = capacity - 1;
    q->head = 0;
    return true;
}

/* The first `n` mbufs are gone; an empty queue holds no ring. */
static void pop(struct sl_inq *q, uint32_t n)
{
    q->head += n;
    q->n -= n;
    if (q->n > 0)
        return;
    free(q->ring);
    *q = (struct sl_inq){0};
}

bool sl_inq_push(struct sl_inq *q, struct rte_mbuf *m)
{
    struct rte_mbuf *next;

    if (!reserve(q, m->nb_segs)) {
        rte_pktmbuf_free(m);
        return false;
    }
    for (; m != NULL; m = next) {
        next = m->next;
        m->next = NULL;
        m->nb_segs = 1;
        m->pkt_len = m->data_len;
        if (m->data_len == 0) {
            rte_pktmbuf_free_seg(m);
            continue;
        }
        SL_INVARIANT(q->n <= q->mask);
        q->ring[(q->head + q->n++) & q->mask] = m;
        q->bytes += m->data_len;
    }
    pop(q, 0); /* nothing but empty ones came */
    return true;
}

bool sl_inq_append(struct sl_inq *q, const void *bytes, uint16_t len)
{
    struct rte_mbuf *last = q->n > 0 ? q->ring[(q->head + q->n - 1) & q->mask] : NULL;

    if (last == NULL || !RTE_MBUF_DIRECT(last) || rte_mbuf_refcnt_read(last) != 1 ||
        rte_pktmbuf_tailroom(last) < len)
        return false;
    memcpy(rte_pktmbuf_append(last, len), bytes, len);
    q->bytes += len;
    return true;
}

static uint32_t copy_out(const struct rte_mbuf *m, uint32_t off, uint8_t *out, uint32_t room)
{
    const uint32_t left = m->data_len - off;
    const uint32_t n = left < room ? left : room;

    memcpy(out, rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);
    return n;
}

/* Where bytes will be copied to after some others: mostly memory that is in no cache. */
static void prefetch_out(const uint8_t *out, uint32_t len)
{
    uint32_t at;

    for (at = 0; at < len; at += RTE_CACHE_LINE_SIZE)
        rte_prefetch0_write(out + at);
}

uint32_t sl_inq_read(struct sl_inq *q, uint8_t *out, uint32_t len, bool peek)
{
    uint32_t done = 0, off = q->first_off, i = 0;

    while (done < len && i < q->n) {
        struct rte_mbuf *m = q->ring[(q->head + i) & q->mask];
        const uint32_t later = AHEAD * m->data_len; /* as if all were as long */
        uint32_t n;

        if (i + AHEAD < q->n && len - done > later + m->data_len)
            prefetch_out(out + done + later, m->data_len);
        n = copy_out(m, off, out + done, len - done);
        done += n;
        off += n;
        if (off < m->data_len) /* `out` is full */
            break;
        off = 0;
        i++;
        if (!peek)
            rte_pktmbuf_free_seg(m);
    }
    if (!peek) {
        q->bytes -= done;
        q->first_off = (uint16_t)off;
        pop(q, i);
    }
    return done;
}

struct rte_mbuf *sl_inq_take(struct sl_inq *q)
{
    struct rte_mbuf *m;

    if (q->n == 0)
        return NULL;
    m = q->ring[q->head & q->mask];
    m = sl_part_take(m, q->first_off, (uint16_t)(m->data_len - q->first_off));
    if (m == NULL)
        return NULL;
    q->bytes -= m->data_len;
    q->first_off = 0;
    pop(q, 1);
    return m;
}
