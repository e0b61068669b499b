/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>
#include <unistd.h>

#include "base/invariant.h"
#include "mbufs/mbufs.h"
#include "pair.h"

/* The shard as a whole: what can only be seen with connections in it. */

static struct pair p;
static int listening, a, b;

static void set_up(void)
{
    pair_create(&p, NULL, NULL);
    listening = pair_listen(&p, 80);
    pair_connect(&p, listening, 80, &a, &b);
}

static void no_clock(struct sl_shard_config *c, struct sl_shard_io *io)
{
    (void)c;
    io->now_ns = NULL;
}

static void no_connections(struct sl_shard_config *c, struct sl_shard_io *io)
{
    (void)io;
    c->connections_max = 0;
}

static void no_ports(struct sl_shard_config *c, struct sl_shard_io *io)
{
    (void)io;
    c->port_first = 3000;
    c->port_last = 2999;
}

static void no_engine(struct sl_shard_config *c, struct sl_shard_io *io)
{
    (void)io;
    c->engine = "enigma";
}

static void no_tep(struct sl_shard_config *c, struct sl_shard_io *io)
{
    (void)io;
    c->teps[0] = 0x55;
    c->n_teps = 1;
}

static void no_pcap(struct sl_shard_config *c, struct sl_shard_io *io)
{
    (void)io;
    c->pcap = "/dev/null/x.pcap";
}

static const struct {
    const char *story;
    void (*spoil)(struct sl_shard_config *c, struct sl_shard_io *io);
    const char *word; /* of the sentence */
} refusals[] = {
    {"no clock", no_clock, "function"},
    {"no connections", no_connections, "connections"},
    {"no ephemeral ports", no_ports, "ports"},
    {"unknown engine", no_engine, "enigma"},
    {"unknown TEP", no_tep, "0x55"},
    {"capture file that cannot be made", no_pcap, "/dev/null/x.pcap"},
};

static uint64_t frozen(void *ctx)
{
    (void)ctx;
    return 1;
}

static uint16_t no_io(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    (void)ctx;
    (void)port;
    (void)pkts;
    (void)n;
    return 0;
}

Test(shard, a_wrong_configuration_is_refused_with_a_sentence)
{
    test_eal();
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct sl_shard_io io = {.now_ns = frozen, .rx = no_io, .tx = no_io};
        struct sl_shard_config c = pair_config();
        char err[256] = "";

        refusals[i].spoil(&c, &io);
        cr_expect_null(sl_shard_create(&c, &io, err, sizeof(err)), "%s", refusals[i].story);
        cr_expect_not_null(strstr(err, refusals[i].word), "%s: %s", refusals[i].story, err);
        cr_expect_null(sl_shard_current(), "%s", refusals[i].story);
    }
}

Test(shard, ports_addresses_and_routes_are_checked)
{
    struct sl_shard_port port = {.port = 0, .mtu_bytes = 1500, .mac = {2}};
    struct sl_shard *s;

    set_up();
    s = p.a.shard;
    cr_expect_eq(sl_shard_port_add(s, &port), -EEXIST);
    port.port = SL_SHARD_PORTS;
    cr_expect_eq(sl_shard_port_add(s, &port), -EINVAL);
    cr_expect_eq(sl_shard_address_add(s, 0, "10.1.0.1"), -EINVAL);
    cr_expect_eq(sl_shard_address_add(s, 0, "10.1.0.1/33"), -EINVAL);
    cr_expect_eq(sl_shard_address_add(s, 9, "10.1.0.1/24"), -EINVAL);
    cr_expect_eq(sl_shard_address_add(s, SL_SHARD_PORTS, "10.1.0.1/24"), -EINVAL);
    cr_expect_eq(sl_shard_address_add(s, 0, "10.1.0.1/24"), 0);
    cr_expect_eq(sl_shard_route_add(s, "10.2.0.0/16", "nonsense"), -EINVAL);
    cr_expect_eq(sl_shard_route_add(s, "nonsense", "10.0.0.2"), -EINVAL);
    cr_expect_eq(sl_shard_route_add(s, "10.2.0.0/16", "10.0.0.2"), 0);
    pair_destroy(&p);
}

struct seen {
    unsigned n, drops;
    bool named;
};

