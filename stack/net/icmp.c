/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/icmp.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_icmp.h>

#include "base/checksum.h"
#include "base/cursor.h"
#include "net/state.h"

enum {
    ECHO_REPLY = 0,
    UNREACHABLE = 3,
    ECHO_REQUEST = 8,
    TIME_EXCEEDED = 11,
    PARAMETER = 12,

    CODE_TOO_BIG = 4,     /* of UNREACHABLE: fragmentation needed and DF set */
    UNREACHABLE_MAX = 15, /* RFC 1812 5.2.7.1 */
    TIME_EXCEEDED_MAX = 1,
    PARAMETER_MAX = 2,

    HEAD_BYTES = 8,
    QUOTE_MAX_BYTES = 60 + 8, /* that we read: header with all options, and 8 octets */
    ERROR_MAX_BYTES = 576,    /* that we send, IP header included (T1122-20) */
    DESTINATION_SHARE = 10,   /* of icmp_per_second, for one destination */
};

void sl_icmp_init(struct sl_net *net, uint64_t now_ns)
{
    struct sl_icmp *icmp = &net->icmp;
    const uint32_t rate = net->config.icmp_per_second;
    const uint32_t share = rate > DESTINATION_SHARE ? rate / DESTINATION_SHARE : rate;
    unsigned i;

    sl_bucket_init(&icmp->all, rate, now_ns);
    for (i = 0; i < SL_ICMP_BUCKETS; i++)
        sl_bucket_init(&icmp->per_destination[i], share, now_ns);
    icmp->key.k0 = sl_random_u64(net->host.random);
    icmp->key.k1 = sl_random_u64(net->host.random);
}

/* `m` begins with a message whose checksum field is zero. */
static void write_sum(struct rte_mbuf *m)
{
    struct rte_icmp_hdr *head = rte_pktmbuf_mtod(m, struct rte_icmp_hdr *);
    uint16_t sum;

    sl_checksum_sum(m, 0, m->pkt_len, &sum);
    head->icmp_cksum = (uint16_t)~sum;
}

static void send_icmp(struct sl_net *net, struct rte_mbuf *m, const struct sl_addr *src,
                      const struct sl_addr *dst, uint8_t tos, uint64_t now_ns)
{
    const struct sl_net_hdr hdr = {
        .src = *src, .dst = *dst, .protocol = IPPROTO_ICMP, .tos = tos, .may_fragment = true};
    struct sl_net_path path = {0};

    sl_net_output(net, &path, &hdr, m, now_ns);
}

/* The request itself, where nobody else sees its bytes, else a copy. */
static struct rte_mbuf *own(struct sl_net *net, struct rte_mbuf *m)
{
    struct rte_mbuf *copy;

    if (RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 && m->data_len >= HEAD_BYTES)
        return m;
    copy = SL_FAULT(net_echo) ? NULL : rte_pktmbuf_copy(m, net->host.pool, 0, m->pkt_len);
    if (copy == NULL)
        sl_count(net->host.counters, SL_COUNT_POOL_EMPTY);
    rte_pktmbuf_free(m);
    return copy;
}

/* T1122-27: the same data, from the address that was asked (T1122-36). */
static void answer_echo(struct sl_net *net, struct rte_mbuf *m, const struct sl_net_meta *meta,
                        uint64_t now_ns)
{
    struct rte_icmp_hdr *head;

    if ((m = own(net, m)) == NULL)
        return;
    m->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT; /* what receiving left behind */
    m->tx_offload = 0;
    head = rte_pktmbuf_mtod(m, struct rte_icmp_hdr *);
    head->icmp_type = ECHO_REPLY;
    head->icmp_code = 0;
    head->icmp_cksum = 0;
    write_sum(m);
    send_icmp(net, m, &meta->dst, &meta->src, meta->tos, now_ns);
}

/* What the type and code say; false: nothing for a transport (T1122-18, MUST-55, D31). */
static bool read_kind(uint8_t type, uint8_t code, struct sl_net_icmp_error *e)
{
    e->code = code;
    switch (type) {
    case UNREACHABLE:
        e->kind = code == CODE_TOO_BIG ? SL_ICMP_TOO_BIG : SL_ICMP_UNREACHABLE;
        return code <= UNREACHABLE_MAX;
    case TIME_EXCEEDED:
        e->kind = SL_ICMP_TIME_EXCEEDED;
        return code <= TIME_EXCEEDED_MAX;
    case PARAMETER:
        e->kind = SL_ICMP_PARAMETER;
        return code <= PARAMETER_MAX;
    default:
        return false;
    }
}

/*
 * The packet of ours that an error is about (T1122-19, -20). Its checksum is not verified: it was
 * ours, and routers may have changed what it covers. Trap 28: the rest is the transport's to doubt.
 */
static enum sl_drop read_quote(const struct sl_net *net, struct sl_cursor c,
                               struct sl_net_icmp_error *e)
{
    const uint64_t version_ihl = sl_take_be(&c, 1);
    const size_t header_bytes = (version_ihl & 15) * 4;
    uint64_t fragment;
    uint32_t src, dst;

