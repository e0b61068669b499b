/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/bucket.h"

#include <rte_common.h>

static const uint64_t step_ms = 100, full_ms = 10000, ms_ns = 1000000;

enum { TOKEN_MILLI = 1000 };

void sl_bucket_init(struct sl_bucket *b, uint32_t per_second, uint64_t now_ns)
{
    const uint32_t burst = per_second > 1 ? per_second / 2 : per_second;

    *b = (struct sl_bucket){now_ns, (uint64_t)burst * TOKEN_MILLI, per_second, burst};
}

/* One draw a step, never one a packet: the mean of many small draws would give the rate away. */
static void refill(struct sl_bucket *b, struct sl_random *random, uint64_t now_ns)
{
    const uint64_t elapsed_ms = RTE_MIN((now_ns - b->refilled_ns) / ms_ns, full_ms);
    const uint64_t mean_milli = b->per_second * elapsed_ms;

    if (elapsed_ms < step_ms)
        return;
    b->tokens_milli = RTE_MIN(b->tokens_milli + sl_random_below(random, 2 * mean_milli + 1),
                              (uint64_t)b->burst * TOKEN_MILLI);
    b->refilled_ns = now_ns;
}

bool sl_bucket_take(struct sl_bucket *b, struct sl_random *random, uint64_t now_ns)
{
    refill(b, random, now_ns);
    if (b->tokens_milli < TOKEN_MILLI)
        return false;
    b->tokens_milli -= TOKEN_MILLI;
    return true;
}
