/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>

#include <criterion/criterion.h>

#include "sealane/crypt.h"
#include "sealane/sealane.h"
#include "sealane/shard.h"

/*
 * Two shards in one thread, joined by a wire in memory, with a clock that the tests move: A is
 * 10.0.0.1, B 10.0.0.2. A socket call is made between pair_a() or pair_b(), which name the shard
 * that is current, and what it caused comes to pass in pair_settle() or pair_run().
 */
enum { PAIR_FRAMES = 512 };

struct pair_wire {
    struct rte_mbuf *frames[PAIR_FRAMES];
    unsigned head, n, room; /* room: how many it takes */
    unsigned total;
};

struct pair_end {
    struct pair *pair;
    struct pair_wire *in, *out;
    struct sl_shard *shard;
};

struct pair {
    uint64_t now_ns;
    uint64_t idle_ns; /* how far time moves while one idles and the other has nothing to do */
    struct pair_wire wires[2];
    struct pair_end a, b;
};

struct sl_shard_config pair_config(void);

/* NULL: pair_config() without encryption. */
void pair_create(struct pair *p, const struct sl_shard_config *a, const struct sl_shard_config *b);
/* A was destroyed: another one in its place. */
void pair_a_again(struct pair *p, const struct sl_shard_config *a);
/* Flushes and destroys both; every mbuf has to be back. */
void pair_destroy(struct pair *p);

void pair_a(struct pair *p);
void pair_b(struct pair *p);

/* Until nothing moves any more; time stands still. */
void pair_settle(struct pair *p);
/* The same, and `ms` milliseconds of the shards' time with every timer in it. */
void pair_run(struct pair *p, uint64_t ms);

struct sockaddr_in pair_address(const char *ip, uint16_t port);

/* A listening socket on B at `port`. */
int pair_listen(struct pair *p, uint16_t port);
/* Connect from A to that port and accept: descriptors of both ends. Leaves A current. */
void pair_connect(struct pair *p, int listening, uint16_t port, int *a, int *b);

/* Each expects -1 with this errno. */
#define FAILS(call, error)                                         \
    do {                                                           \
        errno = 0;                                                 \
        cr_expect_eq((call), -1, #call);                           \
        cr_expect_eq(errno, error, #call ": %s", strerror(errno)); \
    } while (0)
#define WORKS(call) cr_expect_eq((call), 0, #call ": %s", strerror(errno))

/* What sl_poll() says of one descriptor now, asked for everything. */
short pair_level(int fd);
int pair_get(int fd, int level, int name);
int pair_set(int fd, int level, int name, int value);
