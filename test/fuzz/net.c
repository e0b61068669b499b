/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/net.h"

#include <netinet/in.h>

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "base/invariant.h"
#include "fuzz.h"
#include "mbufs/mbufs.h"

/*
 * Frames into Ethernet, ARP, IPv4 and ICMP, between packets of ours and time: raw ones, and ones
 * that are well-formed but for what is made wrong in them. What goes up is the packet's payload
 * and no more; what goes out is well-formed; what waits for ARP is bounded; no mbuf is lost.
 */

enum {
    POOL_MBUFS = 255,
    NEIGHBOURS = 4,
    QUEUE = 3,
    MTU = 1500,
    FRAME_MAX = RTE_ETHER_HDR_LEN + 1600,
    OPS_MAX = 64,
    WAKES_MAX = 10000,
    NS_PER_MS = 1000000,
    ECHO_REQUEST = 8,
};

static struct rte_mempool *own, *outside;

struct world {
    struct sl_net *net;
    struct sl_counters counters;
    struct sl_random_seeded random;
    uint64_t now_ns;
    struct sl_net_path paths[8];
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    test_eal();
    own = test_pool("own", POOL_MBUFS);
    outside = test_pool("outside", POOL_MBUFS);
    return 0;
}

/* RFC 1071 4.1, written down from there. */
static uint16_t rfc1071(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* ---- what goes out ------------------------------------------------------------------------- */

static void check_ip4(const uint8_t *at, size_t len)
{
    const struct rte_ipv4_hdr *ip = (const void *)at;

    FUZZ_CHECK(len >= sizeof(*ip) && ip->version_ihl == 0x45);
    FUZZ_CHECK(rte_be_to_cpu_16(ip->total_length) == len && len <= MTU);
    FUZZ_CHECK(rfc1071(at, sizeof(*ip)) == 0 && ip->time_to_live > 0);
    FUZZ_CHECK(rte_be_to_cpu_32(ip->src_addr) == 0x0a000001);
    if (ip->next_proto_id == IPPROTO_ICMP)
        FUZZ_CHECK(rfc1071(at + sizeof(*ip), len - sizeof(*ip)) == 0);
    else
        FUZZ_CHECK(ip->next_proto_id == IPPROTO_TCP);
}

static void check_arp(const uint8_t *at, size_t len)
{
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4, 0};
    static const uint8_t us[] = {2, 0, 0, 0, 0, 1};

    FUZZ_CHECK(len >= sizeof(struct rte_arp_hdr) && memcmp(at, head, sizeof(head)) == 0);
    FUZZ_CHECK((at[7] == RTE_ARP_OP_REQUEST || at[7] == RTE_ARP_OP_REPLY) &&
               memcmp(at + 8, us, sizeof(us)) == 0);
}

static void tx(void *ctx, uint16_t port, struct rte_mbuf *m)
{
    size_t len;
    uint8_t *bytes = test_bytes(m, &len);
    const struct rte_ether_hdr *ether = (const void *)bytes;

    (void)ctx;
    FUZZ_CHECK(port == 0 && len > sizeof(*ether));
    FUZZ_CHECK(ether->src_addr.addr_bytes[5] == 1 &&
               !rte_is_multicast_ether_addr(&ether->src_addr));
    if (ether->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP))
        check_arp(bytes + sizeof(*ether), len - sizeof(*ether));
    else
        check_ip4(bytes + sizeof(*ether), len - sizeof(*ether));
    free(bytes);
    rte_pktmbuf_free(m);
}

static void icmp_error(void *ctx, const struct sl_net_icmp_error *e, uint64_t now_ns)
{
    const struct world *w = ctx;

    FUZZ_CHECK(now_ns == w->now_ns && sl_net_is_local(w->net, &e->src));
    FUZZ_CHECK(e->protocol == IPPROTO_TCP);
}

/* ---- what comes in ------------------------------------------------------------------------- */

