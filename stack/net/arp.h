/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "net/neighbour.h"

struct sl_net;

/*
 * ARP packets (RFC 826): read, answered, written. What they teach goes to the neighbour table,
 * which also decides when to ask. Thread: the shard's.
 */

/* An ARP packet without its Ethernet header; consumed. */
void sl_arp_input(struct sl_net *net, uint16_t port, struct rte_mbuf *m, uint64_t now_ns);

/* Ask who has n's address: the neighbour itself if we think that we know it, else everybody. */
void sl_arp_ask(struct sl_net *net, const struct sl_neighbour *n);

/* Tell everybody on the link that `ip4` is ours: a request for it. */
void sl_arp_announce(struct sl_net *net, uint16_t port, uint32_t ip4);
