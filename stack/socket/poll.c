/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "socket/epoll.h"
#include "socket/result.h"
#include "socket/wait.h"

/* poll(): each descriptor is asked in each iteration. Its bits are epoll's. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR &&
                   POLLHUP == EPOLLHUP && POLLPRI == EPOLLPRI && POLLRDHUP == EPOLLRDHUP &&
                   POLLRDNORM == EPOLLRDNORM && POLLWRNORM == EPOLLWRNORM,
               "poll and epoll name events alike");

struct polled {
    struct pollfd *fds;
    nfds_t n;
};

static short level_of(const struct pollfd *p)
{
    const uint32_t asked = (uint16_t)p->events | (uint32_t)(POLLERR | POLLHUP);
    struct sl_file *f;
    uint32_t bits;

    if (p->fd < 0) /* POSIX: left out */
        return 0;
    if (sl_file_get(p->fd, &f) < 0)
        return POLLNVAL;
    if (f->kind == SL_FILE_SOCKET)
        bits = sl_socket_level((struct sl_socket *)f);
    else
        bits = sl_epoll_is_ready((struct sl_epoll *)f) ? POLLIN | POLLRDNORM : 0;
    return (short)(bits & asked);
}

static int collect(void *ctx)
{
    const struct polled *p = ctx;
    int ready = 0;
    nfds_t i;

    for (i = 0; i < p->n; i++) {
        p->fds[i].revents = level_of(&p->fds[i]);
        ready += p->fds[i].revents != 0;
    }
    return ready;
}

int sl_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct polled p = {.fds = fds, .n = n};
    struct sl_shard *s = sl_shard_current();

    if (s == NULL)
        return (int)sl_result(-ENXIO);
    if (n > INT32_MAX)
        return (int)sl_result(-EINVAL);
    if (fds == NULL && n > 0)
        return (int)sl_result(-EFAULT);
    return (int)sl_result(sl_wait(s, collect, &p, timeout_ms));
}
