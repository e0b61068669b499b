/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/ip4.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "mbufs/mbufs.h"
#include "world.h"

enum { ETHER = 14, IP = 14, TCP = 34, SYN_BYTES = 58 };

/* A SYN with some bytes replaced; the sum of the IPv4 header is made right again unless asked. */
static const struct {
    const char *story;
    size_t at;       /* from the first byte of the frame */
    const char *hex; /* what stands there instead */
    size_t len;      /* of the frame; 0: as it was */
    bool wrong_sum;
    enum sl_drop drop;
} frames[] = {
    {"as it was", 0, "", 0, false, SL_DROP_NONE},
    {"without a type", 0, "", 13, false, SL_DROP_ETHER_SHORT},
    {"empty", 0, "", 1, false, SL_DROP_ETHER_SHORT},
    {"to another host", 0, "020000000009", 0, false, SL_DROP_ETHER_NOT_OURS},
    {"802.2: a length for a type", 12, "0030 aaaa03 000000 0800", 0, false, SL_DROP_ETHER_SNAP},
    {"the greatest value that is no type", 12, "05ff", 0, false, SL_DROP_ETHER_SNAP},
    {"IPv6", 12, "86dd", 0, false, SL_DROP_ETHER_TYPE},
    {"VLAN", 12, "8100", 0, false, SL_DROP_ETHER_TYPE},
    {"nothing behind the type", 0, "", 14, false, SL_DROP_IP4_SHORT},
    {"half a header", 0, "", 33, false, SL_DROP_IP4_SHORT},
    {"T1122-8: version 6", IP, "65", 0, false, SL_DROP_IP4_VERSION},
    {"T1122-8: version 0", IP, "05", 0, false, SL_DROP_IP4_VERSION},
    {"header of 16 bytes", IP, "44", 0, false, SL_DROP_IP4_SHORT},
    {"header of 0 bytes", IP, "40", 0, true, SL_DROP_IP4_SHORT},
    {"header longer than the frame", IP, "4f", 0, true, SL_DROP_IP4_SHORT},
    {"total length less than the header", IP + 2, "0013", 0, false, SL_DROP_IP4_SHORT},
    {"total length 0 (as of a TSO packet: refused)", IP + 2, "0000", 0, false, SL_DROP_IP4_SHORT},
    {"total length beyond the frame", IP + 2, "002d", 0, false, SL_DROP_IP4_SHORT},
    {"total length 65535", IP + 2, "ffff", 0, false, SL_DROP_IP4_SHORT},
    {"T1122-9: header sum wrong", IP + 10, "0000", 0, true, SL_DROP_IP4_CHECKSUM},
    {"T1122-9: one bit of the TTL", IP + 8, "41", 0, true, SL_DROP_IP4_CHECKSUM},
    {"T1122-11: to another host", IP + 16, "0a000003", 0, false, SL_DROP_IP4_NOT_OURS},
    {"T1122-11: to a group that nobody joined", IP + 16, "e0000001", 0, false,
     SL_DROP_IP4_NOT_OURS},
    {"T1122-11: to a loopback address", IP + 16, "7f000001", 0, false, SL_DROP_IP4_NOT_OURS},
    {"T1122-12: from all hosts", IP + 12, "ffffffff", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-12: from our network's broadcast", IP + 12, "0a0000ff", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-12: from our network's address", IP + 12, "0a000000", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-12: from a group", IP + 12, "e0000001", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-12: from the last group", IP + 12, "efffffff", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-12: from class E", IP + 12, "f0000001", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-12: from 127/8", IP + 12, "7f000001", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-12: from this host on this network", IP + 12, "00000000", 0, false, SL_DROP_IP4_SOURCE},
    {"T1122-39: unicast in a broadcast frame", 0, "ffffffffffff", 0, false,
     SL_DROP_IP4_LINK_BROADCAST},
    {"T1122-39: unicast in a multicast frame", 0, "01005e000001", 0, false,
     SL_DROP_IP4_LINK_BROADCAST},
    {"first fragment", IP + 6, "2000", 0, false, SL_DROP_IP4_FRAGMENT},
    {"last fragment", IP + 6, "0001", 0, false, SL_DROP_IP4_FRAGMENT},
    {"fragment with DF", IP + 6, "6000", 0, false, SL_DROP_IP4_FRAGMENT},
    {"OSPF", IP + 9, "59", 0, false, SL_DROP_IP4_PROTOCOL},
    {"UDP", IP + 9, "11", 0, false, SL_DROP_IP4_PROTOCOL},
    {"MUST-3: TCP sum wrong", TCP + 16, "3a85", 0, false, SL_DROP_TCP_CHECKSUM},
    {"MUST-3: TCP sum 0 is no excuse", TCP + 16, "0000", 0, false, SL_DROP_TCP_CHECKSUM},
    {"MUST-3: last byte of text", TCP + 23, "65", 0, false, SL_DROP_TCP_CHECKSUM},
    {"MUST-3: another source address", IP + 12, "0a000003", 0, false, SL_DROP_TCP_CHECKSUM},
    {"MUST-57: TCP to all hosts", IP + 16, "ffffffff", 0, false, SL_DROP_TCP_ADDRESS},
    {"MUST-57: TCP to our network", IP + 16, "0a0000ff", 0, false, SL_DROP_TCP_ADDRESS},
    {"T1122-38: and by the 0 form", IP + 16, "0a000000", 0, false, SL_DROP_TCP_ADDRESS},
    {"T1122-38: and by the 0 form of all", IP + 16, "00000000", 0, false, SL_DROP_TCP_ADDRESS},
    {"T1122-15: TTL 0", IP + 8, "00", 0, false, SL_DROP_NONE},
    {"T1122-15: TTL 1", IP + 8, "01", 0, false, SL_DROP_NONE},
    {"reserved flag of RFC 791", IP + 6, "8000", 0, false, SL_DROP_NONE},
};

