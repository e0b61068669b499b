/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/wheel.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/invariant.h"

enum {
    TICK_BITS = 14, /* 16.384 us */
    DIGIT_BITS = 6,
    SLOTS = 1 << DIGIT_BITS,
    LEVELS = 9, /* 9 digits of 6 bits hold the 50 bits of the last tick */
    RUNS_MAX = 32,
};

static_assert(TICK_BITS + LEVELS * DIGIT_BITS >= 64, "the wheel covers all of time");

/*
 * A time's tick is a number of LEVELS digits. An entry lies on the level of the highest digit in
 * which its tick differs from the wheel's, in the slot of its own digit there. So each level is
 * later than all of the levels below it, within a level the slots ascend, and the earliest entry
 * is in the lowest slot of the lowest level in use. The wheel's tick can move on to any tick before
 * that slot's without touching an entry, so idle time costs nothing.
 *
 * Entries of the wheel's own tick, and earlier ones, are in `due`, sorted.
 */
struct slot {
    struct sl_link entries; /* those of one tick in the order of arming */
    uint64_t min_ns;        /* earliest of `entries`; 0: look for it (no time in a slot is 0) */
};

struct level {
    uint64_t occupied; /* bit n: slots[n] holds entries */
    struct slot slots[SLOTS];
};

struct sl_wheel {
    uint64_t tick;
    uint64_t now_ns;      /* of the advance that is firing */
    uint32_t levels_used; /* bit n: levels[n] holds entries */
    bool is_firing;
    struct sl_link due;
    struct sl_link put_off; /* armed while firing, for a time that has passed: the next advance's */
    struct level *levels;
};

static uint64_t tick_of(uint64_t at_ns)
{
    return at_ns >> TICK_BITS;
}

static struct sl_timer *timer_of(struct sl_link *link)
{
    return SL_CONTAINER(link, struct sl_timer, link);
}

struct sl_wheel *sl_wheel_create(uint64_t now_ns)
{
    struct sl_wheel *w;
    int i, n;

    if (SL_FAULT(wheel_create) || (w = calloc(1, sizeof(*w))) == NULL)
        return NULL;
    if ((w->levels = calloc(LEVELS, sizeof(w->levels[0]))) == NULL) {
        free(w);
        return NULL;
    }
    w->tick = tick_of(now_ns);
    sl_list_init(&w->due);
    sl_list_init(&w->put_off);
    for (i = 0; i < LEVELS; i++) {
        for (n = 0; n < SLOTS; n++)
            sl_list_init(&w->levels[i].slots[n].entries);
    }
    return w;
}

void sl_wheel_destroy(struct sl_wheel *w)
{
    if (w == NULL)
        return;
    free(w->levels);
    free(w);
}

void sl_timer_init(struct sl_timer *t)
{
    sl_list_init(&t->link);
    t->at_ns = SL_NEVER;
}

bool sl_timer_is_armed(const struct sl_timer *t)
{
    return sl_link_is_listed(&t->link);
}

/* Where a tick after the wheel's lies. */
static unsigned level_of(const struct sl_wheel *w, uint64_t tick)
{
    return (63 - (unsigned)__builtin_clzll(tick ^ w->tick)) / DIGIT_BITS;
}

static unsigned digit_of(uint64_t tick, unsigned level)
{
    return (unsigned)(tick >> (level * DIGIT_BITS)) & (SLOTS - 1);
}

/* From behind, since deadlines mostly ascend; behind its equals. */
static void insert_due(struct sl_wheel *w, struct sl_timer *t)
{
    struct sl_link *before = w->due.prev;

    if (before != &w->due && t->at_ns < timer_of(w->due.next)->at_ns)
        before = &w->due;
    while (before != &w->due && timer_of(before)->at_ns > t->at_ns)
        before = before->prev;
    sl_list_add_tail(before->next, &t->link); /* in front of what follows `before` */
}

static void insert_slot(struct sl_wheel *w, struct sl_timer *t)
{
    const uint64_t tick = tick_of(t->at_ns);
    const unsigned level = level_of(w, tick), digit = digit_of(tick, level);
    struct slot *slot = &w->levels[level].slots[digit];

    if (sl_list_empty(&slot->entries) || t->at_ns < slot->min_ns)
        slot->min_ns = t->at_ns;
    sl_list_add_tail(&slot->entries, &t->link);
    w->levels[level].occupied |= UINT64_C(1) << digit;
    w->levels_used |= 1U << level;
}

static void insert(struct sl_wheel *w, struct sl_timer *t)
{
    if (tick_of(t->at_ns) <= w->tick) {
        insert_due(w, t);
    } else {
        insert_slot(w, t);
    }
}

static void set_empty(struct sl_wheel *w, unsigned level, unsigned digit)
{
    w->levels[level].occupied &= ~(UINT64_C(1) << digit);
    if (w->levels[level].occupied == 0)
        w->levels_used &= ~(1U << level);
}

/*
 * An entry that was put off is in no slot though its tick may name one; that slot then looks for
 * its minimum once more than it had to, and is marked empty only if it is.
 */
static void take_out(struct sl_wheel *w, struct sl_timer *t)
{
    const uint64_t tick = tick_of(t->at_ns);

    sl_list_remove(&t->link);
    if (tick > w->tick) {
        const unsigned level = level_of(w, tick), digit = digit_of(tick, level);
        struct slot *slot = &w->levels[level].slots[digit];

        if (slot->min_ns == t->at_ns)
            slot->min_ns = 0;
        if (sl_list_empty(&slot->entries))
            set_empty(w, level, digit);
    }
}

