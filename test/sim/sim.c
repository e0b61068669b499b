/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbufs/mbufs.h"

static struct rte_mempool *wire_pool; /* what arrives, one for all runs of the process */

enum { WIRE_MBUFS = 16383, TURNS_WITHOUT_TIME = 100000 };

const char *sim_address(unsigned node)
{
    return node == 0 ? "10.9.0.1" : "10.9.0.2";
}

void sim_fail(struct sim *s, const char *format, ...)
{
    va_list args;

    if (s->error[0] != '\0')
        return;
    va_start(args, format);
    (void)vsnprintf(s->error, sizeof(s->error), format, args);
    va_end(args);
}

uint64_t sim_random(struct sim *s, uint64_t below)
{
    return sl_random_below(s->random, below);
}

static bool happens(struct sim *s, uint32_t ppm)
{
    return ppm > 0 && sim_random(s, 1000000) < ppm;
}

/* ---- frames on their way: a heap by time of arrival ------------------------------------------ */

static bool is_before(const struct sim_frame *a, const struct sim_frame *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->serial < b->serial;
}

static void heap_push(struct sim_node *n, struct sim_frame *f)
{
    uint32_t i = n->n++;

    if (n->n > n->room) {
        n->room = n->room == 0 ? 64 : 2 * n->room;
        n->heap = realloc(n->heap, n->room * sizeof(struct sim_frame *));
        if (n->heap == NULL)
            abort();
    }
    for (; i > 0 && is_before(f, n->heap[(i - 1) / 2]); i = (i - 1) / 2)
        n->heap[i] = n->heap[(i - 1) / 2];
    n->heap[i] = f;
}

static struct sim_frame *heap_pop(struct sim_node *n)
{
    struct sim_frame *first = n->heap[0], *last = n->heap[--n->n];
    uint32_t i = 0, child;

    while ((child = 2 * i + 1) < n->n) {
        if (child + 1 < n->n && is_before(n->heap[child + 1], n->heap[child]))
            child++;
        if (!is_before(n->heap[child], last))
            break;
        n->heap[i] = n->heap[child];
        i = child;
    }
    n->heap[i] = last;
    return first;
}

static void deliver_at(struct sim *s, unsigned to, const uint8_t *bytes, uint32_t len,
                       uint64_t at_ns)
{
    struct sim_frame *f = malloc(sizeof(*f) + len);

    if (f == NULL)
        abort();
    *f = (struct sim_frame){.at_ns = at_ns, .serial = s->serial++, .len = len};
    memcpy(f->bytes, bytes, len);
    heap_push(&s->node[to], f);
}

void sim_inject(struct sim *s, unsigned to, const uint8_t *frame, uint32_t len, uint64_t delay_ns)
{
    deliver_at(s, to, frame, len, s->now_ns + delay_ns);
}

/* ---- the wire ----------------------------------------------------------------------------------
 */