    sl_take(&c, 1);
    e->total_bytes = (uint16_t)sl_take_be(&c, 2);
    sl_take(&c, 2);
    fragment = sl_take_be(&c, 2);
    sl_take(&c, 1);
    e->protocol = (uint8_t)sl_take_be(&c, 1);
    sl_take(&c, 2);
    sl_take_bytes(&c, &src, sizeof(src));
    sl_take_bytes(&c, &dst, sizeof(dst));
    if (c.bad)
        return SL_DROP_ICMP_SHORT;
    if (version_ihl >> 4 != IPVERSION || header_bytes < sizeof(struct rte_ipv4_hdr))
        return SL_DROP_ICMP_QUOTE;
    sl_take(&c, header_bytes - sizeof(struct rte_ipv4_hdr));
    sl_take_bytes(&c, e->quoted, sizeof(e->quoted));
    if (c.bad)
        return SL_DROP_ICMP_SHORT;
    e->src = sl_addr_of_ip4(src);
    e->dst = sl_addr_of_ip4(dst);
    if (e->protocol != IPPROTO_TCP || (fragment & RTE_IPV4_HDR_OFFSET_MASK) != 0 ||
        e->total_bytes < header_bytes + sizeof(e->quoted) || !sl_net_is_local(net, &e->src) ||
        !sl_ip4_is_host(rte_be_to_cpu_32(dst)))
        return SL_DROP_ICMP_QUOTE;
    return SL_DROP_NONE;
}

static enum sl_drop take_error(struct sl_net *net, const struct rte_mbuf *m, uint64_t now_ns)
{
    struct sl_net_icmp_error e = {0};
    uint8_t copy[HEAD_BYTES + QUOTE_MAX_BYTES];
    const uint32_t len = RTE_MIN(m->pkt_len, (uint32_t)sizeof(copy));
    struct sl_cursor c = sl_cursor_of(rte_pktmbuf_read(m, 0, len, copy), len);
    const uint8_t type = (uint8_t)sl_take_be(&c, 1);
    const uint8_t code = (uint8_t)sl_take_be(&c, 1);
    enum sl_drop drop;

    if (!read_kind(type, code, &e))
        return SL_DROP_ICMP_TYPE;
    sl_take(&c, 4); /* checksum, unused */
    if (e.kind == SL_ICMP_TOO_BIG)
        e.mtu_bytes = (uint16_t)sl_take_be(&c, 2); /* RFC 1191 4 */
    else
        sl_take(&c, 2);
    if ((drop = read_quote(net, c, &e)) != SL_DROP_NONE)
        return drop;
    net->host.icmp_error(net->host.ctx, &e, now_ns);
    return SL_DROP_NONE;
}

void sl_icmp_input(struct sl_net *net, struct rte_mbuf *m, const struct sl_net_meta *meta,
                   uint64_t now_ns)
{
    uint8_t copy;
    uint16_t sum;
    enum sl_drop drop;

    if (m->pkt_len < HEAD_BYTES) {
        sl_net_lose(net, m, SL_DROP_ICMP_SHORT);
        return;
    }
    if (!sl_checksum_sum(m, 0, m->pkt_len, &sum) || sum != 0xffff) {
        sl_net_lose(net, m, SL_DROP_ICMP_CHECKSUM);
        return;
    }
    if (*(const uint8_t *)rte_pktmbuf_read(m, 0, 1, &copy) == ECHO_REQUEST) {
        answer_echo(net, m, meta, now_ns);
        return;
    }
    if ((drop = take_error(net, m, now_ns)) != SL_DROP_NONE)
        sl_count_drop(net->host.counters, drop);
    rte_pktmbuf_free(m);
}

/* Reading D34. The destination's own bucket first: a flood to one leaves something to the rest. */
static bool may_send(struct sl_net *net, uint32_t dst, uint64_t now_ns)
{
    struct sl_icmp *icmp = &net->icmp;
    const uint64_t hash = sl_siphash(&icmp->key, &dst, sizeof(dst));

    return sl_bucket_take(&icmp->per_destination[hash % SL_ICMP_BUCKETS], net->host.random,
                          now_ns) &&
           sl_bucket_take(&icmp->all, net->host.random, now_ns);
}

/* T1122-20: as much of the packet, unchanged, as 576 bytes and one mbuf have room for. */
static void quote(struct rte_mbuf *error, const struct rte_mbuf *m)
{
    const uint32_t most = ERROR_MAX_BYTES - sizeof(struct rte_ipv4_hdr) - HEAD_BYTES;
    const uint32_t room = RTE_MIN(most, (uint32_t)rte_pktmbuf_tailroom(error));
    const uint16_t len = (uint16_t)RTE_MIN(m->pkt_len, room);
    void *to = rte_pktmbuf_append(error, len);
    const void *from = rte_pktmbuf_read(m, 0, len, to);

    if (from != to) /* else they have been gathered there */
        memcpy(to, from, len);
}

void sl_icmp_unreachable(struct sl_net *net, const struct rte_mbuf *m, enum sl_icmp_code code,
                         uint64_t now_ns)
{
    const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
    const struct sl_addr src = sl_addr_of_ip4(ip->dst_addr), dst = sl_addr_of_ip4(ip->src_addr);
    const struct rte_icmp_hdr head = {.icmp_type = UNREACHABLE, .icmp_code = (uint8_t)code};
    struct rte_mbuf *error;
    void *at;

    if (!may_send(net, ip->src_addr, now_ns)) {
        sl_count_drop(net->host.counters, SL_DROP_ICMP_RATE);
        return;
    }
    if ((error = sl_net_alloc(net)) == NULL)
        return;
    at = rte_pktmbuf_append(error, HEAD_BYTES);
    SL_INVARIANT(at != NULL);
    memcpy(at, &head, HEAD_BYTES);
    quote(error, m);
    write_sum(error);
    send_icmp(net, error, &src, &dst, 0, now_ns);
}
