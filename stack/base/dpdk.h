/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_ip.h>
#include <rte_telemetry.h>
#include <rte_version.h>

/*
 * The only place that knows DPDK's versions apart: 22.11, 24.11 and 25.11. What is the same in all
 * of them (RTE_MBUF_F_*, RTE_ETH_*, rte_eth_from_rings()) is used by its own name and not wrapped.
 * Pure functions.
 */
#if RTE_VERSION < RTE_VERSION_NUM(22, 11, 0, 0)
#error "Sealane needs DPDK 22.11 or later"
#endif

/* 16 bytes as rte_lpm6 wants an IPv6 address: an array once, a struct of it since 24.11. */
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
typedef struct rte_ipv6_addr sl_dpdk_ip6;
#else
typedef uint8_t sl_dpdk_ip6;
#endif

static inline const sl_dpdk_ip6 *sl_dpdk_ip6_of(const void *bytes)
{
    return (const sl_dpdk_ip6 *)bytes;
}

/* The 16 bytes of the addresses in a header, whose fields' type changed in 24.11 too. */
static inline const uint8_t *sl_dpdk_ip6_src(const struct rte_ipv6_hdr *ip)
{
    return (const uint8_t *)&ip->src_addr;
}

static inline const uint8_t *sl_dpdk_ip6_dst(const struct rte_ipv6_hdr *ip)
{
    return (const uint8_t *)&ip->dst_addr;
}

/*
 * Add an unsigned number to a telemetry dictionary or array; 0 or a negative errno. 22.11 has but
 * the old names, 25.11 but the new ones.
 */
static inline int sl_dpdk_tel_dict_uint(struct rte_tel_data *d, const char *name, uint64_t value)
{
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
    return rte_tel_data_add_dict_uint(d, name, value);
#else
    return rte_tel_data_add_dict_u64(d, name, value);
#endif
}

static inline int sl_dpdk_tel_array_uint(struct rte_tel_data *d, uint64_t value)
{
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
    return rte_tel_data_add_array_uint(d, value);
#else
    return rte_tel_data_add_array_u64(d, value);
#endif
}
