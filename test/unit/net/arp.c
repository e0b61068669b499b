/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/arp.h"

#include <stdio.h>

#include <criterion/criterion.h>

#include "net/state.h"
#include "world.h"

#define UNICAST_ASK "020000000002 020000000001 " ARP_REQUEST US "000000000000 0a000002"

Test(arp, an_address_is_announced_twice)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    w.n_checked = 0;
    sends(&w, BROADCAST ARP_REQUEST US "000000000000 0a000001");
    after_ms(&w, 999);
    silent(&w);
    after_ms(&w, 1);
    sends(&w, BROADCAST ARP_REQUEST US "000000000000 0a000001");
    after_ms(&w, 100000);
    silent(&w);
    cr_expect_eq(sl_net_next_ns(w.net), UINT64_MAX, "nothing is left to do");
    world_close(&w);
}

/* T826-5, T1122-5, T1122-6; RFC 826 gives the layout of the question. */
Test(arp, the_first_packet_asks_and_waits_for_the_answer)
{
    struct world w;
    struct sl_net_path path = {0};

    world_init(&w);
    world_open(&w);
    cr_expect_eq(send_syn(&w, "10.0.0.2", &path), SL_DROP_NONE);
    sends(&w, ASK(02));
    cr_expect_eq(send_syn(&w, "10.0.0.2", &path), SL_DROP_NONE);
    silent(&w);
    arp_reply_from(&w, 2);
    sends(&w, ETHER_FROM_US SYN_OUT);
    sends(&w, ETHER_FROM_US SYN_OUT);
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ETHER_FROM_US SYN_OUT);
    silent(&w);
    drops(&w, SL_DROP_NONE, "nothing is lost");
    world_close(&w);
}

/* T1122-4 */
Test(arp, questions_are_a_second_apart)
{
    struct world w;
    unsigned i;

    world_init(&w);
    world_open(&w);
    settle(&w);
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ASK(02));
    for (i = 0; i < 2; i++) {
        after_ms(&w, 500);
        send_syn(&w, "10.0.0.2", NULL);
        after_ms(&w, 499);
        silent(&w);
        after_ms(&w, 1);
        sends(&w, ASK(02));
    }
    world_close(&w);
}

Test(arp, questions_end_and_begin_again_on_demand)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    settle(&w);
    send_syn(&w, "10.0.0.2", NULL);
    after_ms(&w, 2999);
    sends(&w, ASK(02));
    sends(&w, ASK(02));
    sends(&w, ASK(02));
    silent(&w);
    drops(&w, SL_DROP_NONE, "still waiting");
    after_ms(&w, 1);
    drops(&w, SL_DROP_NEIGH_UNRESOLVED, "the packet that waited");
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_NEIGH_UNRESOLVED);
    drops(&w, SL_DROP_NEIGH_UNRESOLVED, "refused at once");
    after_ms(&w, 1000);
    silent(&w);
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_NONE);
    sends(&w, ASK(02));
    arp_reply_from(&w, 2);
    sends(&w, ETHER_FROM_US SYN_OUT);
    world_close(&w);
}

/* T1122-5: the latest are kept. The packets differ in their TOS. */
Test(arp, the_oldest_packet_leaves_a_full_queue)
{
    struct world w;
    struct sl_net_hdr hdr;
    struct sl_net_path path = {0};
    unsigned i;

    world_init(&w);
    w.config.neighbour_queue_pkts = 3;
    world_open(&w);
    hdr = hdr_to("10.0.0.2");
    for (i = 0; i < 4; i++) {
        hdr.tos = (uint8_t)i;
        cr_expect_eq(sl_net_output(w.net, &path, &hdr, syn(&w), w.now_ns), SL_DROP_NONE);
    }
    drops(&w, SL_DROP_NEIGH_QUEUE_FULL, "the first of four");
    sends(&w, ASK(02));
    arp_reply_from(&w, 2);
    for (i = 1; i < 4; i++)
        cr_expect_eq(take_sent(&w)->bytes[15], i);
    silent(&w);
    world_close(&w);
}

Test(arp, packets_that_still_wait_are_freed)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    send_syn(&w, "10.0.0.2", NULL);
    send_syn(&w, "10.0.0.2", NULL);
    send_syn(&w, "10.0.0.3", NULL);
    world_close(&w);
}

#define TO_ALL "ffffffffffff 020000000002 "

