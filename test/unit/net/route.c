/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/route.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "world.h"

static int add_route(struct world *w, const char *prefix, unsigned len, const char *via)
{
    const struct sl_addr p = addr(prefix), v = addr(via);

    return sl_net_route_add(w->net, &p, len, &v);
}

static int add_address(struct world *w, uint16_t port, const char *address, unsigned len)
{
    const struct sl_addr a = addr(address);

    return sl_net_address_add(w->net, port, &a, len, w->now_ns);
}

/* Port 1: 02:..:11, 192.168.0.1/16, MTU 1500; gateways .254 and .253 on port 0. */
static void open_two_ports(struct world *w)
{
    world_init(w);
    world_open(w);
    port_up(w, 1, 0x11, "192.168.0.1", 16);
    cr_assert_eq(add_route(w, "0.0.0.0", 0, "10.0.0.254"), 0);
    cr_assert_eq(add_route(w, "172.16.0.0", 12, "192.168.0.9"), 0);
    cr_assert_eq(add_route(w, "172.16.1.0", 24, "10.0.0.253"), 0);
    w->n_checked = w->n_sent;
}

/* The first packet asks for its next hop: which, and on which port? T1122-30 */
static const struct {
    const char *dst;
    uint16_t port;
    uint8_t hop[4];
    const char *source; /* MUST-44 */
} ways[] = {
    {"10.0.0.7", 0, {10, 0, 0, 7}, "10.0.0.1"},
    {"192.168.255.254", 1, {192, 168, 255, 254}, "192.168.0.1"},
    {"8.8.8.8", 0, {10, 0, 0, 254}, "10.0.0.1"},
    {"172.31.255.255", 1, {192, 168, 0, 9}, "192.168.0.1"},
    {"172.16.1.255", 0, {10, 0, 0, 253}, "10.0.0.1"},
    {"172.16.2.1", 1, {192, 168, 0, 9}, "192.168.0.1"},
    {"172.32.0.1", 0, {10, 0, 0, 254}, "10.0.0.1"},
};

Test(route, the_longest_prefix_leads)
{
    struct world w;
    size_t i;

    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const struct sl_addr dst = addr(ways[i].dst), want = addr(ways[i].source);
        const struct sent *s;
        struct sl_addr source;
        uint16_t mtu;

        open_two_ports(&w);
        cr_expect_eq(sl_net_source(w.net, &dst, &source, &mtu), 0);
        cr_expect(sl_addr_eq(&source, &want), "%s", ways[i].dst);
        cr_expect_eq(mtu, 1500);
        send_syn(&w, ways[i].dst, NULL);
        s = take_sent(&w);
        cr_expect_eq(s->port, ways[i].port, "%s", ways[i].dst);
        cr_expect_arr_eq(s->bytes + 38, ways[i].hop, 4, "%s", ways[i].dst);
        cr_expect_arr_eq(s->bytes + 28, want.bytes + 12, 4, "%s", ways[i].dst);
        world_close(&w);
    }
}

Test(route, a_packet_to_a_gateway_keeps_its_destination)
{
    struct world w;

    open_two_ports(&w);
    send_syn(&w, "8.8.8.8", NULL);
    sends(&w, ASK(fe));
    arp_reply_from(&w, 254);
    sends(&w, "0200000000fe 020000000001 0800 4500002c00004000400620bc0a00000108080808 "
              "0050 9c40 00000001 00000000 50 02 ffff 3476 0000 61626364");
    world_close(&w);
}

Test(route, no_source_for_what_cannot_be_reached)
{
    static const char *const to[] = {"10.0.1.1",  "10.0.0.1",        "10.0.0.255", "224.0.0.1",
                                     "127.0.0.1", "255.255.255.255", "0.0.0.0",    "2001:db8::1"};
    struct world w;
    size_t i;

    world_init(&w);
    world_open(&w);
    for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        const struct sl_addr dst = addr(to[i]);
        struct sl_addr source;
        uint16_t mtu;

        cr_expect_eq(sl_net_source(w.net, &dst, &source, &mtu), -ENETUNREACH, "%s", to[i]);
    }
    world_close(&w);
}

