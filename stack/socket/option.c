/* SPDX-License-Identifier: BSD-3-Clause */
#include "socket/option.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include <rte_common.h>

#include "socket/result.h"

static const uint64_t ms_ns = 1000000, second_ns = 1000000000;

enum { BUFFER_MIN_BYTES = 4096, SECONDS_MAX = 32767, COUNT_MAX = 127 };

/* ---- SOL_SOCKET -------------------------------------------------------------------------------
 */

/* get_int is given a const socket by the table, but this one is read away, as POSIX wants it. */
static int get_error(const struct sl_socket *sock, int *v)
{
    *v = sl_socket_take_error((struct sl_socket *)(uintptr_t)sock);
    return 0;
}

static int get_type(const struct sl_socket *sock, int *v)
{
    (void)sock;
    *v = SOCK_STREAM;
    return 0;
}

static int get_domain(const struct sl_socket *sock, int *v)
{
    (void)sock;
    *v = AF_INET;
    return 0;
}

static int get_protocol(const struct sl_socket *sock, int *v)
{
    (void)sock;
    *v = IPPROTO_TCP;
    return 0;
}

static int get_acceptconn(const struct sl_socket *sock, int *v)
{
    *v = sock->listener != NULL;
    return 0;
}

static int get_reuseaddr(const struct sl_socket *sock, int *v)
{
    *v = sock->binding.reuse;
    return 0;
}

static int set_reuseaddr(struct sl_socket *sock, int v)
{
    sock->binding.reuse = v != 0;
    return 0;
}

static int get_keepalive(const struct sl_socket *sock, int *v)
{
    *v = sock->set.keepalive;
    return 0;
}

static int set_keepalive(struct sl_socket *sock, int v)
{
    sock->set.keepalive = v != 0;
    return sl_socket_apply(sock);
}

static int get_rcvbuf(const struct sl_socket *sock, int *v)
{
    const uint32_t own = sock->set.rcvbuf_bytes;

    *v = (int)(own > 0 ? own : sock->all->shard->config.rcvbuf_bytes);
    return 0;
}

static int get_sndbuf(const struct sl_socket *sock, int *v)
{
    const uint32_t own = sock->set.sndbuf_bytes;

    *v = (int)(own > 0 ? own : sock->all->shard->config.sndbuf_bytes);
    return 0;
}

/* As elsewhere, a size out of bounds is no error; it is brought within. */
static uint32_t bounded(int v, uint32_t most)
{
    const uint32_t least = RTE_MIN((uint32_t)BUFFER_MIN_BYTES, most);

    return v < (int)least ? least : RTE_MIN((uint32_t)v, most);
}

static int set_rcvbuf(struct sl_socket *sock, int v)
{
    sock->set.rcvbuf_bytes = bounded(v, sock->all->shard->config.rcvbuf_bytes);
    return sl_socket_apply(sock);
}

static int set_sndbuf(struct sl_socket *sock, int v)
{
    sock->set.sndbuf_bytes = bounded(v, sock->all->shard->config.sndbuf_bytes);
    return sl_socket_apply(sock);
}

static int get_linger(const struct sl_socket *sock, void *out, size_t *len)
{
    const struct linger l = {.l_onoff = sock->linger_reset};

    if (*len < sizeof(l))
        return -EINVAL;
    memcpy(out, &l, sizeof(l));
    *len = sizeof(l);
    return 0;
}

/* Close never waits, so a time to linger has no meaning but zero: reset. */
static int set_linger(struct sl_socket *sock, const void *in, size_t len)
{
    struct linger l;

    if (len < sizeof(l))
        return -EINVAL;
    memcpy(&l, in, sizeof(l));
    if (l.l_onoff != 0 && l.l_linger != 0)
        return -EINVAL;
    sock->linger_reset = l.l_onoff != 0;
    return 0;
}

/* ---- IPPROTO_TCP ------------------------------------------------------------------------------
 */

static int get_nodelay(const struct sl_socket *sock, int *v)
{
    *v = sock->set.nodelay;
    return 0;
}

static int set_nodelay(struct sl_socket *sock, int v)
{
    sock->set.nodelay = v != 0;
    return sl_socket_apply(sock);
}

