/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "seam.h"
#include "tcp/crypt.h"

/*
 * An encrypted connection with a peer made by hand: a TCP instance with inline jobs on our side; on
 * the other nothing but a TEP, host B, which writes frames into memory. A test says which of their
 * bytes arrive, in which segments, and with which ones changed.
 *
 * Places are offsets in the two streams, 0 behind the SYN. Ours begins at sequence number
 * `iss` + 1, the peer's at PEER_ISN + 1.
 */
enum { PEER_ISN = 1000, PEER_MSS = 1460, PEER_SEGS_MAX = 1024 };

struct peer_saw { /* a segment of ours */
    uint64_t offset;
    uint32_t len;
    uint64_t ack;
    uint16_t wnd;
    uint8_t flags;
    bool eno;
};

struct peer {
    struct sl_tcp *tcp;
    struct sl_tcb *tcb;
    sl_seq iss;
    uint64_t now_ns;
    struct seam seam; /* .a: our stream as it came over; .b: the peer's TEP */
    uint64_t acks;    /* of our stream, by the peer */
    uint16_t wnd;
    struct peer_saw saw[PEER_SEGS_MAX];
    unsigned n_saw;
    struct sl_counters counters;
    struct sl_tcp_host host;
    struct sl_aead_engine *engine;
    struct sl_job_queue *queue;
    struct sl_random_seeded seeded[4];
    struct rte_mempool *pools[4];
    struct sl_eno_policy policy;
    struct sl_tep_config config;
    unsigned events;
    bool changed; /* a segment of ours repeated a place with other bytes (R74) */
};

/* After both SYNs and the keys: the peer's Init2 is taken, nothing is owed. `ops` is the TEP. */
struct peer *peer_connected(const struct sl_tep_ops *ops);
/* Both SYNs only: neither Init is sent. */
struct peer *peer_opened(const struct sl_tep_ops *ops);
void peer_over(struct peer *p); /* finds leaks */

/* One iteration of a shard; and for so many ms. */
void peer_iterate(struct peer *p);
void peer_wait(struct peer *p, uint64_t ms);

/* The peer frames `len` bytes of a pattern, at most `most` in a frame. Returns where they begin. */
uint64_t peer_writes(struct peer *p, uint32_t len, uint32_t most);
uint64_t peer_ends(struct peer *p); /* an empty frame with the mark of the end */
uint64_t peer_stream_len(const struct peer *p);

/* Bytes [from, from + len) of the peer's stream arrive; with `flip` not negative, that one of
 * them changed. Runs no iteration, so that segments make a burst. */
enum sl_drop peer_segment(struct peer *p, uint64_t from, uint32_t len, int64_t flip);
enum sl_drop peer_fin(struct peer *p, uint64_t at);
/* Bytes that were never written. */
enum sl_drop peer_forges(struct peer *p, uint64_t at, const uint8_t *bytes, uint32_t len);

/* The peer acknowledges all that it saw, with its window. */
void peer_acks(struct peer *p);

/* The application reads exactly so many bytes, and they are the pattern's next. */
void app_reads(struct peer *p, uint64_t len);
void app_reads_nothing(struct peer *p);
void app_reads_eof(struct peer *p);

/* What our last segment acknowledged. */
uint64_t acked(const struct peer *p);
/* Pure ACKs of ours since the last call of peer_forget(). */
unsigned acks_seen(const struct peer *p);
void peer_forget(struct peer *p);

enum sl_tcp_error ended_in(const struct peer *p);
