/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <openssl/crypto.h>
#include <rte_version.h>

#include "sealane/config.h"
#include "tcpcrypt/aead/engine.h"

struct sl_versions sl_versions(void)
{
    const struct sl_ipsec_mb_facts mb = sl_ipsec_mb_facts();
    const char *dpdk = rte_version();

    if (strncmp(dpdk, "DPDK ", 5) == 0)
        dpdk += 5;
    return (struct sl_versions){
        .sealane = SL_VERSION,
        .dpdk = dpdk,
        .ipsec_mb = mb.version,
        .libcrypto = OpenSSL_version(OPENSSL_VERSION_STRING),
        .isa = mb.isa,
        .ipsec_mb_built = mb.built,
        .self_test_ok = mb.self_test_ok,
    };
}
