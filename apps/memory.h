/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/*
 * How much memory the system still gives to this process, asked before it is taken: the kernel
 * promises more than it has, and kills who then uses it.
 *
 * Reads /proc and control groups, version 1 and 2, this process's own and all above it. What cannot
 * be found out counts as no limit. Pages that only cache files count as free. Thread: any.
 */
enum { MEMORY_LIMIT_BYTES = 192 };

struct memory {
    uint64_t left_bytes;            /* UINT64_MAX: no limit */
    char limit[MEMORY_LIMIT_BYTES]; /* whose that is: "RLIMIT_DATA", for a sentence */
};

/* To be written to: of the machine, RLIMIT_DATA, control groups. */
struct memory memory_left(void);

/* To be mapped: of RLIMIT_AS. */
struct memory memory_space_left(void);
