/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/seg.h"

#include <rte_byteorder.h>
#include <rte_tcp.h>

enum { HEADER_BYTES = sizeof(struct rte_tcp_hdr) };

/* Trap 26: of the lengths that header and packet give, each is checked against the other. */
enum sl_drop sl_seg_read(struct rte_mbuf *m, const struct sl_net_meta *meta, struct sl_seg *seg)
{
    const struct rte_tcp_hdr *h = rte_pktmbuf_mtod(m, const struct rte_tcp_hdr *);
    uint16_t head_bytes;

    seg->m = m;
    if (rte_pktmbuf_data_len(m) < HEADER_BYTES)
        return SL_DROP_TCP_SHORT;
    head_bytes = (uint16_t)((h->data_off >> 4) * 4);
    if (head_bytes < HEADER_BYTES || head_bytes > rte_pktmbuf_data_len(m))
        return SL_DROP_TCP_SHORT;

    seg->local = meta->dst;
    seg->remote = meta->src;
    seg->local_port = h->dst_port;
    seg->remote_port = h->src_port;
    seg->port = meta->port;
    seg->tos = meta->tos;
    seg->ttl = meta->ttl;
    seg->seq = rte_be_to_cpu_32(h->sent_seq);
    seg->ack = rte_be_to_cpu_32(h->recv_ack);
    seg->wnd = rte_be_to_cpu_16(h->rx_win);
    seg->urgent = rte_be_to_cpu_16(h->tcp_urp);
    seg->flags = h->tcp_flags;
    seg->len = rte_pktmbuf_pkt_len(m) - head_bytes;

    /* A first mbuf that becomes empty by this stays in front: the options are in it. */
    rte_pktmbuf_adj(m, head_bytes);
    return sl_tcp_options_read(sl_cursor_of(h + 1, head_bytes - HEADER_BYTES),
                               (seg->flags & SL_TCP_SYN) != 0, &seg->o);
}
