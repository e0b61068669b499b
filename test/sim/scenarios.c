/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "scenario.h"
#include "toy_tep.h"
#include "wire.h"

/* ---- how scenarios are put together ------------------------------------------------------------
 */

static bool both_done(void *ctx)
{
    const struct run *r = ctx;

    return app_done(&r->app[0]) && app_done(&r->app[1]);
}

/* Both nodes of the seed's configuration. */
static void configure(struct run *r, enum sl_crypt_mode mode)
{
    for (unsigned i = 0; i < 2; i++) {
        r->config[i] = sim_config(r->seed, i);
        r->config[i].crypt_mode = mode;
    }
    r->config[0].pcap = r->pcap;
}

/* World and `n` streams; false when it did not start. */
static bool build(struct run *r, unsigned n)
{
    if (!sim_start(&r->sim, r->seed, r->config, r->with_worker))
        return false;
    app_prepare(&r->app[0], &r->sim, 0, n);
    app_prepare(&r->app[1], &r->sim, 1, n);
    return true;
}

static uint64_t draw(struct run *r, uint64_t least, uint64_t most)
{
    return least + sim_random(&r->sim, most - least + 1);
}

/* Stream `i` carries so much each way. */
static void carries(struct run *r, unsigned i, uint64_t up, uint64_t down)
{
    r->app[0].stream[i].to_send = up;
    r->app[1].stream[i].to_receive = up;
    r->app[1].stream[i].to_send = down;
    r->app[0].stream[i].to_receive = down;
    for (unsigned side = 0; side < 2; side++) {
        r->app[side].stream[i].chunk = (uint32_t)draw(r, 1, 2) == 1
                                           ? (uint32_t)draw(r, 1, 3000)
                                           : (uint32_t)draw(r, 4096, 65536);
    }
}

/* 1 % loss, reordering and duplication, and a path of any length. */
static void trouble(struct run *r)
{
    for (unsigned i = 0; i < 2; i++) {
        r->sim.link[i] = (struct sim_link){
            .delay_ns = draw(r, 0, 40) * SIM_MS + draw(r, 0, 1000) * SIM_US,
            .jitter_ns = draw(r, 0, 1) * draw(r, 0, 2000) * SIM_US,
            .loss_ppm = 10000,
            .duplicate_ppm = 10000,
            .reorder_ppm = 10000,
            .reorder_ns = draw(r, 1, 20) * SIM_MS,
        };
    }
}

static void start(struct run *r)
{
    app_start(&r->app[1]);
    app_start(&r->app[0]);
}

/* Every stream ends well on both sides, protected or not. */
static void all_is_well(struct run *r, uint64_t limit_ns, bool encrypted)
{
    if (!sim_run(&r->sim, limit_ns, both_done, r)) {
        for (unsigned side = 0; side < 2; side++) {
            for (unsigned i = 0; i < r->app[side].n; i++) {
                const struct app_stream *t = &r->app[side].stream[i];

                if (!t->done) {
                    sim_fail(&r->sim,
                             "node %u stream %u hangs: %llu of %llu sent, %llu of %llu received",
                             side, i, (unsigned long long)t->sent, (unsigned long long)t->to_send,
                             (unsigned long long)t->received, (unsigned long long)t->to_receive);
                }
            }
        }
    }
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < r->app[side].n; i++) {
            const struct app_stream *t = &r->app[side].stream[i];

            if (t->error != 0)
                sim_fail(&r->sim, "node %u stream %u: %s (%s)", side, i, strerror(t->error),
                         t->info.error ? t->info.error : "?");
            if (t->info.encrypted != encrypted)
                sim_fail(&r->sim, "node %u stream %u is %s", side, i,
                         encrypted ? "not encrypted" : "encrypted");
        }
    }
    for (unsigned i = 0; encrypted && i < r->app[0].n; i++) {
        const struct sl_conn_info *a = &r->app[0].stream[i].info, *b = &r->app[1].stream[i].info;

        /* Who closed with nothing to wait for may not have had it yet. */
        if ((a->session_id_len == 0 && r->app[0].stream[i].end == APP_CLOSE) ||
            (b->session_id_len == 0 && r->app[1].stream[i].end == APP_CLOSE))
            continue;
        if (a->session_id_len < 33 || a->session_id_len != b->session_id_len ||
            memcmp(a->session_id, b->session_id, a->session_id_len) != 0 || a->role == b->role)
            sim_fail(&r->sim, "stream %u: the ends do not agree on the session", i);
    }
}

