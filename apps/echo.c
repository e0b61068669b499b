/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "commands.h"
#include "host.h"
#include "report.h"
#include "stop.h"

/*
 * sealane echo: what arrives goes back, on many connections. A connection whose peer does not
 * read holds at most one chunk here; meanwhile nothing more is read from it, so that TCP's window
 * closes. Likewise who does not read the lines about connections: while there are many of them no
 * connection is accepted, and those that are open go on.
 */
enum {
    CHUNK_BYTES = 64 << 10,
    BACKLOG = 1024,
    EVENTS = 64,
    ROUNDS = 4, /* chunks of one connection before the others have their turn */
    LOOK_MS = 1 /* how often connections are asked whether they are finished, and lines printed */
};

TAILQ_HEAD(conns, conn);

struct conn {
    TAILQ_ENTRY(conn) link;
    struct conns *among; /* echo.open, or echo.closing once our side is shut */
    int fd;
    uint32_t interest; /* of epoll */
    bool eof;          /* nothing more is read */
    uint8_t *held;     /* read, not sent; NULL: nothing */
    size_t held_at, held_len;
    struct report report;
};

struct echo {
    struct host host;
    const struct cli *cli;
    struct lines lines;
    int epoll, listener;
    bool accepts;
    struct conns open, closing;
    uint8_t chunk[CHUNK_BYTES];
};

/* Tell of it, and let go. `error`: what sl_conn_info() does not know; NULL: what it knows. */
static void finish(struct echo *e, struct conn *c, const char *error)
{
    (void)sl_conn_info(c->fd, &c->report.info);
    if (c->report.info.error == NULL)
        c->report.error = error;
    report_connection(&e->lines, e->cli->json, &c->report);
    TAILQ_REMOVE(c->among, c, link);
    (void)sl_close(c->fd);
    free(c->held);
    free(c);
}

/* The other end hears of it by a reset. */
static void abandon(struct echo *e, struct conn *c, const char *error)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)sl_setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    finish(e, c, error);
}

static void want(const struct echo *e, struct conn *c, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = c};

    if (interest == c->interest)
        return;
    if (sl_epoll_ctl(e->epoll, EPOLL_CTL_MOD, c->fd, &event) == 0)
        c->interest = interest;
}

static void move(struct conn *c, struct conns *to)
{
    if (c->among != NULL)
        TAILQ_REMOVE(c->among, c, link);
    TAILQ_INSERT_TAIL(to, c, link);
    c->among = to;
}

static void accept_all(struct echo *e)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct conn *c;
    int fd;

    while (!lines_are_many(&e->lines) && (fd = sl_accept(e->listener, NULL, NULL)) >= 0) {
        if ((c = calloc(1, sizeof(*c))) == NULL) {
            (void)sl_close(fd);
            continue;
        }
        c->fd = fd;
        c->interest = event.events;
        event.data.ptr = c;
        move(c, &e->open);
        if (sl_epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            abandon(e, c, "reset");
    }
}

/* Keep what the connection did not take. */
static bool hold(struct conn *c, const uint8_t *bytes, size_t len)
{
    if ((c->held = malloc(CHUNK_BYTES)) == NULL)
        return false;
    memcpy(c->held, bytes, len);
    c->held_at = 0;
    c->held_len = len;
    return true;
}

/* Send; 0 when the buffer is full. False: the connection is over. */
static bool send_some(struct conn *c, const uint8_t *bytes, size_t len, size_t *sent)
{
    const ssize_t n = sl_send(c->fd, bytes, len, 0);

    *sent = n > 0 ? (size_t)n : 0;
    c->report.bytes_out += *sent;
    return n >= 0 || errno == EAGAIN;
}

/* False: the connection is over. */
static bool send_held(struct conn *c)
{
    size_t sent;

    if (c->held == NULL)
        return true;
    if (!send_some(c, c->held + c->held_at, c->held_len - c->held_at, &sent))
        return false;
    c->held_at += sent;
    if (c->held_at == c->held_len) {
        free(c->held);
        c->held = NULL;
    }
    return true;
}

enum turn { AGAIN, LATER, OVER };

static enum turn echo_chunk(struct echo *e, struct conn *c)
{
    const ssize_t n = sl_recv(c->fd, e->chunk, sizeof(e->chunk), 0);
    size_t sent;

    if (n < 0)
        return errno == EAGAIN ? LATER : OVER;
    if (n == 0) {
        c->eof = true;
        return LATER;
    }
    c->report.bytes_in += (uint64_t)n;
    if (!send_some(c, e->chunk, (size_t)n, &sent))
        return OVER;
    if (sent == (size_t)n)
        return AGAIN;
    return hold(c, e->chunk + sent, (size_t)n - sent) ? LATER : OVER;
}

