/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcp/tcb.h"

/*
 * Where TCP meets a TEP: received bytes become frames, frames become jobs, and what a job
 * authenticated becomes acknowledged data; written bytes become frames, sealed, and are sent.
 *
 * crypt.c begins and ends; crypt_in.c reads and opens (reading A14: authenticate, then
 * acknowledge), with crypt_look.c, which finds frames, and crypt_hold.c, which holds bytes back;
 * crypt_out.c cuts and seals (R74). Knows TEPs through struct sl_tep_ops only.
 * Memory: one struct sl_crypt for each encrypted connection, and jobs from the instance's pool.
 */

/* A job of ours, and what it is about. */
struct sl_crypt_job {
    struct sl_job job;
    struct sl_link order; /* among the opens or seals of its connection, in stream order */
    struct sl_tcb *tcb;
    struct sl_tep_frame frame; /* open */
    struct sl_tep_cut cut;     /* seal */
    struct rte_mbuf *text;     /* open: the plaintext, a chain */
    struct sl_range *ranges;   /* open: what did not fit into the job, malloc()ed; or NULL */
    uint32_t seg;              /* seal: running number of the segment */
    bool done;
};

/* The tcpcrypt (or other TEP's) side of a connection. Offsets count from the byte after the SYN. */
struct sl_crypt {
    const struct sl_tep_ops *tep;
    struct sl_tep_state *state;
    struct sl_link opens, seals; /* jobs under way, in stream order */
    uint64_t rx_auth;            /* authenticated and delivered up to here */
    uint64_t rx_read;            /* handed to jobs up to here */
    uint64_t tx_cut;             /* where the next frame begins */
    uint32_t rx_ahead;           /* frames between rx_auth and rx_read */
    uint32_t choice;             /* copies that the frame at rx_auth is tried with (A14 a): */
    uint32_t tried;              /* how many were tried before it */
    uint32_t forged_bytes;       /* the longest of those that failed, in this round of choices */
    uint64_t disputed_since_ns;  /* an incomplete frame has two copies of some range; 0: no */
    uint64_t unprotected_at;     /* frame that was counted as acknowledged unverified, + 1 */
    uint64_t rx_acked;           /* acknowledged up to here before that was taken back */
    sl_seq fin_seq;              /* the peer's FIN, believed once its mark was opened */
    uint32_t overhead_bytes;     /* what a frame adds to ordinary data */
    uint8_t doubts;              /* how often that was, since the last authentic frame */
    uint8_t old_acks;            /* pure ACKs since then that say that it should be */
    bool fin_seen, fin_counted;
    bool failing;    /* the frame at rx_auth failed to authenticate, and nothing has since */
    bool incomplete; /* it is not all there, with the copies tried last */
    bool undecided;  /* some choice of copies was incomplete: the others' failure proves nothing */
    bool waiting;    /* read() waits for frames in front, or for work */
    bool failed;     /* a job failed: wait for the others, then decide */
    bool working;    /* public-key work is under way */
    bool work_waits; /* for a job to do it with */
    bool shaking;    /* next() may have a handshake message to send */
    bool reply_due;  /* next() has a frame of its own to send */
    bool mark_in, mark_out;    /* end of stream was opened, was cut */
    bool ended;                /* the connection is over: what comes back is only put away */
    struct sl_tcb_facts *last; /* what was true when it ended; `state` is NULL then */
};

/* ENO has settled on encryption: begin the TEP. False: no memory, the connection was reset. */
bool sl_crypt_begin(struct sl_tcb *tcb, uint64_t now_ns);

/*
 * The connection is over (or in TIME-WAIT): erase secrets and state, now or when the last job is
 * back, which then calls sl_tcb_release(). The facts stay. NULL crypt is allowed, twice too.
 */
void sl_crypt_end(struct sl_tcb *tcb);

/* The TCB goes: free what sl_crypt_end() left. No job may be under way. */
void sl_crypt_free(struct sl_tcb *tcb);

/* Payload in the window, of an encrypted connection (input.c). Takes m; why it was dropped. */
enum sl_drop sl_crypt_text(struct sl_tcb *tcb, sl_seq seq, struct rte_mbuf *m);

/* The peer's FIN at `seq` (input.c): taken only behind the TEP's own mark (R77, R78, A14 c);
 * without it a FIN may be forged. */
void sl_crypt_fin(struct sl_tcb *tcb, sl_seq seq, uint64_t now_ns);

/*
 * An ACK went out for bytes that nothing vouched for (A14 b), and this segment (input.c) lies in
 * front of rcv_nxt. If it says something else there, or there is nothing in it time and again, its
 * sender may never have sent those, and then hears nothing that we say, since we acknowledge what
 * is not there: takes the ACK back to what is authentic. Whoever did send them ignores an old ACK,
 * and gets the newer one again soon.
 */
void sl_crypt_doubt(struct sl_tcb *tcb, const struct sl_seg *seg);

/* First byte behind what is held without a gap: where "in order" is (rcv_nxt or beyond). */
sl_seq sl_crypt_rcv_high(const struct sl_tcb *tcb);

/* One connection of sl_tcp_read_frames(), sl_tcp_cut_frames(). */
void sl_crypt_read(struct sl_tcb *tcb, uint64_t now_ns);
void sl_crypt_cut(struct sl_tcb *tcb, uint64_t now_ns);

/* SL_TIMER_HOLD, SL_TIMER_AUTH, SL_TIMER_TEP have fired. */
void sl_crypt_timer(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t now_ns);

/* Bytes that a frame adds to its data. 0 for a plain connection. */
uint32_t sl_crypt_overhead(const struct sl_tcb *tcb);

/* Has the TEP everything it needs to send data (keys)? */
bool sl_crypt_ready(const struct sl_tcb *tcb);

void sl_crypt_facts(const struct sl_tcb *tcb, struct sl_tcb_facts *f);

/* Keep-alive of an encrypted connection: a re-key (R87). False: not possible now. */
bool sl_crypt_probe(struct sl_tcb *tcb, uint64_t now_ns);

/* The pool of jobs; false: no memory. */
bool sl_crypt_jobs_create(struct sl_tcp *tcp);
void sl_crypt_jobs_destroy(struct sl_tcp *tcp);