/* ---- transfers ---------------------------------------------------------------------------------
 */

static void transfer(struct run *r, enum sl_crypt_mode mode)
{
    configure(r, mode);
    if (!build(r, 1))
        return;
    trouble(r);
    carries(r, 0, draw(r, 0, 400000), draw(r, 0, 400000));
    start(r);
    all_is_well(r, 900 * SIM_S, mode != SL_CRYPT_OFF);
}

static void plain_transfer(struct run *r)
{
    transfer(r, SL_CRYPT_OFF);
}

static void encrypted_transfer(struct run *r)
{
    transfer(r, SL_CRYPT_REQUIRE);
}

static void toy_tep_transfer(struct run *r)
{
    static const struct sl_tep_ops *const table[] = {&toy_tep};

    configure(r, SL_CRYPT_REQUIRE);
    for (unsigned i = 0; i < 2; i++) {
        r->config[i].tep_table = table;
        r->config[i].tep_table_n = 1;
    }
    if (!build(r, 1))
        return;
    trouble(r);
    carries(r, 0, draw(r, 0, 200000), draw(r, 0, 200000));
    start(r);
    all_is_well(r, 900 * SIM_S, true);
}

static void many_connections(struct run *r)
{
    const bool encrypted = r->seed % 2 == 0;

    configure(r, encrypted ? SL_CRYPT_OPPORTUNISTIC : SL_CRYPT_OFF);
    if (!build(r, 24))
        return;
    trouble(r);
    for (unsigned i = 0; i < 24; i++)
        carries(r, i, draw(r, 0, 20000), draw(r, 0, 20000));
    start(r);
    all_is_well(r, 900 * SIM_S, encrypted);
}

/* A wire of 2 to 80 Mbit/s with a short queue: congestion is the only loss. */
static void narrow_wire(struct run *r)
{
    const bool encrypted = r->seed % 2 == 0;

    configure(r, encrypted ? SL_CRYPT_REQUIRE : SL_CRYPT_OFF);
    if (!build(r, 3))
        return;
    for (unsigned i = 0; i < 2; i++) {
        r->sim.link[i] = (struct sim_link){.delay_ns = draw(r, 1, 30) * SIM_MS,
                                           .bytes_per_s = draw(r, 250000, 10000000),
                                           .queue_pkts = (uint32_t)draw(r, 4, 60)};
    }
    for (unsigned i = 0; i < 3; i++)
        carries(r, i, draw(r, 1000, 300000), draw(r, 0, 20000));
    start(r);
    all_is_well(r, 900 * SIM_S, encrypted);
}

/* Readers that take little at a time, so that windows close and open again. */
static void slow_reader(struct run *r)
{
    const bool encrypted = r->seed % 2 == 0;

    configure(r, encrypted ? SL_CRYPT_REQUIRE : SL_CRYPT_OFF);
    r->config[1].rcvbuf_bytes = (uint32_t)(encrypted ? 70000 : 8192);
    if (!build(r, 1))
        return;
    if (r->seed % 3 == 0)
        trouble(r);
    carries(r, 0, draw(r, 100000, 400000), draw(r, 0, 1000));
    r->app[1].stream[0].chunk = 8192;
    r->app[1].stream[0].pause_ns = draw(r, 1, 400) * SIM_MS;
    start(r);
    all_is_well(r, 1800 * SIM_S, encrypted);
}

