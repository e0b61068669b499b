/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/cc.h"

#include <stddef.h>
#include <string.h>

static const struct sl_cc_ops *const table[] = {&sl_cc_newreno};

const struct sl_cc_ops *sl_cc_find(const char *name, uint8_t *index)
{
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i]->name, name) == 0) {
            *index = (uint8_t)i;
            return table[i];
        }
    }
    return NULL;
}

const struct sl_cc_ops *sl_cc_at(uint8_t index)
{
    return table[index];
}
