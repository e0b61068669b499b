/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcp/crypt.h"

/*
 * The next frame among the bytes that a connection holds: shown to the TEP, piece by piece as they
 * lie, and made into a job that opens it into fresh mbufs.
 *
 * Decides nothing: which copies of disputed ranges are looked at stands in struct sl_crypt, and
 * what becomes of the frame is crypt_in.c's. Thread: the shard's.
 */
enum { SL_CRYPT_LOOK_RANGES = 32 };

struct sl_crypt_look {
    struct sl_range few[SL_CRYPT_LOOK_RANGES];
    struct sl_range *ranges; /* few, or malloc()ed */
    uint32_t n, covered, copies;
};

/*
 * What the TEP says of the bytes at rx_read, once it has seen as much as it wants and is held;
 * SL_TEP_READ_WAIT also without memory. Fills cj->frame and what of the job is the TEP's.
 * sl_crypt_look_done() has to follow, whatever it says.
 */
enum sl_tep_read sl_crypt_look(struct sl_tcb *tcb, struct sl_crypt_look *l,
                               struct sl_crypt_job *cj);

/* Aim the job at the ciphertext seen and at fresh mbufs. False: no memory now. */
bool sl_crypt_look_open(struct sl_tcb *tcb, const struct sl_crypt_look *l, struct sl_crypt_job *cj);

void sl_crypt_look_done(struct sl_crypt_look *l);
