/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/aead/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static const enum sl_aead aeads[] = {SL_AEAD_AES_128_GCM, SL_AEAD_AES_256_GCM,
                                     SL_AEAD_CHACHA20_POLY1305};

static size_t built(const struct sl_aead_engine_ops **out)
{
    static const char *const names[] = {"openssl", "ipsec-mb"};
    size_t n = 0;

    for (size_t i = 0; i < 2; i++)
        if ((out[n] = sl_aead_engine_find(names[i])) != NULL)
            n++;
    return n;
}

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;

    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[n++] = (uint8_t)byte;
    return n;
}

static sl_secret put_key(struct sl_arena *arena, const uint8_t *key)
{
    sl_secret s = sl_arena_take(arena);

    memcpy(sl_arena_at(arena, s), key, 32);
    return s;
}

/*
 * AES-GCM: "The Galois/Counter Mode of Operation (GCM)", appendix B, cases 1-3, 13-15; with
 * associated data: a frame of test/vectors. ChaCha20-Poly1305: RFC 8439 2.8.2.
 */
#define FEFFE9 "feffe9928665731c6d6a8f9467308308"
#define D9313                                                          \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
#define ZERO16 "00000000000000000000000000000000"
#define LADIES                                                                            \
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a2" \
    "04966204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865" \
    "206675747572652c2073756e73637265656e20776f756c642062652069742e"

