/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/amounts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The largest comes first: formatting takes the first that divides. */
static const struct sl_unit sizes[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}};
static const struct sl_unit times[] = {{"h", UINT64_C(3600000000000)},
                                       {"min", UINT64_C(60000000000)},
                                       {"s", 1000000000},
                                       {"ms", 1000000},
                                       {"us", 1000},
                                       {"ns", 1}};
static const struct sl_unit numbers[] = {{"", 1}};

static const struct sl_scale size_scale = {sizes, 4, "size", "give bytes, or K, M, G"};
static const struct sl_scale time_scale = {times, 6, "duration",
                                           "give a number with ns, us, ms, s, min or h"};
static const struct sl_scale number_scale = {numbers, 1, "number", "give digits"};

const struct sl_scale *sl_scale_of(enum sl_key_type type)
{
    switch (type) {
    case SL_KEY_NUMBER:
        return &number_scale;
    case SL_KEY_SIZE:
        return &size_scale;
    case SL_KEY_TIME:
        return &time_scale;
    case SL_KEY_FLAG:
    case SL_KEY_CHOICE:
    case SL_KEY_TEXT:
    case SL_KEY_ARG:
    case SL_KEY_MAC:
    case SL_KEY_ADDRESS:
    case SL_KEY_TEPS:
    case SL_KEY_AEADS:
    case SL_KEY_ENGINE:
    case SL_KEY_ROUTE:
        break;
    }
    return NULL;
}

const char *sl_amount_format(const struct sl_scale *scale, uint64_t value, char *out,
                             size_t out_len)
{
    size_t i = 0;

    if (value == 0) {
        (void)snprintf(out, out_len, "0");
        return out;
    }
    while (value % scale->units[i].worth != 0)
        i++;
    (void)snprintf(out, out_len, "%" PRIu64 "%s", value / scale->units[i].worth,
                   scale->units[i].name);
    return out;
}

bool sl_amount_parse(const struct sl_scale *scale, const char *text, uint64_t *value)
{
    uint64_t n;
    char *end;
    size_t i;

    if (text[0] < '0' || text[0] > '9') /* strtoull takes signs and spaces */
        return false;
    errno = 0;
    n = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    while (*end == ' ')
        end++;
    for (i = 0; i < scale->n; i++) {
        if (strcmp(end, scale->units[i].name) == 0)
            return !__builtin_mul_overflow(n, scale->units[i].worth, value);
    }
    *value = 0;
    return n == 0 && *end == '\0'; /* nothing is nothing in any unit */
}
