/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/icmp.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "mbufs/mbufs.h"
#include "world.h"

enum { IP = 14, ICMP = 34 };

/* An ICMP message from 10.0.0.2 with sums made right; `bytes` are all of the message. */
static size_t icmp_frame(uint8_t *frame, const char *message, const char *dst, bool wrong_sum)
{
    size_t n = from_hex(ETHER_TO_US "0800 4500 0000 0000 0000 40 01 0000 0a000002", frame, 64);
    uint16_t sum;

    n += from_hex(dst, frame + n, 4);
    n += from_hex(message, frame + n, FRAME_MAX - n);
    if (n >= ICMP + 4 && !wrong_sum) {
        frame[ICMP + 2] = frame[ICMP + 3] = 0;
        sum = rfc1071(frame + ICMP, n - ICMP);
        frame[ICMP + 2] = (uint8_t)(sum >> 8);
        frame[ICMP + 3] = (uint8_t)sum;
    }
    frame[IP + 2] = (uint8_t)((n - IP) >> 8);
    frame[IP + 3] = (uint8_t)(n - IP);
    sum = rfc1071(frame + IP, 20);
    frame[IP + 10] = (uint8_t)(sum >> 8);
    frame[IP + 11] = (uint8_t)sum;
    return n;
}

static void icmp_arrives(struct world *w, const char *message)
{
    uint8_t frame[FRAME_MAX];

    arrives_bytes(w, frame, icmp_frame(frame, message, "0a000001", false));
}

/* All but the random ID of the header, and the sum that depends on it. */
static void sends_icmp(struct world *w, const char *head, const char *message)
{
    const struct sent *s = take_sent(w);
    uint8_t want[FRAME_MAX];
    const size_t n = from_hex(head, want, 34);
    const size_t len = n + from_hex(message, want + n, sizeof(want) - n);

    cr_assert_eq(n, 34);
    cr_assert_eq(s->len, len);
    cr_expect_eq(rfc1071(s->bytes + IP, 20), 0);
    memcpy(want + IP + 4, s->bytes + IP + 4, 2);
    memcpy(want + IP + 10, s->bytes + IP + 10, 2);
    cr_expect_arr_eq(s->bytes, want, len);
}

#define FROM_US(total, tos) \
    ETHER_FROM_US "0800 45" tos total "0000 0000 40 01 0000 0a000001 0a000002"
/* "sealane", an odd number of bytes; sums by another implementation. */
#define ECHO \
    ETHER_TO_US "0800 4520002300004000400126b80a0000020a000001 08004a84123400077365616c616e65"
#define ECHO_REPLY FROM_US("0023", "20"), "00005284123400077365616c616e65"

static void open_to_peer(struct world *w)
{
    world_init(w);
    world_open(w);
    arp_request_from(w, 2);
    w->n_checked = w->n_sent;
}

/* T1122-27, T1122-36; TOS as in the request (RFC 1122 3.2.1.6 leaves it to ICMP). */
Test(icmp, an_echo_request_is_answered_with_its_data)
{
    struct world w;

    open_to_peer(&w);
    arrives(&w, ECHO);
    sends_icmp(&w, ECHO_REPLY);
    arrives(&w, ECHO "0000000000000000000000"); /* padding of the frame is not data */
    sends_icmp(&w, ECHO_REPLY);
    drops(&w, SL_DROP_NONE, "answered");
    world_close(&w);
}

