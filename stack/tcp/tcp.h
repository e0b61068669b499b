/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/arena.h"
#include "base/counters.h"
#include "base/list.h"
#include "base/random.h"
#include "base/wheel.h"
#include "net/net.h"
#include "tcp/cc.h"
#include "tcp/isn.h"
#include "tcp/rto.h"
#include "tcp/seg.h"
#include "tcpcrypt/eno/negotiate.h"

/*
 * TCP of one shard: the public face of this folder for the shard and the socket floor.
 *
 * Sans-I/O: segments, the time and user calls go in; segments, jobs and events come out through
 * struct sl_tcp_host. One instance for each shard holds all its connections and their timer
 * wheel; finding the connection of a segment is the shard's task. Thread: the shard's.
 *
 * One iteration of the shard calls, in this order: sl_tcp_segment() and its like for a burst;
 * sl_tcp_read_frames(); (jobs); sl_tcp_job_done(); sl_tcp_timers(); the application's calls;
 * sl_tcp_cut_frames(); (jobs); sl_tcp_job_done(); sl_tcp_output().
 */
struct sl_tcp;
struct sl_tcb;
struct sl_tcp_listener;

struct sl_tcp_config {
    uint32_t connections_max;
    uint32_t half_open_max;   /* in all; each listener has its backlog beside it (T4987-1) */
    uint32_t time_wait_max;   /* the oldest gives way (D3) */
    uint32_t rcvbuf_bytes;    /* receive window of a connection, at most; A15 raises it */
    uint32_t sndbuf_bytes;    /* unacknowledged and unsent bytes of a connection, at most */
    uint32_t rcv_ranges_max;  /* out-of-order or unauthenticated ranges of a connection */
    uint32_t jobs_max;        /* frames under way at the queue, all connections */
    struct sl_rto_bounds rto; /* D18 */
    uint64_t delayed_ack_ns;  /* D7: 40 ms */
    uint64_t msl_ns;          /* D3: 30 s */
    uint64_t fin_wait_2_ns;   /* D41: 60 s */
    uint64_t auth_timeout_ns; /* A14 d: 10 s without progress after a failure */
    uint64_t keepalive_idle_ns, keepalive_interval_ns; /* D5 */
    uint64_t challenge_interval_ns;                    /* D11: 500 ms */
    uint32_t rst_per_second;                           /* D34: 1,000 */
    uint8_t keepalive_probes;
    uint8_t syn_retries, synack_retries; /* D4: 7 and 5 */
    uint8_t retries_1, retries_2;        /* D42: 3 and 15 */
    uint8_t ttl;
    uint8_t cc; /* index, see tcp/cc.h */
    bool timestamps, window_scale;
    bool tolerate_missing_ts; /* D12 */
    uint16_t mss_min_bytes;   /* D38: 216 */
};

struct sl_tcp_config sl_tcp_config_default(void);

/* What happens to a connection, as a set of bits. */
enum {
    SL_TCP_EV_CONNECTED = 0x01, /* may be written to; passive ones come by accept() */
    SL_TCP_EV_READABLE = 0x02,
    SL_TCP_EV_WRITABLE = 0x04,
    SL_TCP_EV_EOF = 0x08,    /* the peer has closed its side, all data was queued before */
    SL_TCP_EV_ERROR = 0x10,  /* it is over: sl_tcb_error() says why */
    SL_TCP_EV_CLOSED = 0x20, /* both FINs are acknowledged: nothing more will happen */
};

/* Why a connection ended; sl_tcp_error_name() gives the stable words that programs print. */
enum sl_tcp_error {
    SL_TCP_OK = 0,
    SL_TCP_RESET,         /* by the peer */
    SL_TCP_REFUSED,       /* RST, or a hard ICMP error, while connecting */
    SL_TCP_TIMEOUT,       /* R2, user timeout, keep-alive */
    SL_TCP_UNREACHABLE,   /* what ICMP said while connecting (D9) */
    SL_TCP_AUTH_FAILED,   /* A14 d, R75 */
    SL_TCP_KEX_FAILED,    /* R51, R52, A8, A16 */
    SL_TCP_TRUNCATED,     /* R78 */
    SL_TCP_NO_ENCRYPTION, /* policy refuses plain TCP */
    SL_TCP_ABORTED,       /* by the application */
    SL_TCP_NO_BUFFERS,
};

