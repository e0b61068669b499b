/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "base/wheel.h"
#include "shard/shard.h"

/*
 * The loop. One iteration: rx, opens, completions, timers, [application,] cuts and seals,
 * completions, output, tx. Two halves, because the application stands between them.
 */

enum {
    ROUNDS_MAX = 8,      /* of jobs in one stage: what an inline queue completes makes more */
    TIMERS_BUDGET = 512, /* in one iteration */
};

static const uint64_t hold_max_ns = 10000000;
static const uint64_t tx_retry_ns = 10000; /* a port that was full: ask again about then */

void sl_shard_clock(struct sl_shard *s)
{
    s->now_ns = s->io.now_ns(s->io.ctx);
    if (s->left_ns != 0 && s->now_ns - s->left_ns > hold_max_ns)
        sl_count(&s->counters, SL_COUNT_HOLDS);
    s->left_ns = 0;
}

/* ---- receive -------------------------------------------------------------------------------- */

struct burst {
    struct sl_seg segs[SL_SHARD_BURST];
    struct sl_tcb *tcbs[SL_SHARD_BURST];
    unsigned n;
};

/* Both lines of an mbuf, which will be written: trimmed, unlinked, freed. */
static void prefetch_mbuf(const struct rte_mbuf *m)
{
    rte_prefetch0_write(m);
    rte_prefetch0_write((const char *)m + RTE_CACHE_LINE_SIZE);
}

/*
 * Where frames came over a ring, mbufs and headers lie in another core's cache, and each line takes
 * longer to come than a segment to process: all are asked for at once.
 */
static void prefetch_frames(struct rte_mbuf *const *pkts, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        prefetch_mbuf(pkts[i]);
    for (i = 0; i < n; i++) {
        rte_prefetch0(rte_pktmbuf_mtod(pkts[i], const void *));
        if (pkts[i]->nb_segs > 1)
            prefetch_mbuf(pkts[i]->next);
    }
}

/* What lies behind a header of its own: the first bytes, and the mbuf whose they are. */
static void prefetch_behind(const struct rte_mbuf *head)
{
    const struct rte_mbuf *m = head->next;

    if (m == NULL)
        return;
    rte_prefetch0(rte_pktmbuf_mtod(m, const void *));
    if (RTE_MBUF_CLONED(m))
        rte_prefetch0_write(rte_mbuf_from_indirect((struct rte_mbuf *)m));
}

/* Frames to segments; what is no segment of TCP was answered or dropped below. */
static void parse_burst(struct sl_shard *s, uint16_t port, struct rte_mbuf **pkts, unsigned n,
                        struct burst *b)
{
    unsigned i;

    b->n = 0;
    prefetch_frames(pkts, n);
    for (i = 0; i < n; i++) {
        struct sl_seg *seg = &b->segs[b->n];
        struct sl_net_meta meta;
        enum sl_drop drop;

        if (unlikely(s->pcap != NULL))
            sl_pcap_frame(s->pcap, pkts[i], s->now_ns);
        if (sl_net_input(s->net, port, &pkts[i], s->now_ns, &meta) != SL_NET_TRANSPORT)
            continue;
        drop = sl_seg_read(pkts[i], &meta, seg);
        if (unlikely(drop != SL_DROP_NONE)) {
            sl_count_drop(&s->counters, drop);
            rte_pktmbuf_free(seg->m);
            continue;
        }
        prefetch_behind(seg->m);
        b->n++;
    }
}

static bool is_first_syn(const struct sl_seg *seg)
{
    return (seg->flags & (SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST)) == SL_TCP_SYN;
}

static void take_without_flow(struct sl_shard *s, struct sl_seg *seg)
{
    struct sl_tcp_listener *l = sl_listeners_find(&s->listeners, &seg->local, seg->local_port);

    if (l != NULL)
        (void)sl_tcp_listener_segment(s->tcp, l, seg, s->mtu_bytes[seg->port], s->now_ns);
    else
        (void)sl_tcp_stray_segment(s->tcp, seg, s->now_ns);
}

/* A SYN may end a TIME-WAIT (D3), but only for somebody who takes it. */
static bool is_reopening(struct sl_shard *s, struct sl_tcb *tcb, const struct sl_seg *seg)
{
    return is_first_syn(seg) &&
           sl_listeners_find(&s->listeners, &seg->local, seg->local_port) != NULL &&
           sl_tcp_time_wait_reopens(s->tcp, tcb, seg, s->now_ns);
}

static struct sl_tcb *find_again(const struct sl_shard *s, const struct sl_seg *seg)
{
    return sl_flows_find(&s->flows, &seg->local, seg->local_port, &seg->remote, seg->remote_port);
}