static int get_seconds(uint64_t own_ns, uint64_t default_ns, int *v)
{
    *v = (int)RTE_MIN((own_ns > 0 ? own_ns : default_ns) / second_ns, (uint64_t)INT_MAX);
    return 0;
}

static int set_seconds(struct sl_socket *sock, uint64_t *ns, int v)
{
    if (v < 1 || v > SECONDS_MAX)
        return -EINVAL;
    *ns = (uint64_t)v * second_ns;
    return sl_socket_apply(sock);
}

static int get_keepidle(const struct sl_socket *sock, int *v)
{
    return get_seconds(sock->set.keepalive_idle_ns, sock->all->shard->config.keepalive_idle_ns, v);
}

static int set_keepidle(struct sl_socket *sock, int v)
{
    return set_seconds(sock, &sock->set.keepalive_idle_ns, v);
}

static int get_keepintvl(const struct sl_socket *sock, int *v)
{
    return get_seconds(sock->set.keepalive_interval_ns,
                       sock->all->shard->config.keepalive_interval_ns, v);
}

static int set_keepintvl(struct sl_socket *sock, int v)
{
    return set_seconds(sock, &sock->set.keepalive_interval_ns, v);
}

static int get_keepcnt(const struct sl_socket *sock, int *v)
{
    const uint8_t own = sock->set.keepalive_probes;

    *v = own > 0 ? own : (int)sock->all->shard->config.keepalive_probes;
    return 0;
}

static int set_count(struct sl_socket *sock, uint8_t *count, int v)
{
    if (v < 1 || v > COUNT_MAX)
        return -EINVAL;
    *count = (uint8_t)v;
    return sl_socket_apply(sock);
}

static int set_keepcnt(struct sl_socket *sock, int v)
{
    return set_count(sock, &sock->set.keepalive_probes, v);
}

static int get_syncnt(const struct sl_socket *sock, int *v)
{
    const uint8_t own = sock->set.syn_retries;

    *v = own > 0 ? own : (int)sock->all->shard->config.syn_retries;
    return 0;
}

static int set_syncnt(struct sl_socket *sock, int v)
{
    return set_count(sock, &sock->set.syn_retries, v);
}

static int get_user_timeout(const struct sl_socket *sock, int *v)
{
    *v = (int)(sock->set.user_timeout_ns / ms_ns);
    return 0;
}

/* Milliseconds; 0: the default (D42). */
static int set_user_timeout(struct sl_socket *sock, int v)
{
    if (v < 0)
        return -EINVAL;
    sock->set.user_timeout_ns = (uint64_t)v * ms_ns;
    return sl_socket_apply(sock);
}

static int get_maxseg(const struct sl_socket *sock, int *v)
{
    struct sl_tcb_facts f = {.mss_bytes = 536}; /* before there is a path: RFC 9293 3.7.1 */

    if (sock->tcb != NULL)
        sl_tcb_facts(sock->tcb, &f);
    *v = f.mss_bytes;
    return 0;
}

/* ---- IPPROTO_IP -------------------------------------------------------------------------------
 */

static int get_tos(const struct sl_socket *sock, int *v)
{
    *v = sock->set.tos;
    return 0;
}

static int set_tos(struct sl_socket *sock, int v)
{
    if (v < 0 || v > 255)
        return -EINVAL;
    sock->set.tos = (uint8_t)(v & 0xfc); /* the ECN bits are TCP's */
    return sl_socket_apply(sock);
}

static int get_ttl(const struct sl_socket *sock, int *v)
{
    *v = sock->set.ttl > 0 ? sock->set.ttl : sock->all->shard->config.ttl;
    return 0;
}

/* -1: the default again. */
static int set_ttl(struct sl_socket *sock, int v)
{
    if (v != -1 && (v < 1 || v > 255))
        return -EINVAL;
    sock->set.ttl = v == -1 ? 0 : (uint8_t)v;
    return sl_socket_apply(sock);
}

/* ---- the table, the calls ---------------------------------------------------------------------
 */

