/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcp/crypt.h"

/*
 * What crypt.c, crypt_in.c and crypt_out.c share: jobs from the instance's bounded pool, from the
 * moment they are filled until they are back.
 */

/* NULL: all are under way (counted); try again in a later iteration. */
struct sl_crypt_job *sl_crypt_job_take(struct sl_tcb *tcb);
/* Frees what hangs on it. */
void sl_crypt_job_put(struct sl_crypt_job *cj);
void sl_crypt_job_submit(struct sl_crypt_job *cj);

/*
 * The TCB outlives a stretch of code that may end the connection: a job that is none. Unpinning
 * may free it.
 */
void sl_crypt_pin(struct sl_tcb *tcb);
void sl_crypt_unpin(struct sl_tcb *tcb);

/* Reset the connection for a reason that the TEP gave. */
void sl_crypt_abort(struct sl_tcb *tcb, enum sl_tep_error e, uint64_t now_ns);

/* The TEP may have work, or another deadline, now. */
void sl_crypt_follow_up(struct sl_tcb *tcb);

/* Seal is done; an open is done. */
void sl_crypt_sealed(struct sl_crypt_job *cj);
void sl_crypt_opened(struct sl_tcb *tcb, uint64_t now_ns);
