/* SPDX-License-Identifier: BSD-3-Clause */
#include "stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static atomic_uint_least64_t due_ms; /* 0: not yet */
static _Atomic(struct sl_shard *) shard;

uint64_t stop_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_signal(int number)
{
    struct sl_shard *s;

    (void)number;
    if (atomic_exchange(&due_ms, stop_now_ms()) != 0)
        _exit(EXIT_STOPPED);
    if ((s = atomic_load(&shard)) != NULL)
        sl_shard_wake(s);
}

void stop_watch(struct sl_shard *s)
{
    struct sigaction action = {.sa_handler = on_signal};

    atomic_store(&shard, s);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

void stop_forget(void)
{
    atomic_store(&shard, NULL);
}

bool stop_is_due(void)
{
    return stop_due_ms() != 0;
}

uint64_t stop_due_ms(void)
{
    return atomic_load(&due_ms);
}
