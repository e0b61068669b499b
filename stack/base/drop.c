/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/drop.h"

#define NAME(name, text) [SL_DROP_##name] = #name,
#define TEXT(name, text) [SL_DROP_##name] = (text),

static const char *const names[SL_DROP_COUNT] = {[SL_DROP_NONE] = "NONE", SL_DROP_LIST(NAME)};
static const char *const texts[SL_DROP_COUNT] = {[SL_DROP_NONE] = "not dropped",
                                                 SL_DROP_LIST(TEXT)};

const char *sl_drop_name(enum sl_drop d)
{
    return names[d];
}

const char *sl_drop_text(enum sl_drop d)
{
    return texts[d];
}
