/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <rte_byteorder.h>
#include <rte_tcp.h>

#include "mbufs/mbufs.h"
#include "tcpcrypt/aead/engine.h"

enum { POOL_MBUFS = 1023, POOLS = 4, SLOTS = 256, KEYS = 16, ROUNDS_MAX = 64, WAKES_MAX = 200000 };

static struct rte_mempool *pools[POOLS];

void host_init(void)
{
    static const char *const names[POOLS] = {"heads", "clones", "data", "rx"};

    test_eal();
    for (unsigned i = 0; i < POOLS; i++)
        pools[i] = test_pool(names[i], POOL_MBUFS);
}

struct sl_addr host_local(void)
{
    return sl_addr_of_ip4(rte_cpu_to_be_32(0x0a000001));
}

struct sl_addr host_remote(void)
{
    return sl_addr_of_ip4(rte_cpu_to_be_32(0x0a000002));
}

/* ---- struct sl_tcp_host -------------------------------------------------------------------- */

static void take(struct host *h, struct sl_tcb *tcb, struct rte_mbuf *m)
{
    size_t len;
    uint8_t *bytes = test_bytes(m, &len);

    FUZZ_CHECK(rte_pktmbuf_headroom(m) >= SL_NET_HEAD_BYTES);
    FUZZ_CHECK(m->data_len >= sizeof(struct rte_tcp_hdr));
    if (h->sent != NULL)
        h->sent(h, tcb, bytes, len);
    free(bytes);
    rte_pktmbuf_free(m);
}

static enum sl_drop tx(void *ctx, struct sl_tcb *tcb, struct rte_mbuf *m)
{
    take(ctx, tcb, m);
    return SL_DROP_NONE;
}

static void tx_stray(void *ctx, const struct sl_net_hdr *hdr, struct rte_mbuf *m)
{
    (void)hdr;
    take(ctx, NULL, m);
}

static struct sl_tcb *find(const struct host *h, const struct sl_addr *remote, uint16_t local_port,
                           uint16_t remote_port)
{
    for (unsigned i = 0; i < h->n_flows; i++) {
        struct sl_tcb *tcb = h->flows[i];

        if (tcb->local_port == local_port && tcb->remote_port == remote_port &&
            sl_addr_eq(&tcb->remote, remote))
            return tcb;
    }
    return NULL;
}

static bool flow_add(void *ctx, struct sl_tcb *tcb)
{
    struct host *h = ctx;

    if (h->n_flows == HOST_FLOWS_MAX ||
        find(h, &tcb->remote, tcb->local_port, tcb->remote_port) != NULL)
        return false;
    h->flows[h->n_flows++] = tcb;
    if (h->opened != NULL)
        h->opened(h, tcb);
    return true;
}

static void flow_remove(void *ctx, struct sl_tcb *tcb)
{
    struct host *h = ctx;
    unsigned i = 0;

    while (i < h->n_flows && h->flows[i] != tcb)
        i++;
    FUZZ_CHECK(i < h->n_flows);
    h->flows[i] = h->flows[--h->n_flows];
    if (h->ended != NULL)
        h->ended(h, tcb);
}

static void event(void *ctx, struct sl_tcb *tcb, unsigned ev)
{
    struct host *h = ctx;

    if (h->event != NULL)
        h->event(h, tcb, ev);
}

static void acceptable(void *ctx, struct sl_tcp_listener *l)
{
    const struct host *h = ctx;

    FUZZ_CHECK(l == h->listener);
}

static void job(void *ctx, struct sl_job *j)
{
    const struct host *h = ctx;

    FUZZ_CHECK(h->queue->ops->submit(h->queue, &j, 1, h->now_ns) == 1);
}

static void path(void *ctx, struct sl_tcb *tcb, bool good)
{
    (void)ctx, (void)tcb, (void)good;
}

/* ---- begin and end ------------------------------------------------------------------------- */

