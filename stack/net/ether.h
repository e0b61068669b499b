/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/drop.h"

struct sl_net;

/* Ethernet II framing (T1122-1): no 802.2, no VLAN. */

struct sl_ether {
    uint16_t type;
    bool to_group; /* link-layer broadcast or multicast (T1122-7) */
};

/* Read the header and cut it off, unless the frame is to be dropped. */
enum sl_drop sl_ether_take(struct rte_mbuf *m, const struct rte_ether_addr *mac,
                           struct sl_ether *e);

/* Put `head` before a packet and hand the frame to the port; takes the mbuf. */
void sl_ether_send(struct sl_net *net, uint16_t port, const struct rte_ether_hdr *head,
                   struct rte_mbuf *m);
