/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "base/invariant.h"
#include "socket/epoll.h"
#include "socket/result.h"

enum { BACKLOG_MAX = 4096, BIND_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

static const uint32_t readable = EPOLLIN | EPOLLRDNORM;
static const uint32_t writable = EPOLLOUT | EPOLLWRNORM;

/* ---- readiness ------------------------------------------------------------------------------ */

/* As Linux' tcp_poll(): a finished connection can be read (0 or the error) and written (EPIPE). */
static uint32_t connection_level(const struct sl_socket *sock)
{
    const unsigned level = sl_tcb_level(sock->tcb);
    const bool over = (level & SL_TCP_EV_ERROR) != 0;
    const bool no_more_in = over || sock->shut_rd || (level & SL_TCP_EV_EOF) != 0;
    const bool no_more_out = over || sock->shut_wr;
    uint32_t bits = 0;

    if (no_more_in)
        bits |= readable | EPOLLRDHUP;
    if (level & SL_TCP_EV_READABLE)
        bits |= readable;
    if (no_more_out || (level & SL_TCP_EV_WRITABLE) != 0)
        bits |= writable;
    if (no_more_in && no_more_out)
        bits |= EPOLLHUP;
    if (over && !sock->error_taken)
        bits |= EPOLLERR;
    return bits;
}

uint32_t sl_socket_level(const struct sl_socket *sock)
{
    if (sock->tcb != NULL)
        return connection_level(sock);
    if (sock->listener != NULL)
        return sl_tcp_listener_ready(sock->listener) > 0 ? readable : 0;
    return writable | EPOLLHUP;
}

/* TCP's events to bits of epoll that may have become true. */
static uint32_t bits_of(unsigned ev)
{
    uint32_t bits = 0;

    if (ev & SL_TCP_EV_CONNECTED)
        bits |= writable;
    if (ev & SL_TCP_EV_READABLE)
        bits |= readable;
    if (ev & SL_TCP_EV_WRITABLE)
        bits |= writable;
    if (ev & SL_TCP_EV_EOF)
        bits |= readable | EPOLLRDHUP | EPOLLHUP;
    if (ev & (SL_TCP_EV_ERROR | SL_TCP_EV_CLOSED))
        bits |= readable | writable | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    return bits;
}

static void on_event(void *ctx, struct sl_tcb *tcb, unsigned ev)
{
    struct sl_socket *sock = sl_tcb_user(tcb);

    (void)ctx;
    if (sock == NULL) /* not accepted yet, or closed */
        return;
    if (ev & SL_TCP_EV_CONNECTED)
        sock->connecting = false;
    sl_epoll_mark(sock, bits_of(ev));
}

static void on_acceptable(void *ctx, struct sl_tcp_listener *l)
{
    (void)ctx;
    sl_epoll_mark(sl_tcp_listener_user(l), readable);
}

/* ---- all sockets ------------------------------------------------------------------------------
 */

/* Give connection and listener back to TCP. */
static void let_go(struct sl_socket *sock, bool abort)
{
    struct sl_shard *s = sock->all->shard;

    if (sock->listener != NULL) {
        sl_listeners_remove(&s->listeners, sock->listener, sock->binding.port);
        sl_tcp_listener_close(s->tcp, sock->listener, s->now_ns);
        sock->listener = NULL;
    }
    if (sock->tcb != NULL) {
        struct sl_tcb *tcb = sock->tcb;

        sock->tcb = NULL;
        sl_tcb_set_user(tcb, NULL);
        if (abort)
            sl_tcp_abort(s->tcp, tcb, s->now_ns);
        else
            sl_tcp_close(s->tcp, tcb, s->now_ns);
    }
    sl_bindings_remove(&sock->binding);
}

static void on_abort(void *ctx)
{
    struct sl_sockets *all = ctx;
    struct sl_file *f;
    uint32_t at = 0;

    while ((f = sl_fds_next(&all->fds, &at)) != NULL) {
        if (f->kind == SL_FILE_SOCKET)
            let_go((struct sl_socket *)f, true);
    }
}

static void free_file(struct sl_file *f)
{
    struct sl_socket *sock = (struct sl_socket *)f;

    if (f->kind == SL_FILE_EPOLL) {
        sl_epoll_destroy((struct sl_epoll *)f);
        return;
    }
    sl_epoll_forget_socket(sock);
    free(sock);
}

static void on_destroy(void *ctx)
{
    struct sl_sockets *all = ctx;
    struct sl_file *f;
    uint32_t at = 0;

    while ((f = sl_fds_next(&all->fds, &at)) != NULL)
        free_file(f);
    sl_fds_fini(&all->fds);
    sl_policies_fini(&all->policies);
    free(all);
}

static struct sl_sockets *create_all(struct sl_shard *s)
{
    struct sl_sockets *all = SL_FAULT(sockets_create) ? NULL : calloc(1, sizeof(*all));

