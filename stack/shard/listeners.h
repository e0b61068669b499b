/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "tcp/tcp.h"

/*
 * Which listener a SYN belongs to: the one on its address and port, else the one on any address.
 * A table by port, since listeners are few beside connections. Owns its entries, not the
 * listeners. Thread: the shard's.
 */
enum { SL_LISTENERS_BUCKETS = 256 };

struct sl_listeners {
    struct sl_link buckets[SL_LISTENERS_BUCKETS];
};

void sl_listeners_init(struct sl_listeners *t);
void sl_listeners_fini(struct sl_listeners *t);

/* `local` may be any (0.0.0.0). 0, -EADDRINUSE (the very same is there), -ENOMEM. */
int sl_listeners_add(struct sl_listeners *t, const struct sl_addr *local, uint16_t port,
                     struct sl_tcp_listener *l);
void sl_listeners_remove(struct sl_listeners *t, const struct sl_tcp_listener *l, uint16_t port);

/* NULL: nobody listens there. */
struct sl_tcp_listener *sl_listeners_find(const struct sl_listeners *t, const struct sl_addr *local,
                                          uint16_t port);
