/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sealane/sealane.h"
#include "shard/shard.h"
#include "socket/binding.h"
#include "socket/fd.h"
#include "socket/policy.h"

/*
 * A socket, and all sockets of a shard: for the files of this folder.
 *
 * A socket is fresh (no TCB, no listener), listens, or has a connection, which it keeps after it
 * has ended until sl_close(). The TCB belongs to the socket as far as TCP is concerned: its user
 * pointer leads back. Thread: the shard's.
 */
struct sl_socket {
    struct sl_file file;
    bool connecting;  /* active open that is not through */
    bool error_taken; /* the connection's error was told: SO_ERROR is 0 again */
    bool shut_rd, shut_wr;
    bool linger_reset; /* SO_LINGER with 0 s */
    struct sl_sockets *all;
    struct sl_tcb *tcb;
    struct sl_tcp_listener *listener;
    struct sl_link watches; /* of epoll sets */
    struct sl_binding binding;
    struct sl_eno_wish wish;
    struct sl_tcp_options_set set;
};

struct sl_sockets {
    struct sl_shard *shard;
    struct sl_fds fds;
    struct sl_bindings bindings;
    struct sl_policies policies;
};

/* Those of the calling thread's shard, made with the first descriptor; NULL: no shard (or no
 * memory: then -ENOMEM in `*rc`, else -ENXIO). */
struct sl_sockets *sl_sockets_here(int *rc);

/* Of the calling thread's shard. -EBADF; -ENOTSOCK for an epoll descriptor. */
int sl_socket_get(int fd, struct sl_socket **out);
int sl_file_get(int fd, struct sl_file **out);

/* What poll() and epoll say of it now: EPOLLIN and its like, ERR and HUP included. */
uint32_t sl_socket_level(const struct sl_socket *sock);

/* The error that ended its connection, told once: a positive errno, or 0. */
int sl_socket_take_error(struct sl_socket *sock);

/* Options have changed: tell connection or listener. 0 or -ENOMEM. */
int sl_socket_apply(struct sl_socket *sock);
