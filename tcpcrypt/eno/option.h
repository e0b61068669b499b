/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "base/cursor.h"

/*
 * Codec of the SYN-form ENO option's content (RFC 8547 4.1 to 4.4).
 *
 * Bytes in, struct out. Decides nothing: which TEP is valid and what the bits mean for a
 * connection belong to negotiate.c. `data` points into the bytes read. Pure functions.
 */
enum {
    SL_ENO_KIND = 69,
    SL_ENO_OPTION_MAX_BYTES = 40, /* kind and length included */
    SL_ENO_SUBOPTIONS_MAX = 38,
    SL_ENO_GLOBAL_B = 0x01, /* passive role */
    SL_ENO_GLOBAL_A = 0x02, /* application-aware */
};

struct sl_eno_suboption {
    uint8_t tep; /* 0x20..0x7f */
    bool v;      /* data follows */
    uint8_t len;
    const uint8_t *data;
};

struct sl_eno_option {
    bool has_global;
    uint8_t global; /* 0 when there is none (R7) */
    uint8_t n;      /* 0: vacuous (R11) */
    struct sl_eno_suboption sub[SL_ENO_SUBOPTIONS_MAX];
};

/* Read what stands behind kind and length. False: ill-formed (R10), to be ignored as a whole. */
bool sl_eno_option_read(struct sl_cursor content, struct sl_eno_option *o);

/*
 * Write an option with kind and length. A suboption with data that is not the last gets a length
 * byte (R8); data there is 1 to 32 bytes. The z bits go out as zero (R6). Returns bytes written;
 * 0 when it does not fit or cannot be said.
 */
size_t sl_eno_option_write(const struct sl_eno_option *o, uint8_t *out, size_t room);
