/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/invariant.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/random.h"
#include "base/wheel.h"

Test(invariant, that_holds_does_nothing)
{
    SL_INVARIANT(1 + 1 == 2);
}

Test(invariant, that_is_broken_aborts, .signal = SIGABRT)
{
    SL_INVARIANT(1 + 1 == 3);
}

Test(fault, fails_the_nth_evaluation_and_no_other)
{
    for (int nth = 1; nth <= 5; nth++) {
        sl_fault_arm("pool", (unsigned)nth);
        for (int i = 1; i <= 10; i++) {
            cr_expect_not(SL_FAULT(other));
            cr_expect_eq(SL_FAULT(pool), i == nth, "evaluation %d", i);
        }
    }
}

Test(fault, counts_each_name_for_itself)
{
    sl_fault_arm("a", 2);
    sl_fault_arm("b", 1);
    cr_expect(!SL_FAULT(a));
    cr_expect(SL_FAULT(b));
    cr_expect(SL_FAULT(a));
    cr_expect(!SL_FAULT(b));
}

Test(fault, can_be_armed_anew_and_switched_off)
{
    sl_fault_arm("a", 2);
    sl_fault_arm("a", 1);
    cr_expect(SL_FAULT(a));
    sl_fault_arm("a", 1);
    sl_fault_arm("a", 0);
    for (int i = 0; i < 10; i++)
        cr_expect_not(SL_FAULT(a));
}

Test(fault, finds_room_for_names_though_many_were_used)
{
    for (int i = 0; i < 1000; i++) {
        char name[24];

        (void)snprintf(name, sizeof(name), "fault%d", i);
        sl_fault_arm(name, 1);
        cr_assert(sl_fault_hit(name));
        cr_assert_not(sl_fault_hit(name));
    }
}

static int hits_of(unsigned ppm, unsigned long seed)
{
    int hits = 0;

    sl_fault_random(ppm, seed);
    for (int i = 0; i < 100000; i++)
        hits += SL_FAULT(any);
    return hits;
}

Test(fault, random_hits_as_often_as_asked_and_repeats_with_its_seed)
{
    const int hits = hits_of(20000, 1);

    cr_expect(hits > 1800 && hits < 2200, "2,000 expected, deviation 44: %d", hits);
    cr_expect_eq(hits_of(20000, 1), hits);
    cr_expect_eq(hits_of(1000000, 3), 100000);
    cr_expect_eq(hits_of(0, 1), 0);
}

Test(fault, reaches_what_may_run_out)
{
    struct sl_random_seeded seeded;
    struct sl_random *sources[] = {sl_random_system(), sl_random_seed(&seeded, 1)};
    struct sl_arena *a = sl_arena_create(1);
    sl_secret s;

    for (int i = 0; i < 2; i++) {
        uint8_t out[4] = {1, 2, 3, 4};

        sl_fault_arm("random_fill", 1);
        cr_expect_not(sl_random_fill(sources[i], out, sizeof(out)));
        cr_expect(out[0] == 0 && out[1] == 0 && out[2] == 0 && out[3] == 0, "R13, R60");
        cr_expect(sl_random_fill(sources[i], out, sizeof(out)));
    }
    sl_fault_arm("arena_take", 1);
    cr_expect_eq(sl_arena_take(a), 0);
    cr_expect_eq(sl_arena_used(a), 0);
    cr_expect_neq(s = sl_arena_take(a), 0);
    sl_arena_destroy(a);

    sl_fault_arm("arena_create", 1);
    cr_expect_null(sl_arena_create(1));
    sl_fault_arm("wheel_create", 1);
    cr_expect_null(sl_wheel_create(0));
}
