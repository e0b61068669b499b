/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <rte_mempool.h>

#include "mbufs/mbufs.h"

enum { POOL_MBUFS = 255 };

static void take_frame(void *ctx, uint16_t port, struct rte_mbuf *m)
{
    struct world *w = ctx;
    struct sent *s = &w->sent[w->n_sent++ % SENT_MAX];
    uint8_t *bytes = test_bytes(m, &s->len);

    cr_assert_leq(s->len, FRAME_MAX);
    memcpy(s->bytes, bytes, s->len);
    free(bytes);
    s->port = port;
    s->ol_flags = m->ol_flags & ~(RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT);
    s->l2_len = m->l2_len;
    s->l3_len = m->l3_len;
    rte_pktmbuf_free(m);
}

static void take_error(void *ctx, const struct sl_net_icmp_error *e, uint64_t now_ns)
{
    struct world *w = ctx;

    cr_assert_eq(now_ns, w->now_ns);
    w->error = *e;
    w->n_errors++;
}

size_t from_hex(const char *hex, uint8_t *bytes, size_t room)
{
    size_t n = 0;
    unsigned byte;

    for (;;) {
        hex += strspn(hex, " ");
        if (*hex == '\0')
            return n;
        cr_assert(n < room && sscanf(hex, "%2x", &byte) == 1 && hex[1] != '\0', "hex: %s", hex);
        bytes[n++] = (uint8_t)byte;
        hex += 2;
    }
}

struct sl_addr addr(const char *text)
{
    struct sl_addr a;

    cr_assert(sl_addr_parse(text, &a), "%s", text);
    return a;
}

