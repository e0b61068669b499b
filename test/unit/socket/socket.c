/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "pair.h"

/* POSIX.1-2017 and Linux' tcp(7) are what is expected here. */

static struct pair p;

#define ADDR(in) ((const struct sockaddr *)&(in)), sizeof(in)

Test(socket, without_a_shard_there_is_none)
{
    char byte;

    FAILS(sl_socket(AF_INET, SOCK_STREAM, 0), ENXIO);
    FAILS(sl_epoll_create1(0), ENXIO);
    FAILS(sl_recv(SL_FD_BASE, &byte, 1, 0), EBADF);
    FAILS(sl_close(SL_FD_BASE), EBADF);
}

Test(socket, only_tcp_over_ip4)
{
    pair_create(&p, NULL, NULL);
    FAILS(sl_socket(AF_INET6, SOCK_STREAM, 0), EAFNOSUPPORT);
    FAILS(sl_socket(AF_INET, SOCK_DGRAM, 0), EPROTONOSUPPORT);
    FAILS(sl_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    cr_expect_geq(sl_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP),
                  SL_FD_BASE);
    pair_destroy(&p);
}

Test(socket, descriptors_are_bounded_and_used_again)
{
    int fds[64];

    pair_create(&p, NULL, NULL);
    for (int i = 0; i < 64; i++) {
        fds[i] = sl_socket(AF_INET, SOCK_STREAM, 0);
        cr_assert_geq(fds[i], SL_FD_BASE);
    }
    FAILS(sl_socket(AF_INET, SOCK_STREAM, 0), EMFILE);
    FAILS(sl_epoll_create1(0), EMFILE);
    WORKS(sl_close(fds[17]));
    FAILS(sl_close(fds[17]), EBADF);
    cr_expect_eq(sl_socket(AF_INET, SOCK_STREAM, 0), fds[17]);
    pair_destroy(&p);
}

Test(socket, descriptors_of_one_shard_mean_nothing_to_another)
{
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    pair_b(&p);
    FAILS(sl_listen(fd, 1), EBADF);
    pair_a(&p);
    WORKS(sl_listen(fd, 1));
    pair_destroy(&p);
}

Test(socket, bind_takes_our_addresses_only_and_once)
{
    struct sockaddr_in ours = pair_address("10.0.0.1", 80), theirs = pair_address("10.0.0.9", 80);
    struct sockaddr_in other_family = ours, name;
    socklen_t len = sizeof(name);
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    other_family.sin_family = AF_INET6;
    FAILS(sl_bind(fd, ADDR(theirs)), EADDRNOTAVAIL);
    FAILS(sl_bind(fd, ADDR(other_family)), EAFNOSUPPORT);
    FAILS(sl_bind(fd, (struct sockaddr *)&ours, 8), EINVAL);
    FAILS(sl_bind(fd, NULL, sizeof(ours)), EFAULT);
    WORKS(sl_bind(fd, ADDR(ours)));
    FAILS(sl_bind(fd, ADDR(ours)), EINVAL);
    WORKS(sl_getsockname(fd, (struct sockaddr *)&name, &len));
    cr_expect_eq(name.sin_addr.s_addr, ours.sin_addr.s_addr);
    cr_expect_eq(name.sin_port, ours.sin_port);
    FAILS(sl_getpeername(fd, (struct sockaddr *)&name, &len), ENOTCONN);
    pair_destroy(&p);
}

Test(socket, a_port_is_somebodys)
{
    const struct sockaddr_in one = pair_address("10.0.0.1", 80), any = pair_address("0.0.0.0", 80);
    const struct sockaddr_in other = pair_address("10.0.0.1", 81);
    int a, b, c;

    pair_create(&p, NULL, NULL);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    b = sl_socket(AF_INET, SOCK_STREAM, 0);
    c = sl_socket(AF_INET, SOCK_STREAM, 0);
    WORKS(sl_bind(a, ADDR(one)));
    FAILS(sl_bind(b, ADDR(one)), EADDRINUSE);
    FAILS(sl_bind(b, ADDR(any)), EADDRINUSE);
    pair_set(b, SOL_SOCKET, SO_REUSEADDR, 1);
    FAILS(sl_bind(b, ADDR(one)), EADDRINUSE); /* both have to want it */
    pair_set(a, SOL_SOCKET, SO_REUSEADDR, 1);
    WORKS(sl_bind(b, ADDR(any)));
    WORKS(sl_listen(a, 1));
    FAILS(sl_listen(b, 1), EADDRINUSE); /* one listens */
    pair_set(c, SOL_SOCKET, SO_REUSEADDR, 1);
    FAILS(sl_bind(c, ADDR(one)), EADDRINUSE); /* never beside one that listens */
    WORKS(sl_bind(c, ADDR(other)));
    WORKS(sl_close(a));
    WORKS(sl_listen(b, 1));
    pair_destroy(&p);
}

