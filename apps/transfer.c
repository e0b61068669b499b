/* SPDX-License-Identifier: BSD-3-Clause */
#include "transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sealane/crypt.h"

enum {
    PORT = 7000,
    CHUNK_BYTES = 256 << 10,
    WAIT_MS = 20, /* how long a wait may overlook that the other end has failed */
    STALL_S = 60, /* without a byte: it is over */
};

/* One end's loop. */
struct loop {
    struct transfer *t;
    struct transfer_end *end;
    int epoll, fd;
};

uint64_t transfer_now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The first that fails says why, and both end. */
static bool fail(struct loop *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct loop *l, const char *format, ...)
{
    va_list args;

    if (!atomic_exchange(&l->t->stop, true)) {
        va_start(args, format);
        (void)vsnprintf(l->end->error, sizeof(l->end->error), format, args);
        va_end(args);
    }
    return false;
}

static bool is_stopped(const struct loop *l)
{
    return atomic_load_explicit(&l->t->stop, memory_order_relaxed);
}

/* Why the connection is over. */
static bool fail_connection(struct loop *l, const char *doing)
{
    const int why = errno;
    struct sl_conn_info info;

    if (sl_conn_info(l->fd, &info) == 0 && info.error != NULL)
        return fail(l, "%s: %s", doing, info.error);
    return fail(l, "%s: %s", doing, strerror(why));
}

/* Drive the shard until something is ready or some time has passed. */
static void wait_some(struct loop *l)
{
    struct epoll_event event;

    (void)sl_epoll_wait(l->epoll, &event, 1, WAIT_MS);
}

static bool watch(struct loop *l, int fd, int op, uint32_t events)
{
    struct epoll_event event = {.events = events};

    return sl_epoll_ctl(l->epoll, op, fd, &event) == 0 || fail(l, "epoll: %s", strerror(errno));
}

static int new_socket(struct loop *l)
{
    const int plain = 0;
    const int fd = sl_socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || (!l->t->encrypts &&
                   sl_setsockopt(fd, IPPROTO_TCP, TCP_ENO_ENABLED, &plain, sizeof(plain)) < 0)) {
        (void)fail(l, "socket: %s", strerror(errno));
        return -1;
    }
    return fd;
}

/* Both ends have seen the other's FIN; each must drive its shard until both have. */
static bool finish(struct loop *l)
{
    struct transfer_end *other = &l->t->ends[l->end == &l->t->ends[0] ? 1 : 0];
    struct sl_conn_info info = {0};

    while (!is_stopped(l)) {
        if (sl_conn_info(l->fd, &info) < 0 || info.error != NULL)
            return fail_connection(l, "close");
        if (info.finished)
            atomic_store(&l->end->done, true);
        if (info.finished && atomic_load(&other->done))
            return true;
        (void)sl_epoll_wait(l->epoll, &(struct epoll_event){0}, 1, 1);
    }
    return false;
}

/* What this end knows of the connection, the session ID by the call that the draft gives it. */
static bool take_facts(struct loop *l)
{
    struct sl_conn_info *info = &l->end->info;
    socklen_t len = sizeof(info->session_id);

    if (sl_conn_info(l->fd, info) < 0)
        return fail(l, "connection: %s", strerror(errno));
    if (!info->encrypted)
        return true;
    if (sl_getsockopt(l->fd, IPPROTO_TCP, TCP_ENO_SESSID, info->session_id, &len) < 0)
        return fail(l, "session ID: %s", strerror(errno));
    info->session_id_len = len;
    return true;
}

/* ---- the server ----------------------------------------------------------------------------- */

static int listen_on(struct loop *l)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    const int one = 1;
    const int fd = new_socket(l);

    if (fd < 0)
        return -1;
    if (sl_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        sl_bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || sl_listen(fd, 1) < 0) {
        (void)fail(l, "listen: %s", strerror(errno));
        (void)sl_close(fd);
        return -1;
    }
    return fd;
}

static bool accept_client(struct loop *l)
{
    const int listener = listen_on(l);

    if (listener < 0)
        return false;
    if (watch(l, listener, EPOLL_CTL_ADD, EPOLLIN)) {
        atomic_store(&l->t->listening, true);
        while (!is_stopped(l) && (l->fd = sl_accept(listener, NULL, NULL)) < 0)
            wait_some(l);
    }
    (void)sl_close(listener);
    return l->fd >= 0 && watch(l, l->fd, EPOLL_CTL_ADD, EPOLLIN);
}

