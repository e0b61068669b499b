/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/state.h"

bool sl_routes_init(struct sl_net *net)
{
    struct sl_routes *routes = &net->routes;
    /* A prefix may need a branch node besides its own. */
    const struct rte_rib_conf conf = {.max_nodes = (int)(2 * net->config.routes_max)};
    char name[32];

    (void)snprintf(name, sizeof(name), "net-%p", (const void *)net);
    routes->list = calloc(net->config.routes_max, sizeof(*routes->list));
    routes->rib = rte_rib_create(name, SOCKET_ID_ANY, &conf);
    return routes->list != NULL && routes->rib != NULL;
}

void sl_routes_fini(struct sl_net *net)
{
    rte_rib_free(net->routes.rib);
    free(net->routes.list);
}

/* Behind the routes with the same prefix: the first that was configured is the first choice. */
static int append(struct sl_routes *routes, uint32_t first, const struct sl_route *route)
{
    uint32_t at = first;

    for (;;) {
        struct sl_route *r = &routes->list[at];

        if (r->port == route->port && r->via == route->via)
            return -EEXIST;
        if (r->next == SL_ROUTE_NONE) {
            r->next = routes->n;
            return 0;
        }
        at = r->next;
    }
}

int sl_route_add(struct sl_net *net, uint32_t prefix, uint8_t len, uint16_t port, uint32_t via)
{
    struct sl_routes *routes = &net->routes;
    const struct sl_route route = {via, port, SL_ROUTE_NONE};
    struct rte_rib_node *node = rte_rib_lookup_exact(routes->rib, prefix, len);
    uint64_t first;
    int err;

    if (routes->n == net->config.routes_max)
        return -ENOSPC;
    if (node != NULL) {
        rte_rib_get_nh(node, &first);
        if ((err = append(routes, (uint32_t)first, &route)) != 0)
            return err;
    } else {
        if ((node = rte_rib_insert(routes->rib, prefix, len)) == NULL)
            return -ENOSPC;
        rte_rib_set_nh(node, routes->n);
    }
    routes->list[routes->n++] = route;
    sl_net_void_paths(net);
    return 0;
}

/* The gateway must be a host on a network of ours, and the prefix have no bits beyond its length.
 */
int sl_net_route_add(struct sl_net *net, const struct sl_addr *prefix, unsigned prefix_len,
                     const struct sl_addr *via)
{
    const uint32_t ip4 = rte_be_to_cpu_32(sl_addr_ip4(prefix));
    const uint32_t gateway = rte_be_to_cpu_32(sl_addr_ip4(via));
    unsigned port;

    if (!sl_addr_is_ip4(prefix) || !sl_addr_is_ip4(via) || prefix_len > 32 ||
        (ip4 & ~rte_rib_depth_to_mask((uint8_t)prefix_len)) != 0 || !sl_ip4_is_host(gateway) ||
        sl_local_find(net, gateway) != NULL)
        return -EINVAL;
    for (port = 0; port < SL_NET_PORTS_MAX; port++) {
        if (sl_subnet_of(&net->ifaces[port], gateway) != NULL &&
            !sl_subnet_is_broadcast(&net->ifaces[port], gateway))
            return sl_route_add(net, ip4, (uint8_t)prefix_len, (uint16_t)port, gateway);
    }
    return -EINVAL;
}

/* How much a next hop promises; `since_ns` tells failures apart. */
struct promise {
    enum { FAILED, UNKNOWN, WORKS } kind;
    uint64_t since_ns;
};

static struct promise promise_of(const struct sl_net *net, const struct sl_route *route)
{
    const struct sl_neighbour *n;

    if (route->via == 0)
        return (struct promise){.kind = WORKS};
    n = sl_neighbour_find(net, route->port, route->via);
    if (n == NULL || n->state == SL_NEIGHBOUR_INCOMPLETE)
        return (struct promise){.kind = UNKNOWN};
    if (n->state == SL_NEIGHBOUR_FAILED)
        return (struct promise){.kind = FAILED, .since_ns = n->next_ask_ns};
    return (struct promise){.kind = WORKS};
}

/* Of failed ones the longest failed is tried next, so that all get their turn. */
static bool is_better(struct promise a, struct promise b)
{
    return a.kind != b.kind ? a.kind > b.kind : a.kind == FAILED && a.since_ns < b.since_ns;
}

/* The first route of the longest prefix that matches; NULL: none. */
static const struct sl_route *lookup(const struct sl_net *net, uint32_t dst)
{
    const struct rte_rib_node *node = rte_rib_lookup(net->routes.rib, dst);
    uint64_t first;

    if (node == NULL)
        return NULL;
    rte_rib_get_nh(node, &first);
    return &net->routes.list[first];
}