static bool look(void *ctx, const char *name, uint64_t value, const char *text, bool is_drop)
{
    struct seen *seen = ctx;

    (void)value;
    seen->n++;
    seen->drops += is_drop;
    seen->named |= strcmp(name, "TCP_CHECKSUM") == 0 && strstr(text, "checksum") != NULL && is_drop;
    return seen->n < 1000;
}

static bool stop(void *ctx, const char *name, uint64_t value, const char *text, bool is_drop)
{
    (void)name;
    (void)value;
    (void)text;
    (void)is_drop;
    return ++*(unsigned *)ctx < 5;
}

Test(shard, counters_have_names_and_meanings)
{
    struct seen seen = {0};
    unsigned n = 0;

    set_up();
    sl_shard_counters(p.a.shard, look, &seen);
    cr_expect_gt(seen.n, seen.drops);
    cr_expect(seen.named);
    sl_shard_counters(p.a.shard, stop, &n);
    cr_expect_eq(n, 5);
    cr_expect_eq(sl_shard_counter(p.a.shard, "CONNECTIONS_ACTIVE"), 1);
    cr_expect_eq(sl_shard_counter(p.b.shard, "CONNECTIONS_PASSIVE"), 1);
    cr_expect_eq(sl_shard_counter(p.b.shard, "NO_SUCH_THING"), 0);
    pair_destroy(&p);
}

Test(shard, drained_means_written_and_acknowledged)
{
    set_up();
    cr_expect_eq(sl_shard_drain(p.a.shard, 0), 0, "idle connections owe nothing");
    cr_assert_eq(sl_send(a, "abc", 3, 0), 3);
    WORKS(sl_close(a));
    cr_expect_eq(sl_shard_drain(p.a.shard, 1000000000), 0); /* B runs while A idles */
    cr_expect_lt(p.now_ns, 2000000000);
    pair_b(&p);
    cr_expect_eq(pair_level(b), POLLIN | POLLOUT | POLLRDHUP);
    pair_destroy(&p);
}

Test(shard, draining_ends_with_the_time)
{
    uint64_t before_ns;

    set_up();
    p.wires[1].room = 0; /* no acknowledgment gets through */
    cr_assert_eq(sl_send(a, "abc", 3, 0), 3);
    before_ns = p.now_ns;
    cr_expect_eq(sl_shard_drain(p.a.shard, 50000000), -ETIMEDOUT);
    cr_expect_geq(p.now_ns - before_ns, 50000000);
    cr_expect_leq(p.now_ns - before_ns, 60000000);
    pair_destroy(&p);
}

/* A port that takes little is no loss, and TCP hears of it before the queue is full. */
Test(shard, a_slow_port_loses_nothing)
{
    static char block[65536];
    ssize_t n, received = 0, sent = 0;

    set_up();
    p.wires[0].room = 3;
    for (int i = 0; i < 4000 && received < 1000000; i++) {
        pair_a(&p);
        if ((n = sl_send(a, block, sizeof(block), 0)) > 0)
            sent += n;
        sl_shard_iterate(p.a.shard);
        sl_shard_iterate(p.b.shard);
        p.now_ns += 1000;
        pair_b(&p);
        while ((n = sl_recv(b, block, sizeof(block), 0)) > 0)
            received += n;
    }
    cr_expect_geq(received, 1000000);
    cr_expect_eq(sl_shard_counter(p.a.shard, "PORT_TX_FULL"), 0);
    cr_expect_eq(sl_shard_counter(p.a.shard, "SEGS_RETRANSMITTED"), 0);
    cr_expect_geq(sent, received);
    pair_destroy(&p);
}

