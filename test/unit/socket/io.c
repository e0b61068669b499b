/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

static struct pair p;
static int listening, a, b;

static void set_up(void)
{
    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    pair_connect(&p, listening, 80, &a, &b);
}

Test(io, bytes_arrive_whole_and_in_order)
{
    char buf[64] = "";

    set_up();
    cr_expect_eq(sl_send(a, "hello ", 6, MSG_NOSIGNAL), 6);
    cr_expect_eq(sl_write(a, "world", 5), 5);
    pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(pair_level(b), POLLIN | POLLOUT);
    cr_expect_eq(sl_recv(b, buf, 5, MSG_PEEK), 5);
    cr_expect_str_eq(buf, "hello");
    cr_expect_eq(sl_read(b, buf, sizeof(buf)), 11);
    cr_expect_str_eq(buf, "hello world");
    FAILS(sl_recv(b, buf, 1, MSG_DONTWAIT), EAGAIN);
    cr_expect_eq(pair_level(b), POLLOUT);
    cr_expect_eq(sl_recv(b, buf, 0, 0), 0);
    pair_destroy(&p);
}

Test(io, flags_that_nobody_has_heard_of_are_refused)
{
    char byte = 0;

    set_up();
    FAILS(sl_send(a, &byte, 1, MSG_OOB), EOPNOTSUPP);
    FAILS(sl_recv(a, &byte, 1, MSG_WAITALL), EOPNOTSUPP);
    FAILS(sl_send(a, NULL, 1, 0), EFAULT);
    FAILS(sl_recv(a, NULL, 1, 0), EFAULT);
    FAILS(sl_send(-1, &byte, 1, 0), EBADF);
    pair_destroy(&p);
}

Test(io, without_a_connection_nothing_goes)
{
    const struct iovec iov = {(char[]){1}, 1};
    char byte = 0;
    int fd;

    set_up();
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_send(fd, &byte, 1, 0), ENOTCONN);
    FAILS(sl_recv(fd, &byte, 1, 0), ENOTCONN);
    FAILS(sl_readv(fd, &iov, 1), ENOTCONN);
    FAILS(sl_shutdown(fd, SHUT_WR), ENOTCONN);
    cr_expect_eq(pair_level(fd), POLLOUT | POLLHUP); /* as Linux has it */
    pair_b(&p);
    FAILS(sl_recv(listening, &byte, 1, 0), ENOTCONN);
    FAILS(sl_shutdown(listening, SHUT_RDWR), ENOTCONN);
    pair_destroy(&p);
}

Test(io, a_full_buffer_says_so_and_room_comes_back)
{
    static char block[16384], sink[200000];
    ssize_t n, sent = 0;

    set_up();
    while ((n = sl_send(a, block, sizeof(block), 0)) > 0) {
        sent += n;
        cr_assert_lt(sent, 10 << 20, "no bound");
        pair_settle(&p);
    }
    cr_expect_eq(errno, EAGAIN);
    cr_expect_eq(pair_level(a), 0);
    pair_b(&p);
    while ((n = sl_recv(b, sink, sizeof(sink), 0)) > 0) {
        sent -= n;
        pair_settle(&p);
    }
    cr_expect_eq(errno, EAGAIN);
    cr_expect_eq(sent, 0, "%zd bytes are missing", sent);
    pair_a(&p);
    cr_expect_eq(pair_level(a), POLLOUT);
    cr_expect_gt(sl_send(a, block, sizeof(block), 0), 0);
    pair_destroy(&p);
}

Test(io, ranges_are_filled_one_after_the_other)
{
    char one[4] = "", two[1], three[16] = "";
    const struct iovec out[] = {{(void *)"ab", 2}, {NULL, 0}, {(void *)"cdefg", 5}};
    const struct iovec in[] = {{one, 3}, {two, 1}, {three, 15}};
    struct iovec too_long[2] = {{one, SIZE_MAX / 2}, {two, 10}};

    set_up();
    cr_expect_eq(sl_writev(a, out, 3), 7);
    pair_settle(&p);
    FAILS(sl_writev(a, out, 0), EINVAL);
    FAILS(sl_writev(a, out, IOV_MAX + 1), EINVAL);
    FAILS(sl_writev(a, too_long, 2), EINVAL);
    FAILS(sl_writev(a, NULL, 1), EFAULT);
    pair_b(&p);
    cr_expect_eq(sl_readv(b, in, 3), 7);
    cr_expect_str_eq(one, "abc");
    cr_expect_eq(two[0], 'd');
    cr_expect_str_eq(three, "efg");
    FAILS(sl_readv(b, in, 3), EAGAIN);
    pair_destroy(&p);
}

