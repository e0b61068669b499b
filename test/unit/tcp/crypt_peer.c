/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypt_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <rte_byteorder.h>
#include <rte_tcp.h>

#include "mbufs/mbufs.h"

enum {
    LOCAL_PORT = 5000,
    REMOTE_PORT = 6000,
    MTU = 1500,
    NS_PER_MS = 1000000,
    ROUNDS = 8,
    POOL = 1023,
    ENO = 69,
};

static uint8_t pattern(uint64_t at)
{
    return (uint8_t)(at * 167 + (at >> 8) * 13 + 7);
}

/* ---- the host -----------------------------------------------------------------------------------
 */

static bool has_eno(const uint8_t *tcp, uint32_t len)
{
    for (uint32_t i = 20; i + 1 < len && tcp[i] != 0; i += tcp[i] == 1 ? 1 : tcp[i + 1]) {
        if (tcp[i] == ENO)
            return true;
    }
    return false;
}

/* The payload goes to where the peer's TEP reads it. */
static void take_payload(struct peer *p, uint64_t offset, const uint8_t *bytes, uint32_t len)
{
    struct seam_end *us = &p->seam.a;
    const uint64_t known = offset < us->sent_len ? us->sent_len - offset : 0;

    cr_assert_leq(offset, us->sent_len, "a gap in our stream");
    cr_assert_leq(offset + len, (uint64_t)SEAM_STREAM_BYTES);
    if (memcmp(us->sent + offset, bytes, known < len ? known : len) != 0)
        p->changed = true;
    memcpy(us->sent + offset, bytes, len);
    if (offset + len > us->sent_len)
        us->sent_len = offset + len;
}

static enum sl_drop host_tx(void *ctx, struct sl_tcb *tcb, struct rte_mbuf *m)
{
    struct peer *p = ctx;
    size_t len;
    uint8_t *bytes = test_bytes(m, &len);
    const struct rte_tcp_hdr *h = (const struct rte_tcp_hdr *)(const void *)bytes;
    const uint32_t head = (uint32_t)(h->data_off >> 4) * 4;
    struct peer_saw *saw = &p->saw[p->n_saw++];

    (void)tcb;
    cr_assert_lt(p->n_saw, (unsigned)PEER_SEGS_MAX);
    if ((h->tcp_flags & SL_TCP_SYN) != 0)
        p->iss = rte_be_to_cpu_32(h->sent_seq);
    *saw = (struct peer_saw){
        .offset = rte_be_to_cpu_32(h->sent_seq) - p->iss - 1,
        .len = (uint32_t)len - head,
        .ack = rte_be_to_cpu_32(h->recv_ack) - PEER_ISN - 1,
        .wnd = rte_be_to_cpu_16(h->rx_win),
        .flags = h->tcp_flags,
        .eno = has_eno(bytes, head),
    };
    if (saw->len > 0)
        take_payload(p, saw->offset, bytes + head, saw->len);
    free(bytes);
    rte_pktmbuf_free(m);
    return SL_DROP_NONE;
}

static void host_tx_stray(void *ctx, const struct sl_net_hdr *hdr, struct rte_mbuf *m)
{
    (void)ctx;
    (void)hdr;
    rte_pktmbuf_free(m);
}

static bool host_flow_add(void *ctx, struct sl_tcb *tcb)
{
    (void)ctx;
    (void)tcb;
    return true;
}

static void host_flow_remove(void *ctx, struct sl_tcb *tcb)
{
    (void)ctx;
    (void)tcb;
}

static void host_event(void *ctx, struct sl_tcb *tcb, unsigned ev)
{
    struct peer *p = ctx;

    (void)tcb;
    p->events |= ev;
}

static void host_acceptable(void *ctx, struct sl_tcp_listener *l)
{
    (void)ctx;
    (void)l;
}

static void host_job(void *ctx, struct sl_job *job)
{
    struct peer *p = ctx;

    cr_assert_eq(p->queue->ops->submit(p->queue, &job, 1, p->now_ns), 1);
}