void sl_wheel_arm(struct sl_wheel *w, struct sl_timer *t, uint64_t at_ns)
{
    sl_wheel_disarm(w, t);
    if (at_ns == SL_NEVER)
        return;
    t->at_ns = at_ns;
    if (w->is_firing && at_ns <= w->now_ns) {
        sl_list_add_tail(&w->put_off, &t->link);
    } else {
        insert(w, t);
    }
}

void sl_wheel_disarm(struct sl_wheel *w, struct sl_timer *t)
{
    if (sl_timer_is_armed(t))
        take_out(w, t);
}

/* Two sorted runs, linked by `next` and ended by NULL; of equals those of `a` come first. */
static struct sl_link *merge(struct sl_link *a, struct sl_link *b)
{
    struct sl_link merged, *tail = &merged;

    while (a != NULL && b != NULL) {
        struct sl_link **least = timer_of(b)->at_ns < timer_of(a)->at_ns ? &b : &a;

        tail = tail->next = *least;
        *least = tail->next;
    }
    tail->next = a != NULL ? a : b;
    return merged.next;
}

/* Merge sort, from the bottom up and stable: runs[n] is empty or holds 2^n entries. */
static void sort(struct sl_link *head)
{
    struct sl_link *runs[RUNS_MAX] = {NULL};
    struct sl_link *sorted = NULL, *rest = head->next;
    int i;

    if (rest == head)
        return;
    head->prev->next = NULL;
    sl_list_init(head);
    while (rest != NULL) {
        struct sl_link *run = rest;

        rest = run->next;
        run->next = NULL;
        for (i = 0; runs[i] != NULL; i++) {
            run = merge(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = run;
    }
    for (i = 0; i < RUNS_MAX; i++)
        sorted = merge(runs[i], sorted);
    while (sorted != NULL) {
        struct sl_link *next = sorted->next;

        sl_list_add_tail(head, sorted);
        sorted = next;
    }
}

/* The tick at which a slot's time begins. */
static uint64_t start_of(const struct sl_wheel *w, unsigned level, unsigned digit)
{
    const uint64_t above = ~UINT64_C(0) << (level * DIGIT_BITS) << DIGIT_BITS;

    return (w->tick & above) | (uint64_t)digit << (level * DIGIT_BITS);
}

/*
 * Move on to the earliest slot in use and deal its entries out: to lower levels, and to `due`,
 * which is empty. False, at `last`, when no slot begins by then.
 */
static bool open_next(struct sl_wheel *w, uint64_t last)
{
    if (w->levels_used != 0) {
        const unsigned level = (unsigned)__builtin_ctz(w->levels_used);
        const unsigned digit = (unsigned)__builtin_ctzll(w->levels[level].occupied);
        const uint64_t start = start_of(w, level, digit);

        if (start <= last) {
            struct sl_link *entries = &w->levels[level].slots[digit].entries, *link;

            w->tick = start;
            set_empty(w, level, digit);
            while ((link = sl_list_take(entries)) != NULL) {
                if (tick_of(timer_of(link)->at_ns) == start) {
                    sl_list_add_tail(&w->due, link);
                } else {
                    insert_slot(w, timer_of(link));
                }
            }
            sort(&w->due);
            return true;
        }
    }
    if (w->tick < last)
        w->tick = last;
    return false;
}

/* The next entry to fire, opening slots on the way; NULL when none is due. */
static struct sl_timer *next_due(struct sl_wheel *w, uint64_t now_ns)
{
    struct sl_timer *t;

    while (sl_list_empty(&w->due)) {
        if (!open_next(w, tick_of(now_ns)))
            return NULL;
    }
    t = timer_of(w->due.next);
    return t->at_ns <= now_ns ? t : NULL;
}

unsigned sl_wheel_advance(struct sl_wheel *w, uint64_t now_ns, unsigned budget,
                          void (*fire)(void *ctx, struct sl_timer *t), void *ctx)
{
    struct sl_link *link;
    struct sl_timer *t;
    unsigned n = 0;

    SL_INVARIANT(!w->is_firing);
    w->now_ns = now_ns;
    w->is_firing = true;
    while (n < budget && (t = next_due(w, now_ns)) != NULL) {
        sl_list_remove(&t->link);
        n++;
        fire(ctx, t);
    }
    w->is_firing = false;
    while ((link = sl_list_take(&w->put_off)) != NULL)
        insert(w, timer_of(link));
    return n;
}

static uint64_t min_of(const struct sl_link *head)
{
    uint64_t min_ns = SL_NEVER;
    struct sl_link *link;

    for (link = head->next; link != head; link = link->next) {
        if (timer_of(link)->at_ns < min_ns)
            min_ns = timer_of(link)->at_ns;
    }
    return min_ns;
}

static uint64_t min_of_earliest(const struct sl_wheel *w)
{
    struct level *level = &w->levels[__builtin_ctz(w->levels_used)];
    struct slot *slot = &level->slots[__builtin_ctzll(level->occupied)];

    if (slot->min_ns == 0)
        slot->min_ns = min_of(&slot->entries);
    return slot->min_ns;
}

uint64_t sl_wheel_next_ns(const struct sl_wheel *w)
{
    const uint64_t put_off_ns = min_of(&w->put_off);
    uint64_t next_ns = SL_NEVER;

    if (!sl_list_empty(&w->due)) {
        next_ns = timer_of(w->due.next)->at_ns;
    } else if (w->levels_used != 0) {
        next_ns = min_of_earliest(w);
    }
    return put_off_ns < next_ns ? put_off_ns : next_ns;
}
