/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_tcp.h>

#include "base/invariant.h"
#include "host.h"
#include "seam.h"
#include "tcp/crypt.h"
#include "tcpcrypt/tcpcrypt.h"
#include "toy_tep.h"

/*
 * An encrypted connection whose peer writes true frames, while what arrives is cut up, repeated,
 * reordered and mixed with forgeries. What the application reads is a beginning of what the peer's
 * wrote, whatever comes; and once no more is forged, and the peer repeats what is not acknowledged,
 * the whole of it is read or the connection ends: it never merely hangs. Nor does it end by an
 * error where nobody meddled.
 */

enum {
    OPS_MAX = 64,
    PEER_ISN = 1000,
    MSS = 1460,
    JUMBO = 16384,
    WRITTEN_MAX = 1 << 17,
    STREAM_ROOM = 1 << 18, /* of a stream: far below what a seam holds */
    FORGED_MAX = 2048,
    OWED_ROUNDS = 120,
    PATIENCE_MS = 9000, /* readings A14 d, A16: 10 s */
};

struct world {
    struct host h;
    struct seam seam;
    struct seam_end *us, *peer; /* our stream as it came over, and the peer's TEP */
    struct sl_tep_config config;
    struct sl_eno_policy policy;
    struct sl_random_seeded random[2];
    struct sl_tcb *tcb;
    uint16_t our_port, peer_port;
    uint64_t acked, acks; /* of the peer's stream by us, of ours by the peer */
    uint32_t written, read, our_written;
    bool over, let_go; /* an error or the end was reported; the TCB may be gone */
    bool peer_ended, our_fin;
    bool failed;  /* it ended, and not by both FINs */
    bool meddled; /* something was forged, failed, or took longer than any timer */
    uint64_t passed_ms;
    uint32_t fault_ppm, fault_seed;           /* of allocations of ours that fail */
    uint8_t forged[STREAM_ROOM + UINT16_MAX]; /* places where other bytes than the peer's came */
};

static struct world w;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    host_init();
    return 0;
}

static uint8_t pattern(uint32_t at)
{
    return (uint8_t)(at * 7 + (at >> 8) * 13 + 1);
}

/* Around all that is not the peer's. */
static void faults(bool on)
{
    sl_fault_random(on ? w.fault_ppm : 0, ++w.fault_seed);
}

static void iterate(void)
{
    faults(true);
    host_iterate(&w.h);
    faults(false);
}

static void pass_ms(uint64_t ms)
{
    w.passed_ms += ms;
    faults(true);
    host_pass(&w.h, ms * HOST_NS_PER_MS);
    faults(false);
}

/* ---- what we send -------------------------------------------------------------------------- */

static void take_payload(uint64_t at, const uint8_t *bytes, size_t len)
{
    struct seam_end *us = w.us;
    const uint64_t known = us->sent_len > at ? us->sent_len - at : 0;

    FUZZ_CHECK(at <= us->sent_len && at + len <= SEAM_STREAM_BYTES);
    FUZZ_CHECK(memcmp(us->sent + at, bytes, known < len ? known : len) == 0); /* R74 */
    memcpy(us->sent + at, bytes, len);
    if (at + len > us->sent_len)
        us->sent_len = at + len;
}

static void sent(struct host *h, struct sl_tcb *tcb, const uint8_t *bytes, size_t len)
{
    const struct rte_tcp_hdr *t = (const void *)bytes;
    const size_t head = (size_t)(t->data_off >> 4) * 4;

    (void)h;
    if (tcb == NULL)
        return;
    if ((t->tcp_flags & SL_TCP_ACK) != 0 && (t->tcp_flags & SL_TCP_RST) == 0) {
        const uint32_t ack = rte_be_to_cpu_32(t->recv_ack) - PEER_ISN - 1;

        /* An ACK of what it has not sent says nothing (RFC 9293 3.10.7.4, fifth). */
        if (ack <= w.peer->sent_len && ack > w.acked)
            w.acked = ack;
    }
    w.our_fin |= (t->tcp_flags & SL_TCP_FIN) != 0;
    if (len > head)
        take_payload(rte_be_to_cpu_32(t->sent_seq) - tcb->iss - 1, bytes + head, len - head);
}