static void fix_sum(uint8_t *frame)
{
    uint16_t sum;

    frame[IP + 10] = frame[IP + 11] = 0;
    sum = rfc1071(frame + IP, (frame[IP] & 15) * 4u);
    frame[IP + 10] = (uint8_t)(sum >> 8);
    frame[IP + 11] = (uint8_t)sum;
}

Test(ip4, frames_and_what_becomes_of_them)
{
    struct world w;
    size_t i;

    world_init(&w);
    world_open(&w);
    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        const size_t len = frames[i].len != 0 ? frames[i].len : SYN_BYTES;
        uint8_t frame[SYN_BYTES];

        cr_assert_eq(from_hex(SYN_IN, frame, sizeof(frame)), SYN_BYTES);
        from_hex(frames[i].hex, frame + frames[i].at, sizeof(frame) - frames[i].at);
        if (!frames[i].wrong_sum && (frame[IP] & 15) >= 5)
            fix_sum(frame);
        arrives_bytes(&w, frame, len);
        drops(&w, frames[i].drop, frames[i].story);
        if (frames[i].drop == SL_DROP_NONE)
            hands_up(&w, SYN_IN_TCP, frames[i].story);
        else
            cr_expect_eq(w.verdict, SL_NET_DONE, "%s", frames[i].story);
    }
    world_close(&w);
}

