/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpcrypt/aead/engine.h"

/*
 * One function for each group of the vector file: is our code of the file's opinion in this case?
 * What is missing from a case, or of the wrong type, reads as empty and fails.
 */
enum outcome { PASSED, FAILED, SKIPPED };

enum outcome check_eno_parse(const json_t *c);
enum outcome check_option_block(const json_t *c);
enum outcome check_negotiate(const json_t *c);
enum outcome check_resume_negotiate(const json_t *c);
enum outcome check_init_parse(const json_t *c);
enum outcome check_key_validation(const json_t *c);
enum outcome check_frame_open(const json_t *c, const struct sl_aead_engine_ops *engine);
enum outcome check_session(const json_t *c, const struct sl_aead_engine_ops *engine);

/* Say what is wrong with the case at hand, for whoever reads the output; returns false. */
bool wrong(const char *what);

/* The vector file; NULL, and a word on standard error, when it cannot be read. */
json_t *load(const char *path);

/* Fields of a case. */
struct bytes {
    uint8_t at[70000];
    size_t len;
};

bool has(const json_t *c, const char *name); /* and is not null */
bool get_bool(const json_t *c, const char *name);
uint64_t get_number(const json_t *c, const char *name); /* or a string: decimal, "0x..." */
const char *get_text(const json_t *c, const char *name);
bool get_bytes(const json_t *c, const char *name, struct bytes *out); /* hexadecimal */

/* Are these the bytes of a field? */
bool same(const json_t *c, const char *name, const void *at, size_t len);