void host_begin(struct host *h, const struct sl_tcp_config *config)
{
    struct sl_tcp_host host = {
        .ctx = h,
        .tx = tx,
        .tx_stray = tx_stray,
        .flow_add = flow_add,
        .flow_remove = flow_remove,
        .event = event,
        .acceptable = acceptable,
        .job = job,
        .path = path,
        .heads = pools[0],
        .clones = pools[1],
        .data = pools[2],
        .rx = pools[3],
        .counters = &h->counters,
    };

    h->now_ns = UINT64_C(1000000000);
    host.random = sl_random_seed(&h->random, 1);
    host.secrets = sl_random_seed(&h->secrets, 2);
    host.arena = h->arena = sl_arena_create(SLOTS);
    h->engine = sl_aead_engine_find("openssl")->create(h->arena, KEYS);
    host.queue = h->queue = sl_inline_queue_create(h->engine, 8);
    h->tcp = sl_tcp_create(config, &host, h->now_ns);
    FUZZ_CHECK(h->tcp != NULL);
}

void host_end(struct host *h)
{
    /* Jobs come back first. */
    for (int i = 0; i < ROUNDS_MAX; i++)
        host_iterate(h);
    sl_tcp_destroy(h->tcp);
    FUZZ_CHECK(h->n_flows == 0);
    FUZZ_CHECK(sl_arena_used(h->arena) == 0); /* no secret is left */
    sl_inline_queue_destroy(h->queue);
    h->engine->ops->destroy(h->engine);
    sl_arena_destroy(h->arena);
    for (unsigned i = 0; i < POOLS; i++)
        test_pool_whole(pools[i]);
}

/* ---- segments and time --------------------------------------------------------------------- */

static bool is_first_syn(const struct sl_seg *seg)
{
    return (seg->flags & (SL_TCP_SYN | SL_TCP_ACK | SL_TCP_RST)) == SL_TCP_SYN;
}

void host_segment(struct host *h, const struct sl_addr *remote, const uint8_t *bytes, size_t len)
{
    const struct sl_net_meta meta = {.src = *remote, .dst = host_local(), .protocol = 6, .ttl = 64};
    struct sl_seg seg;
    struct sl_tcb *tcb;

    if (sl_seg_read(test_mbuf(pools[3], bytes, len, 0, 0), &meta, &seg) != SL_DROP_NONE) {
        rte_pktmbuf_free(seg.m);
        return;
    }

    const bool listens = h->listener != NULL && seg.local_port == rte_cpu_to_be_16(HOST_PORT);

    tcb = find(h, remote, seg.local_port, seg.remote_port);
    if (tcb != NULL &&
        !(listens && is_first_syn(&seg) && sl_tcp_time_wait_reopens(h->tcp, tcb, &seg, h->now_ns)))
        (void)sl_tcp_segment(h->tcp, tcb, &seg, h->now_ns);
    else if (listens)
        (void)sl_tcp_listener_segment(h->tcp, h->listener, &seg, HOST_MTU, h->now_ns);
    else
        (void)sl_tcp_stray_segment(h->tcp, &seg, h->now_ns);
}

static void jobs(struct host *h, void (*make)(struct sl_tcp *tcp, uint64_t now_ns))
{
    struct sl_job *done[32];
    size_t n;

    do {
        make(h->tcp, h->now_ns);
        n = h->queue->ops->poll(h->queue, done, 32, h->now_ns);
        for (size_t i = 0; i < n; i++)
            sl_tcp_job_done(h->tcp, done[i], h->now_ns);
    } while (n > 0);
}

void host_iterate(struct host *h)
{
    jobs(h, sl_tcp_read_frames);
    sl_tcp_timers(h->tcp, 64, h->now_ns);
    jobs(h, sl_tcp_cut_frames);
    sl_tcp_output(h->tcp, h->now_ns);
}

void host_pass(struct host *h, uint64_t ns)
{
    const uint64_t end_ns = h->now_ns + ns;
    unsigned wakes = 0;

    host_iterate(h);
    while (sl_tcp_next_ns(h->tcp) <= end_ns) {
        const uint64_t next_ns = sl_tcp_next_ns(h->tcp);

        h->now_ns = next_ns > h->now_ns ? next_ns : h->now_ns + 1;
        host_iterate(h);
        FUZZ_CHECK(++wakes < WAKES_MAX); /* a deadline that does not go away */
    }
    h->now_ns = end_ns;
    host_iterate(h);
}