/* To the end of the stream; what is more than was sent is an error. */
static bool receive_all(struct loop *l)
{
    const struct data *d = l->t->data;
    uint8_t more;
    size_t at = 0;
    ssize_t n;

    for (;;) {
        const size_t room = d->len - at;

        if (is_stopped(l))
            return false;
        if (room > 0)
            n = sl_recv(l->fd, d->target + at, room < CHUNK_BYTES ? room : CHUNK_BYTES, 0);
        else
            n = sl_recv(l->fd, &more, 1, 0);
        if (n == 0)
            break;
        if (n < 0 && errno != EAGAIN)
            return fail_connection(l, "receive");
        if (n > 0 && room == 0)
            return fail(l, "receive: more came than was sent");
        if (n > 0 && (at += (size_t)n) == d->len)
            l->t->end_ns = transfer_now_ns();
        atomic_store_explicit(&l->t->received, at, memory_order_relaxed);
        wait_some(l);
    }
    return at == d->len || fail(l, "receive: the stream ended after %zu of %zu bytes", at, d->len);
}

static bool serve(struct loop *l)
{
    if (!accept_client(l) || !receive_all(l))
        return false;
    if (sl_shutdown(l->fd, SHUT_WR) < 0)
        return fail_connection(l, "close");
    return take_facts(l) && finish(l);
}

/* ---- the client ----------------------------------------------------------------------------- */

