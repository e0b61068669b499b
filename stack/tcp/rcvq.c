/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/rcvq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "base/invariant.h"
#include "tcp/part.h"

enum {
    RANGES_MIN = 16,
    SMALL_BYTES = 256, /* a piece up to here is packed behind its predecessor */
};

static_assert(sizeof(struct sl_rcv_range) == 32, "two ranges are a cache line");

static sl_seq end_of(const struct sl_rcv_range *r)
{
    return r->seq + r->len;
}

static const uint8_t *bytes_of(const struct rte_mbuf *m, uint32_t off)
{
    return rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
}

void sl_rcvq_init(struct sl_rcvq *q, uint32_t max_ranges)
{
    *q = (struct sl_rcvq){.max_ranges = max_ranges};
}

static void release_when_empty(struct sl_rcvq *q)
{
    if (q->n > 0)
        return;
    free(q->ranges);
    q->ranges = NULL;
    q->room = q->first = 0;
}

/* Let go of what `r` holds; its place in the array is the caller's matter. */
static void forget(struct sl_rcvq *q, const struct sl_rcv_range *r)
{
    q->bytes -= r->len;
    q->copies -= r->copy != NULL;
    rte_pktmbuf_free_seg(r->m);
    if (r->copy != NULL)
        rte_pktmbuf_free_seg(r->copy);
}

void sl_rcvq_fini(struct sl_rcvq *q)
{
    for (; q->n > 0; q->n--)
        forget(q, sl_rcvq_at(q, q->n - 1));
    release_when_empty(q);
}

