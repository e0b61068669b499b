/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_branch_prediction.h>

#include "base/invariant.h"
#include "net/icmp.h"
#include "net/local.h"
#include "net/neighbour.h"
#include "net/net.h"
#include "net/route.h"

/* All that one instance of net consists of. For the .c files of this folder only. */

struct sl_iface {
    struct sl_net_port port;
    bool is_up;
    uint8_t n_subnets;
    uint64_t tx_flags_ip4; /* offloads of any packet, and of a TCP segment */
    uint64_t tx_flags_tcp;
    struct sl_subnet subnets[SL_SUBNETS_MAX];
};

struct sl_net {
    uint32_t epoch; /* of routes and addresses: paths of another one are void; never 0 */
    struct sl_neighbours neighbours;
    struct sl_net_host host;
    struct sl_net_config config;
    struct sl_iface ifaces[SL_NET_PORTS_MAX];
    struct sl_routes routes;
    struct sl_icmp icmp;
    struct sl_locals locals;
};

/* Routes, addresses or the fortune of a gateway have changed: every path is resolved anew. */
static inline void sl_net_void_paths(struct sl_net *net)
{
    if (++net->epoch == 0)
        net->epoch = 1;
}

/* The neighbour of a path; NULL when the path must be resolved (again). */
static inline struct sl_neighbour *sl_net_path_neighbour(const struct sl_net *net,
                                                         const struct sl_net_path *path)
{
    struct sl_neighbour *n;

    if (unlikely(path->epoch != net->epoch))
        return NULL;
    n = &net->neighbours.slots[path->neighbour & 0xffff];
    return likely(n->handle == path->neighbour) ? n : NULL;
}

static inline enum sl_drop sl_net_lose(struct sl_net *net, struct rte_mbuf *m, enum sl_drop why)
{
    sl_count_drop(net->host.counters, why);
    rte_pktmbuf_free(m);
    return why;
}

/* An mbuf for a packet of our own; NULL, and counted, when the pool is empty. */
static inline struct rte_mbuf *sl_net_alloc(struct sl_net *net)
{
    struct rte_mbuf *m = SL_FAULT(net_mbuf) ? NULL : rte_pktmbuf_alloc(net->host.pool);

    if (m == NULL)
        sl_count(net->host.counters, SL_COUNT_POOL_EMPTY);
    return m;
}