/* Byte 0 of the payload is byte 14 + IHL of the frame, the last is where the packet ends. */
static void check_up(const struct rte_mbuf *m, const struct sl_net_meta *meta, const uint8_t *frame,
                     size_t frame_len)
{
    const struct rte_ipv4_hdr *ip = (const void *)(frame + RTE_ETHER_HDR_LEN);
    const size_t head = RTE_ETHER_HDR_LEN + (size_t)(ip->version_ihl & 0x0f) * 4;
    const size_t end = RTE_ETHER_HDR_LEN + (size_t)rte_be_to_cpu_16(ip->total_length);
    const struct sl_addr src = sl_addr_of_ip4(ip->src_addr);
    size_t len;
    uint8_t *bytes = test_bytes(m, &len);

    FUZZ_CHECK(end <= frame_len && head <= end && len == end - head);
    FUZZ_CHECK(memcmp(bytes, frame + head, len) == 0);
    FUZZ_CHECK(meta->protocol == IPPROTO_TCP && sl_addr_eq(&meta->src, &src));
    FUZZ_CHECK((ip->fragment_offset & rte_cpu_to_be_16(0x3fff)) == 0);
    FUZZ_CHECK(rfc1071(frame + RTE_ETHER_HDR_LEN, head - RTE_ETHER_HDR_LEN) == 0);
    if (len >= 20 && (size_t)(bytes[12] >> 4) * 4 <= len)
        FUZZ_CHECK(m->data_len >= (size_t)(bytes[12] >> 4) * 4);
    free(bytes);
}

static void arrive(struct world *w, const uint8_t *frame, size_t len, size_t split)
{
    struct rte_mbuf *m = test_mbuf(outside, frame, split < len ? split : len, 0, 0);
    struct sl_net_meta meta;

    if (split < len)
        FUZZ_CHECK(rte_pktmbuf_chain(m, test_mbuf(outside, frame + split, len - split, 0, 0)) == 0);
    if (sl_net_input(w->net, 0, &m, w->now_ns, &meta) != SL_NET_TRANSPORT)
        return;
    check_up(m, &meta, frame, len);
    rte_pktmbuf_free(m);
}

static uint32_t likely_address(uint8_t which)
{
    static const uint32_t likely[] = {0x0a000001, 0x0a000002, 0x0a000003, 0x0a000004,
                                      0x0a0000ff, 0xffffffff, 0xe0000001, 0x7f000001,
                                      0x00000000, 0x0a010203, 0x0a000005, 0x0a000006};

    return rte_cpu_to_be_32(likely[which % 12]);
}

static size_t put_ether(uint8_t *out, uint16_t type, uint8_t how)
{
    struct rte_ether_hdr e = {.dst_addr = {{2, 0, 0, 0, 0, 1}},
                              .src_addr = {{2, 0, 0, 0, 0, 2}},
                              .ether_type = rte_cpu_to_be_16(type)};

    if ((how & 0x0c) == 0x0c)
        memset(&e.dst_addr, 0xff, sizeof(e.dst_addr));
    memcpy(out, &e, sizeof(e));
    return sizeof(e);
}

static size_t make_arp(uint8_t *out, uint8_t how, struct sl_cursor *c)
{
    struct rte_arp_hdr a = {.arp_hardware = rte_cpu_to_be_16(1),
                            .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
                            .arp_hlen = 6,
                            .arp_plen = 4,
                            .arp_opcode = rte_cpu_to_be_16(1 + (how >> 4 & 1))};
    const size_t at = put_ether(out, RTE_ETHER_TYPE_ARP, how);

    a.arp_data.arp_sha = (struct rte_ether_addr){{2, 0, 0, 0, 0, fuzz_u8(c) % 8}};
    a.arp_data.arp_sip = likely_address(fuzz_u8(c));
    a.arp_data.arp_tha = (struct rte_ether_addr){{2, 0, 0, 0, 0, 1}};
    a.arp_data.arp_tip = likely_address(how >> 5 == 0 ? 0 : fuzz_u8(c));
    memcpy(out + at, &a, sizeof(a));
    return at + sizeof(a);
}

/* An error message about a packet that we might have sent. */
static size_t put_quote(uint8_t *out, struct sl_cursor *c)
{
    struct rte_ipv4_hdr q = {.version_ihl = 0x45,
                             .total_length = rte_cpu_to_be_16(fuzz_u16(c)),
                             .time_to_live = 1,
                             .next_proto_id = IPPROTO_TCP,
                             .src_addr = likely_address(fuzz_u8(c) & 0x80 ? 1 : 0),
                             .dst_addr = likely_address(fuzz_u8(c))};

    memcpy(out, &q, sizeof(q));
    memset(out + sizeof(q), 0x11, 8);
    return sizeof(q) + 8;
}

