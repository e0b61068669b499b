/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/isn.h"

enum { TICK_SHIFT = 6 }; /* D2: a tick is 64 ns, as in Linux */

/* The 4-tuple as hashed: no padding, whose bytes nobody would have set. */
struct tuple {
    uint8_t local[16], remote[16];
    uint32_t local_scope, remote_scope;
    uint16_t local_port, remote_port;
};

static_assert(sizeof(struct tuple) == 44, "a hashed struct has no holes");

static uint32_t hash(const struct sl_siphash_key *key, const struct sl_addr *local,
                     uint16_t local_port, const struct sl_addr *remote, uint16_t remote_port)
{
    struct tuple t = {.local_scope = local->scope,
                      .remote_scope = remote->scope,
                      .local_port = local_port,
                      .remote_port = remote_port};

    memcpy(t.local, local->bytes, sizeof(t.local));
    memcpy(t.remote, remote->bytes, sizeof(t.remote));
    return (uint32_t)sl_siphash(key, &t, sizeof(t));
}

/* RFC 6528 3: ISN = M + F(4-tuple, secret). */
sl_seq sl_isn(const struct sl_isn_keys *k, const struct sl_addr *local, uint16_t local_port,
              const struct sl_addr *remote, uint16_t remote_port, uint64_t now_ns)
{
    const uint32_t m = (uint32_t)(now_ns >> TICK_SHIFT);

    return m + hash(&k->isn, local, local_port, remote, remote_port);
}

uint32_t sl_isn_ts_offset(const struct sl_isn_keys *k, const struct sl_addr *local,
                          uint16_t local_port, const struct sl_addr *remote, uint16_t remote_port)
{
    return hash(&k->ts, local, local_port, remote, remote_port);
}
