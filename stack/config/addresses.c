/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/addresses.h"

#include <stddef.h>

#include <rte_byteorder.h>

const char *sl_address_wrong(const struct sl_addr *a)
{
    const uint32_t ip4 = rte_be_to_cpu_32(sl_addr_ip4(a));

    if (ip4 >> 24 == 0)
        return "is no address of a host";
    if (ip4 >> 24 == 127)
        return "is a loopback address";
    if (ip4 == UINT32_MAX)
        return "is the broadcast address";
    if (ip4 >> 28 == 0xe)
        return "is a multicast address";
    return ip4 >> 28 == 0xf ? "is a reserved address" : NULL;
}

const char *sl_address_wrong_in(const struct sl_addr *a, unsigned len)
{
    const uint32_t hosts = (uint32_t)(UINT64_C(0xffffffff) >> len);
    const uint32_t host = rte_be_to_cpu_32(sl_addr_ip4(a)) & hosts;
    const char *wrong = sl_address_wrong(a);

    if (wrong != NULL)
        return wrong;
    if (len == 0)
        return "has a prefix of no bits";
    if (len > 30) /* RFC 3021 2.1 */
        return NULL;
    if (host == 0)
        return "is the address of the network itself";
    return host == hosts ? "is the network's broadcast address" : NULL;
}
