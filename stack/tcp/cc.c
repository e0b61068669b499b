/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/cc.h"

#include <stddef.h>
#include <string.h>

static const struct sl_cc_ops *const table[] = {&sl_cc_newreno};

enum { TABLE_LEN = sizeof(table) / sizeof(table[0]) };

const struct sl_cc_ops *sl_cc_find(const char *name, uint8_t *index)
{
    uint8_t i;

    for (i = 0; i < TABLE_LEN; i++) {
        if (strcmp(table[i]->name, name) == 0) {
            *index = i;
            return table[i];
        }
    }
    return NULL;
}

const struct sl_cc_ops *sl_cc_at(uint8_t index)
{
    return table[index];
}
