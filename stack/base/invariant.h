/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

/*
 * What our own code guarantees, checked in debug, fuzz and simulator builds (-Dinvariants=true);
 * and the places where a resource may run out, so that a test can fail the n-th of them.
 * Never SL_INVARIANT() on what a peer, a file or a caller chose.
 */
#ifdef SL_CHECKED
_Noreturn void sl_invariant_failed(const char *what, const char *file, int line);
#define SL_INVARIANT(x) ((x) ? (void)0 : sl_invariant_failed(#x, __FILE__, __LINE__))

/* Fail the `nth` evaluation (from 1) of SL_FAULT(name) from now on; 0 switches it off. */
void sl_fault_arm(const char *name, unsigned nth);
/* Fail each evaluation of any SL_FAULT with `ppm` millionths, drawn from `seed`; 0 switches off. */
void sl_fault_random(unsigned ppm, unsigned long seed);
bool sl_fault_hit(const char *name);
#define SL_FAULT(name) sl_fault_hit(#name)
#else
#define SL_INVARIANT(x) ((void)(true || (x)))
#define SL_FAULT(name)  false
#endif