Test(socket, listening_without_a_port_gets_one)
{
    struct sockaddr_in name = {0};
    socklen_t len = sizeof(name);
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    WORKS(sl_listen(fd, 5));
    WORKS(sl_getsockname(fd, (struct sockaddr *)&name, &len));
    cr_expect_geq(ntohs(name.sin_port), 16384); /* D25 */
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    FAILS(sl_accept(fd, NULL, NULL), EAGAIN);
    FAILS(sl_accept4(fd, NULL, NULL, 0x40000000), EINVAL);
    WORKS(sl_listen(fd, 50));
    pair_destroy(&p);
}

Test(socket, connect_and_accept)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    struct sockaddr_in local = {0}, remote = {0}, peer = {0};
    socklen_t len = sizeof(local);
    int listening, a, b;

    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_connect(a, ADDR(to)), EINPROGRESS);
    FAILS(sl_connect(a, ADDR(to)), EALREADY);
    cr_expect_eq(pair_level(a), 0);
    FAILS(sl_getpeername(a, (struct sockaddr *)&remote, &len), ENOTCONN);
    pair_settle(&p);
    cr_expect_eq(pair_level(a), POLLOUT);
    cr_expect_eq(pair_get(a, SOL_SOCKET, SO_ERROR), 0);
    FAILS(sl_connect(a, ADDR(to)), EISCONN);
    WORKS(sl_getsockname(a, (struct sockaddr *)&local, &len));
    WORKS(sl_getpeername(a, (struct sockaddr *)&remote, &len));
    cr_expect_eq(remote.sin_port, htons(80));
    cr_expect_eq(local.sin_addr.s_addr, inet_addr("10.0.0.1"));
    cr_expect_geq(ntohs(local.sin_port), 16384);

    pair_b(&p);
    cr_expect_eq(pair_level(listening), POLLIN);
    len = sizeof(peer);
    b = sl_accept4(listening, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    cr_assert_geq(b, 0);
    cr_expect_eq(peer.sin_port, local.sin_port);
    cr_expect_eq(peer.sin_addr.s_addr, local.sin_addr.s_addr);
    cr_expect_eq(pair_level(listening), 0);
    cr_expect_eq(pair_level(b), POLLOUT);
    FAILS(sl_accept(b, NULL, NULL), EINVAL);
    FAILS(sl_listen(b, 1), EINVAL);
    FAILS(sl_connect(listening, ADDR(to)), EISCONN);
    pair_destroy(&p);
}

Test(socket, connections_are_accepted_in_order)
{
    int listening, a[4];

    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    for (int i = 0; i < 4; i++) {
        const struct sockaddr_in to = pair_address("10.0.0.2", 80);

        a[i] = sl_socket(AF_INET, SOCK_STREAM, 0);
        FAILS(sl_connect(a[i], ADDR(to)), EINPROGRESS);
        pair_settle(&p);
    }
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in local, peer;
        socklen_t len = sizeof(peer);

        pair_a(&p);
        WORKS(sl_getsockname(a[i], (struct sockaddr *)&local, &len));
        pair_b(&p);
        cr_assert_geq(sl_accept(listening, (struct sockaddr *)&peer, &len), 0);
        cr_expect_eq(peer.sin_port, local.sin_port);
    }
    FAILS(sl_accept(listening, NULL, NULL), EAGAIN);
    pair_destroy(&p);
}

Test(socket, where_no_route_leads_connect_fails_at_once)
{
    const struct sockaddr_in far = pair_address("192.0.2.1", 80);
    const struct sockaddr_in group = pair_address("224.0.0.1", 80);
    const struct sockaddr_in broadcast = pair_address("10.0.0.255", 80);
    const struct sockaddr_in no_port = pair_address("10.0.0.2", 0);
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_connect(fd, ADDR(far)), ENETUNREACH);
    FAILS(sl_connect(fd, ADDR(group)), ENETUNREACH);     /* MUST-46 */
    FAILS(sl_connect(fd, ADDR(broadcast)), ENETUNREACH); /* MUST-46 */
    FAILS(sl_connect(fd, ADDR(no_port)), EADDRNOTAVAIL);
    WORKS(sl_shard_route_add(p.a.shard, "192.0.2.0/24", "10.0.0.2"));
    FAILS(sl_connect(fd, ADDR(far)), EINPROGRESS);
    pair_destroy(&p);
}

Test(socket, refused_is_told_once_and_another_attempt_works)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    char byte;
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_connect(fd, ADDR(to)), EINPROGRESS);
    pair_settle(&p);
    cr_expect_eq(pair_level(fd), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_ERROR), 0);
    cr_expect_eq(pair_level(fd) & POLLERR, 0);
    cr_expect_eq(sl_recv(fd, &byte, 1, 0), 0);
    FAILS(sl_send(fd, &byte, 1, 0), EPIPE);
    pair_listen(&p, 80);
    FAILS(sl_connect(fd, ADDR(to)), EINPROGRESS);
    pair_settle(&p);
    cr_expect_eq(pair_level(fd), POLLOUT);
    cr_expect_eq(sl_send(fd, "x", 1, 0), 1);
    pair_destroy(&p);
}

