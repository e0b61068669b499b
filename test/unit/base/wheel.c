/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wheel.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/random.h"

#define MS   UINT64_C(1000000)
#define HOUR (UINT64_C(3600) * 1000 * MS)

enum { TIMERS = 120, ALL = 1000000 };

/* Facts by example: what fired is written down in order. */
struct record {
    struct sl_timer *fired[64];
    int n;
};

static void note(void *ctx, struct sl_timer *t)
{
    struct record *r = ctx;

    cr_assert_not(sl_timer_is_armed(t), "disarmed before it is seen");
    r->fired[r->n++] = t;
}

Test(wheel, never_fires_early_and_always_at_its_time)
{
    static const uint64_t after_ns[] = {
        0, 1, 999, 16383, 16384, 16385, MS, 67 * MS, 68 * MS, 4300 * MS, HOUR, 100000 * HOUR,
    };
    static const uint64_t starts_ns[] = {0, 1, 16383, 123456789, UINT64_C(1) << 62};

    for (size_t s = 0; s < sizeof(starts_ns) / sizeof(starts_ns[0]); s++) {
        for (size_t i = 0; i < sizeof(after_ns) / sizeof(after_ns[0]); i++) {
            const uint64_t now_ns = starts_ns[s], at_ns = now_ns + after_ns[i];
            struct sl_wheel *w = sl_wheel_create(now_ns);
            struct record r = {.n = 0};
            struct sl_timer t;

            sl_timer_init(&t);
            sl_wheel_arm(w, &t, at_ns);
            cr_expect(sl_timer_is_armed(&t));
            cr_expect_eq(sl_wheel_next_ns(w), at_ns);
            if (at_ns > now_ns)
                cr_expect_eq(sl_wheel_advance(w, at_ns - 1, ALL, note, &r), 0);
            cr_expect_eq(sl_wheel_next_ns(w), at_ns);
            cr_expect_eq(sl_wheel_advance(w, at_ns, ALL, note, &r), 1);
            cr_expect(r.n == 1 && r.fired[0] == &t);
            cr_expect_eq(sl_wheel_next_ns(w), SL_NEVER);
            cr_expect_eq(sl_wheel_advance(w, at_ns, ALL, note, &r), 0);
            sl_wheel_destroy(w);
        }
    }
}

Test(wheel, fires_in_the_order_of_deadlines_ties_in_that_of_arming)
{
    static const uint64_t at_ns[] = {HOUR, 70 * MS, 16383, 5, MS, 5, 70 * MS, 16384, HOUR - 1, 4};
    static const int order[] = {9, 3, 5, 2, 7, 4, 1, 6, 8, 0};
    struct sl_wheel *w = sl_wheel_create(0);
    struct record r = {.n = 0};
    struct sl_timer t[10];

    for (int i = 0; i < 10; i++) {
        sl_timer_init(&t[i]);
        sl_wheel_arm(w, &t[i], at_ns[i]);
    }
    cr_assert_eq(sl_wheel_advance(w, 2 * HOUR, ALL, note, &r), 10);
    for (int i = 0; i < 10; i++)
        cr_expect_eq(r.fired[i], &t[order[i]], "place %d", i);
    sl_wheel_destroy(w);
}

Test(wheel, keeps_to_its_budget_and_goes_on_later)
{
    struct sl_wheel *w = sl_wheel_create(0);
    struct record r = {.n = 0};
    struct sl_timer t[10];

    for (uint64_t i = 0; i < 10; i++) {
        sl_timer_init(&t[i]);
        sl_wheel_arm(w, &t[i], i % 2 ? i * 10 * MS : i);
    }
    cr_expect_eq(sl_wheel_advance(w, HOUR, 0, note, &r), 0);
    cr_expect_eq(sl_wheel_advance(w, HOUR, 3, note, &r), 3);
    cr_expect_eq(sl_wheel_next_ns(w), 6);
    cr_expect_eq(sl_wheel_advance(w, HOUR, 4, note, &r), 4);
    cr_expect_eq(sl_wheel_next_ns(w), 50 * MS);
    cr_expect_eq(sl_wheel_advance(w, HOUR, 4, note, &r), 3);
    cr_expect(r.fired[0] == &t[0] && r.fired[4] == &t[8] && r.fired[9] == &t[9]);
    sl_wheel_destroy(w);
}

