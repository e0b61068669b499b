/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <errno.h>
#include <stdint.h>

/* The one place where a negative errno becomes -1 and errno, as POSIX has it. */
static inline int64_t sl_result(int64_t rc)
{
    if (rc >= 0)
        return rc;
    errno = (int)-rc;
    return -1;
}
