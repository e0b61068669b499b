/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "pair.h"

static struct pair p;
static int fd;

static void set_up(void)
{
    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
}

static const struct {
    int level, name, first, good, bad;
} ints[] = {
    {SOL_SOCKET, SO_REUSEADDR, 0, 1, INT32_MAX},
    {SOL_SOCKET, SO_KEEPALIVE, 0, 1, INT32_MAX},
    {SOL_SOCKET, SO_RCVBUF, 65536, 30000, INT32_MAX},
    {SOL_SOCKET, SO_SNDBUF, 65536, 30000, INT32_MAX},
    {IPPROTO_TCP, TCP_NODELAY, 0, 1, INT32_MAX},
    {IPPROTO_TCP, TCP_KEEPIDLE, 7200, 60, 0}, /* D5 */
    {IPPROTO_TCP, TCP_KEEPINTVL, 75, 10, 32768},
    {IPPROTO_TCP, TCP_KEEPCNT, 9, 3, 128},
    {IPPROTO_TCP, TCP_SYNCNT, 7, 3, 0}, /* D4 */
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 30000, -1},
    {IPPROTO_IP, IP_TOS, 0, 0x48, 256},
    {IPPROTO_IP, IP_TTL, 64, 7, 0}, /* MUST-49 */
};

Test(option, ints_have_their_defaults_and_bounds)
{
    set_up();
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        cr_expect_eq(pair_get(fd, ints[i].level, ints[i].name), ints[i].first, "row %zu", i);
        WORKS(pair_set(fd, ints[i].level, ints[i].name, ints[i].good));
        cr_expect_eq(pair_get(fd, ints[i].level, ints[i].name), ints[i].good, "row %zu", i);
        if (ints[i].bad == INT32_MAX)
            continue;
        FAILS(pair_set(fd, ints[i].level, ints[i].name, ints[i].bad), EINVAL);
        cr_expect_eq(pair_get(fd, ints[i].level, ints[i].name), ints[i].good, "row %zu", i);
    }
    pair_destroy(&p);
}

Test(option, what_is_only_to_be_read)
{
    set_up();
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    cr_expect_eq(pair_get(fd, IPPROTO_TCP, TCP_MAXSEG), 536);
    FAILS(pair_set(fd, SOL_SOCKET, SO_TYPE, 1), ENOPROTOOPT);
    FAILS(pair_set(fd, IPPROTO_TCP, TCP_MAXSEG, 1000), ENOPROTOOPT);
    pair_destroy(&p);
}

Test(option, wrong_calls)
{
    socklen_t len = 2;
    int v = 0;

    set_up();
    FAILS(pair_set(fd, SOL_SOCKET, SO_BROADCAST, 1), ENOPROTOOPT);
    FAILS(sl_getsockopt(fd, IPPROTO_TCP, 4321, &v, &len), ENOPROTOOPT);
    FAILS(sl_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, &len), EINVAL);
    FAILS(sl_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 2), EINVAL);
    FAILS(sl_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, NULL, 4), EFAULT);
    FAILS(sl_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, NULL, &len), EFAULT);
    FAILS(sl_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, NULL), EFAULT);
    FAILS(pair_set(7, IPPROTO_TCP, TCP_NODELAY, 1), EBADF);
    FAILS(pair_set(sl_epoll_create1(0), IPPROTO_TCP, TCP_NODELAY, 1), ENOTSOCK);
    pair_destroy(&p);
}

Test(option, buffers_are_brought_within_bounds)
{
    set_up();
    WORKS(pair_set(fd, SOL_SOCKET, SO_RCVBUF, 1));
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_RCVBUF), 4096);
    WORKS(pair_set(fd, SOL_SOCKET, SO_RCVBUF, INT32_MAX));
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_RCVBUF), 65536);
    pair_destroy(&p);
}

Test(option, linger_is_on_with_no_time_or_off)
{
    struct linger l = {.l_onoff = 1, .l_linger = 5};
    socklen_t len = sizeof(l);

    set_up();
    FAILS(sl_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), EINVAL);
    l.l_linger = 0;
    WORKS(sl_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    FAILS(sl_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4), EINVAL);
    l.l_onoff = 7;
    WORKS(sl_getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
    cr_expect_eq(l.l_onoff, 1);
    cr_expect_eq(len, sizeof(l));
    pair_destroy(&p);
}

Test(option, children_have_what_their_listener_had)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    int listening, child;

    set_up();
    listening = pair_listen(&p, 80);
    pair_b(&p);
    WORKS(pair_set(listening, IPPROTO_TCP, TCP_NODELAY, 1));
    WORKS(pair_set(listening, IPPROTO_IP, IP_TTL, 33));
    pair_a(&p);
    FAILS(sl_connect(fd, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    pair_settle(&p);
    cr_expect_eq(pair_get(fd, IPPROTO_TCP, TCP_MAXSEG), 1448);
    WORKS(pair_set(fd, IPPROTO_TCP, TCP_NODELAY, 1)); /* on a live one, too */
    pair_b(&p);
    child = sl_accept(listening, NULL, NULL);
    cr_expect_eq(pair_get(child, IPPROTO_TCP, TCP_NODELAY), 1);
    cr_expect_eq(pair_get(child, IPPROTO_IP, IP_TTL), 33);
    pair_destroy(&p);
}

Test(option, keep_alive_ends_a_connection_whose_peer_is_gone)
{
    int listening, a, b;
    char byte;

    set_up();
    listening = pair_listen(&p, 80);
    pair_connect(&p, listening, 80, &a, &b);
    WORKS(pair_set(a, SOL_SOCKET, SO_KEEPALIVE, 1));
    WORKS(pair_set(a, IPPROTO_TCP, TCP_KEEPIDLE, 10));
    WORKS(pair_set(a, IPPROTO_TCP, TCP_KEEPINTVL, 1));
    WORKS(pair_set(a, IPPROTO_TCP, TCP_KEEPCNT, 3));
    pair_run(&p, 60000);
    FAILS(sl_recv(a, &byte, 1, 0), EAGAIN); /* it answers */
    p.wires[0].room = 0;                    /* now it hears nothing any more */
    pair_run(&p, 15000);
    FAILS(sl_recv(a, &byte, 1, 0), ETIMEDOUT);
    pair_destroy(&p);
}