static const struct sl_option options[] = {
    {SOL_SOCKET, SO_ERROR, .get_int = get_error},
    {SOL_SOCKET, SO_TYPE, .get_int = get_type},
    {SOL_SOCKET, SO_DOMAIN, .get_int = get_domain},
    {SOL_SOCKET, SO_PROTOCOL, .get_int = get_protocol},
    {SOL_SOCKET, SO_ACCEPTCONN, .get_int = get_acceptconn},
    {SOL_SOCKET, SO_REUSEADDR, .get_int = get_reuseaddr, .set_int = set_reuseaddr},
    {SOL_SOCKET, SO_KEEPALIVE, .get_int = get_keepalive, .set_int = set_keepalive},
    {SOL_SOCKET, SO_RCVBUF, .get_int = get_rcvbuf, .set_int = set_rcvbuf},
    {SOL_SOCKET, SO_SNDBUF, .get_int = get_sndbuf, .set_int = set_sndbuf},
    {SOL_SOCKET, SO_LINGER, .get_bytes = get_linger, .set_bytes = set_linger},
    {IPPROTO_TCP, TCP_NODELAY, .get_int = get_nodelay, .set_int = set_nodelay},
    {IPPROTO_TCP, TCP_KEEPIDLE, .get_int = get_keepidle, .set_int = set_keepidle},
    {IPPROTO_TCP, TCP_KEEPINTVL, .get_int = get_keepintvl, .set_int = set_keepintvl},
    {IPPROTO_TCP, TCP_KEEPCNT, .get_int = get_keepcnt, .set_int = set_keepcnt},
    {IPPROTO_TCP, TCP_SYNCNT, .get_int = get_syncnt, .set_int = set_syncnt},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, .get_int = get_user_timeout, .set_int = set_user_timeout},
    {IPPROTO_TCP, TCP_MAXSEG, .get_int = get_maxseg},
    {IPPROTO_IP, IP_TOS, .get_int = get_tos, .set_int = set_tos},
    {IPPROTO_IP, IP_TTL, .get_int = get_ttl, .set_int = set_ttl},
};

static const struct sl_option *find_in(const struct sl_option *table, size_t n, int level, int name)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (table[i].level == level && table[i].name == name)
            return &table[i];
    }
    return NULL;
}

static const struct sl_option *find(int level, int name)
{
    const struct sl_option *o = find_in(options, RTE_DIM(options), level, name);

    return o != NULL ? o : find_in(sl_options_crypt, sl_options_crypt_n, level, name);
}

static int get(int fd, int level, int name, void *value, socklen_t *len)
{
    const struct sl_option *o = find(level, name);
    struct sl_socket *sock;
    size_t room;
    int rc, v;

    if ((rc = sl_socket_get(fd, &sock)) < 0)
        return rc;
    if (o == NULL || (o->get_int == NULL && o->get_bytes == NULL))
        return o == NULL ? -ENOPROTOOPT : -EINVAL;
    if (value == NULL || len == NULL)
        return -EFAULT;
    room = *len;
    if (o->get_bytes != NULL) {
        if ((rc = o->get_bytes(sock, value, &room)) == 0)
            *len = (socklen_t)room;
        return rc;
    }
    if (room < sizeof(v))
        return -EINVAL;
    if ((rc = o->get_int(sock, &v)) == 0) {
        memcpy(value, &v, sizeof(v));
        *len = sizeof(v);
    }
    return rc;
}

static int set(int fd, int level, int name, const void *value, socklen_t len)
{
    const struct sl_option *o = find(level, name);
    struct sl_socket *sock;
    int rc, v;

    if ((rc = sl_socket_get(fd, &sock)) < 0)
        return rc;
    if (o == NULL || (o->set_int == NULL && o->set_bytes == NULL))
        return -ENOPROTOOPT;
    if (value == NULL && len > 0)
        return -EFAULT;
    if (o->set_bytes != NULL)
        return o->set_bytes(sock, value, len);
    if (len < sizeof(v))
        return -EINVAL;
    memcpy(&v, value, sizeof(v));
    return o->set_int(sock, v);
}

int sl_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return (int)sl_result(get(fd, level, name, value, len));
}

int sl_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return (int)sl_result(set(fd, level, name, value, len));
}
