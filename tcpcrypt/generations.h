/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "base/arena.h"
#include "tcpcrypt/schedule.h"

/*
 * The generations of one connection's keys (RFC 8548 3.8): which key seals, which one opens, and
 * how both directions move on, one step for each frame with rekey = 1 (trap 10).
 *
 * `local` counts the rekey frames that we cut, `remote` those of the peer that were opened; where
 * local < remote, replies are owed. Knows no frames: tcpcrypt.c does. Secrets lie in the arena; a
 * key's slot is K, then NR, and at its end how much the key is in use. Owned by the TEP's state.
 * Thread: the shard's.
 */
struct sl_generations {
    struct sl_arena *arena;
    struct sl_job_queue *queue; /* told before a key goes; may be NULL */
    sl_secret masters;          /* mk[remote], and behind it ss[i + 1] (R95) */
    sl_secret mk_local;         /* mk[local] while local != remote, else 0 */
    sl_secret open;             /* remote */
    sl_secret open_next;        /* remote + 1: a candidate until a frame under it was opened */
    sl_secret seal;             /* local; 0: none until the next step (no room), or for good */
    sl_secret old;              /* a list of keys under which frames are still in flight (R86) */
    uint64_t local, remote;
    uint16_t aead;    /* enum sl_aead */
    uint8_t side;     /* enum sl_schedule_side: we seal with, by the original role (R98) */
    bool sealed_last; /* FINp: no further generation of ours (A11) */
};

/* Take the slots of generation 0, to be filled by whoever runs the key schedule. */
bool sl_generations_init(struct sl_generations *g, struct sl_arena *arena,
                         struct sl_job_queue *queue, enum sl_schedule_side side, enum sl_aead aead);
void sl_generations_erase(struct sl_generations *g); /* also what is half-built, or zero */

/* The key for a frame with rekey = 1; 0: no room. Changes nothing that matters. */
sl_secret sl_generations_candidate(struct sl_generations *g);

/* Such a frame was opened. False: no room. */
bool sl_generations_remote_step(struct sl_generations *g);

/* Go on to the next sealing key; not after sl_generations_seal_ends(). False, no step: no room. */
bool sl_generations_local_step(struct sl_generations *g);

/* A frame is cut under the sealing key; returns what sl_generations_sealed() wants to hear. */
uint32_t sl_generations_cut(struct sl_generations *g);
void sl_generations_sealed(struct sl_generations *g, uint32_t note);

/* The last frame was cut: keys go as soon as nothing is in flight. */
void sl_generations_seal_ends(struct sl_generations *g);

/* Master keys of both directions (SL_K_LEN each) and ss[i + 1], while nothing is in flight. */
bool sl_generations_freeze(const struct sl_generations *g, uint8_t *mk_remote, uint8_t *mk_local,
                           uint8_t *ss);

/* Take slots and fill them from master keys; generations and sides as given in `g` before. */
bool sl_generations_thaw(struct sl_generations *g, const uint8_t *mk_remote,
                         const uint8_t *mk_local, const uint8_t *ss);