static const struct {
    enum sl_aead aead;
    const char *key, *nonce, *aad, *plain, *sealed, *tag;
} known[] = {
    {SL_AEAD_AES_128_GCM, ZERO16, "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {SL_AEAD_AES_128_GCM, ZERO16, "000000000000000000000000", "", ZERO16,
     "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
    {SL_AEAD_AES_128_GCM, FEFFE9, "cafebabefacedbaddecaf888", "", D9313,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {SL_AEAD_AES_128_GCM, "cab1922d956412a82809e3a4d3192be1", "162cb2281bce9645fa3f319b", "00001f",
     "0074616d7065722077697468206d65", "b3a9f47e8319c78d5ffbf8ae8a1794",
     "7a9927218edba8c8117e506a543aecc2"},
    {SL_AEAD_AES_256_GCM, ZERO16 ZERO16, "000000000000000000000000", "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {SL_AEAD_AES_256_GCM, ZERO16 ZERO16, "000000000000000000000000", "", ZERO16,
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {SL_AEAD_AES_256_GCM, FEFFE9 FEFFE9, "cafebabefacedbaddecaf888", "", D9313,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {SL_AEAD_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", LADIES,
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
};

static void check_known(const struct sl_aead_engine_ops *ops, size_t i)
{
    struct sl_arena *arena = sl_arena_create(1);
    struct sl_aead_engine *e = ops->create(arena, 1);
    uint8_t key[32] = {0}, plain[256], sealed[256], tag[16], out[256];
    size_t len = unhex(known[i].plain, plain);
    struct sl_range from = {plain, (uint32_t)len}, to = {out, (uint32_t)len};
    struct sl_job job = {.kind = SL_JOB_SEAL,
                         .aead = known[i].aead,
                         .src = &from,
                         .dst = &to,
                         .n_src = 1,
                         .n_dst = 1};
    struct sl_job *burst[] = {&job};

    unhex(known[i].key, key);
    unhex(known[i].sealed, sealed);
    unhex(known[i].tag, tag);
    unhex(known[i].nonce, job.nonce);
    job.aad_len = (uint8_t)unhex(known[i].aad, job.aad);
    job.key = put_key(arena, key);
    ops->run(e, burst, 1);
    cr_expect(job.ok, "%s %zu", ops->name, i);
    cr_expect_arr_eq(out, sealed, len, "%s %zu", ops->name, i);
    cr_expect_arr_eq(job.tag, tag, 16, "%s %zu", ops->name, i);

    job.kind = SL_JOB_OPEN;
    from.at = to.at = sealed; /* in place */
    ops->run(e, burst, 1);
    cr_expect(job.ok, "%s %zu", ops->name, i);
    cr_expect_arr_eq(sealed, plain, len, "%s %zu", ops->name, i);
    ops->destroy(e);
    sl_arena_destroy(arena);
}

Test(engine, published_vectors)
{
    const struct sl_aead_engine_ops *ops[2];

    for (size_t n = built(ops), k = 0; k < n; k++)
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            check_known(ops[k], i);
}

/* Random cuts of `len` bytes at `at`, some of them empty. Returns how many. */
static uint32_t cut(uint8_t *at, uint32_t len, uint32_t most, struct sl_range *out)
{
    uint32_t n = 0, done = 0;

    while (n + 1 < most && done < len && rand() % 8 != 0) {
        const uint32_t longest = rand() % 2 ? 40 : 3000;
        const uint32_t left = len - done;
        uint32_t take = (uint32_t)rand() % longest;

        take = take < left ? take : left;
        out[n++] = (struct sl_range){at + done, take};
        done += take;
    }
    out[n++] = (struct sl_range){at + done, len - done};
    return n;
}

enum { MOST = 70000, CUTS = 200 };

static void fill(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)rand();
}

/* Run with `e` over fresh cuts; result in `out`, whichever way it went there. */
static void run_cut(struct sl_aead_engine *e, struct sl_job *job, const uint8_t *text, uint8_t *out,
                    uint32_t len)
{
    static struct sl_range src[CUTS], dst[CUTS];
    struct sl_job *burst[] = {job};
    uint8_t *copy = malloc(len + 1); /* exact, for the address sanitizer */

    memcpy(copy, text, len);
    job->src = src;
    job->dst = dst;
    job->n_src = cut(copy, len, CUTS, src);
    if (rand() % 2) {
        job->n_dst = cut(out, len, CUTS, dst);
        e->ops->run(e, burst, 1);
    } else { /* in place: the same bytes, cut up in another way */
        job->n_dst = cut(copy, len, CUTS, dst);
        e->ops->run(e, burst, 1);
        memcpy(out, copy, len);
    }
    free(copy);
}

static uint32_t some_length(int round)
{
    static const uint32_t edges[] = {0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1429, 65519};

    if (round < (int)(sizeof(edges) / sizeof(edges[0])))
        return edges[round];
    return (uint32_t)rand() % (round % 4 == 0 ? MOST : 2000);
}

static void check_agreement(struct sl_aead_engine *const *e, size_t n, struct sl_job *job,
                            uint32_t len)
{
    uint8_t *text = malloc(len + 1), *first = malloc(len + 1), *other = malloc(len + 1);
    uint8_t tag[16];

    fill(text, len);
    job->kind = SL_JOB_SEAL;
    run_cut(e[0], job, text, first, len);
    cr_assert(job->ok);
    memcpy(tag, job->tag, 16);
    for (size_t i = 0; i < n; i++) {
        job->kind = SL_JOB_SEAL;
        memset(job->tag, 0, 16);
        run_cut(e[i], job, text, other, len);
        cr_assert(job->ok);
        cr_assert_arr_eq(job->tag, tag, 16, "%s, %u bytes", e[i]->ops->name, len);
        cr_assert(len == 0 || memcmp(other, first, len) == 0, "%s", e[i]->ops->name);

        job->kind = SL_JOB_OPEN;
        run_cut(e[i], job, first, other, len);
        cr_assert(job->ok);
        cr_assert(len == 0 || memcmp(other, text, len) == 0, "%s", e[i]->ops->name);

        job->tag[rand() % 16] ^= (uint8_t)(1 << rand() % 8);
        run_cut(e[i], job, first, other, len);
        cr_assert_not(job->ok, "%s: a flipped bit in the tag", e[i]->ops->name);
        memcpy(job->tag, tag, 16);
        if (len > 0) {
            uint8_t *bit = &first[(uint32_t)rand() % len];

            *bit ^= 0x10;
            run_cut(e[i], job, first, other, len);
            cr_assert_not(job->ok, "%s: a flipped bit in the text", e[i]->ops->name);
            *bit ^= 0x10;
        }
    }
    free(text);
    free(first);
    free(other);
}

Test(engine, engines_agree_whatever_the_cuts, .timeout = 120)
{
    const struct sl_aead_engine_ops *ops[2];
    struct sl_aead_engine *e[2];
    struct sl_arena *arena = sl_arena_create(8);
    const size_t n = built(ops);

    srand(1);
    for (size_t i = 0; i < n; i++)
        cr_assert_not_null(e[i] = ops[i]->create(arena, 2)); /* fewer than keys: eviction too */
    for (int round = 0; round < 400; round++) {
        struct sl_job job = {.aead = aeads[round % 3]};
        uint8_t key[32];

        fill(key, sizeof(key));
        fill(job.nonce, sizeof(job.nonce));
        fill(job.aad, sizeof(job.aad));
        job.aad_len = (uint8_t)(rand() % (SL_AEAD_AAD_MAX_BYTES + 1));
        job.key = put_key(arena, key);
        check_agreement(e, n, &job, some_length(round / 3));
        sl_arena_erase(arena, &job.key);
    }
    for (size_t i = 0; i < n; i++)
        ops[i]->destroy(e[i]);
    sl_arena_destroy(arena);
}

Test(engine, a_job_over_65536_ranges)
{
    enum { N = 65536 };
    const struct sl_aead_engine_ops *ops[2];
    struct sl_arena *arena = sl_arena_create(1);
    struct sl_range *ones = calloc(N, sizeof(*ones));
    uint8_t *text = calloc(1, N), key[32] = {3}, tags[2][16];
    const size_t n = built(ops);
    const struct sl_range whole = {text, N};
    struct sl_job job = {.aead = SL_AEAD_AES_128_GCM, .key = put_key(arena, key)};
    struct sl_job *burst[] = {&job};

    for (uint32_t i = 0; i < N; i++)
        ones[i] = (struct sl_range){text + i, 1};
    for (size_t i = 0; i < n; i++) {
        struct sl_aead_engine *e = ops[i]->create(arena, 1);

        job.kind = SL_JOB_SEAL;
        job.src = ones, job.n_src = N, job.dst = &whole, job.n_dst = 1;
        ops[i]->run(e, burst, 1);
        cr_expect(job.ok);
        memcpy(tags[i], job.tag, 16);
        job.kind = SL_JOB_OPEN;
        job.src = &whole, job.n_src = 1, job.dst = ones, job.n_dst = N;
        ops[i]->run(e, burst, 1);
        cr_expect(job.ok);
        cr_expect(text[0] == 0 && memcmp(text, text + 1, N - 1) == 0);
        ops[i]->destroy(e);
    }
    cr_expect(n < 2 || memcmp(tags[0], tags[1], 16) == 0);
    free(ones);
    free(text);
    sl_arena_destroy(arena);
}

static void check_refusals(const struct sl_aead_engine_ops *ops)
{
    struct sl_arena *arena = sl_arena_create(2);
    struct sl_aead_engine *e = ops->create(arena, 4);
    uint8_t key[32] = {1}, a[20] = {0}, b[20];
    struct sl_range from = {a, 20}, to = {b, 19};

    for (size_t i = 0; i < 3; i++) {
        struct sl_job job = {.kind = SL_JOB_SEAL,
                             .aead = aeads[i],
                             .src = &from,
                             .dst = &to,
                             .n_src = 1,
                             .n_dst = 1,
                             .key = put_key(arena, key)};
        struct sl_job *burst[] = {&job};

        to.len = 19;
        ops->run(e, burst, 1);
        cr_expect_not(job.ok, "sides of different length");
        to.len = 20;
        ops->run(e, burst, 1);
        cr_expect(job.ok);
        ops->forget(e, job.key);
        sl_secret stale = job.key;
        sl_arena_erase(arena, &job.key);
        job.key = stale;
        ops->run(e, burst, 1);
        cr_expect_not(job.ok, "a key that was erased");
        job.key = 0;
        ops->run(e, burst, 1);
        cr_expect_not(job.ok, "no key");
        job.aead = SL_AEAD_NONE;
        ops->run(e, burst, 1);
        cr_expect_not(job.ok, "no AEAD");
    }
    ops->destroy(e);
    sl_arena_destroy(arena);
}

Test(engine, a_job_that_makes_no_sense_fails)
{
    const struct sl_aead_engine_ops *ops[2];

    for (size_t n = built(ops), i = 0; i < n; i++)
        check_refusals(ops[i]);
}

/* A handle is never used twice, so a cached expanded key meets no other secret. */
Test(engine, a_slot_taken_again_is_another_key)
{
    const struct sl_aead_engine_ops *ops[2];

    for (size_t n = built(ops), i = 0; i < n; i++) {
        struct sl_arena *arena = sl_arena_create(1);
        struct sl_aead_engine *e = ops[i]->create(arena, 4);
        uint8_t key[32] = {1}, text[16] = {0}, tag[16];
        const struct sl_range at = {text, 16};
        struct sl_job job = {.kind = SL_JOB_SEAL,
                             .aead = SL_AEAD_AES_128_GCM,
                             .src = &at,
                             .dst = &at,
                             .n_src = 1,
                             .n_dst = 1,
                             .key = put_key(arena, key)};
        struct sl_job *burst[] = {&job};

        ops[i]->run(e, burst, 1);
        memcpy(tag, job.tag, 16);
        sl_arena_erase(arena, &job.key);
        key[0] = 2;
        job.key = put_key(arena, key);
        memset(text, 0, 16);
        ops[i]->run(e, burst, 1);
        cr_expect(memcmp(tag, job.tag, 16) != 0, "%s", ops[i]->name);
        ops[i]->destroy(e);
        sl_arena_destroy(arena);
    }
}

Test(engine, found_by_name)
{
    cr_expect_str_eq(sl_aead_engine_find("openssl")->name, "openssl");
    cr_expect_null(sl_aead_engine_find("rot13"));
    cr_expect_not_null(sl_aead_engine_find(NULL));
    if (sl_ipsec_mb_facts().built) {
        cr_expect_str_eq(sl_aead_engine_find(NULL)->name, "ipsec-mb");
        cr_expect(sl_ipsec_mb_facts().self_test_ok);
        cr_expect_str_not_empty(sl_ipsec_mb_facts().version);
        cr_expect_str_not_empty(sl_ipsec_mb_facts().isa);
    } else {
        cr_expect_null(sl_aead_engine_find("ipsec-mb"));
    }
    for (size_t i = 0; i < 3; i++)
        cr_expect(sl_aead_engine_find(NULL)->supports(aeads[i]));
    cr_expect_not(sl_aead_engine_find(NULL)->supports(SL_AEAD_NONE));
}
