/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/job.h"

size_t sl_aead_key_bytes(enum sl_aead aead)
{
    switch (aead) {
    case SL_AEAD_AES_128_GCM:
        return 16;
    case SL_AEAD_AES_256_GCM:
    case SL_AEAD_CHACHA20_POLY1305:
        return 32;
    case SL_AEAD_NONE:
        break;
    }
    return 0;
}

const char *sl_aead_name(enum sl_aead aead)
{
    switch (aead) {
    case SL_AEAD_AES_128_GCM:
        return "AES-128-GCM";
    case SL_AEAD_AES_256_GCM:
        return "AES-256-GCM";
    case SL_AEAD_CHACHA20_POLY1305:
        return "ChaCha20-Poly1305";
    case SL_AEAD_NONE:
        break;
    }
    return NULL;
}
