/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/*
 * Token bucket for packets that strangers can make us send: ICMP errors here, RSTs in the floor
 * above (reading D34). Starts full with half a second's worth.
 *
 * Refilled in steps of a tenth of a second by a random amount whose mean is the rate: whoever
 * probes us cannot tell from an answer that fails to come what else we answered in the meantime
 * (CVE-2020-25705). Thread: plain data of the caller.
 */
struct sl_bucket {
    uint64_t refilled_ns;
    uint64_t tokens_milli;
    uint32_t per_second, burst;
};

void sl_bucket_init(struct sl_bucket *b, uint32_t per_second, uint64_t now_ns);

/* Take a token; false when there is none. */
bool sl_bucket_take(struct sl_bucket *b, struct sl_random *random, uint64_t now_ns);
