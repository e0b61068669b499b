/* SPDX-License-Identifier: BSD-3-Clause */
#include <intel-ipsec-mb.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "tcpcrypt/aead/engines.h"
#include "tcpcrypt/aead/keycache.h"
#include "tcpcrypt/aead/pieces.h"

/*
 * The direct calls in a loop: for GCM they are faster than the library's job interface, whatever
 * the burst, since GCM is single-buffer code there. Secrets that calls leave behind in registers
 * and on the stack are the library's to clear (SAFE_DATA); a build that does not is refused.
 */
enum { NEEDED_FEATURES = IMB_FEATURE_SAFE_DATA | IMB_FEATURE_SAFE_PARAM };

enum { CACHE_LINE_BYTES = 64, PREFETCH_MAX_BYTES = 2048 };

struct gcm {
    aes_gcm_pre_t expand;
    aes_gcm_enc_dec_t whole[2]; /* by direction: seal, open */
    aes_gcm_init_t init;
    aes_gcm_enc_dec_update_t update[2];
    aes_gcm_enc_dec_finalize_t finalize[2];
};

struct engine {
    struct sl_aead_engine base;
    struct sl_arena *arena;
    struct sl_key_cache *cache; /* of struct gcm_key_data; ChaCha20 expands nothing */
    IMB_MGR *mgr;
    struct gcm aes_128, aes_256;
    struct gcm_context_data gcm_text;
    struct chacha20_poly1305_context_data chacha_text;
};

static IMB_MGR *create_manager(void)
{
    IMB_MGR *mgr = alloc_mb_mgr(0);

    if (mgr != NULL)
        init_mb_mgr_auto(mgr, NULL);
    return mgr;
}

static bool self_test_ok(const IMB_MGR *mgr)
{
    const uint64_t tested = IMB_FEATURE_SELF_TEST | IMB_FEATURE_SELF_TEST_PASS;

    return (mgr->features & tested) == tested;
}

static bool usable(const IMB_MGR *mgr)
{
    return mgr->used_arch != IMB_ARCH_NONE && self_test_ok(mgr) &&
           (mgr->features & NEEDED_FEATURES) == NEEDED_FEATURES;
}

static void find_calls(struct engine *e)
{
    const IMB_MGR *m = e->mgr;

    e->aes_128 = (struct gcm){
        .expand = m->gcm128_pre,
        .whole = {m->gcm128_enc, m->gcm128_dec},
        .init = m->gcm128_init,
        .update = {m->gcm128_enc_update, m->gcm128_dec_update},
        .finalize = {m->gcm128_enc_finalize, m->gcm128_dec_finalize},
    };
    e->aes_256 = (struct gcm){
        .expand = m->gcm256_pre,
        .whole = {m->gcm256_enc, m->gcm256_dec},
        .init = m->gcm256_init,
        .update = {m->gcm256_enc_update, m->gcm256_dec_update},
        .finalize = {m->gcm256_enc_finalize, m->gcm256_dec_finalize},
    };
}

static void destroy(struct sl_aead_engine *base)
{
    struct engine *e = (struct engine *)base;

    if (e == NULL)
        return;
    sl_key_cache_destroy(e->cache);
    if (e->mgr != NULL)
        free_mb_mgr(e->mgr);
    OPENSSL_cleanse(e, sizeof(*e));
    free(e);
}

static struct sl_aead_engine *create(struct sl_arena *arena, uint32_t keys)
{
    struct engine *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    e->base.ops = &sl_aead_engine_ipsec_mb;
    e->arena = arena;
    if ((e->mgr = create_manager()) == NULL || !usable(e->mgr) ||
        (e->cache = sl_key_cache_create(keys, sizeof(struct gcm_key_data), NULL)) == NULL) {
        destroy(&e->base);
        return NULL;
    }
    find_calls(e);
    return &e->base;
}

static const struct gcm_key_data *expanded_key(struct engine *e, const struct gcm *gcm,
                                               const struct sl_job *job)
{
    struct gcm_key_data *expanded = sl_key_cache_find(e->cache, job->key, job->aead);
    const uint8_t *key;

    if (expanded != NULL)
        return expanded;
    if ((key = sl_arena_at(e->arena, job->key)) == NULL)
        return NULL;
    expanded = sl_key_cache_add(e->cache, job->key, job->aead);
    gcm->expand(key, expanded);
    return expanded;
}

/* Computes `tag`; false when the job makes no sense. */
static bool run_gcm(struct engine *e, const struct gcm *gcm, const struct sl_job *job, uint8_t *tag)
{
    const unsigned open = job->kind == SL_JOB_OPEN;
    const struct gcm_key_data *key = expanded_key(e, gcm, job);
    struct gcm_context_data *text = &e->gcm_text;
    struct sl_pieces pieces = sl_pieces_of(job);
    struct sl_piece piece;

    if (key == NULL)
        return false;
    if (job->n_src == 1 && job->n_dst == 1 && job->src->len == job->dst->len && job->src->len > 0) {
        gcm->whole[open](key, text, job->dst->at, job->src->at, job->src->len, job->nonce, job->aad,
                         job->aad_len, tag, SL_AEAD_TAG_BYTES);
        return true;
    }
    gcm->init(key, text, job->nonce, job->aad, job->aad_len);
    while (sl_pieces_next(&pieces, &piece))
        gcm->update[open](key, text, piece.to, piece.from, piece.len);
    gcm->finalize[open](key, text, tag, SL_AEAD_TAG_BYTES);
    return sl_pieces_even(&pieces);
}