/* FNV-1a over all that is sent, with its time. */
static void digest(struct sim *s, const uint8_t *bytes, uint32_t len)
{
    uint64_t h = s->digest ^ s->now_ns;

    for (uint32_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    s->digest = h;
    s->frames_sent++;
}

/* When the wire has room; SL_NEVER when its queue is full. */
static uint64_t wire_time(struct sim *s, struct sim_link *l, uint32_t len)
{
    uint64_t waits_ns, each_ns;

    if (l->bytes_per_s == 0)
        return s->now_ns;
    each_ns = (uint64_t)len * SIM_S / l->bytes_per_s;
    if (l->free_ns < s->now_ns)
        l->free_ns = s->now_ns;
    waits_ns = l->free_ns - s->now_ns;
    if (l->queue_pkts > 0 && waits_ns > l->queue_pkts * (1500 * SIM_S / l->bytes_per_s))
        return UINT64_MAX;
    l->free_ns += each_ns;
    return l->free_ns;
}

static void send_frame(struct sim *s, unsigned from, uint8_t *frame, uint32_t len)
{
    struct sim_link *l = &s->link[from];
    const unsigned copies = 1 + happens(s, l->duplicate_ppm);
    uint64_t at_ns = wire_time(s, l, len);

    if (at_ns == UINT64_MAX || happens(s, l->loss_ppm))
        return;
    for (unsigned i = 0; i < copies; i++) {
        uint64_t arrives_ns = at_ns + l->delay_ns;

        if (l->jitter_ns > 0)
            arrives_ns += sim_random(s, l->jitter_ns);
        if (happens(s, l->reorder_ppm))
            arrives_ns += sim_random(s, l->reorder_ns + 1);
        /* ARP has no checksum: what corrupts it stays in tables, which is not the matter here. */
        if (len > 13 && frame[12] == 8 && frame[13] == 0 && happens(s, l->corrupt_ppm))
            frame[sim_random(s, len)] ^= (uint8_t)(1u << sim_random(s, 8));
        deliver_at(s, 1 - from, frame, len, arrives_ns);
    }
}

static uint64_t node_now(void *ctx)
{
    const struct sim_node *n = ctx;

    return n->sim->now_ns;
}

static uint16_t node_rx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t max)
{
    struct sim_node *n = ctx;
    uint16_t got = 0;

    (void)port;
    while (got < max && n->n > 0 && n->heap[0]->at_ns <= n->sim->now_ns) {
        struct sim_frame *f = heap_pop(n);

        pkts[got++] = test_mbuf(wire_pool, f->bytes, f->len, 0, 0);
        free(f);
    }
    return got;
}

static uint16_t node_tx(void *ctx, uint16_t port, struct rte_mbuf **pkts, uint16_t n_pkts)
{
    struct sim_node *n = ctx;
    struct sim *s = n->sim;

    (void)port;
    for (uint16_t i = 0; i < n_pkts; i++) {
        enum { ROOM = 2048 };
        uint8_t frame[ROOM];
        uint32_t len = 0;

        for (const struct rte_mbuf *m = pkts[i]; m != NULL && len + m->data_len <= ROOM;
             m = m->next) {
            memcpy(frame + len, rte_pktmbuf_mtod(m, const void *), m->data_len);
            len += m->data_len;
        }
        if (len != pkts[i]->pkt_len)
            sim_fail(s, "frame of %u bytes sent, %u in its segments", pkts[i]->pkt_len, len);
        rte_pktmbuf_free(pkts[i]);
        digest(s, frame, len);
        if (s->middlebox == NULL || s->middlebox(s, s->middlebox_ctx, n->index, frame, &len, ROOM))
            send_frame(s, n->index, frame, len);
    }
    return n_pkts;
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct sl_shard_config sim_config(uint64_t seed, unsigned node)
{
    struct sl_shard_config c = sl_shard_config_default();

    c.index = node;
    c.connections_max = 512;
    c.half_open_max = 128;
    c.time_wait_max = 128;
    c.descriptors_max = 1024;
    c.neighbours_max = 64;
    c.jobs_max = 512;
    c.rcvbuf_bytes = 256 << 10;
    c.sndbuf_bytes = 128 << 10;
    c.pool_elements = 4095;
    c.keys_cached = 64;
    c.seed = seed * 2 + node + 1;
    c.seeded_secrets = true;
    return c;
}

static bool start_node(struct sim *s, unsigned i, const struct sl_shard_config *config,
                       bool with_worker)
{
    static const struct sl_shard_port base = {.mtu_bytes = 1500};
    struct sim_node *n = &s->node[i];
    struct sl_shard_config c = *config;
    struct sl_shard_port port = base;
    const struct sl_shard_io io = {n, node_now, node_rx, node_tx, NULL};
    char err[256] = "", address[32];

    *n = (struct sim_node){.sim = s, .index = i, .wake_ns = UINT64_MAX};
    if (with_worker) {
        n->worker = sim_worker_create(c.seed);
        c.job_queue = sim_worker_queue(n->worker);
    }
    n->shard = sl_shard_create(&c, &io, err, sizeof(err));
    if (n->shard == NULL) {
        sim_fail(s, "node %u does not start: %s", i, err);
        return false;
    }
    if (with_worker)
        sim_worker_serve(n->worker, n->shard);
    port.mac[0] = 0x02;
    port.mac[5] = (uint8_t)(i + 1);
    (void)snprintf(address, sizeof(address), "%s/24", sim_address(i));
    if (sl_shard_port_add(n->shard, &port) < 0 || sl_shard_address_add(n->shard, 0, address) < 0) {
        sim_fail(s, "node %u gets no port", i);
        return false;
    }
    return true;
}

bool sim_start(struct sim *s, uint64_t seed, const struct sl_shard_config config[2],
               bool with_worker)
{
    test_eal();
    if (wire_pool == NULL)
        wire_pool = test_pool("wire", WIRE_MBUFS);
    *s = (struct sim){.now_ns = SIM_S, .digest = UINT64_C(0xcbf29ce484222325)};
    s->random = sl_random_seed(&s->seeded, seed);
    for (unsigned i = 0; i < 2; i++)
        s->link[i] = (struct sim_link){.delay_ns = SIM_MS};
    return start_node(s, 0, &config[0], with_worker) && start_node(s, 1, &config[1], with_worker);
}

/* One turn of each node. True if anything was done. */
static bool turn(struct sim *s)
{
    bool did = false;

    for (unsigned i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];

        (void)sl_shard_enter(n->shard);
        did |= sl_shard_iterate(n->shard);
        if (n->step != NULL && n->step(n->app))
            did = true;
    }
    return did;
}