uint16_t rfc1071(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    size_t i;

    for (i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

void world_init(struct world *w)
{
    test_eal();
    *w = (struct world){
        .config = sl_net_config_default(),
        .port = {.mac = {{2, 0, 0, 0, 0, 1}}, .mtu_bytes = 1500},
        .own = test_pool("own", POOL_MBUFS),
        .outside = test_pool("outside", POOL_MBUFS),
        .now_ns = 1000000000,
    };
}

void world_open(struct world *w)
{
    const struct sl_net_host host = {
        .tx = take_frame,
        .icmp_error = take_error,
        .ctx = w,
        .pool = w->own,
        .counters = &w->counters,
        .random = sl_random_seed(&w->random, 1),
    };
    const struct sl_addr us = addr("10.0.0.1");

    w->net = sl_net_create(&w->config, &host, w->now_ns);
    cr_assert_not_null(w->net);
    cr_assert_eq(sl_net_port_add(w->net, 0, &w->port), 0);
    cr_assert_eq(sl_net_address_add(w->net, 0, &us, 24, w->now_ns), 0);
    w->n_checked = w->n_sent;
}

void world_close(struct world *w)
{
    sl_net_destroy(w->net);
    rte_pktmbuf_free(w->up);
    cr_assert_eq(rte_mempool_avail_count(w->own), POOL_MBUFS, "mbufs of our own leaked");
    cr_assert_eq(rte_mempool_avail_count(w->outside), POOL_MBUFS, "mbufs of others leaked");
    rte_mempool_free(w->own);
    rte_mempool_free(w->outside);
}

void port_up(struct world *w, uint16_t port, uint8_t mac, const char *address, unsigned prefix_len)
{
    const struct sl_net_port p = {.mac = {{2, 0, 0, 0, 0, mac}}, .mtu_bytes = 1500};
    const struct sl_addr a = addr(address);

    cr_assert_eq(sl_net_port_add(w->net, port, &p), 0);
    cr_assert_eq(sl_net_address_add(w->net, port, &a, prefix_len, w->now_ns), 0);
    w->n_checked = w->n_sent;
}

void arrives_mbuf(struct world *w, uint16_t port, struct rte_mbuf *m)
{
    rte_pktmbuf_free(w->up);
    w->verdict = sl_net_input(w->net, port, &m, w->now_ns, &w->meta);
    w->up = w->verdict == SL_NET_TRANSPORT ? m : NULL;
}

void arrives_bytes(struct world *w, const uint8_t *bytes, size_t len)
{
    arrives_mbuf(w, 0, test_mbuf(w->outside, bytes, len, 0, 0));
}

void arrives(struct world *w, const char *hex)
{
    uint8_t bytes[FRAME_MAX];

    arrives_bytes(w, bytes, from_hex(hex, bytes, sizeof(bytes)));
}

struct rte_mbuf *syn(struct world *w)
{
    uint8_t bytes[24];
    const size_t len =
        from_hex("0050 9c40 00000001 00000000 50 02 ffff 0000 0000 61626364", bytes, sizeof(bytes));

    return test_mbuf(w->outside, bytes, len, SL_NET_HEAD_BYTES, 0);
}

struct sl_net_hdr hdr_to(const char *dst)
{
    return (struct sl_net_hdr){.src = addr("10.0.0.1"), .dst = addr(dst), .protocol = 6};
}

enum sl_drop send_syn(struct world *w, const char *dst, struct sl_net_path *path)
{
    const struct sl_net_hdr hdr = hdr_to(dst);
    struct sl_net_path none = {0};

    return sl_net_output(w->net, path != NULL ? path : &none, &hdr, syn(w), w->now_ns);
}

/* As a shard does it: woken at each deadline, never before. */
void after_ms(struct world *w, uint64_t ms)
{
    const uint64_t end_ns = w->now_ns + ms * 1000000;
    unsigned guard = 0;

    while (sl_net_next_ns(w->net) <= end_ns) {
        if (sl_net_next_ns(w->net) > w->now_ns)
            w->now_ns = sl_net_next_ns(w->net);
        sl_net_timeout(w->net, w->now_ns);
        cr_assert(++guard < 10000, "a deadline that does not go away");
    }
    w->now_ns = end_ns;
    sl_net_timeout(w->net, w->now_ns);
}

void settle(struct world *w)
{
    after_ms(w, 2000);
    w->n_checked = w->n_sent;
}

const struct sent *take_sent(struct world *w)
{
    cr_assert_lt(w->n_checked, w->n_sent, "nothing was sent");
    return &w->sent[w->n_checked++ % SENT_MAX];
}

static void print_hex(char *out, size_t room, const uint8_t *bytes, size_t len)
{
    size_t i;

    out[0] = '\0';
    for (i = 0; i < len && 2 * i + 3 < room; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void sends_at(struct world *w, uint16_t port, const char *hex, int line)
{
    uint8_t want[FRAME_MAX];
    const size_t len = from_hex(hex, want, sizeof(want));
    const struct sent *s;
    char got[400];

    cr_assert_lt(w->n_checked, w->n_sent, "line %d: nothing was sent", line);
    s = take_sent(w);
    print_hex(got, sizeof(got), s->bytes, s->len);
    cr_expect_eq(s->port, port, "line %d", line);
    cr_expect(s->len == len && memcmp(s->bytes, want, len) == 0, "line %d: sent %s", line, got);
}

void silent_at(struct world *w, int line)
{
    char got[400] = "";

    if (w->n_sent > w->n_checked)
        print_hex(got, sizeof(got), w->sent[w->n_checked % SENT_MAX].bytes,
                  w->sent[w->n_checked % SENT_MAX].len);
    cr_expect_eq(w->n_sent, w->n_checked, "line %d: %zu more, first %s", line,
                 w->n_sent - w->n_checked, got);
    w->n_checked = w->n_sent;
}

void drops_at(struct world *w, enum sl_drop why, const char *story, int line)
{
    unsigned i;

    for (i = 0; i < SL_DROP_COUNT; i++) {
        const uint64_t n = w->counters.drops[i] - w->seen.drops[i];

        cr_expect_eq(n, i == (unsigned)why && why != SL_DROP_NONE, "line %d, %s: %s %" PRIu64, line,
                     story, sl_drop_name(i), n);
    }
    w->seen = w->counters;
}

void check_chain(const struct rte_mbuf *m)
{
    const struct rte_mbuf *s;
    uint32_t bytes = 0;
    unsigned segs = 0;

    for (s = m; s != NULL; s = s->next) {
        cr_assert_leq(s->data_off + s->data_len, s->buf_len);
        bytes += s->data_len;
        segs++;
    }
    cr_assert_eq(bytes, m->pkt_len);
    cr_assert_eq(segs, m->nb_segs);
}

void hands_up(struct world *w, const char *hex, const char *story)
{
    uint8_t want[FRAME_MAX];
    const size_t n = from_hex(hex, want, sizeof(want));
    uint8_t *bytes;
    size_t len;

    cr_expect_eq(w->verdict, SL_NET_TRANSPORT, "%s", story);
    if (w->up == NULL)
        return;
    check_chain(w->up);
    bytes = test_bytes(w->up, &len);
    cr_expect(len == n && memcmp(bytes, want, n) == 0, "%s: %zu bytes", story, len);
    free(bytes);
    rte_pktmbuf_free(w->up);
    w->up = NULL;
}

void arp_reply_from(struct world *w, uint8_t n)
{
    char hex[200];

    snprintf(hex, sizeof(hex),
             "020000000001 0200000000%02x " ARP_REPLY "0200000000%02x 0a0000%02x " US, n, n, n);
    arrives(w, hex);
}

void arp_request_from(struct world *w, uint8_t n)
{
    char hex[200];

    snprintf(hex, sizeof(hex),
             "ffffffffffff 0200000000%02x " ARP_REQUEST
             "0200000000%02x 0a0000%02x 000000000000 0a000001",
             n, n, n);
    arrives(w, hex);
}