/* Bit errors everywhere: checksums and tags see them all. */
static void corrupting_wire(struct run *r)
{
    const bool encrypted = r->seed % 2 == 0;

    configure(r, encrypted ? SL_CRYPT_REQUIRE : SL_CRYPT_OFF);
    if (!build(r, 2))
        return;
    for (unsigned i = 0; i < 2; i++)
        r->sim.link[i].corrupt_ppm = 20000;
    for (unsigned i = 0; i < 2; i++)
        carries(r, i, draw(r, 0, 100000), draw(r, 0, 100000));
    start(r);
    all_is_well(r, 900 * SIM_S, encrypted);
}

/* Ends that close in each way and order. */
static void closes(struct run *r)
{
    const bool encrypted = r->seed % 2 == 0;

    configure(r, encrypted ? SL_CRYPT_REQUIRE : SL_CRYPT_OFF);
    if (!build(r, 4))
        return;
    trouble(r);
    for (unsigned i = 0; i < 4; i++) {
        const bool up_only = draw(r, 0, 1) == 0;

        carries(r, i, draw(r, 0, 30000), up_only ? 0 : draw(r, 0, 30000));
        r->app[0].stream[i].end = draw(r, 0, 1) == 0 ? APP_SHUTDOWN : APP_CLOSE;
        r->app[1].stream[i].end = draw(r, 0, 1) == 0 ? APP_SHUTDOWN : APP_LINGER;
    }
    start(r);
    all_is_well(r, 900 * SIM_S, encrypted);
}

/* One side resets in mid-transfer: the other hears of it, as an error, never as an end. */
static void resets(struct run *r)
{
    const bool encrypted = r->seed % 2 == 0;
    const unsigned side = (unsigned)(r->seed / 2 % 2);
    struct app_stream *t;

    configure(r, encrypted ? SL_CRYPT_REQUIRE : SL_CRYPT_OFF);
    if (!build(r, 1))
        return;
    if (r->seed % 3 == 0)
        trouble(r);
    carries(r, 0, 500000, 500000);
    t = &r->app[side].stream[0];
    t->end = APP_RESET;
    t->reset_after = draw(r, 1, 300000);
    start(r);
    if (!sim_run(&r->sim, 2000 * SIM_S, both_done, r)) {
        if (side == 0 && app_done(&r->app[0]) && r->app[1].stream[0].fd < 0)
            return; /* it overtook the ACK of the handshake: nobody had the connection */
        sim_fail(&r->sim, "the reset was not heard");
    }
    if (r->app[1 - side].stream[0].eof)
        sim_fail(&r->sim, "a reset was taken for an end of stream");
    if (r->app[1 - side].stream[0].error == 0)
        sim_fail(&r->sim, "the reset gave no error");
}

/* ---- middleboxes -------------------------------------------------------------------------------
 */

enum { ENO = 69, NOP = 1 };

/* Which segments lose their ENO option: bit 0 SYN, 1 SYN-ACK, 2 what follows from node 0. */
struct strip {
    unsigned what;
};

static bool strip_eno(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                      uint32_t room)
{
    const struct strip *strip = ctx;
    struct wire_tcp t;
    uint32_t n;
    uint8_t *option;
    unsigned kind;

    (void)s;
    (void)room;
    if (!wire_tcp(frame, *len, &t) || (option = wire_option(&t, ENO, &n)) == NULL)
        return true;
    kind = (t.flags & 2) == 0 ? 2 : (t.flags & 16) != 0 ? 1 : 0;
    if ((strip->what >> kind & 1) == 0 || (kind == 2 && from != 0))
        return true;
    memset(option, NOP, n);
    wire_seal(frame, *len);
    return true;
}

