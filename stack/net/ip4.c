/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/ip4.h"

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "base/checksum.h"
#include "base/cursor.h"
#include "net/icmp.h"
#include "net/state.h"

enum {
    TCP_OFFSET_AT = 12, /* of the octet with the data offset */
    TCP_HEADER_MAX = 60,
    OPTION_EOL = 0,
    OPTION_NOP = 1,
    OPTION_LSRR = 131,
    OPTION_SSRR = 137,
};

/* What is known of a packet whose header has been checked. */
struct packet {
    const struct rte_ipv4_hdr *ip;
    uint16_t header_bytes, total_bytes;
    uint32_t src, dst;
    bool to_us; /* else to a broadcast address */
};

/* Trap 26: of all lengths the smallest counts; lengths that contradict each other are nonsense. */
static enum sl_drop read_header(const struct rte_mbuf *m, struct packet *p)
{
    const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);

    if (m->data_len < sizeof(*ip))
        return SL_DROP_IP4_SHORT;
    if (ip->version_ihl >> 4 != IPVERSION)
        return SL_DROP_IP4_VERSION;
    p->ip = ip;
    p->header_bytes = (uint16_t)((ip->version_ihl & 15) * 4);
    p->total_bytes = rte_be_to_cpu_16(ip->total_length);
    p->src = rte_be_to_cpu_32(ip->src_addr);
    p->dst = rte_be_to_cpu_32(ip->dst_addr);
    if (p->header_bytes < sizeof(*ip) || p->header_bytes > m->data_len ||
        p->total_bytes < p->header_bytes || p->total_bytes > m->pkt_len)
        return SL_DROP_IP4_SHORT;
    return SL_DROP_NONE;
}

