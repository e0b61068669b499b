/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include <errno.h>
#include <string.h>

#include "mbufs/mbufs.h"

static uint64_t now_ns(void *ctx)
{
    return ((struct pair_end *)ctx)->pair->now_ns;
}

static uint16_t rx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    struct pair_wire *w = ((struct pair_end *)ctx)->in;
    uint16_t i;

    cr_assert_eq(port, 0);
    for (i = 0; i < n && w->n > 0; i++, w->n--)
        pkts[i] = w->frames[w->head++ % PAIR_FRAMES];
    return i;
}

static uint16_t tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n)
{
    struct pair_wire *w = ((struct pair_end *)ctx)->out;
    uint16_t i;

    cr_assert_eq(port, 0);
    for (i = 0; i < n && w->n < w->room; i++, w->total++)
        w->frames[(w->head + w->n++) % PAIR_FRAMES] = pkts[i];
    return i;
}

static void idle(void *ctx, uint64_t until_ns)
{
    struct pair_end *e = ctx;
    struct pair *p = e->pair;
    struct pair_end *other = e == &p->a ? &p->b : &p->a;

    /* One waits: the other goes on meanwhile; when nothing moves, time does. */
    if (sl_shard_iterate(other->shard))
        return;
    if (until_ns > p->now_ns + p->idle_ns)
        until_ns = p->now_ns + p->idle_ns;
    if (until_ns > p->now_ns)
        p->now_ns = until_ns;
}

struct sl_shard_config pair_config(void)
{
    struct sl_shard_config c = sl_shard_config_default();

    c.connections_max = 256;
    c.half_open_max = 64;
    c.time_wait_max = 64;
    c.descriptors_max = 64;
    c.rcvbuf_bytes = c.sndbuf_bytes = 65536;
    c.pool_elements = 2047;
    c.jobs_max = 256;
    c.keys_cached = 16;
    c.crypt_mode = SL_CRYPT_OFF;
    c.seed = 1;
    c.seeded_secrets = true;
    return c;
}

static void create_end(struct pair *p, struct pair_end *e, const struct sl_shard_config *config,
                       uint8_t number)
{
    const struct sl_shard_io io = {.ctx = e, .now_ns = now_ns, .rx = rx, .tx = tx, .idle = idle};
    const struct sl_shard_port port = {
        .mac = {2, 0, 0, 0, 0, number},
        .mtu_bytes = 1500,
        .rx_cksum_good = true,
        .tx_cksum_none = true,
    };
    struct sl_shard_config c = pair_config();
    char err[256] = "", address[32];

    if (config != NULL)
        c = *config;
    else
        c.seed = number;
    e->pair = p;
    e->in = &p->wires[number == 1 ? 1 : 0];
    e->out = &p->wires[number == 1 ? 0 : 1];
    e->out->room = PAIR_FRAMES;
    e->shard = sl_shard_create(&c, &io, err, sizeof(err));
    cr_assert_not_null(e->shard, "%s", err);
    (void)snprintf(address, sizeof(address), "10.0.0.%u/24", number);
    cr_assert_eq(sl_shard_port_add(e->shard, &port), 0);
    cr_assert_eq(sl_shard_address_add(e->shard, 0, address), 0);
}

void pair_create(struct pair *p, const struct sl_shard_config *a, const struct sl_shard_config *b)
{
    test_eal();
    *p = (struct pair){.now_ns = 1000000000, .idle_ns = 1000000};
    create_end(p, &p->a, a, 1);
    create_end(p, &p->b, b, 2);
    pair_a(p);
    pair_run(p, 10);
}

void pair_a_again(struct pair *p, const struct sl_shard_config *a)
{
    create_end(p, &p->a, a, 1);
}

void pair_destroy(struct pair *p)
{
    struct rte_mbuf *m;
    struct pair_end *ends[] = {&p->a, &p->b};

    for (int i = 0; i < 2; i++)
        sl_shard_flush(ends[i]->shard);
    for (int i = 0; i < 2; i++) {
        while (rx(ends[i], 0, &m, 1) == 1)
            rte_pktmbuf_free(m);
    }
    for (int i = 0; i < 2; i++)
        cr_expect_eq(sl_shard_mbufs_out(ends[i]->shard), 0, "mbufs leaked");
    for (int i = 0; i < 2; i++)
        sl_shard_destroy(ends[i]->shard);
}

void pair_a(struct pair *p)
{
    sl_shard_enter(p->a.shard);
}

void pair_b(struct pair *p)
{
    sl_shard_enter(p->b.shard);
}

void pair_settle(struct pair *p)
{
    for (int i = 0; i < 100000; i++) {
        bool did = sl_shard_iterate(p->a.shard);

        did |= sl_shard_iterate(p->b.shard);
        did |= sl_shard_next_ns(p->a.shard) <= p->now_ns;
        did |= sl_shard_next_ns(p->b.shard) <= p->now_ns;
        if (!did && p->wires[0].n == 0 && p->wires[1].n == 0)
            return;
    }
    cr_assert_fail("the two never come to rest");
}

void pair_run(struct pair *p, uint64_t ms)
{
    const uint64_t end_ns = p->now_ns + ms * 1000000;

    while (p->now_ns < end_ns) {
        uint64_t next_ns;

        pair_settle(p);
        next_ns = sl_shard_next_ns(p->a.shard);
        if (sl_shard_next_ns(p->b.shard) < next_ns)
            next_ns = sl_shard_next_ns(p->b.shard);
        p->now_ns = next_ns < end_ns ? next_ns : end_ns;
    }
    pair_settle(p);
}

struct sockaddr_in pair_address(const char *ip, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    cr_assert_eq(inet_pton(AF_INET, ip, &in.sin_addr), 1);
    return in;
}

int pair_listen(struct pair *p, uint16_t port)
{
    const struct sockaddr_in in = pair_address("10.0.0.2", port);
    int fd;

    pair_b(p);
    fd = sl_socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pair_set(fd, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    cr_assert_eq(sl_bind(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
    cr_assert_eq(sl_listen(fd, 16), 0);
    pair_a(p);
    return fd;
}

void pair_connect(struct pair *p, int listening, uint16_t port, int *a, int *b)
{
    const struct sockaddr_in in = pair_address("10.0.0.2", port);

    pair_a(p);
    *a = sl_socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_geq(*a, 0);
    cr_assert_eq(sl_connect(*a, (const struct sockaddr *)&in, sizeof(in)), -1);
    cr_assert_eq(errno, EINPROGRESS, "%s", strerror(errno));
    pair_settle(p);
    pair_b(p);
    *b = sl_accept(listening, NULL, NULL);
    cr_assert_geq(*b, 0, "%s", strerror(errno));
    pair_a(p);
}

short pair_level(int fd)
{
    struct pollfd p = {
        .fd = fd,
        .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI,
    };

    cr_assert_geq(sl_poll(&p, 1, 0), 0);
    return p.revents;
}

int pair_get(int fd, int level, int name)
{
    int value = -12345;
    socklen_t len = sizeof(value);

    cr_expect_eq(sl_getsockopt(fd, level, name, &value, &len), 0, "option %d: %s", name,
                 strerror(errno));
    cr_expect_eq(len, sizeof(value));
    return value;
}

int pair_set(int fd, int level, int name, int value)
{
    return sl_setsockopt(fd, level, name, &value, sizeof(value));
}
