/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How a middlebox reads and rewrites TCP over IPv4: by hand, apart from the stack's own codec.
 */
struct wire_tcp {
    uint8_t *tcp; /* its header */
    uint8_t *payload;
    uint32_t header_len, payload_len;
    uint32_t seq, ack;
    uint8_t flags; /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16 */
};

/* False: not TCP over IPv4. */
bool wire_tcp(uint8_t *frame, uint32_t len, struct wire_tcp *t);

/* After a change: lengths and both checksums for a frame of `len` bytes. */
void wire_seal(uint8_t *frame, uint32_t len);

/* The option's place and length (kind and length included) in the header; NULL: none. */
uint8_t *wire_option(const struct wire_tcp *t, uint8_t kind, uint32_t *len);

void wire_put32(uint8_t *at, uint32_t v);
