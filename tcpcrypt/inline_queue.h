/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/aead/engine.h"
#include "tcpcrypt/job.h"

/*
 * The job queue of a shard without crypto cores: a job is done inside submit().
 *
 * Work (key agreement) has a budget for each call of submit() and of poll(), so that a burst of
 * handshakes delays the packets of others by a bounded time; AEAD jobs are done at once, in one
 * burst over all connections. Thread: the shard's.
 */
struct sl_inline_queue;

/* `work_budget`: public-key tasks done in one iteration, 1 or more. Takes no ownership of `e`. */
struct sl_job_queue *sl_inline_queue_create(struct sl_aead_engine *e, unsigned work_budget);
void sl_inline_queue_destroy(struct sl_job_queue *q); /* NULL is allowed */
