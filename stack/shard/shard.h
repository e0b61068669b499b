/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/counters.h"
#include "base/random.h"
#include "net/net.h"
#include "sealane/shard.h"
#include "shard/flows.h"
#include "shard/jobs.h"
#include "shard/listeners.h"
#include "shard/pcap.h"
#include "shard/pools.h"
#include "shard/txq.h"
#include "tcp/tcp.h"
#include "tcpcrypt/aead/engine.h"

/*
 * All that one shard consists of: for this folder and the socket floor.
 *
 * The socket floor hangs its descriptors on `user` when the first one is made; events of
 * connections go there. Everything belongs to the shard's thread but `wake`.
 */

/* What the floor above wants to hear. All NULL while there are no sockets. */
struct sl_shard_user {
    void *ctx;
    /* As in struct sl_tcp_host: note and return. */
    void (*event)(void *ctx, struct sl_tcb *tcb, unsigned ev);
    void (*acceptable)(void *ctx, struct sl_tcp_listener *l);
    /* Abort every connection of an application, and forget all TCBs and listeners. */
    void (*abort)(void *ctx);
    void (*destroy)(void *ctx);
};

struct sl_shard {
    /* what each iteration touches */
    uint64_t now_ns; /* the clock, read once an iteration */
    struct sl_shard_io io;
    struct sl_net *net;
    struct sl_tcp *tcp; /* NULL once flushed */
    struct sl_flows flows;
    struct sl_jobs jobs;
    struct sl_pcap *pcap; /* NULL: none */
    uint16_t n_ports;
    uint16_t ports[SL_SHARD_PORTS];     /* numbers of those that were added */
    uint16_t mtu_bytes[SL_SHARD_PORTS]; /* by number, like the next */
    struct sl_txq txqs[SL_SHARD_PORTS];
    struct sl_shard_user user;
    uint64_t n_sent; /* frames that ports took so far */
    bool is_running; /* inside a function that sl_shard_run() called */
    atomic_bool wake;
    uint64_t left_ns; /* when the application got the core; 0: it has not */

    struct sl_counters counters;
    struct sl_listeners listeners;
    struct sl_shard_config config;
    struct sl_pools pools;
    struct sl_arena *arena;
    struct sl_aead_engine *engine;
    struct sl_job_queue *own_queue; /* NULL: config.job_queue serves */
    struct sl_random_seeded seeded_behaviour, seeded_secrets;
    struct sl_random *behaviour, *secrets;
    struct sl_tep_config tep_config;
    bool has_randomness; /* R13 */
    bool unlocked_noted;
    struct sl_eno_policy policy; /* the configuration's, for connections without their own */
};

/* Read the clock; count when the application had the core for more than 10 ms. */
void sl_shard_clock(struct sl_shard *s);

/* The halves of an iteration, before and after the application. True: something was done. */
bool sl_shard_before_app(struct sl_shard *s);
bool sl_shard_after_app(struct sl_shard *s);

/* Nothing was done: let the owner's idle function have the core, until `until_ns` at most. */
void sl_shard_idle(struct sl_shard *s, uint64_t until_ns);

/* struct sl_tcp_host and struct sl_net_host over a shard (host.c). */
struct sl_tcp_host sl_shard_tcp_host(struct sl_shard *s);
/* Say so, once, when secrets could not be locked into memory. */
void sl_shard_note_unlocked(struct sl_shard *s);
struct sl_net_host sl_shard_net_host(struct sl_shard *s);

/* Is there room for what TCP would send (host.c)? */
bool sl_shard_may_tx(const struct sl_shard *s);

/* Hand every port what it takes (host.c). Returns how many frames went. */
uint32_t sl_shard_flush_ports(struct sl_shard *s);
