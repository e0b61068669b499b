/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "tcpcrypt/inline_queue.h"
#include "tcpcrypt/kex.h"
#include "tcpcrypt/schedule.h"
#include "tcpcrypt/tcpcrypt.h"

/*
 * A session of the vector file, twice: its secrets by the key schedule, and the whole of it by
 * two states behind the TEP interface, which must send every byte that the file has.
 */
static bool check_key_pair(const json_t *c, const struct sl_kex *kex)
{
    static struct bytes a, b, peer;
    uint8_t pub[SL_KEX_PUB_MAX_BYTES], es[SL_KEX_ES_MAX_BYTES];

    return get_bytes(c, "priv_a", &a) && get_bytes(c, "priv_b", &b) &&
           get_bytes(c, "pub_a_wire", &peer) && a.len == kex->secret_bytes &&
           b.len == kex->secret_bytes && kex->keygen(a.at, pub) &&
           same(c, "pub_a_wire", pub, kex->pub_bytes) && kex->keygen(b.at, pub) &&
           same(c, "pub_b_wire", pub, kex->pub_bytes) && kex->derive(b.at, pub, peer.at, es) &&
           same(c, "es", es, kex->es_bytes);
}

static bool check_prk(const json_t *c, uint8_t *prk)
{
    static struct bytes n_a, transcript, init1, init2, es;
    struct sl_schedule s = sl_schedule_begin();
    const bool there = get_bytes(c, "n_a", &n_a) && get_bytes(c, "transcript", &transcript) &&
                       get_bytes(c, "init1", &init1) && get_bytes(c, "init2", &init2) &&
                       get_bytes(c, "es", &es);
    const struct sl_schedule_part parts[] = {{transcript.at, transcript.len},
                                             {init1.at, init1.len},
                                             {init2.at, init2.len},
                                             {es.at, es.len}};

    sl_schedule_prk(&s, n_a.at, parts, 4, prk);
    return sl_schedule_end(&s) && there && same(c, "prk", prk, SL_K_LEN);
}

/* ss[i] and resume[i], which begins at i = 1; as objects, so that same() can be asked. */
static bool check_chain(const json_t *c, const uint8_t *prk)
{
    const json_t *list = json_object_get(c, "ss"), *resumes = json_object_get(c, "resume");
    uint8_t ss[SL_K_LEN], resume[SL_RESUME_BYTES];
    bool ok = json_array_size(list) > 1;
    size_t i;

    memcpy(ss, prk, sizeof(ss));
    for (i = 0; ok && i < json_array_size(list); i++) {
        struct sl_schedule s = sl_schedule_begin();
        json_t *want = json_pack("{sO*sO*}", "ss", json_array_get(list, i), "resume",
                                 json_array_get(resumes, i));

        if (i > 0)
            sl_schedule_next_ss(&s, ss, ss);
        sl_schedule_resume(&s, ss, resume);
        ok = sl_schedule_end(&s) && same(want, "ss", ss, sizeof(ss)) &&
             (i == 0 || same(want, "resume", resume, sizeof(resume)));
        json_decref(want);
    }
    return ok;
}

static bool check_generations(const json_t *c, const uint8_t *prk, enum sl_aead aead)
{
    const json_t *list = json_object_get(c, "keys"), *generation;
    const size_t key_len = sl_aead_key_bytes(aead) + SL_AEAD_NONCE_BYTES;
    struct sl_schedule s = sl_schedule_begin();
    uint8_t id[SL_SESSION_ID_BYTES], mk[SL_K_LEN], key[64];
    bool ok;
    size_t i;

    sl_schedule_session_id(&s, prk, NULL, 0, (uint8_t)get_number(c, "tep"), id);
    sl_schedule_mk_0(&s, prk, NULL, 0, mk);
    ok = json_array_size(list) > 0 && same(c, "session_id", id, sizeof(id));
    json_array_foreach(list, i, generation)
    {
        if (i > 0)
            sl_schedule_next_mk(&s, mk, mk);
        ok = ok && same(generation, "mk", mk, sizeof(mk));
        sl_schedule_traffic_key(&s, mk, SL_K_AB, aead, key);
        ok = ok && same(generation, "k_ab", key, key_len);
        sl_schedule_traffic_key(&s, mk, SL_K_BA, aead, key);
        ok = ok && same(generation, "k_ba", key, key_len);
    }
    return sl_schedule_end(&s) && ok;
}

