/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "host.h"
#include "report.h"
#include "stop.h"

/*
 * sealane cat: standard input to a connection, the connection to standard output.
 *
 * Both are the kernel's descriptors, and blocking, since their flags are not ours to change: other
 * processes share them. So each is asked with poll() first and never given more than it takes. One
 * chunk is held each way; while it is not gone nothing more is read from that side.
 */
enum {
    CHUNK_BYTES = 256 << 10,
    IDLE_MS = 1,
    CONNECT_MS = 20000,  /* how long it tries */
    RETRY_MS = 200,      /* after an attempt that ended sooner */
    RESOLVE_MS = 5000,   /* a next hop that is there has answered by then */
    TIME_WAIT_MS = 1000, /* for a peer that did not hear our last ACK */
    RESCUE_MS = 2000     /* for a reader that has stopped reading what came before an error */
};

struct chunk {
    uint8_t bytes[CHUNK_BYTES];
    size_t at, len;
};

struct cat {
    struct host host;
    const struct cli *cli;
    struct lines lines;
    int epoll, fd; /* fd -1: no connection */
    uint32_t interest;
    struct chunk up, down; /* from standard input; to standard output */
    bool input_ended, is_shut, peer_ended, output_closed, output_broken;
    bool shut_first;     /* our FIN went before the peer's came: we have TIME-WAIT */
    bool output_is_file; /* takes any amount */
    const char *error;   /* a stable word; NULL: none */
    struct report report;
};

/* ---- the kernel's side ---------------------------------------------------------------------- */

static bool is_ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, 0) > 0; /* an error is found by the call that follows */
}

/* True: something was done. */
static bool read_input(struct cat *c)
{
    ssize_t n;

    if (c->input_ended || c->up.len > 0 || !is_ready(STDIN_FILENO, POLLIN))
        return false;
    n = read(STDIN_FILENO, c->up.bytes, sizeof(c->up.bytes));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    if (n < 0 && errno != EBADF) { /* closed from the start is an end, this is a loss */
        cli_complain(CLI_CAT, "standard input: %s", strerror(errno));
        c->error = "reset";
        return true;
    }
    c->input_ended = n <= 0;
    c->up.at = 0;
    c->up.len = n > 0 ? (size_t)n : 0;
    return true;
}

/* The reader of a pipe hears of the end now, not when this process ends. */
static void close_output(struct cat *c)
{
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    c->output_closed = true;
    if (null >= 0) {
        (void)dup2(null, STDOUT_FILENO);
        (void)close(null);
    }
}

/* A pipe that says it is writable takes PIPE_BUF bytes without blocking, and maybe no more. */
static bool write_output(struct cat *c)
{
    struct chunk *down = &c->down;
    size_t len = down->len;
    ssize_t n;

    if (len == 0 || !is_ready(STDOUT_FILENO, POLLOUT))
        return false;
    if (!c->output_is_file && len > PIPE_BUF)
        len = PIPE_BUF;
    n = write(STDOUT_FILENO, down->bytes + down->at, len);
    if (n < 0) {
        if (errno == EINTR || errno == EAGAIN)
            return false;
        cli_complain(CLI_CAT, "standard output: %s", strerror(errno));
        c->error = "reset";
        c->output_broken = true;
        return true;
    }
    down->at += (size_t)n;
    down->len -= (size_t)n;
    return true;
}

/* ---- the connection's side ------------------------------------------------------------------ */

/* The connection says itself why it is over. */
static void fail(struct cat *c, const char *otherwise)
{
    struct sl_conn_info info;

    if (sl_conn_info(c->fd, &info) == 0 && info.error != NULL)
        otherwise = info.error;
    c->error = otherwise;
}

static bool send_up(struct cat *c)
{
    ssize_t n;

    if (c->up.len == 0)
        return false;
    if ((n = sl_send(c->fd, c->up.bytes + c->up.at, c->up.len, 0)) < 0) {
        if (errno != EAGAIN)
            fail(c, "reset");
        return errno != EAGAIN;
    }
    c->up.at += (size_t)n;
    c->up.len -= (size_t)n;
    c->report.bytes_out += (uint64_t)n;
    return n > 0;
}

static bool shut_up(struct cat *c)
{
    if (c->is_shut || !c->input_ended || c->up.len > 0)
        return false;
    if (sl_shutdown(c->fd, SHUT_WR) < 0)
        fail(c, "reset");
    c->is_shut = true;
    c->shut_first = !c->peer_ended;
    return true;
}

static bool receive_down(struct cat *c)
{
    ssize_t n;

    if (c->peer_ended || c->down.len > 0)
        return false;
    if ((n = sl_recv(c->fd, c->down.bytes, sizeof(c->down.bytes), 0)) < 0) {
        if (errno != EAGAIN)
            fail(c, "reset");
        return errno != EAGAIN;
    }
    c->peer_ended = n == 0;
    c->down.at = 0;
    c->down.len = (size_t)n;
    c->report.bytes_in += (uint64_t)n;
    return true;
}

