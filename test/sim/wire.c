/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <string.h>

enum { ETHER = 14 };

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

void wire_put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

bool wire_tcp(uint8_t *frame, uint32_t len, struct wire_tcp *t)
{
    const uint8_t *ip = frame + ETHER;
    uint32_t ip_len, total;

    if (len < ETHER + 40 || get16(frame + 12) != 0x0800 || ip[9] != 6)
        return false;
    ip_len = (ip[0] & 15u) * 4;
    total = get16(ip + 2);
    if (total + ETHER > len || ip_len + 20 > total)
        return false;
    t->tcp = frame + ETHER + ip_len;
    t->header_len = (uint32_t)(t->tcp[12] >> 4) * 4;
    if (ip_len + t->header_len > total)
        return false;
    t->payload = t->tcp + t->header_len;
    t->payload_len = total - ip_len - t->header_len;
    t->seq = get32(t->tcp + 4);
    t->ack = get32(t->tcp + 8);
    t->flags = t->tcp[13];
    return true;
}

static uint32_t sum(const uint8_t *at, uint32_t len, uint32_t start)
{
    for (; len > 1; len -= 2, at += 2)
        start += get16(at);
    return len > 0 ? start + ((uint32_t)at[0] << 8) : start;
}

static uint32_t fold(uint32_t s)
{
    while (s >> 16 != 0)
        s = (s & 0xffff) + (s >> 16);
    return ~s & 0xffff;
}

void wire_seal(uint8_t *frame, uint32_t len)
{
    uint8_t *ip = frame + ETHER, *tcp = ip + (ip[0] & 15u) * 4;
    const uint32_t tcp_len = len - (uint32_t)(tcp - frame);

    put16(ip + 2, len - ETHER);
    put16(ip + 10, 0);
    put16(ip + 10, fold(sum(ip, (uint32_t)(tcp - ip), 0)));
    put16(tcp + 16, 0);
    put16(tcp + 16, fold(sum(tcp, tcp_len, sum(ip + 12, 8, 6 + tcp_len))));
}

uint8_t *wire_option(const struct wire_tcp *t, uint8_t kind, uint32_t *len)
{
    uint8_t *at = t->tcp + 20;

    while (at < t->payload && *at != 0) {
        if (*at == 1) {
            at++;
            continue;
        }
        if (at + 1 >= t->payload || at[1] < 2 || at + at[1] > t->payload)
            break;
        if (*at == kind) {
            *len = at[1];
            return at;
        }
        at += at[1];
    }
    return NULL;
}