static const struct {
    const char *story;
    const char *frame;
    enum sl_drop drop;
    bool answered;
} packets[] = {
    {"a request for us", TO_ALL ARP_REQUEST "020000000002 0a000002 000000000000 0a000001",
     SL_DROP_NONE, true},
    {"a request for us to our address alone",
     ETHER_TO_US ARP_REQUEST "020000000002 0a000002 000000000000 0a000001", SL_DROP_NONE, true},
    {"with the padding of a shortest frame",
     TO_ALL ARP_REQUEST "020000000002 0a000002 000000000000 0a000001"
                        "000000000000000000000000000000000000",
     SL_DROP_NONE, true},
    {"a probe from nobody yet (RFC 5227)",
     TO_ALL ARP_REQUEST "020000000002 00000000 000000000000 0a000001", SL_DROP_NONE, true},
    {"a request from off the link",
     TO_ALL ARP_REQUEST "020000000002 0a090002 000000000000 0a000001", SL_DROP_NONE, true},
    {"T826-1: cut short", TO_ALL ARP_REQUEST "020000000002 0a000002 000000000000 0a0000",
     SL_DROP_ARP_MALFORMED, false},
    {"T826-1: empty", TO_ALL "0806", SL_DROP_ARP_MALFORMED, false},
    {"T826-1: hardware is not Ethernet",
     TO_ALL "0806 0006 0800 06 04 0001 020000000002 0a000002 000000000000 0a000001",
     SL_DROP_ARP_MALFORMED, false},
    {"T826-1: protocol is not IPv4",
     TO_ALL "0806 0001 86dd 06 04 0001 020000000002 0a000002 000000000000 0a000001",
     SL_DROP_ARP_MALFORMED, false},
    {"T826-1: hardware addresses of 8",
     TO_ALL "0806 0001 0800 08 04 0001 020000000002 0a000002 000000000000 0a000001",
     SL_DROP_ARP_MALFORMED, false},
    {"T826-1: protocol addresses of 16",
     TO_ALL "0806 0001 0800 06 10 0001 020000000002 0a000002 000000000000 0a000001",
     SL_DROP_ARP_MALFORMED, false},
    {"sender's hardware address is multicast",
     TO_ALL ARP_REQUEST "030000000002 0a000002 000000000000 0a000001", SL_DROP_ARP_MALFORMED,
     false},
    {"sender's hardware address is broadcast",
     TO_ALL ARP_REQUEST "ffffffffffff 0a000002 000000000000 0a000001", SL_DROP_ARP_MALFORMED,
     false},
    {"sender's hardware address is zero",
     TO_ALL ARP_REQUEST "000000000000 0a000002 000000000000 0a000001", SL_DROP_ARP_MALFORMED,
     false},
    {"sender's address is multicast",
     TO_ALL ARP_REQUEST "020000000002 e0000001 000000000000 0a000001", SL_DROP_ARP_MALFORMED,
     false},
    {"sender's address is loopback",
     TO_ALL ARP_REQUEST "020000000002 7f000001 000000000000 0a000001", SL_DROP_ARP_MALFORMED,
     false},
    {"sender's address is the network's broadcast",
     TO_ALL ARP_REQUEST "020000000002 0a0000ff 000000000000 0a000001", SL_DROP_ARP_MALFORMED,
     false},
    {"T826-6: for another", TO_ALL ARP_REQUEST "020000000002 0a000002 000000000000 0a000003",
     SL_DROP_ARP_NOT_FOR_US, false},
    {"a probe for another", TO_ALL ARP_REQUEST "020000000002 00000000 000000000000 0a000003",
     SL_DROP_ARP_NOT_FOR_US, false},
    {"D32: a reply that nobody asked for", ETHER_TO_US ARP_REPLY "020000000002 0a000002 " US,
     SL_DROP_ARP_NOT_FOR_US, false},
    {"an announcement of a stranger",
     TO_ALL ARP_REQUEST "020000000002 0a000002 000000000000 0a000002", SL_DROP_ARP_NOT_FOR_US,
     false},
    {"a stranger claims our address",
     TO_ALL ARP_REQUEST "020000000002 0a000001 000000000000 0a000003", SL_DROP_ARP_CONFLICT, false},
    {"a stranger announces our address",
     TO_ALL ARP_REQUEST "020000000002 0a000001 000000000000 0a000001", SL_DROP_ARP_CONFLICT, false},
    {"our own announcement comes back", TO_ALL ARP_REQUEST US "000000000000 0a000001",
     SL_DROP_ARP_NOT_FOR_US, false},
    {"neither request nor reply: an entry is made, nothing answered (T826-3)",
     TO_ALL "0806 0001 0800 06 04 0009 020000000002 0a000002 000000000000 0a000001", SL_DROP_NONE,
     false},
};

