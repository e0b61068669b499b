/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/tcpcrypt.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/cursor.h"
#include "base/invariant.h"
#include "base/wheel.h"
#include "tcpcrypt/frame.h"
#include "tcpcrypt/generations.h"
#include "tcpcrypt/handshake.h"
#include "tcpcrypt/kex.h"
#include "tcpcrypt/ranges.h"

enum {
    TEP_V = 0x80,           /* "v" in a TEP byte */
    RESUME_HALF_BYTES = 9,  /* identifier in a resumption suboption (R88) */
    RESUME_NONCE_BYTES = 8, /* at most (A4) */
    NOTE_REKEY = 1,         /* in a received frame's note */
    FROZEN_VERSION = 1,
    FROZEN_BYTES = 5 + 3 * 8 + SL_SESSION_ID_BYTES - 1 + 3 * SL_K_LEN,
};

/*
 * 64 GiB under one key, in 2^20 frames of the largest size. The usual figure for AES-GCM is
 * 2^24.5 records of 16 KiB, which are 2^38.5 bytes; R74 asks for less than 2^64.
 */
static const uint64_t key_limit_bytes = UINT64_C(1) << 36;

static const uint64_t no_offset = UINT64_MAX;

struct sl_tep_state {
    struct sl_handshake *handshake; /* until keys are there and our Init was handed out */
    struct sl_generations g;
    uint64_t deadline_ns;
    uint64_t sealing_from; /* offset of the first frame under the sealing key */
    uint64_t rekey_read;   /* offset of a rekey frame that was read and not opened yet */
    uint8_t tep_byte;
    bool ready;
    bool failed;
    bool rekey_wanted;
    bool fin_opened; /* FINp of the peer */
    uint8_t session_id[SL_SESSION_ID_BYTES];
};

static size_t offer(const struct sl_tep_config *c, enum sl_tep_role role, uint8_t *data,
                    size_t room, bool *v)
{
    (void)c, (void)role, (void)data, (void)room;
    *v = false; /* no session cache, nothing to resume */
    return 0;
}

/* R21. A proposal that names a secret we do not have is one of a fresh exchange (R90, R91). */
static bool accept_suboption(const struct sl_tep_config *c, enum sl_tep_role peer, bool v,
                             const uint8_t *data, size_t len)
{
    (void)c, (void)data;
    if (!v)
        return len == 0;
    /* B agrees to what A proposed; we proposed nothing (R92, A5). */
    return peer == SL_TEP_ROLE_A && len <= RESUME_HALF_BYTES + RESUME_NONCE_BYTES;
}

static void erase(struct sl_tep_state *t)
{
    if (t == NULL)
        return;
    sl_handshake_destroy(t->handshake);
    sl_generations_erase(&t->g);
    OPENSSL_cleanse(t, sizeof(*t));
    free(t);
}

static struct sl_tep_state *create(const struct sl_tep_begin *b)
{
    struct sl_tep_state *t = SL_FAULT(tep_state) ? NULL : calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->g.arena = b->arena;
    t->g.queue = b->queue;
    t->tep_byte = b->tep_byte;
    t->rekey_read = no_offset;
    t->deadline_ns = SL_NEVER;
    return t;
}

static struct sl_tep_state *begin(const struct sl_tep_begin *b, uint64_t now_ns)
{
    const struct sl_kex *kex = sl_kex_find(b->tep_byte);
    struct sl_tep_state *t;

    if (kex == NULL || (t = create(b)) == NULL) /* v = 1 was never acceptable */
        return NULL;
    if ((t->handshake = sl_handshake_create(b, kex)) == NULL) {
        erase(t);
        return NULL;
    }
    if (b->config->kex_timeout_ns < SL_NEVER - now_ns)
        t->deadline_ns = now_ns + b->config->kex_timeout_ns;
    return t;
}

/* The handshake's memory goes when its last bytes may no longer be looked at. */
static void shed_handshake(struct sl_tep_state *t)
{
    if (t->handshake == NULL || !t->ready || sl_handshake_owes_init(t->handshake))
        return;
    sl_handshake_destroy(t->handshake);
    t->handshake = NULL;
}

static void fill_job(const struct sl_tep_state *t, struct sl_job *job, enum sl_job_kind kind,
                     sl_secret key, uint64_t offset)
{
    const uint8_t *k = sl_arena_at(t->g.arena, key);

    job->kind = kind;
    job->aead = t->g.aead;
    job->key = key;
    job->aad_len = SL_FRAME_HEAD_BYTES;
    sl_frame_nonce(k + sl_aead_key_bytes(t->g.aead), offset, job->nonce);
}

