/* SPDX-License-Identifier: BSD-3-Clause */
#include "app.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 64 << 10 };

static uint8_t pattern(unsigned id, unsigned side, uint64_t at)
{
    return (uint8_t)(((at + 1) * UINT64_C(0x9e3779b97f4a7c15) + id * 31 + side * 97) >> 23);
}

static void watch(struct app_stream *t)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = t};

    if (!t->connected || (t->sent < t->to_send && t->write_again_ns <= t->app->sim->now_ns))
        ev.events |= EPOLLOUT;
    if (t->eof || t->read_again_ns > t->app->sim->now_ns)
        ev.events &= ~(uint32_t)(EPOLLIN | EPOLLRDHUP);
    if (sl_epoll_ctl(t->app->epoll, EPOLL_CTL_MOD, t->fd, &ev) < 0)
        sim_fail(t->app->sim, "epoll_ctl: %s", strerror(errno));
}

static void finish(struct app_stream *t)
{
    if (sl_conn_info(t->fd, &t->info) < 0)
        sim_fail(t->app->sim, "sl_conn_info: %s", strerror(errno));
    if (sl_close(t->fd) < 0)
        sim_fail(t->app->sim, "close: %s", strerror(errno));
    t->fd = -1;
    t->done = true;
}

static bool failed(struct app_stream *t, const char *call)
{
    if (errno == EAGAIN)
        return false;
    if (errno != ECONNRESET && errno != EPIPE && errno != ECONNABORTED && errno != ETIMEDOUT &&
        errno != EPROTO && errno != EBADMSG && errno != ECONNREFUSED && errno != EACCES)
        sim_fail(t->app->sim, "%s: %s", call, strerror(errno));
    t->error = errno;
    finish(t);
    return true;
}

static bool reset_now(struct app_stream *t)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (sl_setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) < 0)
        sim_fail(t->app->sim, "SO_LINGER: %s", strerror(errno));
    finish(t);
    return true;
}

static bool write_some(struct app_stream *t)
{
    uint8_t buffer[BUFFER];
    uint64_t n = t->to_send - t->sent;
    ssize_t put;

    if (t->write_again_ns > t->app->sim->now_ns)
        return false;
    if (n > t->chunk)
        n = t->chunk;
    for (uint64_t i = 0; i < n; i++)
        buffer[i] = pattern(t->id, t->app->node, t->sent + i);
    put = n == 0 ? 0 : sl_send(t->fd, buffer, n, 0);
    if (put < 0)
        return failed(t, "send");
    t->sent += (uint64_t)put;
    if (put > 0 && t->write_pause_ns > 0)
        t->write_again_ns = t->app->sim->now_ns + 1 + sim_random(t->app->sim, t->write_pause_ns);
    if (t->end == APP_RESET && t->sent >= t->reset_after)
        return reset_now(t);
    if (t->sent == t->to_send && !t->has_shut && (t->end != APP_LINGER || t->eof)) {
        t->has_shut = true;
        if (t->end == APP_CLOSE && t->received == t->to_receive) {
            finish(t);
            return true;
        }
        if (sl_shutdown(t->fd, SHUT_WR) < 0)
            return failed(t, "shutdown");
        return true;
    }
    return put > 0;
}

static bool read_some(struct app_stream *t)
{
    uint8_t buffer[BUFFER];
    const unsigned side = 1 - t->app->node;
    ssize_t got = sl_recv(t->fd, buffer, t->chunk, 0);

    if (got < 0)
        return failed(t, "recv");
    for (ssize_t i = 0; i < got; i++) {
        if (buffer[i] != pattern(t->id, side, t->received + (uint64_t)i)) {
            sim_fail(t->app->sim, "node %u stream %u: byte %llu is wrong", t->app->node, t->id,
                     (unsigned long long)t->received + (unsigned long long)i);
            break;
        }
    }
    t->received += (uint64_t)got;
    if (got == 0) {
        t->eof = true;
        if (t->received != t->to_receive) {
            sim_fail(t->app->sim, "node %u stream %u: end of stream after %llu of %llu bytes",
                     t->app->node, t->id, (unsigned long long)t->received,
                     (unsigned long long)t->to_receive);
        }
    } else if (t->pause_ns > 0) {
        t->read_again_ns = t->app->sim->now_ns + t->pause_ns;
    }
    if (t->received > t->to_receive)
        sim_fail(t->app->sim, "node %u stream %u: more bytes than were sent", t->app->node, t->id);
    return true;
}

