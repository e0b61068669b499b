/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_hash.h>

#include "base/random.h"
#include "base/siphash.h"
#include "tcp/tcp.h"

/*
 * The flow table: which connection a segment belongs to, by addresses and ports.
 *
 * An rte_hash whose signatures are a keyed SipHash, so that nobody can choose tuples that collide
 * (a CRC would not do: its collisions do not depend on the seed). Knows IPv4 flows only, like the
 * floor below; a TCB of another family is refused. Holds pointers, owns no TCB. Thread: the
 * shard's.
 */
enum { SL_FLOWS_BURST = 64 };

struct sl_flows {
    struct rte_hash *hash;
    struct sl_siphash_key key;
    uint32_t n;
    uint32_t epoch;     /* changes with each addition and removal: results of before may be stale */
    uint32_t *per_port; /* how many flows a local port has; index: network order */
};

/* False: no memory; sl_flows_fini() takes half-built ones. `random`: for secrets. */
bool sl_flows_init(struct sl_flows *f, uint32_t flows_max, struct sl_random *random);
void sl_flows_fini(struct sl_flows *f);

/* False: full, there already, or not IPv4. */
bool sl_flows_add(struct sl_flows *f, struct sl_tcb *tcb);
void sl_flows_remove(struct sl_flows *f, struct sl_tcb *tcb);

/* Ports in network order. NULL: none. */
struct sl_tcb *sl_flows_find(const struct sl_flows *f, const struct sl_addr *local,
                             uint16_t local_port, const struct sl_addr *remote,
                             uint16_t remote_port);

/* The same for 1 .. SL_FLOWS_BURST segments at once; ends by prefetching what was found. */
void sl_flows_find_burst(const struct sl_flows *f, const struct sl_seg *segs, unsigned n,
                         struct sl_tcb **tcbs);

/* The next connection from `*at` on, which begins at 0; NULL at the end. Nothing may be added
 * meanwhile; the one that was just returned may be removed. */
struct sl_tcb *sl_flows_next(const struct sl_flows *f, uint32_t *at);