    if (all == NULL)
        return NULL;
    all->shard = s;
    if (!sl_fds_init(&all->fds, s->config.descriptors_max)) {
        sl_fds_fini(&all->fds);
        free(all);
        return NULL;
    }
    sl_bindings_init(&all->bindings, &s->flows, s->behaviour, s->secrets, s->config.port_first,
                     s->config.port_last);
    sl_policies_init(&all->policies, s);
    s->user = (struct sl_shard_user){
        .ctx = all,
        .event = on_event,
        .acceptable = on_acceptable,
        .abort = on_abort,
        .destroy = on_destroy,
    };
    return all;
}

struct sl_sockets *sl_sockets_here(int *rc)
{
    struct sl_shard *s = sl_shard_current();

    *rc = s == NULL ? -ENXIO : -ENOMEM;
    if (s == NULL)
        return NULL;
    return s->user.ctx != NULL ? s->user.ctx : create_all(s);
}

int sl_file_get(int fd, struct sl_file **out)
{
    const struct sl_shard *s = sl_shard_current();
    const struct sl_sockets *all = s == NULL ? NULL : s->user.ctx;

    *out = all == NULL ? NULL : sl_fds_get(&all->fds, fd);
    return *out == NULL ? -EBADF : 0;
}

int sl_socket_get(int fd, struct sl_socket **out)
{
    struct sl_file *f;
    const int rc = sl_file_get(fd, &f);

    *out = NULL;
    if (rc < 0)
        return rc;
    if (f->kind != SL_FILE_SOCKET)
        return -ENOTSOCK;
    *out = (struct sl_socket *)f;
    return 0;
}

/* ---- addresses --------------------------------------------------------------------------------
 */

static int read_address(const struct sockaddr *addr, socklen_t len, struct sl_addr *a,
                        uint16_t *port)
{
    struct sockaddr_in in;

    if (addr == NULL)
        return -EFAULT;
    if (len < sizeof(in))
        return -EINVAL;
    memcpy(&in, addr, sizeof(in));
    if (in.sin_family != AF_INET)
        return -EAFNOSUPPORT;
    *a = sl_addr_of_ip4(in.sin_addr.s_addr);
    *port = in.sin_port;
    return 0;
}

/* POSIX: cut to the room there is, and say how long it would have been. */
static int write_address(const struct sl_addr *a, uint16_t port, struct sockaddr *addr,
                         socklen_t *len)
{
    const struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = port,
        .sin_addr.s_addr = sl_addr_ip4(a),
    };

    if (addr == NULL || len == NULL)
        return -EFAULT;
    memcpy(addr, &in, RTE_MIN((size_t)*len, sizeof(in)));
    *len = sizeof(in);
    return 0;
}

int sl_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sl_socket *sock;
    int rc = sl_socket_get(fd, &sock);

    if (rc == 0 && sock->tcb != NULL) {
        uint16_t port;
        const struct sl_addr *a = sl_tcb_local(sock->tcb, &port);

        rc = write_address(a, port, addr, len);
    } else if (rc == 0) {
        rc = write_address(&sock->binding.local, sock->binding.port, addr, len);
    }
    return (int)sl_result(rc);
}

