/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcp/crypt.h"

/*
 * How long received bytes that nothing vouches for yet are held back from acknowledgment (reading
 * A14 b, c): those of an incomplete frame, those that are disputed, and a FIN without the mark of
 * the end in front of it. Decides on time and counts; what is authentic crypt_in.c decides.
 * Thread: the shard's.
 */

/* Where in the peer's sequence space an offset of its stream is. */
static inline sl_seq sl_crypt_rx_seq(const struct sl_tcb *tcb, uint64_t offset)
{
    return tcb->irs + 1 + (uint32_t)offset;
}

/*
 * New bytes, or (`waited`) the timer: an incomplete frame that nobody disputes is acknowledged
 * after a while, lest its sender starve, or at once while the TEP shakes hands, since those bytes
 * have no tag to wait for. One that is disputed is dropped after a while.
 */
void sl_crypt_hold_back(struct sl_tcb *tcb, bool waited, uint64_t now_ns);

/* Something failed to authenticate: without progress the connection ends in a while (A14 d). */
void sl_crypt_note_failure(struct sl_tcb *tcb, uint64_t now_ns);

/*
 * A FIN in front of which nothing is missing but the mark of the end has so long to be joined by
 * it (R78). One that lies further ahead proves nothing yet.
 */
void sl_crypt_await_mark(struct sl_tcb *tcb, uint64_t now_ns);

/* Count, once, a FIN when everything in front of it is authentic and says nothing of an end. */
void sl_crypt_note_fin(struct sl_tcb *tcb);
