/* SPDX-License-Identifier: BSD-3-Clause */
#include "meter.h"

#include <string.h>

#include <rte_cycles.h>

#define METER_NAME(name, text) text,
static const char *const names[METER_STAGE_COUNT] = {METER_STAGES(METER_NAME)};
#undef METER_NAME

static struct meter nobodys;
static _Thread_local struct meter *meter = &nobodys;

const char *meter_name(enum meter_stage stage)
{
    return names[stage];
}

enum meter_stage meter_begin(enum meter_stage next)
{
    const uint64_t now = rte_rdtsc();
    const enum meter_stage last = meter->stage;

    meter->turn[last] += now - meter->since;
    meter->since = now;
    meter->stage = next;
    return last;
}

void meter_use(struct meter *m)
{
    meter = m;
    meter->since = rte_rdtsc();
    meter->stage = METER_LOOP;
}

void meter_turn(bool did)
{
    unsigned i;

    (void)meter_begin(METER_LOOP);
    for (i = 0; i < METER_STAGE_COUNT; i++)
        meter->cycles[did ? i : METER_IDLE] += meter->turn[i];
    memset(meter->turn, 0, sizeof(meter->turn));
}

/* ---- between the floors ---------------------------------------------------------------------- */

/* Names that the linker makes of those of the stack; their types, as opaque as they are here. */
#define REAL(name) __asm__("__real_" #name)
#define WRAP(name) __asm__("__wrap_" #name)

struct flows;
struct segment;
struct tcb;
struct tcp;
struct jobs;
struct job;
struct queue;
struct io;
struct counters;

void real_find(const struct flows *f, const struct segment *s, unsigned n, struct tcb **t)
    REAL(sl_flows_find_burst);
void wrap_find(const struct flows *f, const struct segment *s, unsigned n, struct tcb **t)
    WRAP(sl_flows_find_burst);
void real_read(struct tcp *t, uint64_t now_ns) REAL(sl_tcp_read_frames);
void wrap_read(struct tcp *t, uint64_t now_ns) WRAP(sl_tcp_read_frames);
void real_cut(struct tcp *t, uint64_t now_ns) REAL(sl_tcp_cut_frames);
void wrap_cut(struct tcp *t, uint64_t now_ns) WRAP(sl_tcp_cut_frames);
unsigned real_run(struct jobs *j, struct job **done, uint64_t now_ns) REAL(sl_jobs_run);
unsigned wrap_run(struct jobs *j, struct job **done, uint64_t now_ns) WRAP(sl_jobs_run);
void real_timers(struct tcp *t, unsigned n, uint64_t now_ns) REAL(sl_tcp_timers);
void wrap_timers(struct tcp *t, unsigned n, uint64_t now_ns) WRAP(sl_tcp_timers);
void real_output(struct tcp *t, uint64_t now_ns) REAL(sl_tcp_output);
void wrap_output(struct tcp *t, uint64_t now_ns) WRAP(sl_tcp_output);
uint32_t real_flush(struct queue *q, const struct io *io, uint16_t port, struct counters *c,
                    uint64_t now_ns) REAL(sl_txq_flush);
uint32_t wrap_flush(struct queue *q, const struct io *io, uint16_t port, struct counters *c,
                    uint64_t now_ns) WRAP(sl_txq_flush);

void wrap_find(const struct flows *f, const struct segment *s, unsigned n, struct tcb **t)
{
    (void)meter_begin(METER_LOOKUP);
    real_find(f, s, n, t);
    (void)meter_begin(METER_INPUT);
}

void wrap_read(struct tcp *t, uint64_t now_ns)
{
    (void)meter_begin(METER_READ);
    real_read(t, now_ns);
}

void wrap_cut(struct tcp *t, uint64_t now_ns)
{
    (void)meter_begin(METER_CUT);
    real_cut(t, now_ns);
}

/* Before the application jobs open, behind it they seal. */
unsigned wrap_run(struct jobs *j, struct job **done, uint64_t now_ns)
{
    const bool seals = meter->stage == METER_CUT;
    unsigned n;

    (void)meter_begin(seals ? METER_SEAL : METER_OPEN);
    n = real_run(j, done, now_ns);
    (void)meter_begin(seals ? METER_SEALED : METER_OPENED);
    return n;
}

void wrap_timers(struct tcp *t, unsigned n, uint64_t now_ns)
{
    (void)meter_begin(METER_TIMERS);
    real_timers(t, n, now_ns);
    (void)meter_begin(METER_LOOP);
}

void wrap_output(struct tcp *t, uint64_t now_ns)
{
    (void)meter_begin(METER_OUTPUT);
    real_output(t, now_ns);
    (void)meter_begin(METER_LOOP);
}

uint32_t wrap_flush(struct queue *q, const struct io *io, uint16_t port, struct counters *c,
                    uint64_t now_ns)
{
    const enum meter_stage last = meter_begin(METER_TX);
    const uint32_t sent = real_flush(q, io, port, c, now_ns);

    (void)meter_begin(last);
    return sent;
}
