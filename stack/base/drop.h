/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * Every way to lose a packet, in one list: the counters, their names in telemetry, the table in
 * docs/operations.md and the test that demands a producer of each come from it. A new way to lose
 * a packet is a new line here. Limits that refuse work rather than a packet, and plain statistics,
 * stand in base/counters.h.
 */
#define SL_DROP_LIST(X)                                                                        \
    X(ETHER_SHORT, "frame shorter than an Ethernet header")                                    \
    X(ETHER_NOT_OURS, "unicast frame to another MAC address")                                  \
    X(ETHER_TYPE, "EtherType that no module takes")                                            \
    X(ETHER_SNAP, "802.2/SNAP frame (reading D29)")                                            \
    X(ARP_MALFORMED, "ARP packet cut short, or not Ethernet and IPv4 (T826-1)")                \
    X(ARP_CONFLICT, "ARP from a stranger that claims our address")                             \
    X(ARP_NOT_FOR_US, "ARP that neither asks us nor updates an entry (T826-6)")                \
    X(ARP_TABLE_FULL, "no room in the neighbour table")                                        \
    X(ARP_LOCKTIME, "address change of a reachable neighbour within a second (reading D32)")   \
    X(NEIGH_QUEUE_FULL, "queue of a neighbour in resolution was full: the oldest packet went") \
    X(NEIGH_UNRESOLVED, "next hop did not answer")                                             \
    X(IP4_SHORT, "cut short, or lengths that contradict each other")                           \
    X(IP4_VERSION, "version other than 4 (T1122-8)")                                           \
    X(IP4_CHECKSUM, "IPv4 header checksum wrong (T1122-9)")                                    \
    X(IP4_NOT_OURS, "destination is none of our addresses (T1122-11)")                         \
    X(IP4_SOURCE, "source that no host may have (T1122-12)")                                   \
    X(IP4_LINK_BROADCAST, "unicast packet in a broadcast frame (T1122-39)")                    \
    X(IP4_SOURCE_ROUTE, "source-routed packet (reading D8)")                                   \
    X(IP4_OPTION, "IP option of impossible length (T1122-16)")                                 \
    X(IP4_FRAGMENT, "fragment: reassembly is off")                                             \
    X(IP4_PROTOCOL, "protocol that no module takes")                                           \
    X(IP4_NO_ROUTE, "no route to the destination")                                             \
    X(IP4_TOO_BIG, "packet larger than the MTU of its port")                                   \
    X(ICMP_SHORT, "ICMP message cut short")                                                    \
    X(ICMP_CHECKSUM, "ICMP checksum wrong")                                                    \
    X(ICMP_TYPE, "ICMP type that is ignored (T1122-18, T1122-29)")                             \
    X(ICMP_BROADCAST, "echo request to a broadcast address (T1122-28)")                        \
    X(ICMP_QUOTE, "ICMP error whose quotation names no connection of ours (T5927-1)")          \
    X(ICMP_RATE, "ICMP message not sent: over the rate limit (reading D34)")                   \
    X(TCP_SHORT, "TCP header cut short, or data offset impossible")                            \
    X(TCP_CHECKSUM, "TCP checksum wrong (MUST-3)")                                             \
    X(TCP_OPTION_LENGTH, "TCP option length impossible (RFC 9293 3.1, MUST-7)")                \
    X(TCP_ADDRESS, "segment from or to a broadcast or multicast address (MUST-57, MUST-63)")   \
    X(TCP_NO_SOCKET, "no connection and no listener")                                          \
    X(TCP_RST_RATE, "reset not sent: over the rate limit (reading D34)")                       \
    X(TCP_LAND, "segment from ourselves to ourselves on one port")                             \
    X(TCP_LISTEN_STATE, "segment that LISTEN does not take (T9293-8, T9293-9)")                \
    X(TCP_BACKLOG, "SYN beyond the bound of half-open connections (T4987-1)")                  \
    X(TCP_ACCEPT_QUEUE, "final ACK while the accept queue is full (reading D46)")              \
    X(TCP_NO_MEMORY, "no memory for a connection or a segment")                                \
    X(TCP_SYN_SENT_STATE, "segment that SYN-SENT does not take (T9293-10, -11, -13)")          \
    X(TCP_PAWS, "timestamp older than ts_recent (RFC 7323 5.3)")                               \
    X(TCP_NO_TIMESTAMP, "segment without the negotiated timestamp (reading D12)")              \
    X(TCP_SEQUENCE, "segment outside the receive window (T9293-4)")                            \
    X(TCP_RST_OUTSIDE, "RST outside the window (T5961-3)")                                     \
    X(TCP_RST_CHALLENGE, "RST in window but not at rcv_nxt (T5961-2)")                         \
    X(TCP_SYN_CHALLENGE, "SYN in a synchronized state (T5961-5)")                              \
    X(TCP_NO_ACK, "segment without ACK in a synchronized state (T9293-17)")                    \
    X(TCP_ACK_RANGE, "acknowledgment out of range (T9293-16, T9293-18, T5961-8)")              \
    X(TCP_DUPLICATE, "payload that was received before")                                       \
    X(TCP_AFTER_FIN, "payload beyond the peer's FIN (T9293-26)")                               \
    X(TCP_CLOSED_READER, "payload for an application that has closed (SHLD-3)")                \
    X(TCP_TIME_WAIT, "segment that TIME-WAIT does not take (T1337-1, T6191-3)")                \
    X(TCP_RCV_RANGES, "out-of-order data beyond the bound of ranges")                          \
    X(TCP_RCV_MEMORY, "payload beyond the bound of receive memory")                            \
    X(TCP_POOL_LOW, "payload while the receive pool is below its low-water mark")              \
    X(TCP_ENO_PLAINTEXT, "segment without ENO where only encryption is allowed")               \
    X(TCP_SYN_DATA, "payload of a SYN segment, not acknowledged (R31, R32)")                   \
    X(CRYPT_TAG, "frame failed to authenticate; its segments count as lost (R75)")             \
    X(CRYPT_COPY, "further copy of a held range, beyond the one that is kept (A14)")           \
    X(CRYPT_FIN, "FIN without FINp, held back (A14 c)")                                        \
    X(PORT_TX_FULL, "transmit queue of a port full for too long")                              \
    X(PORT_LENGTH, "frame longer than the MTU of its port allows")

#define SL_DROP_ENUM(name, text) SL_DROP_##name,
enum sl_drop { SL_DROP_NONE, SL_DROP_LIST(SL_DROP_ENUM) SL_DROP_COUNT };
#undef SL_DROP_ENUM

/* The name as in the list, without a prefix; "NONE" for SL_DROP_NONE. `d` < SL_DROP_COUNT. */
const char *sl_drop_name(enum sl_drop d);

/* What the list says of it. */
const char *sl_drop_text(enum sl_drop d);