Test(wheel, moves_and_disarms)
{
    struct sl_wheel *w = sl_wheel_create(0);
    struct record r = {.n = 0};
    struct sl_timer t;

    sl_timer_init(&t);
    sl_wheel_disarm(w, &t);
    sl_wheel_arm(w, &t, MS);
    sl_wheel_arm(w, &t, HOUR);
    cr_expect_eq(sl_wheel_advance(w, MS, ALL, note, &r), 0);
    cr_expect_eq(sl_wheel_next_ns(w), HOUR);
    sl_wheel_arm(w, &t, 2 * MS);
    cr_expect_eq(sl_wheel_next_ns(w), 2 * MS);
    sl_wheel_disarm(w, &t);
    cr_expect_not(sl_timer_is_armed(&t));
    cr_expect_eq(sl_wheel_next_ns(w), SL_NEVER);
    sl_wheel_arm(w, &t, 3 * MS);
    sl_wheel_arm(w, &t, SL_NEVER);
    cr_expect_not(sl_timer_is_armed(&t));
    cr_expect_eq(sl_wheel_advance(w, UINT64_MAX, ALL, note, &r), 0);
    sl_wheel_destroy(w);
}

Test(wheel, holds_the_last_nanosecond_there_is)
{
    struct sl_wheel *w = sl_wheel_create(0);
    struct record r = {.n = 0};
    struct sl_timer t;

    sl_timer_init(&t);
    sl_wheel_arm(w, &t, UINT64_MAX - 1);
    cr_expect_eq(sl_wheel_next_ns(w), UINT64_MAX - 1);
    cr_expect_eq(sl_wheel_advance(w, UINT64_MAX - 2, ALL, note, &r), 0);
    cr_expect_eq(sl_wheel_advance(w, UINT64_MAX - 1, ALL, note, &r), 1);
    sl_wheel_destroy(w);
}

/* Were each tick walked, this would take days. */
Test(wheel, idle_centuries_pass_at_once, .timeout = 10)
{
    struct sl_wheel *w = sl_wheel_create(0);
    struct record r = {.n = 0};
    struct sl_timer t;

    sl_timer_init(&t);
    for (int i = 1; i <= 50; i++) {
        sl_wheel_arm(w, &t, (UINT64_C(1) << 58) * (uint64_t)i);
        cr_expect_eq(sl_wheel_advance(w, (UINT64_C(1) << 58) * (uint64_t)i, ALL, note, &r), 1);
    }
    sl_wheel_destroy(w);
}

struct again {
    struct sl_wheel *w;
    uint64_t at_ns;
    int fired;
};

static void arm_again(void *ctx, struct sl_timer *t)
{
    struct again *a = ctx;

    a->fired++;
    sl_wheel_arm(a->w, t, a->at_ns);
}

Test(wheel, what_fire_arms_for_the_past_waits_for_the_next_advance, .timeout = 10)
{
    static const uint64_t at_ns[] = {0, 5 * MS, 9 * MS};

    for (int i = 0; i < 3; i++) {
        struct again a = {.w = sl_wheel_create(0), .at_ns = at_ns[i]};
        struct sl_timer t;

        sl_timer_init(&t);
        sl_wheel_arm(a.w, &t, MS);
        cr_expect_eq(sl_wheel_advance(a.w, 9 * MS, ALL, arm_again, &a), 1);
        cr_expect(sl_timer_is_armed(&t));
        cr_expect_eq(sl_wheel_next_ns(a.w), at_ns[i]);
        cr_expect_eq(sl_wheel_advance(a.w, 9 * MS, ALL, arm_again, &a), 1);
        a.at_ns = 10 * MS;
        cr_expect_eq(sl_wheel_advance(a.w, 9 * MS, ALL, arm_again, &a), 1);
        cr_expect_eq(sl_wheel_advance(a.w, 9 * MS, ALL, arm_again, &a), 0);
        cr_expect_eq(a.fired, 3);
        sl_wheel_destroy(a.w);
    }
}

Test(wheel, of_nothing_can_be_destroyed)
{
    sl_wheel_destroy(NULL);
}

/*
 * Against a model: a table of timers, searched whole each time. Whatever a seed does, each firing
 * is the one that the model expects, and the next deadline is the model's.
 */
struct model {
    struct sl_random_seeded random;
    struct sl_wheel *w;
    struct sl_timer timers[TIMERS];
    uint64_t at_ns[TIMERS];
    uint64_t order[TIMERS]; /* of arming; 0: not armed */
    bool put_off[TIMERS];   /* armed while firing, for a time that has passed */
    uint64_t armings, now_ns;
    unsigned long seed;
    bool is_firing;
    unsigned spread_bits;
};

static uint64_t draw(struct model *m, uint64_t bound)
{
    return sl_random_below(&m->random.base, bound);
}

/* A time about now, near or far, now and then on the border of a tick or at another's time. */
static uint64_t draw_time(struct model *m)
{
    const uint64_t delta_ns = draw(m, UINT64_C(1) << draw(m, m->spread_bits));
    uint64_t at_ns;

    switch (draw(m, 8)) {
    case 0:
        return m->at_ns[draw(m, TIMERS)];
    case 1:
        return delta_ns < m->now_ns ? m->now_ns - delta_ns : 0;
    case 2:
        return (m->now_ns + delta_ns) & ~UINT64_C(0x3fff);
    default:
        at_ns = m->now_ns + delta_ns;
        return at_ns < m->now_ns ? UINT64_MAX - 1 : at_ns;
    }
}

