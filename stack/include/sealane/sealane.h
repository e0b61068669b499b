/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * Sockets of Sealane: the calls and their semantics are POSIX's, with errno, under the prefix
 * sl_. What differs:
 *
 * - Every socket is non-blocking, whatever its flags say (EAGAIN, EINPROGRESS).
 * - A descriptor belongs to the shard that is current on the calling thread (sealane/shard.h), and
 *   is a number of its own space, from SL_FD_BASE. It means nothing to the kernel.
 * - The application owns its core together with its shard: it is an ordinary epoll loop whose
 *   sl_epoll_wait() drives the shard until something is ready or the time-out has passed.
 * - Urgent data arrives in line.
 *
 * Thread: each call from the thread of its shard only. Sources: POSIX.1-2017; RFC 9293 3.9.1.
 */

#ifdef __cplusplus
extern "C" {
#endif

#define SL_API __attribute__((visibility("default")))

enum { SL_FD_BASE = 1 << 20 };

/* AF_INET, SOCK_STREAM (SOCK_NONBLOCK and SOCK_CLOEXEC are accepted and mean nothing), 0 or
 * IPPROTO_TCP. EAFNOSUPPORT, EPROTONOSUPPORT, EMFILE, ENOMEM; ENXIO: no shard on this thread. */
SL_API int sl_socket(int domain, int type, int protocol);

/* EADDRINUSE, EADDRNOTAVAIL (no address of ours), EINVAL (bound already), EBADF. */
SL_API int sl_bind(int fd, const struct sockaddr *addr, socklen_t len);

/* `backlog`: connections that wait for accept, at most 4096. An unbound socket gets a port. */
SL_API int sl_listen(int fd, int backlog);

/* EAGAIN when none waits; else the oldest. `addr` and `len` may be NULL. */
SL_API int sl_accept(int fd, struct sockaddr *addr, socklen_t *len);
SL_API int sl_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

/* -1 with EINPROGRESS; EPOLLOUT says that it is done, SO_ERROR how. EISCONN, EALREADY,
 * ENETUNREACH, EADDRNOTAVAIL. */
SL_API int sl_connect(int fd, const struct sockaddr *addr, socklen_t len);

/* MSG_DONTWAIT and MSG_NOSIGNAL are accepted and change nothing; MSG_PEEK; others: EOPNOTSUPP.
 * There is no SIGPIPE: EPIPE alone. */
SL_API ssize_t sl_send(int fd, const void *buf, size_t len, int flags);
SL_API ssize_t sl_recv(int fd, void *buf, size_t len, int flags);
SL_API ssize_t sl_read(int fd, void *buf, size_t len);
SL_API ssize_t sl_write(int fd, const void *buf, size_t len);
SL_API ssize_t sl_readv(int fd, const struct iovec *iov, int n);
SL_API ssize_t sl_writev(int fd, const struct iovec *iov, int n);

/* SHUT_RD, SHUT_WR, SHUT_RDWR. ENOTCONN, EINVAL. */
SL_API int sl_shutdown(int fd, int how);

/* Data that was queued is still sent, unless SO_LINGER with 0 s was set: then RST. */
SL_API int sl_close(int fd);

/*
 * SOL_SOCKET: SO_ERROR, SO_REUSEADDR, SO_KEEPALIVE, SO_LINGER (on with 0 s only), SO_RCVBUF,
 * SO_SNDBUF, SO_TYPE, SO_ACCEPTCONN, SO_DOMAIN, SO_PROTOCOL. IPPROTO_TCP: TCP_NODELAY,
 * TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT, TCP_SYNCNT, TCP_MAXSEG (get),
 * TCP_ENO_* and TCP_CRYPT_* of sealane/crypt.h. IPPROTO_IP: IP_TOS, IP_TTL. Others: ENOPROTOOPT.
 */
SL_API int sl_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
SL_API int sl_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
SL_API int sl_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
SL_API int sl_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/* Level-triggered by default; EPOLLET and EPOLLONESHOT; EPOLLIN, OUT, RDHUP, HUP, ERR, PRI. */
SL_API int sl_epoll_create1(int flags);
SL_API int sl_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/*
 * Drive the shard until one of the set is ready, `timeout_ms` have passed (-1: for ever) or
 * sl_shard_wake() was called. At least one iteration is made, also with 0. Returns how many
 * events. EINTR after a wake; EDEADLK inside a function that sl_shard_run() called, unless 0.
 */
SL_API int sl_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms);

SL_API int sl_poll(struct pollfd *fds, nfds_t n, int timeout_ms);

/* What programs print of a connection; see also sealane/crypt.h. Works after it has ended too,
 * until sl_close(). */
struct sl_conn_info {
    char peer[64];   /* "10.77.0.1:40000" */
    int encrypted;   /* 1: a TEP protects it */
    int negotiating; /* 1: not settled yet */
    int resumed;
    const char *fallback; /* NULL, or why it is plain: "no_eno" ... */
    const char *error;    /* NULL, or a stable word: "reset", "refused", "timeout" ... */
    int finished;         /* 1: both FINs are acknowledged, or it ended in an error */
    uint8_t tep;          /* 0x23; 0 when plain */
    const char *aead;     /* "AES-128-GCM"; NULL when plain */
    char role;            /* 'A', 'B'; 0 when plain */
    uint8_t session_id[64];
    size_t session_id_len; /* 33; 0 when plain or not settled */
    uint64_t retransmitted_segs;
    uint64_t srtt_ns;
    uint64_t unacked_bytes; /* written and not acknowledged yet */
};

/* 0; -1 with EBADF, ENOTCONN. Strings are static. */
SL_API int sl_conn_info(int fd, struct sl_conn_info *info);

#ifdef __cplusplus
}
#endif
