/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "base/arena.h"
#include "base/random.h"
#include "tcpcrypt/job.h"

/*
 * The interface of an encryption protocol (TEP, RFC 8547 2): all that TCP and ENO see of one.
 *
 * Operations never run a cipher and never block: they look at bytes, fill jobs and say what
 * becomes of them; public-key work is handed out as a unit that any core may run. Offsets are
 * 64-bit places in the TCP stream, 0 being the byte after the SYN. TCP owns every byte, a TEP
 * owns its state (one for each connection, from begin() to erase()) and its secrets, which lie in
 * the arena. Bytes come from strangers: no operation may assert on them.
 *
 * The seam is shaped so that a TLS 1.3 record layer fits behind it too: record-sequence nonces
 * (`ahead`), content type behind the data (`tail`), handshake flights both ways, records of its
 * own at any time, alerts. Thread: the shard's, but for sl_tep_work.run.
 */

/* Why a TEP ends a connection; the words that programs print stand in sl_tep_error_name(). */
enum sl_tep_error {
    SL_TEP_OK = 0,
    SL_TEP_KEX_FAILED,  /* R51, R52, R57, A8, A16 */
    SL_TEP_AUTH_FAILED, /* R75: a tag, or what an authentic frame says */
    SL_TEP_TRUNCATED,   /* R78: end of stream without the TEP's own mark of it */
    SL_TEP_NO_MEMORY,
};

enum { SL_TEP_HEAD_MAX_BYTES = 16, SL_TEP_TAIL_MAX_BYTES = 32, SL_TEP_SESSION_ID_MAX_BYTES = 64 };

struct sl_tep_limits {
    uint16_t head_bytes;      /* most that stands before the data of a frame: 3 + 1 (+ 2) */
    uint16_t tail_bytes;      /* most that stands behind it: 16 */
    uint16_t overhead_bytes;  /* what a frame of ordinary data adds to it: 20 */
    uint32_t data_max_bytes;  /* most data in one frame: 65518 */
    uint32_t frame_max_bytes; /* longest frame on the wire: 65538 (A15) */
};

/* What the owner of a shard allows; const and shared by all its connections. */
struct sl_tep_config {
    enum sl_aead aead_a[3], aead_b[3]; /* offered as A; as B, by increasing preference (R54) */
    uint8_t n_aead_a, n_aead_b;
    uint64_t kex_timeout_ns; /* A16: 10 s */
};

enum sl_tep_role { SL_TEP_ROLE_A, SL_TEP_ROLE_B };

struct sl_tep_begin {
    const struct sl_tep_config *config;
    struct sl_arena *arena;
    struct sl_random *secrets;
    struct sl_job_queue *queue; /* told (forget) before a key's slot is erased; NULL is allowed */
    enum sl_tep_role role;
    uint8_t tep_byte;          /* as host B sent it, with its v bit (R44) */
    const uint8_t *transcript; /* R37; to be copied, gone after begin() */
    size_t transcript_len;
    const uint8_t *suboption_a, *suboption_b; /* data of the negotiated suboption, if any */
    size_t suboption_a_len, suboption_b_len;
};

struct sl_tep_state; /* each TEP defines its own */

/* What read() makes of the bytes at hand. */
enum sl_tep_read {
    SL_TEP_READ_MORE,  /* nothing yet: at least `need` bytes from the same offset are wanted */
    SL_TEP_READ_FRAME, /* a frame of `len` bytes: open `cipher` with the job's fields as filled */
    SL_TEP_READ_OWN,   /* `len` bytes were the TEP's own (a handshake message), and are consumed */
    SL_TEP_READ_WAIT,  /* not before the frame in front (or the work under way) is done */
    SL_TEP_READ_ERROR, /* `error`: abort, or drop the bytes where they may be forged */
};

struct sl_tep_frame {
    uint64_t offset;     /* of the frame's first byte */
    uint32_t len;        /* whole frame */
    uint32_t need;       /* SL_TEP_READ_MORE: bytes from `offset` that would do */
    uint32_t head_len;   /* clear bytes in front */
    uint32_t cipher_len; /* bytes behind them, without the tag, which ends the frame */
    uint32_t tag_len;
    uint32_t note; /* the TEP's own, from read() to opened() */
    enum sl_tep_error error;
};

/* What became of a frame whose tag held. */
struct sl_tep_opened {
    uint32_t data_at, data_len; /* range of application data in the plaintext */
    bool end_of_stream;         /* nothing follows: FINp (R77) */
    bool urgent;                /* R80 */
    bool reply_due;             /* next() has bytes of its own now: cut at once (R83) */
    uint64_t urgent_end;        /* one past the last urgent byte, counted from data_at */
    enum sl_tep_error error;    /* authentic, and nonsense all the same (A8) */
};

/* What next() wants to have sent. */
enum sl_tep_next {
    SL_TEP_NEXT_NOTHING, /* nothing to send, or not before a further sealed(), opened(), worked() */
    SL_TEP_NEXT_FRAME,   /* seal: see struct sl_tep_cut */
    SL_TEP_NEXT_OWN,     /* `own`, in clear */
};

struct sl_tep_pending {
    uint32_t data_len;   /* application bytes that may go into this frame; 0: none at hand */
    bool end_of_stream;  /* the application has closed, and `data_len` is all that is left */
    bool urgent;         /* `urgent_end` bytes of them are urgent */
    uint32_t urgent_end; /* one past the last urgent byte, from the first of them */
};

