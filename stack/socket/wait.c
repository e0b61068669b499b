/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/wait.h"

#include <errno.h>

#include "base/wheel.h"

static uint64_t end_of(const struct sl_shard *s, int timeout_ms)
{
    return timeout_ms < 0 ? SL_NEVER : s->now_ns + (uint64_t)timeout_ms * 1000000;
}

static bool was_woken(struct sl_shard *s)
{
    return atomic_load_explicit(&s->wake, memory_order_relaxed) &&
           atomic_exchange_explicit(&s->wake, false, memory_order_relaxed);
}

/* The application comes from its work: first what it wrote goes out, then the world is asked. */
int sl_wait(struct sl_shard *s, int (*collect)(void *ctx), void *ctx, int timeout_ms)
{
    uint64_t end_ns;
    int n;

    if (s->is_running)
        return timeout_ms == 0 ? collect(ctx) : -EDEADLK;
    sl_shard_clock(s);
    end_ns = end_of(s, timeout_ms);
    (void)sl_shard_after_app(s);
    for (;;) {
        bool did = sl_shard_before_app(s);

        if ((n = collect(ctx)) != 0)
            break;
        if (was_woken(s)) {
            n = -EINTR;
            break;
        }
        if (s->now_ns >= end_ns)
            break;
        did |= sl_shard_after_app(s);
        if (!did)
            sl_shard_idle(s, end_ns);
        sl_shard_clock(s);
    }
    s->left_ns = s->now_ns;
    return n;
}
