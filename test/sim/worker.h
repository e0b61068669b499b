/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "sealane/shard.h"
#include "tcpcrypt/job.h"

/*
 * A crypto core as the simulator sees one: a job queue whose jobs take virtual time, come back
 * in another order between connections, stall at times, and are refused when there are too many.
 * Jobs of one connection and kind come back in the order of their submission.
 */
struct sim_worker;

struct sim_worker *sim_worker_create(uint64_t seed);
struct sl_job_queue *sim_worker_queue(struct sim_worker *w);

/* The shard that it works for: its arena holds the keys. Before the first job. */
void sim_worker_serve(struct sim_worker *w, struct sl_shard *shard);

/* From now on everything is done at once. */
void sim_worker_hurry(struct sim_worker *w);
void sim_worker_destroy(struct sim_worker *w); /* NULL is allowed */
