/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "pair.h"

/* epoll(7) is what is expected here. */

static struct pair p;
static int listening, a, b, ep;
static struct epoll_event got[8];

/* Watches are on B's end; A is where bytes come from. */
static void set_up(uint32_t events)
{
    struct epoll_event e = {.events = events, .data.u64 = 42};

    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    pair_connect(&p, listening, 80, &a, &b);
    pair_b(&p);
    ep = sl_epoll_create1(EPOLL_CLOEXEC);
    cr_assert_geq(ep, SL_FD_BASE);
    WORKS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, b, &e));
}

static void a_sends(const char *text)
{
    pair_a(&p);
    cr_assert_eq(sl_send(a, text, strlen(text), 0), (ssize_t)strlen(text));
    pair_settle(&p);
    pair_b(&p);
}

static int ready(void)
{
    memset(got, 0, sizeof(got));
    return sl_epoll_wait(ep, got, 8, 0);
}

Test(epoll, level_tells_as_long_as_it_is_so)
{
    char buf[8];

    set_up(EPOLLIN);
    cr_expect_eq(ready(), 0);
    a_sends("abc");
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(ready(), 1);
        cr_expect_eq(got[0].events, EPOLLIN);
        cr_expect_eq(got[0].data.u64, 42);
    }
    cr_expect_eq(sl_recv(b, buf, 2, 0), 2);
    cr_expect_eq(ready(), 1);
    cr_expect_eq(sl_recv(b, buf, 2, 0), 1);
    cr_expect_eq(ready(), 0);
    a_sends("d");
    cr_expect_eq(ready(), 1);
    pair_destroy(&p);
}

Test(epoll, edge_tells_when_something_came)
{
    char buf[8];

    set_up(EPOLLIN | EPOLLET);
    a_sends("abc");
    cr_expect_eq(ready(), 1);
    cr_expect_eq(ready(), 0);
    cr_expect_eq(sl_recv(b, buf, 1, 0), 1);
    cr_expect_eq(ready(), 0, "what is left is no edge");
    a_sends("d");
    cr_expect_eq(ready(), 1, "more came, though there was some");
    cr_expect_eq(ready(), 0);
    cr_expect_eq(sl_recv(b, buf, 8, 0), 3);
    a_sends("e");
    cr_expect_eq(ready(), 1);
    pair_destroy(&p);
}

Test(epoll, edge_of_what_is_so_at_the_beginning)
{
    set_up(EPOLLIN | EPOLLOUT | EPOLLET);
    cr_expect_eq(ready(), 1);
    cr_expect_eq(got[0].events, EPOLLOUT);
    cr_expect_eq(ready(), 0);
    a_sends("a");
    cr_expect_eq(ready(), 1);
    cr_expect_eq(got[0].events, EPOLLIN | EPOLLOUT);
    pair_destroy(&p);
}

Test(epoll, an_edge_of_something_else_is_none)
{
    static char block[65536];

    set_up(EPOLLIN | EPOLLET);
    a_sends("unread");
    cr_expect_eq(ready(), 1);
    while (sl_send(b, block, sizeof(block), 0) > 0)
        pair_settle(&p);
    cr_expect_eq(pair_level(b), POLLIN);
    pair_a(&p);
    while (sl_recv(a, block, sizeof(block), 0) > 0)
        pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(pair_level(b), POLLIN | POLLOUT);
    cr_expect_eq(ready(), 0);
    pair_destroy(&p);
}

Test(epoll, edge_of_room_to_write)
{
    static char block[65536];
    struct epoll_event e = {.events = EPOLLOUT | EPOLLET};
    int on_a;

    set_up(EPOLLIN);
    pair_a(&p);
    on_a = sl_epoll_create1(0);
    WORKS(sl_epoll_ctl(on_a, EPOLL_CTL_ADD, a, &e));
    cr_expect_eq(sl_epoll_wait(on_a, got, 8, 0), 1);
    cr_expect_eq(sl_epoll_wait(on_a, got, 8, 0), 0);
    while (sl_send(a, block, sizeof(block), 0) > 0)
        pair_settle(&p);
    cr_expect_eq(sl_epoll_wait(on_a, got, 8, 0), 0);
    pair_b(&p);
    while (sl_recv(b, block, sizeof(block), 0) > 0)
        pair_settle(&p);
    pair_a(&p);
    cr_expect_eq(sl_epoll_wait(on_a, got, 8, 0), 1);
    cr_expect_eq(got[0].events, EPOLLOUT);
    pair_destroy(&p);
}