/* A buffer of ours is used again: even an empty pool does not matter. */
Test(icmp, an_echo_request_in_a_private_buffer_is_turned_round)
{
    struct world w;
    struct rte_mbuf *all[254], *m, *shared;
    uint8_t frame[64];
    size_t len;

    open_to_peer(&w);
    len = from_hex(ECHO, frame, sizeof(frame));
    m = rte_pktmbuf_alloc(w.own);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
    m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
    cr_assert_eq(rte_pktmbuf_alloc_bulk(w.own, all, 254), 0);
    arrives_mbuf(&w, 0, m);
    cr_expect_eq(w.sent[w.n_checked % SENT_MAX].ol_flags, 0, "receive flags are gone");
    sends_icmp(&w, ECHO_REPLY);

    shared = rte_pktmbuf_alloc(w.own); /* somebody else's bytes are not written */
    memcpy(rte_pktmbuf_append(shared, (uint16_t)len), frame, len);
    rte_mbuf_refcnt_update(shared, 1);
    arrives_mbuf(&w, 0, shared);
    silent(&w);
    cr_expect_eq(w.counters.n[SL_COUNT_POOL_EMPTY], 1);
    cr_expect_arr_eq((uint8_t *)shared->buf_addr + RTE_PKTMBUF_HEADROOM, frame, len);
    rte_pktmbuf_free(shared);
    rte_pktmbuf_free_bulk(all, 254);
    world_close(&w);
}

Test(icmp, an_echo_request_in_pieces_is_answered)
{
    struct world w;
    uint8_t frame[64];
    size_t len, cut;

    open_to_peer(&w);
    len = from_hex(ECHO, frame, sizeof(frame));
    for (cut = ICMP; cut < len; cut++) {
        struct rte_mbuf *m = test_mbuf(w.outside, frame, cut, 0, 0);

        rte_pktmbuf_chain(m, test_mbuf(w.outside, frame + cut, len - cut, 0, 0));
        arrives_mbuf(&w, 0, m);
        sends_icmp(&w, ECHO_REPLY);
    }
    world_close(&w);
}

/* T1122-27: any size that can come in whole. */
Test(icmp, the_largest_echo_request_is_answered)
{
    struct world w;
    uint8_t frame[1514];
    char message[2 * 1480 + 1];
    size_t len;
    const struct sent *s;

    open_to_peer(&w);
    memset(message, '5', sizeof(message) - 1);
    memcpy(message, "0800000012340001", 16);
    message[sizeof(message) - 1] = '\0';
    len = icmp_frame(frame, message, "0a000001", false);
    cr_assert_eq(len, 1514);
    arrives_bytes(&w, frame, len);
    s = take_sent(&w);
    cr_assert_eq(s->len, 1514);
    cr_expect_eq(s->bytes[ICMP], 0);
    cr_expect_eq(rfc1071(s->bytes + ICMP, len - ICMP), 0);
    cr_expect_arr_eq(s->bytes + ICMP + 4, frame + ICMP + 4, len - ICMP - 4);
    world_close(&w);
}

/* 10.0.0.1:80 to 10.0.0.2:40000, total length 1500, sequence number 0x01020304 */
#define QUOTE "450005dc00004000400626ce0a0000010a000002 0050 9c40 01020304"

