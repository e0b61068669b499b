/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_mbuf.h>

#include "base/drop.h"
#include "base/list.h"
#include "base/wheel.h"
#include "net/addr.h"

struct sl_net;

/*
 * The neighbour table: link-layer addresses of the next hops, how fresh that knowledge is, and the
 * packets that wait for it. Knows no ARP packet (arp.c), only when a question is due.
 *
 * An entry's life (RFC 1122 2.3.2.1 with the states of RFC 4861 7.3.2):
 *
 *     INCOMPLETE  asked by broadcast, packets wait; three questions a second apart, then FAILED
 *     REACHABLE   answered, or confirmed by TCP's progress, less than neighbour_reachable_ns ago
 *     STALE       older; the next packet uses it and moves it on; unused it is deleted
 *     PROBE       in use and unconfirmed: after 5 s of grace three unicast questions, then deleted
 *     FAILED      did not answer: packets are refused for a second, then may ask again
 *
 * Packets that wait belong to the table. Callers: the files of this folder; thread: the shard's.
 */
enum sl_neighbour_state {
    SL_NEIGHBOUR_FREE,
    SL_NEIGHBOUR_INCOMPLETE,
    SL_NEIGHBOUR_REACHABLE,
    SL_NEIGHBOUR_STALE,
    SL_NEIGHBOUR_PROBE,
    SL_NEIGHBOUR_FAILED,
};

struct sl_neighbour {
    /* What each packet reads. */
    uint64_t fresh_until_ns; /* 0 unless REACHABLE */
    uint32_t handle;         /* generation << 16 | slot: a path holds it, deleting changes it */
    uint16_t port;
    struct rte_ether_hdr head; /* ready to be put before a packet */
    uint8_t state;
    bool is_gateway; /* paths are chosen by how it fares */

    /* What only questions and answers touch. */
    uint8_t asked;          /* questions in this state so far */
    uint32_t first, queued; /* ring of waiting packets */
    uint64_t next_ask_ns;   /* T1122-4 */
    uint64_t locked_until_ns;
    struct sl_addr addr;
    struct sl_timer timer;
    struct sl_link idle; /* listed while STALE or FAILED and no gateway: may be evicted */
} __rte_cache_aligned;

static_assert(offsetof(struct sl_neighbour, asked) <= 64, "a packet reads one line");

struct sl_neighbours {
    struct sl_neighbour *slots; /* the index is the position in `hash` */
    struct rte_hash *hash;
    struct sl_wheel *wheel;
    struct rte_mbuf **waiting; /* neighbour_queue_pkts for each slot */
    struct sl_link idle;       /* the longest idle first */
    uint32_t n, n_slots;       /* neighbours_max, and one for each route */
    uint64_t next_ns;          /* no timer is due before; may be early */
};

/* False: no memory; sl_neighbours_fini() takes half-built ones. */
bool sl_neighbours_init(struct sl_net *net, uint64_t now_ns);
void sl_neighbours_fini(struct sl_net *net);

struct sl_neighbour *sl_neighbour_find(const struct sl_net *net, uint16_t port, uint32_t ip4);

/* Whom an entry is for decides what it may take the place of when the table is full. */
enum sl_neighbour_for {
    SL_NEIGHBOUR_FOR_STRANGER, /* of nothing (reading D32) */
    SL_NEIGHBOUR_FOR_PACKET,   /* of the longest idle entry */
    SL_NEIGHBOUR_FOR_GATEWAY,  /* each has a place of its own, and is never evicted */
};

/* A new entry, INCOMPLETE and not asked yet: learn or ask next. NULL: full. */
struct sl_neighbour *sl_neighbour_add(struct sl_net *net, uint16_t port, uint32_t ip4,
                                      enum sl_neighbour_for whom, uint64_t now_ns);

/* A route leads through this neighbour. */
void sl_neighbour_make_gateway(struct sl_net *net, struct sl_neighbour *n);

/* Take what an ARP packet says; `reply` to a question, perhaps ours. SL_DROP_ARP_LOCKTIME. */
enum sl_drop sl_neighbour_learn(struct sl_net *net, struct sl_neighbour *n,
                                const struct rte_ether_addr *mac, bool reply, uint64_t now_ns);

/* Send, or queue, an IP packet when the entry is not fresh; takes the mbuf, counts drops. */
enum sl_drop sl_neighbour_send(struct sl_net *net, struct sl_neighbour *n, struct rte_mbuf *m,
                               uint64_t now_ns);

/* Ask without a packet, if that may be done now. */
void sl_neighbour_ask(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns);

void sl_neighbour_confirm(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns);
void sl_neighbour_suspect(struct sl_net *net, struct sl_neighbour *n, uint64_t now_ns);

void sl_neighbours_timeout(struct sl_net *net, uint64_t now_ns);
