/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <assert.h>

#include "net/bucket.h"
#include "tcp/inq.h"
#include "tcp/rcvq.h"
#include "tcp/sndq.h"
#include "tcp/tcp.h"

/*
 * The transmission control block, and the instance that holds them all: private to this folder.
 *
 * The order is that of use: what the fast path touches for each segment in order comes first, and
 * no segment needs more than three of those lines; then what goes once a burst or an ACK; then
 * the rest. What only a handshake needs hangs on `syn`, what a TEP needs on `crypt`; both are
 * allocated when needed and freed when not.
 */

/* Timers of a connection: one entry in the wheel serves them all (the earliest, lazily). */
enum sl_tcb_timer {
    SL_TIMER_RETRANSMIT, /* SYN, data, FIN: RFC 6298; or zero-window probes (persist) */
    SL_TIMER_DELAYED_ACK,
    SL_TIMER_KEEPALIVE,
    SL_TIMER_TIME_WAIT, /* 2 MSL; also FIN-WAIT-2 of a closed socket (D41) */
    SL_TIMER_HOLD,      /* A14 b: unauthenticated bytes held back from acknowledgment */
    SL_TIMER_AUTH,      /* A14 d: no progress since a failure, or since a FIN without its mark */
    SL_TIMER_TEP,       /* the TEP's own deadline */
    SL_TIMER_COUNT
};

/* What connections need until they are established and ENO is settled. */
struct sl_tcb_syn {
    struct sl_eno eno;
    struct sl_link link;          /* in the listener's half-open list */
    struct sl_tcb *tcb;           /* whose it is */
    uint64_t synack_repeat_ns;    /* D36: earliest repeat on a repeated SYN */
    enum sl_tcp_error soft_error; /* D9: what connect reports at R2 */
    uint8_t n_sent;               /* SYNs or SYN-ACKs sent */
    uint64_t sent_ns;             /* of the first, for the RTT */
    uint16_t own_mss_bytes;       /* of our MSS option, once it is sent */
    bool peer_wscale_seen, peer_ts_seen;
    bool send_now; /* a SYN or SYN-ACK is due at the next output */
};

struct sl_crypt; /* tcp/crypt.h */

struct sl_tcb {
    /* line 1: every segment */
    sl_seq snd_una, snd_nxt;
    uint32_t snd_wnd; /* scaled */
    sl_seq rcv_nxt;   /* acknowledged to the peer; under a TEP: authenticated, or A14 b */
    uint8_t state;    /* enum sl_tcp_state */
    uint8_t snd_wscale, rcv_wscale;
    uint8_t dup_acks;
    uint16_t mss_bytes; /* effective send MSS: payload of a full segment, options taken off */
    uint16_t ack_pending_segs;
    bool ts_on : 1, ack_now : 1, encrypting : 1, fin_queued : 1, fin_sent : 1, fin_received : 1,
        eof : 1, in_recovery : 1, after_rto : 1, nodelay : 1, rd_shut : 1, detached : 1,
        negotiating : 1, require_encryption : 1, passive : 1, keepalive : 1,
        send_blocked : 1, /* send() found the buffer full: the user waits for WRITABLE */
        send_starved : 1, /* the pool was empty when the user wrote, and he does not know better */
        urgent : 1,       /* rcv_up is meaningful */
        dead : 1,         /* in the instance's list of the dead */
        of_listener : 1,  /* not accepted yet */
        has_fin_seq : 1,  /* fin_seq is meaningful, and where the stream ends */
        persisting : 1,   /* the retransmission timer runs for zero-window probes */
        override : 1;     /* it fired on a window too small: send what fits (MUST-38) */
    uint8_t probes;       /* persist or keep-alive, unanswered */
    uint8_t quick_acks;   /* D7: so many more ACKs of data go at once */
    uint8_t tos, ttl;
    uint32_t lost_bytes; /* marked lost and not sent again: in flight no more */
    struct sl_tcp *tcp;
    struct sl_tcb_syn *syn; /* NULL: established and settled */
    union {
        void *user;
        struct sl_tcp_listener *listener; /* while of_listener */
    };

