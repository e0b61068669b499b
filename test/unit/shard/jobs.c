/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/jobs.h"

#include <criterion/criterion.h>

#include "base/wheel.h"

/* A queue that takes `takes` jobs and gives back `gives` of those it has. */
struct fake_queue {
    struct sl_job_queue base;
    struct sl_job *held[256];
    size_t n, takes, gives;
    uint64_t next_ns;
};

static size_t submit(struct sl_job_queue *base, struct sl_job *const *jobs, size_t n,
                     uint64_t now_ns)
{
    struct fake_queue *q = (struct fake_queue *)base;
    const size_t taken = n < q->takes ? n : q->takes;

    (void)now_ns;
    for (size_t i = 0; i < taken; i++)
        q->held[q->n++] = jobs[i];
    q->takes -= taken;
    return taken;
}

static size_t poll(struct sl_job_queue *base, struct sl_job **done, size_t max, uint64_t now_ns)
{
    struct fake_queue *q = (struct fake_queue *)base;
    size_t n = 0;

    (void)now_ns;
    while (n < max && n < q->gives && n < q->n) {
        done[n] = q->held[n];
        n++;
    }
    q->n -= n;
    for (size_t i = 0; i < q->n; i++)
        q->held[i] = q->held[i + n];
    return n;
}

static uint64_t next_ns(const struct sl_job_queue *base)
{
    return ((const struct fake_queue *)base)->next_ns;
}

static const struct sl_job_queue_ops ops = {.submit = submit, .poll = poll, .next_ns = next_ns};

Test(jobs, what_the_queue_does_not_take_waits_in_order)
{
    struct sl_counters counters = {0};
    struct fake_queue q = {.base = {&ops}, .takes = 70, .gives = 64};
    static struct sl_job jobs[100];
    struct sl_job *done[SL_JOBS_BURST];
    struct sl_jobs j;
    unsigned seen = 0, n;

    sl_jobs_init(&j, &q.base, &counters);
    for (unsigned i = 0; i < 100; i++)
        sl_jobs_add(&j, &jobs[i]);
    n = sl_jobs_run(&j, done, 0);
    cr_expect_eq(n, 64);
    cr_expect_eq(j.n_waiting, 30);
    cr_expect_eq(j.n_out, 6);
    cr_expect_gt(counters.n[SL_COUNT_JOBS_FULL], 0);
    q.takes = 200;
    do {
        for (unsigned i = 0; i < n; i++)
            cr_expect_eq(done[i], &jobs[seen + i], "job %u out of order", seen + i);
        seen += n;
        n = sl_jobs_run(&j, done, 0);
    } while (n > 0);
    cr_expect_eq(seen, 100);
    cr_expect_eq(j.n_waiting, 0);
    cr_expect_eq(j.n_out, 0);
}

Test(jobs, next_is_the_queues_or_now)
{
    struct sl_counters counters = {0};
    struct fake_queue q = {.base = {&ops}, .takes = 1, .next_ns = 500};
    static struct sl_job one, two;
    struct sl_job *done[SL_JOBS_BURST];
    struct sl_jobs j;

    sl_jobs_init(&j, &q.base, &counters);
    cr_expect_eq(sl_jobs_next_ns(&j, 100), SL_NEVER);
    sl_jobs_add(&j, &one);
    cr_expect_eq(sl_jobs_next_ns(&j, 100), 100);
    cr_expect_eq(sl_jobs_run(&j, done, 100), 0);
    cr_expect_eq(sl_jobs_next_ns(&j, 100), 500);
    cr_expect_eq(sl_jobs_next_ns(&j, 600), 600);
    sl_jobs_add(&j, &two);
    cr_expect_eq(sl_jobs_run(&j, done, 100), 0);
    cr_expect_eq(j.n_waiting, 1);
}