/* Options go between the header and the SYN; T1122-16, D8. */
static const struct {
    const char *story;
    const char *options;
    enum sl_drop drop;
} options[] = {
    {"no operation, end", "01 00 0000", SL_DROP_NONE},
    {"nothing counts after the end", "00 83 0100", SL_DROP_NONE},
    {"unknown: router alert (RFC 2113)", "94 04 0000", SL_DROP_NONE},
    {"unknown, of the shortest length", "5e 02 5e 02", SL_DROP_NONE},
    {"record route", "07 07 04 00000000 00", SL_DROP_NONE},
    {"timestamp", "44 0c 05 00 00000000 00000000", SL_DROP_NONE},
    {"all forty bytes",
     "01010101010101010101 01010101010101010101 01010101010101010101 "
     "01010101010101010101",
     SL_DROP_NONE},
    {"loose source route", "83 07 04 0a000009 00", SL_DROP_IP4_SOURCE_ROUTE},
    {"strict source route", "89 07 04 0a000009 00", SL_DROP_IP4_SOURCE_ROUTE},
    {"source route at its end", "83 07 08 0a000009 00", SL_DROP_IP4_SOURCE_ROUTE},
    {"source route behind another option", "01 44 04 05 00 83 03 04", SL_DROP_IP4_SOURCE_ROUTE},
    {"length 0 cannot loop", "94 00 0000", SL_DROP_IP4_OPTION},
    {"length 1", "94 01 0000", SL_DROP_IP4_OPTION},
    {"length one too many", "94 05 0000", SL_DROP_IP4_OPTION},
    {"length 255", "07 ff 0400", SL_DROP_IP4_OPTION},
    {"length byte missing", "01 01 01 94", SL_DROP_IP4_OPTION},
    {"source route beyond the header", "83 0b 0400", SL_DROP_IP4_OPTION},
};

Test(ip4, options)
{
    struct world w;
    size_t i;

    world_init(&w);
    world_open(&w);
    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        uint8_t frame[SYN_BYTES + 40];
        size_t n;

        from_hex(SYN_IN, frame, sizeof(frame));
        n = from_hex(options[i].options, frame + TCP, 40);
        from_hex(SYN_IN_TCP, frame + TCP + n, sizeof(frame) - TCP - n);
        frame[IP] = (uint8_t)(0x45 + n / 4);
        frame[IP + 3] = (uint8_t)(44 + n);
        fix_sum(frame);
        arrives_bytes(&w, frame, SYN_BYTES + n);
        drops(&w, options[i].drop, options[i].story);
        if (options[i].drop == SL_DROP_NONE)
            hands_up(&w, SYN_IN_TCP, options[i].story);
    }
    world_close(&w);
}

Test(ip4, what_the_transport_hears_of_a_packet)
{
    struct world w;
    uint8_t frame[SYN_BYTES];
    const struct sl_addr src = addr("10.0.0.2"), dst = addr("10.0.0.1");

    world_init(&w);
    world_open(&w);
    from_hex(SYN_IN, frame, sizeof(frame));
    frame[IP + 1] = 0xb9; /* EF and ECT(1): T1122-14 */
    frame[IP + 8] = 7;
    fix_sum(frame);
    arrives_bytes(&w, frame, sizeof(frame));
    cr_assert_eq(w.verdict, SL_NET_TRANSPORT);
    cr_expect(sl_addr_eq(&w.meta.src, &src));
    cr_expect(sl_addr_eq(&w.meta.dst, &dst));
    cr_expect_eq(w.meta.port, 0);
    cr_expect_eq(w.meta.protocol, 6);
    cr_expect_eq(w.meta.ttl, 7);
    cr_expect_eq(w.meta.tos, 0xb9);
    cr_expect(w.meta.cksum_good);
    world_close(&w);
}

/* Trap 26 (CVE-2021-31401): padding is not payload. Seven bytes are an odd number on purpose. */
Test(ip4, padding_is_cut_off)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    arrives(&w, SYN_IN "deadbeefdeadbe");
    hands_up(&w, SYN_IN_TCP, "padded");
    world_close(&w);
}