Test(socket, refused_is_told_by_connect_too)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_connect(fd, ADDR(to)), EINPROGRESS);
    pair_settle(&p);
    FAILS(sl_connect(fd, ADDR(to)), ECONNREFUSED);
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_ERROR), 0);
    pair_destroy(&p);
}

Test(socket, nobody_there_times_out)
{
    const struct sockaddr_in to = pair_address("10.0.0.77", 80);
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    WORKS(pair_set(fd, IPPROTO_TCP, TCP_SYNCNT, 2));
    FAILS(sl_connect(fd, ADDR(to)), EINPROGRESS);
    pair_run(&p, 6900);
    cr_expect_eq(pair_level(fd), 0);
    pair_run(&p, 200); /* D4: 1, 2, 4 seconds */
    cr_expect_eq(pair_get(fd, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
    pair_destroy(&p);
}

Test(socket, bound_sockets_connect_from_where_they_are_bound)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    const struct sockaddr_in from = pair_address("0.0.0.0", 5555);
    struct sockaddr_in name;
    socklen_t len = sizeof(name);
    int fd;

    pair_create(&p, NULL, NULL);
    pair_listen(&p, 80);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    WORKS(sl_bind(fd, ADDR(from)));
    FAILS(sl_connect(fd, ADDR(to)), EINPROGRESS);
    pair_settle(&p);
    WORKS(sl_getsockname(fd, (struct sockaddr *)&name, &len));
    cr_expect_eq(name.sin_port, htons(5555));
    cr_expect_eq(name.sin_addr.s_addr, inet_addr("10.0.0.1"));
    pair_destroy(&p);
}

/* The end that closes first is in TIME-WAIT (MUST-13). */
Test(socket, time_wait_keeps_its_port_from_those_who_do_not_ask)
{
    const struct sockaddr_in ours = pair_address("10.0.0.2", 80);
    int listening, a, b, again;

    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    pair_connect(&p, listening, 80, &a, &b);
    pair_b(&p);
    WORKS(sl_close(b));
    WORKS(sl_close(listening));
    pair_settle(&p);
    pair_a(&p);
    WORKS(sl_close(a));
    pair_run(&p, 100);
    pair_b(&p);
    again = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_bind(again, ADDR(ours)), EADDRINUSE);
    pair_set(again, SOL_SOCKET, SO_REUSEADDR, 1);
    WORKS(sl_bind(again, ADDR(ours)));
    WORKS(sl_listen(again, 5));
    pair_connect(&p, again, 80, &a, &b);
    pair_run(&p, 61000);
    pair_destroy(&p);
}

/* D3, RFC 6191: a SYN to a TIME-WAIT opens anew where somebody listens. */
Test(socket, the_same_tuple_is_used_again_out_of_time_wait)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    const struct sockaddr_in from = pair_address("10.0.0.1", 5555);
    int listening;

    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    for (int round = 0; round < 3; round++) {
        int a, b;

        pair_a(&p);
        a = sl_socket(AF_INET, SOCK_STREAM, 0);
        WORKS(sl_bind(a, ADDR(from)));
        FAILS(sl_connect(a, ADDR(to)), EINPROGRESS);
        pair_settle(&p);
        pair_b(&p);
        b = sl_accept(listening, NULL, NULL);
        cr_assert_geq(b, 0, "round %d: %s", round, strerror(errno));
        WORKS(sl_close(b)); /* B's end goes to TIME-WAIT */
        pair_settle(&p);
        pair_a(&p);
        WORKS(sl_close(a));
        pair_run(&p, 100);
    }
    pair_destroy(&p);
}

Test(socket, closing_a_listener_resets_those_not_accepted)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    int listening, a;

    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_connect(a, ADDR(to)), EINPROGRESS);
    pair_settle(&p);
    pair_b(&p);
    WORKS(sl_close(listening));
    pair_settle(&p);
    pair_a(&p);
    cr_expect_eq(pair_get(a, SOL_SOCKET, SO_ERROR), ECONNRESET);
    pair_destroy(&p);
}

Test(socket, names_are_cut_to_the_room_there_is)
{
    struct sockaddr_in name;
    socklen_t len = 4;
    int fd;

    pair_create(&p, NULL, NULL);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    memset(&name, 0xee, sizeof(name));
    WORKS(sl_getsockname(fd, (struct sockaddr *)&name, &len));
    cr_expect_eq(len, sizeof(name));
    cr_expect_eq(name.sin_family, AF_INET);
    cr_expect_eq(name.sin_addr.s_addr, 0xeeeeeeee);
    FAILS(sl_getsockname(fd, NULL, &len), EFAULT);
    pair_destroy(&p);
}
