/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_rib.h>

#include "base/drop.h"
#include "net/addr.h"

struct sl_net;
struct sl_net_path;
struct sl_net_hdr;

/*
 * IPv4 routes: longest prefix first; of several with one prefix the first whose gateway answers
 * (RFC 1122 3.3.1.2, 3.3.1.5). Looked up when a path is resolved, not for each packet, so a trie
 * of some hundred nodes (rte_rib) serves better than the 64 MiB table of rte_lpm, which has no
 * default route besides. Thread: the shard's.
 */
enum { SL_ROUTE_NONE = 0xffffffff };

struct sl_route {
    uint32_t via; /* 0: connected */
    uint16_t port;
    uint32_t next; /* with the same prefix; SL_ROUTE_NONE */
};

struct sl_routes {
    struct rte_rib *rib; /* its next hops are indices of the first route */
    struct sl_route *list;
    uint32_t n;
};

/* False: no memory; sl_routes_fini() takes half-built ones. */
bool sl_routes_init(struct sl_net *net);
void sl_routes_fini(struct sl_net *net);

/* 0, -EEXIST, -ENOSPC. `prefix` has no bits beyond `len`. */
int sl_route_add(struct sl_net *net, uint32_t prefix, uint8_t len, uint16_t port, uint32_t via);

/* Fill `path`; SL_DROP_IP4_NO_ROUTE, _IP4_SOURCE (T1122-10), _ARP_TABLE_FULL. */
enum sl_drop sl_route_resolve(struct sl_net *net, struct sl_net_path *path,
                              const struct sl_net_hdr *hdr, uint64_t now_ns);
