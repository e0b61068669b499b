/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <openssl/evp.h>

#include "tcpcrypt/aead/engines.h"
#include "tcpcrypt/aead/keycache.h"
#include "tcpcrypt/aead/pieces.h"

enum { PIECE_MAX_BYTES = 1 << 30 }; /* libcrypto counts in int */

struct engine {
    struct sl_aead_engine base;
    struct sl_arena *arena;
    struct sl_key_cache *cache; /* of EVP_CIPHER_CTX *, with key */
    EVP_CIPHER *aes_128_gcm, *aes_256_gcm, *chacha20_poly1305;
};

static void drop_context(void *entry)
{
    EVP_CIPHER_CTX_free(*(EVP_CIPHER_CTX **)entry); /* wipes the key schedule */
}

static void destroy(struct sl_aead_engine *base)
{
    struct engine *e = (struct engine *)base;

    if (e == NULL)
        return;
    sl_key_cache_destroy(e->cache);
    EVP_CIPHER_free(e->aes_128_gcm);
    EVP_CIPHER_free(e->aes_256_gcm);
    EVP_CIPHER_free(e->chacha20_poly1305);
    free(e);
}

static struct sl_aead_engine *create(struct sl_arena *arena, uint32_t keys)
{
    struct engine *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    e->base.ops = &sl_aead_engine_openssl;
    e->arena = arena;
    if ((e->cache = sl_key_cache_create(keys, sizeof(EVP_CIPHER_CTX *), drop_context)) == NULL ||
        (e->aes_128_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL)) == NULL ||
        (e->aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)) == NULL ||
        (e->chacha20_poly1305 = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL)) == NULL) {
        destroy(&e->base);
        return NULL;
    }
    return &e->base;
}

static const EVP_CIPHER *cipher_of(const struct engine *e, enum sl_aead aead)
{
    switch (aead) {
    case SL_AEAD_AES_128_GCM:
        return e->aes_128_gcm;
    case SL_AEAD_AES_256_GCM:
        return e->aes_256_gcm;
    case SL_AEAD_CHACHA20_POLY1305:
        return e->chacha20_poly1305;
    case SL_AEAD_NONE:
        break;
    }
    return NULL;
}

/* A context with the job's key; NULL: key erased, unknown AEAD, no memory. */
static EVP_CIPHER_CTX *context_of(struct engine *e, const struct sl_job *job)
{
    EVP_CIPHER_CTX **entry = sl_key_cache_find(e->cache, job->key, job->aead);
    const EVP_CIPHER *cipher = cipher_of(e, job->aead);
    const uint8_t *key = sl_arena_at(e->arena, job->key);
    EVP_CIPHER_CTX *ctx;

    if (entry != NULL)
        return *entry;
    if (cipher == NULL || key == NULL || (ctx = EVP_CIPHER_CTX_new()) == NULL)
        return NULL;
    if (EVP_CipherInit_ex(ctx, cipher, NULL, key, NULL, 1) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    entry = sl_key_cache_add(e->cache, job->key, job->aead);
    *entry = ctx;
    return ctx;
}

static bool run_text(EVP_CIPHER_CTX *ctx, const struct sl_job *job)
{
    struct sl_pieces pieces = sl_pieces_of(job);
    struct sl_piece piece;
    int len;

    while (sl_pieces_next(&pieces, &piece)) {
        while (piece.len > 0) {
            const uint32_t n = piece.len < PIECE_MAX_BYTES ? piece.len : PIECE_MAX_BYTES;

            if (EVP_CipherUpdate(ctx, piece.to, &len, piece.from, (int)n) != 1)
                return false;
            piece.from += n;
            piece.to += n;
            piece.len -= n;
        }
    }
    return sl_pieces_even(&pieces);
}

static bool run_job(struct engine *e, struct sl_job *job)
{
    const bool seal = job->kind == SL_JOB_SEAL;
    EVP_CIPHER_CTX *ctx = context_of(e, job);
    uint8_t nothing[SL_AEAD_TAG_BYTES];
    int len;

    if (ctx == NULL || EVP_CipherInit_ex(ctx, NULL, NULL, NULL, job->nonce, seal) != 1)
        return false;
    if (!seal && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SL_AEAD_TAG_BYTES, job->tag) != 1)
        return false;
    if (job->aad_len > 0 && EVP_CipherUpdate(ctx, NULL, &len, job->aad, job->aad_len) != 1)
        return false;
    if (!run_text(ctx, job) || EVP_CipherFinal_ex(ctx, nothing, &len) != 1)
        return false;
    return !seal ||
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SL_AEAD_TAG_BYTES, job->tag) == 1;
}

static void run(struct sl_aead_engine *base, struct sl_job *const *jobs, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        jobs[i]->ok = run_job((struct engine *)base, jobs[i]);
}

static void forget(struct sl_aead_engine *base, sl_secret key)
{
    sl_key_cache_forget(((struct engine *)base)->cache, key);
}

static bool supports(enum sl_aead aead)
{
    return sl_aead_key_bytes(aead) > 0;
}

const struct sl_aead_engine_ops sl_aead_engine_openssl = {
    .name = "openssl",
    .create = create,
    .destroy = destroy,
    .run = run,
    .forget = forget,
    .supports = supports,
};
