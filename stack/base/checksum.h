/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

/*
 * The Internet checksum (RFC 1071) over chains of mbufs. The sums of DPDK over contiguous bytes
 * and over pseudo-headers, and here what joins them.
 *
 * A sum is 16 bits in the order of memory, not complemented; a checksum is complemented, ready to
 * be stored. Lengths are checked against the chain. Pure functions.
 */
static inline uint16_t sl_checksum_add(uint16_t a, uint16_t b)
{
    const uint32_t sum = (uint32_t)a + b;

    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/*
 * The sum of `len` bytes that begin `off` bytes into the chain; false when it is shorter.
 *
 * Not rte_raw_cksum_mbuf(): that of DPDK 22.11 cuts off the carries of a segment that begins at an
 * odd place. RFC 1071 2 (B): there, the sum is swapped.
 */
static inline bool sl_checksum_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len,
                                   uint16_t *sum)
{
    bool is_odd = false;

    *sum = 0;
    for (; m != NULL && off >= m->data_len; m = m->next)
        off -= m->data_len;
    if (m == NULL && off > 0)
        return false;
    for (; m != NULL && len > 0; m = m->next) {
        const uint32_t room = m->data_len - off, n = len < room ? len : room;
        const uint16_t part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);

        *sum = sl_checksum_add(*sum, is_odd ? rte_bswap16(part) : part);
        is_odd ^= n & 1;
        len -= n;
        off = 0;
    }
    return len == 0;
}

/*
 * The sum of a TCP segment, `off` bytes into the chain, with its pseudo-header (RFC 9293 3.1); the
 * header's checksum field counts as it is. False when the chain is shorter than `ip` says, or `ip`
 * than itself. Padding behind the packet does not count.
 */
static inline bool sl_checksum_tcp4_sum(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip,
                                        uint32_t off, uint16_t *sum)
{
    const uint32_t total = rte_be_to_cpu_16(ip->total_length);

    if (!sl_checksum_sum(m, off, total - rte_ipv4_hdr_len(ip), sum)) /* below 0: more than any */
        return false;
    *sum = sl_checksum_add(*sum, rte_ipv4_phdr_cksum(ip, 0));
    return true;
}

/* MUST-2: the checksum of a segment whose checksum field is zero; false as above. */
static inline bool sl_checksum_tcp4(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip,
                                    uint32_t off, uint16_t *checksum)
{
    uint16_t sum;

    if (!sl_checksum_tcp4_sum(m, ip, off, &sum))
        return false;
    *checksum = (uint16_t)~sum;
    return true;
}

/* MUST-3: is the checksum of a received segment right? Not if it is cut short. */
static inline bool sl_checksum_tcp4_is_right(const struct rte_mbuf *m,
                                             const struct rte_ipv4_hdr *ip, uint32_t off)
{
    uint16_t sum;

    return sl_checksum_tcp4_sum(m, ip, off, &sum) && sum == 0xffff;
}