static int peer_name(const struct sl_socket *sock, struct sockaddr *addr, socklen_t *len)
{
    uint16_t port;
    const struct sl_addr *a;

    if (sock->tcb == NULL || sock->connecting)
        return -ENOTCONN;
    a = sl_tcb_remote(sock->tcb, &port);
    return write_address(a, port, addr, len);
}

int sl_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    return (int)sl_result(rc < 0 ? rc : peer_name(sock, addr, len));
}

/* ---- socket, bind, listen -----------------------------------------------------------------------
 */

/* NULL with *rc: no descriptor or no memory. */
static struct sl_socket *create(struct sl_sockets *all, int *rc)
{
    struct sl_socket *sock;

    *rc = -EMFILE;
    if (sl_fds_is_full(&all->fds))
        return NULL;
    *rc = -ENOMEM;
    if (SL_FAULT(socket_create) || (sock = calloc(1, sizeof(*sock))) == NULL)
        return NULL;
    sock->file.kind = SL_FILE_SOCKET;
    sock->all = all;
    sock->wish = sl_eno_wish_default;
    sl_list_init(&sock->watches);
    sl_binding_init(&sock->binding);
    *rc = sl_fds_add(&all->fds, &sock->file);
    return sock;
}

static int open_socket(int domain, int type, int protocol)
{
    struct sl_sockets *all;
    int rc;

    if (domain != AF_INET)
        return -EAFNOSUPPORT;
    if ((type & ~BIND_FLAGS) != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP))
        return -EPROTONOSUPPORT;
    if ((all = sl_sockets_here(&rc)) == NULL)
        return rc;
    (void)create(all, &rc);
    return rc;
}

int sl_socket(int domain, int type, int protocol)
{
    return (int)sl_result(open_socket(domain, type, protocol));
}

static int bind_to(struct sl_socket *sock, const struct sockaddr *addr, socklen_t len)
{
    const struct sl_shard *s = sock->all->shard;
    struct sl_addr local;
    uint16_t port;
    const int rc = read_address(addr, len, &local, &port);

    if (rc < 0)
        return rc;
    if (sock->binding.port != 0 || sock->tcb != NULL)
        return -EINVAL;
    if (s->net == NULL)
        return -ENETDOWN;
    if (!sl_addr_is_any(&local) && !sl_net_is_local(s->net, &local))
        return -EADDRNOTAVAIL;
    return sl_bindings_add(&sock->all->bindings, &sock->binding, &local, port);
}

int sl_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    return (int)sl_result(rc < 0 ? rc : bind_to(sock, addr, len));
}

/* Options that only the configuration and the wish together give. */
static int complete_options(struct sl_socket *sock)
{
    const struct sl_shard *s = sock->all->shard;

    sock->set.eno = sl_policies_get(&sock->all->policies, &sock->wish);
    sock->set.require_encryption = sock->wish.mandatory < 0
                                       ? s->config.crypt_mode == SL_CRYPT_REQUIRE
                                       : sock->wish.mandatory > 0;
    return sock->set.eno == NULL ? -ENOMEM : 0;
}

int sl_socket_apply(struct sl_socket *sock)
{
    struct sl_shard *s = sock->all->shard;
    int rc;

    if (sock->tcb == NULL && sock->listener == NULL) /* nobody to tell yet */
        return 0;
    if ((rc = complete_options(sock)) < 0)
        return rc;
    if (sock->tcb != NULL)
        sl_tcb_set_options(s->tcp, sock->tcb, &sock->set, s->now_ns);
    else
        sl_tcp_listener_options(sock->listener, &sock->set);
    return 0;
}

