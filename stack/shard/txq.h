/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/counters.h"
#include "sealane/shard.h"

/*
 * What is to be sent on one port: a bounded ring of frames. What the port does not take stays and
 * is no loss; what finds the ring full, or stands before a port that takes nothing for too long,
 * is (SL_DROP_PORT_TX_FULL). Owns its frames. Thread: the shard's.
 */
enum {
    SL_TXQ_FRAMES = 4096, /* a power of two */
    SL_TXQ_HIGH = 1024,   /* above it TCP gets to hear of it: nothing new is cut or sent */
};

struct sl_txq {
    struct rte_mbuf **ring; /* NULL: not in use */
    uint32_t head, n;
    uint64_t stalled_ns; /* since when the port takes nothing; 0: it does */
};

/* False: no memory. */
bool sl_txq_init(struct sl_txq *q);
void sl_txq_fini(struct sl_txq *q);

/* Takes `m`; false: the ring was full, and the frame is gone (not counted here). */
bool sl_txq_add(struct sl_txq *q, struct rte_mbuf *m);

/* Hand over what the port takes. Returns how many frames went. */
uint32_t sl_txq_flush(struct sl_txq *q, const struct sl_shard_io *io, uint16_t port,
                      struct sl_counters *counters, uint64_t now_ns);

/* Free what waits; returns how many. */
uint32_t sl_txq_empty(struct sl_txq *q);
