/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <rte_mempool.h>

#include "base/invariant.h"
#include "mbufs/mbufs.h"
#include "net/net.h"
#include "world.h"

enum { ROUNDS = 20000, FRAMES = 8 };

/* Good frames to begin with, so that the mutations get far. */
static const char *const seeds[FRAMES] = {
    SYN_IN,
    SYN_IN "000000000000",
    ETHER_TO_US "0800 4520002300004000400126b80a0000020a000001 08004a84123400077365616c616e65",
    ETHER_TO_US "0800 450000380000400040011db30a0909090a000001 0304513900000578"
                "450005dc00004000400626ce0a0000010a000002 00509c4001020304",
    ETHER_TO_US "0800 4500002455550000401111720a0000020a000001 9c40003500100000 7175657374696f6e",
    "ffffffffffff 020000000002 " ARP_REQUEST "020000000002 0a000002 000000000000 0a000001",
    "020000000001 020000000002 " ARP_REPLY "020000000002 0a000002 " US,
    ETHER_TO_US "0800 4700003400004000400622ba0a0000020a000001 940400000100000 0"
                "9c40 0050 00000001 00000000 50 02 ffff 3a84 0000 61626364",
};

static uint64_t below(struct sl_random *r, uint64_t bound)
{
    return sl_random_below(r, bound);
}

/* Some bytes are others; the length is another; sums are right again, most of the time. */
static size_t mutate(struct sl_random *r, uint8_t *frame, size_t len)
{
    size_t i, n = below(r, 6);

    for (i = 0; i < n; i++) {
        const size_t at = below(r, 2) ? below(r, len) : 14 + below(r, 20);

        frame[at % len] = (uint8_t)(below(r, 3) == 0 ? 255 * below(r, 2) : below(r, 256));
    }
    if (below(r, 4) == 0)
        len = 1 + below(r, len);
    if (len > 34 && below(r, 8) != 0) {
        const size_t head = (frame[14] & 15) * 4u;
        uint16_t sum;

        if (head >= 20 && 14 + head + 4 <= len) {
            frame[24] = frame[25] = 0;
            sum = rfc1071(frame + 14, head);
            frame[24] = (uint8_t)(sum >> 8);
            frame[25] = (uint8_t)sum;
        }
        if (frame[23] == 1 && 14 + head + 4 <= len) {
            frame[14 + head + 2] = frame[14 + head + 3] = 0;
            sum = rfc1071(frame + 14 + head, len - 14 - head);
            frame[14 + head + 2] = (uint8_t)(sum >> 8);
            frame[14 + head + 3] = (uint8_t)sum;
        }
    }
    return len;
}

/* The frame as a chain of up to four segments of exactly their size. */
static struct rte_mbuf *scatter(struct world *w, struct sl_random *r, const uint8_t *frame,
                                size_t len)
{
    struct rte_mbuf *m = NULL;
    size_t at = 0;
    unsigned i;

    for (i = 0; i < 4 && at < len; i++) {
        const size_t n = i == 3 || below(r, 3) != 0 ? len - at : below(r, len - at + 1);
        struct rte_mbuf *s = test_mbuf(w->outside, frame + at, n, 0, 0);

        if (m == NULL)
            m = s;
        else
            cr_assert_eq(rte_pktmbuf_chain(m, s), 0);
        at += n;
    }
    return m;
}

static void run(uint64_t seed)
{
    struct world w;
    struct sl_random_seeded seeded;
    struct sl_random *r = sl_random_seed(&seeded, seed);
    struct sl_net_path path = {0};
    unsigned round;

    world_init(&w);
    w.config.neighbours_max = 4;
    w.config.neighbour_queue_pkts = 2;
    world_open(&w);
    for (round = 0; round < ROUNDS; round++) {
        uint8_t frame[FRAME_MAX];
        size_t len = from_hex(seeds[below(r, FRAMES)], frame, sizeof(frame));

        len = mutate(r, frame, len);
        arrives_mbuf(&w, 0, scatter(&w, r, frame, len));
        if (w.up != NULL) {
            const uint32_t whole = w.up->pkt_len;

            check_chain(w.up);
            cr_assert(w.up->data_len >= (whole < 20 ? whole : 20), "seed %zu", (size_t)seed);
        }
        if (below(r, 4) == 0)
            send_syn(&w, below(r, 2) ? "10.0.0.2" : "10.0.0.5", &path);
        if (below(r, 50) == 0)
            sl_net_suspect(w.net, &path, w.now_ns);
        if (below(r, 50) == 0)
            sl_net_confirm(w.net, &path, w.now_ns);
        if (below(r, 10) == 0)
            after_ms(&w, below(r, 5000));
    }
    cr_expect_gt(w.n_sent, ROUNDS / 20, "frames got far");
    world_close(&w);
}

/* Whatever arrives, nothing is read beyond a frame and no mbuf is lost. */
Test(random, frames_of_strangers)
{
    run(1);
    run(2);
}

#ifdef SL_CHECKED
/* The same while one allocation in twenty fails. */
Test(random, frames_of_strangers_and_no_memory)
{
    sl_fault_random(50000, 3);
    run(3);
    sl_fault_random(0, 0);
}
#endif
