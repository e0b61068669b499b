/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The key agreements of tcpcrypt's TEPs (RFC 8548 5), one table of operations each.
 *
 * Operations take tens of microseconds: they belong into work, not onto a shard. They draw no
 * randomness; the caller hands them secret bytes and erases them, and what came of them, itself.
 * Pure functions, any thread.
 */
enum { SL_KEX_SECRET_MAX_BYTES = 64, SL_KEX_PUB_MAX_BYTES = 69, SL_KEX_ES_MAX_BYTES = 66 };

struct sl_kex {
    const char *name;
    uint8_t tep;
    uint8_t secret_bytes; /* uniformly random, at most SL_KEX_SECRET_MAX_BYTES */
    uint8_t pub_bytes;    /* as on the wire, with a length field where the TEP has one */
    uint8_t es_bytes;
    /* Our public key, as on the wire, for `secret`. False: libcrypto refuses. */
    bool (*keygen)(const uint8_t *secret, uint8_t *pub);
    /*
     * The ephemeral secret of our key pair and the peer's public key. False, and `es` zero: the
     * key fails validation (R52, R56, R57), or libcrypto refuses.
     */
    bool (*derive)(const uint8_t *secret, const uint8_t *pub, const uint8_t *peer, uint8_t *es);
};

/* Of a TEP identifier without v bit; NULL when it is not built. */
const struct sl_kex *sl_kex_find(uint8_t tep);