static int start_listening(struct sl_socket *sock, uint32_t backlog)
{
    struct sl_shard *s = sock->all->shard;
    const struct sl_binding *b = &sock->binding;
    int rc;

    if (!sl_bindings_may_listen(&sock->all->bindings, b))
        return -EADDRINUSE;
    if ((rc = complete_options(sock)) < 0)
        return rc;
    sock->listener = sl_tcp_listen(s->tcp, &b->local, b->port, backlog, &sock->set, sock);
    if (sock->listener == NULL)
        return -ENOMEM;
    if ((rc = sl_listeners_add(&s->listeners, &b->local, b->port, sock->listener)) < 0) {
        sl_tcp_listener_close(s->tcp, sock->listener, s->now_ns);
        sock->listener = NULL;
        return rc;
    }
    sock->binding.listens = true;
    return 0;
}

static int listen_on(struct sl_socket *sock, int backlog)
{
    const struct sl_addr any = sl_addr_of_ip4(0);
    const uint32_t n = backlog < 1 ? 1 : (uint32_t)RTE_MIN(backlog, BACKLOG_MAX);
    int rc;

    if (sock->all->shard->tcp == NULL)
        return -ENETDOWN;
    if (sock->tcb != NULL)
        return -EINVAL;
    if (sock->listener != NULL) {
        sl_tcp_listener_backlog(sock->listener, n);
        return 0;
    }
    if (sock->binding.port == 0 &&
        (rc = sl_bindings_add(&sock->all->bindings, &sock->binding, &any, 0)) < 0)
        return rc;
    return start_listening(sock, n);
}

int sl_listen(int fd, int backlog)
{
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    return (int)sl_result(rc < 0 ? rc : listen_on(sock, backlog));
}

/* ---- accept -----------------------------------------------------------------------------------
 */

/* P7: a child has its listener's options. */
static int accept_child(struct sl_socket *listening)
{
    struct sl_sockets *all = listening->all;
    struct sl_socket *child;
    int rc;

    if (sl_tcp_listener_ready(listening->listener) == 0)
        return -EAGAIN;
    if ((child = create(all, &rc)) == NULL)
        return rc;
    child->tcb = sl_tcp_accept(all->shard->tcp, listening->listener);
    if (child->tcb == NULL) {
        sl_fds_remove(&all->fds, child->file.fd);
        free_file(&child->file);
        return -EAGAIN;
    }
    child->wish = listening->wish;
    child->set = listening->set;
    child->linger_reset = listening->linger_reset;
    sl_tcb_set_user(child->tcb, child);
    return rc;
}

static int accept_on(struct sl_socket *sock, struct sockaddr *addr, socklen_t *len, int flags)
{
    int fd;

    if ((flags & ~BIND_FLAGS) != 0 || sock->listener == NULL)
        return -EINVAL;
    if (addr != NULL && len == NULL)
        return -EFAULT;
    if ((fd = accept_child(sock)) >= 0 && addr != NULL) {
        struct sl_socket *child;

        if (sl_socket_get(fd, &child) == 0)
            (void)peer_name(child, addr, len);
    }
    return fd;
}

int sl_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    return (int)sl_result(rc < 0 ? rc : accept_on(sock, addr, len, flags));
}

int sl_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return sl_accept4(fd, addr, len, 0);
}

/* ---- connect ----------------------------------------------------------------------------------
 */

int sl_socket_take_error(struct sl_socket *sock)
{
    enum sl_tcp_error e;

    if (sock->tcb == NULL || sock->error_taken)
        return 0;
    if ((e = sl_tcb_error(sock->tcb)) == SL_TCP_OK)
        return 0;
    sock->error_taken = true;
    return sl_tcp_error_errno(e);
}

/* A connection that was never established makes room for another attempt. */
static int end_attempt(struct sl_socket *sock)
{
    const struct sl_shard *s = sock->all->shard;
    int error;

    if (!sock->connecting)
        return -EISCONN;
    if (sl_tcb_error(sock->tcb) == SL_TCP_OK)
        return -EALREADY;
    if ((error = sl_socket_take_error(sock)) != 0)
        return -error;
    sl_tcb_set_user(sock->tcb, NULL);
    sl_tcp_close(s->tcp, sock->tcb, s->now_ns);
    sock->tcb = NULL;
    sock->connecting = sock->error_taken = sock->shut_rd = sock->shut_wr = false;
    return 0;
}

