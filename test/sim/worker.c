/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/wheel.h"
#include "shard/shard.h"
#include "tcp/crypt.h"
#include "tcpcrypt/aead/engine.h"

enum { JOBS_MAX = 256, KEYS = 64 };

struct waiting {
    struct sl_job *job;
    uint64_t at_ns;
};

struct sim_worker {
    struct sl_job_queue queue;
    struct sl_random_seeded seeded;
    struct sl_random *random;
    struct sl_aead_engine *engine;
    struct waiting waiting[JOBS_MAX]; /* in order of submission */
    size_t n;
    uint64_t stalled_until_ns;
    bool hurried;
};

static struct sim_worker *worker_of(const struct sl_job_queue *q)
{
    return SL_CONTAINER(q, struct sim_worker, queue);
}

static const void *owner_of(const struct sl_job *job)
{
    const struct sl_crypt_job *cj = job->owner;

    return cj->tcb;
}

/* Not before the last one of the same connection. */
static uint64_t done_at(struct sim_worker *w, const struct sl_job *job, uint64_t now_ns)
{
    uint64_t at_ns = now_ns + sl_random_below(w->random, 200000);

    if (sl_random_below(w->random, 500) == 0)
        w->stalled_until_ns = now_ns + sl_random_below(w->random, 20000000);
    if (at_ns < w->stalled_until_ns)
        at_ns = w->stalled_until_ns;
    for (size_t i = 0; i < w->n; i++) {
        if (owner_of(w->waiting[i].job) == owner_of(job) && w->waiting[i].at_ns > at_ns)
            at_ns = w->waiting[i].at_ns;
    }
    return at_ns;
}

static size_t submit(struct sl_job_queue *q, struct sl_job *const *jobs, size_t n, uint64_t now_ns)
{
    struct sim_worker *w = worker_of(q);
    size_t i;

    for (i = 0; i < n && w->n < JOBS_MAX; i++) {
        if (!w->hurried && sl_random_below(w->random, 200) == 0)
            break; /* as if the ring had been full */
        w->waiting[w->n] = (struct waiting){jobs[i], done_at(w, jobs[i], now_ns)};
        w->n++;
    }
    return i;
}

static void run(struct sim_worker *w, struct sl_job *job)
{
    if (job->kind == SL_JOB_WORK)
        job->work->run(job->work);
    else
        w->engine->ops->run(w->engine, &job, 1);
}

static size_t poll_done(struct sl_job_queue *q, struct sl_job **done, size_t max, uint64_t now_ns)
{
    struct sim_worker *w = worker_of(q);
    size_t i, left = 0, n = 0;

    for (i = 0; i < w->n; i++) {
        if (n < max && (w->hurried || w->waiting[i].at_ns <= now_ns)) {
            run(w, w->waiting[i].job);
            done[n++] = w->waiting[i].job;
        } else {
            w->waiting[left++] = w->waiting[i];
        }
    }
    w->n = left;
    return n;
}

static uint64_t next_ns(const struct sl_job_queue *q)
{
    const struct sim_worker *w = worker_of(q);
    uint64_t next = SL_NEVER;

    for (size_t i = 0; i < w->n; i++) {
        if (w->hurried || w->waiting[i].at_ns < next)
            next = w->hurried ? 0 : w->waiting[i].at_ns;
    }
    return next;
}

static void forget(struct sl_job_queue *q, sl_secret key)
{
    struct sim_worker *w = worker_of(q);

    w->engine->ops->forget(w->engine, key);
}

static const struct sl_job_queue_ops ops = {submit, poll_done, next_ns, forget};

struct sim_worker *sim_worker_create(uint64_t seed)
{
    struct sim_worker *w = calloc(1, sizeof(*w));

    if (w == NULL)
        abort();
    w->queue.ops = &ops;
    w->random = sl_random_seed(&w->seeded, seed);
    return w;
}

struct sl_job_queue *sim_worker_queue(struct sim_worker *w)
{
    return &w->queue;
}

void sim_worker_serve(struct sim_worker *w, struct sl_shard *shard)
{
    w->engine = sl_aead_engine_find(NULL)->create(shard->arena, KEYS);
    if (w->engine == NULL)
        abort();
}

void sim_worker_hurry(struct sim_worker *w)
{
    w->hurried = true;
}

void sim_worker_destroy(struct sim_worker *w)
{
    if (w == NULL)
        return;
    if (w->engine != NULL)
        w->engine->ops->destroy(w->engine);
    free(w);
}
