/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/*
 * A connection's in-queue: application data in order, authenticated where there is a TEP, waiting
 * to be read. A ring of single-segment mbufs, released when empty. An mbuf may be somebody else's
 * too, so that how far the first one was read stands here. Thread: the shard's.
 */
struct sl_inq {
    struct rte_mbuf **ring;
    uint32_t mask, head, n; /* ring NULL: nothing allocated */
    uint32_t bytes;         /* unread */
    uint16_t first_off;     /* bytes of the first mbuf that were read */
};

void sl_inq_fini(struct sl_inq *q);

/* Append a chain (empty segments of it are freed); takes it. False: no memory, and it is freed. */
bool sl_inq_push(struct sl_inq *q, struct rte_mbuf *m);

/* Copy a few bytes behind the last mbuf's, where it has room and is nobody else's. */
bool sl_inq_append(struct sl_inq *q, const void *bytes, uint16_t len);

/* Copy at most `len` bytes out; `peek`: and leave them. Returns how many. */
uint32_t sl_inq_read(struct sl_inq *q, uint8_t *out, uint32_t len, bool peek);

/*
 * Take the first mbuf off, trimmed to what is unread; it may be shared (only to be read). NULL when
 * empty; also when it had to be copied and its pool is empty: try again later, or read().
 */
struct rte_mbuf *sl_inq_take(struct sl_inq *q);
