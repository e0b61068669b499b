/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "cli.h"
#include "commands.h"

int command_version(void)
{
    const struct sl_versions v = sl_versions();

    (void)printf("sealane %s\nDPDK %s\n", v.sealane, v.dpdk);
    if (v.ipsec_mb_built) {
        (void)printf("ipsec-mb %s (%s, self test %s)\n", v.ipsec_mb, v.isa,
                     v.self_test_ok ? "passed" : "FAILED");
    } else {
        (void)printf("ipsec-mb not built\n");
    }
    (void)printf("libcrypto %s\n", v.libcrypto);
    return EXIT_OK;
}