const char *sl_tcp_error_name(enum sl_tcp_error e); /* "reset", "refused" ...; "ok" */
int sl_tcp_error_errno(enum sl_tcp_error e);        /* ECONNRESET ... */

struct sl_tcp_host {
    void *ctx;
    /* A segment of `tcb` (TCP header first, SL_NET_HEAD_BYTES of headroom); takes it. */
    enum sl_drop (*tx)(void *ctx, struct sl_tcb *tcb, struct rte_mbuf *m);
    /* Have ports room? False: connections whose turn it is wait. NULL: always. */
    bool (*may_tx)(void *ctx);
    /* One without a connection: a RST, mostly. */
    void (*tx_stray)(void *ctx, const struct sl_net_hdr *hdr, struct rte_mbuf *m);
    /* Table of connections by addresses and ports. False: full. */
    bool (*flow_add)(void *ctx, struct sl_tcb *tcb);
    void (*flow_remove)(void *ctx, struct sl_tcb *tcb);
    /* `ev`: bits that became true. May be called in the midst of a burst: note and return. */
    void (*event)(void *ctx, struct sl_tcb *tcb, unsigned ev);
    /* A connection of `l` is ready for sl_tcp_accept(). */
    void (*acceptable)(void *ctx, struct sl_tcp_listener *l);
    /* Hand a job to the queue, now or at the end of the stage. */
    void (*job)(void *ctx, struct sl_job *job);
    /* Path advice (MUST-20, T4861-22). */
    void (*path)(void *ctx, struct sl_tcb *tcb, bool good);
    struct sl_job_queue *queue; /* told of keys that go; NULL is allowed */
    struct rte_mempool *heads;  /* header mbufs */
    struct rte_mempool *clones; /* indirect mbufs */
    struct rte_mempool *data;   /* payload mbufs, to be sent */
    struct rte_mempool *rx;     /* where opened frames go; low water drops payload */
    struct sl_counters *counters;
    struct sl_random *random; /* behaviour */
    struct sl_random *secrets;
    struct sl_arena *arena;
};

/* NULL: no memory. Copies both. */
struct sl_tcp *sl_tcp_create(const struct sl_tcp_config *config, const struct sl_tcp_host *host,
                             uint64_t now_ns);
/* Ends every connection without a segment, frees all. Jobs must be back. NULL is allowed. */
void sl_tcp_destroy(struct sl_tcp *tcp);

/* What a socket asks of its connection, or a listener of its children (P7). */
struct sl_tcp_options_set {
    const struct sl_eno_policy *eno; /* must stay until the handshake is over; NULL: off */
    bool require_encryption;
    bool nodelay, keepalive;
    uint8_t tos, ttl;                                  /* ttl 0: the default */
    uint32_t rcvbuf_bytes, sndbuf_bytes;               /* 0: the default */
    uint64_t user_timeout_ns;                          /* 0: the default (D42) */
    uint64_t keepalive_idle_ns, keepalive_interval_ns; /* 0: the default */
    uint8_t keepalive_probes;
    uint8_t syn_retries; /* 0: the default */
};

/* ---- user calls (RFC 9293 3.10.1 to 3.10.6) ------------------------------------------------ */

/*
 * Active OPEN from `local` (resolved: not any) and `local_port`, network order. `mtu_bytes`: of
 * the way there. Sends the SYN at the next output. NULL with *err: -ENOMEM, -EADDRINUSE.
 */
struct sl_tcb *sl_tcp_connect(struct sl_tcp *tcp, const struct sl_addr *local, uint16_t local_port,
                              const struct sl_addr *remote, uint16_t remote_port,
                              uint16_t mtu_bytes, const struct sl_tcp_options_set *set, void *user,
                              uint64_t now_ns, int *err);

