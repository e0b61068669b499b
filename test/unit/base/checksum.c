/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/checksum.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <rte_tcp.h>

#include "base/dpdk.h"
#include "base/random.h"

enum { SEGMENTS_MAX = 8, OFFSET = 14 + 20, HEAD = 20 + 20 };

/* Bytes cut up into mbufs over exact heap buffers: the address sanitizer sees one byte too far. */
struct chain {
    struct rte_mbuf mbufs[SEGMENTS_MAX];
    size_t n;
};

static void append(struct chain *c, const uint8_t *bytes, size_t len)
{
    struct rte_mbuf *m = &c->mbufs[c->n];

    *m = (struct rte_mbuf){.buf_addr = malloc(len), .data_len = (uint16_t)len, .nb_segs = 1};
    if (len > 0)
        memcpy(m->buf_addr, bytes, len);
    if (c->n > 0)
        c->mbufs[c->n - 1].next = m;
    c->n++;
    c->mbufs[0].nb_segs = (uint16_t)c->n;
    c->mbufs[0].pkt_len += (uint32_t)len;
}

static void release(struct chain *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->mbufs[i].buf_addr);
}

/* A sum as the number that RFC 1071 prints: its first byte is the high one. */
static uint16_t sum_of(const struct chain *c, uint32_t off, uint32_t len)
{
    uint16_t sum;

    cr_assert(sl_checksum_sum(&c->mbufs[0], off, len, &sum));
    return rte_be_to_cpu_16(sum);
}

/* RFC 1071 3: the words 0001 f203 f4f5 f6f7 sum up to 2ddf0, which folds to ddf2. */
static const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

Test(checksum, is_that_of_the_example_in_rfc_1071_however_it_is_cut)
{
    for (size_t a = 0; a <= 8; a++) {
        for (size_t b = a; b <= 8; b++) {
            struct chain c = {.n = 0};

            append(&c, rfc1071, a);
            append(&c, rfc1071 + a, b - a);
            append(&c, rfc1071 + b, 8 - b);
            cr_expect_eq(sum_of(&c, 0, 8), 0xddf2, "cut at %zu and %zu", a, b);
            release(&c);
        }
    }
}

Test(checksum, begins_anywhere_and_ends_anywhere)
{
    struct chain c = {.n = 0};

    append(&c, rfc1071, 3);
    append(&c, rfc1071 + 3, 5);
    cr_expect_eq(sum_of(&c, 1, 2), 0x01f2);
    cr_expect_eq(sum_of(&c, 3, 1), 0x0300, "an odd byte is padded with zero behind it");
    cr_expect_eq(sum_of(&c, 1, 3), 0x04f2);
    cr_expect_eq(sum_of(&c, 2, 0), 0);
    cr_expect_eq(sum_of(&c, 8, 0), 0);
    release(&c);
}

Test(checksum, refuses_ranges_that_the_chain_does_not_hold)
{
    struct chain c = {.n = 0};
    uint16_t sum;

    append(&c, rfc1071, 3);
    append(&c, rfc1071 + 3, 5);
    cr_expect_not(sl_checksum_sum(&c.mbufs[0], 0, 9, &sum));
    cr_expect_not(sl_checksum_sum(&c.mbufs[0], 8, 1, &sum));
    cr_expect_not(sl_checksum_sum(&c.mbufs[0], 9, 0, &sum));
    cr_expect_not(sl_checksum_sum(&c.mbufs[0], 4, UINT32_MAX, &sum));
    cr_expect_not(sl_checksum_sum(&c.mbufs[0], UINT32_MAX, 2, &sum));
    release(&c);
}

/* In a long odd segment the carries matter, which rte_raw_cksum_mbuf() of DPDK 22.11 lost. */
Test(checksum, keeps_the_carries_of_a_segment_at_an_odd_place)
{
    uint8_t ones[1001];
    struct chain c = {.n = 0};

    memset(ones, 0xff, sizeof(ones));
    ones[0] = 0x12;
    append(&c, ones, 1);
    append(&c, ones + 1, 1000);
    cr_expect_eq(sum_of(&c, 0, 1001), 0x12ff + 0xff00 - 0xffff);
    release(&c);
}

/* An Ethernet frame of one TCP segment, checksum filled in by DPDK from contiguous bytes. */
struct frame {
    uint8_t bytes[OFFSET + 20 + 1500 + 6];
    size_t payload, pad;
};

static struct rte_ipv4_hdr *ip_of(struct frame *f)
{
    return (struct rte_ipv4_hdr *)(f->bytes + 14);
}