/* What a TEP draws is nonce, then private key. */
struct script {
    struct sl_random base;
    uint8_t bytes[SL_K_LEN + SL_KEX_SECRET_MAX_BYTES];
    size_t at;
};

static bool fill(struct sl_random *r, void *out, size_t n)
{
    struct script *s = (struct script *)r;

    if (n > sizeof(s->bytes) - s->at)
        return false;
    memcpy(out, s->bytes + s->at, n);
    s->at += n;
    return true;
}

struct end {
    const char *role;
    struct sl_tep_state *t;
    struct script script;
    struct sl_arena *arena;
    struct sl_aead_engine *engine;
    struct sl_job_queue *queue;
    uint8_t wire[1 << 22]; /* its stream */
    uint64_t sent_bytes, read_at /* in the other's stream */;
    bool reply_due;
};

static const struct sl_tep_ops *const tep = &sl_tcpcrypt_x25519;

static bool run_job(struct end *e, struct sl_job *job)
{
    struct sl_job *burst[] = {job}, *done;

    return e->queue != NULL && e->queue->ops->submit(e->queue, burst, 1, 0) == 1 &&
           e->queue->ops->poll(e->queue, &done, 1, 0) == 1 && job->ok;
}

static bool begin(struct end *e, const json_t *c, const struct sl_tep_config *config, bool a,
                  const struct sl_aead_engine_ops *engine)
{
    static struct bytes nonce, secret, transcript;
    struct sl_tep_begin b = {.config = config,
                             .secrets = &e->script.base,
                             .role = a ? SL_TEP_ROLE_A : SL_TEP_ROLE_B,
                             .tep_byte = tep->id};

    memset(e, 0, sizeof(*e));
    e->role = a ? "A" : "B";
    e->script.base.fill = fill;
    if (!get_bytes(c, a ? "n_a" : "n_b", &nonce) ||
        !get_bytes(c, a ? "priv_a" : "priv_b", &secret) ||
        !get_bytes(c, "transcript", &transcript) ||
        nonce.len + secret.len > sizeof(e->script.bytes))
        return wrong("nonces and keys");
    memcpy(e->script.bytes, nonce.at, nonce.len);
    memcpy(e->script.bytes + nonce.len, secret.at, secret.len);
    b.transcript = transcript.at;
    b.transcript_len = transcript.len;
    if ((e->arena = b.arena = sl_arena_create(16)) == NULL ||
        (e->engine = engine->create(e->arena, 4)) == NULL ||
        (e->queue = b.queue = sl_inline_queue_create(e->engine, 1)) == NULL)
        return wrong("no memory");
    return (e->t = tep->begin(&b, 0)) != NULL || wrong("begin");
}

static void end(struct end *e)
{
    tep->erase(e->t);
    sl_inline_queue_destroy(e->queue);
    if (e->engine != NULL)
        e->engine->ops->destroy(e->engine);
    sl_arena_destroy(e->arena);
}

static bool work(struct end *e)
{
    struct sl_tep_work *w = tep->work(e->t);
    struct sl_job job = {.kind = SL_JOB_WORK, .work = w};

    return w == NULL || (run_job(e, &job) && tep->worked(e->t, w, 0) == SL_TEP_OK);
}

