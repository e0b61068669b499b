/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "shard/shard.h"

/*
 * Drive the shard until `collect` returns something but 0, the time has passed (-1: never), or a
 * wake came (-EINTR). Returns what `collect` returned, 0 at the end of the time, or -EDEADLK
 * inside a function that sl_shard_run() called, unless the time is 0: then the shard is driven by
 * others, and only collected from. Thread: the shard's.
 */
int sl_wait(struct sl_shard *s, int (*collect)(void *ctx), void *ctx, int timeout_ms);