static void take_burst(struct sl_shard *s, struct burst *b)
{
    const uint32_t epoch = s->flows.epoch;
    unsigned i;

    for (i = 0; i < b->n; i++) {
        struct sl_seg *seg = &b->segs[i];
        struct sl_tcb *tcb = b->tcbs[i];

        if (unlikely(s->flows.epoch != epoch)) /* segments before this one opened or ended flows */
            tcb = find_again(s, seg);
        if (tcb != NULL && !is_reopening(s, tcb, seg))
            (void)sl_tcp_segment(s->tcp, tcb, seg, s->now_ns);
        else
            take_without_flow(s, seg);
    }
}

static unsigned receive(struct sl_shard *s)
{
    struct rte_mbuf *pkts[SL_SHARD_BURST];
    struct burst b;
    unsigned i, total = 0;

    for (i = 0; i < s->n_ports; i++) {
        const unsigned n = s->io.rx(s->io.ctx, s->ports[i], pkts, SL_SHARD_BURST);

        if (n == 0)
            continue;
        total += n;
        parse_burst(s, s->ports[i], pkts, n, &b);
        if (b.n > 0)
            sl_flows_find_burst(&s->flows, b.segs, b.n, b.tcbs);
        take_burst(s, &b);
    }
    sl_count_add(&s->counters, SL_COUNT_PKTS_IN, total);
    return total;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

/*
 * `make` lets TCP fill jobs, which go to the queue; what comes back at once may make more. What is
 * left after the last round waits for the next iteration.
 */
static unsigned run_jobs(struct sl_shard *s, void (*make)(struct sl_tcp *tcp, uint64_t now_ns))
{
    struct sl_job *done[SL_JOBS_BURST];
    unsigned round, i, n, total = 0;

    for (round = 0; round < ROUNDS_MAX; round++) {
        make(s->tcp, s->now_ns);
        n = sl_jobs_run(&s->jobs, done, s->now_ns);
        for (i = 0; i < n; i++)
            sl_tcp_job_done(s->tcp, done[i], s->now_ns);
        total += n;
        if (n == 0)
            break;
    }
    return total;
}

/* ---- halves --------------------------------------------------------------------------------- */

bool sl_shard_before_app(struct sl_shard *s)
{
    bool did;

    if (s->tcp == NULL)
        return false;
    did = receive(s) > 0;
    did |= run_jobs(s, sl_tcp_read_frames) > 0;
    sl_tcp_timers(s->tcp, TIMERS_BUDGET, s->now_ns);
    if (sl_net_next_ns(s->net) <= s->now_ns) {
        sl_net_timeout(s->net, s->now_ns);
        did = true;
    }
    return did;
}

bool sl_shard_after_app(struct sl_shard *s)
{
    const uint64_t sent_before = s->n_sent;
    bool did = false;

    if (s->tcp == NULL)
        return false;
    if (likely(sl_shard_may_tx(s)))
        did = run_jobs(s, sl_tcp_cut_frames) > 0;
    sl_tcp_output(s->tcp, s->now_ns);
    (void)sl_shard_flush_ports(s);
    if (unlikely(s->pcap != NULL))
        sl_pcap_flush(s->pcap);
    return did || s->n_sent != sent_before;
}

bool sl_shard_iterate(struct sl_shard *s)
{
    bool did;

    sl_shard_clock(s);
    did = sl_shard_before_app(s);
    return sl_shard_after_app(s) || did;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t sl_shard_next_ns(const struct sl_shard *s)
{
    uint64_t next_ns;
    unsigned i;

    if (s->tcp == NULL)
        return SL_NEVER;
    for (i = 0; i < s->n_ports; i++) {
        if (s->txqs[s->ports[i]].n > 0)
            return s->now_ns + tx_retry_ns;
    }
    if (sl_tcp_has_work(s->tcp))
        return s->now_ns;
    next_ns = earlier(sl_tcp_next_ns(s->tcp), sl_net_next_ns(s->net));
    return earlier(next_ns, sl_jobs_next_ns(&s->jobs, s->now_ns));
}

void sl_shard_idle(struct sl_shard *s, uint64_t until_ns)
{
    if (s->io.idle == NULL)
        return;
    if (s->left_ns != 0) /* the time that passes now is not the application's */
        sl_shard_clock(s);
    s->io.idle(s->io.ctx, earlier(until_ns, sl_shard_next_ns(s)));
}

void sl_shard_run(struct sl_shard *s, bool (*each)(void *ctx), void *ctx)
{
    bool goes_on = true;

    while (goes_on) {
        bool did;

        sl_shard_clock(s);
        did = sl_shard_before_app(s);
        s->is_running = true;
        goes_on = each(ctx);
        s->is_running = false;
        did |= sl_shard_after_app(s);
        s->left_ns = s->now_ns;
        if (!did && goes_on)
            sl_shard_idle(s, SL_NEVER);
    }
    s->left_ns = 0;
}
