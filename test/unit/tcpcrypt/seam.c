/* SPDX-License-Identifier: BSD-3-Clause */
#include "seam.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

enum { SLOTS = 64, KEYS = 4, RANGES_MAX = 40 };

static void begin_end(struct seam_end *e, const struct sl_tep_ops *ops, struct sl_tep_begin *b,
                      const char *engine_name)
{
    *e = (struct seam_end){.ops = ops, .arena = sl_arena_create(SLOTS)};
    e->engine = sl_aead_engine_find(engine_name)->create(e->arena, KEYS);
    cr_assert_not_null(e->engine);
    e->queue = sl_inline_queue_create(e->engine, 1);
    e->sent = malloc(SEAM_STREAM_BYTES);
    e->got = malloc(SEAM_STREAM_BYTES);
    b->arena = e->arena;
    b->queue = e->queue;
    e->t = ops->begin(b, 0);
    cr_assert_not_null(e->t);
}

void seam_begin_with(struct seam *s, const struct sl_tep_ops *ops,
                     const struct sl_tep_config *config_a, const struct sl_tep_config *config_b,
                     struct sl_random *a, struct sl_random *b, const uint8_t *transcript_a,
                     const uint8_t *transcript_b, size_t transcript_len, const char *engine_name)
{
    struct sl_tep_begin begin = {.config = config_a,
                                 .secrets = a,
                                 .role = SL_TEP_ROLE_A,
                                 .tep_byte = ops->id,
                                 .transcript = transcript_a,
                                 .transcript_len = transcript_len};

    begin_end(&s->a, ops, &begin, engine_name);
    begin.config = config_b;
    begin.secrets = b;
    begin.role = SL_TEP_ROLE_B;
    begin.transcript = transcript_b;
    begin_end(&s->b, ops, &begin, engine_name);
}

void seam_begin(struct seam *s, const struct sl_tep_ops *ops, const struct sl_tep_config *config,
                struct sl_random *a, struct sl_random *b, const char *engine_name)
{
    const uint8_t transcript[] = {69, 3, ops->id, 69, 4, 1, ops->id};

    seam_begin_with(s, ops, config, config, a, b, transcript, transcript, sizeof(transcript),
                    engine_name);
}

static void end_end(struct seam_end *e)
{
    e->ops->erase(e->t);
    cr_assert_eq(sl_arena_used(e->arena), 0, "a secret is left");
    sl_inline_queue_destroy(e->queue);
    e->engine->ops->destroy(e->engine);
    sl_arena_destroy(e->arena);
    free(e->sent);
    free(e->got);
}

void seam_end(struct seam *s)
{
    end_end(&s->a);
    end_end(&s->b);
}

static void run_jobs(struct seam_end *e, struct sl_job *const *jobs, size_t n)
{
    struct sl_job *done[SEAM_AHEAD_MAX];
    size_t back = 0;

    cr_assert_eq(e->queue->ops->submit(e->queue, jobs, n, 0), n);
    while (e->queue->ops->next_ns(e->queue) == 0)
        back += e->queue->ops->poll(e->queue, done, SEAM_AHEAD_MAX, 0);
    cr_assert_eq(back, n);
}

void seam_work(struct seam_end *e)
{
    struct sl_tep_work *w;

    while ((w = e->ops->work(e->t)) != NULL) {
        struct sl_job job = {.kind = SL_JOB_WORK, .work = w}, *burst[] = {&job};
        enum sl_tep_error error;

        run_jobs(e, burst, 1);
        if ((error = e->ops->worked(e->t, w, 0)) != SL_TEP_OK)
            e->error = error;
    }
}

/* Bytes [at, limit) of a stream in exact buffers. */
static uint32_t show(const struct seam_end *other, uint64_t at, uint64_t limit,
                     struct sl_range *ranges)
{
    uint32_t n = 0;

    while (at < limit) {
        uint64_t len = limit - at;

        if (n + 1 < RANGES_MAX && rand() % 4 != 0 && len > 1)
            len = 1 + (uint64_t)rand() % (len < 30 ? len : 30);
        ranges[n].at = malloc(len);
        ranges[n].len = (uint32_t)len;
        memcpy(ranges[n].at, other->sent + at, len);
        at += len;
        n++;
    }
    return n;
}

static void hide(struct sl_range *ranges, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        free(ranges[i].at);
}

static enum sl_tep_read read_once(struct seam_end *e, const struct seam_end *other, uint64_t at,
                                  uint64_t limit, uint32_t ahead, struct sl_tep_frame *f,
                                  struct sl_job *job)
{
    struct sl_range ranges[RANGES_MAX];
    const uint32_t n = show(other, at, limit, ranges);
    enum sl_tep_read got = e->ops->read(e->t, ranges, n, at, ahead, f, job);

    hide(ranges, n);
    e->last_f = *f;
    if (got == SL_TEP_READ_ERROR)
        e->error = f->error;
    return got;
}

/* A frame of which all is there, with the room for its plaintext. */
struct held {
    struct sl_tep_frame f;
    struct sl_job job;
    uint8_t *bytes;
    struct sl_range text;
};

static void hold(const struct seam_end *other, struct held *h)
{
    h->bytes = malloc(h->f.len);
    memcpy(h->bytes, other->sent + h->f.offset, h->f.len);
    memcpy(h->job.tag, h->bytes + h->f.len - h->f.tag_len, h->f.tag_len);
    h->text = (struct sl_range){h->bytes + h->f.head_len, h->f.cipher_len};
    h->job.src = h->job.dst = &h->text;
    h->job.n_src = h->job.n_dst = 1;
}