/* R23: whichever ENO option is lost, both ends fall back, and not a byte is. */
static void stripping_middlebox(struct run *r)
{
    struct strip strip;

    configure(r, SL_CRYPT_OPPORTUNISTIC);
    if (!build(r, 2))
        return;
    strip.what = (unsigned)draw(r, 1, 7);
    /* Of the third segment alone: A has both ACKs with ENO and encrypts, B has not and does not.
     * That is how RFC 8547 4.6 has it; nothing that the stack could promise is left. */
    if (strip.what == 4)
        strip.what = 6;
    r->sim.middlebox = strip_eno;
    r->sim.middlebox_ctx = &strip;
    if (r->seed % 2 == 0)
        trouble(r);
    for (unsigned i = 0; i < 2; i++)
        carries(r, i, draw(r, 1, 60000), draw(r, 0, 60000));
    start(r);
    all_is_well(r, 900 * SIM_S, false);
}

static bool change_eno(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                       uint32_t room)
{
    struct wire_tcp t;
    uint32_t n;
    uint8_t *option;

    (void)ctx;
    (void)from;
    (void)room;
    if (!wire_tcp(frame, *len, &t) || (t.flags & 2) == 0)
        return true;
    option = wire_option(&t, ENO, &n);
    if (option == NULL || n < 3)
        return true;
    option[2 + sim_random(s, n - 2)] = (uint8_t)sim_random(s, 256);
    wire_seal(frame, *len);
    return true;
}

/* R37: an option that was tampered with never leads to a connection that encrypts wrongly. */
static void tampering_middlebox(struct run *r)
{
    configure(r, SL_CRYPT_OPPORTUNISTIC);
    if (!build(r, 1))
        return;
    r->sim.middlebox = change_eno;
    carries(r, 0, 5000, 5000);
    start(r);
    (void)sim_run(&r->sim, 400 * SIM_S, both_done, r);
    for (unsigned side = 0; side < 2; side++) {
        const struct app_stream *t = &r->app[side].stream[0];

        if (t->done && t->error == 0 &&
            t->info.encrypted != r->app[1 - side].stream[0].info.encrypted)
            sim_fail(&r->sim, "one end encrypts, the other does not, and both are content");
    }
}

/* Cuts every segment with payload into pieces, down to single bytes. */
static bool cut_up(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                   uint32_t room)
{
    const uint32_t *most = ctx;
    struct wire_tcp t;
    uint8_t piece[2048];
    uint32_t at = 0;

    (void)room;
    if (!wire_tcp(frame, *len, &t) || t.payload_len < 2 || (t.flags & 6) != 0)
        return true;
    while (at < t.payload_len) {
        const uint32_t left = t.payload_len - at, head = (uint32_t)(t.payload - frame);
        uint32_t n = 1 + (uint32_t)sim_random(s, *most);

        if (n > left)
            n = left;
        memcpy(piece, frame, head);
        memcpy(piece + head, t.payload + at, n);
        wire_put32(piece + (t.tcp - frame) + 4, t.seq + at);
        if (at + n < t.payload_len)
            piece[(t.tcp - frame) + 13] &= (uint8_t)~9u; /* FIN and PSH with the last piece */
        wire_seal(piece, head + n);
        sim_inject(s, 1 - from, piece, head + n, s->link[from].delay_ns);
        at += n;
    }
    return false;
}

static void resegmentation(struct run *r)
{
    uint32_t most;

    configure(r, SL_CRYPT_REQUIRE);
    if (!build(r, 1))
        return;
    most = r->seed % 3 == 0 ? 1 : (uint32_t)draw(r, 1, 700);
    r->sim.middlebox = cut_up;
    r->sim.middlebox_ctx = &most;
    carries(r, 0, draw(r, 1, most == 1 ? 20000 : 150000), draw(r, 0, 20000));
    start(r);
    all_is_well(r, 900 * SIM_S, true);
}

/* Sends a forged copy, with right checksums, in front of or behind a segment. */
struct forger {
    uint32_t ppm;
    bool every; /* alter the segment itself, always: the sender is corrupt */
    uint64_t after;
    uint64_t seen;
};