/* T1122-9 */
static enum sl_drop check_sum(const struct sl_iface *iface, const struct rte_mbuf *m,
                              const struct packet *p)
{
    const uint64_t flag = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

    if (iface->port.rx_cksum_good || flag == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
        return SL_DROP_NONE;
    if (flag == RTE_MBUF_F_RX_IP_CKSUM_BAD || rte_raw_cksum(p->ip, p->header_bytes) != 0xffff)
        return SL_DROP_IP4_CHECKSUM;
    return SL_DROP_NONE;
}

/* T1122-11, -12, -38, -39. An address of ours counts on whichever port it is reached. */
static enum sl_drop check_addresses(const struct sl_net *net, const struct sl_iface *iface,
                                    bool to_group, struct packet *p)
{
    if (!sl_ip4_is_host(p->src) || sl_subnet_is_broadcast(iface, p->src))
        return SL_DROP_IP4_SOURCE;
    p->to_us = sl_local_find(net, p->dst) != NULL;
    if (likely(p->to_us))
        return to_group ? SL_DROP_IP4_LINK_BROADCAST : SL_DROP_NONE;
    if (p->dst == INADDR_BROADCAST || p->dst == INADDR_ANY || sl_subnet_is_broadcast(iface, p->dst))
        return SL_DROP_NONE;
    return SL_DROP_IP4_NOT_OURS;
}

/* T1122-16: none is heard, all are measured; reading D8: a source route is not followed. */
static enum sl_drop check_options(const struct packet *p)
{
    struct sl_cursor c = sl_cursor_of(p->ip + 1, p->header_bytes - sizeof(*p->ip));

    while (sl_cursor_left(&c) > 0) {
        const uint64_t kind = sl_take_be(&c, 1);

        if (kind == OPTION_EOL)
            break;
        if (kind == OPTION_NOP)
            continue;

        const uint64_t len = sl_take_be(&c, 1);

        if (len < 2)
            return SL_DROP_IP4_OPTION;
        sl_take(&c, len - 2);
        if (c.bad)
            return SL_DROP_IP4_OPTION;
        if (kind == OPTION_LSRR || kind == OPTION_SSRR)
            return SL_DROP_IP4_SOURCE_ROUTE;
    }
    return SL_DROP_NONE;
}

static enum sl_drop check(const struct sl_net *net, const struct sl_iface *iface,
                          const struct rte_mbuf *m, bool to_group, struct packet *p)
{
    const uint16_t fragment = RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK;
    enum sl_drop drop;

    if ((drop = read_header(m, p)) || (drop = check_sum(iface, m, p)) ||
        (drop = check_addresses(net, iface, to_group, p)))
        return drop;
    if (unlikely(p->header_bytes > sizeof(*p->ip)) && (drop = check_options(p)))
        return drop;
    if (unlikely(p->ip->fragment_offset & rte_cpu_to_be_16(fragment)))
        return SL_DROP_IP4_FRAGMENT;
    return SL_DROP_NONE;
}

/* Cut padding off, over as many segments as it covers. */
static void trim(struct rte_mbuf *m, uint32_t total_bytes)
{
    struct rte_mbuf *last = m;
    uint32_t left = total_bytes;

    m->pkt_len = total_bytes;
    for (; left > last->data_len; last = last->next)
        left -= last->data_len;
    last->data_len = (uint16_t)left;
    if (last->next == NULL)
        return;

    struct rte_mbuf *rest = last->next, *s;

    for (s = rest; s != NULL; s = s->next)
        m->nb_segs--;
    last->next = NULL;
    rte_pktmbuf_free(rest);
}

/* MUST-3; checked here, where the pseudo-header is. */
static bool tcp_sum_is_good(const struct sl_iface *iface, const struct rte_mbuf *m,
                            const struct packet *p)
{
    const uint64_t flag = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

    if (iface->port.rx_cksum_good || flag == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
        return true;
    return flag != RTE_MBUF_F_RX_L4_CKSUM_BAD &&
           sl_checksum_tcp4_is_right(m, p->ip, p->header_bytes);
}

/* Does the first segment of the chain hold the TCP header, as far as there is one? */
static bool has_tcp_header(const struct rte_mbuf *m)
{
    const uint8_t *tcp = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t need = TCP_HEADER_MAX;

    if (m->data_len > TCP_OFFSET_AT)
        need = RTE_MAX((tcp[TCP_OFFSET_AT] >> 4) * 4U, (uint32_t)sizeof(struct rte_tcp_hdr));
    return m->data_len >= RTE_MIN(need, m->pkt_len);
}

/* Rare: a header that is spread over segments. The copy's first one holds more than any header. */
static struct rte_mbuf *gather(struct sl_net *net, struct rte_mbuf *m)
{
    struct rte_mbuf *copy =
        SL_FAULT(net_gather) ? NULL : rte_pktmbuf_copy(m, net->host.pool, 0, m->pkt_len);

    if (copy == NULL)
        sl_count(net->host.counters, SL_COUNT_POOL_EMPTY);
    rte_pktmbuf_free(m);
    return copy;
}

static void fill_meta(struct sl_net_meta *meta, uint16_t port, const struct packet *p)
{
    meta->src = sl_addr_of_ip4(p->ip->src_addr);
    meta->dst = sl_addr_of_ip4(p->ip->dst_addr);
    meta->port = port;
    meta->protocol = p->ip->next_proto_id;
    meta->ttl = p->ip->time_to_live; /* T1122-15: 0 and 1 are as good as any */
    meta->tos = p->ip->type_of_service;
    meta->cksum_good = false;
}

static enum sl_net_verdict lose(struct sl_net *net, struct rte_mbuf *m, enum sl_drop why)
{
    sl_net_lose(net, m, why);
    return SL_NET_DONE;
}

static enum sl_net_verdict input_tcp(struct sl_net *net, const struct sl_iface *iface,
                                     struct rte_mbuf **m, const struct packet *p,
                                     struct sl_net_meta *meta)
{
    if (unlikely(!p->to_us))
        return lose(net, *m, SL_DROP_TCP_ADDRESS); /* MUST-57 */
    if (unlikely(!tcp_sum_is_good(iface, *m, p)))
        return lose(net, *m, SL_DROP_TCP_CHECKSUM);
    meta->cksum_good = true;
    rte_pktmbuf_adj(*m, p->header_bytes);
    if (unlikely(!has_tcp_header(*m)) && (*m = gather(net, *m)) == NULL)
        return SL_NET_DONE;
    return SL_NET_TRANSPORT;
}

static enum sl_net_verdict input_icmp(struct sl_net *net, struct rte_mbuf *m,
                                      const struct packet *p, const struct sl_net_meta *meta,
                                      uint64_t now_ns)
{
    if (!p->to_us)
        return lose(net, m, SL_DROP_ICMP_BROADCAST); /* T1122-28; errors neither */
    rte_pktmbuf_adj(m, p->header_bytes);
    sl_icmp_input(net, m, meta, now_ns);
    return SL_NET_DONE;
}

/* T1122-22. What was broadcast is not answered (T1122-21). */
static enum sl_net_verdict input_unknown(struct sl_net *net, struct rte_mbuf *m,
                                         const struct packet *p, uint64_t now_ns)
{
    const bool udp = p->ip->next_proto_id == IPPROTO_UDP;

    if (p->to_us)
        sl_icmp_unreachable(net, m, udp ? SL_ICMP_CODE_PORT : SL_ICMP_CODE_PROTOCOL, now_ns);
    return lose(net, m, SL_DROP_IP4_PROTOCOL);
}

enum sl_net_verdict sl_ip4_input(struct sl_net *net, uint16_t port, struct rte_mbuf **m,
                                 bool to_group, uint64_t now_ns, struct sl_net_meta *meta)
{
    const struct sl_iface *iface = &net->ifaces[port];
    struct packet p;
    const enum sl_drop drop = check(net, iface, *m, to_group, &p);

    if (unlikely(drop != SL_DROP_NONE))
        return lose(net, *m, drop);
    if ((*m)->pkt_len > p.total_bytes)
        trim(*m, p.total_bytes);
    fill_meta(meta, port, &p);
    if (likely(p.ip->next_proto_id == IPPROTO_TCP))
        return input_tcp(net, iface, m, &p, meta);
    if (p.ip->next_proto_id == IPPROTO_ICMP)
        return input_icmp(net, *m, &p, meta, now_ns);
    return input_unknown(net, *m, &p, now_ns);
}

/* Does it fit? Of a segment that the port will cut, each piece has to. */
static bool fits(const struct rte_mbuf *m, const struct sl_net_path *path)
{
    const uint32_t head_bytes = sizeof(struct rte_ipv4_hdr);

    if (likely(head_bytes + m->pkt_len <= path->mtu_bytes))
        return true;
    return (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) && head_bytes + m->pkt_len <= UINT16_MAX &&
           head_bytes + m->l4_len + m->tso_segsz <= path->mtu_bytes;
}

/* RFC 9293 3.1: the sum, or with offload that of the pseudo-header only. */
static void write_tcp_sum(const struct sl_iface *iface, const struct rte_ipv4_hdr *ip,
                          struct rte_mbuf *m)
{
    struct rte_tcp_hdr *tcp =
        rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, sizeof(struct rte_ipv4_hdr));
    uint16_t sum = 0;

    if (iface->port.tx_cksum_none)
        return;
    if (iface->tx_flags_tcp != 0) {
        tcp->cksum = rte_ipv4_phdr_cksum(ip, m->ol_flags);
        return;
    }
    tcp->cksum = 0;
    sl_checksum_tcp4(m, ip, sizeof(*ip), &sum);
    tcp->cksum = sum;
}

enum sl_drop sl_ip4_write(const struct sl_net *net, const struct sl_net_path *path,
                          const struct sl_net_hdr *hdr, struct rte_mbuf *m)
{
    const struct sl_iface *iface = &net->ifaces[path->port];
    const bool tcp = hdr->protocol == IPPROTO_TCP;
    struct rte_ipv4_hdr *ip;

    if (unlikely(!fits(m, path)))
        return SL_DROP_IP4_TOO_BIG;
    ip = (void *)rte_pktmbuf_prepend(m, sizeof(*ip));
    SL_INVARIANT(ip != NULL && rte_pktmbuf_headroom(m) >= sizeof(struct rte_ether_hdr));
    *ip = (struct rte_ipv4_hdr){
        .version_ihl = RTE_IPV4_VHL_DEF,
        .type_of_service = hdr->tos,
        .total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len),
        .fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG), /* T1191-1; ID 0: D10 */
        .time_to_live = hdr->ttl != 0 ? hdr->ttl : net->config.ttl,
        .next_proto_id = hdr->protocol,
        .src_addr = sl_addr_ip4(&hdr->src),
        .dst_addr = sl_addr_ip4(&hdr->dst),
    };
    if (unlikely(hdr->may_fragment)) {
        ip->fragment_offset = 0;
        ip->packet_id = (uint16_t)sl_random_u64(net->host.random);
    }
    m->l2_len = sizeof(struct rte_ether_hdr);
    m->l3_len = sizeof(*ip);
    m->ol_flags |= iface->tx_flags_ip4 | (tcp ? iface->tx_flags_tcp : 0);
    if (iface->tx_flags_ip4 == 0 && !iface->port.tx_cksum_none)
        ip->hdr_checksum = rte_ipv4_cksum(ip);
    if (likely(tcp))
        write_tcp_sum(iface, ip, m);
    return SL_DROP_NONE;
}
