/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/drop.h"
#include "tcp/seq.h"
#include "tcpcrypt/tep.h"

/*
 * What a connection received and may not deliver yet: out-of-order data, and under a TEP also
 * data in order that is not authenticated (R75, reading A14).
 *
 * Sorted, disjoint ranges of the sequence space, found by bisection, bounded in number and bytes.
 * Each is (part of) one single-segment mbuf that the queue holds a reference on. Of overlapping
 * data the first copy counts (D43); with `copies`, for unauthenticated data, one later copy with
 * other bytes is kept beside it, and a reader says for each range which one it wants.
 * Small pieces are packed together, so that one-byte segments do not eat an mbuf each.
 * Thread: the shard's. Memory: the array is the queue's, released when empty.
 */
struct sl_rcv_range {
    sl_seq seq;
    uint32_t len;
    struct rte_mbuf *m;    /* the first copy: `len` bytes from `off` of its data */
    struct rte_mbuf *copy; /* another copy with other bytes, or NULL */
    uint16_t off, copy_off;
};

struct sl_rcvq {
    uint32_t n, room;
    uint32_t first;  /* of the array: ranges in front were taken */
    uint32_t bytes;  /* of the first copies */
    uint32_t copies; /* ranges that have two */
    uint32_t max_ranges;
    struct sl_rcv_range *ranges; /* by sequence number */
};

void sl_rcvq_init(struct sl_rcvq *q, uint32_t max_ranges);
void sl_rcvq_fini(struct sl_rcvq *q);

static inline struct sl_rcv_range *sl_rcvq_at(const struct sl_rcvq *q, uint32_t i)
{
    return &q->ranges[q->first + i];
}

/*
 * Insert the payload `m` (a chain; taken in every case) at `seq`. `copies`: keep differing copies
 * (else the first copy simply stands). `pool`: for packing small pieces; may be empty.
 * SL_DROP_NONE if any byte was new or a copy was kept; SL_DROP_TCP_DUPLICATE if nothing was;
 * SL_DROP_CRYPT_COPY if a third copy was refused; SL_DROP_TCP_RCV_RANGES, SL_DROP_TCP_NO_MEMORY
 * if (the rest of) it could not be kept. What could be kept is, so look at the queue whatever the
 * reason. At the bound the farthest range goes (RCV_RANGES) when the new data lies before it.
 */
enum sl_drop sl_rcvq_insert(struct sl_rcvq *q, sl_seq seq, struct rte_mbuf *m, bool copies,
                            struct rte_mempool *pool);

/* Bytes held without a gap from `seq` on; 0 when `seq` itself is not held. */
uint32_t sl_rcvq_contiguous(const struct sl_rcvq *q, sl_seq seq);

/* Index of the range that holds `seq`, or of the first one behind it; q->n: none. */
uint32_t sl_rcvq_find(const struct sl_rcvq *q, sl_seq seq);

/* How many ranges that hold bytes of [seq, seq + len) are there in two copies. */
uint32_t sl_rcvq_copies(const struct sl_rcvq *q, sl_seq seq, uint32_t len);

/* Is each byte of the chain `m` at `seq` that falls into [from, to) held so, in either copy? */
bool sl_rcvq_knows(const struct sl_rcvq *q, sl_seq seq, const struct rte_mbuf *m, sl_seq from,
                   sl_seq to);

/*
 * The held bytes [seq, seq + len) as ranges. `choice` bit k: of the k-th range in it that has two
 * copies, take the second one (k < 32). `max` ranges at most. Returns how many; `*covered` is the
 * number of bytes they hold without a gap, at most `len`; `*n_copies` how many had two.
 */
uint32_t sl_rcvq_gather(const struct sl_rcvq *q, sl_seq seq, uint32_t len, uint32_t choice,
                        struct sl_range *out, uint32_t max, uint32_t *covered, uint32_t *n_copies);

/* Forget everything below `seq` (it was delivered): ranges are cut and freed. */
void sl_rcvq_consume(struct sl_rcvq *q, sl_seq seq);

/*
 * Forget [seq, seq + len), both copies: it failed to authenticate. Returns bytes that were held
 * there. At the bound of ranges the rest of the range that holds all of it goes too.
 */
uint32_t sl_rcvq_drop(struct sl_rcvq *q, sl_seq seq, uint32_t len);

/*
 * Take the first range off if it begins at `seq` exactly; its mbuf, trimmed to it and with a
 * reference of the caller's (others may have theirs: only to be read), or NULL. NULL also where it
 * had to be copied and there was no mbuf for that: try again later. (Plain delivery of what a
 * hole held up.)
 */
struct rte_mbuf *sl_rcvq_take(struct sl_rcvq *q, sl_seq seq);
