/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/seg.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "mbufs/mbufs.h"

#define WIRE(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((uint8_t[]){__VA_ARGS__})

/* Ports 80 and 443, SEQ 0x01020304, ACK 0xfffefdfc, window 0x1234, urgent 7. */
#define HEADER(offset, flags)                                                                   \
    0, 80, 1, 0xbb, 1, 2, 3, 4, 0xff, 0xfe, 0xfd, 0xfc, (offset) << 4, flags, 0x12, 0x34, 0xaa, \
        0xbb, 0, 7

static struct rte_mempool *pool;

static void setup(void)
{
    test_eal();
    pool = test_pool("seg", 64);
}

static void nothing_leaked(void)
{
    test_pool_whole(pool);
}

TestSuite(seg, .init = setup, .fini = nothing_leaked);

static struct sl_net_meta meta(void)
{
    return (struct sl_net_meta){.src = sl_addr_of_ip4(htonl(0x0a000002)),
                                .dst = sl_addr_of_ip4(htonl(0x0a000001)),
                                .port = 3,
                                .protocol = 6,
                                .ttl = 63,
                                .tos = 0x2a};
}

static enum sl_drop read_bytes(const uint8_t *bytes, size_t len, struct sl_seg *seg)
{
    const struct sl_net_meta from = meta();

    return sl_seg_read(test_mbuf(pool, bytes, len, 1, 0), &from, seg);
}

Test(seg, tells_every_field)
{
    const struct sl_addr local = sl_addr_of_ip4(htonl(0x0a000001));
    const struct sl_addr remote = sl_addr_of_ip4(htonl(0x0a000002));
    struct sl_seg seg;

    cr_assert_eq(read_bytes(WIRE(HEADER(5, 0xff), 'a', 'b', 'c'), &seg), SL_DROP_NONE);
    cr_expect_eq(seg.remote_port, htons(80));
    cr_expect_eq(seg.local_port, htons(443));
    cr_expect_eq(seg.seq, 0x01020304);
    cr_expect_eq(seg.ack, 0xfffefdfc);
    cr_expect_eq(seg.wnd, 0x1234);
    cr_expect_eq(seg.urgent, 7);
    cr_expect_eq(seg.flags, SL_TCP_FIN | SL_TCP_SYN | SL_TCP_RST | SL_TCP_PSH | SL_TCP_ACK |
                                SL_TCP_URG | SL_TCP_ECE | SL_TCP_CWR);
    cr_expect(sl_addr_eq(&seg.local, &local));
    cr_expect(sl_addr_eq(&seg.remote, &remote));
    cr_expect_eq(seg.port, 3);
    cr_expect_eq(seg.ttl, 63);
    cr_expect_eq(seg.tos, 0x2a);
    cr_expect_eq(seg.len, 3);
    cr_expect_eq(sl_seg_len(&seg), 5, "SYN and FIN count");
    cr_expect_eq(seg.m->pkt_len, 3);
    cr_expect_eq(memcmp(rte_pktmbuf_mtod(seg.m, char *), "abc", 3), 0);
    rte_pktmbuf_free(seg.m);
}

Test(seg, flags_are_the_wires)
{
    static const uint8_t flags[] = {SL_TCP_FIN, SL_TCP_SYN, SL_TCP_RST, SL_TCP_PSH,
                                    SL_TCP_ACK, SL_TCP_URG, SL_TCP_ECE, SL_TCP_CWR};
    struct sl_seg seg;

    for (unsigned bit = 0; bit < 8; bit++) {
        cr_assert_eq(read_bytes(WIRE(HEADER(5, 1 << bit)), &seg), SL_DROP_NONE);
        cr_expect_eq(seg.flags, flags[bit]);
        rte_pktmbuf_free(seg.m);
    }
}

Test(seg, without_payload_it_still_holds_the_mbuf)
{
    struct sl_seg seg;

    cr_assert_eq(read_bytes(WIRE(HEADER(5, SL_TCP_ACK)), &seg), SL_DROP_NONE);
    cr_expect_eq(seg.len, 0);
    cr_expect_eq(sl_seg_len(&seg), 0);
    cr_assert_not_null(seg.m);
    cr_expect_eq(seg.m->pkt_len, 0);
    rte_pktmbuf_free(seg.m);
}

Test(seg, reads_options_and_leaves_the_payload) /* MUST-5 */
{
    struct sl_seg seg;

    cr_assert_eq(read_bytes(WIRE(HEADER(9, SL_TCP_ACK), 1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 1, 1,
                                 69, 2, 'x'),
                            &seg),
                 SL_DROP_NONE);
    cr_expect(seg.o.has_ts);
    cr_expect_eq(seg.o.tsval, 5);
    cr_expect_eq(seg.o.tsecr, 6);
    cr_expect_eq(seg.o.n_eno, 1);
    cr_expect_eq(seg.len, 1);
    cr_expect_eq(*rte_pktmbuf_mtod(seg.m, char *), 'x');
    rte_pktmbuf_free(seg.m);
}

