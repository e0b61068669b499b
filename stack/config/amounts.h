/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/keys.h"

/*
 * Numbers, sizes and durations, from text and into text. Pure functions.
 */
struct sl_unit {
    const char *name;
    uint64_t worth;
};

struct sl_scale {
    const struct sl_unit *units; /* the largest first */
    size_t n;
    const char *what, *mend; /* for messages: "size", "give bytes, or K, M, G" */
};

/* NULL: values of this type are no amounts. */
const struct sl_scale *sl_scale_of(enum sl_key_type type);

/* In the largest unit that leaves no fraction. Returns `out`. */
const char *sl_amount_format(const struct sl_scale *scale, uint64_t value, char *out,
                             size_t out_len);

/* "40ms", "1M". False: no amount, or beyond 64 bits. */
bool sl_amount_parse(const struct sl_scale *scale, const char *text, uint64_t *value);