static const struct sl_route *next_of(const struct sl_net *net, const struct sl_route *route)
{
    return route->next == SL_ROUTE_NONE ? NULL : &net->routes.list[route->next];
}

static const struct sl_route *best_of(const struct sl_net *net, const struct sl_route *first)
{
    const struct sl_route *route, *best = first;
    struct promise most = promise_of(net, first);

    for (route = next_of(net, first); route != NULL; route = next_of(net, route)) {
        const struct promise promise = promise_of(net, route);

        if (is_better(promise, most)) {
            most = promise;
            best = route;
        }
    }
    return best;
}

/*
 * The route to a host that is not ourselves; NULL: none. There is no loopback, and no broadcast or
 * multicast is sent.
 */
static const struct sl_route *find_to(const struct sl_net *net, uint32_t dst)
{
    const struct sl_route *first;

    if (!sl_ip4_is_host(dst) || sl_local_find(net, dst) != NULL ||
        (first = lookup(net, dst)) == NULL)
        return NULL;
    if (first->via == 0 && sl_subnet_is_broadcast(&net->ifaces[first->port], dst))
        return NULL;
    return first->next == SL_ROUTE_NONE ? first : best_of(net, first);
}

/* Where a packet goes first: itself if it is on the link. */
static uint32_t hop_of(const struct sl_route *route, uint32_t dst)
{
    return route->via != 0 ? route->via : dst;
}

static uint32_t source_of(const struct sl_iface *iface, uint32_t hop)
{
    const struct sl_subnet *subnet = sl_subnet_of(iface, hop);

    return subnet != NULL ? subnet->address : iface->subnets[0].address;
}

int sl_net_source(const struct sl_net *net, const struct sl_addr *dst, struct sl_addr *src,
                  uint16_t *mtu_bytes)
{
    const uint32_t ip4 = rte_be_to_cpu_32(sl_addr_ip4(dst));
    const struct sl_iface *iface;
    const struct sl_route *route;

    if (!sl_addr_is_ip4(dst) || (route = find_to(net, ip4)) == NULL)
        return -ENETUNREACH;
    iface = &net->ifaces[route->port];
    *src = sl_addr_of_ip4(rte_cpu_to_be_32(source_of(iface, hop_of(route, ip4))));
    *mtu_bytes = iface->port.mtu_bytes;
    return 0;
}

static struct sl_neighbour *neighbour_of(struct sl_net *net, const struct sl_route *route,
                                         uint32_t hop, uint64_t now_ns)
{
    const bool gateway = route->via != 0;
    struct sl_neighbour *n = sl_neighbour_find(net, route->port, hop);

    if (n == NULL) {
        n = sl_neighbour_add(net, route->port, hop,
                             gateway ? SL_NEIGHBOUR_FOR_GATEWAY : SL_NEIGHBOUR_FOR_PACKET, now_ns);
    } else if (gateway) {
        sl_neighbour_make_gateway(net, n);
    }
    return n;
}

/* T1122-33: is a gateway back that comes before `best`? Asked at most as often as it may fail. */
static void ask_preferred(struct sl_net *net, const struct sl_route *best, uint32_t dst,
                          uint64_t now_ns)
{
    const struct sl_route *route;
    struct sl_neighbour *n;

    for (route = lookup(net, dst); route != best; route = next_of(net, route)) {
        if (promise_of(net, route).kind == UNKNOWN &&
            (n = neighbour_of(net, route, route->via, now_ns)) != NULL)
            sl_neighbour_ask(net, n, now_ns);
    }
}

enum sl_drop sl_route_resolve(struct sl_net *net, struct sl_net_path *path,
                              const struct sl_net_hdr *hdr, uint64_t now_ns)
{
    const uint32_t dst = rte_be_to_cpu_32(sl_addr_ip4(&hdr->dst));
    const struct sl_route *route;
    struct sl_neighbour *n;

    if (!sl_addr_is_ip4(&hdr->dst) || (route = find_to(net, dst)) == NULL)
        return SL_DROP_IP4_NO_ROUTE;
    if (!sl_net_is_local(net, &hdr->src))
        return SL_DROP_IP4_SOURCE;
    if ((n = neighbour_of(net, route, hop_of(route, dst), now_ns)) == NULL)
        return SL_DROP_ARP_TABLE_FULL;
    ask_preferred(net, route, dst, now_ns);
    *path = (struct sl_net_path){net->epoch, n->handle, route->port,
                                 net->ifaces[route->port].port.mtu_bytes};
    return SL_DROP_NONE;
}