static bool forge(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                  uint32_t room)
{
    struct forger *f = ctx;
    struct wire_tcp t;
    uint8_t copy[2048];
    uint32_t at, n;

    (void)room;
    if (from != 0 || !wire_tcp(frame, *len, &t) || t.payload_len == 0 || (t.flags & 6) != 0)
        return true;
    if (f->seen++ < f->after)
        return true;
    if (f->every) {
        t.payload[t.payload_len - 1] ^= 1;
        wire_seal(frame, *len);
        return true;
    }
    if (sim_random(s, 1000000) >= f->ppm)
        return true;
    n = 1 + (uint32_t)sim_random(s, t.payload_len);
    memcpy(copy, frame, (size_t)(t.payload - frame) + n);
    at = (uint32_t)(t.payload - frame) + (sim_random(s, 2) == 0
                                              ? (uint32_t)sim_random(s, RTE_MIN(n, 3u))
                                              : (uint32_t)sim_random(s, n));
    copy[at] ^= (uint8_t)(1u << sim_random(s, 8));
    wire_seal(copy, (uint32_t)(t.payload - frame) + n);
    sim_inject(s, 1, copy, (uint32_t)(t.payload - frame) + n,
               s->link[0].delay_ns * sim_random(s, 4) / 2);
    return true;
}

/*
 * R75, A14: forged segments cost time, never the connection, and never a byte. One thing is left
 * to a forger (A14 b): where the genuine segment is lost, a forged one in its place may be
 * acknowledged unverified, and then the connection ends.
 */
static void forged_segments(struct run *r)
{
    struct forger f = {.ppm = 200000, .after = 2};
    const bool lossy = r->seed % 3 == 0;

    configure(r, SL_CRYPT_REQUIRE);
    if (!build(r, 1))
        return;
    if (lossy)
        trouble(r);
    r->sim.middlebox = forge;
    r->sim.middlebox_ctx = &f;
    carries(r, 0, draw(r, 20000, 200000), draw(r, 0, 1000));
    start(r);
    if (lossy && sim_run(&r->sim, 2000 * SIM_S, both_done, r) && r->app[1].stream[0].error != 0 &&
        sl_shard_counter(r->sim.node[1].shard, "FRAMES_UNPROTECTED") > 0)
        return;
    all_is_well(r, 900 * SIM_S, true);
}

/* Sends what could begin a frame, where the peer's next byte will be, when it is quiet. */
static bool forge_ahead(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                        uint32_t room)
{
    struct forger *f = ctx;
    struct wire_tcp t;
    uint8_t copy[2048];
    uint32_t head, n, seq;

    (void)room;
    if (from != 0 || !wire_tcp(frame, *len, &t) || t.payload_len == 0 || (t.flags & 6) != 0 ||
        f->seen++ < f->after || sim_random(s, 1000000) >= f->ppm)
        return true;
    head = (uint32_t)(t.payload - frame);
    n = 1 + (uint32_t)sim_random(s, 300);
    memcpy(copy, frame, head);
    memcpy(&seq, copy + (t.tcp - frame) + 4, sizeof(seq));
    seq = rte_cpu_to_be_32(rte_be_to_cpu_32(seq) + t.payload_len);
    memcpy(copy + (t.tcp - frame) + 4, &seq, sizeof(seq));
    for (uint32_t i = 0; i < n; i++)
        copy[head + i] = (uint8_t)sim_random(s, 256);
    copy[head] &= 1;
    wire_seal(copy, head + n);
    sim_inject(s, 1, copy, head + n, s->link[0].delay_ns + sim_random(s, 300) * SIM_MS);
    return true;
}

