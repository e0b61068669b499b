/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Charges the TSC cycles of a thread to the stages of the data path.
 *
 * The linker puts functions of meter.c between the floors of the stack and their callers (--wrap,
 * see meson.build), at calls that are made once a burst or once an iteration; the programs say the
 * rest by meter_begin(). Thus the stack is measured as it ships. Thread: each has a meter.
 */
#define METER_STAGES(X)        \
    X(CLOCK, "clock")          \
    X(RX, "rx")                \
    X(PARSE, "parse")          \
    X(LOOKUP, "flow look-up")  \
    X(INPUT, "tcp input")      \
    X(READ, "read frames")     \
    X(OPEN, "open")            \
    X(OPENED, "commit opened") \
    X(TIMERS, "timers")        \
    X(APP_READ, "app read")    \
    X(APP_WRITE, "app write")  \
    X(CUT, "cut frames")       \
    X(SEAL, "seal")            \
    X(SEALED, "commit sealed") \
    X(OUTPUT, "output")        \
    X(TX, "tx")                \
    X(LOOP, "loop and epoll")  \
    X(IDLE, "idle")

#define METER_ENUM(name, text) METER_##name,
enum meter_stage { METER_STAGES(METER_ENUM) METER_STAGE_COUNT };
#undef METER_ENUM

struct meter {
    uint64_t since;
    enum meter_stage stage;
    uint64_t turn[METER_STAGE_COUNT];   /* of this turn */
    uint64_t cycles[METER_STAGE_COUNT]; /* of all turns */
};

const char *meter_name(enum meter_stage stage);

/* The calling thread charges to `m` from now on. */
void meter_use(struct meter *m);

/* What has passed belongs to the stage that was, which is returned. */
enum meter_stage meter_begin(enum meter_stage next);

/* A turn ends; one in which nothing was done was idle. */
void meter_turn(bool did);
