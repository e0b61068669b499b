/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the programs of this folder need of the machine: EAL without hugepages, root or devices,
 * memory that is touched, and an end with a sentence when something is missing.
 */

void host_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* 1 and more; else the end, with `usage`. NULL is no number. */
unsigned long host_number(const char *text, const char *usage);

/* EAL with `mib` MiB; `lcores` as --lcores takes them. Main thread. */
void host_start(char *program, const char *mib, const char *lcores);

/* Large pages where the kernel has them; never freed. */
uint8_t *host_map(size_t bytes);

/*
 * Nanoseconds that a cache line takes from this lcore to another and back: a thread answers there
 * for 10 ms.
 */
double host_bounce_ns(unsigned lcore);
