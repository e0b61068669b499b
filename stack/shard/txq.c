/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/txq.h"

#include <assert.h>
#include <stdlib.h>

#include "base/invariant.h"

static_assert((SL_TXQ_FRAMES & (SL_TXQ_FRAMES - 1)) == 0, "indices are masked");

/* Longer than any port needs to go on, shorter than a retransmission time-out. */
static const uint64_t stall_max_ns = 100000000;

bool sl_txq_init(struct sl_txq *q)
{
    *q = (struct sl_txq){0};
    if (!SL_FAULT(txq_init))
        q->ring = calloc(SL_TXQ_FRAMES, sizeof(q->ring[0]));
    return q->ring != NULL;
}

void sl_txq_fini(struct sl_txq *q)
{
    (void)sl_txq_empty(q);
    free(q->ring);
    *q = (struct sl_txq){0};
}

bool sl_txq_add(struct sl_txq *q, struct rte_mbuf *m)
{
    if (q->n == SL_TXQ_FRAMES) {
        rte_pktmbuf_free(m);
        return false;
    }
    q->ring[(q->head + q->n++) & (SL_TXQ_FRAMES - 1)] = m;
    return true;
}

uint32_t sl_txq_empty(struct sl_txq *q)
{
    const uint32_t n = q->n;

    for (; q->n > 0; q->n--)
        rte_pktmbuf_free(q->ring[q->head++ & (SL_TXQ_FRAMES - 1)]);
    q->stalled_ns = 0;
    return n;
}

/* A port that takes nothing must not hold buffers, and with them the other ports, for ever. */
static void note_stall(struct sl_txq *q, struct sl_counters *counters, uint64_t now_ns)
{
    if (q->stalled_ns == 0)
        q->stalled_ns = now_ns > 0 ? now_ns : 1;
    else if (now_ns - q->stalled_ns > stall_max_ns)
        counters->drops[SL_DROP_PORT_TX_FULL] += sl_txq_empty(q);
}

uint32_t sl_txq_flush(struct sl_txq *q, const struct sl_shard_io *io, uint16_t port,
                      struct sl_counters *counters, uint64_t now_ns)
{
    uint32_t sent = 0;

    while (q->n > 0) {
        const uint32_t at = q->head & (SL_TXQ_FRAMES - 1), to_end = SL_TXQ_FRAMES - at;
        uint32_t n = q->n < to_end ? q->n : to_end;
        uint32_t taken;

        n = n < SL_SHARD_BURST ? n : SL_SHARD_BURST;
        taken = io->tx(io->ctx, port, &q->ring[at], (uint16_t)n);
        q->head += taken;
        q->n -= taken;
        sent += taken;
        if (taken < n)
            break;
    }
    if (sent > 0 || q->n == 0)
        q->stalled_ns = 0;
    else
        note_stall(q, counters, now_ns);
    sl_count_add(counters, SL_COUNT_PKTS_OUT, sent);
    return sent;
}