static void take_opened(struct seam_end *e, struct held *h)
{
    const uint32_t half = h->text.len / 2;
    const struct sl_range text[] = {{h->text.at, half}, {h->text.at + half, h->text.len - half}};

    e->ops->opened(e->t, &h->f, text, 2, &e->last);
    e->read_at += h->f.len;
    e->frames_got++;
    e->reply_due = e->last.reply_due;
    if (e->last.error != SL_TEP_OK) {
        e->error = e->last.error;
        return;
    }
    memcpy(e->got + e->got_len, h->text.at + e->last.data_at, e->last.data_len);
    e->got_len += e->last.data_len;
    e->ended = e->ended || e->last.end_of_stream;
}

/* Open what was read, in order; false at the first bad tag. */
static bool open_held(struct seam_end *e, struct held *held, uint32_t n)
{
    struct sl_job *burst[SEAM_AHEAD_MAX];
    bool ok = true;

    for (uint32_t i = 0; i < n; i++)
        burst[i] = &held[i].job;
    if (n > 0)
        run_jobs(e, burst, n);
    for (uint32_t i = 0; i < n; i++) {
        ok = ok && held[i].job.ok;
        if (ok)
            take_opened(e, &held[i]);
        free(held[i].bytes);
    }
    e->tag_failures += !ok;
    return ok;
}

enum sl_tep_read seam_read(struct seam_end *e, const struct seam_end *other, uint64_t limit,
                           uint32_t ahead)
{
    struct held held[SEAM_AHEAD_MAX];
    enum sl_tep_read got;

    for (;;) {
        uint64_t at = e->read_at;
        uint32_t n = 0;

        do {
            held[n] = (struct held){0};
            got = read_once(e, other, at, limit, n, &held[n].f, &held[n].job);
            if (got == SL_TEP_READ_FRAME) {
                hold(other, &held[n]);
                at += held[n].f.len;
                n++;
            }
        } while (got == SL_TEP_READ_FRAME && n < ahead);
        if (!open_held(e, held, n))
            return got;
        if (got == SL_TEP_READ_OWN)
            e->read_at += e->last_f.len;
        else if (got == SL_TEP_READ_MORE || got == SL_TEP_READ_ERROR || n == 0)
            return got;
        if (e->error != SL_TEP_OK)
            return got;
    }
}

enum sl_tep_read seam_read_all(struct seam_end *e, const struct seam_end *other)
{
    return seam_read(e, other, other->sent_len, SEAM_AHEAD_MAX);
}

static void append_frame(struct seam_end *e, const struct sl_tep_cut *cut, struct sl_job *job,
                         const uint8_t *data)
{
    uint8_t *at = e->sent + e->sent_len;
    const uint32_t text_len = cut->len - cut->head_len - cut->tag_len;
    const struct sl_range text = {at + cut->head_len, text_len};
    struct sl_job *burst[] = {job};

    cr_assert_eq(text_len, (uint32_t)cut->prefix_len + cut->data_len + cut->suffix_len);
    cr_assert_leq(e->sent_len + cut->len, SEAM_STREAM_BYTES);
    memcpy(at, cut->head, cut->head_len);
    memcpy(text.at, cut->prefix, cut->prefix_len);
    if (data != NULL)
        memcpy(text.at + cut->prefix_len, data, cut->data_len);
    memcpy(text.at + cut->prefix_len + cut->data_len, cut->suffix, cut->suffix_len);
    job->src = job->dst = &text;
    job->n_src = job->n_dst = 1;
    run_jobs(e, burst, 1);
    cr_assert(job->ok);
    memcpy(at + cut->len - cut->tag_len, job->tag, cut->tag_len);
    e->ops->sealed(e->t, cut);
    e->frames_sent++;
}

enum sl_tep_next seam_next(struct seam_end *e, struct sl_tep_pending p, const uint8_t *data,
                           uint32_t room)
{
    struct sl_job job = {0};
    struct sl_tep_cut cut;
    const enum sl_tep_next what = e->ops->next(e->t, &p, room, e->sent_len, &cut, &job);

    if (what == SL_TEP_NEXT_NOTHING)
        return what;
    cr_assert_leq(cut.len, room);
    if (what == SL_TEP_NEXT_OWN) {
        memcpy(e->sent + e->sent_len, cut.own, cut.len);
        e->own_sent++;
    } else {
        cr_assert_leq(cut.data_len, p.data_len);
        append_frame(e, &cut, &job, data);
    }
    e->sent_len += cut.len;
    e->last_cut = cut;
    return what;
}

void seam_send(struct seam_end *e, const void *data, uint32_t len, bool end, uint32_t room)
{
    const uint8_t *at = data;

    for (;;) {
        const struct sl_tep_pending p = {.data_len = len, .end_of_stream = end};
        const enum sl_tep_next what = seam_next(e, p, at, room);

        if (what == SL_TEP_NEXT_NOTHING)
            break;
        len -= e->last_cut.data_len;
        at += e->last_cut.data_len;
    }
    cr_assert_eq(len, 0, "data is left");
}

void seam_handshake(struct seam *s)
{
    for (int round = 0; round < 6; round++) {
        struct seam_end *e = round % 2 == 0 ? &s->a : &s->b;
        const struct seam_end *other = round % 2 == 0 ? &s->b : &s->a;

        seam_work(e);
        seam_read_all(e, other);
        seam_work(e);
        seam_read_all(e, other);
        while (seam_next(e, (struct sl_tep_pending){0}, NULL, 1 << 16) != SL_TEP_NEXT_NOTHING)
            ;
    }
}
