/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/rto.h"

enum { BACKOFF_MAX = 63 };

/* `old` moved towards `now` by 1/`divisor` of what lies between them. */
static uint64_t smooth(uint64_t old, uint64_t now, uint64_t divisor)
{
    return now > old ? old + (now - old) / divisor : old - (old - now) / divisor;
}

static uint64_t clamp(uint64_t x, uint64_t low, uint64_t high)
{
    if (x < low)
        return low;
    return x > high ? high : x;
}

void sl_rto_init(struct sl_rto *r, const struct sl_rto_bounds *b)
{
    *r = (struct sl_rto){.rto_ns = b->initial_ns}; /* T6298-1 */
}

void sl_rto_sample(struct sl_rto *r, const struct sl_rto_bounds *b, uint64_t rtt_ns,
                   uint32_t samples_per_rtt)
{
    /* A round trip within one reading of the clock is a sample too; 0 would say "none". */
    const uint64_t rtt = clamp(rtt_ns, 1, UINT64_MAX / 8);
    const uint64_t n = samples_per_rtt > 0 ? samples_per_rtt : 1;
    uint64_t variance;

    if (r->srtt_ns == 0) { /* T6298-2 */
        r->srtt_ns = rtt;
        r->rttvar_ns = rtt / 2;
    } else { /* T6298-3, in this order; RFC 7323 appendix G divides both gains by n */
        const uint64_t error = rtt > r->srtt_ns ? rtt - r->srtt_ns : r->srtt_ns - rtt;

        r->rttvar_ns = smooth(r->rttvar_ns, error, 4 * n);
        r->srtt_ns = smooth(r->srtt_ns, rtt, 8 * n);
    }
    if (r->min_rtt_ns == 0 || rtt < r->min_rtt_ns)
        r->min_rtt_ns = rtt;
    variance = clamp(4 * r->rttvar_ns, b->granularity_ns, UINT64_MAX); /* T6298-8 */
    r->rto_ns = clamp(r->srtt_ns + variance, b->min_ns, b->max_ns);    /* T6298-4, -5 */
    r->backoff = 0;
}

void sl_rto_backoff(struct sl_rto *r)
{
    if (r->backoff < BACKOFF_MAX)
        r->backoff++;
}

uint64_t sl_rto_now(const struct sl_rto *r, const struct sl_rto_bounds *b)
{
    if (r->rto_ns > b->max_ns >> r->backoff)
        return b->max_ns;
    return r->rto_ns << r->backoff;
}
