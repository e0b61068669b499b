/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcpcrypt/tep.h"

const char *sl_tep_error_name(enum sl_tep_error e)
{
    switch (e) {
    case SL_TEP_OK:
        return "ok";
    case SL_TEP_KEX_FAILED:
        return "kex_failed";
    case SL_TEP_AUTH_FAILED:
        return "auth_failed";
    case SL_TEP_TRUNCATED:
        return "truncated";
    case SL_TEP_NO_MEMORY:
        return "no_memory";
    }
    return "unknown";
}
