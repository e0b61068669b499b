/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "sim.h"

/*
 * The applications of a scenario: streams of a known pattern, both ways, over sockets, by an
 * ordinary epoll loop. They check every byte as it comes.
 */
enum { APP_STREAMS_MAX = 64, APP_PORT = 7000, APP_CLIENT_PORT = 20000 };

enum app_end {
    APP_SHUTDOWN, /* shutdown(SHUT_WR) behind the last byte, close at the peer's end of stream */
    APP_CLOSE,    /* close() behind the last byte that both ways had */
    APP_RESET,    /* SO_LINGER 0 and close() after `reset_after` bytes sent */
    APP_LINGER,   /* keeps its side open until the peer's end of stream, then shuts down */
};

struct app_stream {
    struct app *app;
    unsigned id;
    int fd; /* -1: not open (any more) */
    uint64_t to_send, to_receive;
    uint64_t sent, received;
    uint32_t chunk;          /* bytes at a time */
    uint64_t pause_ns;       /* between two reads */
    uint64_t write_pause_ns; /* between two writes, at most */
    uint64_t reset_after;
    uint64_t read_again_ns, write_again_ns;
    enum app_end end;
    bool connected, has_shut, eof, done;
    int error;                /* errno that a call gave, or SO_ERROR */
    struct sl_conn_info info; /* taken before the close */
};

struct app {
    struct sim *sim;
    unsigned node;
    int epoll, listener;
    struct app_stream stream[APP_STREAMS_MAX]; /* by id, on both sides */
    unsigned n;                                /* in use */
};

/* Node 1 listens, node 0 connects `n` streams at once; adjust stream[] first. */
void app_prepare(struct app *a, struct sim *s, unsigned node, unsigned n);
void app_start(struct app *a);

/* All streams are done on this side. */
bool app_done(const struct app *a);
