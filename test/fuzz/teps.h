/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fuzz.h"
#include "tcpcrypt/eno/negotiate.h"

/*
 * TEPs for ENO alone, of each kind that RFC 8547 4.2 knows: without data, with data of a fixed
 * length, with as much as there is room for; and policies over them, drawn from an input.
 */

/* Fill `policy` from three bytes of `c`. */
void fuzz_policy(struct sl_eno_policy *policy, struct sl_cursor *c);
