/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/invariant.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SL_CHECKED

/* Armed by the test's thread before others run; evaluations may come from any thread. */
enum { ARMED_MAX = 16, NAME_MAX_BYTES = 64 };

static struct armed {
    char name[NAME_MAX_BYTES];
    atomic_uint left; /* evaluations until the one that fails; 0: off */
} armed[ARMED_MAX];

static atomic_uint random_ppm;
static atomic_uint_fast64_t random_state;

_Noreturn void sl_invariant_failed(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "sealane: %s:%d: invariant failed: %s\n", file, line, what);
    abort();
}

static struct armed *find(const char *name)
{
    struct armed *unused = NULL;
    size_t i;

    for (i = 0; i < ARMED_MAX; i++) {
        if (strcmp(armed[i].name, name) == 0)
            return &armed[i];
        if (unused == NULL && atomic_load(&armed[i].left) == 0)
            unused = &armed[i];
    }
    return unused;
}

void sl_fault_arm(const char *name, unsigned nth)
{
    struct armed *a = find(name);

    SL_INVARIANT(a != NULL && strlen(name) < NAME_MAX_BYTES);
    (void)snprintf(a->name, sizeof(a->name), "%s", name);
    atomic_store(&a->left, nth);
}

void sl_fault_random(unsigned ppm, unsigned long seed)
{
    atomic_store(&random_state, seed);
    atomic_store(&random_ppm, ppm);
}

/* Counts down at most once a call, whoever else does; true for the one that reaches zero. */
static bool count_down(atomic_uint *left)
{
    unsigned n = atomic_load(left);

    while (n > 0) {
        if (atomic_compare_exchange_weak(left, &n, n - 1))
            return n == 1;
    }
    return false;
}

/* SplitMix64: its state is a counter, so that threads can share it without a lock. */
static bool draw(unsigned ppm)
{
    const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = atomic_fetch_add(&random_state, step) + step;

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z % 1000000 < ppm;
}

bool sl_fault_hit(const char *name)
{
    const unsigned ppm = atomic_load(&random_ppm);
    size_t i;

    for (i = 0; i < ARMED_MAX; i++) {
        if (atomic_load(&armed[i].left) > 0 && strcmp(armed[i].name, name) == 0 &&
            count_down(&armed[i].left))
            return true;
    }
    return ppm > 0 && draw(ppm);
}

#endif
