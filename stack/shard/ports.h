/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "sealane/shard.h"

/*
 * DPDK ports, for programs that have no pipeline of their own: opening them, and the table of
 * functions by which a shard receives and sends on them. A device is one of
 *
 *     ring:NAME         one end of a pair inside this process: who opens NAME first gets one end,
 *                       who opens it second the other. Memory is trusted: no checksums.
 *     tap:IFACE         a kernel interface, made here and gone on close (in the network namespace
 *                       of the process). The stack has a MAC of its own beside the kernel's.
 *     af_packet:IFACE   an existing kernel interface; the peer's offloads must be off
 *     net_xxx0,a=b      any virtual device, in DPDK's words
 *     0000:01:00.0      a PCI device
 *
 * Thread: opening and closing on the main one; each queue belongs to one shard's.
 */
struct sl_port;

enum { SL_PORT_QUEUES_MAX = 64, SL_PORT_MTU_MIN_BYTES = 576, SL_PORT_MTU_BYTES = 1500 };

struct sl_port_config {
    const char *name;   /* for messages: "tap0" */
    const char *device; /* see above */
    uint16_t mtu_bytes; /* 0: 1500 */
    uint16_t queues;    /* one for each shard; 0: 1 */
    bool has_mac;       /* else the device's, or an invented one */
    uint8_t mac[6];
    /* Where each queue's packets are received into: a shard's pool. NULL: a pool is made. */
    struct rte_mempool *const *rx_pools;
};

/*
 * Whether the kernel's interfaces allow it: the one of tap: is not there yet, that of af_packet:
 * is. Makes nothing and needs no EAL, so that all ports can be asked before the first is opened.
 * False with a sentence in `err`.
 */
bool sl_port_check(const struct sl_port_config *c, char *err, size_t err_len);

/*
 * NULL with a sentence in `err`, and what of a port's configuration is at fault in `*key`: "device"
 * or "mtu". Asks sl_port_check() too.
 */
struct sl_port *sl_port_open(const struct sl_port_config *c, const char **key, char *err,
                             size_t err_len);

/* Stops the device and removes it. Shards have let go of it before. NULL is allowed. */
void sl_port_close(struct sl_port *p);

/* For sl_shard_port_add(); `number` is what the shard calls it. */
struct sl_shard_port sl_port_facts(const struct sl_port *p, uint16_t number);

/*
 * Mbufs of the port's own pool that are neither there nor the device's. Frames that stand in a
 * ring are freed, so that they are not missing elsewhere: for the end of a run.
 */
uint64_t sl_port_mbufs_out(struct sl_port *p);

/* The ports of one shard: what `ctx` of its table points at. */
struct sl_port_set {
    struct {
        uint16_t device, queue;
    } at[SL_SHARD_PORTS]; /* by the shard's number */
    bool yields;          /* give the CPU away when there is nothing to do (sl_eal_is_crowded()) */
};

void sl_port_set_add(struct sl_port_set *set, uint16_t number, const struct sl_port *p,
                     uint16_t queue);

/* `set` must stay. The clock is CLOCK_MONOTONIC. */
struct sl_shard_io sl_port_set_io(struct sl_port_set *set);
