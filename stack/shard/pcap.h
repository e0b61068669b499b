/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

/*
 * A capture file: each frame in and out, as it passes the shard's border, in libpcap's format with
 * nanoseconds. Times are the wall clock's at the opening, plus what the shard's clock has moved
 * since. Checksums of frames out that a port computes, or nobody, are not right in it.
 *
 * Frames are cut at SL_PCAP_SNAP_BYTES. What an iteration wrote is flushed at its end, so that a
 * process that is killed leaves a file that can be read. A file that cannot be written (a full
 * disk) is reported once and closed. Thread: the shard's.
 */
enum { SL_PCAP_SNAP_BYTES = 16384 };

struct sl_pcap;

/* NULL, with a sentence in `err`. */
struct sl_pcap *sl_pcap_open(const char *path, uint64_t now_ns, char *err, size_t err_len);

/* Flushes. NULL is allowed. */
void sl_pcap_close(struct sl_pcap *p);

void sl_pcap_frame(struct sl_pcap *p, const struct rte_mbuf *m, uint64_t now_ns);

/* An iteration ends: what it wrote goes to the file. */
void sl_pcap_flush(struct sl_pcap *p);
