/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <rte_common.h>

#include "socket/result.h"
#include "socket/socket.h"

/* Sending and receiving. */

enum { FLAGS_KNOWN = MSG_DONTWAIT | MSG_NOSIGNAL, IOV_CHUNK = 64, IOV_LIMIT = IOV_MAX };

static const size_t result_max = SSIZE_MAX;

/*
 * What TCP says of a connection that has ended, once; afterwards it looks like an orderly end: a
 * reader sees it, a writer has a broken pipe.
 */
static int64_t after_error(struct sl_socket *sock, int64_t rc, int64_t later)
{
    if (rc == -EAGAIN || sl_tcb_error(sock->tcb) == SL_TCP_OK)
        return rc;
    return sl_socket_take_error(sock) != 0 ? rc : later;
}

/* ---- receive -------------------------------------------------------------------------------- */

static int64_t receive(struct sl_socket *sock, void *buf, size_t len, bool peek)
{
    struct sl_shard *s = sock->all->shard;
    int64_t n;

    if (sock->tcb == NULL)
        return -ENOTCONN;
    if (len == 0)
        return 0;
    n = sl_tcp_recv(s->tcp, sock->tcb, buf, RTE_MIN(len, result_max), peek, s->now_ns);
    if (n >= 0)
        return n;
    return after_error(sock, n, 0);
}

static int64_t receive_from(int fd, void *buf, size_t len, int flags)
{
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    if (rc < 0)
        return rc;
    if ((flags & ~(FLAGS_KNOWN | MSG_PEEK)) != 0)
        return -EOPNOTSUPP;
    if (buf == NULL && len > 0)
        return -EFAULT;
    return receive(sock, buf, len, (flags & MSG_PEEK) != 0);
}

ssize_t sl_recv(int fd, void *buf, size_t len, int flags)
{
    return (ssize_t)sl_result(receive_from(fd, buf, len, flags));
}

ssize_t sl_read(int fd, void *buf, size_t len)
{
    return sl_recv(fd, buf, len, 0);
}

/* POSIX: the number of ranges, and a total that the result can say. */
static int check_ranges(const struct iovec *iov, int n)
{
    size_t total = 0;
    int i;

    if (n <= 0 || n > IOV_LIMIT)
        return -EINVAL;
    if (iov == NULL)
        return -EFAULT;
    for (i = 0; i < n; i++) {
        if (iov[i].iov_len > result_max - total)
            return -EINVAL;
        if (iov[i].iov_base == NULL && iov[i].iov_len > 0)
            return -EFAULT;
        total += iov[i].iov_len;
    }
    return 0;
}

/* An error behind the first byte is the next call's to tell. */
static int64_t receive_ranges(struct sl_socket *sock, const struct iovec *iov, int n)
{
    int64_t total = 0;
    int i;

    if (sock->tcb == NULL)
        return -ENOTCONN;
    for (i = 0; i < n; i++) {
        int64_t got;

        if (iov[i].iov_len == 0)
            continue;
        if (total > 0 && !(sl_tcb_level(sock->tcb) & SL_TCP_EV_READABLE))
            break;
        got = receive(sock, iov[i].iov_base, iov[i].iov_len, false);
        if (got < 0)
            return total > 0 ? total : got;
        total += got;
        if ((size_t)got < iov[i].iov_len)
            break;
    }
    return total;
}

ssize_t sl_readv(int fd, const struct iovec *iov, int n)
{
    struct sl_socket *sock;
    int64_t rc = sl_socket_get(fd, &sock);

    if (rc == 0 && (rc = check_ranges(iov, n)) == 0)
        rc = receive_ranges(sock, iov, n);
    return (ssize_t)sl_result(rc);
}

/* ---- send ----------------------------------------------------------------------------------- */

static int64_t transmit(struct sl_socket *sock, const struct sl_iov *iov, size_t n)
{
    struct sl_shard *s = sock->all->shard;
    int64_t sent;
    size_t len = 0, i;

    if (sock->tcb == NULL)
        return -ENOTCONN;
    for (i = 0; i < n; i++)
        len += iov[i].len;
    sent = sl_tcp_send(s->tcp, sock->tcb, iov, n, s->now_ns);
    if (sent < 0)
        return after_error(sock, sent, -EPIPE);
    return sent == 0 && len > 0 ? -EAGAIN : sent;
}

static int64_t transmit_to(int fd, const void *buf, size_t len, int flags)
{
    const struct sl_iov iov = {buf, RTE_MIN(len, result_max)};
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    if (rc < 0)
        return rc;
    if ((flags & ~FLAGS_KNOWN) != 0)
        return -EOPNOTSUPP;
    if (buf == NULL && len > 0)
        return -EFAULT;
    return transmit(sock, &iov, 1);
}

ssize_t sl_send(int fd, const void *buf, size_t len, int flags)
{
    return (ssize_t)sl_result(transmit_to(fd, buf, len, flags));
}

ssize_t sl_write(int fd, const void *buf, size_t len)
{
    return sl_send(fd, buf, len, 0);
}

static int64_t transmit_ranges(struct sl_socket *sock, const struct iovec *iov, int n)
{
    int64_t total = 0;
    int at = 0;

    while (at < n) {
        struct sl_iov chunk[IOV_CHUNK];
        int64_t sent, len = 0;
        size_t i;

        for (i = 0; i < IOV_CHUNK && at < n; i++, at++) {
            chunk[i] = (struct sl_iov){iov[at].iov_base, iov[at].iov_len};
            len += (int64_t)iov[at].iov_len;
        }
        if ((sent = transmit(sock, chunk, i)) < 0)
            return total > 0 ? total : sent;
        total += sent;
        if (sent < len)
            break;
    }
    return total;
}

ssize_t sl_writev(int fd, const struct iovec *iov, int n)
{
    struct sl_socket *sock;
    int64_t rc = sl_socket_get(fd, &sock);

    if (rc == 0 && (rc = check_ranges(iov, n)) == 0)
        rc = transmit_ranges(sock, iov, n);
    return (ssize_t)sl_result(rc);
}
