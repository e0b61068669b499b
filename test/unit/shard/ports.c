/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/ports.h"

#include <string.h>

#include <criterion/criterion.h>

#include "mbufs/mbufs.h"
#include "shard/eal.h"

static char err[512];
static const char *key;

static struct sl_port *open_ring(const char *name, const char *device)
{
    const struct sl_port_config c = {.name = name, .device = device};

    test_eal();
    return sl_port_open(&c, &key, err, sizeof(err));
}

static void send_numbers(const struct sl_shard_io *io, uint16_t port, struct rte_mempool *pool,
                         uint32_t from, uint32_t n)
{
    for (uint32_t i = from; i < from + n; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

        cr_assert_not_null(m);
        *(uint32_t *)rte_pktmbuf_append(m, sizeof(i)) = i;
        cr_assert_eq(io->tx(io->ctx, port, &m, 1), 1);
    }
}

static void receive_numbers(const struct sl_shard_io *io, uint16_t port, uint32_t from, uint32_t n)
{
    struct rte_mbuf *pkts[SL_SHARD_BURST];
    const uint16_t got = io->rx(io->ctx, port, pkts, SL_SHARD_BURST);

    cr_assert_eq(got, n, "%u frames instead of %u", got, n);
    for (uint32_t i = 0; i < n; i++) {
        cr_expect_eq(*rte_pktmbuf_mtod(pkts[i], const uint32_t *), from + i);
        rte_pktmbuf_free(pkts[i]);
    }
}

Test(ports, a_ring_joins_the_two_that_open_it)
{
    struct sl_port_set set_a = {0}, set_b = {0};
    struct sl_shard_port facts_a, facts_b;
    struct sl_shard_io a, b;
    struct rte_mempool *pool;
    struct sl_port *pa = open_ring("a", "ring:x"), *pb;

    cr_assert_not_null(pa, "%s", err);
    pb = open_ring("b", "ring:x");
    cr_assert_not_null(pb, "%s", err);
    pool = test_pool("ports", 255);
    sl_port_set_add(&set_a, 2, pa, 0);
    sl_port_set_add(&set_b, 5, pb, 0);
    a = sl_port_set_io(&set_a);
    b = sl_port_set_io(&set_b);
    send_numbers(&a, 2, pool, 100, 10);
    send_numbers(&b, 5, pool, 200, 20);
    receive_numbers(&a, 2, 200, 20);
    receive_numbers(&b, 5, 100, 10);
    receive_numbers(&b, 5, 0, 0);
    facts_a = sl_port_facts(pa, 2);
    facts_b = sl_port_facts(pb, 5);
    cr_expect_eq(facts_a.port, 2);
    cr_expect_eq(facts_a.mtu_bytes, 1500);
    cr_expect(facts_a.rx_cksum_good && facts_a.tx_cksum_none);
    cr_expect_neq(memcmp(facts_a.mac, facts_b.mac, 6), 0);
    cr_expect_eq(facts_a.mac[0] & 3, 2, "a unicast, locally administered address");
    cr_expect_null(open_ring("c", "ring:x"), "a wire has two ends");
    cr_expect_not_null(strstr(err, "both ends"), "%s", err);
    sl_port_close(pa);
    sl_port_close(pb);
    cr_expect_eq(rte_mempool_in_use_count(pool), 0);
}

Test(ports, one_end_alone_works_and_its_frames_are_not_lost_from_their_pool)
{
    struct sl_port_set set = {0};
    struct sl_shard_io io;
    struct rte_mempool *pool;
    struct sl_port *p = open_ring("a", "ring:alone");

    cr_assert_not_null(p, "%s", err);
    pool = test_pool("ports", 255);
    sl_port_set_add(&set, 0, p, 0);
    io = sl_port_set_io(&set);
    send_numbers(&io, 0, pool, 0, 10);
    receive_numbers(&io, 0, 0, 0);
    cr_expect_eq(rte_mempool_in_use_count(pool), 10);
    cr_expect_eq(sl_port_mbufs_out(p), 0);
    cr_expect_eq(rte_mempool_in_use_count(pool), 0);
    send_numbers(&io, 0, pool, 0, 10);
    sl_port_close(p);
    cr_expect_eq(rte_mempool_in_use_count(pool), 0);
    p = open_ring("a", "ring:alone"); /* the name is free again */
    cr_assert_not_null(p, "%s", err);
    sl_port_close(p);
}

