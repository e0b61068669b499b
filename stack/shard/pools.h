/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sealane/shard.h"

/*
 * The mbuf pools of a shard: header mbufs, indirect mbufs, payload to be sent, payload received.
 *
 * Their handler is last-in-first-out where DPDK has it, so that the mbufs in circulation stay in
 * the cache; the default one hands out every mbuf of the pool in turn. Those the owner of the
 * shard gave are used and left alone. Thread: the shard's.
 */
struct sl_pools {
    struct sl_shard_pools use;
    struct sl_shard_pools own; /* NULL: given by the owner */
};

/* False: no memory; sl_pools_fini() takes half-built ones. */
bool sl_pools_init(struct sl_pools *p, const struct sl_shard_config *config);
void sl_pools_fini(struct sl_pools *p);

/* Mbufs of the own pools that are out. */
uint64_t sl_pools_out(const struct sl_pools *p);

/* Free such a pool, now or when the last of its mbufs is back. NULL is allowed. */
void sl_pools_release(struct rte_mempool *pool);

/* One such pool, of a name that is the process's own. NULL: no memory. */
struct rte_mempool *sl_pools_create(const char *kind, unsigned index, uint32_t n,
                                    uint16_t data_bytes);