static uint64_t next_event_ns(const struct sim *s)
{
    uint64_t next_ns = UINT64_MAX;

    for (unsigned i = 0; i < 2; i++) {
        const struct sim_node *n = &s->node[i];
        const uint64_t shard_ns = sl_shard_next_ns(n->shard);

        if (n->n > 0 && n->heap[0]->at_ns < next_ns)
            next_ns = n->heap[0]->at_ns;
        if (shard_ns < next_ns)
            next_ns = shard_ns;
        if (n->wake_ns > s->now_ns && n->wake_ns < next_ns)
            next_ns = n->wake_ns;
    }
    return next_ns;
}

bool sim_run(struct sim *s, uint64_t limit_ns, bool (*until)(void *ctx), void *ctx)
{
    const uint64_t end_ns = s->now_ns + limit_ns;
    unsigned turns = 0;

    while (s->error[0] == '\0') {
        const bool did = turn(s);
        uint64_t next_ns;

        if (until(ctx))
            return true;
        if (did && ++turns < TURNS_WITHOUT_TIME)
            continue;
        next_ns = next_event_ns(s);
        if (!did && next_ns <= s->now_ns && ++turns < TURNS_WITHOUT_TIME)
            continue;
        if (turns >= TURNS_WITHOUT_TIME) {
            sim_fail(s, "the stack is busy for ever at %llu ns", (unsigned long long)s->now_ns);
            return false;
        }
        turns = 0;
        if (next_ns >= end_ns) {
            s->now_ns = end_ns;
            return until(ctx);
        }
        s->now_ns = next_ns;
    }
    return false;
}

void sim_stop(struct sim *s)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];

        if (n->shard != NULL) {
            (void)sl_shard_enter(n->shard);
            if (n->worker != NULL)
                sim_worker_hurry(n->worker);
            sl_shard_flush(n->shard);
            if (sl_shard_mbufs_out(n->shard) != 0)
                sim_fail(s, "node %u: %llu mbufs leaked", i,
                         (unsigned long long)sl_shard_mbufs_out(n->shard));
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        struct sim_node *n = &s->node[i];

        sl_shard_destroy(n->shard);
        sim_worker_destroy(n->worker);
        while (n->n > 0)
            free(heap_pop(n));
        free(n->heap);
    }
    if (rte_mempool_in_use_count(wire_pool) != 0)
        sim_fail(s, "%u received mbufs leaked", rte_mempool_in_use_count(wire_pool));
}