/* However much TCP would send at once: windows of all connections open in one iteration. */
Test(shard, a_stuck_port_is_not_overrun)
{
    enum { CONNECTIONS = 30 };
    static char block[1 << 20];
    struct sl_shard_config c = pair_config();
    int fds[CONNECTIONS], peers[CONNECTIONS];
    struct pair_wire *to_b;

    c.sndbuf_bytes = c.rcvbuf_bytes = 1 << 20;
    c.pool_elements = 8191;
    pair_create(&p, &c, &c);
    listening = pair_listen(&p, 80);
    to_b = &p.wires[0];
    to_b->room = 2;
    for (int i = 0; i < CONNECTIONS; i++) {
        pair_connect(&p, listening, 80, &fds[i], &peers[i]);
        for (int round = 0; round < 4; round++) { /* ACKs for few segments each: cwnd grows */
            cr_assert_gt(sl_send(fds[i], block, 300000, 0), 0);
            pair_settle(&p);
            pair_b(&p);
            while (sl_recv(peers[i], block, sizeof(block), 0) > 0)
                pair_settle(&p);
            pair_a(&p);
        }
    }
    to_b->room = 0;
    for (int i = 0; i < CONNECTIONS; i++)
        cr_assert_gt(sl_send(fds[i], block, 300000, 0), 0);
    for (int i = 0; i < 10; i++)
        sl_shard_iterate(p.a.shard);
    to_b->room = PAIR_FRAMES;
    pair_settle(&p);
    cr_expect_eq(sl_shard_counter(p.a.shard, "PORT_TX_FULL"), 0);
    cr_expect_eq(sl_shard_counter(p.a.shard, "SEGS_RETRANSMITTED"), 0);
    pair_destroy(&p);
}

/* ---- bursts: what one segment does to the flows of those behind it --------------------------- */

static struct rte_mbuf *copy_of(const struct rte_mbuf *m)
{
    struct rte_mbuf *copy = rte_pktmbuf_copy(m, test_pool("copies", 63), 0, UINT32_MAX);

    cr_assert_not_null(copy);
    return copy;
}

Test(shard, a_syn_twice_in_a_burst_opens_one_connection)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    struct pair_wire *to_b;

    set_up();
    to_b = &p.wires[0];
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    FAILS(sl_connect(a, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    sl_shard_iterate(p.a.shard);
    cr_assert_eq(to_b->n, 1);
    to_b->frames[(to_b->head + 1) % PAIR_FRAMES] = copy_of(to_b->frames[to_b->head % PAIR_FRAMES]);
    to_b->n = 2;
    pair_settle(&p);
    cr_expect_eq(sl_shard_counter(p.b.shard, "TCP_NO_MEMORY"), 0);
    cr_expect_eq(sl_shard_counter(p.b.shard, "CONNECTIONS_REFUSED"), 0);
    cr_expect_eq(pair_level(a), POLLOUT);
    pair_destroy(&p);
}

Test(shard, what_follows_a_reset_in_a_burst_is_the_listeners)
{
    struct pair_wire *to_b;
    struct rte_mbuf *data;
    char byte;

    set_up();
    to_b = &p.wires[0];
    cr_assert_eq(sl_send(a, "abc", 3, 0), 3);
    sl_shard_iterate(p.a.shard);
    cr_assert_eq(to_b->n, 1);
    data = copy_of(to_b->frames[to_b->head % PAIR_FRAMES]);
    WORKS(sl_setsockopt(a, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                        sizeof(struct linger)));
    WORKS(sl_close(a));
    sl_shard_iterate(p.a.shard);
    cr_assert_eq(to_b->n, 2);
    to_b->frames[(to_b->head + 2) % PAIR_FRAMES] = data;
    to_b->n = 3;
    sl_shard_iterate(p.b.shard);
    cr_expect_eq(sl_shard_counter(p.b.shard, "TCP_LISTEN_STATE"), 1);
    pair_b(&p);
    FAILS(sl_recv(b, &byte, 1, 0), ECONNRESET);
    pair_destroy(&p);
}

#ifdef SL_CHECKED
static const char *const faults[] = {"shard_create", "flows_init",   "pools_create",
                                     "tcp_create",   "wheel_create", "arena_create"};

Test(shard, without_memory_there_is_a_sentence_and_no_leak)
{
    test_eal();
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (unsigned nth = 1; nth < 8; nth++) {
            const struct sl_shard_io io = {.now_ns = frozen, .rx = no_io, .tx = no_io};
            const struct sl_shard_config c = pair_config();
            char err[256] = "";
            struct sl_shard *s;

            sl_fault_arm(faults[i], nth);
            s = sl_shard_create(&c, &io, err, sizeof(err));
            cr_expect(nth > 1 || s == NULL, "%s", faults[i]);
            cr_expect(s != NULL || err[0] != '\0', "%s", faults[i]);
            sl_shard_destroy(s);
            sl_fault_arm(faults[i], 0);
        }
    }
}

