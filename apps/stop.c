/* SPDX-License-Identifier: BSD-3-Clause */
#include "stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "cli.h"

static atomic_bool is_due;
static _Atomic(struct sl_shard *) shard;

static void on_signal(int number)
{
    struct sl_shard *s;

    (void)number;
    if (atomic_exchange(&is_due, true))
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
    return atomic_load(&is_due);
}
