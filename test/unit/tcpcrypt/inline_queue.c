/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/inline_queue.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/wheel.h"
#include "tcpcrypt/tep.h"

enum { MANY = 300 };

struct counted_work {
    struct sl_tep_work work;
    unsigned runs;
};

static void count_run(struct sl_tep_work *w)
{
    ((struct counted_work *)w)->runs++;
}

static struct sl_arena *arena;
static struct sl_aead_engine *engine;
static struct sl_job_queue *queue;
static sl_secret key;
static uint8_t text[16];
static const struct sl_range range = {text, sizeof(text)};
static struct sl_job jobs[MANY], *burst[MANY], *done[MANY];
static struct counted_work works[MANY];

static void set_up(void)
{
    arena = sl_arena_create(2);
    engine = sl_aead_engine_find(NULL)->create(arena, 2);
    queue = sl_inline_queue_create(engine, 2);
    key = sl_arena_take(arena);
    for (size_t i = 0; i < MANY; i++) {
        works[i].work.run = count_run;
        burst[i] = &jobs[i];
    }
}

static void tear_down(void)
{
    sl_inline_queue_destroy(queue);
    engine->ops->destroy(engine);
    sl_arena_destroy(arena);
}

static void be_work(size_t i)
{
    jobs[i] = (struct sl_job){.kind = SL_JOB_WORK, .work = &works[i].work, .mark = i};
}

static void be_seal(size_t i)
{
    jobs[i] = (struct sl_job){.kind = SL_JOB_SEAL,
                              .aead = SL_AEAD_AES_128_GCM,
                              .key = key,
                              .src = &range,
                              .dst = &range,
                              .n_src = 1,
                              .n_dst = 1,
                              .mark = i};
}

TestSuite(inline_queue, .init = set_up, .fini = tear_down);

Test(inline_queue, seals_are_done_when_submit_returns_and_come_back_in_order)
{
    for (size_t i = 0; i < MANY; i++)
        be_seal(i);
    cr_expect_eq(queue->ops->next_ns(queue), SL_NEVER);
    cr_assert_eq(queue->ops->submit(queue, burst, MANY, 0), MANY);
    cr_expect_eq(queue->ops->next_ns(queue), 0);
    for (size_t i = 0; i < MANY; i++)
        cr_expect(jobs[i].ok);
    cr_expect_eq(queue->ops->poll(queue, done, 7, 0), 7, "no more than asked for");
    cr_expect_eq(queue->ops->poll(queue, done + 7, MANY, 0), MANY - 7);
    for (size_t i = 0; i < MANY; i++)
        cr_expect_eq(done[i]->mark, i);
    cr_expect_eq(queue->ops->next_ns(queue), SL_NEVER);
}

Test(inline_queue, work_has_a_budget_and_the_rest_waits_its_turn)
{
    size_t n = 0;

    for (size_t i = 0; i < 9; i++)
        be_work(i);
    cr_assert_eq(queue->ops->submit(queue, burst, 9, 0), 9);
    for (size_t i = 0; i < 9; i++)
        cr_expect_eq(works[i].runs, i < 2, "the budget is 2");
    while (queue->ops->next_ns(queue) == 0) {
        const size_t got = queue->ops->poll(queue, done + n, MANY, 0);

        cr_assert_leq(got, 4, "two of submit() and two of this call");
        n += got;
    }
    cr_assert_eq(n, 9);
    for (size_t i = 0; i < 9; i++) {
        cr_expect_eq(done[i]->mark, i);
        cr_expect(done[i]->ok);
        cr_expect_eq(works[i].runs, 1);
    }
}

Test(inline_queue, a_burst_of_handshakes_does_not_hold_up_frames)
{
    for (size_t i = 0; i < 8; i++)
        be_work(i);
    be_seal(8);
    cr_assert_eq(queue->ops->submit(queue, burst, 9, 0), 9);
    cr_expect(jobs[8].ok);
    cr_expect_eq(queue->ops->poll(queue, done, 3, 0), 3);
    cr_expect_eq(done[0]->mark, 0);
    cr_expect_eq(done[1]->mark, 1);
    cr_expect_eq(done[2]->mark, 8);
}

Test(inline_queue, new_work_goes_behind_what_waits)
{
    for (size_t i = 0; i < 6; i++)
        be_work(i);
    queue->ops->submit(queue, burst, 5, 0);
    queue->ops->submit(queue, burst + 5, 1, 0);
    cr_expect_eq(works[5].runs, 0);
    cr_expect_eq(works[3].runs, 1, "a later submit() has a budget, too");
}

Test(inline_queue, is_bounded)
{
    enum { TOO_MANY = 70000 };
    struct sl_job *many = calloc(TOO_MANY, sizeof(*many));
    struct sl_job **all = calloc(TOO_MANY, sizeof(struct sl_job *)), *one;
    size_t taken;

    for (size_t i = 0; i < TOO_MANY; i++) {
        many[i] = (struct sl_job){.kind = SL_JOB_WORK, .work = &works[0].work};
        all[i] = &many[i];
    }
    taken = queue->ops->submit(queue, all, TOO_MANY, 0);
    cr_expect_eq(taken, 65536);
    cr_expect_eq(queue->ops->submit(queue, all + taken, 1, 0), 0);
    cr_expect_eq(queue->ops->poll(queue, &one, 1, 0), 1);
    cr_expect_eq(queue->ops->submit(queue, all + taken, 1, 0), 1, "room again");
    while (queue->ops->next_ns(queue) == 0)
        (void)queue->ops->poll(queue, done, MANY, 0);
    free(all);
    free(many);
}

Test(inline_queue, forget_reaches_the_engine)
{
    uint8_t first[16];
    uint8_t *slot = sl_arena_at(arena, key);

    be_seal(0);
    memset(text, 0, 16);
    queue->ops->submit(queue, burst, 1, 0);
    memcpy(first, jobs[0].tag, 16);
    slot[0] = 1; /* seen only if the expanded key is made anew */
    queue->ops->forget(queue, key);
    memset(text, 0, 16);
    queue->ops->poll(queue, done, 1, 0);
    queue->ops->submit(queue, burst, 1, 0);
    cr_expect(memcmp(first, jobs[0].tag, 16) != 0);
}
