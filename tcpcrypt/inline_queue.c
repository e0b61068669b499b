/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/inline_queue.h"

#include <stdlib.h>

#include "base/wheel.h"
#include "tcpcrypt/tep.h"

enum {
    JOBS_MAX = 65536, /* held at once, waiting or done; beyond it submit() takes no more */
    BURST = 64,
};

struct queue {
    struct sl_job_queue base;
    struct sl_aead_engine *engine;
    unsigned work_budget;
    uint32_t held;
    struct sl_link waiting; /* work that the budget did not allow yet */
    struct sl_link done;
};

static void run_work(struct queue *q, struct sl_job *job)
{
    job->work->run(job->work);
    job->ok = true;
    sl_list_add_tail(&q->done, &job->link);
}

/* Seal and open: one call of the engine, which takes bursts over all connections. */
static void run_texts(struct queue *q, struct sl_job *const *burst, size_t n)
{
    size_t i;

    if (n > 0)
        q->engine->ops->run(q->engine, burst, n);
    for (i = 0; i < n; i++)
        sl_list_add_tail(&q->done, &burst[i]->link);
}

/* Do what has waited longest; returns what is left of the budget. */
static unsigned run_waiting(struct queue *q, unsigned budget)
{
    for (; budget > 0 && !sl_list_empty(&q->waiting); budget--)
        run_work(q, SL_CONTAINER(sl_list_take(&q->waiting), struct sl_job, link));
    return budget;
}

static size_t submit(struct sl_job_queue *base, struct sl_job *const *jobs, size_t n,
                     uint64_t now_ns)
{
    struct queue *q = (struct queue *)base;
    struct sl_job *burst[BURST];
    unsigned budget = run_waiting(q, q->work_budget);
    size_t i, texts = 0;

    (void)now_ns;
    for (i = 0; i < n && q->held < JOBS_MAX; i++, q->held++) {
        if (jobs[i]->kind != SL_JOB_WORK) {
            burst[texts++] = jobs[i];
            if (texts < BURST)
                continue;
        }
        /* A full burst, or work, before which the texts in front of it are done. */
        run_texts(q, burst, texts);
        texts = 0;
        if (jobs[i]->kind == SL_JOB_WORK) {
            sl_list_add_tail(&q->waiting, &jobs[i]->link);
            budget = run_waiting(q, budget);
        }
    }
    run_texts(q, burst, texts);
    return i;
}

static size_t poll_done(struct sl_job_queue *base, struct sl_job **done, size_t max,
                        uint64_t now_ns)
{
    struct queue *q = (struct queue *)base;
    size_t n;

    (void)now_ns;
    (void)run_waiting(q, q->work_budget);
    for (n = 0; n < max && !sl_list_empty(&q->done); n++, q->held--)
        done[n] = SL_CONTAINER(sl_list_take(&q->done), struct sl_job, link);
    return n;
}

static uint64_t next_ns(const struct sl_job_queue *base)
{
    return ((const struct queue *)base)->held > 0 ? 0 : SL_NEVER;
}

static void forget(struct sl_job_queue *base, sl_secret key)
{
    struct queue *q = (struct queue *)base;

    q->engine->ops->forget(q->engine, key);
}

static const struct sl_job_queue_ops ops = {
    .submit = submit,
    .poll = poll_done,
    .next_ns = next_ns,
    .forget = forget,
};

struct sl_job_queue *sl_inline_queue_create(struct sl_aead_engine *e, unsigned work_budget)
{
    struct queue *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->base.ops = &ops;
    q->engine = e;
    q->work_budget = work_budget;
    sl_list_init(&q->waiting);
    sl_list_init(&q->done);
    return &q->base;
}

void sl_inline_queue_destroy(struct sl_job_queue *q)
{
    free(q);
}