/* Of several addresses on one port: the one in the network of the next hop. */
Test(route, source_in_the_network_of_the_next_hop)
{
    struct world w;
    const struct sl_addr dst = addr("10.5.0.9"), far = addr("9.9.9.9"), want = addr("10.5.0.1");
    struct sl_addr source;
    uint16_t mtu;

    world_init(&w);
    world_open(&w);
    cr_expect_eq(add_address(&w, 0, "10.5.0.1", 16), 0);
    cr_expect_eq(add_address(&w, 0, "10.5.0.2", 16), 0);
    cr_expect_eq(add_route(&w, "0.0.0.0", 0, "10.5.0.254"), 0);
    sl_net_source(w.net, &dst, &source, &mtu);
    cr_expect(sl_addr_eq(&source, &want));
    sl_net_source(w.net, &far, &source, &mtu);
    cr_expect(sl_addr_eq(&source, &want));
    world_close(&w);
}

/* T1122-31, T1122-33 */
Test(route, a_second_gateway_serves_while_the_first_is_dead)
{
    struct world w;
    struct sl_net_path path = {0};
    unsigned i;

    world_init(&w);
    world_open(&w);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.254"), 0);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.253"), 0);
    settle(&w);

    send_syn(&w, "8.8.8.8", &path);
    after_ms(&w, 3000);
    for (i = 0; i < 3; i++)
        sends(&w, ASK(fe));
    drops(&w, SL_DROP_NEIGH_UNRESOLVED, "the first gateway is dead");
    send_syn(&w, "8.8.8.8", &path);
    sends(&w, ASK(fd));
    arp_reply_from(&w, 253);
    cr_expect_eq(take_sent(&w)->bytes[5], 253);

    after_ms(&w, 20000); /* the second one serves */
    sl_net_confirm(w.net, &path, w.now_ns);
    send_syn(&w, "8.8.8.8", &path);
    cr_expect_eq(take_sent(&w)->bytes[5], 253);
    silent(&w);

    after_ms(&w,
             20000); /* the failure is forgotten: the first one is asked, nothing waits for it */
    send_syn(&w, "8.8.8.8", &path);
    sends(&w, ASK(fe));
    cr_expect_eq(take_sent(&w)->bytes[5], 253);
    arp_reply_from(&w, 254);
    send_syn(&w, "8.8.8.8", &path);
    cr_expect_eq(take_sent(&w)->bytes[5], 254, "and is back");
    drops(&w, SL_DROP_NONE, "nothing was lost on the way");
    world_close(&w);
}

/* A full table may keep us from hosts on the link, but not from the rest of the world. */
Test(route, a_gateway_always_has_a_place)
{
    struct world w;

    world_init(&w);
    w.config.neighbours_max = 1;
    world_open(&w);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.254"), 0);
    settle(&w);
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_NONE);
    sends(&w, ASK(02));
    cr_expect_eq(send_syn(&w, "8.8.8.8", NULL), SL_DROP_NONE);
    sends(&w, ASK(fe));
    cr_expect_eq(send_syn(&w, "10.0.0.3", NULL), SL_DROP_ARP_TABLE_FULL);
    after_ms(&w, 5000); /* neither has answered */
    w.n_checked = w.n_sent;
    cr_expect_eq(send_syn(&w, "10.0.0.3", NULL), SL_DROP_NONE, "evicts the host that failed");
    sends(&w, ASK(03));
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_ARP_TABLE_FULL, "but not the gateway");
    world_close(&w);
}

/* A gateway that the table knows as a host already. */
Test(route, a_host_that_becomes_a_gateway_is_not_evicted)
{
    struct world w;

    world_init(&w);
    w.config.neighbours_max = 1;
    world_open(&w);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.254"), 0);
    settle(&w);
    arp_request_from(&w, 254);
    take_sent(&w);
    send_syn(&w, "8.8.8.8", NULL);
    cr_expect_eq(take_sent(&w)->bytes[5], 254);
    after_ms(&w, 4000);
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_NONE, "it has left its place");
    sends(&w, ASK(02));
    cr_expect_eq(send_syn(&w, "10.0.0.3", NULL), SL_DROP_ARP_TABLE_FULL);
    send_syn(&w, "8.8.8.8", NULL);
    cr_expect_eq(take_sent(&w)->bytes[5], 254);
    world_close(&w);
}