    /* line 2: one received */
    struct sl_inq inq;
    uint64_t last_rcv_ns;
    sl_seq rcv_adv; /* right edge announced, never moves left (SHLD-14) */
    sl_seq last_ack_sent;
    uint32_t rcvbuf_bytes;
    uint32_t ts_recent;
    sl_seq snd_wl1, snd_wl2;

    /* line 3: either way */
    struct sl_sndq sndq;
    struct sl_rcvq rcvq; /* its counts; the array is looked at when there is a hole, or a TEP */

    /* line 4: one sent */
    uint64_t delivered_bytes, delivered_ns, first_sent_ns; /* delivery rate */
    uint64_t app_limited_bytes; /* delivered_bytes up to which samples are app-limited; 0: none */
    struct sl_net_path path;
    uint32_t inflate_bytes; /* RFC 6582's inflation of cwnd */
    struct sl_cc cc;

    /* once in a burst */
    struct sl_link read_link, out_link;
    struct sl_timer timer;
    uint64_t due_ns[SL_TIMER_COUNT]; /* SL_NEVER: off */
    struct sl_rto rto;
    struct sl_crypt *crypt; /* NULL: plain */
    uint64_t last_snd_ns;
    uint64_t ts_recent_at_ns;  /* T7323-32 */
    uint64_t stalled_since_ns; /* R2, D6: when what is not answered yet was sent; 0: all is well */
    uint64_t user_timeout_ns;
    uint64_t confirmed_ns; /* last good news to host.path */
    uint32_t snd_wnd_max;  /* largest ever announced (T5961-9) */
    uint32_t sndbuf_bytes;
    uint32_t ts_offset;
    sl_seq recover;     /* RFC 6582 */
    sl_seq rtt_seq;     /* an ACK beyond it gives the next RTT sample (T6298-7) */
    sl_seq small_end;   /* of the last small segment sent (Nagle as Minshall has it) */
    sl_seq limited_end; /* snd_nxt when cwnd last was the limit */
    uint32_t resend_at; /* running number: no segment before it is marked lost */
    uint8_t error;      /* enum sl_tcp_error */
    uint8_t soft_error; /* likewise: what ICMP said since the last progress (MUST-47) */
    uint8_t cc_index;
    uint8_t timeouts;   /* in a row, without progress (R1, R2) */
    uint8_t resend_now; /* segments to be sent again whatever cwnd says */
    bool cwnd_limited, iw_lost, partial_seen;

    /* seldom */
    struct sl_addr local, remote;
    uint16_t local_port, remote_port; /* network order */
    sl_seq iss, irs;
    sl_seq fin_seq;             /* peer's FIN, meaningful if fin_received or has_fin_seq */
    sl_seq rcv_up;              /* octet behind the urgent data (D28); only a hint */
    uint64_t challenge_next_ns; /* D11 */
    uint64_t keepalive_idle_ns, keepalive_interval_ns;
    struct sl_link all_link; /* instance's list: live ones, or TIME-WAIT in order of age */
    struct sl_link accept_link;
    uint32_t retransmitted_segs;
    uint32_t jobs; /* under way: the TCB stays until they are back */
    uint16_t mtu_bytes;
    uint16_t peer_mss_bytes; /* of its MSS option; 0: none */
    uint8_t shut_probes;     /* since the window shut: their back-off (SHLD-30) */
    uint8_t keepalive_probes, syn_retries;
    uint8_t fallback;
    uint8_t role, tep_byte, own_global, peer_global; /* what ENO came to, once it is settled */
} __rte_cache_aligned;

/* Of the hot lines a segment in order touches three: received 1, 2, 3; sent 1, 3, 4. */
static_assert(offsetof(struct sl_tcb, inq) == 64, "line 1");
static_assert(offsetof(struct sl_tcb, sndq) == 128, "line 2");
static_assert(offsetof(struct sl_tcb, rcvq.ranges) == 192, "line 3");
static_assert(offsetof(struct sl_tcb, cc.ssthresh) < 256, "line 4");