static enum sl_tep_read fail(struct sl_tep_frame *f, enum sl_tep_error error)
{
    f->error = error;
    return SL_TEP_READ_ERROR;
}

static enum sl_tep_read need(struct sl_tep_frame *f, uint32_t bytes)
{
    f->need = bytes;
    return SL_TEP_READ_MORE;
}

/*
 * A frame with rekey = 1 goes out alone: what is behind it may be under its key or not, which
 * nobody knows before its tag was looked at (trap 10).
 */
static enum sl_tep_read hand_out(struct sl_tep_state *t, const struct sl_frame_head *head,
                                 uint32_t ahead, struct sl_tep_frame *f, struct sl_job *job)
{
    sl_secret key = t->g.open;

    if (head->rekey) {
        if (ahead > 0)
            return SL_TEP_READ_WAIT;
        if ((key = sl_generations_candidate(&t->g)) == 0)
            return fail(f, SL_TEP_NO_MEMORY);
        t->rekey_read = f->offset;
        f->note = NOTE_REKEY;
    }
    f->head_len = SL_FRAME_HEAD_BYTES;
    f->tag_len = SL_AEAD_TAG_BYTES;
    f->cipher_len = f->len - SL_FRAME_HEAD_BYTES - SL_AEAD_TAG_BYTES;
    fill_job(t, job, SL_JOB_OPEN, key, f->offset);
    return SL_TEP_READ_FRAME;
}

static enum sl_tep_read read_frame(struct sl_tep_state *t, const struct sl_range *bytes, uint32_t n,
                                   uint32_t ahead, struct sl_tep_frame *f, struct sl_job *job)
{
    struct sl_frame_head head;

    if (f->offset <= t->rekey_read) /* also when it is `no_offset` */
        t->rekey_read = no_offset;
    else
        return SL_TEP_READ_WAIT;
    if (sl_ranges_copy(bytes, n, job->aad, SL_FRAME_HEAD_BYTES) < SL_FRAME_HEAD_BYTES)
        return need(f, SL_FRAME_HEAD_BYTES);
    if (!sl_frame_head_read(sl_cursor_of(job->aad, SL_FRAME_HEAD_BYTES), &head))
        return fail(f, SL_TEP_AUTH_FAILED); /* A8 */
    f->len = SL_FRAME_HEAD_BYTES + (uint32_t)head.clen;
    if (sl_ranges_len(bytes, n, f->len) < f->len)
        return need(f, f->len);
    return hand_out(t, &head, ahead, f, job);
}

static enum sl_tep_read read_stream(struct sl_tep_state *t, const struct sl_range *bytes,
                                    uint32_t n, uint64_t offset, uint32_t ahead,
                                    struct sl_tep_frame *f, struct sl_job *job)
{
    *f = (struct sl_tep_frame){.offset = offset};
    if (t->failed)
        return fail(f, SL_TEP_KEX_FAILED);
    shed_handshake(t);
    if (t->ready)
        return read_frame(t, bytes, n, ahead, f, job);
    return sl_handshake_read(t->handshake, bytes, n, &t->g, f);
}

/* R83: the peer's generation goes up; ours follows by frames that next() will cut. */
static enum sl_tep_error take_rekey(struct sl_tep_state *t, struct sl_tep_opened *out)
{
    t->rekey_read = no_offset;
    if (!sl_generations_remote_step(&t->g))
        return SL_TEP_NO_MEMORY;
    out->reply_due = t->g.local < t->g.remote && !t->g.sealed_last;
    return SL_TEP_OK;
}

static void opened(struct sl_tep_state *t, const struct sl_tep_frame *f,
                   const struct sl_range *text, uint32_t n, struct sl_tep_opened *out)
{
    uint8_t look[SL_FRAME_PREFIX_MAX_BYTES];
    const uint32_t most = f->cipher_len < sizeof(look) ? f->cipher_len : (uint32_t)sizeof(look);
    struct sl_frame_prefix prefix;

    *out = (struct sl_tep_opened){.error = SL_TEP_AUTH_FAILED};
    if (!t->ready || t->fin_opened || /* A8: a frame after FINp */
        !sl_frame_prefix_read(sl_cursor_of(look, sl_ranges_copy(text, n, look, most)), &prefix))
        return;
    *out = (struct sl_tep_opened){
        .data_at = prefix.len,
        .data_len = f->cipher_len - prefix.len,
        .end_of_stream = prefix.finp,
        .urgent = prefix.urgp,
        /* R80, A7: the field leads to the last urgent byte, counted from the frame's first. */
        .urgent_end = prefix.urgp ? (uint64_t)prefix.urgent + 1 : 0,
    };
    t->fin_opened = prefix.finp;
    if ((f->note & NOTE_REKEY) != 0)
        out->error = take_rekey(t, out);
}

