/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcp/tcb.h"

/*
 * Where TCP meets a TEP: received bytes become frames, frames become jobs, and what a job
 * authenticated becomes acknowledged data; written bytes become frames, sealed, and are sent.
 *
 * crypt.c begins and ends, crypt_in.c reads and opens (reading A14: authenticate, then
 * acknowledge), crypt_out.c cuts and seals (R74). Knows TEPs through struct sl_tep_ops only.
 * Memory: one struct sl_crypt for each encrypted connection, and jobs from the instance's pool.
 */

/* ENO has settled on encryption: begin the TEP. False: no memory, the connection was reset. */
bool sl_crypt_begin(struct sl_tcb *tcb, uint64_t now_ns);

/* Erase secrets and state; jobs under way must be back. */
void sl_crypt_end(struct sl_tcb *tcb);

/* Payload in the window, of an encrypted connection (input.c). Takes m; why it was dropped. */
enum sl_drop sl_crypt_text(struct sl_tcb *tcb, sl_seq seq, struct rte_mbuf *m, uint64_t now_ns);

/* The peer's FIN at `seq` (input.c): taken only behind the TEP's own mark (R77, R78, A14 c). */
void sl_crypt_fin(struct sl_tcb *tcb, sl_seq seq, uint64_t now_ns);

/* First byte behind what is held without a gap: where "in order" is (rcv_nxt or beyond). */
sl_seq sl_crypt_rcv_high(const struct sl_tcb *tcb);

/* One connection of sl_tcp_read_frames(), sl_tcp_cut_frames(). */
void sl_crypt_read(struct sl_tcb *tcb, uint64_t now_ns);
void sl_crypt_cut(struct sl_tcb *tcb, uint64_t now_ns);

/* SL_TIMER_HOLD, SL_TIMER_AUTH, SL_TIMER_TEP have fired. */
void sl_crypt_timer(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t now_ns);

/* Bytes that frames add to a segment of data: head and tail at most. 0 for a plain connection. */
uint32_t sl_crypt_overhead(const struct sl_tcb *tcb);

/* Has the TEP everything it needs to send data (keys)? */
bool sl_crypt_ready(const struct sl_tcb *tcb);

void sl_crypt_facts(const struct sl_tcb *tcb, struct sl_tcb_facts *f);

/* Keep-alive of an encrypted connection: a re-key (R87). False: not possible now. */
bool sl_crypt_probe(struct sl_tcb *tcb, uint64_t now_ns);

/* The pool of jobs; false: no memory. */
bool sl_crypt_jobs_create(struct sl_tcp *tcp);
void sl_crypt_jobs_destroy(struct sl_tcp *tcp);
