/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/*
 * Hierarchical timer wheel: one for each shard, one entry for each connection (its earliest
 * deadline). Arming, moving and taking out are O(1); an entry never fires early, and fires in the
 * first sl_wheel_advance() at or after its time. Entries that are due together fire in the order
 * of their deadlines within a tick, ties in the order of arming.
 *
 * Time is the caller's nanoseconds, never going back. Entries belong to the caller and must be
 * disarmed before their memory goes. Thread: the shard's.
 */
struct sl_timer {
    struct sl_link link;
    uint64_t at_ns; /* meaningful while armed */
};

struct sl_wheel;

#define SL_NEVER UINT64_MAX

struct sl_wheel *sl_wheel_create(uint64_t now_ns);
void sl_wheel_destroy(struct sl_wheel *w); /* entries are left alone; NULL is allowed */

void sl_timer_init(struct sl_timer *t);
bool sl_timer_is_armed(const struct sl_timer *t);

/* Arm, or move, to `at_ns`; SL_NEVER disarms; a time that has passed fires at the next advance. */
void sl_wheel_arm(struct sl_wheel *w, struct sl_timer *t, uint64_t at_ns);
void sl_wheel_disarm(struct sl_wheel *w, struct sl_timer *t);

/*
 * Fire at most `budget` entries that are due at `now_ns`, each disarmed before `fire` sees it
 * (which may arm it again, or arm and disarm others). Returns how many fired.
 */
unsigned sl_wheel_advance(struct sl_wheel *w, uint64_t now_ns, unsigned budget,
                          void (*fire)(void *ctx, struct sl_timer *t), void *ctx);

/* The earliest deadline, exactly; SL_NEVER when nothing is armed. */
uint64_t sl_wheel_next_ns(const struct sl_wheel *w);
