/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fuzz.h"
#include "tcp/tcb.h"
#include "tcpcrypt/inline_queue.h"

/*
 * A TCP instance without shard and ports: what sl_tcp_host asks for, a table of connections, inline
 * jobs and a virtual clock. Pools are made once a process, all else for each input.
 *
 * We are 10.0.0.1, the peer is 10.0.0.2; our listener, if there is one, has port 5000.
 */
enum {
    HOST_FLOWS_MAX = 16,
    HOST_PORT = 5000,
    HOST_MTU = 1500,
    HOST_NS_PER_MS = 1000000,
};

struct host {
    struct sl_tcp *tcp;
    struct sl_tcp_listener *listener;
    struct sl_tcb *flows[HOST_FLOWS_MAX];
    unsigned n_flows;
    uint64_t now_ns;
    struct sl_counters counters;
    struct sl_random_seeded random, secrets;
    struct sl_arena *arena;
    struct sl_aead_engine *engine;
    struct sl_job_queue *queue;
    /* What came of it; each may be NULL. Bytes are TCP header and payload, in an exact buffer. */
    void (*sent)(struct host *h, struct sl_tcb *tcb, const uint8_t *bytes, size_t len);
    void (*opened)(struct host *h, struct sl_tcb *tcb);
    void (*ended)(struct host *h, struct sl_tcb *tcb);
    void (*event)(struct host *h, struct sl_tcb *tcb, unsigned ev);
    void *ctx;
};

/* EAL and pools; from LLVMFuzzerInitialize(). */
void host_init(void);

/* Fill `h` but for the functions; and put it away, once nothing is left of it anywhere. */
void host_begin(struct host *h, const struct sl_tcp_config *config);
void host_end(struct host *h);

struct sl_addr host_local(void);
struct sl_addr host_remote(void);

/* A segment with these bytes comes from `remote`, TCP header first, to whoever it is for. */
void host_segment(struct host *h, const struct sl_addr *remote, const uint8_t *bytes, size_t len);

/* An iteration of a shard; and all those of the time that passes. */
void host_iterate(struct host *h);
void host_pass(struct host *h, uint64_t ns);
