/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "base/cursor.h"

/*
 * Codec of Init1 and Init2 (RFC 8548 4.1).
 *
 * Bytes in, struct out; pointers in the struct lead into the bytes read. Which cipher is chosen
 * and whether the key is any good belong to handshake.c. Allocates nothing. Pure functions.
 */
enum {
    SL_INIT_NONCE_BYTES = 32,
    SL_INIT_MAX_BYTES = 4096, /* A16: message_len has no bound of its own (trap 7) */
    SL_INIT_LOOK_BYTES = 9,   /* by then a reader knows how long the message is */
};

enum sl_init_kind { SL_INIT_1, SL_INIT_2 };

struct sl_init {
    const uint8_t *ciphers; /* two bytes each, big-endian */
    const uint8_t *nonce;   /* SL_INIT_NONCE_BYTES */
    const uint8_t *pub;     /* as on the wire */
    const uint8_t *ignored; /* what follows the key: no meaning, but hashed with the rest (R50) */
    uint32_t ignored_len;
    uint32_t len;      /* whole message, with what is ignored */
    uint8_t n_ciphers; /* Init2: 1 */
};

enum sl_init_read {
    SL_INIT_OK,
    SL_INIT_INCOMPLETE, /* `len`: bytes from the message's beginning that are wanted now */
    SL_INIT_ABORT,      /* A8; found at the first byte that shows it */
};

/* Read a message from the beginning of `c`, which may hold more; `pub_bytes`: the key's length. */
enum sl_init_read sl_init_read(struct sl_cursor c, enum sl_init_kind kind, size_t pub_bytes,
                               struct sl_init *out);

/* Does the message name this cipher? */
bool sl_init_names(const struct sl_init *m, uint16_t cipher);

/*
 * Write a message, with nothing behind the key (R50); Init2 has one cipher. Returns its length;
 * 0 when `room` is too small.
 */
size_t sl_init_write(enum sl_init_kind kind, const uint16_t *ciphers, uint8_t n_ciphers,
                     const uint8_t *nonce, const uint8_t *pub, size_t pub_bytes, uint8_t *out,
                     size_t room);
