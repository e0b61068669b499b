/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "tcp/seq.h"

/*
 * A connection's send queue: the stream from SND.UNA to the last byte the application wrote, as a
 * ring of segments, indexed by number and by sequence number, never walked.
 *
 * A segment is one single-segment mbuf. It goes through the states in order; once CUT its place
 * in the sequence space is fixed, once SEALED its bytes are (R74). Plain segments are SEALED as
 * soon as they are cut. The mbufs here are held, never sent: output.c hands ports an indirect
 * one. Thread: the shard's. Memory: the ring is the queue's, doubled as needed up to the bound.
 */
enum sl_snd_state {
    SL_SND_WRITTEN, /* application bytes; may be appended to */
    SL_SND_CUT,     /* frame laid out, seal under way */
    SL_SND_SEALED,  /* may be sent */
    SL_SND_SENT,
};

struct sl_snd_seg {
    struct rte_mbuf *m; /* NULL: a FIN alone */
    sl_seq seq;         /* once cut */
    uint32_t len;       /* bytes of the stream (m->data_len); FIN not counted */
    uint32_t data_len;  /* application bytes in it; set by the functions below only */
    uint8_t state;      /* enum sl_snd_state */
    bool psh, fin;
    bool lost;           /* wants to be sent again */
    bool sacked;         /* reported held by the peer */
    bool own;            /* a TEP's own bytes */
    uint8_t n_sent;      /* transmissions, saturating */
    uint8_t app_limited; /* delivery-rate sample: RFC 9438 and BBR's draft */
    uint64_t sent_ns;    /* last transmission (T8985-2) */
    uint64_t first_sent_ns, delivered_ns, delivered_bytes; /* sample's start */
};

struct sl_sndq {
    struct sl_snd_seg *ring;
    uint32_t mask;         /* capacity - 1; 0 with ring NULL: nothing allocated */
    uint32_t head;         /* running number of the first segment */
    uint32_t n;            /* segments held */
    uint32_t n_cut;        /* of these, from the front: CUT or later */
    uint32_t n_sent;       /* of these, from the front: SENT */
    uint32_t data_bytes;   /* application bytes held */
    uint32_t unsent_bytes; /* application bytes in segments that are still WRITTEN */
    uint32_t max_segs;
};

/* Segment `i` from the front, 0 .. q->n - 1. */
static inline struct sl_snd_seg *sl_sndq_at(const struct sl_sndq *q, uint32_t i)
{
    return &q->ring[(q->head + i) & q->mask];
}

void sl_sndq_init(struct sl_sndq *q, uint32_t max_segs);
void sl_sndq_fini(struct sl_sndq *q); /* frees mbufs and ring; the queue is empty then */

/* Release an empty queue's ring: an idle connection holds none. */
void sl_sndq_trim(struct sl_sndq *q);

/*
 * A fresh segment at the end, zeroed but for `m`, `len` and `data_len`, which are m's. NULL: bound
 * or memory, and `m` is the caller's still.
 */
struct sl_snd_seg *sl_sndq_push(struct sl_sndq *q, struct rte_mbuf *m);

/* The same before segment `i` (>= n_cut: only what is WRITTEN moves). */
struct sl_snd_seg *sl_sndq_insert(struct sl_sndq *q, uint32_t i, struct rte_mbuf *m);

/* The last segment if it is still WRITTEN, without FIN and a plain direct mbuf; else NULL. */
struct sl_snd_seg *sl_sndq_tail(const struct sl_sndq *q);

/* Note that `bytes` were appended to the last segment's mbuf. */
void sl_sndq_grew(struct sl_sndq *q, uint32_t bytes);

/* Segment n_cut becomes CUT at `seq` with `len` stream bytes of which `data_len` are data. */
void sl_sndq_cut(struct sl_sndq *q, sl_seq seq, uint32_t len, uint32_t data_len);

/* Segment n_sent becomes SENT. */
void sl_sndq_sent(struct sl_sndq *q);

/*
 * Everything below `una` is acknowledged: free whole segments (a FIN counts one). Returns how
 * many application bytes became free. A segment that is acknowledged in part stays whole.
 */
uint32_t sl_sndq_acked(struct sl_sndq *q, sl_seq una);

/* Index of the cut segment that holds `seq`, by bisection; q->n_cut when none does. */
uint32_t sl_sndq_find(const struct sl_sndq *q, sl_seq seq);

/*
 * Split segment `i` (any state but CUT) so that it keeps its first `len` stream bytes; the rest
 * becomes a segment of its own behind it, in an indirect mbuf from `clones`, or a copy in a fresh
 * one of `pool` while WRITTEN (it is sealed in place later). Application bytes of a frame count in
 * its last part. Running numbers of CUT segments stay. False: bound or memory, unchanged.
 */
bool sl_sndq_split(struct sl_sndq *q, uint32_t i, uint32_t len, struct rte_mempool *pool,
                   struct rte_mempool *clones);