/* The frame's bytes as a chain, cut before the given places. */
static struct rte_mbuf *chain_of(struct world *w, const uint8_t *bytes, size_t len,
                                 const size_t *cuts, size_t n_cuts)
{
    struct rte_mbuf *first = NULL;
    size_t i, at = 0;

    for (i = 0; i <= n_cuts; i++) {
        const size_t end = i < n_cuts ? cuts[i] : len;
        struct rte_mbuf *m = test_mbuf(w->outside, bytes + at, end - at, 0, 0);

        if (first == NULL)
            first = m;
        else
            cr_assert_eq(rte_pktmbuf_chain(first, m), 0);
        at = end;
    }
    return first;
}

/* Every way to cut a padded SYN in two, and in three. */
Test(ip4, frames_in_several_segments)
{
    struct world w;
    uint8_t frame[SYN_BYTES + 6];
    size_t cuts[2];

    world_init(&w);
    world_open(&w);
    from_hex(SYN_IN "000000000000", frame, sizeof(frame));
    for (cuts[0] = 0; cuts[0] <= sizeof(frame); cuts[0]++) {
        for (cuts[1] = cuts[0]; cuts[1] <= sizeof(frame); cuts[1] += 1 + cuts[1] % 3) {
            arrives_mbuf(&w, 0, chain_of(&w, frame, sizeof(frame), cuts, 2));
            if (cuts[0] < ETHER) {
                drops(&w, SL_DROP_ETHER_SHORT, "cut in the Ethernet header");
            } else if (cuts[0] < TCP) {
                drops(&w, SL_DROP_IP4_SHORT, "cut in the IPv4 header");
            } else {
                drops(&w, SL_DROP_NONE, "cut behind it");
                cr_expect_geq(w.up->data_len, 20, "a TCP header in one piece");
                hands_up(&w, SYN_IN_TCP, "cut behind it");
            }
        }
    }
    cr_expect_eq(rte_mempool_avail_count(w.own), 255);
    world_close(&w);
}

/* 60 bytes of header in pieces: as many are gathered as the data offset says. */
Test(ip4, a_long_tcp_header_is_gathered)
{
    struct world w;
    uint8_t frame[ETHER + 20 + 60 + 5] = {0};
    size_t cut, i;

    world_init(&w);
    w.port.rx_cksum_good = true;
    world_open(&w);
    from_hex(SYN_IN, frame, sizeof(frame));
    for (i = TCP + 20; i < sizeof(frame); i++)
        frame[i] = (uint8_t)i;
    frame[TCP + 12] = 0xf0;
    frame[IP + 3] = 85;
    fix_sum(frame);
    for (cut = TCP; cut < sizeof(frame); cut++) {
        arrives_mbuf(&w, 0, chain_of(&w, frame, sizeof(frame), &cut, 1));
        cr_assert_eq(w.verdict, SL_NET_TRANSPORT);
        cr_expect_geq(w.up->data_len, 60, "cut at %zu", cut);
        cr_expect_eq(w.up->pkt_len, 65);
        cr_expect_eq(w.up->pool == w.own, cut < TCP + 60, "copied where needed only: %zu", cut);
    }
    world_close(&w);
}

Test(ip4, no_mbuf_to_gather_a_header)
{
    struct world w;
    struct rte_mbuf *all[255];
    uint8_t frame[SYN_BYTES];
    const size_t cut = TCP + 10;

    world_init(&w);
    world_open(&w);
    from_hex(SYN_IN, frame, sizeof(frame));
    cr_assert_eq(rte_pktmbuf_alloc_bulk(w.own, all, 255), 0);
    arrives_mbuf(&w, 0, chain_of(&w, frame, sizeof(frame), &cut, 1));
    cr_expect_eq(w.verdict, SL_NET_DONE);
    cr_expect_eq(w.counters.n[SL_COUNT_POOL_EMPTY], 1);
    rte_pktmbuf_free_bulk(all, 255);
    world_close(&w);
}

