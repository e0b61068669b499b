/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ip.h>
#include <rte_mbuf.h>

#include "base/siphash.h"
#include "net/bucket.h"

struct sl_net;
struct sl_net_meta;

/*
 * ICMP (RFC 792, RFC 1122 3.2.2): answers echo requests, hands errors about our segments to the
 * transport, and tells others of protocols and UDP ports that are not there. Never sends a
 * redirect, ignores those it gets (reading D31), source quench (MUST-55) and the rest.
 * Whether an error is believed is the transport's business (RFC 5927). Thread: the shard's.
 */
enum { SL_ICMP_BUCKETS = 64 };

enum sl_icmp_code { SL_ICMP_CODE_PROTOCOL = 2, SL_ICMP_CODE_PORT = 3 };

struct sl_icmp {
    struct sl_bucket all;
    struct sl_bucket per_destination[SL_ICMP_BUCKETS];
    struct sl_siphash_key key; /* nobody shall find whom he shares a bucket with */
};

void sl_icmp_init(struct sl_net *net, uint64_t now_ns);

/* A message without its IP header, to one of our addresses; consumed. */
void sl_icmp_input(struct sl_net *net, struct rte_mbuf *m, const struct sl_net_meta *meta,
                   uint64_t now_ns);

/*
 * Tell the sender of `m`, which begins with its IP header, that it could not be delivered
 * (T1122-22). The caller has excluded what must not be answered (T1122-21) and keeps the mbuf.
 */
void sl_icmp_unreachable(struct sl_net *net, const struct rte_mbuf *m, enum sl_icmp_code code,
                         uint64_t now_ns);
