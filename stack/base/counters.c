/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/counters.h"

#define NAME(name, text) [SL_COUNT_##name] = #name,
#define TEXT(name, text) [SL_COUNT_##name] = (text),

static const char *const names[SL_COUNTER_COUNT] = {SL_COUNTER_LIST(NAME)};
static const char *const texts[SL_COUNTER_COUNT] = {SL_COUNTER_LIST(TEXT)};

const char *sl_counter_name(enum sl_counter what)
{
    return names[what];
}

const char *sl_counter_text(enum sl_counter what)
{
    return texts[what];
}
