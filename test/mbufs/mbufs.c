/* SPDX-License-Identifier: BSD-3-Clause */
#include "mbufs/mbufs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

static void die(const char *what)
{
    fprintf(stderr, "%s failed\n", what);
    abort();
}

void test_eal(void)
{
    static bool done;
    char prefix[64];
    char *args[] = {"test",           "--no-huge",     "-m", "256", "--no-pci", "--no-shconf",
                    "--no-telemetry", "--log-level=4", "-l", "0",   prefix,     NULL};

    if (done)
        return;
    snprintf(prefix, sizeof(prefix), "--file-prefix=sl-test-%d", (int)getpid());
    if (rte_eal_init(11, args) < 0)
        die("rte_eal_init");
    done = true;
}

struct rte_mempool *test_pool(const char *name, unsigned n)
{
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create(name, n, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

    if (pool == NULL)
        die("rte_pktmbuf_pool_create");
    return pool;
}

void test_pool_whole(const struct rte_mempool *pool)
{
    if (rte_mempool_full(pool))
        return;
    fprintf(stderr, "pool %s: %u mbufs leaked\n", pool->name, rte_mempool_in_use_count(pool));
    abort();
}

struct ext {
    struct rte_mbuf_ext_shared_info shared;
    uint8_t *bytes;
};

static void ext_free(void *addr, void *opaque)
{
    struct ext *ext = opaque;

    (void)addr;
    free(ext->bytes);
    free(ext);
}

struct rte_mbuf *test_mbuf(struct rte_mempool *pool, const void *bytes, size_t len, size_t headroom,
                           size_t tailroom)
{
    const size_t size = headroom + len + tailroom;
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    struct ext *ext = malloc(sizeof(*ext));

    if (m == NULL || ext == NULL || size > UINT16_MAX)
        die("test_mbuf");
    ext->bytes = malloc(size > 0 ? size : 1);
    if (ext->bytes == NULL)
        die("malloc");
    ext->shared.free_cb = ext_free;
    ext->shared.fcb_opaque = ext;
    rte_mbuf_ext_refcnt_set(&ext->shared, 1);
    rte_pktmbuf_attach_extbuf(m, ext->bytes, 0, (uint16_t)size, &ext->shared);
    m->data_off = (uint16_t)headroom;
    m->data_len = (uint16_t)len;
    m->pkt_len = (uint32_t)len;
    if (len > 0)
        memcpy(ext->bytes + headroom, bytes, len);
    return m;
}

uint8_t *test_bytes(const struct rte_mbuf *m, size_t *len)
{
    uint8_t *out = malloc(m->pkt_len > 0 ? m->pkt_len : 1);
    size_t at = 0;

    if (out == NULL)
        die("malloc");
    for (*len = m->pkt_len; m != NULL; m = m->next) {
        memcpy(out + at, rte_pktmbuf_mtod(m, const void *), m->data_len);
        at += m->data_len;
    }
    return out;
}