Test(shard, calls_without_memory_fail_and_leave_all_as_it_was)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    struct epoll_event e = {.events = EPOLLIN};
    int fd, ep;

    pair_create(&p, NULL, NULL);
    sl_fault_arm("sockets_create", 1);
    FAILS(sl_socket(AF_INET, SOCK_STREAM, 0), ENOMEM);
    sl_fault_arm("fds_init", 1);
    FAILS(sl_epoll_create1(0), ENOMEM);
    sl_fault_arm("socket_create", 1);
    FAILS(sl_socket(AF_INET, SOCK_STREAM, 0), ENOMEM);
    sl_fault_arm("epoll_create", 1);
    FAILS(sl_epoll_create1(0), ENOMEM);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    ep = sl_epoll_create1(0);
    sl_fault_arm("epoll_add", 1);
    FAILS(sl_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), ENOMEM);
    sl_fault_arm("tcb_alloc", 1);
    FAILS(sl_connect(fd, (const struct sockaddr *)&to, sizeof(to)), ENOMEM);
    sl_fault_arm("flows_add", 1);
    FAILS(sl_connect(fd, (const struct sockaddr *)&to, sizeof(to)), EADDRNOTAVAIL);
    WORKS(pair_set(fd, IPPROTO_TCP, TCP_ENO_SELF_GOPT, 2));
    sl_fault_arm("policy", 1);
    FAILS(sl_connect(fd, (const struct sockaddr *)&to, sizeof(to)), ENOMEM);
    sl_fault_arm("listener_alloc", 1);
    FAILS(sl_listen(fd, 1), ENOMEM);
    sl_fault_arm("listeners_add", 1);
    FAILS(sl_listen(fd, 1), ENOMEM);
    WORKS(sl_listen(fd, 1));
    pair_destroy(&p);
}

/* R13: nothing offers encryption while there is no randomness for keys. */
Test(shard, without_randomness_there_is_no_encryption)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    struct sl_shard_config c = pair_config(), plain = pair_config();
    struct sl_conn_info info;

    c.crypt_mode = SL_CRYPT_OPPORTUNISTIC;
    plain.crypt_mode = SL_CRYPT_OPPORTUNISTIC;
    plain.seed = 2;
    test_eal();
    pair_create(&p, &c, &plain);
    sl_shard_destroy(p.a.shard);
    sl_fault_arm("random_fill", 1);
    pair_a_again(&p, &c);
    listening = pair_listen(&p, 80);
    pair_connect(&p, listening, 80, &a, &b);
    pair_run(&p, 100);
    WORKS(sl_conn_info(a, &info));
    cr_expect_eq(info.encrypted, 0);
    cr_expect_str_eq(info.fallback, "disabled");
    a = sl_socket(AF_INET, SOCK_STREAM, 0);
    WORKS(pair_set(a, IPPROTO_TCP, TCP_ENO_ENABLED, 1)); /* which is no wish to be fulfilled */
    FAILS(sl_connect(a, (const struct sockaddr *)&to, sizeof(to)), EINPROGRESS);
    pair_run(&p, 100);
    WORKS(sl_conn_info(a, &info));
    cr_expect_eq(info.encrypted, 0);
    pair_destroy(&p);
}
#endif

Test(shard, destroying_resets_what_is_left)
{
    char byte;

    set_up();
    sl_shard_destroy(p.a.shard);
    pair_b(&p);
    sl_shard_iterate(p.b.shard);
    FAILS(sl_recv(b, &byte, 1, 0), ECONNRESET);
    sl_shard_destroy(p.b.shard);
    cr_expect_null(sl_shard_current());
}

Test(shard, destroying_resets_what_no_socket_has_any_more)
{
    set_up();
    WORKS(sl_close(a));
    pair_settle(&p); /* FIN-WAIT-2 */
    pair_b(&p);
    cr_expect_eq(pair_get(b, SOL_SOCKET, SO_ERROR), 0);
    sl_shard_destroy(p.a.shard);
    sl_shard_iterate(p.b.shard);
    cr_expect_eq(pair_get(b, SOL_SOCKET, SO_ERROR), ECONNRESET);
    sl_shard_destroy(p.b.shard);
}

