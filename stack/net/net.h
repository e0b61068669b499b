/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "base/counters.h"
#include "base/random.h"
#include "net/addr.h"

/*
 * Ethernet, ARP, IPv4, ICMP and routes of one shard: frames in, transport payloads out, and back.
 *
 * Sans-I/O: no clock, no port, no randomness of its own. The floor above hands in frames and the
 * time, and gets frames to send through sl_net_host.tx. Knows nothing of TCP but its protocol
 * number and where its checksum and ports lie. Every mbuf handed in is consumed unless a function
 * says otherwise. One instance for each shard; thread: the shard's.
 */
struct sl_net;

enum { SL_NET_PORTS_MAX = 16, SL_NET_NO_PORT = 0xffff };

struct sl_net_config {
    uint32_t neighbours_max;         /* entries of the neighbour table */
    uint32_t neighbour_queue_pkts;   /* packets that wait for one address to resolve (T1122-5) */
    uint64_t neighbour_reachable_ns; /* how long an entry counts as fresh: 30 s */
    uint32_t routes_max;
    uint32_t icmp_per_second; /* D34: 100, burst half of it */
    uint8_t ttl;              /* MUST-49: 64 */
};

/* All defaults. */
struct sl_net_config sl_net_config_default(void);

struct sl_net_port {
    struct rte_ether_addr mac;
    uint16_t mtu_bytes; /* of IP packets: 68 .. 9216 */
    bool rx_cksum_good; /* both ends trust the memory between them: nothing is verified */
    bool tx_cksum_none; /* likewise: nothing need be computed */
    bool tx_cksum_ip4;  /* the port computes the IPv4 header checksum (offload flag is set) */
    bool tx_cksum_tcp;  /* the port computes TCP's (pseudo-header sum and flag are set) */
};

/* What the transport hears of a packet. */
struct sl_net_meta {
    struct sl_addr src, dst;
    uint16_t port;
    uint8_t protocol; /* 6 */
    uint8_t ttl;
    uint8_t tos;     /* DSCP and ECN */
    bool cksum_good; /* transport checksum verified (port's flag, trust, or software) */
};

/* An ICMP error about a packet of ours, as far as a transport may use it. */
struct sl_net_icmp_error {
    enum { SL_ICMP_UNREACHABLE, SL_ICMP_TOO_BIG, SL_ICMP_TIME_EXCEEDED, SL_ICMP_PARAMETER } kind;
    uint8_t code;            /* of the message */
    uint16_t mtu_bytes;      /* SL_ICMP_TOO_BIG: next-hop MTU, 0 when the router gave none */
    uint16_t total_bytes;    /* length that the quoted header gives (T1191-3) */
    struct sl_addr src, dst; /* of the quoted packet: src is ours */
    uint8_t protocol;
    uint8_t quoted[8]; /* first bytes of the quoted transport header: ports, sequence number */
};

struct sl_net_host {
    /* A whole frame for `port`; takes the mbuf. */
    void (*tx)(void *ctx, uint16_t port, struct rte_mbuf *m);
    void (*icmp_error)(void *ctx, const struct sl_net_icmp_error *e, uint64_t now_ns);
    void *ctx;
    struct rte_mempool *pool; /* for ARP and ICMP; may be empty at any time */
    struct sl_counters *counters;
    struct sl_random *random; /* behaviour */
};

/*
 * NULL: no memory; or a limit (other than icmp_per_second) that is 0; or more than 65,536
 * neighbours and routes. Copies both.
 */
struct sl_net *sl_net_create(const struct sl_net_config *config, const struct sl_net_host *host,
                             uint64_t now_ns);
/* Frees queued packets too. NULL is allowed. */
void sl_net_destroy(struct sl_net *net);

/* `port` 0 .. SL_NET_PORTS_MAX - 1. 0, -EINVAL, -EEXIST. */
int sl_net_port_add(struct sl_net *net, uint16_t port, const struct sl_net_port *p);

