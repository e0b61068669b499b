/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * DPDK's environment (EAL), for programs that have none of their own. Thread: the main one.
 */

/*
 * Bring EAL up with these arguments, of which the first is the program's name. Once it is up,
 * whoever did it, a further call changes nothing. What EAL prints goes to standard error. 0, or a
 * negative errno with a sentence in `err`.
 */
int sl_eal_init(int argc, const char *const *argv, char *err, size_t err_len);

/* Take it down, if sl_eal_init() brought it up. */
void sl_eal_fini(void);

/*
 * Are there more lcores than CPUs that this process may use? Two spinning threads on one CPU
 * crawl, unless they yield.
 */
bool sl_eal_is_crowded(void);
