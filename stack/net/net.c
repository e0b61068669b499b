/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/net.h"

#include <errno.h>
#include <stdlib.h>

#include "net/arp.h"
#include "net/ether.h"
#include "net/ip4.h"
#include "net/state.h"

enum { MTU_MIN_BYTES = 68, MTU_MAX_BYTES = 9216 };

struct sl_net_config sl_net_config_default(void)
{
    return (struct sl_net_config){
        .neighbours_max = 1024,
        .neighbour_queue_pkts = 32,
        .neighbour_reachable_ns = 30000000000,
        .routes_max = 256,
        .icmp_per_second = 100,
        .ttl = 64,
    };
}

struct sl_net *sl_net_create(const struct sl_net_config *config, const struct sl_net_host *host,
                             uint64_t now_ns)
{
    struct sl_net *net;

    if (config->neighbours_max == 0 || config->neighbour_queue_pkts == 0 ||
        config->routes_max == 0 || config->ttl == 0)
        return NULL;
    if ((net = calloc(1, sizeof(*net))) == NULL)
        return NULL;
    net->epoch = 1;
    net->host = *host;
    net->config = *config;
    net->locals.announce_ns = SL_NEVER;
    sl_icmp_init(net, now_ns);
    if (!sl_neighbours_init(net, now_ns) || !sl_routes_init(net)) {
        sl_net_destroy(net);
        return NULL;
    }
    return net;
}

void sl_net_destroy(struct sl_net *net)
{
    if (net == NULL)
        return;
    sl_neighbours_fini(net);
    sl_routes_fini(net);
    free(net);
}

int sl_net_port_add(struct sl_net *net, uint16_t port, const struct sl_net_port *p)
{
    struct sl_iface *iface;

    if (port >= SL_NET_PORTS_MAX || p->mtu_bytes < MTU_MIN_BYTES || p->mtu_bytes > MTU_MAX_BYTES ||
        !rte_is_valid_assigned_ether_addr(&p->mac))
        return -EINVAL;
    iface = &net->ifaces[port];
    if (iface->is_up)
        return -EEXIST;
    iface->port = *p;
    iface->is_up = true;
    if (p->tx_cksum_ip4 && !p->tx_cksum_none)
        iface->tx_flags_ip4 = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
    if (p->tx_cksum_tcp && !p->tx_cksum_none)
        iface->tx_flags_tcp = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
    return 0;
}

enum sl_net_verdict sl_net_input(struct sl_net *net, uint16_t port, struct rte_mbuf **m,
                                 uint64_t now_ns, struct sl_net_meta *meta)
{
    struct sl_ether ether;
    enum sl_drop drop;

    SL_INVARIANT(port < SL_NET_PORTS_MAX && net->ifaces[port].is_up);
    if (unlikely((drop = sl_ether_take(*m, &net->ifaces[port].port.mac, &ether)))) {
        sl_net_lose(net, *m, drop);
        return SL_NET_DONE;
    }
    if (likely(ether.type == RTE_ETHER_TYPE_IPV4))
        return sl_ip4_input(net, port, m, ether.to_group, now_ns, meta);
    if (ether.type == RTE_ETHER_TYPE_ARP)
        sl_arp_input(net, port, *m, now_ns);
    else
        sl_net_lose(net, *m, SL_DROP_ETHER_TYPE);
    return SL_NET_DONE;
}

enum sl_drop sl_net_output(struct sl_net *net, struct sl_net_path *path,
                           const struct sl_net_hdr *hdr, struct rte_mbuf *m, uint64_t now_ns)
{
    struct sl_neighbour *n = sl_net_path_neighbour(net, path);
    enum sl_drop drop;

    if (unlikely(n == NULL)) {
        if ((drop = sl_route_resolve(net, path, hdr, now_ns)) != SL_DROP_NONE)
            return sl_net_lose(net, m, drop);
        n = &net->neighbours.slots[path->neighbour & 0xffff];
    }
    if (unlikely((drop = sl_ip4_write(net, path, hdr, m)) != SL_DROP_NONE))
        return sl_net_lose(net, m, drop);
    if (unlikely(now_ns >= n->fresh_until_ns))
        return sl_neighbour_send(net, n, m, now_ns);
    sl_ether_send(net, n->port, &n->head, m);
    return SL_DROP_NONE;
}

void sl_net_confirm(struct sl_net *net, const struct sl_net_path *path, uint64_t now_ns)
{
    struct sl_neighbour *n = sl_net_path_neighbour(net, path);

    if (n != NULL)
        sl_neighbour_confirm(net, n, now_ns);
}

void sl_net_suspect(struct sl_net *net, struct sl_net_path *path, uint64_t now_ns)
{
    struct sl_neighbour *n = sl_net_path_neighbour(net, path);

    if (n != NULL)
        sl_neighbour_suspect(net, n, now_ns);
}

void sl_net_timeout(struct sl_net *net, uint64_t now_ns)
{
    sl_neighbours_timeout(net, now_ns);
    sl_locals_timeout(net, now_ns);
}

uint64_t sl_net_next_ns(const struct sl_net *net)
{
    return RTE_MIN(net->neighbours.next_ns, net->locals.announce_ns);
}
