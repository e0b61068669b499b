/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "socket/socket.h"

/*
 * Epoll sets. An event puts a socket's watches on their sets' ready lists; whether it is ready
 * indeed is looked up when they are collected, so nothing is reported that is no longer true.
 * Level-triggered ones stay on the list until they are not ready any more. Thread: the shard's.
 */
struct sl_epoll;

/* `bits` (EPOLLIN and its like) may have become true. */
void sl_epoll_mark(struct sl_socket *sock, uint32_t bits);

/* The socket is closed: out of every set. */
void sl_epoll_forget_socket(struct sl_socket *sock);

/* Close the set itself. */
void sl_epoll_destroy(struct sl_epoll *ep);

/* Is anybody in it ready (a set in poll())? */
bool sl_epoll_is_ready(const struct sl_epoll *ep);