static struct rte_tcp_hdr *tcp_of(struct frame *f)
{
    return (struct rte_tcp_hdr *)(f->bytes + OFFSET);
}

static void make_frame(struct frame *f, struct sl_random *r)
{
    f->payload = sl_random_below(r, 1501);
    f->pad = sl_random_below(r, 7);
    cr_assert(sl_random_fill(r, f->bytes, sizeof(f->bytes)));
    *ip_of(f) = (struct rte_ipv4_hdr){
        .version_ihl = 0x45,
        .total_length = rte_cpu_to_be_16((uint16_t)(HEAD + f->payload)),
        .next_proto_id = 6,
        .src_addr = (uint32_t)sl_random_u64(r),
        .dst_addr = (uint32_t)sl_random_u64(r),
    };
    tcp_of(f)->cksum = 0;
}

static void cut(struct chain *c, const struct frame *f, struct sl_random *r)
{
    const size_t len = 14 + HEAD + f->payload + f->pad;
    size_t at = 0;

    *c = (struct chain){.n = 0};
    while (c->n < SEGMENTS_MAX - 1 && at < len) {
        const size_t n = sl_random_below(r, len - at + 1);

        append(c, f->bytes + at, n);
        at += n;
    }
    append(c, f->bytes + at, len - at);
}

Test(checksum, of_tcp_agrees_with_dpdk_on_contiguous_bytes) /* MUST-2 */
{
    struct sl_random_seeded random;
    struct sl_random *r = sl_random_seed(&random, 3);

    for (int i = 0; i < 3000; i++) {
        struct frame f;
        struct chain c;
        uint16_t checksum = 0;

        make_frame(&f, r);
        cut(&c, &f, r);
        cr_expect(sl_checksum_tcp4(&c.mbufs[0], ip_of(&f), OFFSET, &checksum));
        cr_expect_eq(checksum, rte_ipv4_udptcp_cksum(ip_of(&f), tcp_of(&f)), "frame %d", i);
        release(&c);
    }
}

Test(checksum, of_tcp_verifies_and_sees_any_flipped_bit) /* MUST-3 */
{
    struct sl_random_seeded random;
    struct sl_random *r = sl_random_seed(&random, 4);

    for (int i = 0; i < 1000; i++) {
        struct frame f;
        struct chain c;
        size_t bit;

        make_frame(&f, r);
        tcp_of(&f)->cksum = rte_ipv4_udptcp_cksum(ip_of(&f), tcp_of(&f));
        cut(&c, &f, r);
        cr_expect(sl_checksum_tcp4_is_right(&c.mbufs[0], ip_of(&f), OFFSET), "frame %d", i);
        release(&c);

        bit = OFFSET * 8 + sl_random_below(r, (20 + f.payload) * 8);
        f.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cut(&c, &f, r);
        cr_expect_not(sl_checksum_tcp4_is_right(&c.mbufs[0], ip_of(&f), OFFSET), "frame %d", i);
        release(&c);
    }
}

Test(checksum, of_tcp_refuses_lengths_that_contradict_each_other)
{
    struct frame f = {.payload = 10};
    struct chain c = {.n = 0};
    uint16_t checksum;

    ip_of(&f)->version_ihl = 0x45;
    append(&c, f.bytes, 14 + HEAD + 10);
    ip_of(&f)->total_length = rte_cpu_to_be_16(HEAD + 11);
    cr_expect_not(sl_checksum_tcp4(&c.mbufs[0], ip_of(&f), OFFSET, &checksum));
    cr_expect_not(sl_checksum_tcp4_is_right(&c.mbufs[0], ip_of(&f), OFFSET));
    ip_of(&f)->total_length = rte_cpu_to_be_16(19); /* less than its own header */
    cr_expect_not(sl_checksum_tcp4(&c.mbufs[0], ip_of(&f), OFFSET, &checksum));
    cr_expect_not(sl_checksum_tcp4_is_right(&c.mbufs[0], ip_of(&f), OFFSET));
    release(&c);
}

Test(dpdk, ip6_addresses_are_sixteen_bytes_in_their_place)
{
    uint8_t bytes[40] = {0};
    const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(const void *)bytes;

    cr_expect_eq((const void *)sl_dpdk_ip6_src(ip), bytes + 8); /* RFC 8200 3 */
    cr_expect_eq((const void *)sl_dpdk_ip6_dst(ip), bytes + 24);
    cr_expect_eq((const void *)sl_dpdk_ip6_of(bytes), bytes);
}
