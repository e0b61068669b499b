/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The operator's log: start, stop, configuration. Packets are counted, not logged; what a peer
 * can cause goes through sl_log_limited(). Nothing here ever gets a secret.
 * Thread: any; a line is written with one call.
 */
enum sl_log_level { SL_LOG_ERROR, SL_LOG_WARNING, SL_LOG_INFO, SL_LOG_DEBUG };

/* Where lines go, standard error by default; `sink` NULL brings that back. */
void sl_log_sink(void (*sink)(void *ctx, enum sl_log_level level, const char *line), void *ctx);
void sl_log_set_level(enum sl_log_level most);

void sl_log(enum sl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line a second for each call site; says how many were left out. Zero-initialise it. */
struct sl_log_limit {
    uint64_t next_ns;
    uint64_t left_out;
};

void sl_log_limited(struct sl_log_limit *limit, uint64_t now_ns, enum sl_log_level level,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