static bool run_chacha(struct engine *e, const struct sl_job *job, uint8_t *tag)
{
    const uint8_t *key = sl_arena_at(e->arena, job->key);
    struct chacha20_poly1305_context_data *text = &e->chacha_text;
    struct sl_pieces pieces = sl_pieces_of(job);
    struct sl_piece piece;

    if (key == NULL)
        return false;
    IMB_CHACHA20_POLY1305_INIT(e->mgr, key, text, job->nonce, job->aad, job->aad_len);
    while (sl_pieces_next(&pieces, &piece)) {
        if (job->kind == SL_JOB_SEAL)
            IMB_CHACHA20_POLY1305_ENC_UPDATE(e->mgr, key, text, piece.to, piece.from, piece.len);
        else
            IMB_CHACHA20_POLY1305_DEC_UPDATE(e->mgr, key, text, piece.to, piece.from, piece.len);
    }
    IMB_CHACHA20_POLY1305_ENC_FINALIZE(e->mgr, text, tag, SL_AEAD_TAG_BYTES);
    return sl_pieces_even(&pieces);
}

static bool run_text(struct engine *e, const struct sl_job *job, uint8_t *tag)
{
    switch (job->aead) {
    case SL_AEAD_AES_128_GCM:
        return run_gcm(e, &e->aes_128, job, tag);
    case SL_AEAD_AES_256_GCM:
        return run_gcm(e, &e->aes_256, job, tag);
    case SL_AEAD_CHACHA20_POLY1305:
        return run_chacha(e, job, tag);
    case SL_AEAD_NONE:
        break;
    }
    return false;
}

/*
 * What is to be opened was written by a device or another core: it travels while the job before is
 * done (bench/segment; a tenth of the encrypted rate, more where cores are far apart).
 */
static void prefetch_sources(const struct sl_job *job)
{
    uint32_t left = PREFETCH_MAX_BYTES;

    if (job->kind != SL_JOB_OPEN)
        return;
    for (uint32_t i = 0; i < job->n_src && left > 0; i++) {
        const uint32_t len = job->src[i].len < left ? job->src[i].len : left;

        for (uint32_t at = 0; at < len; at += CACHE_LINE_BYTES)
            __builtin_prefetch(job->src[i].at + at);
        left -= len;
    }
}

static void run(struct sl_aead_engine *base, struct sl_job *const *jobs, size_t n)
{
    struct engine *e = (struct engine *)base;
    uint8_t tag[SL_AEAD_TAG_BYTES];
    size_t i;

    for (i = 0; i < n; i++) {
        struct sl_job *job = jobs[i];

        if (i + 1 < n)
            prefetch_sources(jobs[i + 1]);
        if (job->kind == SL_JOB_SEAL)
            job->ok = run_text(e, job, job->tag);
        else /* the library computes tags, and leaves comparing to us */
            job->ok = run_text(e, job, tag) && CRYPTO_memcmp(tag, job->tag, sizeof(tag)) == 0;
    }
}

static void forget(struct sl_aead_engine *base, sl_secret key)
{
    sl_key_cache_forget(((struct engine *)base)->cache, key);
}

static bool supports(enum sl_aead aead)
{
    return sl_aead_key_bytes(aead) > 0;
}

const struct sl_aead_engine_ops sl_aead_engine_ipsec_mb = {
    .name = "ipsec-mb",
    .create = create,
    .destroy = destroy,
    .run = run,
    .forget = forget,
    .supports = supports,
};

static const char *isa_name(uint32_t arch)
{
    static const char *const names[IMB_ARCH_NUM] = {
        [IMB_ARCH_NONE] = "none", [IMB_ARCH_NOAESNI] = "SSE without AESNI",
        [IMB_ARCH_SSE] = "SSE",   [IMB_ARCH_AVX] = "AVX",
        [IMB_ARCH_AVX2] = "AVX2", [IMB_ARCH_AVX512] = "AVX512",
    };

    return arch < IMB_ARCH_NUM ? names[arch] : "unknown";
}

struct sl_ipsec_mb_facts sl_ipsec_mb_facts(void)
{
    struct sl_ipsec_mb_facts facts = {.version = imb_get_version_str(), .isa = "", .built = true};
    IMB_MGR *mgr = create_manager();

    if (mgr == NULL)
        return facts;
    facts.isa = isa_name(mgr->used_arch);
    facts.self_test_ok = self_test_ok(mgr);
    free_mb_mgr(mgr);
    return facts;
}
