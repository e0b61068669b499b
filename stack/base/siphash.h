/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4: the keyed hash behind ISNs, timestamp offsets, ports and table signatures
 * (readings D2, D13, D25). Pure function, any thread.
 */
struct sl_siphash_key {
    uint64_t k0, k1;
};

uint64_t sl_siphash(const struct sl_siphash_key *key, const void *bytes, size_t len);