static bool pass_end_on(struct cat *c)
{
    if (c->output_closed || !c->peer_ended || c->down.len > 0)
        return false;
    close_output(c);
    return true;
}

/* Wake for what would move something, else every millisecond for the kernel's descriptors. */
static void wait_a_little(struct cat *c, int timeout_ms)
{
    struct epoll_event event = {.events = 0}, got;

    if (!c->peer_ended && c->down.len == 0)
        event.events |= EPOLLIN;
    if (c->up.len > 0)
        event.events |= EPOLLOUT;
    if (event.events != c->interest && sl_epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->fd, &event) == 0)
        c->interest = event.events;
    (void)sl_epoll_wait(c->epoll, &got, 1, timeout_ms);
}

static bool is_finished(struct cat *c)
{
    struct sl_conn_info info;

    if (sl_conn_info(c->fd, &info) < 0 || info.error != NULL) {
        fail(c, "reset");
        return true;
    }
    return info.finished && c->is_shut && c->peer_ended && c->down.len == 0;
}

/* Both ways until both have ended, or an error. */
static void copy(struct cat *c)
{
    while (c->error == NULL && !is_finished(c) && !stop_is_due()) {
        bool did = read_input(c);

        did |= send_up(c);
        did |= c->error == NULL && shut_up(c);
        did |= c->error == NULL && receive_down(c);
        did |= write_output(c);
        did |= pass_end_on(c);
        if (c->error == NULL)
            wait_a_little(c, did ? 0 : IDLE_MS);
    }
}

/* Standard output has taken nothing for too long; after a signal there is one time for all. */
static bool is_stuck(uint64_t moved_ms)
{
    const uint64_t end_ms = stop_is_due() ? stop_due_ms() + STOP_LINGER_MS : moved_ms + RESCUE_MS;

    return stop_now_ms() >= end_ms;
}

/* The connection is over, but not what came before: it was in order, and is passed on. */
static void rescue_down(struct cat *c)
{
    uint64_t moved_ms = stop_now_ms();
    ssize_t n;

    while (!c->output_broken) {
        if (c->down.len == 0) {
            if ((n = sl_recv(c->fd, c->down.bytes, sizeof(c->down.bytes), 0)) <= 0)
                return;
            c->down.at = 0;
            c->down.len = (size_t)n;
            c->report.bytes_in += (uint64_t)n;
        }
        if (write_output(c))
            moved_ms = stop_now_ms();
        else if (is_stuck(moved_ms))
            return;
        else
            (void)poll(NULL, 0, IDLE_MS);
    }
}

/* A signal came: what was read goes out with a FIN behind it, and the peer has time for its own. */
static void close_in_order(struct cat *c)
{
    const uint64_t end_ms = stop_due_ms() + STOP_LINGER_MS;

    c->input_ended = true;
    while (c->error == NULL && !is_finished(c) && stop_now_ms() < end_ms) {
        (void)send_up(c);
        (void)shut_up(c);
        (void)receive_down(c);
        if (!write_output(c))
            wait_a_little(c, IDLE_MS);
    }
}

/* ---- making a connection -------------------------------------------------------------------- */

static int new_socket(struct cat *c)
{
    struct epoll_event event = {.events = EPOLLOUT};

    if ((c->fd = sl_socket(AF_INET, SOCK_STREAM, 0)) < 0)
        return -1;
    c->interest = event.events;
    return sl_epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void reset(struct cat *c)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)sl_setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)sl_close(c->fd);
    c->fd = -1;
}

enum outcome { CONNECTED, ENDED, EXPIRED };

/*
 * An attempt whose SYN did not even leave, since nobody said who has that address, is over: were
 * it to go on, its later SYNs would come without ENO (R25), as if the path did not like that.
 */
static bool was_unresolved(const struct cat *c, uint64_t before)
{
    return sl_shard_counter(c->host.shard, "NEIGH_UNRESOLVED") != before;
}

static enum outcome await_connect(struct cat *c, uint64_t end_ms)
{
    const uint64_t unresolved = sl_shard_counter(c->host.shard, "NEIGH_UNRESOLVED");
    struct epoll_event event;
    socklen_t len = sizeof(int);
    int error = 0;

    while (!stop_is_due() && stop_now_ms() < end_ms) {
        if (sl_epoll_wait(c->epoll, &event, 1, RETRY_MS) <= 0) {
            if (!was_unresolved(c, unresolved))
                continue;
            c->error = "unreachable";
            return ENDED;
        }
        if (sl_getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0) {
            fail(c, error == ECONNREFUSED                           ? "refused"
                    : error == ETIMEDOUT                            ? "timeout"
                    : error == EHOSTUNREACH || error == ENETUNREACH ? "unreachable"
                                                                    : "reset");
            return ENDED;
        }
        return CONNECTED;
    }
    return EXPIRED;
}

/* A peer that is only just coming up does not answer yet; one that refuses has answered. */
static bool may_retry(const struct cat *c)
{
    return c->error != NULL &&
           (strcmp(c->error, "unreachable") == 0 || strcmp(c->error, "timeout") == 0);
}

