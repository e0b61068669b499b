/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "net/net.h"

/*
 * IPv4 (RFC 791, RFC 1122 3.2.1): checks what comes in, writes headers of what goes out, checksums
 * of TCP included. No options are sent, those received are skipped, source routes refused (D8).
 * Thread: the shard's.
 */

/* A packet without its Ethernet header; as sl_net_input(). */
enum sl_net_verdict sl_ip4_input(struct sl_net *net, uint16_t port, struct rte_mbuf **m,
                                 bool to_group, uint64_t now_ns, struct sl_net_meta *meta);

/* Put the header before a payload that fits the port's MTU (SL_DROP_IP4_TOO_BIG). */
enum sl_drop sl_ip4_write(const struct sl_net *net, const struct sl_net_path *path,
                          const struct sl_net_hdr *hdr, struct rte_mbuf *m);
