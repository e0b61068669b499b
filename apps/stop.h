/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sealane/shard.h"

/*
 * SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once with 130.
 * SIGPIPE is ignored. Thread: the main one.
 */

/* After the first: how long what must be waited for is waited for. */
enum { STOP_LINGER_MS = 2000 };

/* From here on; `s` (NULL is allowed) is woken. */
void stop_watch(struct sl_shard *s);

/* Before `s` is destroyed. */
void stop_forget(void);

bool stop_is_due(void);

/* When the first came, on the clock of the next; 0: none did. */
uint64_t stop_due_ms(void);

/* CLOCK_MONOTONIC. */
uint64_t stop_now_ms(void);
