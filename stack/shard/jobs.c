/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/jobs.h"

#include "base/wheel.h"

void sl_jobs_init(struct sl_jobs *j, struct sl_job_queue *queue, struct sl_counters *counters)
{
    *j = (struct sl_jobs){.queue = queue, .counters = counters};
    sl_list_init(&j->waiting);
}

void sl_jobs_add(struct sl_jobs *j, struct sl_job *job)
{
    sl_list_add_tail(&j->waiting, &job->link);
    j->n_waiting++;
}

static unsigned take_burst(struct sl_jobs *j, struct sl_job **burst)
{
    unsigned n = 0;
    struct sl_link *link;

    while (n < SL_JOBS_BURST && (link = sl_list_take(&j->waiting)) != NULL)
        burst[n++] = SL_CONTAINER(link, struct sl_job, link);
    return n;
}

static void put_back(struct sl_jobs *j, struct sl_job *const *jobs, unsigned n)
{
    while (n > 0) {
        struct sl_link *link = &jobs[--n]->link;

        /* In front of the first, so that those of one connection stay in order. */
        sl_list_add_tail(j->waiting.next, link);
    }
}

static void submit(struct sl_jobs *j, uint64_t now_ns)
{
    struct sl_job *burst[SL_JOBS_BURST];

    while (j->n_waiting > 0) {
        const unsigned n = take_burst(j, burst);
        const unsigned taken = (unsigned)j->queue->ops->submit(j->queue, burst, n, now_ns);

        j->n_waiting -= taken;
        j->n_out += taken;
        if (taken < n) {
            put_back(j, burst + taken, n - taken);
            sl_count_add(j->counters, SL_COUNT_JOBS_FULL, n - taken);
            return;
        }
    }
}

unsigned sl_jobs_run(struct sl_jobs *j, struct sl_job **done, uint64_t now_ns)
{
    unsigned n;

    submit(j, now_ns);
    if (j->n_out == 0)
        return 0;
    n = (unsigned)j->queue->ops->poll(j->queue, done, SL_JOBS_BURST, now_ns);
    j->n_out -= n;
    return n;
}

uint64_t sl_jobs_next_ns(const struct sl_jobs *j, uint64_t now_ns)
{
    if (j->n_out > 0) {
        const uint64_t next_ns = j->queue->ops->next_ns(j->queue);

        return next_ns > now_ns ? next_ns : now_ns;
    }
    return j->n_waiting > 0 ? now_ns : SL_NEVER;
}
