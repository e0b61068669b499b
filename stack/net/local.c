/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/local.h"

#include <errno.h>
#include <string.h>

#include "net/arp.h"
#include "net/state.h"

static const uint64_t announce_again_ns = 1000000000;

/* Where `ip4` stands in the list, or would. */
static uint32_t place_of(const struct sl_locals *locals, uint32_t ip4)
{
    uint32_t low = 0, high = locals->n;

    while (low < high) {
        const uint32_t middle = (low + high) / 2;

        if (locals->list[middle].ip4 < ip4)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct sl_local *sl_local_find(const struct sl_net *net, uint32_t ip4)
{
    const uint32_t at = place_of(&net->locals, ip4);

    return at < net->locals.n && net->locals.list[at].ip4 == ip4 ? &net->locals.list[at] : NULL;
}

const struct sl_subnet *sl_subnet_of(const struct sl_iface *iface, uint32_t ip4)
{
    unsigned i;

    for (i = 0; i < iface->n_subnets; i++)
        if ((ip4 & iface->subnets[i].mask) == iface->subnets[i].prefix)
            return &iface->subnets[i];
    return NULL;
}

bool sl_subnet_is_broadcast(const struct sl_iface *iface, uint32_t ip4)
{
    unsigned i;

    for (i = 0; i < iface->n_subnets; i++) {
        const struct sl_subnet *s = &iface->subnets[i];
        const uint32_t host = ip4 & ~s->mask;

        if ((ip4 & s->mask) == s->prefix && ~s->mask > 1 && (host == 0 || host == ~s->mask))
            return true;
    }
    return false;
}

static uint32_t mask_of(unsigned prefix_len)
{
    return prefix_len == 0 ? 0 : UINT32_MAX << (32 - prefix_len);
}

/* The network of a new address: known, or new and with a route. */
static int join(struct sl_net *net, uint16_t port, uint32_t ip4, unsigned prefix_len)
{
    struct sl_iface *iface = &net->ifaces[port];
    const uint32_t mask = mask_of(prefix_len);
    unsigned i;
    int err;

    for (i = 0; i < iface->n_subnets; i++)
        if (iface->subnets[i].mask == mask && iface->subnets[i].prefix == (ip4 & mask))
            return 0;
    if (iface->n_subnets == SL_SUBNETS_MAX)
        return -ENOSPC;
    if ((err = sl_route_add(net, ip4 & mask, (uint8_t)prefix_len, port, 0)) != 0)
        return err;
    iface->subnets[iface->n_subnets++] = (struct sl_subnet){ip4 & mask, mask, ip4};
    return 0;
}

static void insert(struct sl_locals *locals, const struct sl_local *local)
{
    const uint32_t at = place_of(locals, local->ip4);

    memmove(&locals->list[at + 1], &locals->list[at], (locals->n - at) * sizeof(*local));
    locals->list[at] = *local;
    locals->n++;
}

/* A host's address in a network: not its broadcast address, in either form. */
static bool is_assignable(uint32_t ip4, unsigned prefix_len)
{
    const uint32_t host_mask = ~mask_of(prefix_len);
    const uint32_t host = ip4 & host_mask;

    return sl_ip4_is_host(ip4) && (host_mask <= 1 || (host != 0 && host != host_mask));
}

int sl_net_address_add(struct sl_net *net, uint16_t port, const struct sl_addr *a,
                       unsigned prefix_len, uint64_t now_ns)
{
    struct sl_local local = {.port = port, .announce_ns = now_ns + announce_again_ns};
    int err;

    if (port >= SL_NET_PORTS_MAX || !net->ifaces[port].is_up || !sl_addr_is_ip4(a) ||
        prefix_len == 0 || prefix_len > 32)
        return -EINVAL;
    local.ip4 = rte_be_to_cpu_32(sl_addr_ip4(a));
    if (!is_assignable(local.ip4, prefix_len))
        return -EINVAL;
    if (sl_local_find(net, local.ip4) != NULL)
        return -EEXIST;
    if (net->locals.n == SL_LOCALS_MAX)
        return -ENOSPC;
    if ((err = join(net, port, local.ip4, prefix_len)) != 0)
        return err;
    insert(&net->locals, &local);
    net->locals.announce_ns = RTE_MIN(net->locals.announce_ns, local.announce_ns);
    sl_net_void_paths(net);
    sl_arp_announce(net, port, local.ip4);
    return 0;
}

void sl_locals_timeout(struct sl_net *net, uint64_t now_ns)
{
    struct sl_locals *locals = &net->locals;
    uint64_t next_ns = SL_NEVER;
    uint32_t i;

    if (now_ns < locals->announce_ns)
        return;
    for (i = 0; i < locals->n; i++) {
        struct sl_local *local = &locals->list[i];

        if (now_ns >= local->announce_ns) {
            local->announce_ns = SL_NEVER;
            sl_arp_announce(net, local->port, local->ip4);
        }
        next_ns = RTE_MIN(next_ns, local->announce_ns);
    }
    locals->announce_ns = next_ns;
}

bool sl_net_is_local(const struct sl_net *net, const struct sl_addr *a)
{
    return sl_addr_is_ip4(a) && sl_local_find(net, rte_be_to_cpu_32(sl_addr_ip4(a))) != NULL;
}