Test(seg, only_a_syn_negotiates) /* MUST-65 */
{
    struct sl_seg seg;

    cr_assert_eq(read_bytes(WIRE(HEADER(6, SL_TCP_SYN), 2, 4, 5, 0xb4), &seg), SL_DROP_NONE);
    cr_expect_eq(seg.o.mss_bytes, 1460);
    rte_pktmbuf_free(seg.m);
    cr_assert_eq(read_bytes(WIRE(HEADER(6, SL_TCP_ACK), 2, 4, 5, 0xb4), &seg), SL_DROP_NONE);
    cr_expect_eq(seg.o.mss_bytes, 0);
    rte_pktmbuf_free(seg.m);
}

Test(seg, eno_stays_readable_as_long_as_the_mbuf)
{
    struct sl_seg seg;

    cr_assert_eq(read_bytes(WIRE(HEADER(6, SL_TCP_SYN), 69, 4, 1, 0x23), &seg), SL_DROP_NONE);
    cr_assert_eq(sl_cursor_left(&seg.o.eno), 2);
    cr_expect_eq(seg.o.eno.at[1], 0x23);
    rte_pktmbuf_free(seg.m);
}

Test(seg, lengths_that_contradict_are_refused) /* trap 26 */
{
    static const uint8_t bytes[60] = {HEADER(15, SL_TCP_ACK)};
    static const uint8_t small[] = {HEADER(4, SL_TCP_ACK)}, zero[] = {HEADER(0, SL_TCP_ACK)};
    struct sl_seg seg;

    for (size_t len = 0; len < 60; len++) {
        cr_expect_eq(read_bytes(bytes, len, &seg), SL_DROP_TCP_SHORT, "%zu bytes", len);
        rte_pktmbuf_free(seg.m);
    }
    cr_expect_eq(read_bytes(bytes, 60, &seg), SL_DROP_NONE);
    rte_pktmbuf_free(seg.m);
    cr_expect_eq(read_bytes(small, 20, &seg), SL_DROP_TCP_SHORT);
    rte_pktmbuf_free(seg.m);
    cr_expect_eq(read_bytes(zero, 20, &seg), SL_DROP_TCP_SHORT);
    rte_pktmbuf_free(seg.m);
}

Test(seg, an_impossible_option_length_is_told) /* MUST-7, D1 */
{
    struct sl_seg seg;

    cr_expect_eq(read_bytes(WIRE(HEADER(6, SL_TCP_ACK), 8, 10, 0, 0), &seg),
                 SL_DROP_TCP_OPTION_LENGTH);
    cr_assert_not_null(seg.m);
    rte_pktmbuf_free(seg.m);
}

/* What our own output makes: headers in one mbuf, an indirect one on the payload behind it. */
Test(seg, a_header_mbuf_before_the_payload_becomes_empty)
{
    static const uint8_t header[] = {HEADER(6, SL_TCP_ACK), 1, 1, 1, 1};
    struct rte_mbuf *m = test_mbuf(pool, header, sizeof(header), 0, 0);
    struct rte_mbuf *held = test_mbuf(pool, "payload", 7, 0, 0), *part = rte_pktmbuf_alloc(pool);
    const struct sl_net_meta from = meta();
    struct sl_seg seg;
    uint8_t *all;
    size_t len;

    rte_pktmbuf_attach(part, held);
    rte_pktmbuf_chain(m, part);
    cr_assert_eq(sl_seg_read(m, &from, &seg), SL_DROP_NONE);
    cr_expect_eq(seg.len, 7);
    cr_expect_eq(seg.m, m);
    cr_expect_eq(seg.m->data_len, 0);
    cr_expect_eq(seg.m->pkt_len, 7);
    all = test_bytes(seg.m, &len);
    cr_assert_eq(len, 7);
    cr_expect_eq(memcmp(all, "payload", 7), 0);
    free(all);
    rte_pktmbuf_free(seg.m);
    rte_pktmbuf_free(held);
}

Test(seg, a_header_over_two_mbufs_is_refused)
{
    static const uint8_t header[] = {HEADER(6, SL_TCP_ACK), 1, 1, 1, 1};
    const struct sl_net_meta from = meta();
    struct sl_seg seg;

    for (size_t cut = 1; cut < sizeof(header); cut++) {
        struct rte_mbuf *m = test_mbuf(pool, header, cut, 0, 0);

        rte_pktmbuf_chain(m, test_mbuf(pool, header + cut, sizeof(header) - cut, 0, 0));
        cr_expect_eq(sl_seg_read(m, &from, &seg), SL_DROP_TCP_SHORT, "cut at %zu", cut);
        cr_expect_eq(seg.m, m);
        rte_pktmbuf_free(seg.m);
    }
}