Test(epoll, oneshot_fires_once_until_it_is_armed_again)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 43};

    set_up(EPOLLIN | EPOLLONESHOT);
    a_sends("abc");
    cr_expect_eq(ready(), 1);
    cr_expect_eq(ready(), 0);
    a_sends("d");
    cr_expect_eq(ready(), 0);
    WORKS(sl_epoll_ctl(ep, EPOLL_CTL_MOD, b, &e));
    cr_expect_eq(ready(), 1);
    cr_expect_eq(got[0].data.u64, 43);
    cr_expect_eq(ready(), 0);
    pair_destroy(&p);
}

Test(epoll, what_nobody_asked_for_is_not_told_but_errors_are)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    set_up(0);
    a_sends("abc");
    cr_expect_eq(ready(), 0);
    pair_a(&p);
    WORKS(sl_setsockopt(a, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
    WORKS(sl_close(a));
    pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(ready(), 1);
    cr_expect_eq(got[0].events, EPOLLERR | EPOLLHUP);
    pair_destroy(&p);
}

Test(epoll, the_peers_end_is_rdhup_and_both_ends_are_hup)
{
    set_up(EPOLLIN | EPOLLRDHUP);
    pair_a(&p);
    WORKS(sl_shutdown(a, SHUT_WR));
    pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(ready(), 1);
    cr_expect_eq(got[0].events, EPOLLIN | EPOLLRDHUP);
    WORKS(sl_shutdown(b, SHUT_WR));
    cr_expect_eq(ready(), 1);
    cr_expect_eq(got[0].events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
    pair_destroy(&p);
}

Test(epoll, a_listener_is_readable_when_somebody_waits)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = 7};
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);

    set_up(EPOLLIN);
    WORKS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, listening, &e));
    cr_expect_eq(ready(), 0);
    for (int i = 0; i < 2; i++) {
        pair_a(&p);
        FAILS(sl_connect(sl_socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&to,
                         sizeof(to)),
              EINPROGRESS);
        pair_settle(&p);
        pair_b(&p);
        cr_expect_eq(ready(), 1, "an edge for each");
        cr_expect_eq(got[0].data.u64, 7);
        cr_expect_eq(ready(), 0);
    }
    cr_expect_geq(sl_accept(listening, NULL, NULL), 0);
    cr_expect_geq(sl_accept(listening, NULL, NULL), 0);
    FAILS(sl_accept(listening, NULL, NULL), EAGAIN);
    pair_destroy(&p);
}

Test(epoll, connecting_becomes_writable)
{
    struct epoll_event e = {.events = EPOLLOUT};
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    int on_a, fd;

    set_up(EPOLLIN);
    pair_a(&p);
    on_a = sl_epoll_create1(0);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    WORKS(sl_epoll_ctl(on_a, EPOLL_CTL_ADD, fd, &e));
    FAILS(sl_connect(fd, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    cr_expect_eq(sl_epoll_wait(on_a, got, 8, 0), 0);
    pair_settle(&p);
    cr_expect_eq(sl_epoll_wait(on_a, got, 8, 0), 1);
    cr_expect_eq(got[0].events, EPOLLOUT);
    pair_destroy(&p);
}

Test(epoll, control_refuses_what_makes_no_sense)
{
    struct epoll_event e = {.events = EPOLLIN};
    int other;

    set_up(EPOLLIN);
    other = sl_epoll_create1(0);
    FAILS(sl_epoll_create1(77), EINVAL);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, b, &e), EEXIST);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_MOD, listening, &e), ENOENT);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_DEL, listening, NULL), ENOENT);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, other, &e), EPERM);
    FAILS(sl_epoll_ctl(b, EPOLL_CTL_ADD, listening, &e), EINVAL);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, 12345, &e), EBADF);
    FAILS(sl_epoll_ctl(12345, EPOLL_CTL_ADD, b, &e), EBADF);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, listening, NULL), EFAULT);
    FAILS(sl_epoll_ctl(ep, 99, b, &e), EINVAL);
    FAILS(sl_epoll_wait(b, got, 8, 0), EINVAL);
    FAILS(sl_epoll_wait(12345, got, 8, 0), EBADF);
    FAILS(sl_epoll_wait(ep, got, 0, 0), EINVAL);
    FAILS(sl_epoll_wait(ep, NULL, 8, 0), EFAULT);
    FAILS(sl_recv(ep, got, 1, 0), ENOTSOCK);
    WORKS(sl_epoll_ctl(ep, EPOLL_CTL_DEL, b, NULL));
    a_sends("x");
    cr_expect_eq(ready(), 0);
    pair_destroy(&p);
}

