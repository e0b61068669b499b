/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/generations.h"
#include "tcpcrypt/kex.h"
#include "tcpcrypt/tep.h"

/*
 * A fresh key exchange (RFC 8548 3.3), from the end of negotiation until the keys of generation 0
 * stand in the arena: Init1 and Init2, and the work between them.
 *
 * A: key pair in work, Init1 out, Init2 in, agreement in work. B: Init1 in, key pair and agreement
 * in one work, Init2 out. Owned by the TEP's state, and gone soon after. Private keys and secrets
 * are in the arena while they wait, on a stack while work runs, and erased at last use (R39, R53).
 * Thread: the shard's, but for the work.
 */
struct sl_handshake;

enum sl_handshake_phase {
    SL_HANDSHAKE_KEYGEN, /* A's own key is in work */
    SL_HANDSHAKE_INIT,   /* the peer's Init is awaited */
    SL_HANDSHAKE_AGREE,  /* the agreement is in work */
    SL_HANDSHAKE_DONE,   /* keys are there */
    SL_HANDSHAKE_FAILED,
};

/* NULL: no memory, no randomness (R13, R60), or nothing to offer. */
struct sl_handshake *sl_handshake_create(const struct sl_tep_begin *b, const struct sl_kex *kex);
/* Work must have come back. NULL is allowed. */
void sl_handshake_destroy(struct sl_handshake *h);

enum sl_handshake_phase sl_handshake_phase(const struct sl_handshake *h);

/*
 * The tep.h read() at stream offset 0. Before it returns SL_TEP_READ_OWN it sets up `g`, whose
 * slots the work then fills; `g` must outlive the work.
 */
enum sl_tep_read sl_handshake_read(struct sl_handshake *h, const struct sl_range *bytes, uint32_t n,
                                   struct sl_generations *g, struct sl_tep_frame *f);

/* As in tep.h. */
struct sl_tep_work *sl_handshake_work(struct sl_handshake *h);
enum sl_tep_error sl_handshake_worked(struct sl_handshake *h, struct sl_tep_work *w);

/* Is our own Init still to be sent? */
bool sl_handshake_owes_init(const struct sl_handshake *h);

/* Hand it out, for good; it stays as long as `h`. Returns its length, 0 if `room` is too small. */
uint32_t sl_handshake_init(struct sl_handshake *h, uint32_t room, const uint8_t **init);

/* SL_SESSION_ID_BYTES, once done. */
const uint8_t *sl_handshake_session_id(const struct sl_handshake *h);
