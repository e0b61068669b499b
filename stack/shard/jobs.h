/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "base/counters.h"
#include "base/list.h"
#include "tcpcrypt/job.h"

/*
 * The shard's side of the crypto queue: jobs that TCP filled in this stage, or that the queue did
 * not take before, wait here in order; at the end of the stage they go in bursts.
 *
 * Bounded by whoever makes the jobs (sl_tcp_config.jobs_max): a job waits in its own link. Owns
 * no job and no queue. Thread: the shard's.
 */
enum { SL_JOBS_BURST = 64 };

struct sl_jobs {
    struct sl_job_queue *queue;
    struct sl_counters *counters;
    struct sl_link waiting;
    uint32_t n_waiting;
    uint32_t n_out; /* taken by the queue and not back yet */
};

void sl_jobs_init(struct sl_jobs *j, struct sl_job_queue *queue, struct sl_counters *counters);

void sl_jobs_add(struct sl_jobs *j, struct sl_job *job);

/* Submit what the queue takes, then fetch at most SL_JOBS_BURST that are done. Returns how many. */
unsigned sl_jobs_run(struct sl_jobs *j, struct sl_job **done, uint64_t now_ns);

/* When sl_jobs_run() will next have something; SL_NEVER: nothing is under way. */
uint64_t sl_jobs_next_ns(const struct sl_jobs *j, uint64_t now_ns);