static size_t put_payload(uint8_t *out, uint8_t how, uint8_t protocol, struct sl_cursor *c)
{
    const struct sl_cursor raw = fuzz_take(c, fuzz_u8(c) % 100);
    const size_t n = sl_cursor_left(&raw);
    size_t len = n;

    if (n > 0)
        memcpy(out, raw.at, n);
    if (protocol == IPPROTO_TCP && n < 20) {
        memset(out + n, 0x50, 20 - n);
        len = 20;
    }
    if (protocol != IPPROTO_ICMP)
        return len;
    if (n < 8)
        memset(out + n, 0, 8 - n);
    len = n < 8 ? 8 : n;
    if ((how & 0x10) != 0)
        out[0] = ECHO_REQUEST;
    if ((how & 0x20) != 0)
        len = 8 + put_quote(out + 8, c);
    if ((how & 0x40) != 0) { /* the right sum */
        uint16_t sum;

        out[2] = out[3] = 0;
        sum = rfc1071(out, len);
        out[2] = (uint8_t)(sum >> 8);
        out[3] = (uint8_t)sum;
    }
    return len;
}

/* TCP's own sum, with the pseudo-header in front (RFC 9293 3.1). */
static void put_tcp_sum(uint8_t *tcp, size_t len, const struct rte_ipv4_hdr *ip)
{
    uint8_t *bytes = calloc(1, 12 + len);
    uint16_t sum;

    memcpy(bytes, &ip->src_addr, 4);
    memcpy(bytes + 4, &ip->dst_addr, 4);
    bytes[9] = IPPROTO_TCP;
    bytes[10] = (uint8_t)(len >> 8);
    bytes[11] = (uint8_t)len;
    tcp[16] = tcp[17] = 0;
    memcpy(bytes + 12, tcp, len);
    sum = rfc1071(bytes, 12 + len);
    tcp[16] = (uint8_t)(sum >> 8);
    tcp[17] = (uint8_t)sum;
    free(bytes);
}

static size_t make_ip4(uint8_t *out, uint8_t how, struct sl_cursor *c)
{
    static const uint8_t protocols[] = {IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_ICMP, IPPROTO_UDP};
    const uint8_t to = fuzz_u8(c), from = fuzz_u8(c), more = fuzz_u8(c);
    const size_t at = put_ether(out, RTE_ETHER_TYPE_IPV4, how);
    const size_t options = (more & 0x0c) == 0x0c ? (size_t)(more >> 4 & 7) * 4 : 0;
    struct rte_ipv4_hdr ip = {.version_ihl = (uint8_t)(0x45 + options / 4),
                              .time_to_live = 64,
                              .next_proto_id = protocols[more & 3],
                              .src_addr = likely_address(1 + from),
                              .dst_addr = likely_address(to < 0xc0 ? 0 : to)};
    uint8_t *const head = out + at, *const payload = head + sizeof(ip) + options;
    size_t len;
    uint16_t sum;

    for (size_t i = 0; i < options; i++)
        head[sizeof(ip) + i] = fuzz_u8(c);
    if (from >= 0xe0)
        ip.fragment_offset = rte_cpu_to_be_16(fuzz_u16(c));
    len = put_payload(payload, how, ip.next_proto_id, c);
    if (ip.next_proto_id == IPPROTO_TCP && (how & 0x40) != 0)
        put_tcp_sum(payload, len, &ip);
    len += sizeof(ip) + options;
    ip.total_length = rte_cpu_to_be_16((uint16_t)len);
    memcpy(head, &ip, sizeof(ip));
    sum = rfc1071(head, sizeof(ip) + options);
    head[10] = (uint8_t)(sum >> 8);
    head[11] = (uint8_t)sum;
    return at + len;
}

static size_t make_raw(uint8_t *out, struct sl_cursor *c)
{
    const struct sl_cursor raw = fuzz_take(c, fuzz_u8(c));
    const size_t len = sl_cursor_left(&raw);

    if (len > 0)
        memcpy(out, raw.at, len);
    return len;
}