static void event(struct host *h, struct sl_tcb *tcb, unsigned ev)
{
    (void)h, (void)tcb;
    w.over |= (ev & (SL_TCP_EV_ERROR | SL_TCP_EV_CLOSED)) != 0;
    w.failed |= (ev & SL_TCP_EV_ERROR) != 0;
}

/* ---- what arrives -------------------------------------------------------------------------- */

static void arrive(uint32_t seq, uint8_t flags, const uint8_t *options, size_t options_len,
                   const uint8_t *payload, size_t len)
{
    const struct sl_addr remote = host_remote();
    const size_t head = sizeof(struct rte_tcp_hdr) + options_len;
    uint8_t *bytes = malloc(head + len);
    struct rte_tcp_hdr t = {.src_port = rte_cpu_to_be_16(w.peer_port),
                            .dst_port = rte_cpu_to_be_16(w.our_port),
                            .sent_seq = rte_cpu_to_be_32(seq),
                            .data_off = (uint8_t)(head / 4 << 4),
                            .tcp_flags = flags,
                            .rx_win = UINT16_MAX};

    if (w.tcb != NULL && !w.let_go)
        t.recv_ack = rte_cpu_to_be_32(w.tcb->iss + 1 + (uint32_t)w.acks +
                                      (w.our_fin && w.acks == w.us->sent_len));
    memcpy(bytes, &t, sizeof(t));
    if (options_len > 0)
        memcpy(bytes + sizeof(t), options, options_len);
    if (len > 0)
        memcpy(bytes + head, payload, len);
    faults(true);
    host_segment(&w.h, &remote, bytes, head + len);
    faults(false);
    free(bytes);
}

static void arrive_bytes(uint64_t at, const uint8_t *bytes, size_t len)
{
    arrive(PEER_ISN + 1 + (uint32_t)at, SL_TCP_ACK, NULL, 0, bytes, len);
}

/* Bytes [from, from + len) of the peer's stream, as far as there are. */
static void arrive_true(uint64_t from, uint64_t len)
{
    const uint64_t end = w.peer->sent_len;

    if (from < end)
        arrive_bytes(from, w.peer->sent + from, len < end - from ? len : end - from);
}

static void arrive_fin(void)
{
    arrive(PEER_ISN + 1 + (uint32_t)w.peer->sent_len, SL_TCP_ACK | SL_TCP_FIN, NULL, 0, NULL, 0);
}

/* ---- the beginning ------------------------------------------------------------------------- */

static void shake_hands(void)
{
    struct seam_end *b = w.peer;

    for (int i = 0; i < 3; i++) {
        const uint64_t from = b->sent_len;

        seam_work(b);
        (void)seam_read_all(b, w.us);
        seam_work(b);
        while (seam_next(b, (struct sl_tep_pending){0}, NULL, MSS) != SL_TEP_NEXT_NOTHING)
            ;
        arrive_true(from, b->sent_len - from);
        iterate();
        w.acks = w.us->sent_len;
        arrive_bytes(b->sent_len, NULL, 0);
        pass_ms(50);
    }
    FUZZ_CHECK(sl_crypt_ready(w.tcb));
}

