/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/random.h"
#include "base/siphash.h"
#include "shard/flows.h"

/*
 * Who has which local port: sockets that were bound or listen, and the choice of ephemeral ports
 * (RFC 6056, reading D25). Ports of connections stand in the flow table. Thread: the shard's.
 *
 * With SO_REUSEADDR a port may be bound in spite of connections, TIME-WAIT ones above all, and of
 * sockets that have it too and do not listen. Rules of Linux, except that without the option a
 * connection of any local address counts.
 */
struct sl_binding {
    struct sl_link link;
    struct sl_addr local; /* may be any */
    uint16_t port;        /* network order; 0: not bound */
    bool reuse, listens;
};

enum { SL_BINDINGS_BUCKETS = 256, SL_BINDINGS_STEPS = 1024 };

struct sl_bindings {
    struct sl_link buckets[SL_BINDINGS_BUCKETS];
    const struct sl_flows *flows;
    struct sl_random *random;
    struct sl_siphash_key offset_key, step_key;
    uint32_t steps[SL_BINDINGS_STEPS]; /* RFC 6056 3.3.4: table of counters */
    uint16_t first, last;              /* ephemeral ports, host order */
};

void sl_bindings_init(struct sl_bindings *t, const struct sl_flows *flows, struct sl_random *random,
                      struct sl_random *secrets, uint16_t first, uint16_t last);
void sl_binding_init(struct sl_binding *b);

/* Bind to `port`, 0 for any that is free. 0 or -EADDRINUSE. */
int sl_bindings_add(struct sl_bindings *t, struct sl_binding *b, const struct sl_addr *local,
                    uint16_t port);
void sl_bindings_remove(struct sl_binding *b);

/* May this bound socket begin to listen: does nobody else there? */
bool sl_bindings_may_listen(const struct sl_bindings *t, const struct sl_binding *b);

/* An ephemeral port for a connection, network order; 0 when all are taken. */
uint16_t sl_bindings_choose(struct sl_bindings *t, const struct sl_addr *local,
                            const struct sl_addr *remote, uint16_t remote_port);