/*
 * A frame as it is to be laid out: clear head, then the plaintext made of `prefix`, the data and
 * `suffix`, then the tag. The caller puts prefix and suffix around the data where it lies, seals
 * all three as one text with the job's fields as filled, and writes the tag behind.
 */
struct sl_tep_cut {
    uint32_t data_len; /* at most what was pending */
    uint32_t len;      /* whole frame */
    uint8_t head_len, prefix_len, suffix_len, tag_len;
    uint8_t head[SL_TEP_HEAD_MAX_BYTES];
    uint8_t prefix[SL_TEP_HEAD_MAX_BYTES];
    uint8_t suffix[SL_TEP_TAIL_MAX_BYTES];
    const uint8_t *own; /* SL_TEP_NEXT_OWN: `len` bytes that stay until the next operation */
    bool push;          /* PSH on the segment with the last byte (R48) */
    bool end_of_stream; /* this frame says so (R76) */
    uint32_t note;      /* the TEP's own, from next() to sealed() */
};

/* Public-key work, or anything else too slow for a shard. */
struct sl_tep_work {
    /* Runs on any thread, touches nothing but what hangs on `w`. */
    void (*run)(struct sl_tep_work *w);
};

enum sl_tep_event {
    SL_TEP_EVENT_TIMER, /* deadline() has passed */
    SL_TEP_EVENT_REKEY, /* the application, or a limit, wants fresh keys */
    SL_TEP_EVENT_PROBE, /* keep-alive wants a proof of life (R87) */
    SL_TEP_EVENT_CLOSE, /* the application has closed its side */
};

struct sl_tep_facts {
    enum sl_aead aead;
    bool ready;   /* keys are there: data may flow */
    bool resumed; /* without a key agreement (R93) */
};

struct sl_tep_ops {
    const char *name;
    uint8_t id; /* 0x20..0x7f */
    struct sl_tep_limits limits;

    /*
     * Data for our own SYN-form suboption, at most `room` bytes; sets `*v` when there is any.
     * Returns its length; 0 for the bare identifier.
     */
    size_t (*offer)(const struct sl_tep_config *c, enum sl_tep_role role, uint8_t *data,
                    size_t room, bool *v);
    /*
     * May a suboption of the peer with this v bit and data be negotiated (R21, R91, A4, A5)? Host
     * A asks about its own suboption too (`peer` is A then): both ends judge that one alike.
     */
    bool (*accept)(const struct sl_tep_config *c, enum sl_tep_role peer, bool v,
                   const uint8_t *data, size_t len);

    /* Both SYNs are known. NULL: no memory, no randomness. */
    struct sl_tep_state *(*begin)(const struct sl_tep_begin *b, uint64_t now_ns);
    /* Wipe secrets and free. Work handed out must have come back by then. NULL is allowed. */
    void (*erase)(struct sl_tep_state *t);

    /*
     * Look at stream bytes from `offset` on, as far as they are there. `ahead` frames in front
     * were read and are not opened yet. A frame changes no state (it may be forged, and be read
     * again with other bytes); SL_TEP_READ_OWN does. Fills `f`, and of `job` key, aead, nonce, aad.
     */
    enum sl_tep_read (*read)(struct sl_tep_state *t, const struct sl_range *bytes, uint32_t n,
                             uint64_t offset, uint32_t ahead, struct sl_tep_frame *f,
                             struct sl_job *job);
    /* The frame's tag held; `text` is its plaintext. Called in stream order. */
    void (*opened)(struct sl_tep_state *t, const struct sl_tep_frame *f,
                   const struct sl_range *text, uint32_t n, struct sl_tep_opened *out);

    /*
     * The next frame to send, at stream offset `offset`, `room` bytes long at most. What it says
     * is final: the caller will send it. Fills `cut`, and of `job` key, aead, nonce, aad.
     */
    enum sl_tep_next (*next)(struct sl_tep_state *t, const struct sl_tep_pending *p, uint32_t room,
                             uint64_t offset, struct sl_tep_cut *cut, struct sl_job *job);
    /* That frame's job is done: its key is no longer in use for it. In stream order. */
    void (*sealed)(struct sl_tep_state *t, const struct sl_tep_cut *cut);

    /* Work to be run now, or NULL. Handed out once; stays the TEP's memory. */
    struct sl_tep_work *(*work)(struct sl_tep_state *t);
    enum sl_tep_error (*worked)(struct sl_tep_state *t, struct sl_tep_work *w, uint64_t now_ns);

    enum sl_tep_error (*event)(struct sl_tep_state *t, enum sl_tep_event e, uint64_t now_ns);
    uint64_t (*deadline)(const struct sl_tep_state *t); /* SL_NEVER: none */

    /* Returns the length, 0 while there is none (R42). `out` has SL_TEP_SESSION_ID_MAX_BYTES. */
    size_t (*session_id)(const struct sl_tep_state *t, uint8_t *out);
    struct sl_tep_facts (*facts)(const struct sl_tep_state *t);

    /*
     * State out (for a live upgrade or a resumption) and in again: writes at most `room` bytes
     * and returns the length, 0 if it does not fit or cannot be frozen now.
     */
    size_t (*freeze)(const struct sl_tep_state *t, uint8_t *out, size_t room);
    struct sl_tep_state *(*thaw)(const struct sl_tep_begin *b, const uint8_t *in, size_t len);
};

/* "kex_failed", "auth_failed", "truncated", "no_memory", "ok": stable words. */
const char *sl_tep_error_name(enum sl_tep_error e);