Test(arp, packets_to_a_host_without_entries)
{
    size_t i;

    for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct world w;

        world_init(&w);
        world_open(&w);
        arrives(&w, packets[i].frame);
        cr_expect_eq(w.verdict, SL_NET_DONE);
        drops(&w, packets[i].drop, packets[i].story);
        cr_expect_eq(w.n_sent - w.n_checked, packets[i].answered, "%s", packets[i].story);
        world_close(&w);
    }
}

/* T826-4, T826-3 */
Test(arp, who_asks_is_answered_and_known)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    arp_request_from(&w, 2);
    sends(&w, ETHER_FROM_US ARP_REPLY US "020000000002 0a000002");
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ETHER_FROM_US SYN_OUT);
    silent(&w);
    world_close(&w);
}

/* T826-6, D32: none of these make an entry, so that the packet has to ask. */
Test(arp, what_makes_no_entry)
{
    static const char *const frames[] = {
        TO_ALL ARP_REQUEST "020000000002 0a000002 000000000000 0a000003",
        ETHER_TO_US ARP_REPLY "020000000002 0a000002 " US,
        TO_ALL ARP_REPLY "020000000002 0a000002 020000000002 0a000002",
    };
    size_t i;

    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct world w;

        world_init(&w);
        world_open(&w);
        arrives(&w, frames[i]);
        send_syn(&w, "10.0.0.2", NULL);
        sends(&w, ASK(02));
        silent(&w);
        world_close(&w);
    }
}

/* T826-2, and reading D32: once a second. */
Test(arp, a_changed_address_is_taken_but_not_twice_a_second)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ASK(02));
    arp_reply_from(&w, 2);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 999);
    w.n_checked = w.n_sent;
    arrives(&w, "ffffffffffff 020000000077 " ARP_REPLY "020000000077 0a000002 " US);
    drops(&w, SL_DROP_ARP_LOCKTIME, "999 ms after the answer");
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 1);
    w.n_checked = w.n_sent;
    arrives(&w,
            "ffffffffffff 020000000077 " ARP_REQUEST "020000000077 0a000002 000000000000 0a000009");
    drops(&w, SL_DROP_NONE, "a second after, whatever the opcode and target");
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, "020000000077 020000000001 " SYN_OUT);
    arrives(&w,
            "ffffffffffff 020000000002 " ARP_REQUEST "020000000002 0a000002 000000000000 0a000001");
    drops(&w, SL_DROP_ARP_LOCKTIME, "changed back at once");
    sends(&w, ETHER_FROM_US ARP_REPLY US "020000000002 0a000002"); /* T826-4 all the same */
    silent(&w);
    world_close(&w);
}

/* What changed unasked is asked when it is used, at the new address. */
Test(arp, a_changed_address_is_probed)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    arp_request_from(&w, 2);
    after_ms(&w, 1000);
    arrives(&w, "ffffffffffff 020000000077 " ARP_REPLY "020000000077 0a000002 " US);
    w.n_checked = w.n_sent;
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, "020000000077 020000000001 " SYN_OUT);
    after_ms(&w, 5000);
    sends(&w, "020000000077 020000000001 " ARP_REQUEST US "000000000000 0a000002");
    silent(&w);
    world_close(&w);
}

/* RFC 1122 2.3.2.1 (2): used while it is probed, deleted when nobody answers. */
Test(arp, an_old_entry_is_used_probed_and_deleted)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    send_syn(&w, "10.0.0.2", NULL);
    arp_reply_from(&w, 2);
    after_ms(&w, 29999);
    w.n_checked = w.n_sent;
    send_syn(&w, "10.0.0.2", NULL);
    after_ms(&w, 6000);
    sends(&w, ETHER_FROM_US SYN_OUT);
    silent(&w); /* it was fresh when it was used */
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 4999);
    silent(&w); /* the grace for TCP */
    after_ms(&w, 1);
    sends(&w, UNICAST_ASK);
    after_ms(&w, 1000);
    sends(&w, UNICAST_ASK);
    after_ms(&w, 1000);
    sends(&w, UNICAST_ASK);
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 1000);
    silent(&w);
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ASK(02));
    world_close(&w);
}