/* A14 b: what is forged into silence may be acknowledged, and gives way when the peer speaks. */
static void forged_into_silence(struct run *r)
{
    struct forger f = {.ppm = 300000, .after = 2};

    configure(r, SL_CRYPT_REQUIRE);
    if (!build(r, 1))
        return;
    for (unsigned i = 0; i < 2; i++)
        r->sim.link[i].delay_ns = draw(r, 0, 20) * SIM_MS;
    r->sim.middlebox = forge_ahead;
    r->sim.middlebox_ctx = &f;
    carries(r, 0, draw(r, 2000, 60000), draw(r, 0, 20000));
    for (unsigned side = 0; side < 2; side++) {
        r->app[side].stream[0].chunk = (uint32_t)draw(r, 1, 5000);
        r->app[side].stream[0].to_send /= 1 + 3000 / r->app[side].stream[0].chunk;
        r->app[1 - side].stream[0].to_receive = r->app[side].stream[0].to_send;
        r->app[side].stream[0].write_pause_ns = draw(r, 20, 600) * SIM_MS;
    }
    start(r);
    all_is_well(r, 3000 * SIM_S, true);
}

/* A14 d: a sender whose frames are always wrong ends in auth_failed, not at once, but soon. */
static void corrupt_sender(struct run *r)
{
    struct forger f = {.every = true, .after = 4};
    const struct app_stream *t = &r->app[1].stream[0];

    configure(r, SL_CRYPT_REQUIRE);
    if (!build(r, 1))
        return;
    r->sim.middlebox = forge;
    r->sim.middlebox_ctx = &f;
    carries(r, 0, 200000, 0);
    start(r);
    if (!sim_run(&r->sim, 120 * SIM_S, both_done, r))
        sim_fail(&r->sim, "nobody gave up");
    if (t->eof || t->info.error == NULL || strcmp(t->info.error, "auth_failed") != 0)
        sim_fail(&r->sim, "a corrupt sender ended in %s",
                 t->info.error ? t->info.error : "nothing");
}

/* Turns the first segment behind the handshake into a FIN in front of everything. */
static bool inject_fin(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                       uint32_t room)
{
    uint64_t *count = ctx;
    struct wire_tcp t;

    (void)room;
    if (from != 0 || !wire_tcp(frame, *len, &t) || (t.flags & 6) != 0)
        return true;
    if (++*count % 5 == 0) {
        uint8_t fin[2048];
        const uint32_t head = (uint32_t)(t.payload - frame);

        memcpy(fin, frame, head);
        fin[(t.tcp - frame) + 13] |= 1;
        wire_seal(fin, head);
        sim_inject(s, 1, fin, head, 0);
    }
    return true;
}

/* R77, R78: a forged FIN is no end of stream, and does no harm either. */
static void forged_fin(struct run *r)
{
    uint64_t count = 0;

    configure(r, SL_CRYPT_REQUIRE);
    if (!build(r, 1))
        return;
    r->sim.middlebox = inject_fin;
    r->sim.middlebox_ctx = &count;
    carries(r, 0, draw(r, 1, 100000), draw(r, 0, 30000));
    start(r);
    all_is_well(r, 300 * SIM_S, true);
}

/* From some segment on only FINs come through, with the payload cut off. */
static bool truncate_stream(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                            uint32_t room)
{
    struct forger *f = ctx;
    struct wire_tcp t;

    (void)s;
    (void)room;
    if (from != 0 || !wire_tcp(frame, *len, &t) || (t.flags & 6) != 0 || t.payload_len == 0)
        return true;
    if (f->seen++ < f->after)
        return true;
    *len = (uint32_t)(t.payload - frame);
    t.tcp[13] |= 1;
    wire_seal(frame, *len);
    return true;
}

