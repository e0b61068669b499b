/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the demo sends, and where it arrives: memory that is there before the clock starts. Thread:
 * any, one at a time.
 */
struct data {
    uint8_t *source, *target;
    size_t len;
    const char *file; /* NULL: generated */
    int fd;           /* of it; -1: none */
};

enum { DATA_HASH_BYTES = 32 };

/*
 * The whole file, or `size` bytes to be generated if `file` is NULL. Nothing is taken yet, but all
 * that the demo will need, EAL and the shards included, is held against what there is. False with a
 * sentence in `err`: no file, or not enough memory. data_fini() in any case.
 */
bool data_choose(struct data *d, const char *file, uint64_t size, char *err, size_t err_len);

/* The bytes, and room for the same again. False as above. */
bool data_fill(struct data *d, char *err, size_t err_len);
void data_fini(struct data *d);

/* A sentence with the whole need, for memory that was refused all the same. */
void data_lack_memory(const struct data *d, const char *why, char *err, size_t err_len);

/* So that what arrives is not what arrived before. */
void data_clear_target(struct data *d);

/* SHA-256. False: libcrypto does not do it. */
bool data_hash(const uint8_t *bytes, size_t len, uint8_t out[DATA_HASH_BYTES]);

/* "1 GiB", "1.5 MiB", "17 bytes". */
const char *data_format_size(uint64_t bytes, char *out, size_t out_len);
