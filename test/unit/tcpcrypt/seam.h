/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/inline_queue.h"
#include "tcpcrypt/tep.h"

/*
 * Two ends of a connection without TCP between them: each writes its stream into memory, the
 * other reads it. Drives any TEP through tep.h and inline jobs, the way TCP does, and keeps all
 * that came of it for a test to look at. Bytes are shown to the TEP in exact heap buffers, cut up
 * at random, so that the address sanitizer sees a read past the end.
 */
enum { SEAM_STREAM_BYTES = 1 << 20, SEAM_AHEAD_MAX = 16 };

struct seam_end {
    const struct sl_tep_ops *ops;
    struct sl_tep_state *t;
    struct sl_aead_engine *engine;
    struct sl_job_queue *queue;
    struct sl_arena *arena;

    uint8_t *sent; /* its stream */
    uint64_t sent_len;
    uint32_t frames_sent, own_sent;
    struct sl_tep_cut last_cut; /* of what was sent last */

    uint64_t read_at; /* in the other's stream */
    uint8_t *got;     /* application data */
    uint64_t got_len;
    uint32_t frames_got;
    bool ended;                 /* the TEP's own end of stream */
    bool reply_due;             /* of the last frame */
    struct sl_tep_opened last;  /* what became of the last frame */
    struct sl_tep_frame last_f; /* of the last read() */
    enum sl_tep_error error;    /* of read(), opened() or worked() */
    uint32_t tag_failures;
};

struct seam {
    struct seam_end a, b;
};

/* Both ends with engine `engine_name` (NULL: the best); `random`: one for each end. */
void seam_begin(struct seam *s, const struct sl_tep_ops *ops, const struct sl_tep_config *config,
                struct sl_random *a, struct sl_random *b, const char *engine_name);
/* The same with an ENO transcript of choice for each end. */
void seam_begin_with(struct seam *s, const struct sl_tep_ops *ops,
                     const struct sl_tep_config *config_a, const struct sl_tep_config *config_b,
                     struct sl_random *a, struct sl_random *b, const uint8_t *transcript_a,
                     const uint8_t *transcript_b, size_t transcript_len, const char *engine_name);
void seam_end(struct seam *s); /* also checks that no secret is left */

/* Run all work that is at hand. */
void seam_work(struct seam_end *e);

/* Read the other's stream up to `limit` bytes, at most `ahead` frames at once; what read() said
 * last. Stops at a bad tag. */
enum sl_tep_read seam_read(struct seam_end *e, const struct seam_end *other, uint64_t limit,
                           uint32_t ahead);

/* Read whatever the other has sent. */
enum sl_tep_read seam_read_all(struct seam_end *e, const struct seam_end *other);

/* One call of next(), sealed and appended to the stream. */
enum sl_tep_next seam_next(struct seam_end *e, struct sl_tep_pending p, const uint8_t *data,
                           uint32_t room);

/* Send it all, and the end of the stream if wanted, in frames of at most `room` bytes. */
void seam_send(struct seam_end *e, const void *data, uint32_t len, bool end, uint32_t room);

/* Go back and forth until both are ready, or neither gets on. */
void seam_handshake(struct seam *s);
