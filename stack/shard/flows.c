/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/flows.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_prefetch.h>

#include "base/invariant.h"

enum { PORTS = 65536, ENTRIES_MIN = 64 };

static_assert(SL_FLOWS_BURST <= RTE_HASH_LOOKUP_BULK_MAX, "a burst is one look-up");

bool sl_flows_init(struct sl_flows *f, uint32_t flows_max, struct sl_random *random)
{
    static atomic_uint serial; /* names are the process's, shards of one index may be several */
    char name[RTE_HASH_NAMESIZE];
    const struct rte_hash_parameters params = {
        .name = name,
        .entries = flows_max < ENTRIES_MIN ? ENTRIES_MIN : flows_max,
        .key_len = sizeof(struct sl_flow4),
        .socket_id = (int)rte_socket_id(),
        .extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE, /* full means full, not an unlucky bucket */
    };

    *f = (struct sl_flows){0};
    (void)snprintf(name, sizeof(name), "sl_flows_%u", atomic_fetch_add(&serial, 1));
    (void)sl_random_fill(random, &f->key, sizeof(f->key)); /* no randomness (R13): no defence */
    if (SL_FAULT(flows_init))
        return false;
    f->per_port = calloc(PORTS, sizeof(f->per_port[0]));
    f->hash = rte_hash_create(&params);
    return f->per_port != NULL && f->hash != NULL;
}

void sl_flows_fini(struct sl_flows *f)
{
    rte_hash_free(f->hash);
    free(f->per_port);
    *f = (struct sl_flows){0};
}

static struct sl_flow4 key_of(const struct sl_addr *local, uint16_t local_port,
                              const struct sl_addr *remote, uint16_t remote_port)
{
    return (struct sl_flow4){
        .local = sl_addr_ip4(local),
        .remote = sl_addr_ip4(remote),
        .local_port = local_port,
        .remote_port = remote_port,
    };
}

static hash_sig_t signature(const struct sl_flows *f, const struct sl_flow4 *key)
{
    return (hash_sig_t)sl_siphash(&f->key, key, sizeof(*key));
}

static struct sl_flow4 key_of_tcb(const struct sl_tcb *tcb)
{
    uint16_t local_port, remote_port;
    const struct sl_addr *local = sl_tcb_local(tcb, &local_port);
    const struct sl_addr *remote = sl_tcb_remote(tcb, &remote_port);

    return key_of(local, local_port, remote, remote_port);
}

static bool is_ip4(const struct sl_tcb *tcb)
{
    uint16_t port;

    return sl_addr_is_ip4(sl_tcb_local(tcb, &port)) && sl_addr_is_ip4(sl_tcb_remote(tcb, &port));
}

bool sl_flows_add(struct sl_flows *f, struct sl_tcb *tcb)
{
    const struct sl_flow4 key = key_of_tcb(tcb);
    const hash_sig_t sig = signature(f, &key);

    if (SL_FAULT(flows_add) || !is_ip4(tcb) || rte_hash_lookup_with_hash(f->hash, &key, sig) >= 0 ||
        rte_hash_add_key_with_hash_data(f->hash, &key, sig, tcb) != 0)
        return false;
    f->n++;
    f->epoch++;
    f->per_port[key.local_port]++;
    return true;
}

void sl_flows_remove(struct sl_flows *f, struct sl_tcb *tcb)
{
    const struct sl_flow4 key = key_of_tcb(tcb);

    if (rte_hash_del_key_with_hash(f->hash, &key, signature(f, &key)) < 0)
        return;
    f->n--;
    f->epoch++;
    f->per_port[key.local_port]--;
}

struct sl_tcb *sl_flows_find(const struct sl_flows *f, const struct sl_addr *local,
                             uint16_t local_port, const struct sl_addr *remote,
                             uint16_t remote_port)
{
    const struct sl_flow4 key = key_of(local, local_port, remote, remote_port);
    void *tcb;

    if (!sl_addr_is_ip4(local) || !sl_addr_is_ip4(remote) ||
        rte_hash_lookup_with_hash_data(f->hash, &key, signature(f, &key), &tcb) < 0)
        return NULL;
    return tcb;
}

static bool is_same(const struct sl_flow4 *a, const struct sl_flow4 *b)
{
    return a->local == b->local && a->remote == b->remote && a->local_port == b->local_port &&
           a->remote_port == b->remote_port;
}

static void prefetch_tcb(const struct sl_tcb *tcb)
{
    rte_prefetch0(tcb);
    rte_prefetch0((const char *)tcb + RTE_CACHE_LINE_SIZE);
    rte_prefetch0((const char *)tcb + (size_t)2 * RTE_CACHE_LINE_SIZE);
}

/* Segments of one flow come in rows; each row is looked up once. */
void sl_flows_find_burst(const struct sl_flows *f, const struct sl_seg *segs, unsigned n,
                         struct sl_tcb **tcbs)
{
    struct sl_flow4 keys[SL_FLOWS_BURST];
    const void *at[SL_FLOWS_BURST];
    hash_sig_t sigs[SL_FLOWS_BURST];
    void *found[SL_FLOWS_BURST];
    uint8_t rows[SL_FLOWS_BURST]; /* of each segment */
    unsigned i, n_rows = 0;
    uint64_t hits = 0;

    for (i = 0; i < n; i++) {
        const struct sl_seg *s = &segs[i];
        const struct sl_flow4 key = key_of(&s->local, s->local_port, &s->remote, s->remote_port);

        if (n_rows == 0 || !is_same(&key, &keys[n_rows - 1])) {
            keys[n_rows] = key;
            sigs[n_rows] = signature(f, &keys[n_rows]);
            at[n_rows] = &keys[n_rows];
            n_rows++;
        }
        rows[i] = (uint8_t)(n_rows - 1);
    }
    (void)rte_hash_lookup_with_hash_bulk_data(f->hash, at, sigs, n_rows, &hits, found);
    for (i = 0; i < n_rows; i++) {
        if ((hits >> i & 1) != 0)
            prefetch_tcb(found[i]);
        else
            found[i] = NULL;
    }
    for (i = 0; i < n; i++)
        tcbs[i] = sl_addr_is_ip4(&segs[i].local) && sl_addr_is_ip4(&segs[i].remote) ? found[rows[i]]
                                                                                    : NULL;
}

struct sl_tcb *sl_flows_next(const struct sl_flows *f, uint32_t *at)
{
    const void *key;
    void *tcb;

    return rte_hash_iterate(f->hash, &key, &tcb, at) < 0 ? NULL : tcb;
}
