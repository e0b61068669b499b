/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The kernel's interfaces under tap: and af_packet: ports, in the network namespace of the process:
 * whether one is there, and why one cannot be had, which DPDK's drivers do not tell. No DPDK.
 * Who refuses puts a sentence into `why`, with the mend. Thread: the main one.
 */

/* Could an interface have this name? Asks nobody. */
bool sl_iface_is_name(const char *name, char *why, size_t why_len);

/* May an interface of this name be made? */
bool sl_iface_is_free(const char *name, char *why, size_t why_len);

/* Is it there? */
bool sl_iface_is_there(const char *name, char *why, size_t why_len);

/*
 * Make a tap of this name, which must be free: two programs that ask at once do not both get it.
 * net_tap alone would join one that is there, and share its frames with whoever has it; it joins
 * this one, which stays as long as net_tap has it when the descriptor that comes back is closed.
 * -1: nothing was made.
 */
int sl_iface_make_tap(const char *name, char *why, size_t why_len);

/* May this process receive what others do (CAP_NET_RAW)? */
bool sl_iface_may_capture(char *why, size_t why_len);
