/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "cli.h"

/*
 * Lines on standard output or standard error, from a thread that drives a shard and may not wait
 * for who reads them: each goes out once the descriptor takes it, in order. Until then it is kept;
 * a program that sees lines_are_many() takes on nothing new, so that they stay bounded and none is
 * lost. The descriptor may be blocking, since its flags are shared with other processes.
 *
 * What cannot be written at all is told once on standard error, and what follows is let go.
 * Thread: the main one.
 */
enum { LINES_MANY = 1024 };

struct line;

struct lines {
    enum cli_command command;
    int fd;
    STAILQ_HEAD(, line) waiting;
    size_t n_waiting;
    uint64_t moved_ms; /* when the descriptor last took something */
    bool has_failed;
};

/* `fd`: 1 or 2. */
void lines_init(struct lines *l, enum cli_command command, int fd);

/* Copies `text`, which is shorter than PIPE_BUF and has no line end. NULL: there was no memory. */
void lines_add(struct lines *l, const char *text);

/* As much as is taken now. */
void lines_flush(struct lines *l);

bool lines_are_many(const struct lines *l);

/*
 * Waits until all is out; after a signal only while something moves, or STOP_LINGER_MS from it on.
 * False: not everything that was added could be written, which was told.
 */
bool lines_end(struct lines *l);
