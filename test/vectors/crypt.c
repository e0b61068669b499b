/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "cases.h"
#include "tcpcrypt/frame.h"
#include "tcpcrypt/init.h"
#include "tcpcrypt/kex.h"

enum outcome check_init_parse(const json_t *c)
{
    static const char *const results[] = {
        [SL_INIT_OK] = "ok", [SL_INIT_INCOMPLETE] = "incomplete", [SL_INIT_ABORT] = "abort"};
    static struct bytes message;
    const struct sl_kex *kex = sl_kex_find((uint8_t)get_number(c, "tep"));
    const bool first = strcmp(get_text(c, "message"), "init1") == 0;
    struct sl_init m;
    enum sl_init_read got;

    if (kex == NULL)
        return SKIPPED;
    if (!get_bytes(c, "bytes", &message))
        return FAILED;
    got = sl_init_read(sl_cursor_of(message.at, message.len), first ? SL_INIT_1 : SL_INIT_2,
                       kex->pub_bytes, &m);
    if (strcmp(results[got], get_text(c, "result")) != 0)
        return FAILED;
    if (got != SL_INIT_OK)
        return PASSED;
    return get_number(c, "consumed") == m.len && same(c, "ignored", m.ignored, m.ignored_len)
               ? PASSED
               : FAILED;
}

enum outcome check_key_validation(const json_t *c)
{
    static struct bytes peer, secret;
    const struct sl_kex *kex = sl_kex_find((uint8_t)get_number(c, "tep"));
    uint8_t pub[SL_KEX_PUB_MAX_BYTES], es[SL_KEX_ES_MAX_BYTES];
    bool ok;

    if (kex == NULL)
        return SKIPPED;
    if (!get_bytes(c, "pub_wire", &peer) || !get_bytes(c, "priv", &secret) ||
        secret.len != kex->secret_bytes || !kex->keygen(secret.at, pub))
        return FAILED;
    ok = peer.len == kex->pub_bytes && kex->derive(secret.at, pub, peer.at, es);
    if (ok != get_bool(c, "ok"))
        return FAILED;
    return !ok || same(c, "es", es, kex->es_bytes) ? PASSED : FAILED;
}

/* A frame on its own, under one traffic key. */
struct frame {
    const struct sl_aead_engine_ops *ops;
    struct sl_arena *arena;
    struct sl_aead_engine *engine;
    struct sl_job job;
    struct sl_range text;
};

static void destroy_frame(struct frame *f)
{
    f->ops->destroy(f->engine);
    sl_arena_destroy(f->arena);
}

/* False: not even a key. */
static bool create_frame(struct frame *f, const json_t *c, const struct sl_aead_engine_ops *engine)
{
    static struct bytes key;

    *f = (struct frame){.ops = engine, .arena = sl_arena_create(1)};
    f->job.aead = (enum sl_aead)get_number(c, "aead");
    if (f->arena == NULL || (f->engine = engine->create(f->arena, 1)) == NULL ||
        !get_bytes(c, "traffic_key", &key) ||
        key.len != sl_aead_key_bytes(f->job.aead) + SL_AEAD_NONCE_BYTES)
        return wrong("traffic_key");
    f->job.key = sl_arena_take(f->arena);
    memcpy(sl_arena_at(f->arena, f->job.key), key.at, key.len);
    sl_frame_nonce(key.at + key.len - SL_AEAD_NONCE_BYTES, get_number(c, "offset"), f->job.nonce);
    f->job.src = f->job.dst = &f->text;
    f->job.n_src = f->job.n_dst = 1;
    f->job.aad_len = SL_FRAME_HEAD_BYTES;
    return true;
}

/* Head, tag and prefix as a receiver looks at them; the plaintext is left in place. */
static bool open_frame(struct frame *f, uint8_t *wire, size_t len, struct sl_frame_prefix *prefix)
{
    struct sl_job *burst[] = {&f->job};
    struct sl_frame_head head;

    if (!sl_frame_head_read(sl_cursor_of(wire, len), &head) ||
        len != (size_t)SL_FRAME_HEAD_BYTES + head.clen)
        return false;
    memcpy(f->job.aad, wire, SL_FRAME_HEAD_BYTES);
    memcpy(f->job.tag, wire + len - SL_AEAD_TAG_BYTES, SL_AEAD_TAG_BYTES);
    f->text = (struct sl_range){wire + SL_FRAME_HEAD_BYTES,
                                (uint32_t)(len - SL_FRAME_HEAD_BYTES - SL_AEAD_TAG_BYTES)};
    f->job.kind = SL_JOB_OPEN;
    f->ops->run(f->engine, burst, 1);
    return f->job.ok && sl_frame_prefix_read(sl_cursor_of(f->text.at, f->text.len), prefix);
}

static bool check_opened(struct frame *f, const json_t *c)
{
    static struct bytes wire;
    struct sl_frame_prefix prefix;
    bool ok;

    if (!get_bytes(c, "frame", &wire))
        return wrong("frame");
    ok = open_frame(f, wire.at, wire.len, &prefix);
    if (ok != get_bool(c, "ok"))
        return wrong("ok");
    return !ok || same(c, "data", f->text.at + prefix.len, f->text.len - prefix.len);
}

/* The largest frame is given by its hash: sealed here from zeros, and opened again. */
static bool check_sealed(struct frame *f, const json_t *c)
{
    static uint8_t wire[SL_FRAME_MAX_BYTES];
    const uint64_t data_len = get_number(c, "data_len");
    const size_t len = SL_FRAME_HEAD_BYTES + 1 + data_len + SL_AEAD_TAG_BYTES;
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct sl_job *burst[] = {&f->job};
    struct sl_frame_prefix prefix;

    if (len != get_number(c, "frame_len") || len > sizeof(wire))
        return wrong("frame_len");
    memset(wire, 0, sizeof(wire));
    sl_frame_head_write(wire, false, (uint32_t)(1 + data_len));
    memcpy(f->job.aad, wire, SL_FRAME_HEAD_BYTES);
    f->text = (struct sl_range){wire + SL_FRAME_HEAD_BYTES, (uint32_t)(1 + data_len)};
    f->job.kind = SL_JOB_SEAL;
    f->ops->run(f->engine, burst, 1);
    memcpy(wire + len - SL_AEAD_TAG_BYTES, f->job.tag, SL_AEAD_TAG_BYTES);
    SHA256(wire, len, digest);
    return f->job.ok && same(c, "frame_sha256", digest, sizeof(digest)) &&
           open_frame(f, wire, len, &prefix);
}

enum outcome check_frame_open(const json_t *c, const struct sl_aead_engine_ops *engine)
{
    struct frame f;
    bool ok;

    if (!engine->supports((enum sl_aead)get_number(c, "aead")))
        return SKIPPED;
    ok = create_frame(&f, c, engine) &&
         (has(c, "frame_sha256") ? check_sealed(&f, c) : check_opened(&f, c));
    destroy_frame(&f);
    return ok ? PASSED : FAILED;
}