struct sl_tcp_listener {
    struct sl_link link;
    struct sl_addr local;
    uint16_t local_port;
    uint32_t backlog, n_half_open, n_ready;
    struct sl_link half_open, ready;
    struct sl_tcp_options_set set;
    void *user;
};

struct sl_tcp {
    struct sl_tcp_config config;
    struct sl_tcp_host host;
    struct sl_isn_keys keys;
    struct sl_wheel *wheel;
    struct sl_link connections, time_wait, listeners;
    struct sl_link read_list, out_list;
    uint32_t n_connections, n_half_open, n_time_wait;
    struct sl_bucket rst_bucket; /* D34 */
    struct sl_link free_jobs;
    void *job_memory;
    uint64_t now_ns; /* of the running call, for helpers far from it */

    struct sl_link dead;   /* TCBs that are over: a burst may still hold pointers at them */
    uint16_t rx_countdown; /* payloads until the receive pool is looked at again */
    bool rx_low;           /* it was below its low-water mark */
    struct {               /* the TIME-WAIT connection that gave way to a SYN (MAY-2) */
        struct sl_addr local, remote;
        uint16_t local_port, remote_port;
        sl_seq snd_nxt;
        bool valid;
    } reopened;
};

/* ---- shared by the files of this folder ------------------------------------------------------ */

/* The one place where states change (tcb.c): checks the arrow. */
void sl_tcb_enter(struct sl_tcb *tcb, enum sl_tcp_state next);

/*
 * A connection in CLOSED, with its handshake state and the user's wishes. NULL: bound or memory.
 * It lives from its first sl_tcb_enter() on; before that, sl_tcb_release() it when detached.
 */
struct sl_tcb *sl_tcb_create(struct sl_tcp *tcp, const struct sl_tcp_options_set *set, bool passive,
                             uint64_t now_ns);
/*
 * Free what can be freed now: the queues once it is over and no job is under way; all of it once
 * it is CLOSED and detached too. The TCB itself stays until sl_tcb_reap().
 */
void sl_tcb_release(struct sl_tcb *tcb);
/* Free the TCBs that are over. Not while anybody looks at segments of a burst. */
void sl_tcb_reap(struct sl_tcp *tcp);
/* The connection is over: queues flushed, timers off, flow removed, user told. No segment. */
void sl_tcb_end(struct sl_tcb *tcb, enum sl_tcp_error why);
/* The same after a RST of ours (T9293-33). */
void sl_tcb_reset(struct sl_tcb *tcb, enum sl_tcp_error why, uint64_t now_ns);

void sl_tcb_timer_set(struct sl_tcb *tcb, enum sl_tcb_timer which, uint64_t at_ns); /* timers.c */
static inline void sl_tcb_timer_off(struct sl_tcb *tcb, enum sl_tcb_timer which)
{
    tcb->due_ns[which] = UINT64_MAX; /* lazily: the wheel's entry may fire for nothing */
}

/* Enlist for sl_tcp_output() / sl_tcp_read_frames(). */
void sl_tcb_wants_output(struct sl_tcb *tcb);
void sl_tcb_wants_read(struct sl_tcb *tcb);

void sl_tcb_event(struct sl_tcb *tcb, unsigned ev);

/* Receive window that may be announced now, in bytes (A15, MUST-39); output.c. */
uint32_t sl_tcb_rcv_wnd(const struct sl_tcb *tcb);

/* Payload that the next data segment may carry: a TEP's frame fits into it (MUST-16). */
uint32_t sl_tcb_send_mss(const struct sl_tcb *tcb);

/* Timestamp clock: milliseconds and the connection's offset (D13, T7323-23). */
static inline uint32_t sl_tcb_tsval(const struct sl_tcb *tcb, uint64_t now_ns)
{
    return (uint32_t)(now_ns / 1000000) + tcb->ts_offset;
}

