/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/job.h"

/*
 * Expanded keys, found by handle and AEAD: bounded, the least recently used gives way.
 *
 * Entries are aligned to 64 bytes, locked where the limit allows, out of core dumps, and wiped
 * when they leave. The cache does not look at the arena: a handle is never used twice, so what
 * is found belongs to the very key that was asked for. Used by the engines; thread: theirs.
 */
struct sl_key_cache;

/*
 * Room for `keys` (1 ..) entries of `bytes` each; NULL when there is no memory. `drop`, which may
 * be NULL, is called for an entry before it is wiped.
 */
struct sl_key_cache *sl_key_cache_create(uint32_t keys, size_t bytes, void (*drop)(void *entry));
void sl_key_cache_destroy(struct sl_key_cache *c); /* NULL is allowed */

/* The entry, which becomes the most recently used; NULL when it is not there. */
void *sl_key_cache_find(struct sl_key_cache *c, sl_secret key, enum sl_aead aead);

/* A zeroed entry for a key that find() did not have, to be filled by the caller. Never NULL. */
void *sl_key_cache_add(struct sl_key_cache *c, sl_secret key, enum sl_aead aead);

/* Drop what there is of `key`, for whichever AEAD. */
void sl_key_cache_forget(struct sl_key_cache *c, sl_secret key);

uint32_t sl_key_cache_used(const struct sl_key_cache *c);
