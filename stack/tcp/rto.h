/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Retransmission time-out: RFC 6298 with reading D18. Pure arithmetic; timers.c owns the timer,
 * ack.c decides which samples count (Karn, T6298-6, T7323-22).
 */
struct sl_rto {
    uint64_t srtt_ns, rttvar_ns; /* 0: no sample yet */
    uint64_t rto_ns;             /* without back-off, within the bounds */
    uint64_t min_rtt_ns;         /* lowest sample; 0: none */
    uint8_t backoff;             /* doublings since the last progress */
};

struct sl_rto_bounds {
    uint64_t initial_ns, min_ns, max_ns, granularity_ns;
};

void sl_rto_init(struct sl_rto *r, const struct sl_rto_bounds *b);

/* `samples_per_rtt` (at least 1) scales the gains (T7323-24). Ends the back-off. */
void sl_rto_sample(struct sl_rto *r, const struct sl_rto_bounds *b, uint64_t rtt_ns,
                   uint32_t samples_per_rtt);

void sl_rto_backoff(struct sl_rto *r);

/* The time-out with back-off, at most b->max_ns. */
uint64_t sl_rto_now(const struct sl_rto *r, const struct sl_rto_bounds *b);