/* Passive OPEN. The shard finds the listener of a SYN. NULL: no memory. */
struct sl_tcp_listener *sl_tcp_listen(struct sl_tcp *tcp, const struct sl_addr *local,
                                      uint16_t local_port, uint32_t backlog,
                                      const struct sl_tcp_options_set *set, void *user);
void sl_tcp_listener_backlog(struct sl_tcp_listener *l, uint32_t backlog);
/* Options of the children to come. */
void sl_tcp_listener_options(struct sl_tcp_listener *l, const struct sl_tcp_options_set *set);
/* Connections that wait for sl_tcp_accept(). */
uint32_t sl_tcp_listener_ready(const struct sl_tcp_listener *l);
/* Half-open children and those not accepted are reset. */
void sl_tcp_listener_close(struct sl_tcp *tcp, struct sl_tcp_listener *l, uint64_t now_ns);
/* The oldest established child, or NULL. It has no user yet: see sl_tcb_set_user(). */
struct sl_tcb *sl_tcp_accept(struct sl_tcp *tcp, struct sl_tcp_listener *l);

struct sl_iov {
    const void *base;
    size_t len;
};

/*
 * Queue bytes (copied). Returns how many fitted, 0 meaning a full buffer, or -EPIPE after
 * shutdown, or the negative errno of the error that ended the connection.
 */
int64_t sl_tcp_send(struct sl_tcp *tcp, struct sl_tcb *tcb, const struct sl_iov *iov, size_t n,
                    uint64_t now_ns);
/* Returns bytes; 0 at end of stream; -EAGAIN; else the negative errno of the error. */
int64_t sl_tcp_recv(struct sl_tcp *tcp, struct sl_tcb *tcb, void *out, size_t len, bool peek,
                    uint64_t now_ns);
/* SHUT_WR: FIN behind all data. SHUT_RD: what comes is dropped. Returns 0 or -ENOTCONN. */
int sl_tcp_shutdown(struct sl_tcp *tcp, struct sl_tcb *tcb, bool rd, bool wr, uint64_t now_ns);
/* CLOSE: the user lets go. FIN, or RST when data lies unread (SHLD-3). The TCB is TCP's own now. */
void sl_tcp_close(struct sl_tcp *tcp, struct sl_tcb *tcb, uint64_t now_ns);
/* ABORT: RST, and the user lets go. */
void sl_tcp_abort(struct sl_tcp *tcp, struct sl_tcb *tcb, uint64_t now_ns);

/* ---- segments ------------------------------------------------------------------------------ */

/*
 * SEGMENT ARRIVES for a connection, a listener, or nobody (CLOSED). Each takes what it wants of
 * seg->m and frees the rest. Returns why the segment, or its payload, was dropped; counted here.
 */
enum sl_drop sl_tcp_segment(struct sl_tcp *tcp, struct sl_tcb *tcb, struct sl_seg *seg,
                            uint64_t now_ns);
enum sl_drop sl_tcp_listener_segment(struct sl_tcp *tcp, struct sl_tcp_listener *l,
                                     struct sl_seg *seg, uint16_t mtu_bytes, uint64_t now_ns);
enum sl_drop sl_tcp_stray_segment(struct sl_tcp *tcp, struct sl_seg *seg, uint64_t now_ns);

/*
 * Does a SYN to this TIME-WAIT connection open a new one (D3, T6191)? The connection is gone
 * then, and the shard takes the segment to the listener.
 */
bool sl_tcp_time_wait_reopens(struct sl_tcp *tcp, struct sl_tcb *tcb, const struct sl_seg *seg,
                              uint64_t now_ns);

/* An ICMP error about a segment of `tcb`; the quoted sequence number is checked here (T5927-1). */
enum sl_drop sl_tcp_icmp(struct sl_tcp *tcp, struct sl_tcb *tcb, const struct sl_net_icmp_error *e,
                         uint64_t now_ns);

/* ---- the rest of an iteration -------------------------------------------------------------- */

