/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/keys.h"

/*
 * Values of keys: from text into a field, and ranges into text. Knows types, no key.
 * Pure functions.
 */

/*
 * Read `text` into the field of `key` in `base` (struct sl_config, or sl_config_port). What
 * repeats is added. False with what is wrong, and the mend, in `why`.
 */
bool sl_value_take(const struct sl_key *key, void *base, const char *text, char *why,
                   size_t why_len);

/* Note where the value that was taken last stands, of those that keep a mark for each. */
void sl_value_mark(const struct sl_key *key, void *base, const struct sl_config_mark *mark);

/* A route, whose key is its prefix. */
bool sl_value_take_route(struct sl_config *c, const char *prefix, const char *via, char *why,
                         size_t why_len);

/* Forget what a key that repeats has gathered. */
void sl_value_clear(const struct sl_key *key, void *base);

/* "size, 4K to 1G", "yes or no": what a value of `key` may be. Returns `out`. */
const char *sl_value_describe(const struct sl_key *key, char *out, size_t out_len);
