/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/pools.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <rte_lcore.h>
#include <rte_mempool.h>

#include "base/invariant.h"

enum {
    CACHED = 256,
    /* Mempools are laid out best with one less than a power of two. */
    SMALL = 8191,
    LARGE = 65535,
    HEAD_BYTES = RTE_PKTMBUF_HEADROOM + 192, /* all headers with all options, and ICMP quotes */
    DATA_BYTES = RTE_PKTMBUF_HEADROOM + 2048,
    SEGMENT_BYTES = 1448,
    ORPHANS_MAX = 256,
    CONNECTIONS = 4, /* that fill their buffers at a time, by default */
};

struct rte_mempool *sl_pools_create(const char *kind, unsigned index, uint32_t n,
                                    uint16_t data_bytes)
{
    static atomic_uint serial; /* names are the process's, shards of one index may be several */
    const uint32_t cached = n >= 4 * CACHED ? CACHED : 0;
    const int socket = (int)rte_socket_id();
    struct rte_mempool *pool;
    char name[RTE_MEMPOOL_NAMESIZE];

    if (SL_FAULT(pools_create))
        return NULL;
    (void)snprintf(name, sizeof(name), "sl_%s%u_%u", kind, index, atomic_fetch_add(&serial, 1));
    pool = rte_pktmbuf_pool_create_by_ops(name, n, cached, 0, data_bytes, socket, "lf_stack");
    if (pool == NULL) /* the handler is not built, or not loaded */
        pool = rte_pktmbuf_pool_create(name, n, cached, 0, data_bytes, socket);
    return pool;
}

/* Payload mbufs for a few connections with full buffers; many connections seldom all have them. */
static uint32_t elements_for(const struct sl_shard_config *c, uint32_t buffer_bytes)
{
    const uint64_t wanted = (uint64_t)CONNECTIONS * (buffer_bytes / SEGMENT_BYTES);
    uint32_t n = SMALL;

    if (c->pool_elements > 0)
        return c->pool_elements;
    while (n < wanted && n < LARGE)
        n = 2 * n + 1;
    return n;
}

bool sl_pools_init(struct sl_pools *p, const struct sl_shard_config *c)
{
    const uint32_t n_data = elements_for(c, c->sndbuf_bytes);
    const uint32_t n_rx = elements_for(c, c->rcvbuf_bytes);
    /* A receiver on the same machine keeps the indirect mbufs until its application has read. */
    const uint32_t n_clones = n_data + n_rx;
    const struct sl_shard_pools *given = &c->pools;

    *p = (struct sl_pools){.use = *given};
    if (given->heads == NULL)
        p->use.heads = p->own.heads = sl_pools_create("heads", c->index, n_data, HEAD_BYTES);
    if (given->clones == NULL)
        p->use.clones = p->own.clones = sl_pools_create("clones", c->index, n_clones, 0);
    if (given->data == NULL)
        p->use.data = p->own.data = sl_pools_create("data", c->index, n_data, DATA_BYTES);
    if (given->rx == NULL)
        p->use.rx = p->own.rx = sl_pools_create("rx", c->index, n_rx, DATA_BYTES);
    return p->use.heads != NULL && p->use.clones != NULL && p->use.data != NULL &&
           p->use.rx != NULL;
}

/*
 * Mbufs that are still out lie in a ring, or with a shard at its other end, which must not find
 * their memory gone. Such a pool waits here, for whoever comes by once all of them are back.
 */
static pthread_mutex_t orphans_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rte_mempool *orphans[ORPHANS_MAX]; /* beyond that: never freed */

static void free_orphans(void)
{
    int i;

    for (i = 0; i < ORPHANS_MAX; i++) {
        if (orphans[i] != NULL && rte_mempool_full(orphans[i])) {
            rte_mempool_free(orphans[i]);
            orphans[i] = NULL;
        }
    }
}

static void orphan(struct rte_mempool *pool)
{
    int i;

    for (i = 0; i < ORPHANS_MAX; i++) {
        if (orphans[i] == NULL) {
            orphans[i] = pool;
            return;
        }
    }
}

void sl_pools_release(struct rte_mempool *pool)
{
    (void)pthread_mutex_lock(&orphans_lock);
    free_orphans();
    if (pool == NULL || rte_mempool_full(pool))
        rte_mempool_free(pool);
    else
        orphan(pool);
    (void)pthread_mutex_unlock(&orphans_lock);
}

void sl_pools_fini(struct sl_pools *p)
{
    sl_pools_release(p->own.heads);
    sl_pools_release(p->own.clones);
    sl_pools_release(p->own.data);
    sl_pools_release(p->own.rx);
    *p = (struct sl_pools){0};
}

static uint64_t out(const struct rte_mempool *pool)
{
    return pool == NULL ? 0 : rte_mempool_in_use_count(pool);
}

uint64_t sl_pools_out(const struct sl_pools *p)
{
    return out(p->own.heads) + out(p->own.clones) + out(p->own.data) + out(p->own.rx);
}