/* We connect, and are A. */
static void open_actively(const struct sl_tcp_options_set *set, uint8_t tep)
{
    const uint8_t answer[] = {2, 4, MSS >> 8, MSS & 0xff, 69, 4, 1, tep};
    const struct sl_addr local = host_local(), remote = host_remote();
    int err;

    w.us = &w.seam.a;
    w.peer = &w.seam.b;
    w.our_port = 6000;
    w.peer_port = 443;
    w.tcb = sl_tcp_connect(w.h.tcp, &local, rte_cpu_to_be_16(w.our_port), &remote,
                           rte_cpu_to_be_16(w.peer_port), HOST_MTU, set, NULL, w.h.now_ns, &err);
    FUZZ_CHECK(w.tcb != NULL);
    iterate();
    arrive(PEER_ISN, SL_TCP_SYN | SL_TCP_ACK, answer, sizeof(answer), NULL, 0);
    iterate();
}

/* We listen, and are B. */
static void open_passively(const struct sl_tcp_options_set *set, uint8_t tep)
{
    const uint8_t offer[] = {2, 4, MSS >> 8, MSS & 0xff, 1, 69, 3, tep}, ack[] = {1, 1, 69, 2};
    const struct sl_addr local = host_local();

    w.us = &w.seam.b;
    w.peer = &w.seam.a;
    w.our_port = HOST_PORT;
    w.peer_port = 40000;
    w.h.listener = sl_tcp_listen(w.h.tcp, &local, rte_cpu_to_be_16(HOST_PORT), 1, set, NULL);
    FUZZ_CHECK(w.h.listener != NULL);
    arrive(PEER_ISN, SL_TCP_SYN, offer, sizeof(offer), NULL, 0);
    iterate();
    FUZZ_CHECK(w.h.n_flows == 1);
    w.tcb = w.h.flows[0];
    arrive(PEER_ISN + 1, SL_TCP_ACK, ack, sizeof(ack), NULL, 0);
    iterate();
    FUZZ_CHECK(sl_tcp_accept(w.h.tcp, w.h.listener) == w.tcb);
}

static void begin(const struct sl_tep_ops *ops, bool passive)
{
    const uint8_t transcript[] = {69, 3, ops->id, 69, 4, 1, ops->id};
    struct sl_tcp_config config = sl_tcp_config_default();
    struct sl_tcp_options_set set;

    w = (struct world){.config = {.aead_a = {SL_AEAD_AES_128_GCM},
                                  .aead_b = {SL_AEAD_AES_128_GCM},
                                  .n_aead_a = 1,
                                  .n_aead_b = 1,
                                  .kex_timeout_ns = UINT64_C(10000000000)}};
    w.policy =
        (struct sl_eno_policy){.enabled = true, .n_teps = 1, .teps = {ops}, .config = &w.config};
    set = (struct sl_tcp_options_set){.eno = &w.policy, .require_encryption = true};
    w.h.sent = sent;
    w.h.event = event;
    config.timestamps = config.window_scale = false;
    config.jobs_max = 64;
    host_begin(&w.h, &config);
    srand(1);
    seam_begin_with(&w.seam, ops, &w.config, &w.config, sl_random_seed(&w.random[0], 3),
                    sl_random_seed(&w.random[1], 4), transcript, transcript, sizeof(transcript),
                    "openssl");
    if (passive)
        open_passively(&set, ops->id);
    else
        open_actively(&set, ops->id);
    shake_hands();
}

/* ---- operations ---------------------------------------------------------------------------- */

static void peer_writes(uint32_t len, uint32_t most)
{
    uint8_t data[UINT16_MAX];

    if (w.peer_ended || w.written + len > WRITTEN_MAX || w.peer->sent_len > STREAM_ROOM / 2)
        return;
    most = most < len / 64 ? len / 64 : most;
    for (uint32_t i = 0; i < len; i++)
        data[i] = pattern(w.written + i);
    w.written += len;
    seam_send(w.peer, data, len, false, most + 1 + w.peer->ops->limits.overhead_bytes);
}

static void peer_ends(void)
{
    if (w.peer_ended)
        return;
    w.peer_ended = true;
    seam_send(w.peer, "", 0, true, MSS);
}

