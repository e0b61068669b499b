/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct sl_net;
struct sl_iface;

/*
 * Our own addresses, and the networks they put us on. IPv4 addresses here, and in all of this
 * folder's private headers, are in host order. Thread: the shard's.
 */
enum { SL_LOCALS_MAX = 256, SL_SUBNETS_MAX = 16 };

struct sl_local {
    uint32_t ip4;
    uint16_t port;
    uint64_t announce_ns; /* second announcement; SL_NEVER once it is out */
};

struct sl_subnet {
    uint32_t prefix, mask;
    uint32_t address; /* our first one in it */
};

struct sl_locals {
    struct sl_local list[SL_LOCALS_MAX]; /* by ip4 */
    uint32_t n;
    uint64_t announce_ns; /* the earliest of all */
};

/* NULL: not ours. */
const struct sl_local *sl_local_find(const struct sl_net *net, uint32_t ip4);

/* Which network of a port holds `ip4`? NULL: none, the address is not on this link. */
const struct sl_subnet *sl_subnet_of(const struct sl_iface *iface, uint32_t ip4);

/* May a host have this address at all? Not 0/8, 127/8, multicast, class E (RFC 1122 3.2.1.3). */
static inline bool sl_ip4_is_host(uint32_t ip4)
{
    const uint32_t net = ip4 >> 24;

    return net != 0 && net != 127 && net < 224;
}

/* The -1 and the 0 form (T1122-38); /31 and /32 have none. */
bool sl_subnet_is_broadcast(const struct sl_iface *iface, uint32_t ip4);

/* Second announcements that are due. */
void sl_locals_timeout(struct sl_net *net, uint64_t now_ns);
