/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "base/cursor.h"
#include "base/drop.h"
#include "tcp/seq.h"

/*
 * Codec of TCP options: MSS (RFC 9293 3.2), window scale and timestamps (RFC 7323), SACK-permitted
 * and SACK (RFC 2018), ENO (RFC 8547 4.1; its content stays opaque here).
 *
 * Bytes in, struct out, and back. Decides nothing: PAWS, the default MSS and what a SYN may
 * negotiate belong to input.c and output.c. Allocates nothing. Callers: those, and the fuzzer.
 * Pure functions, any thread. Uses no DPDK.
 */
enum { SL_TCP_OPTIONS_MAX_BYTES = 40, SL_TCP_SACK_MAX = 4 };

struct sl_tcp_sack {
    sl_seq left, right; /* first byte held, and the one after the last */
};

struct sl_tcp_options {
    uint32_t tsval, tsecr; /* meaningful if has_ts */
    uint16_t mss_bytes;    /* 0: none */
    bool has_ts, has_wscale, sack_permitted;
    uint8_t wscale; /* as received; the caller bounds it (T7323-10) */
    uint8_t n_sack;
    uint8_t n_eno;        /* ENO options in the segment: R3, R4 */
    struct sl_cursor eno; /* read: content of the first one. Write: kind, length and content. */
    struct sl_tcp_sack sack[SL_TCP_SACK_MAX];
};

/*
 * Read the options of one segment; `*o` is overwritten, `o->eno` points into the bytes read.
 * MSS, window scale and SACK-permitted count in a SYN only (MUST-65, T7323-3, T2018-1); of a
 * repeated option the first counts. Returns SL_DROP_NONE or SL_DROP_TCP_OPTION_LENGTH (D1).
 */
enum sl_drop sl_tcp_options_read(struct sl_cursor c, bool syn, struct sl_tcp_options *o);

/*
 * Write options in the order of Linux (MSS, SACK-permitted, timestamps, window scale, ENO, SACK),
 * padded to a multiple of 4 with NOP in front as usual, or, where that would not fit, with no
 * padding in between (a resuming SYN-ACK fills the 40 bytes exactly). `out` has
 * SL_TCP_OPTIONS_MAX_BYTES. SACK blocks are written as far as they fit. Returns the length, a
 * multiple of 4; 0 also when the rest cannot fit at all, which callers prevent.
 */
size_t sl_tcp_options_write(const struct sl_tcp_options *o, uint8_t *out);

/* Bytes left for a SYN-form ENO option beside the other options of `o` (trap 5). */
size_t sl_tcp_options_eno_room(const struct sl_tcp_options *o);
