/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "lines.h"
#include "sealane/sealane.h"
#include "sealane/shard.h"

/*
 * What programs tell of connections: JSON, one object a line, or a line for people.
 */
struct report {
    struct sl_conn_info info;
    uint64_t bytes_in, bytes_out; /* of the application */
    const char *error;            /* a stable word; NULL: info.error */
};

/* One line; `json` says which kind. */
void report_connection(struct lines *out, bool json, const struct report *r);

/* The last line: {"drops": {...}, "mbufs_leaked": n}. Drops of `s`, those that happened. */
void report_end(struct lines *out, const struct sl_shard *s, uint64_t mbufs_leaked);

/* An object as a line; lets go of it. */
void report_object(struct lines *out, json_t *object);

enum { REPORT_HEX_BYTES = 129 };

/* Lower-case hexadecimal digits; returns `out`. */
const char *report_hex(const uint8_t *bytes, size_t len, char out[REPORT_HEX_BYTES]);