static bool connect_server(struct loop *l)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    const char *address = sl_config_address(l->t->config, TRANSFER_SERVER);
    struct epoll_event event;
    socklen_t len = sizeof(int);
    int error = 0;

    while (!atomic_load(&l->t->listening) && !is_stopped(l))
        (void)sl_epoll_wait(l->epoll, &event, 1, 1);
    if (address == NULL || inet_pton(AF_INET, address, &to.sin_addr) != 1)
        return fail(l, "the server's port has no address");
    if ((l->fd = new_socket(l)) < 0 || !watch(l, l->fd, EPOLL_CTL_ADD, EPOLLOUT))
        return false;
    if (sl_connect(l->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        return fail_connection(l, "connect");
    while (sl_epoll_wait(l->epoll, &event, 1, WAIT_MS) <= 0) {
        if (is_stopped(l))
            return false;
    }
    if (sl_getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0) {
        errno = error;
        return fail_connection(l, "connect");
    }
    return true;
}

static bool send_all(struct loop *l)
{
    const struct data *d = l->t->data;
    size_t at = 0;

    l->t->begin_ns = transfer_now_ns();
    while (at < d->len) {
        const size_t left = d->len - at;
        const ssize_t n =
            sl_send(l->fd, d->source + at, left < CHUNK_BYTES ? left : CHUNK_BYTES, 0);

        if (is_stopped(l))
            return false;
        if (n < 0 && errno != EAGAIN)
            return fail_connection(l, "send");
        at += n > 0 ? (size_t)n : 0;
        wait_some(l);
    }
    return true;
}

/* The server sends nothing: what comes is the end of its stream. */
static bool await_end(struct loop *l)
{
    uint8_t byte;
    ssize_t n;

    if (!watch(l, l->fd, EPOLL_CTL_MOD, EPOLLIN))
        return false;
    while ((n = sl_recv(l->fd, &byte, 1, 0)) != 0) {
        if (n > 0)
            return fail(l, "receive: the server sent something");
        if (errno != EAGAIN)
            return fail_connection(l, "receive");
        if (is_stopped(l))
            return false;
        wait_some(l);
    }
    return true;
}

static bool request(struct loop *l)
{
    if (!connect_server(l) || !send_all(l))
        return false;
    if (sl_shutdown(l->fd, SHUT_WR) < 0)
        return fail_connection(l, "close");
    return await_end(l) && take_facts(l) && finish(l);
}

/* ---- on an lcore ---------------------------------------------------------------------------- */

static int run_end(void *ctx, unsigned index)
{
    struct transfer *t = ctx;
    struct loop l = {.t = t, .end = &t->ends[index], .epoll = sl_epoll_create1(0), .fd = -1};
    const struct sl_shard *s = l.end->shard;
    const uint64_t frames = sl_shard_counter(s, "FRAMES_SEALED");
    const uint64_t segments = sl_shard_counter(s, "SEGS_OUT");
    const uint64_t again = sl_shard_counter(s, "SEGS_RETRANSMITTED");
    bool good;

    if (l.epoll < 0)
        good = fail(&l, "epoll: %s", strerror(errno));
    else
        good = index == TRANSFER_SERVER ? serve(&l) : request(&l);
    l.end->frames = sl_shard_counter(s, "FRAMES_SEALED") - frames;
    l.end->segments = sl_shard_counter(s, "SEGS_OUT") - segments;
    l.end->retransmissions = sl_shard_counter(s, "SEGS_RETRANSMITTED") - again;
    if (l.fd >= 0)
        (void)sl_close(l.fd);
    if (l.epoll >= 0)
        (void)sl_close(l.epoll);
    return good ? 0 : 1;
}

static int open_end(void *ctx, unsigned index)
{
    struct transfer *t = ctx;
    struct transfer_end *end = &t->ends[index];

    end->shard = sl_open(t->config, index, end->error, sizeof(end->error));
    return end->shard != NULL ? 0 : 1;
}

static int flush_end(void *ctx, unsigned index)
{
    struct transfer *t = ctx;

    if (t->ends[index].shard != NULL)
        sl_shard_flush(t->ends[index].shard);
    return 0;
}

static int destroy_end(void *ctx, unsigned index)
{
    struct transfer *t = ctx;

    sl_shard_destroy(t->ends[index].shard);
    t->ends[index].shard = NULL;
    return 0;
}

/* ---- the main thread ------------------------------------------------------------------------ */

/* Nothing here hangs: who makes no progress is stopped. */
static void look_after(void *ctx)
{
    struct transfer *t = ctx;
    const uint64_t received = atomic_load_explicit(&t->received, memory_order_relaxed);
    const uint64_t now_ns = transfer_now_ns();

    if (received != t->seen) {
        t->seen = received;
        t->seen_ns = now_ns;
    }
    if (now_ns - t->seen_ns > UINT64_C(1000000000) * STALL_S && !atomic_exchange(&t->stop, true))
        (void)snprintf(t->ends[0].error, sizeof(t->ends[0].error),
                       "timeout: nothing has arrived for %d s", STALL_S);
    if (t->progress != NULL && received > 0)
        t->progress(t->progress_ctx, received, now_ns - t->begin_ns);
}

static bool on_both(struct transfer *t, int (*fn)(void *ctx, unsigned index),
                    void (*tick)(void *ctx), char *err, size_t err_len)
{
    int i;

    if (sl_run_on_lcores(TRANSFER_ENDS, fn, tick, t, err, err_len) == 0)
        return true;
    for (i = 0; i < TRANSFER_ENDS; i++) {
        if (t->ends[i].error[0] != '\0')
            (void)snprintf(err, err_len, "%s: %s", i == TRANSFER_SERVER ? "server" : "client",
                           t->ends[i].error);
    }
    return false;
}

bool transfer_open(struct transfer *t, char *err, size_t err_len)
{
    return on_both(t, open_end, NULL, err, err_len);
}

bool transfer_run(struct transfer *t, bool encrypts, char *err, size_t err_len)
{
    int i;

    t->encrypts = encrypts;
    atomic_store(&t->listening, false);
    atomic_store(&t->stop, false);
    atomic_store(&t->received, 0);
    t->begin_ns = t->end_ns = 0;
    t->seen = 0;
    t->seen_ns = transfer_now_ns();
    for (i = 0; i < TRANSFER_ENDS; i++) {
        atomic_store(&t->ends[i].done, false);
        t->ends[i].info = (struct sl_conn_info){0};
        t->ends[i].error[0] = '\0';
    }
    return on_both(t, run_end, look_after, err, err_len);
}

/* Both are flushed before anything is counted: each holds mbufs of the other. */
uint64_t transfer_close(struct transfer *t)
{
    char err[SL_ERR_BYTES];
    uint64_t leaked;

    (void)on_both(t, flush_end, NULL, err, sizeof(err));
    leaked = sl_mbufs_leaked();
    (void)on_both(t, destroy_end, NULL, err, sizeof(err));
    return leaked;
}
