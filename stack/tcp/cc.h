/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Congestion control: a small table of functions, named as events, all inputs passed. One file
 * for each algorithm (cc_newreno.c), chosen for each connection. What is retransmitted and when
 * belongs to ack.c and timers.c; how much may be in flight belongs here.
 *
 * State is plain data inside the TCB. Pure functions. Windows in bytes.
 */
struct sl_cc {
    uint32_t cwnd, ssthresh;
    uint32_t mss;
    uint64_t pacing_bytes_per_s; /* 0: not paced */
    uint64_t state[4];           /* the algorithm's own */
};

/* An acknowledgment of new data, and the delivery-rate sample that it gives. */
struct sl_cc_acked {
    uint64_t now_ns;
    uint32_t bytes;     /* newly acknowledged, cumulatively or by SACK */
    uint32_t in_flight; /* before this acknowledgment */
    uint64_t rtt_ns;    /* 0: no sample */
    uint64_t srtt_ns, min_rtt_ns;
    uint64_t delivered_bytes, interval_ns; /* delivery-rate sample; interval 0: none */
    uint32_t ce_bytes;                     /* of `bytes`, those echoed as CE-marked */
    bool app_limited;  /* the sample was taken while the application had too little to send */
    bool cwnd_limited; /* cwnd was the limit in the last round */
    bool in_recovery;
    bool after_rto; /* slow start after a time-out (T3465-2) */
};

enum sl_cc_signal { SL_CC_FAST_RETRANSMIT, SL_CC_RTO, SL_CC_ECN };

struct sl_cc_lost {
    uint64_t now_ns;
    enum sl_cc_signal signal;
    uint32_t flight_bytes; /* FlightSize (T5681-10) */
    bool repeated;         /* RTO of a segment that had timed out before (T5681-8) */
};

struct sl_cc_ops {
    const char *name;
    void (*init)(struct sl_cc *cc, uint32_t mss, uint32_t initial_window);
    void (*acked)(struct sl_cc *cc, const struct sl_cc_acked *e);
    void (*lost)(struct sl_cc *cc, const struct sl_cc_lost *e);
    void (*recovered)(struct sl_cc *cc, uint32_t flight_bytes, uint64_t now_ns);
    void (*sent)(struct sl_cc *cc, uint64_t now_ns, uint32_t bytes, uint32_t in_flight);
    void (*idle)(struct sl_cc *cc, uint64_t idle_ns, uint64_t rto_ns, uint32_t initial_window);
    void (*mss_changed)(struct sl_cc *cc, uint32_t mss); /* T5681-22 */
};

extern const struct sl_cc_ops sl_cc_newreno; /* RFC 5681, 3465; recovery by RFC 6582 in ack.c */

/* By name, NULL when unknown; and the table that TCBs index. */
const struct sl_cc_ops *sl_cc_find(const char *name, uint8_t *index);
const struct sl_cc_ops *sl_cc_at(uint8_t index);
