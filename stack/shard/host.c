/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_branch_prediction.h>

#include "base/log.h"
#include "shard/shard.h"

/* What the floors below ask of a shard: the functions behind their host tables. */

static void flush(struct sl_shard *s, uint16_t port)
{
    s->n_sent += sl_txq_flush(&s->txqs[port], &s->io, port, &s->counters, s->now_ns);
}

/*
 * One burst for each port and iteration; a long output goes in several, so that the queue only
 * fills when the port does not take it.
 */
static void tx_frame(void *ctx, uint16_t port, struct rte_mbuf *m)
{
    struct sl_shard *s = ctx;
    struct sl_txq *q = &s->txqs[port];

    if (rte_pktmbuf_pkt_len(m) > (uint32_t)s->mtu_bytes[port] + RTE_ETHER_HDR_LEN) {
        sl_count_drop(&s->counters, SL_DROP_PORT_LENGTH);
        rte_pktmbuf_free(m);
        return;
    }
    if (unlikely(q->n == SL_TXQ_FRAMES)) {
        sl_count_drop(&s->counters, SL_DROP_PORT_TX_FULL);
        rte_pktmbuf_free(m);
        return;
    }
    if (unlikely(s->pcap != NULL))
        sl_pcap_frame(s->pcap, m, s->now_ns);
    (void)sl_txq_add(q, m);
    if (q->n % SL_SHARD_BURST == 0)
        flush(s, port);
}

uint32_t sl_shard_flush_ports(struct sl_shard *s)
{
    const uint64_t before = s->n_sent;
    unsigned i;

    for (i = 0; i < s->n_ports; i++) {
        if (s->txqs[s->ports[i]].n > 0)
            flush(s, s->ports[i]);
    }
    return (uint32_t)(s->n_sent - before);
}

/* Of the quoted transport header the ports; the sequence number is TCP's to judge (T5927-1). */
static void icmp_error(void *ctx, const struct sl_net_icmp_error *e, uint64_t now_ns)
{
    struct sl_shard *s = ctx;
    uint16_t local_port, remote_port;
    struct sl_tcb *tcb;

    memcpy(&local_port, e->quoted, sizeof(local_port));
    memcpy(&remote_port, e->quoted + sizeof(local_port), sizeof(remote_port));
    tcb = sl_flows_find(&s->flows, &e->src, local_port, &e->dst, remote_port);
    if (tcb == NULL)
        sl_count_drop(&s->counters, SL_DROP_ICMP_QUOTE);
    else
        (void)sl_tcp_icmp(s->tcp, tcb, e, now_ns);
}

struct sl_net_host sl_shard_net_host(struct sl_shard *s)
{
    return (struct sl_net_host){
        .tx = tx_frame,
        .icmp_error = icmp_error,
        .ctx = s,
        .pool = s->pools.use.heads,
        .counters = &s->counters,
        .random = s->behaviour,
    };
}

static enum sl_drop tx_segment(void *ctx, struct sl_tcb *tcb, struct rte_mbuf *m)
{
    struct sl_shard *s = ctx;
    struct sl_net_hdr hdr;

    sl_tcb_hdr(tcb, &hdr);
    return sl_net_output(s->net, sl_tcb_path(tcb), &hdr, m, s->now_ns);
}

/* Back-pressure: TCP keeps what a port would not take anyway. */
bool sl_shard_may_tx(const struct sl_shard *s)
{
    unsigned i;

    for (i = 0; i < s->n_ports; i++) {
        if (s->txqs[s->ports[i]].n > SL_TXQ_HIGH)
            return false;
    }
    return true;
}

static bool may_tx(void *ctx)
{
    return sl_shard_may_tx(ctx);
}

static void tx_stray(void *ctx, const struct sl_net_hdr *hdr, struct rte_mbuf *m)
{
    struct sl_shard *s = ctx;
    struct sl_net_path unresolved = {0};

    (void)sl_net_output(s->net, &unresolved, hdr, m, s->now_ns);
}

void sl_shard_note_unlocked(struct sl_shard *s)
{
    if (s->unlocked_noted || sl_arena_is_locked(s->arena))
        return;
    s->unlocked_noted = true;
    sl_count(&s->counters, SL_COUNT_ARENA_UNLOCKED);
    sl_log(SL_LOG_WARNING, "secrets are not locked into memory: RLIMIT_MEMLOCK is too low");
}

static bool flow_add(void *ctx, struct sl_tcb *tcb)
{
    struct sl_shard *s = ctx;

    sl_shard_note_unlocked(s); /* connections so far may have used more than the limit allows */
    return sl_flows_add(&s->flows, tcb);
}

static void flow_remove(void *ctx, struct sl_tcb *tcb)
{
    struct sl_shard *s = ctx;

    sl_flows_remove(&s->flows, tcb);
}

static void event(void *ctx, struct sl_tcb *tcb, unsigned ev)
{
    const struct sl_shard_user *u = &((struct sl_shard *)ctx)->user;

    if (u->event != NULL)
        u->event(u->ctx, tcb, ev);
}

static void acceptable(void *ctx, struct sl_tcp_listener *l)
{
    const struct sl_shard_user *u = &((struct sl_shard *)ctx)->user;

    if (u->acceptable != NULL)
        u->acceptable(u->ctx, l);
}

static void job(void *ctx, struct sl_job *j)
{
    sl_jobs_add(&((struct sl_shard *)ctx)->jobs, j);
}

static void path(void *ctx, struct sl_tcb *tcb, bool good)
{
    struct sl_shard *s = ctx;

    if (good)
        sl_net_confirm(s->net, sl_tcb_path(tcb), s->now_ns);
    else
        sl_net_suspect(s->net, sl_tcb_path(tcb), s->now_ns);
}

struct sl_tcp_host sl_shard_tcp_host(struct sl_shard *s)
{
    return (struct sl_tcp_host){
        .ctx = s,
        .tx = tx_segment,
        .may_tx = may_tx,
        .tx_stray = tx_stray,
        .flow_add = flow_add,
        .flow_remove = flow_remove,
        .event = event,
        .acceptable = acceptable,
        .job = job,
        .path = path,
        .queue = s->jobs.queue,
        .heads = s->pools.use.heads,
        .clones = s->pools.use.clones,
        .data = s->pools.use.data,
        .rx = s->pools.use.rx,
        .counters = &s->counters,
        .random = s->behaviour,
        .secrets = s->secrets,
        .arena = s->arena,
    };
}