static void frame(struct world *w, uint8_t op, struct sl_cursor *c)
{
    static uint8_t bytes[FRAME_MAX];
    const uint8_t how = fuzz_u8(c);
    size_t len;

    if (op % 8 == 0)
        len = make_raw(bytes, c);
    else if (op % 8 < 3)
        len = make_arp(bytes, how, c);
    else
        len = make_ip4(bytes, how, c);
    if ((how & 0x80) != 0) { /* one thing wrong */
        const uint16_t at = fuzz_u8(c);

        if (at < len)
            bytes[at] ^= fuzz_u8(c);
    }
    if ((op & 0x10) != 0) { /* padded, or cut off */
        memset(bytes + len, 0xee, 40);
        len = (op & 0x20) != 0 ? len + fuzz_u8(c) % 40 : len - fuzz_u8(c) % (len + 1);
    }
    arrive(w, bytes, len, (op & 0x80) != 0 ? 1U + fuzz_u8(c) : len);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void send_segment(struct world *w, struct sl_cursor *c)
{
    uint8_t bytes[20 + UINT8_MAX] = {0};
    const uint8_t to = fuzz_u8(c), len = fuzz_u8(c);
    const struct sl_net_hdr hdr = {.src = sl_addr_of_ip4(likely_address(0)),
                                   .dst = sl_addr_of_ip4(likely_address(to)),
                                   .protocol = IPPROTO_TCP};
    struct sl_net_path none = {0};

    bytes[12] = 0x50;
    (void)sl_net_output(w->net, to < 0x80 ? &w->paths[to % 8] : &none, &hdr,
                        test_mbuf(outside, bytes, 20U + len, SL_NET_HEAD_BYTES, 0), w->now_ns);
    if (to % 16 == 1)
        sl_net_suspect(w->net, &w->paths[len % 8], w->now_ns);
    else if (to % 16 == 2)
        sl_net_confirm(w->net, &w->paths[len % 8], w->now_ns);
}

static void pass(struct world *w, uint64_t ms)
{
    const uint64_t end_ns = w->now_ns + ms * NS_PER_MS;
    unsigned wakes = 0;

    while (sl_net_next_ns(w->net) <= end_ns) {
        if (sl_net_next_ns(w->net) > w->now_ns)
            w->now_ns = sl_net_next_ns(w->net);
        sl_net_timeout(w->net, w->now_ns);
        FUZZ_CHECK(++wakes < WAKES_MAX); /* a deadline that does not go away */
    }
    w->now_ns = end_ns;
}

static void begin(struct world *w)
{
    struct sl_net_config config = sl_net_config_default();
    const struct sl_net_port port = {.mac = {{2, 0, 0, 0, 0, 1}}, .mtu_bytes = MTU};
    const struct sl_addr us = sl_addr_of_ip4(likely_address(0)),
                         via = sl_addr_of_ip4(likely_address(2)),
                         all = sl_addr_of_ip4(likely_address(8));
    const struct sl_net_host host = {.tx = tx,
                                     .icmp_error = icmp_error,
                                     .ctx = w,
                                     .pool = own,
                                     .counters = &w->counters,
                                     .random = sl_random_seed(&w->random, 1)};

    config.neighbours_max = NEIGHBOURS;
    config.neighbour_queue_pkts = QUEUE;
    w->now_ns = 1000000000;
    w->net = sl_net_create(&config, &host, w->now_ns);
    FUZZ_CHECK(w->net != NULL && sl_net_port_add(w->net, 0, &port) == 0);
    FUZZ_CHECK(sl_net_address_add(w->net, 0, &us, 24, w->now_ns) == 0);
    FUZZ_CHECK(sl_net_route_add(w->net, &all, 0, &via) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    const uint8_t fault = fuzz_u8(&c);
    struct world w = {0};

    begin(&w);
    sl_fault_random(fault < 0xc0 ? 0 : (fault & 0x3fU) * 4000, fault);
    for (int i = 0; i < OPS_MAX && sl_cursor_left(&c) > 0; i++) {
        const uint8_t op = fuzz_u8(&c);

        if (op % 8 < 6)
            frame(&w, op, &c);
        else if (op % 8 == 6)
            send_segment(&w, &c);
        else
            pass(&w, (uint64_t)fuzz_u8(&c) * (op & 0x40 ? 1000 : 10));
        FUZZ_CHECK(rte_mempool_in_use_count(own) + rte_mempool_in_use_count(outside) <=
                   NEIGHBOURS * QUEUE);
    }
    sl_fault_random(0, 0);
    sl_net_destroy(w.net);
    test_pool_whole(own);
    test_pool_whole(outside);
    return 0;
}