Test(ports, virtual_devices_are_taken_as_dpdk_says_them)
{
    struct sl_port_set set = {0};
    struct rte_mbuf *pkts[4];
    struct sl_shard_io io;
    struct sl_port *p = open_ring("n", "net_null7,size=64");

    cr_assert_not_null(p, "%s", err);
    sl_port_set_add(&set, 0, p, 0);
    io = sl_port_set_io(&set);
    cr_expect_eq(io.rx(io.ctx, 0, pkts, 4), 4);
    cr_expect_eq(pkts[0]->pkt_len, 64);
    cr_expect_eq(sl_port_mbufs_out(p), 4);
    cr_expect_eq(io.tx(io.ctx, 0, pkts, 4), 4);
    cr_expect_eq(sl_port_mbufs_out(p), 0);
    sl_port_close(p);
}

Test(ports, what_cannot_be_opened_is_named_with_its_device)
{
    static const struct {
        const char *device, *error;
    } cases[] = {
        {"ring:", "port p9 (ring:): no ring of this name; it has 1 to 63 characters"},
        {"tap:", "port p9 (tap:): no name of an interface; it has 1 to 15 characters, and no"},
        {"tap:a,b", "port p9 (tap:a,b): no name of an interface"},
        {"tap:a%d", "port p9 (tap:a%d): no name of an interface"},
        {"tap:sixteen-letters-", "port p9 (tap:sixteen-letters-): no name of an interface"},
        {"af_packet:..", "port p9 (af_packet:..): no name of an interface"},
        {"af_packet:not-there", "port p9 (af_packet:not-there): there is no interface not-there"},
        {"net_nonsense0", "port p9 (net_nonsense0): no such device; give ring:NAME, tap:IFACE, "},
        {"tapp:x", "port p9 (tapp:x): no such device; give ring:NAME, tap:IFACE, "},
        {"no such thing", "port p9 (no such thing): no such device; give ring:NAME, tap:IFACE, "},
        {"net_null8,frobnicate=1",
         "port p9 (net_null8,frobnicate=1): DPDK does not open it; mend what it complains"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        err[0] = '\0';
        cr_expect_null(open_ring("p9", cases[i].device), "%s", cases[i].device);
        cr_expect(strncmp(err, cases[i].error, strlen(cases[i].error)) == 0, "%s", err);
        cr_expect_str_eq(key, "device");
    }
}

/* lo is there wherever this runs. */
Test(ports, interfaces_are_looked_at_before_anything_is_made)
{
    static const struct {
        const char *device, *error;
    } cases[] = {
        {"tap:lo", "port p (tap:lo): interface lo is there already; end the program"},
        {"tap:sl-not-there", ""},
        {"af_packet:lo", ""},
        {"af_packet:sl-not-there",
         "port p (af_packet:sl-not-there): there is no interface sl-not-there in this network "},
        {"ring:lo", ""},
        {"net_null0", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct sl_port_config c = {.name = "p", .device = cases[i].device};

        err[0] = '\0';
        cr_expect_eq(sl_port_check(&c, err, sizeof(err)), cases[i].error[0] == '\0', "%s", err);
        cr_expect(strncmp(err, cases[i].error, strlen(cases[i].error)) == 0, "%s", err);
    }
    cr_expect_null(open_ring("p", "tap:lo"));
    cr_expect_not_null(strstr(err, "is there already"), "%s", err);
}

Test(ports, eal_that_others_brought_up_is_taken_as_it_is)
{
    const char *args[] = {"x", "--no-huge"};

    test_eal();
    cr_expect_eq(sl_eal_init(2, args, err, sizeof(err)), 0, "%s", err);
    sl_eal_fini(); /* not ours to take down */
    cr_expect_not_null(test_pool("still", 63));
}

Test(ports, the_clock_never_goes_back)
{
    struct sl_port_set set = {0};
    const struct sl_shard_io io = sl_port_set_io(&set);
    uint64_t last_ns = 0;

    for (int i = 0; i < 1000; i++) {
        const uint64_t now_ns = io.now_ns(io.ctx);

        cr_assert_geq(now_ns, last_ns);
        last_ns = now_ns;
    }
    cr_expect_null(io.idle);
    set.yields = true;
    cr_expect_not_null(sl_port_set_io(&set).idle);
}