/* Send our Init, which must be the file's. */
static bool send_init(struct end *e, const json_t *c, const char *name)
{
    const struct sl_tep_pending p = {0};
    struct sl_tep_cut cut;
    struct sl_job job;

    if (!work(e) || tep->next(e->t, &p, 1 << 16, 0, &cut, &job) != SL_TEP_NEXT_OWN ||
        !same(c, name, cut.own, cut.len))
        return false;
    memcpy(e->wire, cut.own, cut.len);
    e->sent_bytes = cut.len;
    return true;
}

static bool read_init(struct end *e, struct end *from)
{
    const struct sl_range bytes = {from->wire, (uint32_t)from->sent_bytes};
    struct sl_tep_frame f;
    struct sl_job job;

    if (tep->read(e->t, &bytes, 1, 0, 0, &f, &job) != SL_TEP_READ_OWN || f.len != bytes.len)
        return wrong("Init not taken");
    e->read_at = f.len;
    return true;
}

static bool shake_hands(struct end *a, struct end *b, const json_t *c)
{
    uint8_t id[SL_TEP_SESSION_ID_MAX_BYTES];

    return send_init(a, c, "init1") && read_init(b, a) && send_init(b, c, "init2") &&
           read_init(a, b) && work(a) && same(c, "session_id", id, tep->session_id(a->t, id)) &&
           same(c, "session_id", id, tep->session_id(b->t, id));
}

/* Lay the frame out as `cut` says, and seal it. */
static bool seal(struct end *e, const struct sl_tep_cut *cut, struct sl_job *job,
                 const struct bytes *data)
{
    uint8_t *at = e->wire + e->sent_bytes;
    uint8_t *text = at + cut->head_len;
    const uint32_t len = cut->prefix_len + cut->data_len;

    memcpy(at, cut->head, cut->head_len);
    memcpy(text, cut->prefix, cut->prefix_len);
    memcpy(text + cut->prefix_len, data->at, cut->data_len);
    job->src_few[0] = (struct sl_range){text, len};
    job->src = job->dst = job->src_few;
    job->n_src = job->n_dst = 1;
    if (!run_job(e, job))
        return wrong("seal");
    memcpy(text + len, job->tag, cut->tag_len);
    tep->sealed(e->t, cut);
    return true;
}

/*
 * Send a frame of the file. Two kinds are none of ours, an empty one without reason, and one with
 * reserved bits set (R70, R71): these are put on the wire as they are.
 */
static bool send_frame(struct end *e, const json_t *f)
{
    static struct bytes data, wire;
    const bool foreign = get_number(f, "cres") != 0 || get_number(f, "fres") != 0;
    struct sl_tep_pending p = {.end_of_stream = get_bool(f, "finp"), .urgent = has(f, "urgent")};
    struct sl_tep_cut cut;
    struct sl_job job;

    if (!get_bytes(f, "data", &data) || !get_bytes(f, "frame", &wire) ||
        get_number(f, "offset") != e->sent_bytes || e->sent_bytes + wire.len > sizeof(e->wire))
        return wrong("frame or its offset");
    p.data_len = (uint32_t)data.len;
    p.urgent_end = p.urgent ? (uint32_t)get_number(f, "urgent") + 1 : 0;
    if (get_bool(f, "rekey") && !e->reply_due)
        (void)tep->event(e->t, SL_TEP_EVENT_REKEY, 0);
    e->reply_due = false;
    if (tep->next(e->t, &p, 1 << 17, e->sent_bytes, &cut, &job) == SL_TEP_NEXT_FRAME) {
        if (!seal(e, &cut, &job, &data))
            return false;
        if (!foreign && !same(f, "frame", e->wire + e->sent_bytes, cut.len))
            return false;
    } else if (data.len > 0 || p.end_of_stream || get_bool(f, "rekey")) {
        return wrong("no frame to send");
    }
    memcpy(e->wire + e->sent_bytes, wire.at, wire.len);
    e->sent_bytes += wire.len;
    return true;
}