Test(epoll, a_closed_socket_is_in_no_set)
{
    int other;

    set_up(EPOLLIN | EPOLLOUT);
    other = sl_epoll_create1(0);
    WORKS(sl_epoll_ctl(other, EPOLL_CTL_ADD, b, &(struct epoll_event){.events = EPOLLOUT}));
    cr_expect_eq(ready(), 1);
    cr_expect_eq(sl_epoll_wait(other, got, 8, 0), 1);
    WORKS(sl_close(b));
    cr_expect_eq(ready(), 0);
    cr_expect_eq(sl_epoll_wait(other, got, 8, 0), 0);
    WORKS(sl_close(ep));
    FAILS(sl_epoll_wait(ep, got, 8, 0), EBADF);
    pair_destroy(&p);
}

Test(epoll, nobody_is_passed_over)
{
    struct epoll_event e = {.events = EPOLLOUT};
    unsigned seen[5] = {0};
    int fds[5][2];

    set_up(EPOLLIN);
    for (unsigned i = 0; i < 5; i++) {
        pair_connect(&p, listening, 80, &fds[i][0], &fds[i][1]);
        pair_b(&p);
        e.data.u64 = i;
        WORKS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, fds[i][1], &e));
    }
    for (int round = 0; round < 10; round++) { /* all are always ready, two are asked for */
        cr_assert_eq(sl_epoll_wait(ep, got, 2, 0), 2);
        seen[got[0].data.u64]++;
        seen[got[1].data.u64]++;
    }
    for (unsigned i = 0; i < 5; i++)
        cr_expect_eq(seen[i], 4, "socket %u: %u times", i, seen[i]);
    pair_destroy(&p);
}

Test(epoll, waiting_ends_with_the_time_and_not_before)
{
    uint64_t before_ns;

    set_up(EPOLLIN);
    before_ns = p.now_ns;
    cr_expect_eq(sl_epoll_wait(ep, got, 8, 250), 0);
    cr_expect_geq(p.now_ns - before_ns, 250000000);
    cr_expect_leq(p.now_ns - before_ns, 252000000);
    pair_destroy(&p);
}

Test(epoll, waiting_drives_the_shard_until_something_comes)
{
    set_up(EPOLLIN);
    pair_a(&p);
    cr_assert_eq(sl_send(a, "abc", 3, 0), 3);
    pair_b(&p);
    cr_expect_eq(sl_epoll_wait(ep, got, 8, -1), 1);
    cr_expect_eq(got[0].events, EPOLLIN);
    pair_destroy(&p);
}

/* What the application wrote goes out before the shard looks for news. */
Test(epoll, waiting_begins_with_what_was_written)
{
    unsigned before;

    set_up(EPOLLIN);
    before = p.wires[1].total;
    cr_assert_eq(sl_send(b, "abc", 3, 0), 3);
    cr_expect_eq(p.wires[1].total, before);
    cr_expect_eq(sl_epoll_wait(ep, got, 8, 0), 0);
    cr_expect_eq(p.wires[1].total, before + 1);
    pair_destroy(&p);
}

Test(epoll, a_wake_ends_it)
{
    set_up(EPOLLIN);
    sl_shard_wake(p.b.shard);
    FAILS(sl_epoll_wait(ep, got, 8, -1), EINTR);
    cr_expect_eq(ready(), 0, "one wake, one end");
    pair_destroy(&p);
}

static int in_run[2];