uint32_t sl_rcvq_find(const struct sl_rcvq *q, sl_seq seq)
{
    uint32_t low = 0, high = q->n; /* ranges below `low` end at or before `seq` */

    /* Data in order lies behind the last range, what is read or taken in the first. */
    if (q->n == 0 || sl_seq_leq(end_of(sl_rcvq_at(q, q->n - 1)), seq))
        return q->n;
    if (sl_seq_gt(end_of(sl_rcvq_at(q, 0)), seq))
        return 0;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (sl_seq_leq(end_of(sl_rcvq_at(q, middle)), seq))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room in the array behind the last range. Slides a quarter or more back, else doubles. */
static bool reserve(struct sl_rcvq *q)
{
    const uint32_t room = q->room == 0 ? RANGES_MIN : 2 * q->room;
    struct sl_rcv_range *ranges;

    if (q->first + q->n < q->room)
        return true;
    if (q->first > q->room / 4) {
        memmove(q->ranges, sl_rcvq_at(q, 0), q->n * sizeof(q->ranges[0]));
        q->first = 0;
        return true;
    }
    if (SL_FAULT(rcvq_ranges) || (ranges = malloc(room * sizeof(ranges[0]))) == NULL)
        return false;
    if (q->n > 0)
        memcpy(ranges, sl_rcvq_at(q, 0), q->n * sizeof(ranges[0]));
    free(q->ranges);
    q->ranges = ranges;
    q->room = room;
    q->first = 0;
    return true;
}

/* Make place `i` free; what was there and behind moves on. */
static enum sl_drop open_place(struct sl_rcvq *q, uint32_t i)
{
    if (q->n >= q->max_ranges)
        return SL_DROP_TCP_RCV_RANGES;
    if (!reserve(q))
        return SL_DROP_TCP_NO_MEMORY;
    memmove(q->ranges + q->first + i + 1, q->ranges + q->first + i,
            (q->n - i) * sizeof(q->ranges[0]));
    q->n++;
    return SL_DROP_NONE;
}

/* Remove the ranges [from, to) from the array; they have been forgotten. */
static void close_places(struct sl_rcvq *q, uint32_t from, uint32_t to)
{
    if (from == 0)
        q->first += to;
    else
        memmove(q->ranges + q->first + from, q->ranges + q->first + to,
                (q->n - to) * sizeof(q->ranges[0]));
    q->n -= to - from;
}

/* Cut `n` bytes off the front of `r`. The mbufs may be others' too: only offsets move. */
static void cut_front(struct sl_rcvq *q, struct sl_rcv_range *r, uint32_t n)
{
    r->seq += n;
    r->len -= n;
    r->off = (uint16_t)(r->off + n);
    r->copy_off = (uint16_t)(r->copy_off + n);
    q->bytes -= n;
}

/* Range `i` keeps its first `len` bytes, the rest becomes range i + 1. */
static enum sl_drop split(struct sl_rcvq *q, uint32_t i, uint32_t len)
{
    const enum sl_drop drop = open_place(q, i + 1);
    struct sl_rcv_range *head, *tail;

    if (drop != SL_DROP_NONE)
        return drop;
    head = sl_rcvq_at(q, i);
    tail = sl_rcvq_at(q, i + 1);
    *tail = *head;
    rte_mbuf_refcnt_update(tail->m, 1);
    if (tail->copy != NULL) {
        rte_mbuf_refcnt_update(tail->copy, 1);
        q->copies++;
    }
    q->bytes += len; /* which the cut takes off again */
    cut_front(q, tail, len);
    head->len = len;
    return SL_DROP_NONE;
}

/* An insertion under way: a part of a single-segment mbuf that is still to be placed. */
struct piece {
    struct rte_mbuf *m;
    sl_seq seq;
    uint32_t len;
    uint16_t off;
    bool referenced; /* the reference that came with `m` was given to a range */
    bool keep_copies;
    bool kept;            /* some byte was */
    enum sl_drop refused; /* why another was not */
    struct rte_mempool *pool;
};

static struct rte_mbuf *reference(struct piece *p)
{
    if (p->referenced)
        rte_mbuf_refcnt_update(p->m, 1);
    p->referenced = true;
    return p->m;
}

/* Of several reasons, a bound of ours is told rather than a third copy. */
static void refuse(struct piece *p, enum sl_drop why)
{
    if (p->refused == SL_DROP_NONE || p->refused == SL_DROP_CRYPT_COPY)
        p->refused = why;
}

/* May bytes be added behind what `m` holds? Nobody else sees it, and the buffer is its own. */
static bool may_grow(const struct rte_mbuf *m, uint32_t n)
{
    return RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 && rte_pktmbuf_tailroom(m) >= n;
}

/* Pack the piece's first `n` bytes into the mbuf of range i - 1, if that ends where they begin. */
static bool pack(struct sl_rcvq *q, uint32_t i, const struct piece *p, uint32_t n)
{
    struct sl_rcv_range *r;

    if (i == 0 || n > SMALL_BYTES)
        return false;
    r = sl_rcvq_at(q, i - 1);
    if (end_of(r) != p->seq || r->copy != NULL || r->off + r->len != r->m->data_len ||
        !may_grow(r->m, n))
        return false;
    memcpy(rte_pktmbuf_append(r->m, (uint16_t)n), bytes_of(p->m, p->off), n);
    r->len += n;
    q->bytes += n;
    return true;
}

/*
 * The mbuf for a range of its own. A small segment in an mbuf that cannot grow is copied to one
 * that can, so that the next ones join it there; without one it stays where it is.
 */
static struct rte_mbuf *house(struct piece *p, uint32_t n, uint16_t *off)
{
    struct rte_mbuf *fresh;

    *off = p->off;
    if (p->m->data_len > SMALL_BYTES || p->pool == NULL || (!p->referenced && may_grow(p->m, n)) ||
        SL_FAULT(rcvq_pack) || (fresh = rte_pktmbuf_alloc(p->pool)) == NULL)
        return reference(p);
    if (rte_pktmbuf_tailroom(fresh) < n) {
        rte_pktmbuf_free(fresh);
        return reference(p);
    }
    memcpy(rte_pktmbuf_append(fresh, (uint16_t)n), bytes_of(p->m, p->off), n);
    *off = 0;
    return fresh;
}

/*
 * At the bound the farthest range makes way for data before it: were it to stay, islands far ahead
 * would keep out what the stream waits for. It may have been reported (RFC 2018 8 allows that).
 */
static bool make_way(struct sl_rcvq *q, uint32_t i, struct piece *p)
{
    if (q->n < q->max_ranges || i == q->n)
        return false;
    forget(q, sl_rcvq_at(q, --q->n));
    refuse(p, SL_DROP_TCP_RCV_RANGES);
    return true;
}

/* The piece's first `n` bytes are new, and belong before range `i`. False: ranges have changed. */
static bool fill_gap(struct sl_rcvq *q, uint32_t i, struct piece *p, uint32_t n)
{
    enum sl_drop drop;
    struct sl_rcv_range *r;

    if (pack(q, i, p, n)) {
        p->kept = true;
        return true;
    }
    if (make_way(q, i, p))
        return false;
    drop = open_place(q, i);
    if (drop != SL_DROP_NONE) {
        refuse(p, drop);
        return true;
    }
    r = sl_rcvq_at(q, i);
    *r = (struct sl_rcv_range){.seq = p->seq, .len = n};
    r->m = house(p, n, &r->off);
    q->bytes += n;
    p->kept = true;
    return true;
}

/*
 * The piece's first `n` bytes are held by range `i` already. The first copy stands (D43); other
 * bytes that may yet prove to be the genuine ones are kept beside it, once (A14).
 */
static void compare(struct sl_rcvq *q, uint32_t i, struct piece *p, uint32_t n)
{
    const struct sl_rcv_range *held = sl_rcvq_at(q, i);
    const uint8_t *bytes = bytes_of(p->m, p->off);
    const uint32_t at = p->seq - held->seq;
    enum sl_drop drop = SL_DROP_NONE;
    struct sl_rcv_range *r;

    if (!p->keep_copies || memcmp(bytes_of(held->m, held->off + at), bytes, n) == 0)
        return;
    if (held->copy != NULL) {
        if (memcmp(bytes_of(held->copy, held->copy_off + at), bytes, n) != 0)
            refuse(p, SL_DROP_CRYPT_COPY);
        return;
    }
    if (at + n < held->len)
        drop = split(q, i, at + n);
    if (drop == SL_DROP_NONE && at > 0)
        drop = split(q, i++, at);
    if (drop != SL_DROP_NONE) {
        refuse(p, drop);
        return;
    }
    r = sl_rcvq_at(q, i);
    r->copy = reference(p);
    r->copy_off = p->off;
    q->copies++;
    p->kept = true;
}

/* Place the whole of a piece, which holds one segment. */
static void place(struct sl_rcvq *q, struct piece *p)
{
    while (p->len > 0) {
        const uint32_t i = sl_rcvq_find(q, p->seq);
        uint32_t n = p->len;

        if (i < q->n && sl_seq_leq(sl_rcvq_at(q, i)->seq, p->seq)) {
            n = RTE_MIN(n, end_of(sl_rcvq_at(q, i)) - p->seq);
            compare(q, i, p, n);
        } else {
            if (i < q->n)
                n = RTE_MIN(n, sl_rcvq_at(q, i)->seq - p->seq);
            if (!fill_gap(q, i, p, n))
                continue;
        }
        p->seq += n;
        p->off = (uint16_t)(p->off + n);
        p->len -= n;
    }
    if (!p->referenced)
        rte_pktmbuf_free_seg(p->m);
}

enum sl_drop sl_rcvq_insert(struct sl_rcvq *q, sl_seq seq, struct rte_mbuf *m, bool copies,
                            struct rte_mempool *pool)
{
    struct piece p = {.seq = seq, .keep_copies = copies, .pool = pool};
    struct rte_mbuf *next;

    for (; m != NULL; m = next) {
        next = m->next;
        m->next = NULL;
        m->nb_segs = 1;
        m->pkt_len = m->data_len;
        p.m = m;
        p.len = m->data_len;
        p.off = 0;
        p.referenced = false;
        place(q, &p);
    }
    if (p.refused != SL_DROP_NONE)
        return p.refused;
    return p.kept ? SL_DROP_NONE : SL_DROP_TCP_DUPLICATE;
}

uint32_t sl_rcvq_contiguous(const struct sl_rcvq *q, sl_seq seq)
{
    uint32_t i = sl_rcvq_find(q, seq);
    sl_seq end;

    if (i == q->n || sl_seq_gt(sl_rcvq_at(q, i)->seq, seq))
        return 0;
    /* As many bytes as the whole queue spans: there is no hole in it. */
    end = end_of(sl_rcvq_at(q, q->n - 1));
    if (end - sl_rcvq_at(q, 0)->seq == q->bytes)
        return end - seq;
    for (end = sl_rcvq_at(q, i)->seq; i < q->n && sl_rcvq_at(q, i)->seq == end; i++)
        end = end_of(sl_rcvq_at(q, i));
    return end - seq;
}

/* The same for `len` bytes on their own, all of which count. */
static bool knows_bytes(const struct sl_rcvq *q, sl_seq seq, const uint8_t *bytes, uint32_t len)
{
    while (len > 0) {
        const uint32_t i = sl_rcvq_find(q, seq);
        const struct sl_rcv_range *r = i < q->n ? sl_rcvq_at(q, i) : NULL;
        uint32_t at, n;

        if (r == NULL || sl_seq_gt(r->seq, seq))
            return false;
        at = seq - r->seq;
        n = RTE_MIN(len, r->len - at);
        if (memcmp(bytes_of(r->m, r->off + at), bytes, n) != 0 &&
            (r->copy == NULL || memcmp(bytes_of(r->copy, r->copy_off + at), bytes, n) != 0))
            return false;
        seq += n;
        bytes += n;
        len -= n;
    }
    return true;
}

bool sl_rcvq_knows(const struct sl_rcvq *q, sl_seq seq, const struct rte_mbuf *m, sl_seq from,
                   sl_seq to)
{
    for (; m != NULL; m = m->next) {
        const sl_seq first = sl_seq_max(seq, from), end = sl_seq_min(seq + m->data_len, to);

        if (sl_seq_lt(first, end) && !knows_bytes(q, first, bytes_of(m, first - seq), end - first))
            return false;
        seq += m->data_len;
    }
    return true;
}

uint32_t sl_rcvq_copies(const struct sl_rcvq *q, sl_seq seq, uint32_t len)
{
    uint32_t i, n = 0;

    if (q->copies == 0)
        return 0;
    for (i = sl_rcvq_find(q, seq); i < q->n && sl_seq_lt(sl_rcvq_at(q, i)->seq, seq + len); i++)
        n += sl_rcvq_at(q, i)->copy != NULL;
    return n;
}

uint32_t sl_rcvq_gather(const struct sl_rcvq *q, sl_seq seq, uint32_t len, uint32_t choice,
                        struct sl_range *out, uint32_t max, uint32_t *covered, uint32_t *n_copies)
{
    uint32_t i = sl_rcvq_find(q, seq), n = 0;

    *covered = *n_copies = 0;
    for (; n < max && *covered < len && i < q->n; i++, n++) {
        const struct sl_rcv_range *r = sl_rcvq_at(q, i);
        const uint32_t at = seq + *covered - r->seq;
        bool second = false;

        if (at >= r->len) /* also when the range lies behind a hole */
            break;
        if (r->copy != NULL) {
            second = *n_copies < 32 && (choice >> *n_copies & 1) != 0;
            ++*n_copies;
        }
        out[n].at = second ? rte_pktmbuf_mtod_offset(r->copy, uint8_t *, r->copy_off + at)
                           : rte_pktmbuf_mtod_offset(r->m, uint8_t *, r->off + at);
        out[n].len = RTE_MIN(r->len - at, len - *covered);
        *covered += out[n].len;
    }
    return n;
}

void sl_rcvq_consume(struct sl_rcvq *q, sl_seq seq)
{
    const uint32_t n = sl_rcvq_find(q, seq);
    uint32_t i;

    for (i = 0; i < n; i++)
        forget(q, sl_rcvq_at(q, i));
    close_places(q, 0, n);
    if (q->n > 0 && sl_seq_lt(sl_rcvq_at(q, 0)->seq, seq))
        cut_front(q, sl_rcvq_at(q, 0), seq - sl_rcvq_at(q, 0)->seq);
    release_when_empty(q);
}

/*
 * Range `i` holds bytes before and behind [seq, end): the dropped ones leave it in two. Where there
 * is no place for the part behind, it goes too: the peer will send it again.
 */
static uint32_t drop_middle(struct sl_rcvq *q, uint32_t i, sl_seq seq, sl_seq end)
{
    const bool whole = split(q, i, end - sl_rcvq_at(q, i)->seq) == SL_DROP_NONE;
    struct sl_rcv_range *r = sl_rcvq_at(q, i);

    q->bytes -= (whole ? end : end_of(r)) - seq;
    r->len = seq - r->seq;
    return end - seq;
}

uint32_t sl_rcvq_drop(struct sl_rcvq *q, sl_seq seq, uint32_t len)
{
    const sl_seq end = seq + len;
    const uint32_t before = q->bytes;
    uint32_t i = sl_rcvq_find(q, seq), to;
    struct sl_rcv_range *r;

    if (i < q->n && sl_seq_lt(sl_rcvq_at(q, i)->seq, seq)) {
        r = sl_rcvq_at(q, i);
        if (sl_seq_gt(end_of(r), end))
            return drop_middle(q, i, seq, end);
        q->bytes -= end_of(r) - seq;
        r->len = seq - r->seq;
        i++;
    }
    for (to = i; to < q->n && sl_seq_leq(end_of(sl_rcvq_at(q, to)), end); to++)
        forget(q, sl_rcvq_at(q, to));
    close_places(q, i, to);
    if (i < q->n && sl_seq_lt(sl_rcvq_at(q, i)->seq, end))
        cut_front(q, sl_rcvq_at(q, i), end - sl_rcvq_at(q, i)->seq);
    release_when_empty(q);
    return before - q->bytes;
}

struct rte_mbuf *sl_rcvq_take(struct sl_rcvq *q, sl_seq seq)
{
    struct sl_rcv_range *r;
    struct rte_mbuf *m;

    if (q->n == 0 || sl_rcvq_at(q, 0)->seq != seq)
        return NULL;
    r = sl_rcvq_at(q, 0);
    m = sl_part_take(r->m, r->off, (uint16_t)r->len);
    if (m == NULL)
        return NULL;
    q->bytes -= r->len;
    if (r->copy != NULL) {
        q->copies--;
        rte_pktmbuf_free_seg(r->copy);
    }
    close_places(q, 0, 1);
    release_when_empty(q);
    return m;
}