static void host_path(void *ctx, struct sl_tcb *tcb, bool good)
{
    (void)ctx;
    (void)tcb;
    (void)good;
}

static void host_begin(struct peer *p)
{
    static const char *const names[] = {"heads", "clones", "data", "rx"};
    const struct sl_aead_engine_ops *engine = sl_aead_engine_find("openssl");

    test_eal();
    for (unsigned i = 0; i < 4; i++)
        p->pools[i] = test_pool(names[i], POOL);
    p->host = (struct sl_tcp_host){
        .ctx = p,
        .tx = host_tx,
        .tx_stray = host_tx_stray,
        .flow_add = host_flow_add,
        .flow_remove = host_flow_remove,
        .event = host_event,
        .acceptable = host_acceptable,
        .job = host_job,
        .path = host_path,
        .heads = p->pools[0],
        .clones = p->pools[1],
        .data = p->pools[2],
        .rx = p->pools[3],
        .counters = &p->counters,
        .random = sl_random_seed(&p->seeded[0], 1),
        .secrets = sl_random_seed(&p->seeded[1], 2),
        .arena = sl_arena_create(64),
    };
    p->engine = engine->create(p->host.arena, 16);
    p->queue = sl_inline_queue_create(p->engine, 8);
    p->host.queue = p->queue;
}

/* ---- time
 * ---------------------------------------------------------------------------------------- */

static void jobs(struct peer *p, void (*make)(struct sl_tcp *tcp, uint64_t now_ns))
{
    struct sl_job *done[64];
    size_t n;

    for (int round = 0; round < ROUNDS; round++) {
        make(p->tcp, p->now_ns);
        n = p->queue->ops->poll(p->queue, done, 64, p->now_ns);
        for (size_t i = 0; i < n; i++)
            sl_tcp_job_done(p->tcp, done[i], p->now_ns);
    }
}

void peer_iterate(struct peer *p)
{
    jobs(p, sl_tcp_read_frames);
    sl_tcp_timers(p->tcp, 64, p->now_ns);
    jobs(p, sl_tcp_cut_frames);
    sl_tcp_output(p->tcp, p->now_ns);
}

void peer_wait(struct peer *p, uint64_t ms)
{
    const uint64_t end_ns = p->now_ns + ms * NS_PER_MS;

    peer_iterate(p);
    while (sl_tcp_next_ns(p->tcp) <= end_ns) {
        const uint64_t next_ns = sl_tcp_next_ns(p->tcp);

        p->now_ns = next_ns > p->now_ns ? next_ns : p->now_ns + 1;
        peer_iterate(p);
    }
    p->now_ns = end_ns;
    peer_iterate(p);
}

/* ---- segments of the peer
 * ------------------------------------------------------------------------- */

static enum sl_drop send(struct peer *p, uint32_t seq, uint8_t flags, const uint8_t *bytes,
                         uint32_t len, struct sl_tcp_options o)
{
    struct sl_seg seg = {
        .m = test_mbuf(p->pools[3], bytes, len, 0, 0),
        .seq = seq,
        .ack = p->iss + 1 + (uint32_t)p->acks,
        .len = len,
        .wnd = p->wnd,
        .local_port = rte_cpu_to_be_16(LOCAL_PORT),
        .remote_port = rte_cpu_to_be_16(REMOTE_PORT),
        .flags = flags,
        .local = sl_addr_of_ip4(rte_cpu_to_be_32(0x0a000001)),
        .remote = sl_addr_of_ip4(rte_cpu_to_be_32(0x0a000002)),
        .o = o,
    };
    struct sl_tcb_facts now;

    sl_tcb_facts(p->tcb, &now);
    if (now.state == SL_TCP_CLOSED) {
        rte_pktmbuf_free(seg.m);
        return SL_DROP_TCP_NO_SOCKET;
    }
    return sl_tcp_segment(p->tcp, p->tcb, &seg, p->now_ns);
}

