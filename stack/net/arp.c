/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/arp.h"

#include <rte_arp.h>

#include "net/ether.h"
#include "net/state.h"

static const struct rte_ether_addr unknown;
static const struct rte_ether_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct arp {
    uint16_t opcode;
    struct rte_ether_addr sender_mac;
    uint32_t sender, target;
};

/* T826-1. The sender must be somebody one can send to, or nobody yet: 0.0.0.0 (RFC 5227 probe). */
static bool read_arp(const struct rte_mbuf *m, struct arp *arp)
{
    const struct rte_arp_hdr *head = rte_pktmbuf_mtod(m, const struct rte_arp_hdr *);

    if (m->data_len < sizeof(*head) || head->arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
        head->arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ||
        head->arp_hlen != sizeof(struct rte_ether_addr) || head->arp_plen != sizeof(uint32_t))
        return false;
    arp->opcode = rte_be_to_cpu_16(head->arp_opcode);
    arp->sender_mac = head->arp_data.arp_sha;
    arp->sender = rte_be_to_cpu_32(head->arp_data.arp_sip);
    arp->target = rte_be_to_cpu_32(head->arp_data.arp_tip);
    return rte_is_valid_assigned_ether_addr(&arp->sender_mac) &&
           (arp->sender == 0 || sl_ip4_is_host(arp->sender));
}

/* Always an mbuf of our own; an empty pool is counted, and who asked asks again. */
static void send_arp(struct sl_net *net, uint16_t port, const struct rte_ether_addr *to,
                     const struct arp *arp, const struct rte_ether_addr *target_mac)
{
    const struct rte_ether_hdr head = {
        .dst_addr = *to,
        .src_addr = net->ifaces[port].port.mac,
        .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP),
    };
    const struct rte_arp_hdr body = {
        .arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
        .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
        .arp_hlen = sizeof(struct rte_ether_addr),
        .arp_plen = sizeof(uint32_t),
        .arp_opcode = rte_cpu_to_be_16(arp->opcode),
        .arp_data =
            {
                .arp_sha = arp->sender_mac,
                .arp_sip = rte_cpu_to_be_32(arp->sender),
                .arp_tha = *target_mac,
                .arp_tip = rte_cpu_to_be_32(arp->target),
            },
    };
    struct rte_mbuf *m = sl_net_alloc(net);

    if (m == NULL)
        return;
    memcpy(rte_pktmbuf_append(m, sizeof(body)), &body, sizeof(body));
    sl_ether_send(net, port, &head, m);
}

/* T826-4: to the requester, on the port that it came from. */
static void answer(struct sl_net *net, uint16_t port, const struct arp *request)
{
    const struct arp reply = {RTE_ARP_OP_REPLY, net->ifaces[port].port.mac, request->target,
                              request->sender};

    send_arp(net, port, &request->sender_mac, &reply, &request->sender_mac);
}

/*
 * RFC 826, Packet Reception: the sender's entry first, the opcode last. Two departures (D32): a
 * reply that nobody asked for makes no entry; and the sender must be on the link, since no path
 * would lead to an entry for any other (T826-3).
 */
static enum sl_drop learn(struct sl_net *net, uint16_t port, const struct arp *arp, bool for_us,
                          uint64_t now_ns)
{
    struct sl_neighbour *n = sl_neighbour_find(net, port, arp->sender);
    const bool reply = arp->opcode == RTE_ARP_OP_REPLY;

    if (n == NULL) {
        if (!for_us || reply)
            return SL_DROP_ARP_NOT_FOR_US; /* T826-6 */
        if (sl_subnet_of(&net->ifaces[port], arp->sender) == NULL)
            return SL_DROP_NONE;
        n = sl_neighbour_add(net, port, arp->sender, SL_NEIGHBOUR_FOR_STRANGER, now_ns);
        if (n == NULL)
            return SL_DROP_ARP_TABLE_FULL;
    }
    return sl_neighbour_learn(net, n, &arp->sender_mac, reply && for_us, now_ns);
}

static enum sl_drop take_arp(struct sl_net *net, uint16_t port, const struct rte_mbuf *m,
                             uint64_t now_ns)
{
    const struct sl_local *local;
    struct arp arp;
    enum sl_drop drop = SL_DROP_NONE;
    bool for_us;

    if (!read_arp(m, &arp) || sl_subnet_is_broadcast(&net->ifaces[port], arp.sender))
        return SL_DROP_ARP_MALFORMED;
    if (rte_is_same_ether_addr(&arp.sender_mac, &net->ifaces[port].port.mac))
        return SL_DROP_ARP_NOT_FOR_US; /* our own question, sent back by a loop in the network */
    if (sl_local_find(net, arp.sender) != NULL)
        return SL_DROP_ARP_CONFLICT;
    local = sl_local_find(net, arp.target);
    for_us = local != NULL && local->port == port;
    if (arp.sender != 0)
        drop = learn(net, port, &arp, for_us, now_ns);
    else if (!for_us)
        drop = SL_DROP_ARP_NOT_FOR_US;
    if (for_us && arp.opcode == RTE_ARP_OP_REQUEST)
        answer(net, port, &arp); /* whatever we made of the sender */
    return drop;
}

void sl_arp_input(struct sl_net *net, uint16_t port, struct rte_mbuf *m, uint64_t now_ns)
{
    const enum sl_drop drop = take_arp(net, port, m, now_ns);

    if (drop != SL_DROP_NONE)
        sl_count_drop(net->host.counters, drop);
    rte_pktmbuf_free(m);
}

void sl_arp_ask(struct sl_net *net, const struct sl_neighbour *n)
{
    const bool probe = n->state == SL_NEIGHBOUR_PROBE;
    const struct sl_iface *iface = &net->ifaces[n->port];
    const uint32_t target = rte_be_to_cpu_32(sl_addr_ip4(&n->addr));
    const struct sl_subnet *subnet = sl_subnet_of(iface, target);
    const struct arp request = {
        .opcode = RTE_ARP_OP_REQUEST,
        .sender_mac = iface->port.mac,
        .sender = subnet != NULL ? subnet->address : iface->subnets[0].address,
        .target = target,
    };

    send_arp(net, n->port, probe ? &n->head.dst_addr : &everybody, &request, &unknown);
}

void sl_arp_announce(struct sl_net *net, uint16_t port, uint32_t ip4)
{
    const struct arp request = {RTE_ARP_OP_REQUEST, net->ifaces[port].port.mac, ip4, ip4};

    send_arp(net, port, &everybody, &request, &unknown);
}