/* After an ACK segment was sent or received: has ENO decided? Begins the TEP, or falls back; may
 * end the connection (tcb.c). */
void sl_tcb_eno_settle(struct sl_tcb *tcb, uint64_t now_ns);

/* Bytes in flight: sent, not acknowledged, not known to be lost. */
uint32_t sl_tcb_flight(const struct sl_tcb *tcb);

/*
 * Would TCP let a segment of `len` stream bytes beyond what is cut go now: windows, Nagle, SWS
 * avoidance (MUST-38, SHLD-7)? `full`: as large as a segment gets. `last`: nothing is behind it.
 */
bool sl_tcb_may_cut(const struct sl_tcb *tcb, uint32_t len, bool full, bool last);

/*
 * In-order octets up to `nxt` are received for good (input.c): rcv_nxt moves, ACKs become due
 * (D7), a FIN that waited at `nxt` is taken.
 */
void sl_tcb_advance(struct sl_tcb *tcb, sl_seq nxt, uint64_t now_ns);

/* Data for the application; takes the mbuf chain. False: no memory (the chain is freed). */
bool sl_tcb_deliver(struct sl_tcb *tcb, struct rte_mbuf *m);

/* Is enough of the send buffer free to tell the user of it: a third? */
static inline bool sl_tcb_has_room(const struct sl_tcb *tcb)
{
    return tcb->sndq.data_bytes <= tcb->sndbuf_bytes / 3 * 2;
}

/* What may change on a live connection, and what a new one begins with (user.c). */
void sl_tcb_take_options(struct sl_tcb *tcb, const struct sl_tcp_options_set *set);

/* Mbufs were missing when the user wrote. Tell him once there are some, or try again (user.c). */
void sl_tcb_feed(struct sl_tcb *tcb);

/* Queue our FIN behind all data, once (user.c). */
void sl_tcb_queue_fin(struct sl_tcb *tcb);

/* ---- input.c, closed.c, listen.c, syn_sent.c, timewait.c: one function for each state ----------
 */

/*
 * An ACK for a segment that is not acceptable, and a challenge ACK (RFC 5961 7): as often as D11
 * allows, at the next output.
 */
void sl_input_challenge(struct sl_tcb *tcb, uint64_t now_ns);
/* PAWS and the rule about missing timestamps (RFC 7323 5.3). */
enum sl_drop sl_input_check_timestamp(struct sl_tcb *tcb, const struct sl_seg *seg,
                                      uint64_t now_ns);
/* T9293-3: the acceptability test. */
bool sl_input_is_acceptable(const struct sl_tcb *tcb, const struct sl_seg *seg);

/* Addresses that no connection may have (MUST-57, MUST-63), or both ends the same. */
enum sl_drop sl_closed_check_addresses(const struct sl_seg *seg);
bool sl_closed_is_group(const struct sl_addr *a); /* multicast, broadcast, or nobody's */

enum sl_drop sl_syn_sent_segment(struct sl_tcb *tcb, struct sl_seg *seg, uint64_t now_ns);
enum sl_drop sl_time_wait_segment(struct sl_tcb *tcb, struct sl_seg *seg, uint64_t now_ns);

/* Both FINs are acknowledged: stay for 2 MSL. */
void sl_time_wait_enter(struct sl_tcb *tcb, uint64_t now_ns);
/* The oldest TIME-WAIT gives way. False: there is none. */
bool sl_time_wait_evict(struct sl_tcp *tcp);

/* The connection ends while it is its listener's: half-open, or not accepted. */
void sl_listen_ended(struct sl_tcb *tcb);
/* Half-open no more: into the accept queue. */
void sl_listen_established(struct sl_tcb *tcb);

/* ---- handshake.c ------------------------------------------------------------------------------
 */

