/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "data.h"
#include "sealane/config.h"
#include "sealane/sealane.h"
#include "sealane/shard.h"

/*
 * One transfer between two shards of this process, shard 0 the server and shard 1 the client, each
 * an epoll loop on an lcore of its own. The main thread starts them, and looks after them while
 * they run.
 */
enum { TRANSFER_SERVER, TRANSFER_CLIENT, TRANSFER_ENDS };

struct transfer_end {
    struct sl_shard *shard;
    struct sl_conn_info info;
    uint64_t frames, segments, retransmissions; /* sealed and sent by this end, in the last run */
    atomic_bool done;
    char error[SL_ERR_BYTES - 16]; /* "": none */
};

struct transfer {
    const struct sl_config *config;
    struct data *data;
    bool encrypts; /* as the configuration says; else plain TCP */
    struct transfer_end ends[TRANSFER_ENDS];
    atomic_bool listening, stop;
    atomic_uint_least64_t received; /* bytes in the receiving application's memory */
    uint64_t begin_ns, end_ns;      /* first byte sent, last byte received */
    /* Called by the main thread ten times a second. */
    void (*progress)(void *ctx, uint64_t received, uint64_t elapsed_ns);
    void *progress_ctx;
    uint64_t seen, seen_ns; /* the main thread's: last progress */
};

/* Shards up, on their lcores. False with a sentence in `err`, as the next. */
bool transfer_open(struct transfer *t, char *err, size_t err_len);

/* The data from one shard to the other over a new connection, to its end. */
bool transfer_run(struct transfer *t, bool encrypts, char *err, size_t err_len);

/* All connections gone; returns how many mbufs are missing then. Shards are destroyed. */
uint64_t transfer_close(struct transfer *t);

uint64_t transfer_now_ns(void);
