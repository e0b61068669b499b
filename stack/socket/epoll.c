/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/epoll.h"

#include <errno.h>
#include <stdlib.h>

#include "base/invariant.h"
#include "socket/result.h"
#include "socket/wait.h"

static const uint32_t always = EPOLLERR | EPOLLHUP; /* reported though nobody asked */

struct sl_epoll {
    struct sl_file file;
    struct sl_link watches;
    struct sl_link ready;
};

struct watch {
    struct sl_link in_socket, in_set, in_ready;
    struct sl_epoll *ep;
    struct sl_socket *sock;
    uint32_t events;
    bool is_spent; /* EPOLLONESHOT has fired */
    epoll_data_t data;
};

static void enlist(struct watch *w, uint32_t bits)
{
    if (!w->is_spent && (bits & (w->events | always)) != 0 && !sl_link_is_listed(&w->in_ready))
        sl_list_add_tail(&w->ep->ready, &w->in_ready);
}

void sl_epoll_mark(struct sl_socket *sock, uint32_t bits)
{
    struct sl_link *link;

    for (link = sock->watches.next; link != &sock->watches; link = link->next)
        enlist(SL_CONTAINER(link, struct watch, in_socket), bits);
}

static void drop(struct watch *w)
{
    sl_list_remove(&w->in_socket);
    sl_list_remove(&w->in_set);
    sl_list_remove(&w->in_ready);
    free(w);
}

void sl_epoll_forget_socket(struct sl_socket *sock)
{
    struct sl_link *link, *next;

    for (link = sock->watches.next; link != &sock->watches; link = next) {
        next = link->next;
        drop(SL_CONTAINER(link, struct watch, in_socket));
    }
}

void sl_epoll_destroy(struct sl_epoll *ep)
{
    struct sl_link *link, *next;

    for (link = ep->watches.next; link != &ep->watches; link = next) {
        next = link->next;
        drop(SL_CONTAINER(link, struct watch, in_set));
    }
    free(ep);
}

static uint32_t ready_bits(const struct watch *w)
{
    return sl_socket_level(w->sock) & (w->events | always);
}

bool sl_epoll_is_ready(const struct sl_epoll *ep)
{
    const struct sl_link *link;

    for (link = ep->ready.next; link != &ep->ready; link = link->next) {
        if (ready_bits(SL_CONTAINER(link, const struct watch, in_ready)) != 0)
            return true;
    }
    return false;
}

int sl_epoll_create1(int flags)
{
    struct sl_sockets *all;
    struct sl_epoll *ep;
    int rc;

    if ((flags & ~EPOLL_CLOEXEC) != 0)
        return (int)sl_result(-EINVAL);
    if ((all = sl_sockets_here(&rc)) == NULL)
        return (int)sl_result(rc);
    if (SL_FAULT(epoll_create) || (ep = calloc(1, sizeof(*ep))) == NULL)
        return (int)sl_result(-ENOMEM);
    ep->file.kind = SL_FILE_EPOLL;
    sl_list_init(&ep->watches);
    sl_list_init(&ep->ready);
    if ((rc = sl_fds_add(&all->fds, &ep->file)) < 0)
        free(ep);
    return (int)sl_result(rc);
}

/* ---- control -------------------------------------------------------------------------------- */

static int get_set(int epfd, struct sl_epoll **out)
{
    struct sl_file *f;
    const int rc = sl_file_get(epfd, &f);

    if (rc < 0)
        return rc;
    if (f->kind != SL_FILE_EPOLL)
        return -EINVAL;
    *out = (struct sl_epoll *)f;
    return 0;
}

/* A socket is in few sets, a set has many sockets. */
static struct watch *find(const struct sl_epoll *ep, const struct sl_socket *sock)
{
    struct sl_link *link;

    for (link = sock->watches.next; link != &sock->watches; link = link->next) {
        struct watch *w = SL_CONTAINER(link, struct watch, in_socket);

        if (w->ep == ep)
            return w;
    }
    return NULL;
}

static int add(struct sl_epoll *ep, struct sl_socket *sock, const struct epoll_event *event)
{
    struct watch *w;

    if (SL_FAULT(epoll_add) || (w = calloc(1, sizeof(*w))) == NULL)
        return -ENOMEM;
    w->ep = ep;
    w->sock = sock;
    w->events = event->events;
    w->data = event->data;
    sl_list_init(&w->in_ready);
    sl_list_add_tail(&sock->watches, &w->in_socket);
    sl_list_add_tail(&ep->watches, &w->in_set);
    enlist(w, sl_socket_level(sock));
    return 0;
}

/* Also re-arms EPOLLONESHOT, and gives EPOLLET its first edge again. */
static void modify(struct watch *w, const struct epoll_event *event)
{
    w->events = event->events;
    w->data = event->data;
    w->is_spent = false;
    sl_list_remove(&w->in_ready);
    enlist(w, sl_socket_level(w->sock));
}

static int control(int epfd, int op, int fd, const struct epoll_event *event)
{
    struct sl_epoll *ep;
    struct sl_file *f;
    struct watch *w;
    int rc;

    if ((rc = sl_file_get(fd, &f)) < 0 || (rc = get_set(epfd, &ep)) < 0)
        return rc;
    if (f == &ep->file)
        return -EINVAL;
    if (f->kind != SL_FILE_SOCKET) /* no sets of sets */
        return -EPERM;
    if (op != EPOLL_CTL_DEL && event == NULL)
        return -EFAULT;
    w = find(ep, (struct sl_socket *)f);
    switch (op) {
    case EPOLL_CTL_ADD:
        return w != NULL ? -EEXIST : add(ep, (struct sl_socket *)f, event);
    case EPOLL_CTL_MOD:
        if (w == NULL)
            return -ENOENT;
        modify(w, event);
        return 0;
    case EPOLL_CTL_DEL:
        if (w == NULL)
            return -ENOENT;
        drop(w);
        return 0;
    default:
        return -EINVAL;
    }
}

int sl_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    return (int)sl_result(control(epfd, op, fd, event));
}

/* ---- waiting -------------------------------------------------------------------------------- */

struct collection {
    struct sl_epoll *ep;
    struct epoll_event *events;
    int max;
};

/* Each watch once; level-triggered ones go behind those that were not looked at yet. */
static int collect(void *ctx)
{
    const struct collection *c = ctx;
    const struct sl_link *last = c->ep->ready.prev;
    struct sl_link *link;
    int n = 0;

    while (n < c->max && (link = sl_list_take(&c->ep->ready)) != NULL) {
        struct watch *w = SL_CONTAINER(link, struct watch, in_ready);
        const uint32_t bits = ready_bits(w);

        if (bits != 0) {
            c->events[n++] = (struct epoll_event){.events = bits, .data = w->data};
            if (w->events & EPOLLONESHOT)
                w->is_spent = true;
            else if (!(w->events & EPOLLET))
                sl_list_add_tail(&c->ep->ready, link);
        }
        if (link == last)
            break;
    }
    return n;
}

int sl_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    struct collection c = {.events = events, .max = max};
    int rc;

    if ((rc = get_set(epfd, &c.ep)) < 0)
        return (int)sl_result(rc);
    if (max <= 0)
        return (int)sl_result(-EINVAL);
    if (events == NULL)
        return (int)sl_result(-EFAULT);
    return (int)sl_result(sl_wait(sl_shard_current(), collect, &c, timeout_ms));
}
