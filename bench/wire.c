/* SPDX-License-Identifier: BSD-3-Clause */
#include <intel-ipsec-mb.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include "host.h"

/*
 * What the wire of the demo allows at most, without any TCP: two threads, a pool in the sender's
 * cache, a ring. A sender allocates bursts of mbufs, fills each with a segment's payload and passes
 * it on; a receiver takes it out and frees the mbuf. Before each sample, how far the two cores are
 * apart: a cache line there and back. See docs/performance.md.
 */
enum {
    SEGMENT_BYTES = 1448,
    FRAME_BYTES = 1428, /* of data in a frame that fills a segment: AEAD text of 1 more */
    AAD_BYTES = 3,
    TAG_BYTES = 16,
    NONCE_BYTES = 12,
    DATA_AT = 64,       /* of the mbuf's room: where headers would be */
    RING_FRAMES = 1024, /* as in shard/ports.c */
    POOL_MBUFS = 8191,  /* as in shard/pools.c */
    POOL_CACHE = 256,
    BURST = 64,
    HOT_SEGS = 128,     /* of the sender's and the receiver's data, over and over */
    COLD_SEGS = 185364, /* 256 MiB: in no cache */
};

enum step { PASS, COPY, SEAL, STEPS };

static const char *const step_names[STEPS] = {
    [PASS] = "pass mbufs",
    [COPY] = "copy 1448 bytes in and out",
    [SEAL] = "copy and AES-128-GCM in place, at both ends",
};
static const char *const step_keys[STEPS] = {"pass", "copy", "seal"};

static struct wire {
    struct rte_ring *ring;
    struct rte_mempool *pool;
    uint8_t *source, *target;
    size_t data_bytes;
    uint64_t segments;
    enum step step;
    IMB_MGR *mgr;
    struct gcm_key_data key;
    _Alignas(64) atomic_uint ready;   /* both threads start at once */
    _Alignas(64) uint64_t begin, end; /* TSC */
    uint64_t failed;                  /* tags */
} wire;

static void meet(void)
{
    (void)atomic_fetch_add(&wire.ready, 1);
    while (atomic_load(&wire.ready) < 2)
        rte_pause();
}

/* ---- the sender ----------------------------------------------------------------------------- */

static void put_nonce(uint8_t nonce[NONCE_BYTES], uint64_t i)
{
    memset(nonce, 0, NONCE_BYTES);
    memcpy(nonce, &i, sizeof(i));
}

static void fill(struct rte_mbuf *m, uint64_t i)
{
    static struct gcm_context_data context;
    const size_t len = wire.step == SEAL ? FRAME_BYTES : SEGMENT_BYTES;
    uint8_t *at = rte_pktmbuf_mtod_offset(m, uint8_t *, DATA_AT), nonce[NONCE_BYTES];

    if (wire.step == PASS)
        return;
    memcpy(at, wire.source + i * SEGMENT_BYTES % wire.data_bytes, len);
    if (wire.step != SEAL)
        return;
    put_nonce(nonce, i);
    IMB_AES128_GCM_ENC(wire.mgr, &wire.key, &context, at, at, len, nonce, nonce, AAD_BYTES,
                       at + len, TAG_BYTES);
}

static void send_all(void)
{
    struct rte_mbuf *burst[BURST];
    uint64_t i, sent;
    unsigned k;

    for (sent = 0; sent < wire.segments; sent += BURST) {
        void **at = (void **)burst;

        while (rte_pktmbuf_alloc_bulk(wire.pool, burst, BURST) != 0)
            rte_pause();
        for (i = sent; i < sent + BURST; i++)
            fill(burst[i - sent], i);
        for (k = 0; k < BURST;)
            k += rte_ring_sp_enqueue_burst(wire.ring, at + k, BURST - k, NULL);
    }
}

/* ---- the receiver --------------------------------------------------------------------------- */

static void drain(struct rte_mbuf *m, uint64_t i)
{
    static struct gcm_context_data context;
    const size_t len = wire.step == SEAL ? FRAME_BYTES : SEGMENT_BYTES;
    uint8_t *at = rte_pktmbuf_mtod_offset(m, uint8_t *, DATA_AT);
    uint8_t nonce[NONCE_BYTES], tag[TAG_BYTES];

    if (wire.step == PASS)
        return;
    if (wire.step == SEAL) {
        put_nonce(nonce, i);
        IMB_AES128_GCM_DEC(wire.mgr, &wire.key, &context, at, at, len, nonce, nonce, AAD_BYTES, tag,
                           TAG_BYTES);
        wire.failed += memcmp(tag, at + len, TAG_BYTES) != 0;
    }
    memcpy(wire.target + i * SEGMENT_BYTES % wire.data_bytes, at, len);
}