static bool handle(struct app_stream *t, uint32_t events)
{
    bool did = false;

    if (!t->connected && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
        socklen_t len = sizeof(t->error);

        if (sl_getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &t->error, &len) < 0)
            sim_fail(t->app->sim, "SO_ERROR: %s", strerror(errno));
        t->connected = true;
        did = true;
        if (t->error != 0) {
            finish(t);
            return true;
        }
    }
    if (!t->connected)
        return false;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 && !t->eof)
        did |= read_some(t);
    if (t->fd >= 0)
        did |= write_some(t);
    if (t->fd >= 0 && t->eof && t->has_shut) {
        finish(t);
        did = true;
    }
    if (t->fd >= 0)
        watch(t);
    return did;
}

static bool accept_one(struct app *a)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);
    const int fd = sl_accept4(a->listener, (struct sockaddr *)&peer, &len, 0);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP};
    unsigned id;

    if (fd < 0) {
        if (errno != EAGAIN)
            sim_fail(a->sim, "accept: %s", strerror(errno));
        return false;
    }
    id = (unsigned)ntohs(peer.sin_port) - APP_CLIENT_PORT;
    if (id >= a->n || a->stream[id].fd >= 0) {
        sim_fail(a->sim, "accepted a connection from port %u", ntohs(peer.sin_port));
        return false;
    }
    a->stream[id].fd = fd;
    a->stream[id].connected = true;
    ev.data.ptr = &a->stream[id];
    if (sl_epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
        sim_fail(a->sim, "epoll_ctl: %s", strerror(errno));
    return true;
}

/* Is that pause over? If not, it ends at `*wake_ns` at the latest. */
static bool is_over(const struct app *a, uint64_t *again_ns, uint64_t *wake_ns)
{
    if (*again_ns == 0)
        return false;
    if (*again_ns > a->sim->now_ns) {
        *wake_ns = *again_ns < *wake_ns ? *again_ns : *wake_ns;
        return false;
    }
    *again_ns = 0;
    return true;
}

/* Who paused wants his events back. */
static bool resume(struct app *a)
{
    uint64_t wake_ns = UINT64_MAX;
    bool did = false;

    for (unsigned i = 0; i < a->n; i++) {
        struct app_stream *t = &a->stream[i];
        bool over;

        if (t->fd < 0)
            continue;
        over = is_over(a, &t->read_again_ns, &wake_ns);
        over |= is_over(a, &t->write_again_ns, &wake_ns);
        if (over)
            watch(t);
        did |= over;
    }
    a->sim->node[a->node].wake_ns = wake_ns;
    return did;
}

static bool step(void *ctx)
{
    struct app *a = ctx;
    struct epoll_event ev[32];
    bool did = resume(a);
    const int n = sl_epoll_wait(a->epoll, ev, 32, 0);

    if (n < 0 && errno != EINTR)
        sim_fail(a->sim, "epoll_wait: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        if (ev[i].data.ptr == a)
            did |= accept_one(a);
        else
            did |= handle(ev[i].data.ptr, ev[i].events);
    }
    if (n > 0)
        did |= resume(a);
    return did;
}

void app_prepare(struct app *a, struct sim *s, unsigned node, unsigned n)
{
    *a = (struct app){.sim = s, .node = node, .n = n, .listener = -1};
    for (unsigned i = 0; i < n; i++)
        a->stream[i] = (struct app_stream){.app = a, .id = i, .fd = -1, .chunk = 16 << 10};
}

static void listen_on(struct app *a)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(APP_PORT)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = a};

    a->listener = sl_socket(AF_INET, SOCK_STREAM, 0);
    if (a->listener < 0 || sl_bind(a->listener, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
        sl_listen(a->listener, APP_STREAMS_MAX) < 0 ||
        sl_epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->listener, &ev) < 0)
        sim_fail(a->sim, "listen: %s", strerror(errno));
}

static void connect_to(struct app_stream *t)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(APP_PORT)};
    const struct sockaddr_in from = {.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)(APP_CLIENT_PORT + t->id))};
    struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = t};

    (void)inet_pton(AF_INET, sim_address(1), &to.sin_addr);
    t->fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    if (t->fd < 0 || sl_bind(t->fd, (const struct sockaddr *)&from, sizeof(from)) < 0 ||
        (sl_connect(t->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) ||
        sl_epoll_ctl(t->app->epoll, EPOLL_CTL_ADD, t->fd, &ev) < 0)
        sim_fail(t->app->sim, "connect: %s", strerror(errno));
}

void app_start(struct app *a)
{
    struct sim_node *n = &a->sim->node[a->node];

    (void)sl_shard_enter(n->shard);
    n->app = a;
    n->step = step;
    a->epoll = sl_epoll_create1(0);
    if (a->epoll < 0) {
        sim_fail(a->sim, "epoll_create1: %s", strerror(errno));
        return;
    }
    if (a->node == 1) {
        listen_on(a);
        return;
    }
    for (unsigned i = 0; i < a->n; i++)
        connect_to(&a->stream[i]);
}

bool app_done(const struct app *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        if (!a->stream[i].done)
            return false;
    }
    return true;
}