/*
 * Should a frame with this much data begin a generation? R83: what is owed goes first. A re-key of
 * our own without data waits until the peer has answered the one before (R84).
 */
static bool wants_rekey(const struct sl_tep_state *t, uint64_t offset, uint32_t data_len)
{
    if (t->g.local < t->g.remote || t->g.seal == 0)
        return true;
    if (data_len > 0)
        return t->rekey_wanted || offset - t->sealing_from >= key_limit_bytes;
    return t->rekey_wanted && t->g.local == t->g.remote;
}

/* Go on to the next generation if that is wanted and can be; false: do not cut now. */
static bool begin_generation(struct sl_tep_state *t, uint64_t offset, uint32_t data_len,
                             bool *rekey)
{
    const bool may_wait = t->g.local >= t->g.remote;

    *rekey = wants_rekey(t, offset, data_len) && sl_generations_local_step(&t->g);
    if (*rekey) {
        t->sealing_from = offset;
        t->rekey_wanted = false;
    }
    return *rekey || (may_wait && t->g.seal != 0);
}

static void fill_cut(struct sl_tep_cut *cut, const struct sl_frame_prefix *prefix, bool rekey,
                     uint32_t data_len)
{
    cut->data_len = data_len;
    cut->head_len = SL_FRAME_HEAD_BYTES;
    cut->tag_len = SL_AEAD_TAG_BYTES;
    cut->prefix_len = (uint8_t)sl_frame_prefix_write(cut->prefix, prefix);
    cut->end_of_stream = prefix->finp;
    cut->len = SL_FRAME_HEAD_BYTES + cut->prefix_len + data_len + SL_AEAD_TAG_BYTES;
    sl_frame_head_write(cut->head, rekey, cut->prefix_len + data_len);
}

/* What a frame of `room` bytes at most can take of `p`; false: not even its overhead. */
static bool plan(const struct sl_tep_pending *p, uint32_t room, struct sl_frame_prefix *prefix,
                 uint32_t *data_len)
{
    const bool urgent = p->urgent && p->urgent_end > 0 && p->data_len > 0;
    const uint32_t before = urgent ? SL_FRAME_PREFIX_MAX_BYTES : SL_FRAME_PREFIX_BYTES;
    const uint32_t overhead = SL_FRAME_HEAD_BYTES + before + SL_AEAD_TAG_BYTES;
    const uint32_t most = SL_FRAME_PLAIN_MAX_BYTES - before;
    const uint32_t last = urgent ? p->urgent_end - 1 : 0; /* A7 */

    if (room < overhead)
        return false;
    *data_len = p->data_len < most ? p->data_len : most;
    if (*data_len > room - overhead)
        *data_len = room - overhead;
    *prefix = (struct sl_frame_prefix){
        .finp = p->end_of_stream && *data_len == p->data_len,
        .urgp = urgent,
        .urgent = (uint16_t)(last < UINT16_MAX ? last : UINT16_MAX), /* later frames say the rest */
    };
    return true;
}

static enum sl_tep_next next_frame(struct sl_tep_state *t, const struct sl_tep_pending *p,
                                   uint32_t room, uint64_t offset, struct sl_tep_cut *cut,
                                   struct sl_job *job)
{
    struct sl_frame_prefix prefix;
    uint32_t data_len;
    bool rekey;

    if (t->g.sealed_last || !plan(p, room, &prefix, &data_len))
        return SL_TEP_NEXT_NOTHING;
    if (data_len == 0 && !prefix.finp && !wants_rekey(t, offset, 0))
        return SL_TEP_NEXT_NOTHING;
    if (!begin_generation(t, offset, data_len, &rekey) || (data_len == 0 && !prefix.finp && !rekey))
        return SL_TEP_NEXT_NOTHING;
    fill_cut(cut, &prefix, rekey, data_len);
    fill_job(t, job, SL_JOB_SEAL, t->g.seal, offset);
    memcpy(job->aad, cut->head, SL_FRAME_HEAD_BYTES);
    cut->note = sl_generations_cut(&t->g);
    if (prefix.finp) /* R76: on the last frame, and on no other */
        sl_generations_seal_ends(&t->g);
    return SL_TEP_NEXT_FRAME;
}