/* What the port says of the sums counts; both are wrong here. */
Test(ip4, receive_checksums_of_the_port)
{
    static const struct {
        const char *story;
        bool trusted;
        uint64_t flags;
        enum sl_drop drop;
    } cases[] = {
        {"both good", false, RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD,
         SL_DROP_NONE},
        {"TCP unknown", false, RTE_MBUF_F_RX_IP_CKSUM_GOOD, SL_DROP_TCP_CHECKSUM},
        {"TCP none", false, RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_NONE,
         SL_DROP_TCP_CHECKSUM},
        {"IPv4 unknown", false, RTE_MBUF_F_RX_L4_CKSUM_GOOD, SL_DROP_IP4_CHECKSUM},
        {"IPv4 none", false, RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_GOOD,
         SL_DROP_IP4_CHECKSUM},
        {"trusted", true, 0, SL_DROP_NONE},
        {"trusted, whatever the flags", true,
         RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD, SL_DROP_NONE},
    };
    uint8_t frame[SYN_BYTES];
    size_t i;

    from_hex(SYN_IN, frame, sizeof(frame));
    frame[IP + 10] ^= 1;
    frame[TCP + 16] ^= 1;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        struct rte_mbuf *m;

        world_init(&w);
        w.port.rx_cksum_good = cases[i].trusted;
        world_open(&w);
        m = test_mbuf(w.outside, frame, sizeof(frame), 0, 0);
        m->ol_flags |= cases[i].flags;
        arrives_mbuf(&w, 0, m);
        drops(&w, cases[i].drop, cases[i].story);
        world_close(&w);
    }
}

/* And bad is bad, though the sums are right. */
Test(ip4, a_sum_that_the_port_calls_bad)
{
    struct world w;
    uint8_t frame[SYN_BYTES];
    struct rte_mbuf *m;

    world_init(&w);
    world_open(&w);
    from_hex(SYN_IN, frame, sizeof(frame));
    m = test_mbuf(w.outside, frame, sizeof(frame), 0, 0);
    m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_BAD;
    arrives_mbuf(&w, 0, m);
    drops(&w, SL_DROP_IP4_CHECKSUM, "IPv4");
    m = test_mbuf(w.outside, frame, sizeof(frame), 0, 0);
    m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD;
    arrives_mbuf(&w, 0, m);
    drops(&w, SL_DROP_TCP_CHECKSUM, "TCP");
    world_close(&w);
}

static void open_to_peer(struct world *w, struct sl_net_path *path)
{
    world_open(w);
    arp_request_from(w, 2);
    send_syn(w, "10.0.0.2", path);
    w->n_checked = w->n_sent;
    memset(&w->seen, 0, sizeof(w->seen));
}

/* T1191-1 and D10: DF and no ID; MUST-49: TTL; T1122-14: TOS. Sums by another implementation. */
Test(ip4, a_segment_as_it_is_sent)
{
    struct world w;
    struct sl_net_path path = {0};
    struct sl_net_hdr hdr;

    world_init(&w);
    open_to_peer(&w, &path);
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ETHER_FROM_US SYN_OUT);
    hdr = hdr_to("10.0.0.2");
    hdr.tos = 0xb8;
    hdr.ttl = 3;
    cr_expect_eq(sl_net_output(w.net, &path, &hdr, syn(&w), w.now_ns), SL_DROP_NONE);
    sends(&w, ETHER_FROM_US "0800 45b8002c00004000030663120a0000010a000002 "
                            "0050 9c40 00000001 00000000 50 02 ffff 3a84 0000 61626364");
    world_close(&w);
}