/*
 * Give `port` an address; adds the connected route and announces it (gratuitous ARP, now and
 * once more after a second). 0, -EINVAL, -EEXIST, -ENOSPC.
 */
int sl_net_address_add(struct sl_net *net, uint16_t port, const struct sl_addr *a,
                       unsigned prefix_len, uint64_t now_ns);

/*
 * Route to prefix/len through the gateway `via`, which must be on a connected network. Of several
 * with one prefix the first serves while its gateway answers. 0, -EINVAL, -EEXIST, -ENOSPC.
 */
int sl_net_route_add(struct sl_net *net, const struct sl_addr *prefix, unsigned prefix_len,
                     const struct sl_addr *via);

/* Is it an address of ours? */
bool sl_net_is_local(const struct sl_net *net, const struct sl_addr *a);

/* Source address for `dst` (MUST-44), and the MTU of the way there. 0, -ENETUNREACH. */
int sl_net_source(const struct sl_net *net, const struct sl_addr *dst, struct sl_addr *src,
                  uint16_t *mtu_bytes);

enum sl_net_verdict {
    SL_NET_DONE,      /* consumed: answered, kept or dropped (and counted) */
    SL_NET_TRANSPORT, /* *m is the caller's: trimmed to the TCP segment, meta filled */
};

/*
 * A frame from `port`. Prefetch its header first. Padding behind the IP packet is trimmed; the TCP
 * header, as long as its data offset says and as far as there are bytes, lies in the first segment
 * (the checksum is right, nothing else of it has been looked at). `*m` is another mbuf afterwards
 * where it did not: a copy from the pool.
 */
enum sl_net_verdict sl_net_input(struct sl_net *net, uint16_t port, struct rte_mbuf **m,
                                 uint64_t now_ns, struct sl_net_meta *meta);

/*
 * Where packets of one connection go: resolved once, then two loads a packet. Zero-initialised
 * is unresolved; kept by the connection, understood by net only.
 */
struct sl_net_path {
    uint32_t epoch, neighbour;
    uint16_t port, mtu_bytes;
};

struct sl_net_hdr {
    struct sl_addr src, dst;
    uint8_t protocol, ttl, tos; /* ttl 0: the default */
    bool may_fragment;          /* DF off */
};

/*
 * Send a transport segment: `m` begins with the TCP header and has headroom for IPv4 and Ethernet
 * (SL_NET_HEAD_BYTES). Writes both headers and the checksums as the port wants them, resolves or
 * queues, and hands the frame to host->tx. SL_DROP_NONE also when it was queued behind ARP;
 * otherwise the reason (counted here) and the packet is gone.
 */
enum { SL_NET_HEAD_BYTES = 64 };
enum sl_drop sl_net_output(struct sl_net *net, struct sl_net_path *path,
                           const struct sl_net_hdr *hdr, struct rte_mbuf *m, uint64_t now_ns);

/* MUST-20, T4861-22: TCP's advice about a path: progress confirms it, R1 makes it suspect. */
void sl_net_confirm(struct sl_net *net, const struct sl_net_path *path, uint64_t now_ns);
void sl_net_suspect(struct sl_net *net, struct sl_net_path *path, uint64_t now_ns);

/* Retransmissions of ARP, ageing, announcements. Call at or after the deadline. */
void sl_net_timeout(struct sl_net *net, uint64_t now_ns);
uint64_t sl_net_next_ns(const struct sl_net *net);

/* "10.0.0.1" with room for INET6_ADDRSTRLEN; the reverse returns false for nonsense. */
void sl_addr_format(const struct sl_addr *a, char *out, size_t room);
bool sl_addr_parse(const char *text, struct sl_addr *a);
/* "10.0.0.1/24" */
bool sl_addr_parse_prefix(const char *text, struct sl_addr *a, unsigned *prefix_len);