/* What the SYN form of an ENO option, or its absence, means to sl_eno_*(). */
struct sl_eno_seen sl_handshake_eno_seen(const struct sl_seg *seg);
/* The shift to offer (D39): with ENO, for a window that holds the largest frame (A15). */
uint8_t sl_handshake_wscale(const struct sl_tcb *tcb);
/* Numbers, window and options of the peer's SYN or SYN-ACK. */
void sl_handshake_take_syn(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns);
/* mss_bytes from what the peer offered and the way's MTU (MUST-15, MUST-16, D38). */
void sl_handshake_set_mss(struct sl_tcb *tcb);
/* The handshake is complete; sl_tcb_eno_settle() has to follow. */
void sl_handshake_done(struct sl_tcb *tcb, uint64_t now_ns);

/* ---- ack.c ------------------------------------------------------------------------------------
 */

/*
 * RFC 9293 3.10.7.4, fifth: an ACK that passed the checks of range (input.c). Frees what it
 * covers, samples the RTT, moves the window (T9293-20), counts duplicates, recovers (RFC 6582),
 * feeds congestion control, re-arms the retransmission timer, tells the user of room.
 *
 * The ACK of our SYN comes here too (in SYN-SENT and SYN-RECEIVED, with snd_una still at the ISS
 * and mss_bytes, ts_on and snd_wscale as negotiated): it starts congestion control (T6928-1).
 */
void sl_ack_take(struct sl_tcb *tcb, const struct sl_seg *seg, uint64_t now_ns);

/* Has the peer acknowledged our FIN? */
static inline bool sl_ack_covers_fin(const struct sl_tcb *tcb)
{
    return tcb->fin_sent && tcb->snd_una == tcb->snd_nxt;
}

/* The retransmission timer has fired: RFC 6298 5.4 to 5.7, 5681 3.1; a dead path ends it (R2). */
void sl_ack_rto(struct sl_tcb *tcb, uint64_t now_ns);

/* IW (T6928-1), and what a restart after idle falls back to (T6928-3). */
uint32_t sl_ack_initial_window(const struct sl_tcb *tcb);

/*
 * mss_bytes was lowered (path MTU, T1191-8): what is larger and unacknowledged goes out again, in
 * pieces, once and without blame on congestion (T5681-22).
 */
void sl_ack_mss_shrank(struct sl_tcb *tcb, uint64_t now_ns);

/* ---- output.c ---------------------------------------------------------------------------------
 */

/* The SYN or SYN-ACK that is due; each time the same but for the timestamp (R25). May end it. */
void sl_output_syn(struct sl_tcb *tcb, uint64_t now_ns);

/* RST of a connection, sent at once: <SEQ=snd_nxt><ACK=rcv_nxt>. */
void sl_output_rst(struct sl_tcb *tcb, uint64_t now_ns);

/* RST that answers `seg` by T9293-6 (and T7323-17), if the rate allows (D34); never to a RST. */
void sl_output_rst_for(struct sl_tcp *tcp, const struct sl_seg *seg, uint64_t now_ns);

/* Is something waiting that the peer's window has no room for (a full segment of it, at least)? */
bool sl_output_shut_out(const struct sl_tcb *tcb);
/* Is there any room in it? */
bool sl_output_sees_window(const struct sl_tcb *tcb);

/* A zero-window probe (T9293-40); a keep-alive (SHLD-12). Sent at once; may end the connection. */
void sl_output_probe(struct sl_tcb *tcb, uint64_t now_ns);
void sl_output_keepalive(struct sl_tcb *tcb, uint64_t now_ns);

/* The shift to offer, in a SYN and thus for the whole connection (D39, T7323-6). */
uint8_t sl_output_wscale(uint32_t rcvbuf_bytes);

/* ---- timers.c ---------------------------------------------------------------------------------
 */

/* (Re)start the retransmission timer if anything is in flight, the persist timer if the window
 * is shut on waiting data, else neither. */
void sl_timers_rearm(struct sl_tcb *tcb, uint64_t now_ns);
