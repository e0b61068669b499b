/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/job.h"

/*
 * Does AEAD jobs with keys from an arena. `ipsec-mb` (bursts of direct calls) is the default,
 * `openssl` the portable one; both pass the same tests and agree byte for byte.
 *
 * An engine belongs to one thread. It keeps a bounded, least-recently-used cache of expanded keys
 * (1 KiB each with ipsec-mb), found by the job's key handle; expanded keys are as secret as keys.
 */
struct sl_aead_engine;

struct sl_aead_engine_ops {
    const char *name;
    /* `keys`: how many expanded keys to hold at most, 1 or more. NULL: no memory, or not usable. */
    struct sl_aead_engine *(*create)(struct sl_arena *arena, uint32_t keys);
    void (*destroy)(struct sl_aead_engine *e); /* NULL is allowed */
    /* Do jobs of kinds SEAL and OPEN, all of them; sets `ok`, and `tag` of a seal. */
    void (*run)(struct sl_aead_engine *e, struct sl_job *const *jobs, size_t n);
    void (*forget)(struct sl_aead_engine *e, sl_secret key);
    bool (*supports)(enum sl_aead aead);
};

struct sl_aead_engine {
    const struct sl_aead_engine_ops *ops;
};

/* By name: "ipsec-mb", "openssl"; NULL when unknown or not built. `name` NULL: the best built. */
const struct sl_aead_engine_ops *sl_aead_engine_find(const char *name);

/* What ipsec-mb says of itself, for `sealane --version`: "1.3.0", "AVX512" and so on. */
struct sl_ipsec_mb_facts {
    const char *version, *isa;
    bool built, self_test_ok;
};

struct sl_ipsec_mb_facts sl_ipsec_mb_facts(void);