static bool each(void *ctx)
{
    (void)ctx;
    in_run[0] = sl_epoll_wait(ep, got, 8, -1);
    cr_expect_eq(errno, EDEADLK);
    in_run[1] = sl_epoll_wait(ep, got, 8, 0);
    return in_run[1] == 0;
}

Test(epoll, inside_run_it_only_collects)
{
    set_up(EPOLLIN);
    pair_a(&p);
    cr_assert_eq(sl_send(a, "abc", 3, 0), 3);
    pair_b(&p);
    sl_shard_run(p.b.shard, each, NULL);
    cr_expect_eq(in_run[0], -1);
    cr_expect_eq(in_run[1], 1);
    cr_expect_eq(got[0].events, EPOLLIN);
    pair_destroy(&p);
}

Test(epoll, an_application_that_keeps_the_core_is_counted)
{
    set_up(EPOLLIN);
    ready();
    p.now_ns += 9000000;
    ready();
    cr_expect_eq(sl_shard_counter(p.b.shard, "HOLDS"), 0);
    p.now_ns += 11000000;
    ready();
    cr_expect_eq(sl_shard_counter(p.b.shard, "HOLDS"), 1);
    cr_expect_eq(sl_epoll_wait(ep, got, 8, 100), 0); /* waiting is not keeping */
    cr_expect_eq(sl_shard_counter(p.b.shard, "HOLDS"), 1);
    pair_destroy(&p);
}

static bool until_later(void *ctx)
{
    return p.now_ns < *(const uint64_t *)ctx;
}

static bool keep_the_core(void *ctx)
{
    (void)ctx;
    p.now_ns += 11000000;
    return --in_run[0] > 0;
}

Test(epoll, a_function_that_keeps_the_core_is_counted_too)
{
    uint64_t end_ns;

    set_up(EPOLLIN);
    p.idle_ns = 50000000;
    end_ns = p.now_ns + 1000000000;
    sl_shard_run(p.b.shard, until_later, &end_ns); /* it idles meanwhile */
    cr_expect_eq(sl_shard_counter(p.b.shard, "HOLDS"), 0);
    p.idle_ns = 0;
    in_run[0] = 3;
    sl_shard_run(p.b.shard, keep_the_core, NULL);
    cr_expect_eq(sl_shard_counter(p.b.shard, "HOLDS"), 2, "the last one is not asked any more");
    pair_destroy(&p);
}

Test(poll, says_of_each_what_it_is)
{
    struct pollfd fds[] = {
        {.events = POLLOUT}, {.fd = -1, .events = POLLIN}, {.fd = 99, .events = POLLIN},
        {.events = POLLIN},  {.events = POLLIN | POLLOUT},
    };

    set_up(EPOLLIN);
    fds[0].fd = b;
    fds[1].revents = 55;
    fds[3].fd = ep;
    fds[4].fd = listening;
    cr_expect_eq(sl_poll(fds, 5, 0), 2);
    cr_expect_eq(fds[0].revents, POLLOUT);
    cr_expect_eq(fds[1].revents, 0);
    cr_expect_eq(fds[2].revents, POLLNVAL);
    cr_expect_eq(fds[3].revents, 0);
    cr_expect_eq(fds[4].revents, 0);
    a_sends("x");
    cr_expect_eq(sl_poll(fds, 5, 0), 3);
    cr_expect_eq(fds[3].revents, POLLIN);
    FAILS(sl_poll(NULL, 1, 0), EFAULT);
    pair_destroy(&p);
}

Test(poll, waits_for_the_time_or_an_event)
{
    struct pollfd fd = {.events = POLLIN};
    uint64_t before_ns;

    set_up(EPOLLIN);
    fd.fd = b;
    before_ns = p.now_ns;
    cr_expect_eq(sl_poll(&fd, 1, 30), 0);
    cr_expect_geq(p.now_ns - before_ns, 30000000);
    pair_a(&p);
    cr_assert_eq(sl_send(a, "abc", 3, 0), 3);
    pair_b(&p);
    cr_expect_eq(sl_poll(&fd, 1, -1), 1);
    cr_expect_eq(fd.revents, POLLIN);
    pair_destroy(&p);
}