static void pause_driving(struct cat *c, uint64_t end_ms)
{
    struct epoll_event event;

    while (stop_now_ms() < end_ms && !stop_is_due())
        (void)sl_epoll_wait(c->epoll, &event, 1, IDLE_MS);
}

static enum outcome try_connect(struct cat *c, uint64_t end_ms)
{
    const struct sockaddr *to = (const struct sockaddr *)&c->cli->connect;

    c->error = NULL;
    if (new_socket(c) < 0) {
        c->error = "unreachable";
        return ENDED;
    }
    if (sl_connect(c->fd, to, sizeof(c->cli->connect)) < 0 && errno != EINPROGRESS) {
        c->error = "unreachable";
        return ENDED;
    }
    return await_connect(c, end_ms);
}

/*
 * True: connected. Else `error` says why not, or a signal came. When time runs out in the midst of
 * an attempt that asks for the same next hop in vain as the one before, the word is that one's.
 */
static bool connect_to(struct cat *c)
{
    const uint64_t end_ms = stop_now_ms() + CONNECT_MS;
    const char *before = "timeout";

    for (;;) {
        const uint64_t begin_ms = stop_now_ms();
        const enum outcome outcome = try_connect(c, end_ms);

        if (outcome == CONNECTED)
            return true;
        if (outcome == EXPIRED && !stop_is_due())
            c->error = stop_now_ms() < begin_ms + RESOLVE_MS ? before : "timeout";
        if (outcome == EXPIRED || !may_retry(c) || stop_now_ms() + RETRY_MS >= end_ms)
            return false;
        before = c->error;
        reset(c);
        pause_driving(c, stop_now_ms() + RETRY_MS);
        if (stop_is_due())
            return false;
    }
}

/* The first connection; after it nobody listens any more. True: one came. */
static bool accept_one(struct cat *c)
{
    const int listener = host_listen(&c->host, c->cli->listen, 1);
    struct epoll_event event = {.events = EPOLLIN};

    if (listener < 0 || sl_epoll_ctl(c->epoll, EPOLL_CTL_ADD, listener, &event) < 0) {
        cli_complain(CLI_CAT, "port %u: %s", c->cli->listen, strerror(errno));
        c->error = "unreachable";
        return false;
    }
    while (!stop_is_due() && (c->fd = sl_accept(listener, NULL, NULL)) < 0)
        (void)sl_epoll_wait(c->epoll, &event, 1, -1);
    (void)sl_close(listener);
    if (c->fd < 0)
        return false;
    event = (struct epoll_event){.events = EPOLLIN};
    c->interest = event.events;
    if (sl_epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0)
        return true;
    c->error = "reset";
    return false;
}

/* ---- whole ---------------------------------------------------------------------------------- */

static void tell(struct cat *c)
{
    if (c->fd < 0 || sl_conn_info(c->fd, &c->report.info) < 0)
        c->report.info = (struct sl_conn_info){0};
    if (c->report.info.peer[0] == '\0' && c->cli->has_connect)
        (void)cli_format_address(&c->cli->connect, c->report.info.peer);
    c->report.error = c->error;
    if (c->cli->json)
        report_connection(&c->lines, true, &c->report);
    else if (c->error != NULL)
        cli_complain(CLI_CAT, "%s: %s", c->report.info.peer, c->error);
}

/* The one that closed first answers a FIN that comes again; the other has nothing to wait for. */
static void part(struct cat *c)
{
    if (c->error != NULL) {
        reset(c);
        return;
    }
    (void)sl_close(c->fd);
    c->fd = -1;
    if (c->shut_first)
        pause_driving(c, stop_now_ms() + TIME_WAIT_MS);
}

static void run(struct cat *c)
{
    const bool has_peer = c->cli->has_connect ? connect_to(c) : accept_one(c);

    if (has_peer)
        copy(c);
    if (has_peer && stop_is_due()) {
        close_in_order(c);
        if (c->error == NULL && !is_finished(c))
            c->error = "timeout";
    }
    if (has_peer && c->error != NULL && !c->output_broken)
        rescue_down(c);
    if (has_peer || c->error != NULL)
        tell(c);
    if (c->fd >= 0)
        part(c);
}

int command_cat(int argc, char **argv)
{
    struct stat output;
    struct cli cli;
    struct cat *c;
    int status;

    if ((status = cli_read(&cli, CLI_CAT, argc, argv)) >= 0)
        return status;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return EXIT_FAILED;
    c->cli = &cli;
    lines_init(&c->lines, CLI_CAT, STDERR_FILENO);
    c->fd = -1;
    c->output_is_file = fstat(STDOUT_FILENO, &output) == 0 && S_ISREG(output.st_mode);
    if ((status = host_start(&c->host, &cli)) < 0) {
        if ((c->epoll = sl_epoll_create1(0)) >= 0)
            run(c);
        else
            c->error = "unreachable";
        status = c->error != NULL && !stop_is_due() ? EXIT_FAILED : EXIT_OK;
        if (!host_end(&c->host, &cli, &c->lines))
            status = EXIT_FAILED;
    }
    free(c);
    return status;
}
