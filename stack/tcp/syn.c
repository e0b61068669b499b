/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_common.h>

#include "tcp/pass.h"
#include "tcp/tcb.h"

/* The handshake's segments of ours: SYN and SYN-ACK. */
enum { IP4_TCP_BYTES = 40, IP6_TCP_BYTES = 60, WINDOW_FIELD_MAX = 65535 };

/* What we can receive: not what the path can, which may turn out smaller meanwhile (T1191-10). */
static uint16_t own_mss(struct sl_tcb *tcb)
{
    const bool ip4 = sl_addr_is_ip4(&tcb->remote);

    if (tcb->syn->own_mss_bytes == 0)
        tcb->syn->own_mss_bytes =
            (uint16_t)(tcb->mtu_bytes - (ip4 ? IP4_TCP_BYTES : IP6_TCP_BYTES));
    return tcb->syn->own_mss_bytes;
}

static void syn_options(struct sl_tcb *tcb, bool ack, uint64_t now_ns, struct sl_tcp_options *o)
{
    const struct sl_tcp_config *c = &tcb->tcp->config;
    struct sl_tcb_syn *syn = tcb->syn;
    const uint8_t *eno;
    size_t eno_len;

    *o = (struct sl_tcp_options){
        .mss_bytes = own_mss(tcb),
        .has_wscale = c->window_scale && (!ack || syn->peer_wscale_seen), /* T7323-1 */
        .wscale = tcb->rcv_wscale,
        .has_ts = c->timestamps && (!ack || syn->peer_ts_seen), /* T7323-15 */
        .tsval = sl_tcb_tsval(tcb, now_ns),
        .tsecr = ack ? tcb->ts_recent : 0,
    };
    eno_len = sl_eno_own(&syn->eno, &eno, sl_tcp_options_eno_room(o));
    if (eno_len > 0)
        o->eno = (struct sl_cursor){eno, eno + eno_len, false};
}

/* SYN, or SYN-ACK; each time the same but for the timestamp (R25). */
static void send_syn(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;
    const bool ack = tcb->state == SL_TCP_SYN_RECEIVED;
    const uint32_t wnd = RTE_MIN(sl_tcb_rcv_wnd(tcb), (uint32_t)WINDOW_FIELD_MAX);
    struct sl_tcp_options o;
    struct rte_mbuf *m;
    size_t options_len;

    syn_options(tcb, ack, p->now_ns, &o);
    options_len = sl_tcp_options_write(&o, p->head.bytes + sizeof(p->head.tcp));
    p->head_len = (uint8_t)(sizeof(p->head.tcp) + options_len);
    p->head.tcp = (struct rte_tcp_hdr){
        .src_port = tcb->local_port,
        .dst_port = tcb->remote_port,
        .recv_ack = ack ? rte_cpu_to_be_32(tcb->rcv_nxt) : 0,
        .data_off = (uint8_t)(p->head_len / 4 << 4),
        .rx_win = rte_cpu_to_be_16((uint16_t)wnd), /* T7323-4 */
    };
    m = sl_pass_mbuf(tcb->tcp, p->head_len);
    if (m == NULL) {
        sl_tcb_wants_output(tcb);
        return;
    }
    sl_pass_emit(p, m, tcb->iss, ack ? SL_TCP_SYN | SL_TCP_ACK : SL_TCP_SYN);
    tcb->syn->send_now = false;
    tcb->snd_nxt = tcb->iss + 1;
    p->edge = tcb->rcv_nxt + wnd;
    if (tcb->syn->n_sent == 0)
        tcb->syn->sent_ns = p->now_ns;
    else
        sl_count(tcb->tcp->host.counters, SL_COUNT_SEGS_RETRANSMITTED);
    if (tcb->syn->n_sent < UINT8_MAX)
        tcb->syn->n_sent++;
    if (tcb->due_ns[SL_TIMER_RETRANSMIT] == SL_NEVER)
        sl_timers_rearm(tcb, p->now_ns);
}

void sl_output_syn(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_pass p = {.tcb = tcb, .now_ns = now_ns};

    send_syn(&p);
    if (tcb->state == SL_TCP_SYN_RECEIVED)
        sl_pass_finish(&p);
    else
        sl_count_add(tcb->tcp->host.counters, SL_COUNT_SEGS_OUT, p.segs);
}
