/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include "sealane/shard.h"

/*
 * SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once with 130.
 * SIGPIPE is ignored. Thread: the main one.
 */

/* From here on; `s` (NULL is allowed) is woken. */
void stop_watch(struct sl_shard *s);

/* Before `s` is destroyed. */
void stop_forget(void);

bool stop_is_due(void);
