/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <sched.h>

#include "config/config.h"

/*
 * The command line that EAL gets: what the file gives as [eal] arg, and beside it what it leaves
 * open, so that a file without that section needs nothing of the host and disturbs nobody.
 * Pure functions, but for the process's id.
 */
enum { SL_ARGUMENTS_ADDED_MAX = 16 + 2 * SL_SHARD_PORTS };

struct sl_arguments {
    int n;
    const char *argv[SL_CONFIG_ARGS_MAX + SL_ARGUMENTS_ADDED_MAX];
    char room[16][SL_CONFIG_TEXT_BYTES * 4]; /* of those that are made here */
    int n_room;
    const cpu_set_t *cpus;
};

/* `cpus`: that the process may use. Pointers into `a` and `c`, which must stay. */
void sl_arguments_build(struct sl_arguments *a, const struct sl_config *c, const cpu_set_t *cpus);

/* Does the file name one of these options, which are separated by spaces? */
bool sl_config_gives(const struct sl_config *c, const char *options);

/* Does the file ask for hugepages? */
bool sl_config_is_huge(const struct sl_config *c);

/* What EAL is asked for where the file does not say: enough for the bounds. */
uint64_t sl_config_memory_mib(const struct sl_config *c);
