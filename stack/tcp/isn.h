/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "base/siphash.h"
#include "net/addr.h"
#include "tcp/seq.h"

/*
 * Initial sequence numbers (RFC 6528, reading D2) and timestamp offsets (D13): keyed hashes of
 * the 4-tuple, keys drawn once at start. Pure functions.
 */
struct sl_isn_keys {
    struct sl_siphash_key isn, ts;
};

sl_seq sl_isn(const struct sl_isn_keys *k, const struct sl_addr *local, uint16_t local_port,
              const struct sl_addr *remote, uint16_t remote_port, uint64_t now_ns);

/* Added to the clock's milliseconds; constant over incarnations of a 4-tuple. */
uint32_t sl_isn_ts_offset(const struct sl_isn_keys *k, const struct sl_addr *local,
                          uint16_t local_port, const struct sl_addr *remote, uint16_t remote_port);