Test(arp, an_answer_or_progress_of_tcp_ends_the_probe)
{
    struct world w;
    struct sl_net_path path = {0};

    world_init(&w);
    world_open(&w);
    send_syn(&w, "10.0.0.2", &path);
    arp_reply_from(&w, 2);
    after_ms(&w, 31000);
    send_syn(&w, "10.0.0.2", &path);
    w.n_checked = w.n_sent;
    after_ms(&w, 5000);
    sends(&w, UNICAST_ASK);
    arp_reply_from(&w, 2);
    after_ms(&w, 29000);
    silent(&w);
    sl_net_confirm(w.net, &path, w.now_ns);
    after_ms(&w, 29000);
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 29000);
    silent(&w); /* it was fresh, thanks to the confirmation */
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ETHER_FROM_US SYN_OUT);
    sl_net_confirm(w.net, &path, w.now_ns);
    after_ms(&w, 25000);
    silent(&w); /* no probe after the grace */
    world_close(&w);
}

/* MUST-20 */
Test(arp, a_suspect_neighbour_is_asked_at_once_and_once_a_second)
{
    struct world w;
    struct sl_net_path path = {0};

    world_init(&w);
    world_open(&w);
    settle(&w);
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ASK(02));
    arp_reply_from(&w, 2);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 500);
    sl_net_suspect(w.net, &path, w.now_ns);
    silent(&w); /* T1122-4: half a second since the first question */
    after_ms(&w, 500);
    sends(&w, UNICAST_ASK);
    sl_net_suspect(w.net, &path, w.now_ns);
    silent(&w);
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 5000);
    sends(&w, UNICAST_ASK);
    sends(&w, UNICAST_ASK);
    silent(&w);
    send_syn(&w, "10.0.0.2", &path); /* its entry is gone, the path resolves anew */
    sends(&w, ASK(02));
    world_close(&w);
}

/* T1122-3 */
Test(arp, an_unused_entry_is_deleted)
{
    struct world w;

    world_init(&w);
    w.config.neighbours_max = 1;
    world_open(&w);
    arp_request_from(&w, 2);
    drops(&w, SL_DROP_NONE, "the only entry");
    arp_request_from(&w, 3);
    drops(&w, SL_DROP_ARP_TABLE_FULL, "no room, and requests do not evict (D32)");
    after_ms(&w, 59999);
    arp_request_from(&w, 3);
    drops(&w, SL_DROP_ARP_TABLE_FULL, "not yet");
    after_ms(&w, 1);
    arp_request_from(&w, 3);
    drops(&w, SL_DROP_NONE, "after twice neighbour_reachable_ns");
    world_close(&w);
}

/* RFC 1122 2.3.2.1 (1): by whatever the neighbour sends, to whomever. */
Test(arp, an_entry_in_use_is_refreshed)
{
    struct world w;
    struct sl_net_path path = {0};

    world_init(&w);
    world_open(&w);
    send_syn(&w, "10.0.0.2", &path);
    arp_reply_from(&w, 2);
    after_ms(&w, 20000);
    arrives(&w, TO_ALL ARP_REQUEST "020000000002 0a000002 000000000000 0a000009");
    after_ms(&w, 29000);
    w.n_checked = w.n_sent;
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 5000);
    silent(&w); /* fresh when it was used: no probe */
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ETHER_FROM_US SYN_OUT);
    arp_request_from(&w, 2); /* that we hear them does not prove that they hear us */
    take_sent(&w);
    after_ms(&w, 5000);
    sends(&w, UNICAST_ASK);
    silent(&w);
    world_close(&w);
}

/* However often strangers tell of themselves, they hold no place against us. */
Test(arp, entries_of_strangers_give_way)
{
    struct world w;
    unsigned i;

    world_init(&w);
    w.config.neighbours_max = 8;
    world_open(&w);
    settle(&w);
    for (i = 0; i < 32; i++)
        arp_request_from(&w, (uint8_t)(100 + i % 8));
    w.n_checked = w.n_sent;
    for (i = 0; i < 8; i++) {
        char dst[16];

        snprintf(dst, sizeof(dst), "10.0.0.%u", 2 + i);
        cr_expect_eq(send_syn(&w, dst, NULL), SL_DROP_NONE, "%s", dst);
        cr_expect_eq(take_sent(&w)->bytes[41], 2 + i);
    }
    cr_expect_eq(send_syn(&w, "10.0.0.99", NULL), SL_DROP_ARP_TABLE_FULL);
    world_close(&w);
}