Test(ip4, what_may_be_fragmented_has_random_ids)
{
    struct world w;
    struct sl_net_path path = {0};
    struct sl_net_hdr hdr = hdr_to("10.0.0.2");
    const struct sent *s;
    unsigned first, i, differ = 0;

    world_init(&w);
    open_to_peer(&w, &path);
    hdr.may_fragment = true;
    for (i = 0; i < 16; i++) {
        sl_net_output(w.net, &path, &hdr, syn(&w), w.now_ns);
        s = take_sent(&w);
        cr_expect_eq(s->bytes[IP + 6] << 8 | s->bytes[IP + 7], 0, "T1122-41");
        cr_expect_eq(rfc1071(s->bytes + IP, 20), 0);
        if (i == 0)
            first = s->bytes[IP + 4] << 8 | s->bytes[IP + 5];
        else
            differ += (s->bytes[IP + 4] << 8 | s->bytes[IP + 5]) != (int)(first + i) % 65536;
    }
    cr_expect_geq(differ, 14, "they do not count up either");
    world_close(&w);
}

/* A chain with an odd first segment; text "abcde". */
Test(ip4, software_checksum_of_a_chain)
{
    struct world w;
    struct sl_net_path path = {0};
    const struct sl_net_hdr hdr = hdr_to("10.0.0.2");
    struct rte_mbuf *m;

    world_init(&w);
    open_to_peer(&w, &path);
    m = syn(&w);
    m->data_len = 21;
    m->pkt_len = 21;
    rte_pktmbuf_chain(m, test_mbuf(w.outside, "bcd", 3, 0, 0));
    rte_pktmbuf_chain(m, test_mbuf(w.outside, "e", 1, 0, 0));
    sl_net_output(w.net, &path, &hdr, m, w.now_ns);
    sends(&w, ETHER_FROM_US "0800 4500002d00004000400626c90a0000010a000002 "
                            "0050 9c40 00000001 00000000 50 02 ffff d582 0000 6162636465");
    world_close(&w);
}