/* All is echoed and nothing more comes: our FIN, and wait for the end. */
static void close_our_side(struct echo *e, struct conn *c)
{
    (void)sl_shutdown(c->fd, SHUT_WR);
    (void)sl_epoll_ctl(e->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    move(c, &e->closing);
}

static void serve(struct echo *e, struct conn *c)
{
    enum turn turn = send_held(c) ? AGAIN : OVER;
    int i;

    for (i = 0; i < ROUNDS && turn == AGAIN && c->held == NULL && !c->eof; i++)
        turn = echo_chunk(e, c);
    if (turn == OVER)
        abandon(e, c, "reset");
    else if (c->held != NULL)
        want(e, c, EPOLLOUT);
    else if (c->eof)
        close_our_side(e, c);
    else
        want(e, c, EPOLLIN);
}

/* After a signal the peer may still send; what nobody echoes is read away, so that FINs get by. */
static void look_at_closing(struct echo *e)
{
    struct conn *c, *next;

    for (c = TAILQ_FIRST(&e->closing); c != NULL; c = next) {
        struct sl_conn_info info;

        next = TAILQ_NEXT(c, link);
        while (sl_recv(c->fd, e->chunk, sizeof(e->chunk), 0) > 0)
            continue;
        if (sl_conn_info(c->fd, &info) < 0 || info.error != NULL || info.finished)
            finish(e, c, NULL);
    }
}

/* Print what can be printed. The listener is heard unless too many lines are left. */
static void print(struct echo *e)
{
    struct epoll_event event = {.events = 0, .data.ptr = NULL};
    bool accepts;

    lines_flush(&e->lines);
    accepts = !lines_are_many(&e->lines);
    event.events = accepts ? EPOLLIN : 0;
    if (accepts != e->accepts && sl_epoll_ctl(e->epoll, EPOLL_CTL_MOD, e->listener, &event) == 0)
        e->accepts = accepts;
}

static void run(struct echo *e)
{
    struct epoll_event events[EVENTS];
    int i, n;

    while (!stop_is_due()) {
        const bool is_quiet = TAILQ_EMPTY(&e->closing) && e->lines.n_waiting == 0;

        n = sl_epoll_wait(e->epoll, events, EVENTS, is_quiet ? -1 : LOOK_MS);
        for (i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(e);
            else
                serve(e, events[i].data.ptr);
        }
        look_at_closing(e);
        print(e);
    }
}

/* Every connection gets its FIN behind what was read before; peers have some time for theirs. */
static void close_in_order(struct echo *e)
{
    const uint64_t end_ms = stop_due_ms() + STOP_LINGER_MS;
    struct epoll_event events[EVENTS];
    struct conn *c, *next;

    (void)sl_close(e->listener);
    while ((!TAILQ_EMPTY(&e->open) || !TAILQ_EMPTY(&e->closing)) && stop_now_ms() < end_ms) {
        for (c = TAILQ_FIRST(&e->open); c != NULL; c = next) {
            next = TAILQ_NEXT(c, link);
            c->eof = true;
            serve(e, c);
        }
        look_at_closing(e);
        lines_flush(&e->lines);
        (void)sl_epoll_wait(e->epoll, events, EVENTS, LOOK_MS);
    }
    /* The analyser does not see that finish() took the freed ones off the list. */
    while ((c = TAILQ_FIRST(&e->open)) != NULL) /* NOLINT(clang-analyzer-unix.Malloc) */
        move(c, &e->closing);
    for (c = TAILQ_FIRST(&e->closing); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        abandon(e, c, "timeout");
    }
}

int command_echo(int argc, char **argv)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    struct echo *e;
    struct cli cli;
    int status;

    if ((status = cli_read(&cli, CLI_ECHO, argc, argv)) >= 0)
        return status;
    if ((e = calloc(1, sizeof(*e))) == NULL)
        return EXIT_FAILED;
    e->cli = &cli;
    e->accepts = true;
    lines_init(&e->lines, CLI_ECHO, cli.json ? STDOUT_FILENO : STDERR_FILENO);
    TAILQ_INIT(&e->open);
    TAILQ_INIT(&e->closing);
    if ((status = host_start(&e->host, &cli)) >= 0) {
        free(e);
        return status;
    }
    status = EXIT_OK;
    if ((e->listener = host_listen(&e->host, cli.listen, BACKLOG)) < 0 ||
        (e->epoll = sl_epoll_create1(0)) < 0 ||
        sl_epoll_ctl(e->epoll, EPOLL_CTL_ADD, e->listener, &event) < 0) {
        cli_complain(CLI_ECHO, "port %u: %s", cli.listen, strerror(errno));
        status = EXIT_FAILED;
    } else {
        run(e);
        close_in_order(e);
    }
    if (!host_end(&e->host, &cli, &e->lines) && cli.json)
        status = EXIT_FAILED;
    free(e);
    return status;
}