enum sl_drop peer_forges(struct peer *p, uint64_t at, const uint8_t *bytes, uint32_t len)
{
    return send(p, PEER_ISN + 1 + (uint32_t)at, SL_TCP_ACK, bytes, len, (struct sl_tcp_options){0});
}

enum sl_drop peer_segment(struct peer *p, uint64_t from, uint32_t len, int64_t flip)
{
    uint8_t *bytes = malloc(len);
    enum sl_drop drop;

    cr_assert_leq(from + len, p->seam.b.sent_len, "the peer has not written that");
    memcpy(bytes, p->seam.b.sent + from, len);
    if (flip >= 0)
        bytes[flip] ^= 0x10;
    drop = peer_forges(p, from, bytes, len);
    free(bytes);
    return drop;
}

enum sl_drop peer_fin(struct peer *p, uint64_t at)
{
    return send(p, PEER_ISN + 1 + (uint32_t)at, SL_TCP_ACK | SL_TCP_FIN, NULL, 0,
                (struct sl_tcp_options){0});
}

void peer_acks(struct peer *p)
{
    p->acks = p->seam.a.sent_len;
    (void)send(p, PEER_ISN + 1 + (uint32_t)p->seam.b.sent_len, SL_TCP_ACK, NULL, 0,
               (struct sl_tcp_options){0});
}

/* ---- what the peer writes
 * ------------------------------------------------------------------------- */

static uint64_t written; /* application bytes of the peer so far; one peer for each test */

uint64_t peer_writes(struct peer *p, uint32_t len, uint32_t most)
{
    const uint64_t from = p->seam.b.sent_len;
    uint8_t *data = malloc(len);

    for (uint32_t i = 0; i < len; i++)
        data[i] = pattern(written + i);
    written += len;
    seam_send(&p->seam.b, data, len, false, most + p->seam.b.ops->limits.overhead_bytes);
    free(data);
    return from;
}

uint64_t peer_ends(struct peer *p)
{
    const uint64_t from = p->seam.b.sent_len;

    seam_send(&p->seam.b, NULL, 0, true, PEER_MSS);
    return from;
}

uint64_t peer_stream_len(const struct peer *p)
{
    return p->seam.b.sent_len;
}

/* ---- a connection
 * --------------------------------------------------------------------------------- */

static void begin_teps(struct peer *p, const struct sl_tep_ops *ops)
{
    const uint8_t transcript[] = {ENO, 3, ops->id, ENO, 4, 1, ops->id};

    seam_begin_with(&p->seam, ops, &p->config, &p->config, sl_random_seed(&p->seeded[2], 3),
                    sl_random_seed(&p->seeded[3], 4), transcript, transcript, sizeof(transcript),
                    "openssl");
}

struct peer *peer_opened(const struct sl_tep_ops *ops)
{
    struct peer *p = calloc(1, sizeof(*p));
    struct sl_tcp_config config = sl_tcp_config_default();
    const struct sl_addr local = sl_addr_of_ip4(rte_cpu_to_be_32(0x0a000001));
    const struct sl_addr remote = sl_addr_of_ip4(rte_cpu_to_be_32(0x0a000002));
    const uint8_t eno[] = {1, ops->id};
    struct sl_tcp_options_set set;
    int err;

