/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/job.h"

/*
 * Walks a job's source and destination together: the longest runs that are contiguous on both
 * sides. Empty ranges vanish. Plain data of the caller; used by the engines only.
 */
struct sl_pieces {
    const struct sl_range *src, *src_end, *dst, *dst_end;
    uint32_t src_at, dst_at; /* inside the first of each */
};

struct sl_piece {
    const uint8_t *from;
    uint8_t *to;
    uint32_t len;
};

static inline struct sl_pieces sl_pieces_of(const struct sl_job *job)
{
    return (struct sl_pieces){
        .src = job->src,
        .src_end = job->src == NULL ? NULL : job->src + job->n_src,
        .dst = job->dst,
        .dst_end = job->dst == NULL ? NULL : job->dst + job->n_dst,
    };
}

static inline void sl_pieces_skip_done(struct sl_pieces *p)
{
    while (p->src != p->src_end && p->src_at == p->src->len) {
        p->src++;
        p->src_at = 0;
    }
    while (p->dst != p->dst_end && p->dst_at == p->dst->len) {
        p->dst++;
        p->dst_at = 0;
    }
}

/* The next run; false when either side has ended. */
static inline bool sl_pieces_next(struct sl_pieces *p, struct sl_piece *piece)
{
    uint32_t from, to;

    sl_pieces_skip_done(p);
    if (p->src == p->src_end || p->dst == p->dst_end)
        return false;
    from = p->src->len - p->src_at;
    to = p->dst->len - p->dst_at;
    *piece =
        (struct sl_piece){p->src->at + p->src_at, p->dst->at + p->dst_at, from < to ? from : to};
    p->src_at += piece->len;
    p->dst_at += piece->len;
    return true;
}

/* After the last run: did both sides end at once, as they must? */
static inline bool sl_pieces_even(const struct sl_pieces *p)
{
    return p->src == p->src_end && p->dst == p->dst_end;
}
