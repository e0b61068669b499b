/* SPDX-License-Identifier: BSD-3-Clause */
#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stop.h"

enum { LOOK_MS = 50 }; /* how long a signal may go unnoticed */

struct line {
    STAILQ_ENTRY(line) link;
    size_t at, len; /* `at`: that much is written */
    char text[];
};

void lines_init(struct lines *l, enum cli_command command, int fd)
{
    *l = (struct lines){.command = command, .fd = fd};
    STAILQ_INIT(&l->waiting);
}

static void drop_first(struct lines *l)
{
    struct line *line = STAILQ_FIRST(&l->waiting);

    STAILQ_REMOVE_HEAD(&l->waiting, link);
    l->n_waiting--;
    free(line);
}

static void fail(struct lines *l, const char *why)
{
    while (!STAILQ_EMPTY(&l->waiting))
        drop_first(l);
    if (!l->has_failed)
        cli_complain(l->command, "standard %s: %s", l->fd == STDOUT_FILENO ? "output" : "error",
                     why);
    l->has_failed = true;
}

/* A pipe that says it is writable takes PIPE_BUF bytes without blocking, so it takes a line. */
static bool is_ready(const struct lines *l, int timeout_ms)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};

    return poll(&p, 1, timeout_ms) > 0; /* an error is found by the call that follows */
}

void lines_flush(struct lines *l)
{
    while (!STAILQ_EMPTY(&l->waiting) && is_ready(l, 0)) {
        struct line *line = STAILQ_FIRST(&l->waiting);
        const ssize_t n = write(l->fd, line->text + line->at, line->len - line->at);

        if (n < 0 && errno != EINTR && errno != EAGAIN)
            fail(l, strerror(errno));
        if (n <= 0)
            return;
        l->moved_ms = stop_now_ms();
        line->at += (size_t)n;
        if (line->at == line->len)
            drop_first(l);
    }
}

void lines_add(struct lines *l, const char *text)
{
    const size_t len = text != NULL ? strlen(text) : 0;
    struct line *line;

    if (l->has_failed)
        return;
    if (text == NULL || (line = malloc(sizeof(*line) + len + 1)) == NULL) {
        fail(l, strerror(ENOMEM));
        return;
    }
    line->at = 0;
    line->len = len + 1;
    memcpy(line->text, text, len);
    line->text[len] = '\n';
    STAILQ_INSERT_TAIL(&l->waiting, line, link);
    l->n_waiting++;
    lines_flush(l);
}

bool lines_are_many(const struct lines *l)
{
    return l->n_waiting >= LINES_MANY;
}

static bool is_late(const struct lines *l)
{
    const uint64_t stop_ms = stop_due_ms();
    const uint64_t since_ms = l->moved_ms > stop_ms ? l->moved_ms : stop_ms;

    return stop_ms != 0 && stop_now_ms() >= since_ms + STOP_LINGER_MS;
}

bool lines_end(struct lines *l)
{
    for (;;) {
        lines_flush(l);
        if (STAILQ_EMPTY(&l->waiting))
            return !l->has_failed;
        if (is_late(l))
            fail(l, "nobody reads it");
        else
            (void)is_ready(l, LOOK_MS);
    }
}
