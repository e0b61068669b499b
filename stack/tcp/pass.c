/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/pass.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_prefetch.h>

#include "base/invariant.h"
#include "tcp/window.h"

enum {
    ENO_BYTES = 4, /* the two-byte ENO option, with two NOPs in front */
    LATER = 8,     /* mbufs: in their time a line comes from another core */
};

bool sl_pass_sends_eno(const struct sl_tcb *tcb)
{
    return tcb->syn != NULL && sl_eno_wants_option(&tcb->syn->eno);
}

uint32_t sl_tcb_send_mss(const struct sl_tcb *tcb)
{
    return sl_pass_sends_eno(tcb) ? tcb->mss_bytes - (uint32_t)ENO_BYTES : tcb->mss_bytes;
}

/* The options of segments without SYN. */
static size_t write_options(const struct sl_tcb *tcb, uint64_t now_ns, bool eno, uint8_t *out)
{
    static const uint8_t eno_option[] = {SL_ENO_KIND, 2};
    const struct sl_tcp_options o = {
        .has_ts = tcb->ts_on,
        .tsval = tcb->ts_on ? sl_tcb_tsval(tcb, now_ns) : 0,
        .tsecr = tcb->ts_recent, /* T7323-21 */
        .eno = {eno_option, eno_option + (eno ? sizeof(eno_option) : 0), false},
    };

    return sl_tcp_options_write(&o, out);
}

void sl_pass_head(struct sl_pass *p, bool eno)
{
    const struct sl_tcb *tcb = p->tcb;
    const size_t options_len =
        write_options(tcb, p->now_ns, eno, p->head.bytes + sizeof(p->head.tcp));

    p->head_len = (uint8_t)(sizeof(p->head.tcp) + options_len);
    p->head.tcp = (struct rte_tcp_hdr){
        .src_port = tcb->local_port,
        .dst_port = tcb->remote_port,
        .recv_ack = rte_cpu_to_be_32(tcb->rcv_nxt),
        .data_off = (uint8_t)(p->head_len / 4 << 4),
        .rx_win = rte_cpu_to_be_16(sl_window_field(tcb, &p->edge)),
    };
}

/*
 * The mbuf that `pool` will hand out after some others is asked for, to be written: if another core
 * had it last, its lines are there. NULL: nobody knows.
 */
static const char *prefetch_later(struct rte_mempool *pool)
{
    const struct rte_mempool_cache *cache = rte_mempool_default_cache(pool, rte_lcore_id());
    const char *m;

    if (cache == NULL || cache->len < LATER)
        return NULL;
    m = cache->objs[cache->len - LATER];
    rte_prefetch0_write(m);
    rte_prefetch0_write(m + RTE_CACHE_LINE_SIZE);
    return m;
}

/* The same with the room for headers, which end a little behind where data begins. */
static void prefetch_head(struct rte_mempool *pool)
{
    const char *m = prefetch_later(pool);

    if (m == NULL)
        return;
    m += sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM;
    rte_prefetch0_write(m - RTE_CACHE_LINE_SIZE);
    rte_prefetch0_write(m);
}

struct rte_mbuf *sl_pass_mbuf(struct sl_tcp *tcp, uint8_t len)
{
    struct rte_mbuf *m = SL_FAULT(tcp_head) ? NULL : rte_pktmbuf_alloc(tcp->host.heads);

    prefetch_head(tcp->host.heads);
    if (m == NULL) {
        sl_count(tcp->host.counters, SL_COUNT_POOL_EMPTY);
        return NULL;
    }
    SL_INVARIANT(m->data_off >= SL_NET_HEAD_BYTES && rte_pktmbuf_tailroom(m) >= len);
    m->data_len = len;
    m->pkt_len = len;
    return m;
}

/* Chain bytes [off, off + len) of a held mbuf behind `head`; false: the pool is empty. */
static bool attach(struct sl_tcp *tcp, struct rte_mbuf *head, struct rte_mbuf *held, uint32_t off,
                   uint32_t len)
{
    struct rte_mbuf *m = SL_FAULT(tcp_clone) ? NULL : rte_pktmbuf_alloc(tcp->host.clones);

    (void)prefetch_later(tcp->host.clones);
    if (m == NULL) {
        sl_count(tcp->host.counters, SL_COUNT_POOL_EMPTY);
        return false;
    }
    rte_pktmbuf_attach(m, held);
    m->data_off = (uint16_t)(m->data_off + off);
    m->data_len = (uint16_t)len;
    m->pkt_len = len;
    head->next = m;
    head->nb_segs = 2;
    head->pkt_len += len;
    return true;
}

void sl_pass_emit(struct sl_pass *p, struct rte_mbuf *m, sl_seq seq, uint8_t flags)
{
    struct sl_tcp *tcp = p->tcb->tcp;
    struct rte_tcp_hdr *h = rte_pktmbuf_mtod(m, struct rte_tcp_hdr *);

    memcpy(h, p->head.bytes, p->head_len);
    h->sent_seq = rte_cpu_to_be_32(seq);
    h->tcp_flags = flags;
    p->segs++;
    tcp->host.tx(tcp->host.ctx, p->tcb, m);
}

bool sl_pass_part(struct sl_pass *p, const struct sl_snd_seg *seg, uint32_t off, uint32_t len)
{
    const bool ends = off + len == seg->len;
    struct sl_tcp *tcp = p->tcb->tcp;
    struct rte_mbuf *m;
    uint8_t flags = SL_TCP_ACK;

    if (p->head_len == 0)
        sl_pass_head(p, sl_pass_sends_eno(p->tcb));
    m = sl_pass_mbuf(tcp, p->head_len);
    if (m == NULL || (len > 0 && !attach(tcp, m, seg->m, off, len))) {
        rte_pktmbuf_free(m);
        p->starved = true;
        return false;
    }
    if (ends && seg->psh)
        flags |= SL_TCP_PSH;
    if (ends && seg->fin)
        flags |= SL_TCP_FIN;
    sl_pass_emit(p, m, seg->seq + off, flags);
    return true;
}

bool sl_pass_ack(struct sl_pass *p, sl_seq seq)
{
    struct rte_mbuf *m;

    if (p->head_len == 0)
        sl_pass_head(p, sl_pass_sends_eno(p->tcb));
    m = sl_pass_mbuf(p->tcb->tcp, p->head_len);
    if (m == NULL) {
        p->starved = true;
        return false;
    }
    sl_pass_emit(p, m, seq, SL_TCP_ACK);
    return true;
}

void sl_pass_finish(struct sl_pass *p)
{
    struct sl_tcb *tcb = p->tcb;

    if (p->starved)
        sl_tcb_wants_output(tcb);
    if (p->segs == 0)
        return;
    sl_count_add(tcb->tcp->host.counters, SL_COUNT_SEGS_OUT, p->segs);
    tcb->last_ack_sent = tcb->rcv_nxt;
    tcb->rcv_adv = sl_seq_max(tcb->rcv_adv, p->edge); /* T7323-12 */
    tcb->ack_now = false;
    tcb->ack_pending_segs = 0;
    sl_tcb_timer_off(tcb, SL_TIMER_DELAYED_ACK);
    if (tcb->syn != NULL) {
        sl_eno_segment_sent(&tcb->syn->eno);
        sl_tcb_eno_settle(tcb, p->now_ns);
    }
}
