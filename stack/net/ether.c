/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/ether.h"

#include <string.h>

#include "base/invariant.h"
#include "net/state.h"

/* Smaller values of the type field are lengths of 802.2 frames. */
enum { TYPE_MIN = 0x0600 };

enum sl_drop sl_ether_take(struct rte_mbuf *m, const struct rte_ether_addr *mac, struct sl_ether *e)
{
    const struct rte_ether_hdr *head = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

    if (m->data_len < sizeof(*head))
        return SL_DROP_ETHER_SHORT;
    e->type = rte_be_to_cpu_16(head->ether_type);
    e->to_group = rte_is_multicast_ether_addr(&head->dst_addr);
    if (!e->to_group && !rte_is_same_ether_addr(&head->dst_addr, mac))
        return SL_DROP_ETHER_NOT_OURS;
    if (e->type < TYPE_MIN)
        return SL_DROP_ETHER_SNAP;
    rte_pktmbuf_adj(m, sizeof(*head));
    return SL_DROP_NONE;
}

void sl_ether_send(struct sl_net *net, uint16_t port, const struct rte_ether_hdr *head,
                   struct rte_mbuf *m)
{
    void *at = rte_pktmbuf_prepend(m, sizeof(*head));

    SL_INVARIANT(at != NULL);
    memcpy(at, head, sizeof(*head));
    net->host.tx(net->host.ctx, port, m);
}
