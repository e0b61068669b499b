/* SPDX-License-Identifier: BSD-3-Clause */
#include "toy_tep.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/wheel.h"
#include "tcpcrypt/ranges.h"

enum { KIND_PLAIN = 0x17, KIND_LAST = 0x18, RANDOM_BYTES = 16, KEY_BYTES = 16 };

enum phase { HELLO, WORK, FINISHED, OPEN, FAILED }; /* what is awaited: A skips FINISHED */

struct direction {
    sl_secret key; /* slot: K, IV, and the seed of the next key */
    uint64_t records;
};

struct sl_tep_state {
    struct sl_tep_work work;
    struct sl_arena *arena;
    struct sl_job_queue *queue;
    enum sl_tep_role role;
    enum phase phase;
    bool work_due, hello_due, finished_due, ready, reply_due, rekey_wanted, sealed_end, opened_end;
    uint8_t own[TOY_HELLO_BYTES], peer[TOY_HELLO_BYTES], finished[TOY_FINISHED_BYTES];
    uint8_t seed[SHA256_DIGEST_LENGTH]; /* of the transcript, later of all keys */
    struct direction in, out;
    sl_secret old_out;
    uint32_t generation_out, in_flight, old_in_flight;
    uint64_t last_read; /* offset of a KIND_LAST record that is not opened yet */
    uint64_t deadline_ns;
};

static const uint64_t none = UINT64_MAX;

static size_t offer(const struct sl_tep_config *c, enum sl_tep_role role, uint8_t *data,
                    size_t room, bool *v)
{
    (void)c, (void)role, (void)data, (void)room;
    *v = false;
    return 0;
}

static bool accept_suboption(const struct sl_tep_config *c, enum sl_tep_role peer, bool v,
                             const uint8_t *data, size_t len)
{
    (void)c, (void)peer, (void)data;
    return !v && len == 0;
}