static void arm_or_disarm(struct model *m)
{
    const uint64_t i = draw(m, TIMERS);

    if (draw(m, 4) == 0) {
        m->order[i] = 0;
        sl_wheel_disarm(m->w, &m->timers[i]);
        return;
    }
    m->at_ns[i] = draw(m, 50) == 0 ? SL_NEVER : draw_time(m);
    m->order[i] = m->at_ns[i] == SL_NEVER ? 0 : ++m->armings;
    m->put_off[i] = m->is_firing && m->at_ns[i] <= m->now_ns;
    sl_wheel_arm(m->w, &m->timers[i], m->at_ns[i]);
}

/* The earliest, ties by arming; -1: none. With `due`, of those that this advance may fire. */
static int earliest(const struct model *m, bool due)
{
    int best = -1;

    for (int i = 0; i < TIMERS; i++) {
        if (m->order[i] == 0 || (due && (m->at_ns[i] > m->now_ns || m->put_off[i])))
            continue;
        if (best < 0 || m->at_ns[i] < m->at_ns[best] ||
            (m->at_ns[i] == m->at_ns[best] && m->order[i] < m->order[best]))
            best = i;
    }
    return best;
}

static void check_next(const struct model *m)
{
    const int first = earliest(m, false);

    cr_assert_eq(sl_wheel_next_ns(m->w), first < 0 ? SL_NEVER : m->at_ns[first], "seed %lu",
                 m->seed);
}

static void check_armed(const struct model *m)
{
    for (int i = 0; i < TIMERS; i++)
        cr_assert_eq(sl_timer_is_armed(&m->timers[i]), m->order[i] != 0, "seed %lu", m->seed);
}

static void check_fired(void *ctx, struct sl_timer *t)
{
    struct model *m = ctx;
    const int expected = earliest(m, true);

    cr_assert_eq((int)(t - m->timers), expected, "seed %lu: timer %d, not %d", m->seed,
                 (int)(t - m->timers), expected);
    m->order[expected] = 0;
    for (uint64_t n = draw(m, 4); n > 0; n--)
        arm_or_disarm(m);
    if (draw(m, 4) == 0)
        check_next(m);
}

static void advance(struct model *m)
{
    const unsigned budget = draw(m, 3) == 0 ? (unsigned)draw(m, 6) : ALL;
    const uint64_t first_ns = sl_wheel_next_ns(m->w);
    unsigned fired;

    if (draw(m, 5) == 0 && first_ns > m->now_ns && first_ns != SL_NEVER)
        m->now_ns = first_ns - draw(m, 2); /* at the deadline, or just before */
    else
        m->now_ns += draw(m, UINT64_C(1) << draw(m, m->spread_bits));
    m->is_firing = true;
    fired = sl_wheel_advance(m->w, m->now_ns, budget, check_fired, m);
    m->is_firing = false;
    cr_assert_leq(fired, budget);
    cr_assert(fired == budget || earliest(m, true) < 0, "seed %lu: %u fired, more is due", m->seed,
              fired);
    memset(m->put_off, 0, sizeof(m->put_off));
}

static void play(unsigned long seed, unsigned spread_bits)
{
    struct model *m = calloc(1, sizeof(*m));

    m->seed = seed;
    m->spread_bits = spread_bits;
    sl_random_seed(&m->random, seed);
    m->now_ns = draw(m, UINT64_C(1) << draw(m, 50));
    m->w = sl_wheel_create(m->now_ns);
    for (int i = 0; i < TIMERS; i++)
        sl_timer_init(&m->timers[i]);
    for (int step = 0; step < 600; step++) {
        for (uint64_t n = draw(m, 12); n > 0; n--)
            arm_or_disarm(m);
        if (draw(m, 2) == 0)
            check_next(m);
        advance(m);
        check_next(m);
        check_armed(m);
    }
    sl_wheel_destroy(m->w);
    free(m);
}

Test(wheel, agrees_with_a_searched_table_within_ticks)
{
    for (unsigned long seed = 1; seed <= 60; seed++)
        play(seed, 16);
}

Test(wheel, agrees_with_a_searched_table_over_seconds)
{
    for (unsigned long seed = 1001; seed <= 1060; seed++)
        play(seed, 34);
}

Test(wheel, agrees_with_a_searched_table_over_years)
{
    for (unsigned long seed = 2001; seed <= 2060; seed++)
        play(seed, 55); /* 600 steps of a year each stay within 2^64 */
}