static void truncation(struct run *r)
{
    struct forger f = {.after = 5};
    const struct app_stream *t = &r->app[1].stream[0];

    configure(r, SL_CRYPT_REQUIRE);
    if (!build(r, 1))
        return;
    r->sim.middlebox = truncate_stream;
    r->sim.middlebox_ctx = &f;
    carries(r, 0, 200000, 0);
    start(r);
    if (!sim_run(&r->sim, 1500 * SIM_S, both_done, r))
        sim_fail(&r->sim, "nobody gave up");
    if (t->eof || t->info.error == NULL || strcmp(t->info.error, "truncated") != 0)
        sim_fail(&r->sim, "a cut stream ended in %s", t->info.error ? t->info.error : "nothing");
}

/* Policy: no plain TCP, against a peer that has no ENO. */
static void plain_refused(struct run *r)
{
    const unsigned strict = (unsigned)(r->seed % 2);
    const struct app_stream *t = &r->app[strict].stream[0];

    configure(r, SL_CRYPT_OFF);
    r->config[strict].crypt_mode = SL_CRYPT_REQUIRE;
    if (!build(r, 1))
        return;
    carries(r, 0, 1000, 1000);
    start(r);
    (void)sim_run(&r->sim, 60 * SIM_S, both_done, r);
    if (t->received != 0)
        sim_fail(&r->sim, "plain bytes were taken where only encryption is allowed");
    if (strict == 0 && (t->info.error == NULL || strcmp(t->info.error, "no_encryption") != 0))
        sim_fail(&r->sim, "it ended in %s", t->info.error ? t->info.error : "nothing");
}

/* Random bytes, random cuts of real frames, and random flips with right checksums. */
static bool vandal(struct sim *s, void *ctx, unsigned from, uint8_t *frame, uint32_t *len,
                   uint32_t room)
{
    uint8_t junk[2048];
    uint32_t n = *len;
    struct wire_tcp t;

    (void)ctx;
    (void)room;
    if (sim_random(s, 4) != 0)
        return true;
    memcpy(junk, frame, n);
    switch (sim_random(s, 3)) {
    case 0:
        for (uint32_t i = sim_random(s, 2) == 0 ? 0 : 14; i < n; i++)
            junk[i] = (uint8_t)sim_random(s, 256);
        break;
    case 1:
        n = (uint32_t)sim_random(s, n) + 1;
        break;
    default:
        if (wire_tcp(junk, n, &t) &&
            (t.flags & 2) == 0) { /* options and flags, sequence numbers far off */
            for (uint8_t *at = t.tcp + 12; at < t.payload; at++)
                *at = (uint8_t)sim_random(s, 256);
            wire_put32(t.tcp + 4, t.seq + (uint32_t)(1u << 30));
            wire_seal(junk, n);
        }
        break;
    }
    sim_inject(s, 1 - from, junk, n, s->link[from].delay_ns);
    return true;
}

static void vandalism(struct run *r)
{
    const bool encrypted = r->seed % 2 == 0;

    configure(r, encrypted ? SL_CRYPT_REQUIRE : SL_CRYPT_OFF);
    if (!build(r, 2))
        return;
    r->sim.middlebox = vandal;
    for (unsigned i = 0; i < 2; i++)
        carries(r, i, draw(r, 0, 80000), draw(r, 0, 80000));
    start(r);
    all_is_well(r, 600 * SIM_S, encrypted);
}

const struct scenario scenarios[] = {
    {"plain transfer", plain_transfer},
    {"encrypted transfer", encrypted_transfer},
    {"toy TEP transfer", toy_tep_transfer},
    {"many connections", many_connections},
    {"narrow wire", narrow_wire},
    {"slow reader", slow_reader},
    {"corrupting wire", corrupting_wire},
    {"closes", closes},
    {"resets", resets},
    {"stripping middlebox", stripping_middlebox},
    {"tampering middlebox", tampering_middlebox},
    {"resegmentation", resegmentation},
    {"forged segments", forged_segments},
    {"forged into silence", forged_into_silence},
    {"corrupt sender", corrupt_sender},
    {"forged FIN", forged_fin},
    {"truncation", truncation},
    {"plain refused", plain_refused},
    {"vandalism", vandalism},
};
const unsigned n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);
