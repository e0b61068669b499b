/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 512 };

void report_object(struct lines *out, json_t *object)
{
    char *line = json_dumps(object, JSON_REAL_PRECISION(6));

    lines_add(out, line);
    free(line);
    json_decref(object);
}

const char *report_hex(const uint8_t *bytes, size_t len, char out[REPORT_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < len && 2 * i + 2 < REPORT_HEX_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * i] = '\0';
    return out;
}

static const char *error_of(const struct report *r)
{
    return r->error != NULL ? r->error : r->info.error;
}

static void print_json(struct lines *out, const struct report *r)
{
    const struct sl_conn_info *info = &r->info;
    char tep[8], hex[REPORT_HEX_BYTES], role[2] = {info->role, '\0'};

    (void)snprintf(tep, sizeof(tep), "0x%02x", info->tep);
    report_hex(info->session_id, info->session_id_len, hex);
    report_object(out, json_pack("{s:s, s:b, s:s?, s:s?, s:s?, s:s?, s:s?, s:b, s:I, s:I, s:s?}",
                                 "peer", info->peer, "encrypted", info->encrypted, "fallback",
                                 info->encrypted ? NULL : info->fallback, "tep",
                                 info->tep != 0 ? tep : NULL, "aead", info->aead, "session_id",
                                 info->session_id_len > 0 ? hex : NULL, "role",
                                 info->role != 0 ? role : NULL, "resumed", info->resumed,
                                 "bytes_in", (json_int_t)r->bytes_in, "bytes_out",
                                 (json_int_t)r->bytes_out, "error", error_of(r)));
}

static void print_text(struct lines *out, const struct report *r)
{
    const struct sl_conn_info *info = &r->info;
    const char *error = error_of(r);
    char how[TEXT_BYTES / 4], text[TEXT_BYTES];

    if (info->encrypted) {
        (void)snprintf(how, sizeof(how), "encrypted (TEP 0x%02x, %s, role %c)", info->tep,
                       info->aead != NULL ? info->aead : "no AEAD yet",
                       info->role != 0 ? info->role : '?');
    } else {
        (void)snprintf(how, sizeof(how), "plain (%s)",
                       info->fallback != NULL ? info->fallback : "not settled");
    }
    (void)snprintf(text, sizeof(text), "%s: %" PRIu64 " bytes in, %" PRIu64 " out, %s%s%s",
                   info->peer, r->bytes_in, r->bytes_out, how, error != NULL ? ", error: " : "",
                   error != NULL ? error : "");
    lines_add(out, text);
}

void report_connection(struct lines *out, bool json, const struct report *r)
{
    if (json)
        print_json(out, r);
    else
        print_text(out, r);
}

static bool add_drop(void *ctx, const char *name, uint64_t value, const char *text, bool is_drop)
{
    (void)text;
    if (is_drop && value > 0)
        (void)json_object_set_new(ctx, name, json_integer((json_int_t)value));
    return true;
}

void report_end(struct lines *out, const struct sl_shard *s, uint64_t mbufs_leaked)
{
    json_t *drops = json_object();

    sl_shard_counters(s, add_drop, drops);
    report_object(
        out, json_pack("{s:o, s:I}", "drops", drops, "mbufs_leaked", (json_int_t)mbufs_leaked));
}
