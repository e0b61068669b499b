/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wheel.h"

#include "fuzz.h"

/*
 * The timer wheel against a plain list: what is due fires at once, in the order of deadlines and
 * then of arming, never early, as many as the budget allows; and the next deadline is exact.
 */

enum { TIMERS = 24, OPS_MAX = 200 };

struct entry {
    struct sl_timer t;
    bool armed;
    uint64_t at_ns, order; /* of arming */
};

struct world {
    struct sl_wheel *wheel;
    struct entry entries[TIMERS];
    uint64_t now_ns, armings;
    struct sl_cursor *c;
    unsigned fired;
};

static struct entry *first(struct world *w)
{
    struct entry *best = NULL;

    for (unsigned i = 0; i < TIMERS; i++) {
        struct entry *e = &w->entries[i];

        if (e->armed && (best == NULL || e->at_ns < best->at_ns ||
                         (e->at_ns == best->at_ns && e->order < best->order)))
            best = e;
    }
    return best;
}

/* From nanoseconds to decades, as long as the clock has room for them. */
static uint64_t span_ns(uint64_t now_ns, struct sl_cursor *c)
{
    const uint8_t shift = fuzz_u8(c);

    return (uint64_t)fuzz_u16(c) << shift % (now_ns < UINT64_C(1) << 62 ? 46 : 20);
}

static void arm(struct world *w, struct entry *e, uint64_t at_ns)
{
    sl_wheel_arm(w->wheel, &e->t, at_ns);
    e->armed = at_ns != SL_NEVER;
    e->at_ns = at_ns;
    e->order = w->armings++;
}

static void fire(void *ctx, struct sl_timer *t)
{
    struct world *w = ctx;
    struct entry *e = SL_CONTAINER(t, struct entry, t), *other;
    uint8_t what;

    FUZZ_CHECK(e == first(w) && e->at_ns <= w->now_ns && !sl_timer_is_armed(t));
    e->armed = false;
    w->fired++;
    what = fuzz_u8(w->c);
    other = &w->entries[what % TIMERS];
    if (what >= 0xc0)
        arm(w, other, w->now_ns + 1 + span_ns(w->now_ns, w->c));
    else if (what >= 0xa0) {
        sl_wheel_disarm(w->wheel, &other->t);
        other->armed = false;
    }
}

static void advance(struct world *w, uint8_t budget)
{
    const unsigned most = budget < 0xe0 ? budget % 8U : 1000;
    unsigned n;

    w->now_ns += span_ns(w->now_ns, w->c);
    w->fired = 0;
    n = sl_wheel_advance(w->wheel, w->now_ns, most, fire, w);
    FUZZ_CHECK(n == w->fired && n <= most);
    FUZZ_CHECK(n == most || first(w) == NULL || first(w)->at_ns > w->now_ns);
}

static void check(struct world *w)
{
    const struct entry *next = first(w);

    FUZZ_CHECK(sl_wheel_next_ns(w->wheel) == (next != NULL ? next->at_ns : SL_NEVER));
    for (unsigned i = 0; i < TIMERS; i++)
        FUZZ_CHECK(sl_timer_is_armed(&w->entries[i].t) == w->entries[i].armed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    struct world w = {.c = &c};

    w.now_ns = span_ns(0, &c);
    w.wheel = sl_wheel_create(w.now_ns);
    FUZZ_CHECK(w.wheel != NULL);
    for (unsigned i = 0; i < TIMERS; i++)
        sl_timer_init(&w.entries[i].t);
    for (int i = 0; i < OPS_MAX && sl_cursor_left(&c) > 0; i++) {
        const uint8_t op = fuzz_u8(&c), which = fuzz_u8(&c);
        struct entry *e = &w.entries[which % TIMERS];

        if (op % 8 < 4)
            arm(&w, e, w.now_ns + span_ns(w.now_ns, &c));
        else if (op % 8 == 4)
            arm(&w, e, op >= 0xf0 ? SL_NEVER : w.now_ns - w.now_ns / 2 % (1U + fuzz_u16(&c)));
        else if (op % 8 == 5) {
            sl_wheel_disarm(w.wheel, &e->t);
            e->armed = false;
        } else {
            advance(&w, which);
        }
        check(&w);
    }
    for (unsigned i = 0; i < TIMERS; i++)
        sl_wheel_disarm(w.wheel, &w.entries[i].t);
    sl_wheel_destroy(w.wheel);
    return 0;
}
