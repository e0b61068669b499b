/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/aead/engine.h"

#include <string.h>

#include "tcpcrypt/aead/engines.h"

/* What was built, the best first. */
static const struct sl_aead_engine_ops *const engines[] = {
#ifdef SL_HAVE_IPSEC_MB
    &sl_aead_engine_ipsec_mb,
#endif
    &sl_aead_engine_openssl,
};

const struct sl_aead_engine_ops *sl_aead_engine_find(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
        if (name == NULL || strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

#ifndef SL_HAVE_IPSEC_MB
struct sl_ipsec_mb_facts sl_ipsec_mb_facts(void)
{
    return (struct sl_ipsec_mb_facts){.version = "", .isa = ""};
}
#endif
