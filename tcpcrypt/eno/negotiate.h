/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/eno/option.h"
#include "tcpcrypt/tep.h"

/*
 * One connection's ENO negotiation (RFC 8547 4): fed with what the handshake's segments carried,
 * asked what ours have to carry, and at the end whether the connection is encrypted.
 *
 * Knows no TCP header: the caller tells SYN forms from others, and counts options. Owned by the
 * connection's handshake state; plain data. Thread: the shard's.
 *
 *     active:   sl_eno_init, sl_eno_own (SYN) .. sl_eno_syn_received (SYN-ACK) ..
 *               sl_eno_segment_sent (each ACK) .. sl_eno_segment_received (first non-SYN)
 *     passive:  sl_eno_init, sl_eno_syn_received (SYN), sl_eno_own (SYN-ACK) .. the same
 *     crossing: sl_eno_init, sl_eno_own, sl_eno_syn_received (SYN, then SYN-ACK) .. the same
 */
enum sl_eno_state {
    SL_ENO_DISABLED,    /* switched off, fallen back: plain TCP, no ENO option any more */
    SL_ENO_NEGOTIATING, /* ready to, or waiting for the peer's SYN form */
    SL_ENO_AGREED,      /* both SYN forms fit; an ACK with ENO must be sent and received (R26) */
    SL_ENO_ENCRYPTING,  /* no plaintext passes any more */
};

/* Why not; the names are those that programs print. */
#define SL_ENO_FALLBACK_LIST(X)                                                                   \
    X(NONE, "")                                                                                   \
    X(DISABLED, "disabled")           /* own policy, or no randomness (R13) */                    \
    X(NO_ENO, "no_eno")               /* peer's SYN form has none (R23), or more than one (R3) */ \
    X(MALFORMED, "malformed")         /* R10 */                                                   \
    X(NO_COMMON_TEP, "no_common_tep") /* R20, R24 */                                              \
    X(SAME_ROLE, "same_role")         /* R16 */                                                   \
    X(APP_AWARE, "app_aware")         /* R18 */                                                   \
    X(NO_ACK_ENO, "no_ack_eno")       /* first ACK segment without ENO (R23) */

#define SL_ENO_FALLBACK_ENUM(name, text) SL_ENO_FALLBACK_##name,
enum sl_eno_fallback { SL_ENO_FALLBACK_LIST(SL_ENO_FALLBACK_ENUM) SL_ENO_FALLBACK_COUNT };
#undef SL_ENO_FALLBACK_ENUM

const char *sl_eno_fallback_name(enum sl_eno_fallback f);

enum { SL_ENO_TEPS_MAX = 8 };

/* What the owner of a listener, a socket or a shard wants; const while connections use it. */
struct sl_eno_policy {
    bool enabled;
    bool self_b;       /* R15: b = 1 though actively opening */
    bool self_a;       /* R17 */
    bool mandatory_aa; /* R18 */
    uint8_t n_teps;
    const struct sl_tep_ops *teps[SL_ENO_TEPS_MAX]; /* by increasing priority */
    const struct sl_tep_config *config;
};

struct sl_eno {
    const struct sl_eno_policy *policy;
    uint8_t state;    /* enum sl_eno_state */
    uint8_t fallback; /* enum sl_eno_fallback */
    bool passive;
    bool ack_sent, ack_received;
    bool own_frozen; /* our SYN form went out (R25) */
    bool peer_seen;
    bool answering;        /* a SYN without ACK came: our SYN form goes out in a SYN-ACK */
    bool non_syn_received; /* ends the options of R22 */
    uint8_t tep;           /* index into policy->teps, once agreed */
    uint8_t tep_byte;      /* as host B sent it */
    uint8_t role;          /* enum sl_tep_role, once agreed */
    uint8_t own_global, peer_global;
    uint8_t own_len, peer_len;
    uint8_t own[SL_ENO_OPTION_MAX_BYTES]; /* SYN forms, with kind and length */
    uint8_t peer[SL_ENO_OPTION_MAX_BYTES];
};

/* What a received segment carried of ENO. */
struct sl_eno_seen {
    uint8_t n;                /* how many ENO options */
    bool ack;                 /* the segment has ACK: a SYN-ACK is an ACK segment too */
    struct sl_cursor content; /* of the first, without kind and length */
};

void sl_eno_init(struct sl_eno *e, const struct sl_eno_policy *policy, bool passive);

/*
 * The SYN-form option for our SYN or SYN-ACK, built at the first call and unchanged after (R25);
 * as passive opener only after the peer's SYN was received. `room`: option bytes left. Returns
 * its length; 0: none (off, fallen back, or no room: that disables).
 */
size_t sl_eno_own(struct sl_eno *e, const uint8_t **option, size_t room);

/* Our SYN goes out again, and without ENO from now on (R25, active opener only): DISABLED. */
void sl_eno_give_up(struct sl_eno *e);

/*
 * A SYN or SYN-ACK of the peer; repeats of it change nothing but that a repeat without ENO, before
 * the first ACK segment, disables (R23). A SYN-ACK is the first ACK segment that an active opener
 * receives: with it `ack_received` is true, and what comes later is not looked at any more.
 */
void sl_eno_syn_received(struct sl_eno *e, const struct sl_eno_seen *seen);

/* A segment without SYN came in, acceptable and with ACK. Only the first one counts (R23). */
void sl_eno_segment_received(struct sl_eno *e, const struct sl_eno_seen *seen);

/* Must the segment without SYN that we are about to send carry the two-byte ENO option (R22)? */
bool sl_eno_wants_option(const struct sl_eno *e);

/*
 * An ACK segment was sent, SYN-ACKs too, with the option that sl_eno_own() or
 * sl_eno_wants_option() asked for. Once one was both sent and received: encrypting (R26).
 */
void sl_eno_segment_sent(struct sl_eno *e);

/* The negotiated TEP; NULL unless agreed or encrypting. */
const struct sl_tep_ops *sl_eno_tep(const struct sl_eno *e);

/*
 * A's SYN form, then B's (R37): 2 * SL_ENO_OPTION_MAX_BYTES at most. Returns its length; 0 unless
 * agreed or encrypting.
 */
size_t sl_eno_transcript(const struct sl_eno *e, uint8_t *out);

/*
 * Fill role, tep_byte, transcript (into `transcript`, as above) and suboptions of `b`, whose data
 * lies in `transcript`. Only when agreed or encrypting.
 */
void sl_eno_begin(const struct sl_eno *e, uint8_t *transcript, struct sl_tep_begin *b);