Test(io, more_ranges_than_one_chunk_holds)
{
    static struct iovec out[200];
    static char bytes[200], in[256];

    set_up();
    for (int i = 0; i < 200; i++) {
        bytes[i] = (char)i;
        out[i] = (struct iovec){&bytes[i], 1};
    }
    cr_expect_eq(sl_writev(a, out, 200), 200);
    pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(sl_recv(b, in, sizeof(in), 0), 200);
    cr_expect_arr_eq(in, bytes, 200);
    pair_destroy(&p);
}

Test(io, half_a_connection_is_still_one)
{
    char buf[8] = "";

    set_up();
    cr_expect_eq(sl_send(a, "last", 4, 0), 4);
    WORKS(sl_shutdown(a, SHUT_WR));
    FAILS(sl_send(a, "x", 1, 0), EPIPE);
    FAILS(sl_shutdown(a, 17), EINVAL);
    pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(pair_level(b), POLLIN | POLLOUT | POLLRDHUP);
    cr_expect_eq(sl_recv(b, buf, sizeof(buf), 0), 4);
    cr_expect_eq(sl_recv(b, buf, sizeof(buf), 0), 0);
    cr_expect_eq(sl_recv(b, buf, sizeof(buf), 0), 0);
    cr_expect_eq(sl_send(b, "answer", 6, 0), 6);
    pair_settle(&p);
    pair_a(&p);
    cr_expect_eq(sl_recv(a, buf, sizeof(buf), 0), 6);
    FAILS(sl_recv(a, buf, sizeof(buf), 0), EAGAIN);
    cr_expect_eq(pair_level(a), POLLOUT); /* writing fails, and does not block */
    pair_b(&p);
    WORKS(sl_shutdown(b, SHUT_WR));
    cr_expect_eq(pair_level(b), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    pair_settle(&p);
    pair_a(&p);
    cr_expect_eq(sl_recv(a, buf, sizeof(buf), 0), 0);
    cr_expect_eq(pair_level(a), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    pair_destroy(&p);
}

Test(io, who_reads_no_more_sees_the_end)
{
    char byte;

    set_up();
    WORKS(sl_shutdown(a, SHUT_RD));
    cr_expect_eq(pair_level(a), POLLIN | POLLOUT | POLLRDHUP);
    cr_expect_eq(sl_recv(a, &byte, 1, 0), 0);
    cr_expect_eq(sl_send(a, "x", 1, 0), 1);
    pair_destroy(&p);
}

Test(io, data_and_end_arrive_after_close)
{
    char buf[8] = "";

    set_up();
    cr_expect_eq(sl_send(a, "bye", 3, 0), 3);
    WORKS(sl_close(a));
    pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(sl_recv(b, buf, sizeof(buf), 0), 3);
    cr_expect_eq(sl_recv(b, buf, sizeof(buf), 0), 0);
    pair_destroy(&p);
}

Test(io, a_reset_is_told_once_then_the_pipe_is_broken)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    char byte;

    set_up();
    WORKS(sl_setsockopt(a, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
    WORKS(sl_close(a));
    pair_settle(&p);
    pair_b(&p);
    cr_expect_eq(pair_level(b), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    FAILS(sl_recv(b, &byte, 1, 0), ECONNRESET);
    cr_expect_eq(sl_recv(b, &byte, 1, 0), 0);
    FAILS(sl_send(b, &byte, 1, 0), EPIPE);
    cr_expect_eq(pair_get(b, SOL_SOCKET, SO_ERROR), 0);
    cr_expect_eq(pair_level(b), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    pair_destroy(&p);
}

Test(io, a_reset_is_told_to_a_writer_too)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    char byte = 0;

    set_up();
    WORKS(sl_setsockopt(a, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
    WORKS(sl_close(a));
    pair_settle(&p);
    pair_b(&p);
    FAILS(sl_send(b, &byte, 1, 0), ECONNRESET);
    FAILS(sl_send(b, &byte, 1, 0), EPIPE);
    pair_destroy(&p);
}

Test(io, closing_on_unread_data_resets) /* SHLD-3 */
{
    char byte;

    set_up();
    cr_expect_eq(sl_send(a, "unread", 6, 0), 6);
    pair_settle(&p);
    pair_b(&p);
    WORKS(sl_close(b));
    pair_settle(&p);
    pair_a(&p);
    FAILS(sl_recv(a, &byte, 1, 0), ECONNRESET);
    pair_destroy(&p);
}

/* T9293-36: in SYN-SENT data is queued. */
Test(io, what_is_written_while_connecting_goes_with_the_connection)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    char buf[8] = "";
    int c, d;

    set_up();
    c = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_connect(c, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    cr_expect_eq(sl_send(c, "early", 5, 0), 5);
    FAILS(sl_recv(c, buf, 1, 0), EAGAIN);
    pair_settle(&p);
    pair_b(&p);
    d = sl_accept(listening, NULL, NULL);
    cr_expect_eq(sl_recv(d, buf, sizeof(buf), 0), 5);
    cr_expect_str_eq(buf, "early");
    pair_destroy(&p);
}

Test(io, info_outlives_the_connection)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    struct sl_conn_info info;
    struct sockaddr_in name;
    socklen_t len = sizeof(name);
    char peer[64];

    set_up();
    FAILS(sl_conn_info(-1, &info), EBADF);
    sl_send(a, "12345", 5, 0);
    WORKS(sl_conn_info(a, &info));
    cr_expect_str_eq(info.peer, "10.0.0.2:80");
    cr_expect_eq(info.encrypted, 0);
    cr_expect_str_eq(info.fallback, "disabled");
    cr_expect_eq(info.unacked_bytes, 5);
    cr_expect_eq(info.finished, 0);
    cr_expect_null(info.error);
    cr_expect_eq(info.session_id_len, 0);
    pair_settle(&p);
    WORKS(sl_conn_info(a, &info));
    cr_expect_eq(info.unacked_bytes, 0);
    WORKS(sl_getsockname(a, (struct sockaddr *)&name, &len));
    pair_b(&p);
    WORKS(sl_setsockopt(b, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
    WORKS(sl_conn_info(b, &info));
    (void)snprintf(peer, sizeof(peer), "10.0.0.1:%u", ntohs(name.sin_port));
    cr_expect_str_eq(info.peer, peer);
    WORKS(sl_close(b));
    pair_settle(&p);
    pair_a(&p);
    WORKS(sl_conn_info(a, &info));
    cr_expect_str_eq(info.error, "reset");
    cr_expect_eq(info.finished, 1);
    cr_expect_str_eq(info.peer, "10.0.0.2:80");
    pair_b(&p);
    FAILS(sl_conn_info(listening, &info), ENOTCONN);
    pair_destroy(&p);
}

Test(io, finished_means_both_fins_acknowledged)
{
    struct sl_conn_info info;

    set_up();
    WORKS(sl_shutdown(a, SHUT_WR));
    pair_settle(&p);
    WORKS(sl_conn_info(a, &info));
    cr_expect_eq(info.finished, 0);
    pair_b(&p);
    WORKS(sl_shutdown(b, SHUT_WR));
    WORKS(sl_conn_info(b, &info));
    cr_expect_eq(info.finished, 0);
    pair_settle(&p);
    WORKS(sl_conn_info(b, &info));
    cr_expect_eq(info.finished, 1);
    cr_expect_null(info.error);
    pair_a(&p);
    WORKS(sl_conn_info(a, &info));
    cr_expect_eq(info.finished, 1);
    pair_destroy(&p);
}