/* Somebody else's answer is news, but no answer to us. */
Test(arp, an_answer_to_another_is_used_and_asked_again)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    settle(&w);
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ASK(02));
    arrives(&w, TO_ALL ARP_REPLY "020000000002 0a000002 020000000009 0a000009");
    sends(&w, ETHER_FROM_US SYN_OUT);
    send_syn(&w, "10.0.0.2", NULL);
    sends(&w, ETHER_FROM_US SYN_OUT);
    after_ms(&w, 5000);
    sends(&w, UNICAST_ASK);
    world_close(&w);
}

/* T1122-4: eviction does not make us forget that we have just asked. */
Test(arp, who_was_asked_within_a_second_is_not_evicted)
{
    struct world w;

    world_init(&w);
    w.config.neighbours_max = 1;
    world_open(&w);
    settle(&w);
    send_syn(&w, "10.0.0.2", NULL);
    arp_request_from(&w, 2);
    cr_expect_eq(send_syn(&w, "10.0.0.3", NULL), SL_DROP_ARP_TABLE_FULL);
    after_ms(&w, 1000);
    cr_expect_eq(send_syn(&w, "10.0.0.3", NULL), SL_DROP_NONE);
    world_close(&w);
}

#ifdef SL_CHECKED
Test(arp, no_memory_for_an_entry)
{
    struct world w;

    world_init(&w);
    world_open(&w);
    sl_fault_arm("net_neighbour", 1);
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_ARP_TABLE_FULL);
    drops(&w, SL_DROP_ARP_TABLE_FULL, "the packet");
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_NONE);
    world_close(&w);
}
#endif

Test(arp, our_own_packets_evict_idle_entries_only)
{
    struct world w;

    world_init(&w);
    w.config.neighbours_max = 2;
    world_open(&w);
    arp_request_from(&w, 3);
    arp_request_from(&w, 4);
    w.n_checked = w.n_sent;
    cr_expect_eq(send_syn(&w, "10.0.0.2", NULL), SL_DROP_NONE);
    sends(&w, ASK(02));
    send_syn(&w, "10.0.0.4", NULL); /* the younger one is still there */
    cr_expect_eq(take_sent(&w)->bytes[5], 4);
    cr_expect_eq(send_syn(&w, "10.0.0.5", NULL), SL_DROP_ARP_TABLE_FULL);
    drops(&w, SL_DROP_ARP_TABLE_FULL, "one is asked for, one in use");
    world_close(&w);
}

/*
 * A slot that another neighbour has taken over is not found by paths to the former one, not even
 * when generations of the slot have come round to the same number.
 */
Test(arp, a_path_does_not_outlive_its_entry)
{
    struct world w;
    struct sl_net_path path = {0};
    struct sl_neighbour *n;
    unsigned i;

    world_init(&w);
    w.config.neighbours_max = 1;
    w.config.routes_max = 8; /* few slots, so that their turn comes round */
    world_open(&w);
    arp_request_from(&w, 2);
    send_syn(&w, "10.0.0.2", &path);
    n = &w.net->neighbours.slots[path.neighbour & 0xffff];
    n->handle |= 0xffff0000; /* as if 65,535 entries had been here since */
    for (i = 0; i < 100 && (n->state == SL_NEIGHBOUR_FREE || i == 0); i++) {
        after_ms(&w, 60000);
        arp_request_from(&w, 3);
    }
    cr_assert_eq(n->handle, path.neighbour);
    cr_assert_eq(sl_addr_ip4(&n->addr), rte_cpu_to_be_32(0x0a000003));
    w.n_checked = w.n_sent;
    send_syn(&w, "10.0.0.2", &path);
    sends(&w, ASK(02));
    world_close(&w);
}

Test(arp, an_empty_pool_only_delays)
{
    struct world w;
    struct rte_mbuf *all[255];

    world_init(&w);
    world_open(&w);
    settle(&w);
    cr_assert_eq(rte_pktmbuf_alloc_bulk(w.own, all, 255), 0);
    arp_request_from(&w, 3);
    send_syn(&w, "10.0.0.2", NULL);
    silent(&w);
    cr_expect_eq(w.counters.n[SL_COUNT_POOL_EMPTY], 2);
    rte_pktmbuf_free_bulk(all, 255);
    after_ms(&w, 1000);
    sends(&w, ASK(02));
    arp_reply_from(&w, 2);
    sends(&w, ETHER_FROM_US SYN_OUT);
    world_close(&w);
}