struct way {
    struct sl_addr local, remote;
    uint16_t remote_port;
    uint16_t mtu_bytes;
};

static int open_from(struct sl_socket *sock, const struct way *w, uint16_t local_port)
{
    struct sl_shard *s = sock->all->shard;
    int rc = 0;

    sock->tcb = sl_tcp_connect(s->tcp, &w->local, local_port, &w->remote, w->remote_port,
                               w->mtu_bytes, &sock->set, sock, s->now_ns, &rc);
    if (sock->tcb == NULL)
        return rc;
    sock->connecting = true;
    return -EINPROGRESS;
}

static int open_from_any_port(struct sl_socket *sock, const struct way *w)
{
    const uint16_t port =
        sl_bindings_choose(&sock->all->bindings, &w->local, &w->remote, w->remote_port);
    const int rc = port == 0 ? -EADDRINUSE : open_from(sock, w, port);

    return rc == -EADDRINUSE ? -EADDRNOTAVAIL : rc; /* as POSIX names it where none was asked for */
}

static int connect_to(struct sl_socket *sock, const struct sockaddr *addr, socklen_t len)
{
    const struct sl_shard *s = sock->all->shard;
    const struct sl_binding *b = &sock->binding;
    struct way w = {.mtu_bytes = 0};
    int rc = read_address(addr, len, &w.remote, &w.remote_port);

    if (rc < 0)
        return rc;
    if (s->tcp == NULL)
        return -ENETDOWN;
    if (sock->listener != NULL)
        return -EISCONN;
    if (sock->tcb != NULL && (rc = end_attempt(sock)) < 0)
        return rc;
    if (w.remote_port == 0)
        return -EADDRNOTAVAIL;
    if ((rc = sl_net_source(s->net, &w.remote, &w.local, &w.mtu_bytes)) < 0 ||
        (rc = complete_options(sock)) < 0)
        return rc;
    if (b->port == 0)
        return open_from_any_port(sock, &w);
    if (!sl_addr_is_any(&b->local))
        w.local = b->local;
    return open_from(sock, &w, b->port);
}

int sl_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    return (int)sl_result(rc < 0 ? rc : connect_to(sock, addr, len));
}

/* ---- shutdown, close --------------------------------------------------------------------------
 */

static int shut(struct sl_socket *sock, int how)
{
    struct sl_shard *s = sock->all->shard;
    const bool rd = how == SHUT_RD || how == SHUT_RDWR;
    const bool wr = how == SHUT_WR || how == SHUT_RDWR;
    int rc;

    if (!rd && !wr)
        return -EINVAL;
    if (sock->tcb == NULL)
        return -ENOTCONN;
    if ((rc = sl_tcp_shutdown(s->tcp, sock->tcb, rd, wr, s->now_ns)) < 0)
        return rc;
    sock->shut_rd |= rd;
    sock->shut_wr |= wr;
    sl_epoll_mark(sock, sl_socket_level(sock));
    return 0;
}

int sl_shutdown(int fd, int how)
{
    struct sl_socket *sock;
    const int rc = sl_socket_get(fd, &sock);

    return (int)sl_result(rc < 0 ? rc : shut(sock, how));
}

int sl_close(int fd)
{
    struct sl_sockets *all;
    struct sl_file *f;
    int rc;

    if ((rc = sl_file_get(fd, &f)) < 0)
        return (int)sl_result(rc);
    all = sl_shard_current()->user.ctx;
    if (f->kind == SL_FILE_SOCKET) {
        struct sl_socket *sock = (struct sl_socket *)f;

        let_go(sock, sock->linger_reset);
    }
    sl_fds_remove(&all->fds, fd);
    free_file(f);
    return 0;
}