/* Frames of A that B holds are A's memory (as over net_ring): it stays as long as they do. */
Test(shard, what_was_sent_outlives_the_sender)
{
    char buf[8] = "";

    set_up();
    cr_assert_eq(sl_send(a, "abc", 3, 0), 3);
    WORKS(sl_close(a));
    pair_settle(&p);
    sl_shard_destroy(p.a.shard);
    pair_b(&p);
    cr_expect_eq(sl_recv(b, buf, sizeof(buf), 0), 3);
    cr_expect_str_eq(buf, "abc");
    sl_shard_destroy(p.b.shard);
}

Test(shard, flushed_it_has_nothing_and_does_nothing)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    char byte = 0;

    set_up();
    sl_send(a, "abc", 3, 0);
    sl_shard_flush(p.a.shard);
    sl_shard_flush(p.a.shard);
    cr_expect_not(sl_shard_iterate(p.a.shard));
    cr_expect_eq(sl_shard_next_ns(p.a.shard), UINT64_MAX);
    FAILS(sl_recv(a, &byte, 1, 0), ENOTCONN);
    FAILS(sl_send(a, &byte, 1, 0), ENOTCONN);
    FAILS(sl_connect(a, (const struct sockaddr *)&to, sizeof(to)), ENETDOWN);
    FAILS(sl_listen(a, 1), ENETDOWN);
    FAILS(sl_bind(a, (const struct sockaddr *)&to, sizeof(to)), ENETDOWN);
    cr_expect_eq(sl_shard_port_add(p.a.shard, &(struct sl_shard_port){.port = 1}), -ENETDOWN);
    cr_expect_eq(sl_shard_drain(p.a.shard, 1000), 0);
    WORKS(sl_close(a));
    pair_destroy(&p);
}

Test(shard, every_frame_is_captured_once)
{
    char path[] = "/tmp/sl-shard-XXXXXX", err[PCAP_ERRBUF_SIZE];
    struct sl_shard_config c = pair_config();
    struct pcap_pkthdr *h;
    const u_char *data;
    unsigned n = 0, total, syns = 0;
    pcap_t *in;

    close(mkstemp(path));
    c.pcap = path;
    pair_create(&p, &c, NULL);
    listening = pair_listen(&p, 80);
    pair_connect(&p, listening, 80, &a, &b);
    pair_settle(&p);
    total = p.wires[0].total + p.wires[1].total;
    pair_destroy(&p);
    total =
        p.wires[0].total + p.wires[1].total > total ? p.wires[0].total + p.wires[1].total : total;
    in = pcap_open_offline(path, err);
    cr_assert_not_null(in, "%s", err);
    while (pcap_next_ex(in, &h, &data) == 1) {
        n++;
        syns += h->caplen > 47 && data[12] == 8 && data[13] == 0 && (data[47] & 2) != 0;
    }
    cr_expect_eq(syns, 2, "SYN and SYN-ACK");
    /* B resets at the end what A has captured no more. */
    cr_expect(n >= 6 && n <= total, "%u of %u frames", n, total);
    pcap_close(in);
    unlink(path);
}

Test(shard, the_same_seed_replays)
{
    uint16_t ports[2];

    for (int i = 0; i < 2; i++) {
        struct sockaddr_in name;
        socklen_t len = sizeof(name);

        set_up();
        WORKS(sl_getsockname(a, (struct sockaddr *)&name, &len));
        ports[i] = name.sin_port;
        pair_destroy(&p);
    }
    cr_expect_eq(ports[0], ports[1]);
}

Test(shard, neither_bound_of_connections_nor_fault_breaks_it)
{
    const struct sockaddr_in to = pair_address("10.0.0.2", 80);
    struct sl_shard_config c = pair_config();
    int fds[10], refused = 0;

    c.connections_max = 4;
    pair_create(&p, &c, NULL);
    listening = pair_listen(&p, 80);
    for (int i = 0; i < 10; i++) {
        fds[i] = sl_socket(AF_INET, SOCK_STREAM, 0);
        cr_assert_eq(sl_connect(fds[i], (const struct sockaddr *)&to, sizeof(to)), -1);
        refused += errno == ENOMEM;
    }
    cr_expect_eq(refused, 6);
    cr_expect_eq(sl_shard_counter(p.a.shard, "CONNECTIONS_REFUSED"), 6);
    pair_settle(&p);
    cr_expect_eq(pair_level(fds[0]), POLLOUT);
    pair_destroy(&p);
}
