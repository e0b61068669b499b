/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>

#include "tcpcrypt/job.h"

/* Looks at bytes that lie in several ranges. Pure functions; they never read past a range. */

/* How many bytes there are; counting ends at `enough`. */
static inline uint32_t sl_ranges_len(const struct sl_range *r, uint32_t n, uint32_t enough)
{
    uint32_t i, len = 0;

    for (i = 0; i < n && len < enough; i++)
        len += r[i].len < enough - len ? r[i].len : enough - len;
    return len;
}

/* Copy the first `len` bytes, or as many as there are; returns how many. */
static inline uint32_t sl_ranges_copy(const struct sl_range *r, uint32_t n, uint8_t *out,
                                      uint32_t len)
{
    uint32_t i, done = 0;

    for (i = 0; i < n && done < len; i++) {
        const uint32_t take = r[i].len < len - done ? r[i].len : len - done;

        if (take > 0)
            memcpy(out + done, r[i].at, take);
        done += take;
    }
    return done;
}