/* Pseudo-header sums by another implementation: 0x1421 for 24 bytes of TCP, 0x1409 without. */
Test(ip4, transmit_checksums_of_the_port)
{
    static const uint64_t ip_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
    static const uint64_t tcp_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
    static const struct {
        bool none, ip4, tcp;
        uint64_t flags;
        int ip_sum, tcp_sum;
    } cases[] = {
        {false, false, false, 0, 0x26ca, 0x3a84},
        {false, true, false, ip_flags, 0, 0x3a84},
        {false, false, true, tcp_flags, 0x26ca, 0x1421},
        {false, true, true, ip_flags | tcp_flags, 0, 0x1421},
        {true, false, false, 0, 0, 0},
        {true, true, true, 0, 0, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        struct sl_net_path path = {0};
        const struct sent *s;

        world_init(&w);
        w.port.tx_cksum_none = cases[i].none;
        w.port.tx_cksum_ip4 = cases[i].ip4;
        w.port.tx_cksum_tcp = cases[i].tcp;
        open_to_peer(&w, &path);
        send_syn(&w, "10.0.0.2", &path);
        s = take_sent(&w);
        cr_expect_eq(s->ol_flags, cases[i].flags, "case %zu", i);
        cr_expect_eq(s->l2_len, 14);
        cr_expect_eq(s->l3_len, 20);
        cr_expect_eq(s->bytes[IP + 10] << 8 | s->bytes[IP + 11], cases[i].ip_sum, "case %zu", i);
        cr_expect_eq(s->bytes[TCP + 16] << 8 | s->bytes[TCP + 17], cases[i].tcp_sum, "case %zu", i);
        world_close(&w);
    }
}

static struct rte_mbuf *segment_of(struct world *w, size_t len)
{
    static const uint8_t zeroes[9000];

    return test_mbuf(w->outside, zeroes, len, SL_NET_HEAD_BYTES, 0);
}

/* T1122-35 */
Test(ip4, nothing_larger_than_the_mtu_is_sent)
{
    struct world w;
    struct sl_net_path path = {0};
    const struct sl_net_hdr hdr = hdr_to("10.0.0.2");

    world_init(&w);
    open_to_peer(&w, &path);
    cr_expect_eq(path.mtu_bytes, 1500);
    cr_expect_eq(sl_net_output(w.net, &path, &hdr, segment_of(&w, 1480), w.now_ns), SL_DROP_NONE);
    cr_expect_eq(take_sent(&w)->len, 1514);
    cr_expect_eq(sl_net_output(w.net, &path, &hdr, segment_of(&w, 1481), w.now_ns),
                 SL_DROP_IP4_TOO_BIG);
    drops(&w, SL_DROP_IP4_TOO_BIG, "one byte");
    silent(&w);
    world_close(&w);
}

/* A segment that the port cuts: its pieces have to fit; the pseudo-header has no length then. */
Test(ip4, a_segment_that_the_port_cuts)
{
    struct world w;
    struct sl_net_path path = {0};
    const struct sl_net_hdr hdr = hdr_to("10.0.0.2");
    const struct sent *s;
    struct rte_mbuf *m;

    world_init(&w);
    w.port.tx_cksum_tcp = true;
    open_to_peer(&w, &path);
    m = segment_of(&w, 1900);
    m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
    m->l4_len = 20;
    m->tso_segsz = 1460;
    cr_expect_eq(sl_net_output(w.net, &path, &hdr, m, w.now_ns), SL_DROP_NONE);
    s = take_sent(&w);
    cr_expect_eq(s->bytes[TCP + 16] << 8 | s->bytes[TCP + 17], 0x1409);
    cr_expect_eq(s->ol_flags, RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4);
    m = segment_of(&w, 1900);
    m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
    m->l4_len = 20;
    m->tso_segsz = 1461;
    cr_expect_eq(sl_net_output(w.net, &path, &hdr, m, w.now_ns), SL_DROP_IP4_TOO_BIG);
    world_close(&w);
}

static const struct {
    const char *story;
    const char *src, *dst;
    enum sl_drop drop;
} refused[] = {
    {"to ourselves: there is no loopback", "10.0.0.1", "10.0.0.1", SL_DROP_IP4_NO_ROUTE},
    {"to all hosts", "10.0.0.1", "255.255.255.255", SL_DROP_IP4_NO_ROUTE},
    {"to our network's broadcast", "10.0.0.1", "10.0.0.255", SL_DROP_IP4_NO_ROUTE},
    {"to our network's address", "10.0.0.1", "10.0.0.0", SL_DROP_IP4_NO_ROUTE},
    {"to a group", "10.0.0.1", "224.0.0.1", SL_DROP_IP4_NO_ROUTE},
    {"to class E", "10.0.0.1", "240.0.0.1", SL_DROP_IP4_NO_ROUTE},
    {"to nobody", "10.0.0.1", "0.0.0.0", SL_DROP_IP4_NO_ROUTE},
    {"to 127/8", "10.0.0.1", "127.0.0.1", SL_DROP_IP4_NO_ROUTE},
    {"to where no route leads", "10.0.0.1", "10.0.1.1", SL_DROP_IP4_NO_ROUTE},
    {"to IPv6", "10.0.0.1", "2001:db8::1", SL_DROP_IP4_NO_ROUTE},
    {"T1122-10: from another's address", "10.0.0.3", "10.0.0.2", SL_DROP_IP4_SOURCE},
    {"T1122-10: from a broadcast address", "10.0.0.255", "10.0.0.2", SL_DROP_IP4_SOURCE},
    {"T1122-10: from nobody", "0.0.0.0", "10.0.0.2", SL_DROP_IP4_SOURCE},
};

Test(ip4, packets_that_are_not_sent)
{
    struct world w;
    size_t i;

    world_init(&w);
    world_open(&w);
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct sl_net_hdr hdr = hdr_to(refused[i].dst);
        struct sl_net_path path = {0};

        hdr.src = addr(refused[i].src);
        cr_expect_eq(sl_net_output(w.net, &path, &hdr, syn(&w), w.now_ns), refused[i].drop, "%s",
                     refused[i].story);
        drops(&w, refused[i].drop, refused[i].story);
        silent(&w);
    }
    world_close(&w);
}