static void forge(uint64_t at, uint8_t how, struct sl_cursor *c)
{
    uint8_t bytes[FORGED_MAX];
    const uint32_t len = 1U + ((how & 0x40) != 0 ? fuzz_u16(c) % MSS : fuzz_u8(c) % 64);
    const uint64_t end = w.peer->sent_len;

    w.meddled = true;
    memset(bytes, how, sizeof(bytes));
    if ((how & 1) != 0 && at < end) /* the truth, with a byte changed */
        memcpy(bytes, w.peer->sent + at, len < end - at ? len : end - at);
    if ((how & 1) != 0) {
        bytes[fuzz_u16(c) % len] ^= (uint8_t)(1U << (how >> 1 & 7));
    } else {
        const struct sl_cursor raw = fuzz_take(c, fuzz_u8(c) % 32);
        const size_t n = sl_cursor_left(&raw);

        if (n > 0)
            memcpy(bytes, raw.at, n < len ? n : len);
    }
    for (uint64_t i = 0; i < len; i++)
        w.forged[at + i] |= at + i >= end || bytes[i] != w.peer->sent[at + i];
    arrive_bytes(at, bytes, len);
}

static void app_reads(uint32_t len)
{
    uint8_t out[4096];
    const int64_t n =
        w.let_go ? 0 : sl_tcp_recv(w.h.tcp, w.tcb, out, len % sizeof(out) + 1, false, w.h.now_ns);

    if (w.let_go || n < 0)
        return;
    if (n == 0) { /* the end: only where the peer said so, authentically */
        FUZZ_CHECK(w.peer_ended && w.read == w.written);
        return;
    }
    FUZZ_CHECK(w.read + (uint64_t)n <= w.written);
    for (uint32_t i = 0; i < n; i++)
        FUZZ_CHECK(out[i] == pattern(w.read + i));
    w.read += (uint32_t)n;
}

static void app_reads_all(void)
{
    uint32_t before;

    do {
        before = w.read;
        app_reads(UINT16_MAX);
    } while (w.read != before);
}

static void app_sends(uint32_t len)
{
    uint8_t data[4096];
    const struct sl_iov iov = {data, len % sizeof(data)};
    int64_t n;

    if (w.let_go || w.us->sent_len > STREAM_ROOM)
        return;
    for (uint32_t i = 0; i < iov.len; i++)
        data[i] = pattern(w.our_written + i);
    faults(true);
    n = sl_tcp_send(w.h.tcp, w.tcb, &iov, 1, w.h.now_ns);
    faults(false);
    w.our_written += n > 0 ? (uint32_t)n : 0;
}

/* The peer acknowledges what came, having read it: every byte of ours is in its place. */
static void peer_acks(void)
{
    struct seam_end *b = w.peer;

    seam_work(b);
    (void)seam_read_all(b, w.us);
    FUZZ_CHECK(b->tag_failures == 0 && b->error == SL_TEP_OK && b->got_len <= w.our_written);
    for (uint64_t i = b->got_len > 4096 ? b->got_len - 4096 : 0; i < b->got_len; i++)
        FUZZ_CHECK(b->got[i] == pattern((uint32_t)i));
    if (b->reply_due && b->sent_len < STREAM_ROOM && !w.peer_ended)
        (void)seam_next(b, (struct sl_tep_pending){0}, NULL, MSS);
    w.acks = w.us->sent_len;
    arrive_bytes(b->sent_len, NULL, 0);
}

/* A place near what is waited for. */
static uint64_t place(struct sl_cursor *c, uint8_t how)
{
    const uint64_t base = (how & 0x20) != 0 ? w.acked : w.peer->sent_len;
    const int64_t off = (how & 0x10) != 0 ? (int8_t)fuzz_u8(c) : (int16_t)fuzz_u16(c);

    return off < 0 && (uint64_t)-off > base ? 0 : base + (uint64_t)off;
}