static enum sl_tep_next next(struct sl_tep_state *t, const struct sl_tep_pending *p, uint32_t room,
                             uint64_t offset, struct sl_tep_cut *cut, struct sl_job *job)
{
    *cut = (struct sl_tep_cut){0};
    if (t->failed)
        return SL_TEP_NEXT_NOTHING;
    if (t->handshake != NULL && sl_handshake_owes_init(t->handshake)) {
        cut->len = sl_handshake_init(t->handshake, room, &cut->own);
        cut->push = true; /* R48 */
        t->sealing_from = cut->len;
        return cut->len > 0 ? SL_TEP_NEXT_OWN : SL_TEP_NEXT_NOTHING;
    }
    shed_handshake(t);
    return t->ready ? next_frame(t, p, room, offset, cut, job) : SL_TEP_NEXT_NOTHING;
}

static void sealed(struct sl_tep_state *t, const struct sl_tep_cut *cut)
{
    if (cut->own == NULL)
        sl_generations_sealed(&t->g, cut->note);
}

static struct sl_tep_work *work(struct sl_tep_state *t)
{
    return t->handshake == NULL || t->failed ? NULL : sl_handshake_work(t->handshake);
}

static enum sl_tep_error give_up(struct sl_tep_state *t)
{
    t->failed = true;
    t->deadline_ns = SL_NEVER;
    return SL_TEP_KEX_FAILED;
}

static enum sl_tep_error worked(struct sl_tep_state *t, struct sl_tep_work *w, uint64_t now_ns)
{
    (void)now_ns;
    if (sl_handshake_worked(t->handshake, w) != SL_TEP_OK || t->failed)
        return give_up(t);
    if (sl_handshake_phase(t->handshake) == SL_HANDSHAKE_DONE) {
        memcpy(t->session_id, sl_handshake_session_id(t->handshake), SL_SESSION_ID_BYTES);
        t->ready = true;
        t->deadline_ns = SL_NEVER;
    }
    return SL_TEP_OK;
}

static enum sl_tep_error event(struct sl_tep_state *t, enum sl_tep_event e, uint64_t now_ns)
{
    switch (e) {
    case SL_TEP_EVENT_TIMER:
        if (!t->ready && now_ns >= t->deadline_ns)
            return give_up(t); /* A16 */
        break;
    case SL_TEP_EVENT_REKEY:
        t->rekey_wanted = t->ready;
        break;
    case SL_TEP_EVENT_PROBE: /* a re-key that is not answered yet is a probe already (R84, R87) */
        t->rekey_wanted = t->ready && (t->rekey_wanted || t->g.local <= t->g.remote);
        break;
    case SL_TEP_EVENT_CLOSE: /* next() hears of it when the last data is at hand (trap 13) */
        break;
    }
    return SL_TEP_OK;
}

static uint64_t deadline(const struct sl_tep_state *t)
{
    return t->deadline_ns;
}

static size_t session_id(const struct sl_tep_state *t, uint8_t *out)
{
    if (!t->ready)
        return 0;
    memcpy(out, t->session_id, SL_SESSION_ID_BYTES);
    return SL_SESSION_ID_BYTES;
}

static struct sl_tep_facts facts(const struct sl_tep_state *t)
{
    return (struct sl_tep_facts){.aead = t->ready ? (enum sl_aead)t->g.aead : SL_AEAD_NONE,
                                 .ready = t->ready};
}

/* Frozen: version, TEP byte, AEAD (2), flags, then as written below. */
enum { FROZEN_SIDE_BA = 1, FROZEN_REKEY_WANTED = 2, FROZEN_FIN_SEALED = 4, FROZEN_FIN_OPENED = 8 };

static uint8_t frozen_flags(const struct sl_tep_state *t)
{
    return (uint8_t)((t->g.side == SL_K_BA ? FROZEN_SIDE_BA : 0) |
                     (t->rekey_wanted ? FROZEN_REKEY_WANTED : 0) |
                     (t->g.sealed_last ? FROZEN_FIN_SEALED : 0) |
                     (t->fin_opened ? FROZEN_FIN_OPENED : 0));
}

