/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "tcpcrypt/tep.h"

/*
 * A TEP for tests, 0x7e: it proves that the interface in tep.h takes more than tcpcrypt. It is
 * built like a TLS 1.3 record layer, where tcpcrypt is not: nonces count records, the type stands
 * behind the data, three handshake messages go both ways, keys change by records of its own, and
 * there is no urgent data. It protects nothing: its keys are a hash of what passes in clear.
 *
 * Message: "TOY1", "TOY2" and 16 random bytes; "TOY3", nothing. Record: kind (0x17, or 0x18 when
 * it is the last under its key), length of what follows (2), text and type under AES-128-GCM, tag.
 * Types: 'd' data, 'e' data and end of stream, 'K' new key and I want one of yours, 'k' new key.
 */
extern const struct sl_tep_ops toy_tep;

enum {
    TOY_HELLO_BYTES = 20,
    TOY_FINISHED_BYTES = 4,
    TOY_HEAD_BYTES = 3,
    TOY_DATA_MAX_BYTES = 4096,
    TOY_OVERHEAD_BYTES = TOY_HEAD_BYTES + 1 + SL_AEAD_TAG_BYTES,
};