/* Nor while it does not answer. */
Test(route, a_gateway_that_failed_as_a_host_is_not_evicted)
{
    struct world w;

    world_init(&w);
    w.config.neighbours_max = 1;
    world_open(&w);
    settle(&w);
    send_syn(&w, "10.0.0.254", NULL);
    after_ms(&w, 3000);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.254"), 0);
    cr_expect_eq(send_syn(&w, "8.8.8.8", NULL), SL_DROP_NEIGH_UNRESOLVED);
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_NONE);
    after_ms(&w, 1000);
    cr_expect_eq(send_syn(&w, "10.0.0.3", NULL), SL_DROP_ARP_TABLE_FULL);
    world_close(&w);
}

/* The same prefix through a gateway and, since later, on the link. */
Test(route, a_connected_route_beside_a_gateway)
{
    struct world w;

    world_init(&w);
    w.config.neighbours_max = 1;
    world_open(&w);
    cr_assert_eq(add_route(&w, "10.5.0.0", 16, "10.0.0.254"), 0);
    cr_assert_eq(add_address(&w, 0, "10.5.0.1", 16), 0);
    settle(&w);
    arrives(&w,
            "ffffffffffff 020000000009 " ARP_REQUEST "020000000009 0a050009 000000000000 0a050001");
    take_sent(&w);
    send_syn(&w, "10.5.0.9", NULL);
    sends(&w, ASK(fe)); /* is the preferred one there? */
    cr_expect_eq(take_sent(&w)->bytes[5], 9, "in the meantime straight to the host");
    silent(&w);
    world_close(&w);
}

/* T1122-32: TCP's doubt is enough to find out. */
Test(route, a_suspected_gateway_that_is_dead_is_left)
{
    struct world w;
    struct sl_net_path path = {0};

    world_init(&w);
    world_open(&w);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.254"), 0);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.253"), 0);
    arp_request_from(&w, 253);
    arp_request_from(&w, 254);
    settle(&w);
    send_syn(&w, "8.8.8.8", &path);
    cr_expect_eq(take_sent(&w)->bytes[5], 254);
    sl_net_suspect(w.net, &path, w.now_ns);
    after_ms(&w, 3000);
    w.n_checked = w.n_sent;
    send_syn(&w, "8.8.8.8", &path);
    w.n_checked++; /* the first one is asked by broadcast */
    cr_expect_eq(take_sent(&w)->bytes[5], 253);
    world_close(&w);
}

/* Both dead: each gets its turn. */
Test(route, two_dead_gateways_are_tried_in_turn)
{
    struct world w;
    unsigned i;

    world_init(&w);
    world_open(&w);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.254"), 0);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.253"), 0);
    settle(&w);
    for (i = 0; i < 4; i++) {
        send_syn(&w, "8.8.8.8", NULL);
        cr_expect_eq(take_sent(&w)->bytes[41], i % 2 == 0 ? 254 : 253, "turn %u", i);
        after_ms(&w, 4000);
        w.n_checked = w.n_sent;
    }
    world_close(&w);
}

/* A path is resolved anew when a better route appears. */
Test(route, a_new_route_counts_for_paths_in_use)
{
    struct world w;
    struct sl_net_path path = {0};

    world_init(&w);
    world_open(&w);
    cr_assert_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.254"), 0);
    arp_request_from(&w, 254);
    arp_request_from(&w, 253);
    w.n_checked = w.n_sent;
    send_syn(&w, "8.8.8.8", &path);
    cr_expect_eq(take_sent(&w)->bytes[5], 254);
    cr_assert_eq(add_route(&w, "8.8.8.0", 24, "10.0.0.253"), 0);
    send_syn(&w, "8.8.8.8", &path);
    cr_expect_eq(take_sent(&w)->bytes[5], 253);
    world_close(&w);
}

