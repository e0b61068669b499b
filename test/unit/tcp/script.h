/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_mbuf.h>

#include "tcp/tcb.h"

/*
 * Segment scripts: one TCP instance in a world of virtual time, told as a story. Segments of the
 * peer are written down, built as real mbufs over exact-size buffers and parsed by sl_seg_read();
 * what the instance sends is parsed here and compared.
 *
 *     struct script s = established(.iss = 100, .irs = 300);
 *
 *     call_close(&s);
 *     sends(&s, "101:101 FIN ack 301");
 *     arrives(&s, "301:301 FIN ack 101");
 *
 * A segment is written
 *
 *     FIRST:LAST [FLAGS] [ack N] [win N] [urg N] [other] [<OPTION, OPTION ...>]
 *
 * with the payload's first number and the one behind its last, which excludes SYN and FIN. FLAGS
 * are SYN FIN RST PSH URG ECE CWR. The payload's bytes follow from their place in the stream;
 * "other" inverts them. OPTIONs are: mss N, ws N, ts VAL ECR, sackok, sack A-B, eno HEX (HEX: the
 * option's content, may be empty), raw HEX (bytes as they are).
 *
 * In arrives(), "win" is as on the wire and defaults to the story's; where timestamps were
 * negotiated, a segment without <> gets one (<> alone: none). In sends(), what is not mentioned is
 * not compared: window, PSH, options; "nopsh", and <nots>, <noeno>, <nows>, <nomss>, <nosack>
 * demand an absence; a number may be "*". Our own timestamps count from the first one sent.
 *
 * Sequence numbers are the real ones: the clock starts so that the first connection's ISN comes
 * out as .iss; those of later connections (of other ports or incarnations) are mapped to .iss.
 *
 * Nothing is sent before sends(), sends_nothing() or a call that moves the clock, so segments that
 * arrive one after the other are a burst. One world for each test; script_over is its suite's
 * .fini and finds leaks.
 */
struct script_world;

struct script {
    struct sl_tcp *tcp;
    struct sl_tcb *tcb; /* the connection that the story is about */
    struct sl_tcp_listener *listener;
    struct script_world *w;
};

struct script_params {
    sl_seq iss, irs;    /* 0: 100 and 300 */
    uint16_t wnd;       /* window field of the peer; 0: 65535 */
    uint16_t mss_bytes; /* of the peer; 0: 1460 */
    uint16_t mtu_bytes; /* 0: 1500 */
    bool ts;            /* both sides use timestamps */
    bool scale;         /* both sides scale windows, the peer by ... */
    uint8_t wscale;
    bool passive;
    bool nodelay, keepalive;
    uint32_t rcvbuf_bytes, sndbuf_bytes; /* 0: 65535 and 65536 */
    uint32_t backlog;                    /* 0: 8 */
    uint32_t rtt_ms;                     /* of the handshake; 0: 10 */
    uint64_t user_timeout_ns;
    const struct sl_eno_policy *eno;
    bool require_encryption;
    bool ip6;
    void (*tune)(struct sl_tcp_config *config);
};

/* A world without connections: follow with call_connect() or call_listen(). */
#define closed(...) script_closed(&(struct script_params){__VA_ARGS__})
/* An active connection after its handshake (passive with .passive: accepted); time is 0. */
#define established(...) script_established(&(struct script_params){__VA_ARGS__})

struct script script_closed(const struct script_params *p);
struct script script_established(const struct script_params *p);
void script_over(void);

/* ---- segments ---------------------------------------------------------------------------------
 */

#define arrives(s, text) script_arrives(__FILE__, __LINE__, s, text)
#define sends(s, text)   script_sends(__FILE__, __LINE__, s, text)
#define sends_nothing(s) script_sends_nothing(__FILE__, __LINE__, s)
/* Why the last segment that arrived, or its payload, was dropped; counted once. */
#define dropped(s, why) script_dropped(__FILE__, __LINE__, s, SL_DROP_##why)
#define accepted(s)     script_dropped(__FILE__, __LINE__, s, SL_DROP_NONE)
/* When the segment that the last sends() matched was sent, in ms. */
#define sent_at(s, ms) script_sent_at(__FILE__, __LINE__, s, ms)