static const struct {
    const char *story;
    const char *message;
    const char *dst;
    bool wrong_sum;
    enum sl_drop drop;
} ignored[] = {
    {"empty", "", "0a000001", false, SL_DROP_ICMP_SHORT},
    {"seven bytes", "08000000123400", "0a000001", false, SL_DROP_ICMP_SHORT},
    {"echo with a wrong sum", "08000000 12340001", "0a000001", true, SL_DROP_ICMP_CHECKSUM},
    {"error with a wrong sum", "03010000 00000000" QUOTE, "0a000001", true, SL_DROP_ICMP_CHECKSUM},
    {"T1122-28: echo to all hosts", "08000000 12340001", "ffffffff", false, SL_DROP_ICMP_BROADCAST},
    {"T1122-28: echo to our network", "08000000 12340001", "0a0000ff", false,
     SL_DROP_ICMP_BROADCAST},
    {"an error to our network", "03010000 00000000" QUOTE, "0a0000ff", false,
     SL_DROP_ICMP_BROADCAST},
    {"echo reply: we never ask", "00000000 12340001", "0a000001", false, SL_DROP_ICMP_TYPE},
    {"MUST-55: source quench", "04000000 00000000" QUOTE, "0a000001", false, SL_DROP_ICMP_TYPE},
    {"D31: redirect", "05010000 0a0000fe" QUOTE, "0a000001", false, SL_DROP_ICMP_TYPE},
    {"T1122-29: timestamp", "0d000000 12340001 000000000000000000000000", "0a000001", false,
     SL_DROP_ICMP_TYPE},
    {"T1122-29: information", "0f000000 12340001", "0a000001", false, SL_DROP_ICMP_TYPE},
    {"T1122-29: address mask", "11000000 12340001 00000000", "0a000001", false, SL_DROP_ICMP_TYPE},
    {"T1122-18: unknown", "ff000000 00000000" QUOTE, "0a000001", false, SL_DROP_ICMP_TYPE},
    {"unreachable of an unknown code", "03100000 00000000" QUOTE, "0a000001", false,
     SL_DROP_ICMP_TYPE},
    {"time exceeded of an unknown code", "0b020000 00000000" QUOTE, "0a000001", false,
     SL_DROP_ICMP_TYPE},
    {"nothing quoted", "03010000 00000000", "0a000001", false, SL_DROP_ICMP_SHORT},
    {"half a header quoted", "03010000 00000000 45000028000040004006", "0a000001", false,
     SL_DROP_ICMP_SHORT},
    {"seven bytes of TCP quoted",
     "03010000 00000000 450005dc00004000400626ce0a0000010a000002 0050 9c40 010203", "0a000001",
     false, SL_DROP_ICMP_SHORT},
    {"options quoted in part",
     "03010000 00000000 4f0005dc00004000400626ce0a0000010a000002 0050 9c40 01020304", "0a000001",
     false, SL_DROP_ICMP_SHORT},
    {"quoted header of 16 bytes",
     "03010000 00000000 440005dc00004000400626ce0a0000010a000002 0050 9c40 01020304", "0a000001",
     false, SL_DROP_ICMP_QUOTE},
    {"quoted version 6",
     "03010000 00000000 650005dc00004000400626ce0a0000010a000002 0050 9c40 01020304", "0a000001",
     false, SL_DROP_ICMP_QUOTE},
    {"quoted total length too short",
     "03010000 00000000 4500001b00004000400626ce0a0000010a000002 0050 9c40 01020304", "0a000001",
     false, SL_DROP_ICMP_QUOTE},
    {"quoted UDP", "03010000 00000000 450005dc00004000401126ce0a0000010a000002 0050 9c40 01020304",
     "0a000001", false, SL_DROP_ICMP_QUOTE},
    {"quoted second fragment",
     "03010000 00000000 450005dc00000001400626ce0a0000010a000002 0050 9c40 01020304", "0a000001",
     false, SL_DROP_ICMP_QUOTE},
    {"quoted packet of another host",
     "03010000 00000000 450005dc00004000400626ce0a0000030a000002 0050 9c40 01020304", "0a000001",
     false, SL_DROP_ICMP_QUOTE},
    {"quoted packet to a group",
     "03010000 00000000 450005dc00004000400626ce0a000001e0000001 0050 9c40 01020304", "0a000001",
     false, SL_DROP_ICMP_QUOTE},
};

Test(icmp, messages_that_nobody_hears)
{
    struct world w;
    size_t i;

    open_to_peer(&w);
    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        uint8_t frame[FRAME_MAX];

        arrives_bytes(&w, frame,
                      icmp_frame(frame, ignored[i].message, ignored[i].dst, ignored[i].wrong_sum));
        drops(&w, ignored[i].drop, ignored[i].story);
        silent(&w);
        cr_expect_eq(w.n_errors, 0, "%s", ignored[i].story);
    }
    world_close(&w);
}