/* Read frames of connections that received bytes: open jobs go to host->job. */
void sl_tcp_read_frames(struct sl_tcp *tcp, uint64_t now_ns);
/* A job of ours is back. */
void sl_tcp_job_done(struct sl_tcp *tcp, struct sl_job *job, uint64_t now_ns);
/* Fire due timers, at most `budget`. */
void sl_tcp_timers(struct sl_tcp *tcp, unsigned budget, uint64_t now_ns);
/* Cut frames as far as windows and Nagle let them go: seal jobs go to host->job. */
void sl_tcp_cut_frames(struct sl_tcp *tcp, uint64_t now_ns);
/* Send what may be sent: data, then one ACK for each connection that owes one. */
void sl_tcp_output(struct sl_tcp *tcp, uint64_t now_ns);
uint64_t sl_tcp_next_ns(const struct sl_tcp *tcp);
/* Is anything waiting for cut_frames, read_frames or output? */
bool sl_tcp_has_work(const struct sl_tcp *tcp);

/* ---- looking at a connection ---------------------------------------------------------------- */

enum sl_tcp_state {
    SL_TCP_CLOSED,
    SL_TCP_LISTEN,
    SL_TCP_SYN_SENT,
    SL_TCP_SYN_RECEIVED,
    SL_TCP_ESTABLISHED,
    SL_TCP_FIN_WAIT_1,
    SL_TCP_FIN_WAIT_2,
    SL_TCP_CLOSE_WAIT,
    SL_TCP_CLOSING,
    SL_TCP_LAST_ACK,
    SL_TCP_TIME_WAIT,
    SL_TCP_STATES
};

const char *sl_tcp_state_name(enum sl_tcp_state s);

struct sl_tcb_facts {
    enum sl_tcp_state state;
    enum sl_tcp_error error;
    enum sl_tcp_error soft_error; /* what ICMP said while nothing gets through (MUST-47) */
    bool encrypted, negotiating, resumed;
    enum sl_eno_fallback fallback;
    enum sl_tep_role role;
    uint8_t tep_byte;
    enum sl_aead aead;
    uint8_t session_id_len;
    uint8_t session_id[SL_TEP_SESSION_ID_MAX_BYTES];
    uint8_t self_global, peer_global;
    struct sl_addr local, remote;
    uint16_t local_port, remote_port; /* network order */
    uint16_t mss_bytes;
    uint32_t readable_bytes, writable_bytes, unacked_bytes;
    uint64_t srtt_ns, rto_ns;
    uint32_t cwnd_bytes, retransmitted_segs;
};

void sl_tcb_facts(const struct sl_tcb *tcb, struct sl_tcb_facts *f);
/* Current level of SL_TCP_EV_* (READABLE: data or EOF or error can be read now, and so on). */
unsigned sl_tcb_level(const struct sl_tcb *tcb);
enum sl_tcp_error sl_tcb_error(const struct sl_tcb *tcb);
void *sl_tcb_user(const struct sl_tcb *tcb);
void sl_tcb_set_user(struct sl_tcb *tcb, void *user);
void *sl_tcp_listener_user(const struct sl_tcp_listener *l);
/* Change what may change on a live connection: nodelay, keepalive, tos, ttl, timeouts; and whether
 * it must be encrypted: a plain one is reset then (ECONNABORTED). */
void sl_tcb_set_options(struct sl_tcp *tcp, struct sl_tcb *tcb,
                        const struct sl_tcp_options_set *set, uint64_t now_ns);
/* Key of its flow, and its path cache, which the shard's host functions use. */
const struct sl_addr *sl_tcb_local(const struct sl_tcb *tcb, uint16_t *port);
const struct sl_addr *sl_tcb_remote(const struct sl_tcb *tcb, uint16_t *port);
struct sl_net_path *sl_tcb_path(struct sl_tcb *tcb);
void sl_tcb_hdr(const struct sl_tcb *tcb, struct sl_net_hdr *hdr);
/* Connections that exist, those in TIME-WAIT included. */
uint32_t sl_tcp_connections(const struct sl_tcp *tcp);
