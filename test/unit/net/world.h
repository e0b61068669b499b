/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counters.h"
#include "net/net.h"

/*
 * What surrounds net in these tests: pools, time, and the wire, on which frames are written as hex
 * (blanks do not count). Port 0 is 02:00:00:00:00:01 with 10.0.0.1/24 and an MTU of 1500; on its
 * link live 10.0.0.2 at 02:..:02, and so on. Frames that arrive lie in buffers of exactly their
 * size. A test ends by world_close(), which demands that every mbuf is back in its pool.
 */
enum { SENT_MAX = 64, FRAME_MAX = 2048 };

struct sent {
    uint8_t bytes[FRAME_MAX];
    size_t len;
    uint16_t port;
    uint64_t ol_flags;
    unsigned l2_len, l3_len;
};

struct world {
    struct sl_net *net;
    struct sl_net_config config; /* defaults by world_init(), may be changed before world_open() */
    struct sl_net_port port;
    struct rte_mempool *own;     /* net's */
    struct rte_mempool *outside; /* of frames that arrive and segments that leave */
    struct sl_counters counters, seen;
    struct sl_random_seeded random;
    uint64_t now_ns;
    struct sent sent[SENT_MAX];
    size_t n_sent, n_checked;
    struct sl_net_icmp_error error;
    unsigned n_errors;
    enum sl_net_verdict verdict; /* of the last frame */
    struct rte_mbuf *up;         /* what the transport got of it; or NULL */
    struct sl_net_meta meta;
};

void world_init(struct world *w);
void world_open(struct world *w); /* with port 0 and its address; its announcement is taken */
void world_close(struct world *w);

/* `bytes` from hex; aborts the test on anything else. */
size_t from_hex(const char *hex, uint8_t *bytes, size_t room);
struct sl_addr addr(const char *text);

/* RFC 1071 4.1, written down from there. */
uint16_t rfc1071(const uint8_t *bytes, size_t len);

void port_up(struct world *w, uint16_t port, uint8_t mac, const char *address, unsigned prefix_len);

/* A frame comes in on port 0. */
void arrives(struct world *w, const char *hex);
void arrives_bytes(struct world *w, const uint8_t *bytes, size_t len);
void arrives_mbuf(struct world *w, uint16_t port, struct rte_mbuf *m);

/* Send a SYN from 10.0.0.1 port 80 to `dst` port 40000 with 4 bytes of text. */
enum sl_drop send_syn(struct world *w, const char *dst, struct sl_net_path *path);
struct rte_mbuf *syn(struct world *w);
struct sl_net_hdr hdr_to(const char *dst);

/* Time passes, in one step or with every deadline on its way. */
void after_ms(struct world *w, uint64_t ms);

/* The second announcement is out too; what was sent so far does not count. */
void settle(struct world *w);

/* The next frame that net sent, on port 0 as a whole; nothing more was sent; a look at it. */
#define sends(w, hex) sends_at(w, 0, hex, __LINE__)
#define silent(w)     silent_at(w, __LINE__)
void sends_at(struct world *w, uint16_t port, const char *hex, int line);
void silent_at(struct world *w, int line);
const struct sent *take_sent(struct world *w);

/* Since the last time, exactly this was counted, once: SL_DROP_NONE is nothing. */
#define drops(w, why, story) drops_at(w, why, story, __LINE__)
void drops_at(struct world *w, enum sl_drop why, const char *story, int line);

/* Do the counts in the first segment fit the chain? */
void check_chain(const struct rte_mbuf *m);

/* The transport gets exactly these bytes; frees them. */
void hands_up(struct world *w, const char *hex, const char *story);

/* 10.0.0.n answers the question for it, or asks for us. */
void arp_reply_from(struct world *w, uint8_t n);
void arp_request_from(struct world *w, uint8_t n);

#define ETHER_TO_US   "020000000001 020000000002 "
#define ETHER_FROM_US "020000000002 020000000001 "
#define BROADCAST     "ffffffffffff 020000000001 "
#define ARP_REQUEST   "0806 0001 0800 06 04 0001 "
#define ARP_REPLY     "0806 0001 0800 06 04 0002 "
#define US            "020000000001 0a000001 "
/* 10.0.0.1:80 to 10.0.0.2:40000: SYN, sequence number 1, "abcd" */
#define SYN_OUT                                      \
    "0800 4500002c00004000400626ca0a0000010a000002 " \
    "0050 9c40 00000001 00000000 50 02 ffff 3a84 0000 61626364"
#define SYN_IN_TCP "9c40 0050 00000001 00000000 50 02 ffff 3a84 0000 61626364"
#define SYN_IN     ETHER_TO_US "0800 4500002c00004000400626ca0a0000020a000001 " SYN_IN_TCP
#define ASK(n)     BROADCAST ARP_REQUEST US "000000000000 0a0000" #n
