/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "base/drop.h"

/*
 * One shard's counters: drops (base/drop.h), refusals and plain statistics. They only grow.
 *
 * Thread: the shard's own adds; readers elsewhere take each as one relaxed load.
 */
#define SL_COUNTER_LIST(X)                                                                     \
    X(SEGS_IN, "TCP segments received")                                                        \
    X(SEGS_OUT, "TCP segments sent, retransmissions too")                                      \
    X(SEGS_RETRANSMITTED, "segments sent again")                                               \
    X(BYTES_IN, "application bytes delivered")                                                 \
    X(BYTES_OUT, "application bytes accepted for sending")                                     \
    X(CONNECTIONS_ACTIVE, "connections opened by us")                                          \
    X(CONNECTIONS_PASSIVE, "connections accepted")                                             \
    X(CONNECTIONS_RESET_IN, "connections that a RST of the peer ended")                        \
    X(CONNECTIONS_RESET_OUT, "connections that we aborted")                                    \
    X(CONNECTIONS_TIMED_OUT, "connections that timed out")                                     \
    X(CONNECTIONS_REFUSED, "connections refused: no memory or table full")                     \
    X(RTO_FIRED, "retransmission time-outs")                                                   \
    X(FAST_RETRANSMITS, "fast retransmissions")                                                \
    X(INITIAL_WINDOW_LOSS, "losses within the initial window (T6928-4)")                       \
    X(PERSIST_PROBES, "zero-window probes sent")                                               \
    X(KEEPALIVE_PROBES, "keep-alive probes sent")                                              \
    X(CHALLENGE_ACKS, "challenge ACKs sent (RFC 5961 7)")                                      \
    X(CHALLENGE_ACKS_LIMITED, "challenge ACKs not sent: throttled")                            \
    X(TIME_WAIT_EVICTED, "TIME-WAIT entries that gave way to newer ones")                      \
    X(ENO_NEGOTIATED, "connections that negotiated encryption")                                \
    X(ENO_FALLBACK, "connections that fell back to plain TCP")                                 \
    X(FRAMES_SEALED, "frames sealed")                                                          \
    X(FRAMES_OPENED, "frames opened")                                                          \
    X(FRAMES_UNPROTECTED, "incomplete frames acknowledged before they were verified (A14 b)")  \
    X(FRAMES_SECOND_COPY, "frames that authenticated with the second copy of a range (A14 a)") \
    X(KEX_DONE, "key agreements completed")                                                    \
    X(KEX_FAILED, "key agreements failed")                                                     \
    X(JOBS_FULL, "jobs put off: queue or budget exhausted")                                    \
    X(CRYPT_NO_MEMORY, "encrypted connections ended: no memory, or no room for secrets")       \
    X(ARENA_UNLOCKED, "secrets arena not locked into memory")                                  \
    X(PKTS_IN, "packets received from ports")                                                  \
    X(PKTS_OUT, "packets handed to ports")                                                     \
    X(POOL_EMPTY, "buffers refused: pool empty")                                               \
    X(HOLDS, "times an application held its core longer than 10 ms")

#define SL_COUNTER_ENUM(name, text) SL_COUNT_##name,
enum sl_counter { SL_COUNTER_LIST(SL_COUNTER_ENUM) SL_COUNTER_COUNT };
#undef SL_COUNTER_ENUM

struct sl_counters {
    uint64_t n[SL_COUNTER_COUNT];
    uint64_t drops[SL_DROP_COUNT];
};

static inline void sl_count(struct sl_counters *c, enum sl_counter what)
{
    c->n[what]++;
}

static inline void sl_count_add(struct sl_counters *c, enum sl_counter what, uint64_t n)
{
    c->n[what] += n;
}

static inline void sl_count_drop(struct sl_counters *c, enum sl_drop why)
{
    c->drops[why]++;
}

const char *sl_counter_name(enum sl_counter what);
const char *sl_counter_text(enum sl_counter what);