static const struct {
    const char *story;
    const char *message;
    int kind;
    unsigned code, mtu;
} errors[] = {
    {"net unreachable", "03000000 00000000" QUOTE, SL_ICMP_UNREACHABLE, 0, 0},
    {"port unreachable", "03030000 00000000" QUOTE, SL_ICMP_UNREACHABLE, 3, 0},
    {"prohibited", "030d0000 00000000" QUOTE, SL_ICMP_UNREACHABLE, 13, 0},
    {"the last known code", "030f0000 00000000" QUOTE, SL_ICMP_UNREACHABLE, 15, 0},
    {"T1191-2: too big for 1400", "03040000 00000578" QUOTE, SL_ICMP_TOO_BIG, 4, 1400},
    {"T1191-3: too big, of an old router", "03040000 00000000" QUOTE, SL_ICMP_TOO_BIG, 4, 0},
    {"an MTU is no MTU elsewhere", "03010000 00000578" QUOTE, SL_ICMP_UNREACHABLE, 1, 0},
    {"T1122-26: time exceeded", "0b000000 00000000" QUOTE, SL_ICMP_TIME_EXCEEDED, 0, 0},
    {"T1122-26: parameter problem", "0c000000 14000000" QUOTE, SL_ICMP_PARAMETER, 0, 0},
    {"more than 8 bytes quoted", "03010000 00000000" QUOTE "00000000 50 10 ffff",
     SL_ICMP_UNREACHABLE, 1, 0},
    {"a first fragment quoted",
     "03010000 00000000 450005dc00002000400626ce0a0000010a000002 0050 9c40 01020304",
     SL_ICMP_UNREACHABLE, 1, 0},
    {"a header with options quoted",
     "03010000 00000000 460005dc00004000400626ce0a0000010a000002 01010101 0050 9c40 01020304",
     SL_ICMP_UNREACHABLE, 1, 0},
};

/* T1122-19, T5927-1: addresses, ports and sequence number come from the quotation. */
Test(icmp, errors_that_the_transport_hears)
{
    const struct sl_addr us = addr("10.0.0.1"), peer = addr("10.0.0.2");
    static const uint8_t quoted[8] = {0x00, 0x50, 0x9c, 0x40, 1, 2, 3, 4};
    struct world w;
    size_t i;

    open_to_peer(&w);
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        icmp_arrives(&w, errors[i].message);
        drops(&w, SL_DROP_NONE, errors[i].story);
        cr_assert_eq(w.n_errors, i + 1, "%s", errors[i].story);
        cr_expect_eq((int)w.error.kind, errors[i].kind, "%s", errors[i].story);
        cr_expect_eq(w.error.code, errors[i].code, "%s", errors[i].story);
        cr_expect_eq(w.error.mtu_bytes, errors[i].mtu, "%s", errors[i].story);
        cr_expect_eq(w.error.total_bytes, 1500);
        cr_expect_eq(w.error.protocol, 6);
        cr_expect(sl_addr_eq(&w.error.src, &us));
        cr_expect(sl_addr_eq(&w.error.dst, &peer));
        cr_expect_arr_eq(w.error.quoted, quoted, 8, "%s", errors[i].story);
    }
    silent(&w); /* T1122-21: errors about errors */
    world_close(&w);
}

#define UDP  "4500002455550000401111720a0000020a000001 9c40003500100000 7175657374696f6e"
#define SCTP "4500001c000040004084265c0a0000020a000001 7363747073637470"

/* T1122-20, T1122-22; sums by another implementation. */
Test(icmp, unreachable_protocols_and_ports_are_reported)
{
    struct world w;

    open_to_peer(&w);
    arrives(&w, ETHER_TO_US "0800" UDP);
    drops(&w, SL_DROP_IP4_PROTOCOL, "UDP");
    sends_icmp(&w, FROM_US("0040", "00"), "0303a5b600000000" UDP);
    arrives(&w, ETHER_TO_US "0800" SCTP);
    drops(&w, SL_DROP_IP4_PROTOCOL, "SCTP");
    sends_icmp(&w, FROM_US("0038", "00"), "0302 2d56 00000000" SCTP);
    silent(&w);
    world_close(&w);
}

