/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "config/config.h"

/*
 * Threads for several shards of one program: the main thread starts them and looks after them.
 */
enum { TICK_MS = 100, LOOK_MS = 5, NS_PER_MS = 1000000 };

struct launch {
    int (*fn)(void *ctx, unsigned index);
    void *ctx;
    unsigned index, lcore;
};

static int launched(void *arg)
{
    const struct launch *l = arg;

    return l->fn(l->ctx, l->index);
}

static bool any_runs(const struct launch *l, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++) {
        if (rte_eal_get_lcore_state(l[i].lcore) != WAIT)
            return true;
    }
    return false;
}

static void await_all(const struct launch *l, unsigned n, void (*tick)(void *ctx), void *ctx)
{
    const struct timespec look = {.tv_nsec = (long)LOOK_MS * NS_PER_MS};
    unsigned passed_ms = 0;

    while (any_runs(l, n)) {
        (void)nanosleep(&look, NULL);
        passed_ms += LOOK_MS;
        if (passed_ms >= TICK_MS && tick != NULL) {
            passed_ms = 0;
            tick(ctx);
        }
    }
}

int sl_run_on_lcores(unsigned n, int (*fn)(void *ctx, unsigned index), void (*tick)(void *ctx),
                     void *ctx, char *err, size_t err_len)
{
    struct launch launches[SL_CONFIG_SHARDS_MAX];
    unsigned i, lcore = RTE_MAX_LCORE, started = 0;
    int rc = 0;

    if (n > SL_CONFIG_SHARDS_MAX || n + 1 > rte_lcore_count()) {
        (void)snprintf(err, err_len,
                       "%u lcores besides the main one are needed, %u are there; leave --lcores "
                       "and -l out of eal.arg",
                       n, rte_lcore_count() - 1);
        return -ENOSPC;
    }
    for (i = 0; i < n && rc == 0; i++) {
        lcore = rte_get_next_lcore(i == 0 ? (unsigned)-1 : lcore, 1, 0);
        launches[i] = (struct launch){fn, ctx, i, lcore};
        rc = rte_eal_remote_launch(launched, &launches[i], lcore);
        started += rc == 0;
    }
    await_all(launches, started, tick, ctx);
    for (i = 0; i < started; i++) {
        const int result = rte_eal_wait_lcore(launches[i].lcore);

        rc = rc != 0 ? rc : result;
    }
    return rc;
}
