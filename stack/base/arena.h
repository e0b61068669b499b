/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where secrets live: fixed slots in pages that are locked (where the limit allows), left out of
 * core dumps and wiped on fork. One function erases: sl_arena_erase().
 *
 * A handle names a slot and the serial of its use, so that a handle kept after the erasure (in a
 * cache of expanded keys, say) never meets another secret. Created by the shard (or a test), one
 * for each shard. Thread: the shard takes and erases; a crypto core may read a slot that a job
 * in its hands names.
 */
typedef uint64_t sl_secret; /* 0: none */

enum { SL_SECRET_BYTES = 64 };

struct sl_arena;

/* Room for `slots` secrets (1 .. 2^31) of SL_SECRET_BYTES; NULL when there is no memory. */
struct sl_arena *sl_arena_create(uint32_t slots);

/* Erases what is left. NULL is allowed. */
void sl_arena_destroy(struct sl_arena *a);

/* A zeroed slot; 0 when the arena is full. */
sl_secret sl_arena_take(struct sl_arena *a);

/* The SL_SECRET_BYTES of a live slot; NULL for 0 and for a handle whose slot was erased. */
uint8_t *sl_arena_at(struct sl_arena *a, sl_secret s);

/* Overwrite and give back; `*s` becomes 0. A stale handle or 0 is left alone. */
void sl_arena_erase(struct sl_arena *a, sl_secret *s);

uint32_t sl_arena_used(const struct sl_arena *a);

/* Is all that was in use so far locked into memory? Once false it stays so. */
bool sl_arena_is_locked(const struct sl_arena *a);