static void receive_all(void)
{
    struct rte_mbuf *burst[BURST];
    uint64_t got = 0;

    while (got < wire.segments) {
        const unsigned n = rte_ring_sc_dequeue_burst(wire.ring, (void **)burst, BURST, NULL);
        unsigned i;

        for (i = 0; i < n; i++)
            rte_prefetch0(burst[i]);
        for (i = 0; i < n; i++)
            drain(burst[i], got + i);
        if (n > 0)
            rte_pktmbuf_free_bulk(burst, n);
        got += n;
    }
}

/* ---- a sample ------------------------------------------------------------------------------- */

static int sender(void *arg)
{
    (void)arg;
    meet();
    wire.begin = rte_rdtsc();
    send_all();
    return 0;
}

struct sample {
    double gbps, cycles, bounce_ns;
};

static struct sample run(enum step step, unsigned lcore)
{
    const double bytes = step == SEAL ? FRAME_BYTES : SEGMENT_BYTES;
    struct sample s = {.bounce_ns = host_bounce_ns(lcore)};

    wire.step = step;
    wire.failed = 0;
    atomic_store(&wire.ready, 0);
    if (rte_eal_remote_launch(sender, NULL, lcore) != 0)
        host_die("the other lcore does not start");
    meet();
    receive_all();
    wire.end = rte_rdtsc();
    (void)rte_eal_wait_lcore(lcore);
    if (wire.failed > 0)
        host_die("%" PRIu64 " tags are wrong", wire.failed);
    s.cycles = (double)(wire.end - wire.begin) / (double)wire.segments;
    s.gbps = bytes * 8 / (s.cycles / (double)rte_get_tsc_hz() * 1e9);
    return s;
}

/* ---- coming up ------------------------------------------------------------------------------ */

static void start(char *program, bool hot)
{
    const uint8_t key[16] = {1};

    host_start(program, "256", "0@0,1@1");
    wire.data_bytes = (size_t)(hot ? HOT_SEGS : COLD_SEGS) * SEGMENT_BYTES;
    wire.source = host_map(wire.data_bytes);
    wire.target = host_map(wire.data_bytes);
    wire.ring = rte_ring_create("wire", RING_FRAMES, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    wire.pool = rte_pktmbuf_pool_create_by_ops(
        "wire", POOL_MBUFS, POOL_CACHE, 0, RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY, "lf_stack");
    wire.mgr = alloc_mb_mgr(0);
    if (wire.ring == NULL || wire.pool == NULL || wire.mgr == NULL)
        host_die("no memory");
    init_mb_mgr_auto(wire.mgr, NULL);
    IMB_AES128_GCM_PRE(wire.mgr, key, &wire.key);
}

/* ---- telling -------------------------------------------------------------------------------- */

static void tell(enum step step, const struct sample *s, json_t *all)
{
    json_t *o;

    if (all == NULL) {
        (void)printf("%-46s %7.1f Gbit/s %7.0f TSC cycles a segment, cores %.0f ns apart\n",
                     step_names[step], s->gbps, s->cycles, s->bounce_ns);
        return;
    }
    o = json_pack("{s:f, s:f, s:f}", "gbps", s->gbps, "cycles", s->cycles, "bounce_ns",
                  s->bounce_ns);
    (void)json_object_set_new(all, step_keys[step], o);
}

int main(int argc, char **argv)
{
    static const char usage[] = "wire [--json] [--hot] [--mib N]";
    json_t *all = NULL;
    unsigned long mib = 1024;
    bool hot = false;
    unsigned step;

    (void)argc;
    for (char **arg = argv + 1; *arg != NULL; arg++) {
        if (strcmp(*arg, "--json") == 0)
            all = json_object();
        else if (strcmp(*arg, "--hot") == 0)
            hot = true;
        else
            mib = host_number(strcmp(*arg, "--mib") == 0 ? *++arg : NULL, usage);
    }
    start(argv[0], hot);
    wire.segments = (mib << 20) / SEGMENT_BYTES / BURST * BURST;
    for (step = 0; step < STEPS; step++) {
        const struct sample s = run((enum step)step, 1);

        tell((enum step)step, &s, all);
    }
    if (all != NULL) {
        (void)json_dumpf(all, stdout, JSON_REAL_PRECISION(6));
        (void)putchar('\n');
        json_decref(all);
    }
    (void)rte_eal_cleanup();
    return 0;
}