static bool take_frame(struct end *e, const struct sl_tep_frame *f, const struct sl_range *text,
                       const json_t *want)
{
    struct sl_tep_opened out;

    tep->opened(e->t, f, text, 1, &out);
    e->read_at += f->len;
    e->reply_due = out.reply_due;
    return (out.error == SL_TEP_OK || wrong("opened")) &&
           same(want, "data", text->at + out.data_at, out.data_len) &&
           (out.end_of_stream == get_bool(want, "finp") || wrong("finp")) &&
           (out.urgent == has(want, "urgent") || wrong("urgent")) &&
           (!out.urgent || out.urgent_end == get_number(want, "urgent") + 1 || wrong("urgent")) &&
           (out.reply_due == get_bool(want, "receiver_reply_due") || wrong("receiver_reply_due"));
}

static bool receive_frame(struct end *e, struct end *from, const json_t *want)
{
    const struct sl_range bytes = {from->wire + e->read_at,
                                   (uint32_t)(from->sent_bytes - e->read_at)};
    struct sl_range text;
    struct sl_tep_frame f;
    struct sl_job job;

    if (tep->read(e->t, &bytes, 1, e->read_at, 0, &f, &job) != SL_TEP_READ_FRAME ||
        f.len != bytes.len)
        return wrong("frame not read");
    memcpy(job.tag, bytes.at + f.len - f.tag_len, f.tag_len);
    text = (struct sl_range){bytes.at + f.head_len, f.cipher_len};
    job.src = job.dst = &text;
    job.n_src = job.n_dst = 1;
    return same(want, "key", sl_arena_at(e->arena, job.key), sl_aead_key_bytes(job.aead)) &&
           same(want, "nonce", job.nonce, sizeof(job.nonce)) &&
           same(want, "associated_data", job.aad, job.aad_len) &&
           (run_job(e, &job) || wrong("tag")) && same(want, "plaintext", text.at, text.len) &&
           take_frame(e, &f, &text, want);
}

static bool run_frames(struct end *a, struct end *b, const json_t *c)
{
    const json_t *list = json_object_get(c, "frames"), *f;
    size_t i;

    json_array_foreach(list, i, f)
    {
        const bool from_a = strcmp(get_text(f, "sender_role"), a->role) == 0;

        if (!send_frame(from_a ? a : b, f) || !receive_frame(from_a ? b : a, from_a ? a : b, f))
            return wrong(get_text(f, "note"));
    }
    return json_array_size(list) > 0;
}

static struct sl_tep_config config_of(const json_t *c, enum sl_aead aead)
{
    struct sl_tep_config config = {
        .aead_b = {aead}, .n_aead_b = 1, .kex_timeout_ns = UINT64_C(10000000000)};
    const json_t *cipher;
    size_t i;

    json_array_foreach(json_object_get(c, "sym_cipher_list"), i, cipher) if (config.n_aead_a < 3)
        config.aead_a[config.n_aead_a++] = (enum sl_aead)json_integer_value(cipher);
    return config;
}

enum outcome check_session(const json_t *c, const struct sl_aead_engine_ops *engine)
{
    static struct end a, b;
    const enum sl_aead aead = (enum sl_aead)get_number(c, "aead");
    const struct sl_kex *kex = sl_kex_find((uint8_t)get_number(c, "tep"));
    const struct sl_tep_config config = config_of(c, aead);
    uint8_t prk[SL_K_LEN];
    bool ok;

    if (kex == NULL || !engine->supports(aead) || strcmp(get_text(c, "kind"), "fresh") != 0)
        return SKIPPED;
    if (!check_key_pair(c, kex) || !check_prk(c, prk) || !check_chain(c, prk) ||
        !check_generations(c, prk, aead))
        return FAILED;
    ok = begin(&a, c, &config, true, engine);
    ok = begin(&b, c, &config, false, engine) && ok; /* both, for end() */
    ok = ok && shake_hands(&a, &b, c) && run_frames(&a, &b, c);
    end(&a);
    end(&b);
    return ok ? PASSED : FAILED;
}