/* T1122-20: 576 bytes in all, of a packet in pieces too. */
Test(icmp, a_large_packet_is_quoted_in_part)
{
    struct world w;
    uint8_t frame[1514];
    struct rte_mbuf *m;
    const struct sent *s;
    size_t i;

    open_to_peer(&w);
    for (i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)i;
    from_hex(ETHER_TO_US "0800 450005dc00004000401120ac0a0000020a000001", frame, sizeof(frame));
    frame[IP + 10] = frame[IP + 11] = 0;
    i = rfc1071(frame + IP, 20);
    frame[IP + 10] = (uint8_t)(i >> 8);
    frame[IP + 11] = (uint8_t)i;
    m = test_mbuf(w.outside, frame, 301, 0, 0);
    rte_pktmbuf_chain(m, test_mbuf(w.outside, frame + 301, sizeof(frame) - 301, 0, 0));
    arrives_mbuf(&w, 0, m);
    s = take_sent(&w);
    cr_assert_eq(s->len, 14 + 576);
    cr_expect_eq(rfc1071(s->bytes + ICMP, 556), 0);
    cr_expect_arr_eq(s->bytes + ICMP + 8, frame + IP, 548);
    world_close(&w);
}

/* T1122-21 */
Test(icmp, what_must_not_be_answered)
{
    static const char *const frames[] = {
        /* UDP to all hosts, in a broadcast frame, to our network, a fragment, from a group */
        "ffffffffffff 020000000002 0800 4500001c00004000401126cd0a000002ffffffff 0001000200080000",
        "ffffffffffff 020000000002 0800 4500001c00004000401126cf0a0000020a000001 0001000200080000",
        ETHER_TO_US "0800 4500001c00004000401125d10a0000020a0000ff 0001000200080000",
        ETHER_TO_US "0800 4500001c00000010401166bf0a0000020a000001 0001000200080000",
        ETHER_TO_US "0800 4500001c00004000401150cfe00000020a000001 0001000200080000",
    };
    struct world w;
    size_t i;

    open_to_peer(&w);
    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        uint8_t frame[64];
        const size_t len = from_hex(frames[i], frame, sizeof(frame));
        uint16_t sum;

        frame[IP + 10] = frame[IP + 11] = 0;
        sum = rfc1071(frame + IP, 20);
        frame[IP + 10] = (uint8_t)(sum >> 8);
        frame[IP + 11] = (uint8_t)sum;
        arrives_bytes(&w, frame, len);
        silent(&w);
        cr_expect_eq(w.counters.drops[SL_DROP_IP4_CHECKSUM], 0);
    }
    world_close(&w);
}

/* Reading D34: one destination gets a tenth at most, all together a burst of fifty. */
Test(icmp, unreachables_are_limited)
{
    struct world w;
    unsigned i, n, host;

    open_to_peer(&w);
    for (i = 0; i < 20; i++)
        arrives(&w, ETHER_TO_US "0800" UDP);
    cr_expect_eq(w.n_sent - w.n_checked, 5, "half a second's share of one destination");
    cr_expect_eq(w.counters.drops[SL_DROP_ICMP_RATE], 15);
    cr_expect_eq(w.counters.drops[SL_DROP_IP4_PROTOCOL], 20);

    for (host = 3; host < 200; host++) {
        uint8_t frame[64];
        const size_t len = from_hex(ETHER_TO_US "0800" UDP, frame, sizeof(frame));
        uint16_t sum;

        frame[IP + 15] = (uint8_t)host;
        frame[IP + 10] = frame[IP + 11] = 0;
        sum = rfc1071(frame + IP, 20);
        frame[IP + 10] = (uint8_t)(sum >> 8);
        frame[IP + 11] = (uint8_t)sum;
        arrives_bytes(&w, frame, len);
    }
    n = (unsigned)(w.counters.drops[SL_DROP_IP4_PROTOCOL] - w.counters.drops[SL_DROP_ICMP_RATE]);
    cr_expect_leq(n, 50, "%u sent", n);
    cr_expect_geq(n, 45, "%u sent", n); /* some share a destination's bucket */
    world_close(&w);
}

Test(icmp, no_mbuf_for_an_error)
{
    struct world w;
    struct rte_mbuf *all[255];

    open_to_peer(&w);
    cr_assert_eq(rte_pktmbuf_alloc_bulk(w.own, all, 255), 0);
    arrives(&w, ETHER_TO_US "0800" UDP);
    arrives(&w, ECHO);
    silent(&w);
    cr_expect_eq(w.counters.n[SL_COUNT_POOL_EMPTY], 2);
    rte_pktmbuf_free_bulk(all, 255);
    world_close(&w);
}
