/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/tep.h"

/*
 * tcpcrypt (RFC 8548) as a TEP. Each built TEP is a table of operations; the 2-tuple of curve and
 * identifier is all that differs between them.
 */
extern const struct sl_tep_ops sl_tcpcrypt_x25519; /* TEP 0x23 (R58) */

/* All that are built, by increasing priority; returns how many, at most `max`. */
size_t sl_tcpcrypt_teps(const struct sl_tep_ops **out, size_t max);
