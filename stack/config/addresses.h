/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "net/addr.h"

/*
 * Which IPv4 addresses a host may have (RFC 1122 3.2.1.3), with words for the others. Does not
 * know which are ours: check.c does. Pure functions.
 */

/* What keeps it from being a host's: "is a multicast address"; NULL: nothing. */
const char *sl_address_wrong(const struct sl_addr *a);

/* Also: not the first or last of its network, which has a prefix of `len` bits. */
const char *sl_address_wrong_in(const struct sl_addr *a, unsigned len);
