/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include <rte_mbuf.h>

#include "sealane/sealane.h"

/*
 * Embedding: a shard in a packet pipeline that somebody else owns. The pipeline hands in packets,
 * takes packets and tells the time, through one table of functions; no EAL initialisation and no
 * thread of ours. The programs, the simulator and packetdrill host shards by the same table;
 * sealane/config.h fills it for DPDK ports.
 *
 * A shard is one core's world and belongs to one thread, which is an lcore or registered with EAL
 * (rte_thread_register()).
 */

#ifdef __cplusplus
extern "C" {
#endif

struct sl_shard;

enum { SL_SHARD_PORTS = 16, SL_SHARD_BURST = 64 };

struct sl_shard_io {
    void *ctx;
    /* Monotonic nanoseconds, never going back. Called once an iteration. */
    uint64_t (*now_ns)(void *ctx);
    /* At most `n` whole Ethernet frames of `port`, which become the shard's. */
    uint16_t (*rx)(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
    /* Takes the first ones, in order; returns how many. The rest is offered again. */
    uint16_t (*tx)(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
    /* Nothing to do before `until_ns` unless a packet comes (NULL: spin). */
    void (*idle)(void *ctx, uint64_t until_ns);
};

struct sl_shard_port {
    uint16_t port; /* 0 .. SL_SHARD_PORTS - 1: what `io` and the routes call it */
    uint8_t mac[6];
    uint16_t mtu_bytes;
    bool rx_cksum_good, tx_cksum_none, tx_cksum_ip4, tx_cksum_tcp; /* see docs/drivers.md */
};

struct sl_shard_pools {
    /* Header mbufs, indirect mbufs (no data room), payload to be sent, and received payload.
     * NULL: created by the shard, in sizes that follow from the bounds. */
    struct rte_mempool *heads, *clones, *data, *rx;
};

enum sl_crypt_mode { SL_CRYPT_OFF, SL_CRYPT_OPPORTUNISTIC, SL_CRYPT_REQUIRE };

struct sl_shard_config {
    unsigned index; /* of this shard: names pools and counters */
    /* Bounds */
    uint32_t connections_max, half_open_max, time_wait_max, descriptors_max;
    uint32_t neighbours_max, rcv_ranges_max, jobs_max;
    uint32_t rcvbuf_bytes, sndbuf_bytes; /* of a connection, at most */
    /* TCP */
    uint64_t rto_initial_ns, rto_min_ns, rto_max_ns, delayed_ack_ns, msl_ns, fin_wait_2_ns;
    uint64_t keepalive_idle_ns, keepalive_interval_ns, auth_timeout_ns, kex_timeout_ns;
    uint32_t keepalive_probes, syn_retries, synack_retries, retries_2;
    uint16_t port_first, port_last; /* ephemeral ports (D25) */
    uint8_t ttl;
    bool timestamps, window_scale;
    /* Encryption */
    enum sl_crypt_mode crypt_mode;
    uint8_t teps[8]; /* identifiers by increasing priority */
    unsigned n_teps;
    uint16_t aeads[3]; /* by increasing preference */
    unsigned n_aeads;
    const char *engine;   /* "ipsec-mb", "openssl"; NULL: the best that is built */
    unsigned work_budget; /* public-key tasks in one iteration */
    uint32_t keys_cached; /* expanded keys */
    /* Randomness of behaviour: 0 draws a seed; else a scenario replays. */
    uint64_t seed;
    /* Secrets from this source instead of the system's: for the simulator only. */
    bool seeded_secrets;
    const void *tep_table; /* tests: `const struct sl_tep_ops *const *` in place of teps[] */
    unsigned tep_table_n;
    void *job_queue;        /* tests: a `struct sl_job_queue *` in place of the inline one */
    const char *pcap;       /* file that gets every frame in and out; NULL: none */
    uint32_t pool_elements; /* of payload pools; 0: by the bounds */
    struct sl_shard_pools pools;
};

/* All defaults. */
SL_API struct sl_shard_config sl_shard_config_default(void);

/*
 * Create a shard and make it the calling thread's current one. Copies `config` and `io`. NULL
 * with a sentence in `err`.
 */
SL_API struct sl_shard *sl_shard_create(const struct sl_shard_config *config,
                                        const struct sl_shard_io *io, char *err, size_t err_len);

/* Resets what is left, frees all. Current or not. NULL is allowed. */
SL_API void sl_shard_destroy(struct sl_shard *s);

/* Before the first packet. 0 or a negative errno. `address`: "10.77.0.2/24". */
SL_API int sl_shard_port_add(struct sl_shard *s, const struct sl_shard_port *port);
SL_API int sl_shard_address_add(struct sl_shard *s, uint16_t port, const char *address);
SL_API int sl_shard_route_add(struct sl_shard *s, const char *prefix, const char *via);

/* The calling thread's shard, for one thread that hosts several (a simulator). Returns the last. */
SL_API struct sl_shard *sl_shard_enter(struct sl_shard *s);
SL_API struct sl_shard *sl_shard_current(void);

/* One iteration: rx, opens, timers, seals, output, tx. True if anything was done. */
SL_API bool sl_shard_iterate(struct sl_shard *s);

/* When sl_shard_iterate() will next have something to do without a packet; UINT64_MAX: never. */
SL_API uint64_t sl_shard_next_ns(const struct sl_shard *s);

/* Call `each` in every iteration until it returns false. */
SL_API void sl_shard_run(struct sl_shard *s, bool (*each)(void *ctx), void *ctx);

/* Drive the current shard until every FIN is acknowledged and every byte sent, TIME-WAIT not
 * counted. 0, or -ETIMEDOUT. */
SL_API int sl_shard_drain(struct sl_shard *s, uint64_t timeout_ns);

/* Make the shard's sl_epoll_wait() return EINTR soon; from any thread, and in a signal handler. */
SL_API void sl_shard_wake(struct sl_shard *s);

/* Counters: name, value and meaning of each; stops when `each` returns false. */
SL_API void sl_shard_counters(const struct sl_shard *s,
                              bool (*each)(void *ctx, const char *name, uint64_t value,
                                           const char *text, bool is_drop),
                              void *ctx);
SL_API uint64_t sl_shard_counter(const struct sl_shard *s, const char *name);

/* Mbufs of the shard's own pools that are not back: meaningful after it was drained or destroyed
 * down to its pools (call before sl_shard_destroy, after sl_shard_flush). */
SL_API uint64_t sl_shard_mbufs_out(const struct sl_shard *s);

/* End every connection at once and free what they hold, so that sl_shard_mbufs_out() counts leaks.
 */
SL_API void sl_shard_flush(struct sl_shard *s);

#ifdef __cplusplus
}
#endif