static size_t freeze(const struct sl_tep_state *t, uint8_t *out, size_t room)
{
    struct sl_writer w = sl_writer_of(out, room);
    uint8_t keys[3][SL_K_LEN];

    if (room < FROZEN_BYTES || !t->ready ||
        (t->handshake != NULL && sl_handshake_owes_init(t->handshake)) ||
        !sl_generations_freeze(&t->g, keys[0], keys[1], keys[2]))
        return 0;
    sl_put_be(&w, FROZEN_VERSION, 1);
    sl_put_be(&w, t->tep_byte, 1);
    sl_put_be(&w, t->g.aead, 2);
    sl_put_be(&w, frozen_flags(t), 1);
    sl_put_be(&w, t->g.local, 8);
    sl_put_be(&w, t->g.remote, 8);
    sl_put_be(&w, t->sealing_from, 8);
    sl_put(&w, t->session_id + 1, SL_SESSION_ID_BYTES - 1);
    sl_put(&w, keys, sizeof(keys));
    OPENSSL_cleanse(keys, sizeof(keys));
    return (size_t)(w.at - out);
}

/* False: not what freeze() writes. */
static bool read_frozen(struct sl_cursor *c, struct sl_tep_state *t)
{
    const bool known = sl_take_be(c, 1) == FROZEN_VERSION && sl_take_be(c, 1) == t->tep_byte;
    uint64_t flags;

    t->g.aead = (uint16_t)sl_take_be(c, 2);
    flags = sl_take_be(c, 1);
    t->g.side = (flags & FROZEN_SIDE_BA) != 0 ? SL_K_BA : SL_K_AB;
    t->rekey_wanted = (flags & FROZEN_REKEY_WANTED) != 0;
    t->g.sealed_last = (flags & FROZEN_FIN_SEALED) != 0;
    t->fin_opened = (flags & FROZEN_FIN_OPENED) != 0;
    t->g.local = sl_take_be(c, 8);
    t->g.remote = sl_take_be(c, 8);
    t->sealing_from = sl_take_be(c, 8);
    t->session_id[0] = t->tep_byte;
    sl_take_bytes(c, t->session_id + 1, SL_SESSION_ID_BYTES - 1);
    return known && sl_aead_key_bytes(t->g.aead) > 0;
}

static struct sl_tep_state *thaw(const struct sl_tep_begin *b, const uint8_t *in, size_t len)
{
    struct sl_cursor c = sl_cursor_of(in, len);
    struct sl_tep_state *t;
    uint8_t keys[3][SL_K_LEN];
    bool ok;

    if (len != FROZEN_BYTES || sl_kex_find(b->tep_byte) == NULL || (t = create(b)) == NULL)
        return NULL;
    t->ready = read_frozen(&c, t);
    sl_take_bytes(&c, keys, sizeof(keys));
    ok = t->ready && sl_generations_thaw(&t->g, keys[0], keys[1], keys[2]);
    OPENSSL_cleanse(keys, sizeof(keys));
    if (ok)
        return t;
    erase(t);
    return NULL;
}

/* All that tells the TEPs of Table 4 apart is the key agreement, which begin() finds by the id. */
#define TCPCRYPT_OPS(tep_name, tep_id)                                                             \
    {                                                                                              \
        .name = (tep_name), .id = (tep_id),                                                        \
        .limits =                                                                                  \
            {                                                                                      \
                .head_bytes = SL_FRAME_HEAD_BYTES + SL_FRAME_PREFIX_MAX_BYTES,                     \
                .tail_bytes = SL_AEAD_TAG_BYTES,                                                   \
                .overhead_bytes = SL_FRAME_HEAD_BYTES + SL_FRAME_PREFIX_BYTES + SL_AEAD_TAG_BYTES, \
                .data_max_bytes = SL_FRAME_PLAIN_MAX_BYTES - SL_FRAME_PREFIX_BYTES,                \
                .frame_max_bytes = SL_FRAME_MAX_BYTES,                                             \
            },                                                                                     \
        .offer = offer, .accept = accept_suboption, .begin = begin, .erase = erase,                \
        .read = read_stream, .opened = opened, .next = next, .sealed = sealed, .work = work,       \
        .worked = worked, .event = event, .deadline = deadline, .session_id = session_id,          \
        .facts = facts, .freeze = freeze, .thaw = thaw,                                            \
    }

const struct sl_tep_ops sl_tcpcrypt_x25519 = TCPCRYPT_OPS("tcpcrypt X25519", 0x23);

static const struct sl_tep_ops *const teps[] = {&sl_tcpcrypt_x25519};

size_t sl_tcpcrypt_teps(const struct sl_tep_ops **out, size_t max)
{
    size_t i;

    for (i = 0; i < sizeof(teps) / sizeof(teps[0]) && i < max; i++)
        out[i] = teps[i];
    return i;
}