Test(route, routes_that_cannot_be)
{
    struct world w;

    world_init(&w);
    w.config.routes_max = 3;
    world_open(&w);
    cr_expect_eq(add_route(&w, "0.0.0.0", 0, "10.0.1.254"), -EINVAL, "gateway not on a link");
    cr_expect_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.1"), -EINVAL, "through ourselves");
    cr_expect_eq(add_route(&w, "0.0.0.0", 0, "10.0.0.255"), -EINVAL, "through a broadcast");
    cr_expect_eq(add_route(&w, "0.0.0.0", 0, "0.0.0.0"), -EINVAL, "through nobody");
    cr_expect_eq(add_route(&w, "10.1.0.1", 16, "10.0.0.2"), -EINVAL, "bits beyond the prefix");
    cr_expect_eq(add_route(&w, "10.1.0.0", 33, "10.0.0.2"), -EINVAL, "33 bits");
    cr_expect_eq(add_route(&w, "2001:db8::", 32, "10.0.0.2"), -EINVAL, "IPv6");
    cr_expect_eq(add_route(&w, "10.1.0.0", 16, "10.0.0.2"), 0);
    cr_expect_eq(add_route(&w, "10.1.0.0", 16, "10.0.0.2"), -EEXIST);
    cr_expect_eq(add_route(&w, "10.1.0.0", 16, "10.0.0.3"), 0);
    cr_expect_eq(add_route(&w, "10.1.0.0", 16, "10.0.0.3"), -ENOSPC);
    cr_expect_eq(add_route(&w, "10.2.0.0", 16, "10.0.0.3"), -ENOSPC);
    cr_expect_eq(add_address(&w, 0, "10.9.0.1", 16), -ENOSPC, "its route has no room");
    world_close(&w);
}

Test(route, addresses_that_cannot_be)
{
    struct world w;
    unsigned i;

    world_init(&w);
    world_open(&w);
    cr_expect_eq(add_address(&w, 0, "10.0.0.1", 24), -EEXIST);
    cr_expect_eq(add_address(&w, 0, "10.0.0.255", 24), -EINVAL, "broadcast");
    cr_expect_eq(add_address(&w, 0, "10.0.0.0", 24), -EINVAL, "network");
    cr_expect_eq(add_address(&w, 0, "10.0.0.5", 0), -EINVAL);
    cr_expect_eq(add_address(&w, 0, "10.0.0.5", 33), -EINVAL);
    cr_expect_eq(add_address(&w, 0, "127.0.0.1", 8), -EINVAL);
    cr_expect_eq(add_address(&w, 0, "224.0.0.1", 24), -EINVAL);
    cr_expect_eq(add_address(&w, 0, "fe80::1", 64), -EINVAL);
    cr_expect_eq(add_address(&w, 1, "10.1.0.1", 24), -EINVAL, "no such port");
    cr_expect_eq(add_address(&w, 99, "10.1.0.1", 24), -EINVAL, "no such port");
    cr_expect_eq(add_address(&w, 0, "192.0.2.0", 31), 0, "RFC 3021");
    cr_expect_eq(add_address(&w, 0, "192.0.2.9", 32), 0);
    for (i = 0; i < 253; i++) {
        const struct sl_addr a = sl_addr_of_ip4(rte_cpu_to_be_32(0x0a400001 + i * 7919 % 65521));

        cr_expect_eq(sl_net_address_add(w.net, 0, &a, 16, w.now_ns), 0, "address %u", i);
        cr_expect(sl_net_is_local(w.net, &a));
    }
    cr_expect_eq(add_address(&w, 0, "10.64.255.254", 16), -ENOSPC);
    after_ms(&w, 1000);
    cr_expect_eq(w.n_sent, 2 * 256, "all of them are announced again");
    world_close(&w);
}

/* RFC 3021: two hosts and no broadcast. */
Test(route, a_network_of_two)
{
    struct world w;
    struct sl_net_path path = {0};
    struct sl_net_hdr hdr = hdr_to("192.0.2.0");

    world_init(&w);
    world_open(&w);
    cr_assert_eq(add_address(&w, 0, "192.0.2.1", 31), 0);
    settle(&w);
    hdr.src = addr("192.0.2.1");
    cr_expect_eq(sl_net_output(w.net, &path, &hdr, syn(&w), w.now_ns), SL_DROP_NONE);
    sends(&w, BROADCAST ARP_REQUEST "020000000001 c0000201 000000000000 c0000200");
    arrives(&w, ETHER_TO_US ARP_REPLY "020000000002 c0000200 020000000001 c0000201");
    cr_expect_eq(take_sent(&w)->len, 58);
    drops(&w, SL_DROP_NONE, "neither way");
    world_close(&w);
}