void script_arrives(const char *file, int line, struct script *s, const char *text);
void script_sends(const char *file, int line, struct script *s, const char *text);
void script_sends_nothing(const char *file, int line, struct script *s);
void script_dropped(const char *file, int line, struct script *s, enum sl_drop why);
void script_sent_at(const char *file, int line, struct script *s, uint64_t ms);

/* The port (40000 at first) or address that segments come from, or go to, from now on. */
void from_port(struct script *s, uint16_t port);
void from_address(struct script *s, const char *text);
void to_address(struct script *s, const char *text);
/* Payload of arriving segments in pieces of this many bytes; 0: whole. */
void in_pieces(struct script *s, uint32_t bytes);
/* Segments sent and not looked at yet; forget them. */
unsigned script_pending(struct script *s);
void script_skip(struct script *s);
/* Payload, SYN and FIN counted, of those not looked at: first number and the one behind the last.
 */
bool script_peek(struct script *s, sl_seq *first, sl_seq *last);

/* ---- time --------------------------------------------------------------------------------------
 */

/* Let timers fire and segments go until `ms` after established(), or for `ms` from now. */
void at(struct script *s, uint64_t ms);
void after(struct script *s, uint64_t ms);
void after_us(struct script *s, uint64_t us);
uint64_t script_now_ns(const struct script *s);
/* One iteration of a shard. */
void iterate(struct script *s);

/* ---- user calls --------------------------------------------------------------------------------
 */

void call_connect(struct script *s); /* s->tcb; NULL with script_errno() */
int script_errno(const struct script *s);
void call_listen(struct script *s);
bool call_accept(struct script *s); /* s->tcb, if there was one */
int64_t call_send(struct script *s, uint32_t bytes);
void call_close(struct script *s);
void call_abort(struct script *s);
int call_shutdown(struct script *s); /* SHUT_WR */
int call_shutdown_read(struct script *s);
void call_listener_close(struct script *s);
struct sl_tcp_options_set script_options(const struct script *s);

/* Exactly so many bytes can be read, and they are the stream's next. */
#define reads(s, bytes)   script_reads(__FILE__, __LINE__, s, bytes)
#define reads_eof(s)      script_reads_result(__FILE__, __LINE__, s, 0)
#define reads_nothing(s)  script_reads_result(__FILE__, __LINE__, s, -EAGAIN)
#define reads_error(s, e) script_reads_result(__FILE__, __LINE__, s, -(e))
/* Read at most so many, and leave the rest. */
#define reads_some(s, bytes) script_reads_some(__FILE__, __LINE__, s, bytes)

void script_reads(const char *file, int line, struct script *s, uint32_t bytes);
void script_reads_some(const char *file, int line, struct script *s, uint32_t bytes);
void script_reads_result(const char *file, int line, struct script *s, int64_t result);

/* ---- what is true ------------------------------------------------------------------------------
 */

/* CLOSED: also when the TCB is gone. */
#define in_state(s, state) script_in_state(__FILE__, __LINE__, s, state)
/* The user was told these bits of SL_TCP_EV_* since the last told(); the memory is wiped. */
#define told(s, ev)         script_told(__FILE__, __LINE__, s, ev)
#define told_nothing(s)     script_told(__FILE__, __LINE__, s, 0)
#define counted(s, what, n) script_counted(__FILE__, __LINE__, s, SL_COUNT_##what, n)

void script_in_state(const char *file, int line, struct script *s, enum sl_tcp_state state);
void script_told(const char *file, int line, struct script *s, unsigned ev);
void script_counted(const char *file, int line, struct script *s, enum sl_counter what, uint64_t n);
struct sl_counters *script_counters(struct script *s);
/* Calls of host.acceptable so far; connections in the flow table. */
unsigned script_acceptable(const struct script *s);
unsigned script_flows(const struct script *s);
/* The flow table refuses more than so many (64 at first). */
void script_flows_max(struct script *s, unsigned max);
/* Pools of the host, to be emptied by tests. */
const struct sl_tcp_host *script_host(const struct script *s);
/* Path advice: +1 for each good, -1 for each bad, since the last call. */
int script_path_advice(struct script *s);
