/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_byteorder.h>

#include "tcp/pass.h"
#include "tcp/tcb.h"

/* Resets: of a connection, and of those that do not exist. */
enum { TCP_PROTOCOL = 6 };

void sl_output_rst(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_pass p = {.tcb = tcb, .now_ns = now_ns};
    struct rte_mbuf *m;

    if (tcb->state < SL_TCP_SYN_RECEIVED)
        return;
    sl_pass_head(&p, false);
    m = sl_pass_mbuf(tcb->tcp, p.head_len);
    if (m == NULL)
        return;
    sl_pass_emit(&p, m, tcb->snd_nxt, SL_TCP_RST | SL_TCP_ACK);
    sl_count(tcb->tcp->host.counters, SL_COUNT_SEGS_OUT);
}

/* T9293-6, T7323-17. */
static void write_rst_for(const struct sl_seg *seg, size_t options_len, struct rte_tcp_hdr *h)
{
    const bool has_ack = (seg->flags & SL_TCP_ACK) != 0;

    *h = (struct rte_tcp_hdr){
        .src_port = seg->local_port,
        .dst_port = seg->remote_port,
        .sent_seq = has_ack ? rte_cpu_to_be_32(seg->ack) : 0,
        .recv_ack = has_ack ? 0 : rte_cpu_to_be_32(seg->seq + sl_seg_len(seg)),
        .data_off = (uint8_t)((sizeof(*h) + options_len) / 4 << 4),
        .tcp_flags = has_ack ? SL_TCP_RST : SL_TCP_RST | SL_TCP_ACK,
    };
}

void sl_output_rst_for(struct sl_tcp *tcp, const struct sl_seg *seg, uint64_t now_ns)
{
    const struct sl_tcp_options o = {.has_ts = seg->o.has_ts, .tsecr = seg->o.tsval};
    const struct sl_net_hdr hdr = {
        .src = seg->local,
        .dst = seg->remote,
        .protocol = TCP_PROTOCOL,
        .ttl = tcp->config.ttl,
    };
    uint8_t options[SL_TCP_OPTIONS_MAX_BYTES];
    const size_t options_len = sl_tcp_options_write(&o, options);
    struct rte_mbuf *m;

    if ((seg->flags & SL_TCP_RST) != 0) /* T9293-7 */
        return;
    if (!sl_bucket_take(&tcp->rst_bucket, tcp->host.random, now_ns)) {
        sl_count_drop(tcp->host.counters, SL_DROP_TCP_RST_RATE);
        return;
    }
    m = sl_pass_mbuf(tcp, (uint8_t)(sizeof(struct rte_tcp_hdr) + options_len));
    if (m == NULL)
        return;
    write_rst_for(seg, options_len, rte_pktmbuf_mtod(m, struct rte_tcp_hdr *));
    memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, sizeof(struct rte_tcp_hdr)), options, options_len);
    sl_count(tcp->host.counters, SL_COUNT_SEGS_OUT);
    tcp->host.tx_stray(tcp->host.ctx, &hdr, m);
}
