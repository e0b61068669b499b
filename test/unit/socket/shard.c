/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>
#include <unistd.h>

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
    p.wires[0].room = 0; /* nothing gets through */
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