    p->now_ns = UINT64_C(1000000000);
    p->wnd = UINT16_MAX;
    p->config = (struct sl_tep_config){.aead_a = {SL_AEAD_AES_128_GCM},
                                       .aead_b = {SL_AEAD_AES_128_GCM},
                                       .n_aead_a = 1,
                                       .n_aead_b = 1,
                                       .kex_timeout_ns = UINT64_C(10000000000)};
    p->policy =
        (struct sl_eno_policy){.enabled = true, .n_teps = 1, .teps = {ops}, .config = &p->config};
    set = (struct sl_tcp_options_set){.eno = &p->policy, .require_encryption = true};
    config.timestamps = config.window_scale = false;
    config.jobs_max = 64;
    host_begin(p);
    p->tcp = sl_tcp_create(&config, &p->host, p->now_ns);
    begin_teps(p, ops);
    p->tcb = sl_tcp_connect(p->tcp, &local, rte_cpu_to_be_16(LOCAL_PORT), &remote,
                            rte_cpu_to_be_16(REMOTE_PORT), MTU, &set, p, p->now_ns, &err);
    cr_assert_not_null(p->tcb);
    peer_iterate(p);
    (void)send(p, PEER_ISN, SL_TCP_SYN | SL_TCP_ACK, NULL, 0,
               (struct sl_tcp_options){
                   .mss_bytes = PEER_MSS, .n_eno = 1, .eno = sl_cursor_of(eno, sizeof(eno))});
    peer_iterate(p);
    return p;
}

struct peer *peer_connected(const struct sl_tep_ops *ops)
{
    struct peer *p = peer_opened(ops);

    for (int i = 0; i < 3; i++) {
        const uint64_t from = p->seam.b.sent_len;

        seam_work(&p->seam.b);
        (void)seam_read_all(&p->seam.b, &p->seam.a);
        seam_work(&p->seam.b);
        while (seam_next(&p->seam.b, (struct sl_tep_pending){0}, NULL, PEER_MSS) !=
               SL_TEP_NEXT_NOTHING)
            ;
        if (p->seam.b.sent_len > from)
            (void)peer_segment(p, from, (uint32_t)(p->seam.b.sent_len - from), -1);
        peer_iterate(p);
        peer_acks(p);
        peer_wait(p, 50);
    }
    cr_assert(sl_crypt_ready(p->tcb));
    peer_forget(p);
    return p;
}

void peer_over(struct peer *p)
{
    struct sl_tcb_facts facts;

    sl_tcb_facts(p->tcb, &facts);
    if (facts.state != SL_TCP_CLOSED)
        sl_tcp_abort(p->tcp, p->tcb, p->now_ns);
    sl_tcp_destroy(p->tcp);
    cr_assert_eq(sl_arena_used(p->host.arena), 0, "a secret is left");
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(rte_mempool_in_use_count(p->pools[i]), 0, "mbufs leaked from %s",
                     p->pools[i]->name);
    seam_end(&p->seam);
    sl_inline_queue_destroy(p->queue);
    p->engine->ops->destroy(p->engine);
    sl_arena_destroy(p->host.arena);
    free(p);
}

/* ---- what is true
 * ---------------------------------------------------------------------------------- */

static uint64_t read_so_far;

void app_reads(struct peer *p, uint64_t len)
{
    uint8_t *out = malloc(len + 1);

    cr_assert_eq(sl_tcp_recv(p->tcp, p->tcb, out, len + 1, false, p->now_ns), (int64_t)len);
    for (uint64_t i = 0; i < len; i++)
        cr_assert_eq(out[i], pattern(read_so_far + i), "byte %llu",
                     (unsigned long long)(read_so_far + i));
    read_so_far += len;
    free(out);
}

static int64_t read_result(struct peer *p)
{
    uint8_t byte;

    return sl_tcp_recv(p->tcp, p->tcb, &byte, 1, false, p->now_ns);
}

void app_reads_nothing(struct peer *p)
{
    cr_assert_eq(read_result(p), -EAGAIN);
}

void app_reads_eof(struct peer *p)
{
    cr_assert_eq(read_result(p), 0);
}

uint64_t acked(const struct peer *p)
{
    cr_assert_gt(p->n_saw, 0u, "nothing was sent");
    return p->saw[p->n_saw - 1].ack;
}

unsigned acks_seen(const struct peer *p)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->n_saw; i++)
        n += p->saw[i].len == 0 && p->saw[i].flags == SL_TCP_ACK;
    return n;
}

void peer_forget(struct peer *p)
{
    p->n_saw = 0;
}

enum sl_tcp_error ended_in(const struct peer *p)
{
    return sl_tcb_error(p->tcb);
}