static void step(struct sl_cursor *c)
{
    const uint8_t op = fuzz_u8(c), how = fuzz_u8(c);

    switch (op % 16) {
    case 0:
    case 1:
        peer_writes(1U + fuzz_u16(c) % ((how & 1) != 0 ? 6000 : 200), how);
        break;
    case 2:
    case 3:
        arrive_true(w.acked, (how & 0x80) != 0 ? MSS : 1U + how);
        break;
    case 4:
    case 5:
        arrive_true(place(c, how), (how & 1) != 0 ? MSS : fuzz_u8(c));
        break;
    case 6:
    case 7:
    case 8:
        forge((how & 0x80) != 0 ? w.acked + (how >> 2 & 7) : place(c, how), how, c);
        break;
    case 9:
        pass_ms((uint64_t)how * ((op & 0x40) != 0 ? 100 : 1));
        break;
    case 10:
        app_reads(fuzz_u16(c));
        break;
    case 11:
        app_sends(fuzz_u16(c));
        break;
    case 12:
        peer_acks();
        break;
    case 13:
        if (how >= 0xe0)
            peer_ends();
        else if (how >= 0xc0 && w.peer_ended)
            arrive_fin();
        else if (how < 0x20)
            (void)sl_tcp_shutdown(w.h.tcp, w.tcb, false, true, w.h.now_ns);
        else if (how >= 0xa0) {
            w.meddled = true;
            arrive(PEER_ISN + 1 + (uint32_t)place(c, how), SL_TCP_ACK | SL_TCP_FIN, NULL, 0, NULL,
                   0);
        }
        break;
    case 14:
        if (!w.peer_ended)
            (void)w.peer->ops->event(w.peer->t, SL_TEP_EVENT_REKEY, w.h.now_ns);
        break;
    default:
        arrive_true(w.acked, JUMBO);
    }
    if ((op & 0x80) == 0)
        iterate();
}

/* ---- the end ------------------------------------------------------------------------------- */

/*
 * What was acknowledged unverified (A14 b) does not come again: if it was forged in place of what
 * had been sent, and the frame that it seems to begin is longer than all that the peer has to say,
 * nothing shows it.
 */
static bool is_spoilt(void)
{
    uint64_t at = w.tcb->crypt->rx_auth;

    while (at < w.acked && !w.forged[at])
        at++;
    return at < w.acked;
}

/* The peer repeats what is not acknowledged, for a while, and the application reads. */
static void repeat(void)
{
    for (int i = 0; i < OWED_ROUNDS && !w.over && (w.read < w.written || w.peer_ended); i++) {
        for (uint64_t at = w.acked; at < w.peer->sent_len; at += MSS)
            arrive_true(at, MSS);
        if (w.peer_ended)
            arrive_fin();
        iterate();
        peer_acks();
        pass_ms(500);
        app_reads_all();
        if (w.read == w.written && w.tcb->fin_received)
            break;
    }
    app_reads_all();
    FUZZ_CHECK(w.meddled || !w.failed);
    if (w.failed || is_spoilt())
        return;
    FUZZ_CHECK(w.read == w.written);
    FUZZ_CHECK(!w.peer_ended || w.over || (w.tcb->eof && w.tcb->fin_received));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sl_cursor c = sl_cursor_of(bytes, size);
    const uint8_t how = fuzz_u8(&c);

    begin((how & 1) != 0 ? &sl_tcpcrypt_x25519 : &toy_tep, (how & 2) != 0);
    w.fault_ppm = how < 0xc0 ? 0 : (how & 0x3cU) * 1000;
    for (int i = 0; i < OPS_MAX && sl_cursor_left(&c) > 0; i++)
        step(&c);
    w.meddled |= w.fault_ppm > 0 || w.passed_ms >= PATIENCE_MS;
    w.fault_ppm = 0;
    iterate();
    if ((how & 4) != 0)
        peer_ends();
    repeat();
    w.let_go = true;
    sl_tcp_abort(w.h.tcp, w.tcb, w.h.now_ns);
    host_end(&w.h);
    seam_end(&w.seam);
    return 0;
}
