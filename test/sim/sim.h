/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "sealane/shard.h"
#include "worker.h"

/*
 * Two stacks on a simulated link with a virtual clock. Whole shards run here, hosted by the same
 * table of functions as on DPDK ports; all that is simulated is the wire, the time and, for half
 * of the runs, the crypto core. Everything that happens follows from the seed.
 */
#define SIM_US UINT64_C(1000)
#define SIM_MS UINT64_C(1000000)
#define SIM_S  UINT64_C(1000000000)

/* One direction of the wire. Odds are in millionths. */
struct sim_link {
    uint64_t delay_ns, jitter_ns;
    uint64_t reorder_ns; /* how much later a reordered packet comes */
    uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
    uint64_t bytes_per_s; /* 0: unlimited */
    uint32_t queue_pkts;  /* packets that wait for the wire; 0: unlimited */
    uint64_t free_ns;     /* the wire's: when it has sent what it took */
    uint32_t queued;
};

struct sim_frame {
    uint64_t at_ns, serial; /* when it arrives; equal times in the order of sending */
    uint32_t len;
    uint8_t bytes[];
};

struct sim;

/*
 * A middlebox on the wire: sees each frame (which it may change in place, `*len` at most `room`)
 * before the link's own mischief. Returns false to swallow it. May inject by sim_inject().
 */
typedef bool (*sim_middlebox)(struct sim *s, void *ctx, unsigned from, uint8_t *frame,
                              uint32_t *len, uint32_t room);

struct sim_node {
    struct sim *sim;
    unsigned index;
    struct sl_shard *shard;
    struct sim_worker *worker; /* NULL: jobs run inline */
    struct sim_frame **heap;   /* frames on their way to this node */
    uint32_t n, room;
    void *app;
    bool (*step)(void *app); /* the application's turn; true if it did something */
    uint64_t wake_ns;        /* when it wants its turn at the latest */
};

struct sim {
    uint64_t now_ns, serial;
    struct sl_random_seeded seeded;
    struct sl_random *random;
    struct sim_node node[2];
    struct sim_link link[2]; /* by sender */
    sim_middlebox middlebox;
    void *middlebox_ctx;
    uint64_t frames_sent, digest; /* of all frames: equal seeds give equal digests */
    char error[256];              /* first violation; empty: none */
};

/* Addresses of the nodes: 10.9.0.1 and 10.9.0.2. */
const char *sim_address(unsigned node);

/* Prepare a world; `config` may have been adjusted from sim_config() for each node. */
struct sl_shard_config sim_config(uint64_t seed, unsigned node);
bool sim_start(struct sim *s, uint64_t seed, const struct sl_shard_config config[2],
               bool with_worker);

/* Run until `until()` holds or `limit_ns` of virtual time have passed; true if it holds. */
bool sim_run(struct sim *s, uint64_t limit_ns, bool (*until)(void *ctx), void *ctx);

/* A frame out of nowhere for node `to`, after `delay_ns`. */
void sim_inject(struct sim *s, unsigned to, const uint8_t *frame, uint32_t len, uint64_t delay_ns);

/* Note the first thing that went wrong. */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tear down; fails the run when an mbuf is missing. */
void sim_stop(struct sim *s);

uint64_t sim_random(struct sim *s, uint64_t below);
