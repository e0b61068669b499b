/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A place in sequence space: compared by these helpers only, modulo 2^32 (T9293-2). */
typedef uint32_t sl_seq;

static inline bool sl_seq_lt(sl_seq a, sl_seq b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool sl_seq_leq(sl_seq a, sl_seq b)
{
    return (int32_t)(a - b) <= 0;
}

static inline bool sl_seq_gt(sl_seq a, sl_seq b)
{
    return (int32_t)(a - b) > 0;
}

static inline bool sl_seq_geq(sl_seq a, sl_seq b)
{
    return (int32_t)(a - b) >= 0;
}

/* from <= s < from + len */
static inline bool sl_seq_in(sl_seq s, sl_seq from, uint32_t len)
{
    return s - from < len;
}

static inline sl_seq sl_seq_max(sl_seq a, sl_seq b)
{
    return sl_seq_lt(a, b) ? b : a;
}

static inline sl_seq sl_seq_min(sl_seq a, sl_seq b)
{
    return sl_seq_lt(a, b) ? a : b;
}
