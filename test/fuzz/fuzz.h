/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

/*
 * What the fuzz programs share. Each is one LLVMFuzzerTestOneInput() that reads its input through
 * a cursor, zeroes behind its end, and holds the code to what must be true whatever it says.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What must be true; else libFuzzer keeps the input. */
#define FUZZ_CHECK(x)                                                                    \
    do {                                                                                 \
        if (!(x)) {                                                                      \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #x); \
            abort();                                                                     \
        }                                                                                \
    } while (0)

static inline uint8_t fuzz_u8(struct sl_cursor *c)
{
    return (uint8_t)sl_take_be(c, 1);
}

static inline uint16_t fuzz_u16(struct sl_cursor *c)
{
    return (uint16_t)sl_take_be(c, 2);
}

static inline uint32_t fuzz_u32(struct sl_cursor *c)
{
    return (uint32_t)sl_take_be(c, 4);
}

/* As many of the next `n` bytes as there are. */
static inline struct sl_cursor fuzz_take(struct sl_cursor *c, size_t n)
{
    return sl_take(c, n < sl_cursor_left(c) ? n : sl_cursor_left(c));
}

/* A copy in a heap buffer of exactly its size, so that a read past its end is seen. */
static inline uint8_t *fuzz_exact(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len);

    FUZZ_CHECK(copy != NULL || len == 0);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}
