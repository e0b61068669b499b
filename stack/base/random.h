/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A source of random bytes, handed to code that must not ask the system itself.
 *
 * A shard has two: one for secrets, one for behaviour (ports, jitter), so that a scenario replays
 * even when a secret is added. `system` draws from libcrypto's generator; `seeded` is for the
 * simulator, the fuzzers and tests only: the same seed gives the same bytes.
 * Thread: the owner's.
 */
struct sl_random {
    /* Fill `out`; false when there is no adequate entropy (R13, R60), `out` is zero then. */
    bool (*fill)(struct sl_random *r, void *out, size_t n);
};

static inline bool sl_random_fill(struct sl_random *r, void *out, size_t n)
{
    return r->fill(r, out, n);
}

/* 64 random bits; zero when the source fails. For behaviour, never for secrets. */
uint64_t sl_random_u64(struct sl_random *r);

/* Uniform below `bound` (at least 1). For behaviour, never for secrets. */
uint64_t sl_random_below(struct sl_random *r, uint64_t bound);

/* The process-wide source for secrets, on RAND_priv_bytes(); any thread. */
struct sl_random *sl_random_system(void);

struct sl_random_seeded {
    struct sl_random base;
    uint64_t state[4];
};

/* xoshiro256** seeded through SplitMix64. Returns &r->base. */
struct sl_random *sl_random_seed(struct sl_random_seeded *r, uint64_t seed);