/* Whom we talked to before we took his address. */
Test(route, a_path_to_what_became_ours_ends)
{
    struct world w;
    struct sl_net_path path = {0};

    world_init(&w);
    world_open(&w);
    send_syn(&w, "10.0.0.2", &path);
    cr_assert_eq(add_address(&w, 0, "10.0.0.2", 24), 0);
    cr_expect_eq(send_syn(&w, "10.0.0.2", &path), SL_DROP_IP4_NO_ROUTE);
    world_close(&w);
}

/* Addresses beyond the first one are as good for what comes in, and are asked for by name. */
Test(route, every_address_is_ours)
{
    struct world w;
    const struct sl_addr other = addr("10.0.0.9");

    world_init(&w);
    world_open(&w);
    cr_expect_not(sl_net_is_local(w.net, &other));
    cr_assert_eq(add_address(&w, 0, "10.0.0.9", 24), 0);
    cr_expect(sl_net_is_local(w.net, &other));
    w.n_checked = w.n_sent;
    arrives(&w,
            "ffffffffffff 020000000002 " ARP_REQUEST "020000000002 0a000002 000000000000 0a000009");
    sends(&w, ETHER_FROM_US ARP_REPLY "020000000001 0a000009 020000000002 0a000002");
    arrives(&w, ETHER_TO_US "0800 4500002c00004000400626c20a0000020a000009 "
                            "9c40 0050 00000001 00000000 50 02 ffff 3a7c 0000 61626364");
    hands_up(&w, "9c40 0050 00000001 00000000 50 02 ffff 3a7c 0000 61626364", "to 10.0.0.9");
    world_close(&w);
}

/* A port answers for its own addresses only. */
Test(route, ports_do_not_answer_for_each_other)
{
    struct world w;

    open_two_ports(&w);
    arrives(&w,
            "ffffffffffff 020000000002 " ARP_REQUEST "020000000002 0a000002 000000000000 c0a80001");
    drops(&w, SL_DROP_ARP_NOT_FOR_US, "the other port's address");
    silent(&w);
    world_close(&w);
}

Test(route, limits_that_cannot_be)
{
    struct world w;
    struct sl_net_config config;
    const struct sl_net_host host = {.counters = &w.counters, .random = &w.random.base};

    world_init(&w);
    world_open(&w);
    sl_net_destroy(NULL);
    config = w.config;
    config.neighbours_max = 0;
    cr_expect_null(sl_net_create(&config, &host, 0));
    config.neighbours_max = 65536;
    cr_expect_null(sl_net_create(&config, &host, 0), "and routes");
    config = w.config;
    config.neighbour_queue_pkts = 0;
    cr_expect_null(sl_net_create(&config, &host, 0));
    config = w.config;
    config.routes_max = 0;
    cr_expect_null(sl_net_create(&config, &host, 0));
    config = w.config;
    config.ttl = 0;
    cr_expect_null(sl_net_create(&config, &host, 0), "T1122-15");
    world_close(&w);
}

Test(route, ports_that_cannot_be)
{
    struct world w;
    struct sl_net_port p;

    world_init(&w);
    world_open(&w);
    p = w.port;
    cr_expect_eq(sl_net_port_add(w.net, 0, &p), -EEXIST);
    cr_expect_eq(sl_net_port_add(w.net, SL_NET_PORTS_MAX, &p), -EINVAL);
    p.mtu_bytes = 67;
    cr_expect_eq(sl_net_port_add(w.net, 1, &p), -EINVAL);
    p.mtu_bytes = 9217;
    cr_expect_eq(sl_net_port_add(w.net, 1, &p), -EINVAL);
    p.mtu_bytes = 68;
    p.mac.addr_bytes[0] = 3;
    cr_expect_eq(sl_net_port_add(w.net, 1, &p), -EINVAL);
    p.mac.addr_bytes[0] = 2;
    cr_expect_eq(sl_net_port_add(w.net, 1, &p), 0);
    world_close(&w);
}
