/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * An address of either family: 16 bytes and a scope. IPv4 is held in its mapped form
 * (::ffff:a.b.c.d), so that tables, keys and calls know one kind only.
 * Pure functions.
 */
struct sl_addr {
    uint8_t bytes[16];
    uint32_t scope; /* IPv6 zone: port number + 1; 0 for all but link-local addresses */
};

/* What a flow table is keyed by, as seen from us: padded, since odd sizes cost (16 and 48 bytes).
 */
struct sl_flow4 {
    uint32_t local, remote; /* network order, like the ports */
    uint16_t local_port, remote_port;
    uint32_t zero;
};

struct sl_flow6 {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
    uint32_t scope;
    uint64_t zero;
};

static_assert(sizeof(struct sl_flow4) == 16, "a flow key has no holes");
static_assert(sizeof(struct sl_flow6) == 48, "a flow key has no holes");

static const uint8_t sl_addr_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* `ip4` in network order. */
static inline struct sl_addr sl_addr_of_ip4(uint32_t ip4)
{
    struct sl_addr a = {.scope = 0};

    memcpy(a.bytes, sl_addr_mapped, sizeof(sl_addr_mapped));
    memcpy(a.bytes + 12, &ip4, sizeof(ip4));
    return a;
}

static inline bool sl_addr_is_ip4(const struct sl_addr *a)
{
    return memcmp(a->bytes, sl_addr_mapped, sizeof(sl_addr_mapped)) == 0;
}

/* Network order; meaningful if sl_addr_is_ip4(). */
static inline uint32_t sl_addr_ip4(const struct sl_addr *a)
{
    uint32_t ip4;

    memcpy(&ip4, a->bytes + 12, sizeof(ip4));
    return ip4;
}

static inline bool sl_addr_eq(const struct sl_addr *a, const struct sl_addr *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 && a->scope == b->scope;
}

/* 0.0.0.0 or ::. */
static inline bool sl_addr_is_any(const struct sl_addr *a)
{
    static const uint8_t zero[16];

    if (sl_addr_is_ip4(a))
        return sl_addr_ip4(a) == 0;
    return memcmp(a->bytes, zero, sizeof(zero)) == 0;
}