static void hash(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
{
    uint8_t text[256];

    memcpy(text, a, a_len);
    if (b_len > 0)
        memcpy(text + a_len, b, b_len);
    SHA256(text, a_len + b_len, out);
}

static void run(struct sl_tep_work *w)
{
    struct sl_tep_state *t = (struct sl_tep_state *)w;
    const bool a = t->role == SL_TEP_ROLE_A;

    hash(t->seed, sizeof(t->seed), a ? t->own : t->peer, TOY_HELLO_BYTES, t->seed);
    hash(t->seed, sizeof(t->seed), a ? t->peer : t->own, TOY_HELLO_BYTES, t->seed);
}

static void drop_key(struct sl_tep_state *t, sl_secret *key)
{
    if (*key != 0 && t->queue != NULL)
        t->queue->ops->forget(t->queue, *key);
    sl_arena_erase(t->arena, key);
}

static void erase(struct sl_tep_state *t)
{
    if (t == NULL)
        return;
    drop_key(t, &t->in.key);
    drop_key(t, &t->out.key);
    drop_key(t, &t->old_out);
    free(t);
}

static struct sl_tep_state *begin(const struct sl_tep_begin *b, uint64_t now_ns)
{
    struct sl_tep_state *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->work.run = run;
    t->arena = b->arena;
    t->queue = b->queue;
    t->role = b->role;
    t->last_read = none;
    t->deadline_ns = now_ns + b->config->kex_timeout_ns;
    t->hello_due = b->role == SL_TEP_ROLE_A;
    memcpy(t->own, t->role == SL_TEP_ROLE_A ? "TOY1" : "TOY2", 4);
    memcpy(t->finished, "TOY3", 4);
    hash(b->transcript, b->transcript_len, NULL, 0, t->seed);
    t->in.key = sl_arena_take(t->arena);
    t->out.key = sl_arena_take(t->arena);
    if (t->in.key == 0 || t->out.key == 0 ||
        !sl_random_fill(b->secrets, t->own + 4, RANDOM_BYTES)) {
        erase(t);
        return NULL;
    }
    return t;
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

static enum sl_tep_read read_message(struct sl_tep_state *t, const struct sl_range *bytes,
                                     uint32_t n, struct sl_tep_frame *f)
{
    const bool hello = t->phase == HELLO;
    const uint32_t len = hello ? TOY_HELLO_BYTES : TOY_FINISHED_BYTES;
    const char *want = !hello ? "TOY3" : t->role == SL_TEP_ROLE_A ? "TOY2" : "TOY1";
    uint8_t message[TOY_HELLO_BYTES];

    if (sl_ranges_copy(bytes, n, message, len) < len)
        return need(f, len);
    if (memcmp(message, want, 4) != 0)
        return fail(f, SL_TEP_KEX_FAILED);
    if (hello)
        memcpy(t->peer, message, len);
    t->work_due = hello;
    t->phase = hello ? WORK : OPEN;
    f->len = len;
    return SL_TEP_READ_OWN;
}

static void fill_job(struct sl_tep_state *t, struct sl_job *job, const struct direction *d,
                     uint64_t record)
{
    const uint8_t *key = sl_arena_at(t->arena, d->key);
    int i;

    job->aead = SL_AEAD_AES_128_GCM;
    job->key = d->key;
    job->aad_len = TOY_HEAD_BYTES;
    memcpy(job->nonce, key + KEY_BYTES, SL_AEAD_NONCE_BYTES);
    for (i = 0; i < 8; i++)
        job->nonce[SL_AEAD_NONCE_BYTES - 1 - i] ^= (uint8_t)(record >> (8 * i));
}

static enum sl_tep_read read_record(struct sl_tep_state *t, const struct sl_range *bytes,
                                    uint32_t n, uint32_t ahead, struct sl_tep_frame *f,
                                    struct sl_job *job)
{
    uint32_t len;

    if (t->last_read != none && f->offset > t->last_read)
        return SL_TEP_READ_WAIT; /* its key comes with the record in front */
    t->last_read = none;
    if (sl_ranges_copy(bytes, n, job->aad, TOY_HEAD_BYTES) < TOY_HEAD_BYTES)
        return need(f, TOY_HEAD_BYTES);
    len = (uint32_t)job->aad[1] << 8 | job->aad[2];
    if ((job->aad[0] != KIND_PLAIN && job->aad[0] != KIND_LAST) || len < 1 + SL_AEAD_TAG_BYTES ||
        len > TOY_DATA_MAX_BYTES + 1 + SL_AEAD_TAG_BYTES)
        return fail(f, SL_TEP_AUTH_FAILED);
    f->len = TOY_HEAD_BYTES + len;
    if (sl_ranges_len(bytes, n, f->len) < f->len)
        return need(f, f->len);
    if (job->aad[0] == KIND_LAST)
        t->last_read = f->offset;
    f->head_len = TOY_HEAD_BYTES;
    f->tag_len = SL_AEAD_TAG_BYTES;
    f->cipher_len = len - SL_AEAD_TAG_BYTES;
    f->note = job->aad[0];
    job->kind = SL_JOB_OPEN;
    fill_job(t, job, &t->in, t->in.records + ahead);
    return SL_TEP_READ_FRAME;
}

static enum sl_tep_read read_stream(struct sl_tep_state *t, const struct sl_range *bytes,
                                    uint32_t n, uint64_t offset, uint32_t ahead,
                                    struct sl_tep_frame *f, struct sl_job *job)
{
    *f = (struct sl_tep_frame){.offset = offset};
    switch (t->phase) {
    case HELLO:
    case FINISHED:
        return read_message(t, bytes, n, f);
    case WORK:
        return SL_TEP_READ_WAIT;
    case OPEN:
        return read_record(t, bytes, n, ahead, f, job);
    case FAILED:
        break;
    }
    return fail(f, SL_TEP_KEX_FAILED);
}

/* The next key from the seed behind this one; false: no room. */
static bool next_key(struct sl_tep_state *t, struct direction *d, sl_secret *old)
{
    sl_secret fresh = sl_arena_take(t->arena);
    uint8_t digest[SHA256_DIGEST_LENGTH];
    uint8_t *at = sl_arena_at(t->arena, fresh);

    if (at == NULL)
        return false;
    hash(sl_arena_at(t->arena, d->key) + 28, 32, "key", 3, digest);
    memcpy(at, digest, 28);
    hash(sl_arena_at(t->arena, d->key) + 28, 32, "next", 4, at + 28);
    *old = d->key;
    *d = (struct direction){.key = fresh};
    return true;
}

static void opened(struct sl_tep_state *t, const struct sl_tep_frame *f,
                   const struct sl_range *text, uint32_t n, struct sl_tep_opened *out)
{
    const uint32_t len = f->cipher_len;
    uint8_t plain[TOY_DATA_MAX_BYTES + 1] = {0}, type;
    sl_secret old;

    sl_ranges_copy(text, n, plain, len);
    type = plain[len - 1];
    *out = (struct sl_tep_opened){.data_len = len - 1, .end_of_stream = type == 'e'};
    t->in.records++;
    t->last_read = none;
    if (t->opened_end || strchr("deKk", type) == NULL || type == 0 ||
        (f->note == KIND_LAST) != (type == 'K' || type == 'k')) {
        out->error = SL_TEP_AUTH_FAILED;
        return;
    }
    t->opened_end = type == 'e';
    if (type == 'd' || type == 'e')
        return;
    if (!next_key(t, &t->in, &old)) {
        out->error = SL_TEP_NO_MEMORY;
        return;
    }
    drop_key(t, &old);
    t->reply_due = t->reply_due || (type == 'K' && !t->sealed_end);
    out->reply_due = t->reply_due;
}

static enum sl_tep_next own(bool *due, const uint8_t *at, uint32_t len, uint32_t room,
                            struct sl_tep_cut *cut)
{
    if (room < len)
        return SL_TEP_NEXT_NOTHING;
    *due = false;
    cut->own = at;
    cut->len = len;
    cut->push = true;
    return SL_TEP_NEXT_OWN;
}

static enum sl_tep_next record(struct sl_tep_state *t, char type, uint32_t data_len,
                               struct sl_tep_cut *cut, struct sl_job *job)
{
    const bool last = type == 'K' || type == 'k';
    const uint32_t len = data_len + 1 + SL_AEAD_TAG_BYTES;

    cut->data_len = data_len;
    cut->len = TOY_HEAD_BYTES + len;
    cut->head_len = TOY_HEAD_BYTES;
    cut->head[0] = last ? KIND_LAST : KIND_PLAIN;
    cut->head[1] = (uint8_t)(len >> 8);
    cut->head[2] = (uint8_t)len;
    cut->suffix_len = 1;
    cut->suffix[0] = (uint8_t)type;
    cut->tag_len = SL_AEAD_TAG_BYTES;
    cut->end_of_stream = type == 'e';
    cut->note = t->generation_out;
    job->kind = SL_JOB_SEAL;
    memcpy(job->aad, cut->head, TOY_HEAD_BYTES);
    fill_job(t, job, &t->out, t->out.records++);
    t->in_flight++;
    t->sealed_end = cut->end_of_stream;
    return SL_TEP_NEXT_FRAME;
}

/* A record that changes our key: the one before it must be out of use. */
static enum sl_tep_next change_key(struct sl_tep_state *t, struct sl_tep_cut *cut,
                                   struct sl_job *job)
{
    const char type = t->reply_due ? 'k' : 'K';
    const struct direction before = t->out;

    if (t->old_out != 0 || !next_key(t, &t->out, &t->old_out))
        return SL_TEP_NEXT_NOTHING;
    struct direction fresh = t->out;
    t->out = before;
    (void)record(t, type, 0, cut, job);
    t->out = fresh;
    t->old_in_flight = t->in_flight;
    t->in_flight = 0;
    t->generation_out++;
    t->reply_due = t->rekey_wanted = false;
    return SL_TEP_NEXT_FRAME;
}

static enum sl_tep_next next(struct sl_tep_state *t, const struct sl_tep_pending *p, uint32_t room,
                             uint64_t offset, struct sl_tep_cut *cut, struct sl_job *job)
{
    uint32_t data_len;

    (void)offset;
    *cut = (struct sl_tep_cut){0};
    if (t->hello_due)
        return own(&t->hello_due, t->own, TOY_HELLO_BYTES, room, cut);
    if (t->finished_due)
        return own(&t->finished_due, t->finished, TOY_FINISHED_BYTES, room, cut);
    if (!t->ready || t->sealed_end || room < TOY_OVERHEAD_BYTES)
        return SL_TEP_NEXT_NOTHING;
    if (t->reply_due || t->rekey_wanted)
        return change_key(t, cut, job);
    data_len = p->data_len < TOY_DATA_MAX_BYTES ? p->data_len : TOY_DATA_MAX_BYTES;
    if (data_len > room - TOY_OVERHEAD_BYTES)
        data_len = room - TOY_OVERHEAD_BYTES;
    if (p->end_of_stream && data_len == p->data_len)
        return record(t, 'e', data_len, cut, job);
    return data_len > 0 ? record(t, 'd', data_len, cut, job) : SL_TEP_NEXT_NOTHING;
}

static void sealed(struct sl_tep_state *t, const struct sl_tep_cut *cut)
{
    if (cut->note == t->generation_out)
        t->in_flight--;
    else if (--t->old_in_flight == 0)
        drop_key(t, &t->old_out);
}

static struct sl_tep_work *work(struct sl_tep_state *t)
{
    const bool due = t->work_due;

    t->work_due = false;
    return due ? &t->work : NULL;
}

static void first_key(struct sl_tep_state *t, const struct direction *d, const char *label)
{
    uint8_t *at = sl_arena_at(t->arena, d->key);
    uint8_t digest[SHA256_DIGEST_LENGTH];

    hash(t->seed, sizeof(t->seed), label, 1, digest);
    memcpy(at, digest, 28);
    hash(digest, sizeof(digest), label, 1, at + 28);
}

static enum sl_tep_error worked(struct sl_tep_state *t, struct sl_tep_work *w, uint64_t now_ns)
{
    const bool a = t->role == SL_TEP_ROLE_A;

    (void)w, (void)now_ns;
    if (t->phase == FAILED)
        return SL_TEP_KEX_FAILED;
    first_key(t, a ? &t->out : &t->in, "a");
    first_key(t, a ? &t->in : &t->out, "b");
    t->phase = a ? OPEN : FINISHED;
    t->hello_due = !a;
    t->finished_due = a;
    t->ready = true;
    t->deadline_ns = SL_NEVER;
    return SL_TEP_OK;
}

static enum sl_tep_error event(struct sl_tep_state *t, enum sl_tep_event e, uint64_t now_ns)
{
    if (e == SL_TEP_EVENT_TIMER && now_ns >= t->deadline_ns) {
        t->phase = FAILED;
        t->deadline_ns = SL_NEVER;
        return SL_TEP_KEX_FAILED;
    }
    if (e == SL_TEP_EVENT_REKEY && t->ready)
        t->rekey_wanted = true;
    return SL_TEP_OK; /* liveness and close mean nothing here */
}

static uint64_t deadline(const struct sl_tep_state *t)
{
    return t->deadline_ns;
}

static size_t session_id(const struct sl_tep_state *t, uint8_t *out)
{
    if (!t->ready)
        return 0;
    out[0] = toy_tep.id;
    hash(t->seed, sizeof(t->seed), "id", 2, out + 1);
    return 1 + SHA256_DIGEST_LENGTH;
}

static struct sl_tep_facts facts(const struct sl_tep_state *t)
{
    return (struct sl_tep_facts){.aead = t->ready ? SL_AEAD_AES_128_GCM : SL_AEAD_NONE,
                                 .ready = t->ready};
}

static size_t freeze(const struct sl_tep_state *t, uint8_t *out, size_t room)
{
    (void)t, (void)out, (void)room;
    return 0;
}

static struct sl_tep_state *thaw(const struct sl_tep_begin *b, const uint8_t *in, size_t len)
{
    (void)b, (void)in, (void)len;
    return NULL;
}

const struct sl_tep_ops toy_tep = {
    .name = "toy",
    .id = 0x7e,
    .limits =
        {
            .head_bytes = TOY_HEAD_BYTES,
            .tail_bytes = 1 + SL_AEAD_TAG_BYTES,
            .overhead_bytes = TOY_OVERHEAD_BYTES,
            .data_max_bytes = TOY_DATA_MAX_BYTES,
            .frame_max_bytes = TOY_DATA_MAX_BYTES + TOY_OVERHEAD_BYTES,
        },
    .offer = offer,
    .accept = accept_suboption,
    .begin = begin,
    .erase = erase,
    .read = read_stream,
    .opened = opened,
    .next = next,
    .sealed = sealed,
    .work = work,
    .worked = worked,
    .event = event,
    .deadline = deadline,
    .session_id = session_id,
    .facts = facts,
    .freeze = freeze,
    .thaw = thaw,
};
