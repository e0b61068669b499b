/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"

/*
 * A unit of cryptographic work, and the queue that does it.
 *
 * Nothing slow runs on a shard: bulk AEAD and key agreement go through `submit` and `poll`. There
 * are three implementations: inline with a budget (tcpcrypt/inline_queue.h), crypto cores, and
 * in the simulator a worker with virtual latency, reordering, stalls and errors. Callers are
 * written for the asynchronous ones; inline merely completes inside `submit`.
 *
 * A job belongs to whoever filled it. From submit() until poll() returns it, job and everything
 * it points at (ranges, key slot, work) must stay, and only the queue touches them.
 */

enum sl_aead {
    SL_AEAD_NONE = 0,
    SL_AEAD_AES_128_GCM = 0x0001,
    SL_AEAD_AES_256_GCM = 0x0002,
    SL_AEAD_CHACHA20_POLY1305 = 0x0010,
}; /* RFC 5116 and RFC 8439 registry numbers, as RFC 8548 6 uses them */

enum { SL_AEAD_TAG_BYTES = 16, SL_AEAD_NONCE_BYTES = 12, SL_AEAD_AAD_MAX_BYTES = 16 };

/* Bytes of the key of `aead`: 16 or 32; 0 for what is not an AEAD of ours. */
size_t sl_aead_key_bytes(enum sl_aead aead);

/* "AES-128-GCM"; NULL for what is not an AEAD of ours. */
const char *sl_aead_name(enum sl_aead aead);

struct sl_range {
    uint8_t *at;
    uint32_t len;
};

enum sl_job_kind { SL_JOB_SEAL, SL_JOB_OPEN, SL_JOB_WORK };

enum { SL_JOB_RANGES = 4 }; /* inline; a job over more points at an array of its owner's */

struct sl_tep_work;

struct sl_job {
    struct sl_link link; /* free for whoever holds the job */
    enum sl_job_kind kind;
    enum sl_aead aead;
    bool ok; /* out. Open: the tag held. A failed open may have written anything to dst. */
    uint8_t aad_len;
    uint8_t aad[SL_AEAD_AAD_MAX_BYTES];
    uint8_t nonce[SL_AEAD_NONCE_BYTES];
    uint8_t tag[SL_AEAD_TAG_BYTES]; /* seal: out. Open: in. */
    sl_secret key;                  /* its slot begins with the key's bytes */
    /* The same number of bytes on both sides, cut up as each likes; equal ranges are in place. */
    const struct sl_range *src, *dst;
    uint32_t n_src, n_dst;
    struct sl_range src_few[SL_JOB_RANGES], dst_few[SL_JOB_RANGES];
    struct sl_tep_work *work; /* SL_JOB_WORK */
    void *owner;              /* the submitter's, untouched, like what follows */
    uint64_t mark;
};

struct sl_job_queue;

struct sl_job_queue_ops {
    /* Take the first jobs of `jobs`; returns how many (the rest: later, JOBS_FULL). */
    size_t (*submit)(struct sl_job_queue *q, struct sl_job *const *jobs, size_t n, uint64_t now_ns);
    /* Completed jobs, in any order between owners; texts of one in submit order, work likewise. */
    size_t (*poll)(struct sl_job_queue *q, struct sl_job **done, size_t max, uint64_t now_ns);
    /* When poll() will next have something; SL_NEVER when idle, 0 when at any time. */
    uint64_t (*next_ns)(const struct sl_job_queue *q);
    /* The key's slot is about to be erased: forget what was expanded from it. */
    void (*forget)(struct sl_job_queue *q, sl_secret key);
};

struct sl_job_queue {
    const struct sl_job_queue_ops *ops;
};
