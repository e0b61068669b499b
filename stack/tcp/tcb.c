/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/tcb.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "tcp/crypt.h"

#define MS     UINT64_C(1000000) /* in ns */
#define SECOND (1000 * MS)
#define BIT(n) (1U << (n))

enum {
    QUICK_ACKS = 16,     /* D7 */
    SPARE_SEGMENTS = 64, /* of the send queue: a TEP's own */
};

static const struct sl_eno_policy eno_off = {.enabled = false};

struct sl_tcp_config sl_tcp_config_default(void)
{
    return (struct sl_tcp_config){
        .connections_max = 1000000,
        .half_open_max = 65536,
        .time_wait_max = 250000,
        .rcvbuf_bytes = 1 << 20,
        .sndbuf_bytes = 1 << 20,
        .rcv_ranges_max = 1024,
        .jobs_max = 4096,
        .rto = {.initial_ns = SECOND,
                .min_ns = 200 * MS,
                .max_ns = 120 * SECOND,
                .granularity_ns = MS},
        .delayed_ack_ns = 40 * MS,
        .msl_ns = 30 * SECOND,
        .fin_wait_2_ns = 60 * SECOND,
        .auth_timeout_ns = 10 * SECOND,
        .keepalive_idle_ns = 7200 * SECOND,
        .keepalive_interval_ns = 75 * SECOND,
        .challenge_interval_ns = 500 * MS,
        .rst_per_second = 1000,
        .keepalive_probes = 9,
        .syn_retries = 7,
        .synack_retries = 5,
        .retries_1 = 3,
        .retries_2 = 15,
        .ttl = 64,
        .cc = 0,
        .timestamps = true,
        .window_scale = true,
        .mss_min_bytes = 216,
    };
}

/* ---- states -------------------------------------------------------------------------------- */

/* RFC 9293 3.3.2, figure 5, and CLOSED from everywhere. A child begins in SYN-RECEIVED. */
static const uint16_t may_enter[SL_TCP_STATES] = {
    [SL_TCP_CLOSED] = BIT(SL_TCP_SYN_SENT) | BIT(SL_TCP_SYN_RECEIVED),
    [SL_TCP_SYN_SENT] = BIT(SL_TCP_SYN_RECEIVED) | BIT(SL_TCP_ESTABLISHED) | BIT(SL_TCP_CLOSED),
    [SL_TCP_SYN_RECEIVED] = BIT(SL_TCP_ESTABLISHED) | BIT(SL_TCP_CLOSED),
    [SL_TCP_ESTABLISHED] = BIT(SL_TCP_FIN_WAIT_1) | BIT(SL_TCP_CLOSE_WAIT) | BIT(SL_TCP_CLOSED),
    [SL_TCP_FIN_WAIT_1] =
        BIT(SL_TCP_FIN_WAIT_2) | BIT(SL_TCP_CLOSING) | BIT(SL_TCP_TIME_WAIT) | BIT(SL_TCP_CLOSED),
    [SL_TCP_FIN_WAIT_2] = BIT(SL_TCP_TIME_WAIT) | BIT(SL_TCP_CLOSED),
    [SL_TCP_CLOSE_WAIT] = BIT(SL_TCP_LAST_ACK) | BIT(SL_TCP_CLOSED),
    [SL_TCP_CLOSING] = BIT(SL_TCP_TIME_WAIT) | BIT(SL_TCP_CLOSED),
    [SL_TCP_LAST_ACK] = BIT(SL_TCP_CLOSED),
    [SL_TCP_TIME_WAIT] = BIT(SL_TCP_CLOSED),
};

void sl_tcb_enter(struct sl_tcb *tcb, enum sl_tcp_state next)
{
    SL_INVARIANT(may_enter[tcb->state] & BIT(next));
    tcb->state = (uint8_t)next;
}

/* ---- lists and events ------------------------------------------------------------------------ */

void sl_tcb_wants_output(struct sl_tcb *tcb)
{
    if (tcb->state != SL_TCP_CLOSED && !sl_link_is_listed(&tcb->out_link))
        sl_list_add_tail(&tcb->tcp->out_list, &tcb->out_link);
}

void sl_tcb_wants_read(struct sl_tcb *tcb)
{
    if (tcb->state != SL_TCP_CLOSED && !sl_link_is_listed(&tcb->read_link))
        sl_list_add_tail(&tcb->tcp->read_list, &tcb->read_link);
}

bool sl_tcp_has_work(const struct sl_tcp *tcp)
{
    return !sl_list_empty(&tcp->read_list) || !sl_list_empty(&tcp->out_list);
}

/* Who has no user yet, or no more, hears nothing: accept() asks for the level. */
void sl_tcb_event(struct sl_tcb *tcb, unsigned ev)
{
    struct sl_tcp *tcp = tcb->tcp;

    if (!tcb->detached && !tcb->of_listener)
        tcp->host.event(tcp->host.ctx, tcb, ev);
}

/* ---- a connection begins ----------------------------------------------------------------------
 */

/* R13: without randomness for keys no ENO option goes out. */
static const struct sl_eno_policy *eno_policy(struct sl_tcp *tcp,
                                              const struct sl_tcp_options_set *set)
{
    uint8_t probe[8];

    if (set->eno == NULL || !set->eno->enabled ||
        !sl_random_fill(tcp->host.secrets, probe, sizeof(probe)))
        return &eno_off;
    return set->eno;
}

static void init_links(struct sl_tcb *tcb)
{
    sl_list_init(&tcb->read_link);
    sl_list_init(&tcb->out_link);
    sl_list_init(&tcb->all_link);
    sl_list_init(&tcb->accept_link);
    sl_list_init(&tcb->syn->link);
    sl_timer_init(&tcb->timer);
}

/* Room within the bound; TIME-WAIT must not keep living connections out. */
static bool has_room(struct sl_tcp *tcp)
{
    return tcp->n_connections < tcp->config.connections_max ||
           (sl_time_wait_evict(tcp) && tcp->n_connections < tcp->config.connections_max);
}

static struct sl_tcb *alloc(struct sl_tcp *tcp)
{
    struct sl_tcb *tcb;

    if (!has_room(tcp) || SL_FAULT(tcb_alloc) ||
        (tcb = aligned_alloc(alignof(struct sl_tcb), sizeof(*tcb))) == NULL)
        return NULL;
    memset(tcb, 0, sizeof(*tcb));
    tcb->syn = SL_FAULT(tcb_syn_alloc) ? NULL : calloc(1, sizeof(*tcb->syn));
    if (tcb->syn == NULL) {
        free(tcb);
        return NULL;
    }
    return tcb;
}

struct sl_tcb *sl_tcb_create(struct sl_tcp *tcp, const struct sl_tcp_options_set *set, bool passive,
                             uint64_t now_ns)
{
    const struct sl_tcp_config *config = &tcp->config;
    struct sl_tcb *tcb = alloc(tcp);
    int i;

    if (tcb == NULL) {
        sl_count(tcp->host.counters, SL_COUNT_CONNECTIONS_REFUSED);
        return NULL;
    }
    tcb->tcp = tcp;
    tcb->syn->tcb = tcb;
    init_links(tcb);
    for (i = 0; i < SL_TIMER_COUNT; i++)
        tcb->due_ns[i] = SL_NEVER;
    tcb->rcvbuf_bytes = set->rcvbuf_bytes != 0 ? set->rcvbuf_bytes : config->rcvbuf_bytes;
    tcb->sndbuf_bytes = set->sndbuf_bytes != 0 ? set->sndbuf_bytes : config->sndbuf_bytes;
    sl_sndq_init(&tcb->sndq, tcb->sndbuf_bytes / config->mss_min_bytes + SPARE_SEGMENTS);
    sl_rcvq_init(&tcb->rcvq, config->rcv_ranges_max);
    sl_rto_init(&tcb->rto, &config->rto);
    tcb->cc_index = config->cc;
    tcb->quick_acks = QUICK_ACKS;
    tcb->last_rcv_ns = now_ns;
    tcb->passive = passive;
    tcb->require_encryption = set->require_encryption;
    tcb->negotiating = true;
    sl_eno_init(&tcb->syn->eno, eno_policy(tcp, set), passive);
    sl_tcb_take_options(tcb, set);
    sl_list_add_tail(&tcp->connections, &tcb->all_link);
    tcp->n_connections++;
    return tcb;
}

/* ---- and ends ---------------------------------------------------------------------------------
 */

/*
 * What a connection holds that is over, or in TIME-WAIT. Jobs under way write into the send queue
 * and read from the receive queue, so not before they are back. What was received in order stays
 * for a user who may yet read it, unless an error ended all (T9293-28).
 */
static void flush(struct sl_tcb *tcb)
{
    sl_sndq_fini(&tcb->sndq);
    sl_rcvq_fini(&tcb->rcvq);
    if (tcb->detached || tcb->error != SL_TCP_OK)
        sl_inq_fini(&tcb->inq);
}

void sl_tcb_release(struct sl_tcb *tcb)
{
    struct sl_tcp *tcp = tcb->tcp;

    if ((tcb->state != SL_TCP_CLOSED && tcb->state != SL_TCP_TIME_WAIT) || tcb->jobs > 0)
        return;
    flush(tcb);
    if (tcb->state != SL_TCP_CLOSED || !tcb->detached || tcb->dead)
        return;
    tcb->dead = true;
    tcp->n_connections--;
    sl_list_remove(&tcb->all_link);
    sl_list_add_tail(&tcp->dead, &tcb->all_link);
}

void sl_tcb_reap(struct sl_tcp *tcp)
{
    struct sl_link *link, *next;

    for (link = tcp->dead.next; link != &tcp->dead; link = next) {
        struct sl_tcb *tcb = SL_CONTAINER(link, struct sl_tcb, all_link);

        next = link->next;
        sl_crypt_free(tcb);
        free(tcb->syn);
        free(tcb);
    }
    sl_list_init(&tcp->dead);
}

static void stop_timers(struct sl_tcb *tcb)
{
    int i;

    for (i = 0; i < SL_TIMER_COUNT; i++)
        tcb->due_ns[i] = SL_NEVER;
    sl_wheel_disarm(tcb->tcp->wheel, &tcb->timer);
}

static void leave_lists(struct sl_tcb *tcb)
{
    struct sl_tcp *tcp = tcb->tcp;

    sl_list_remove(&tcb->read_link);
    sl_list_remove(&tcb->out_link);
    if (tcb->state == SL_TCP_TIME_WAIT) {
        tcp->n_time_wait--;
        sl_list_remove(&tcb->all_link);
        sl_list_add_tail(&tcp->connections, &tcb->all_link);
    }
    if (tcb->of_listener)
        sl_listen_ended(tcb);
}

void sl_tcb_end(struct sl_tcb *tcb, enum sl_tcp_error why)
{
    struct sl_tcp *tcp = tcb->tcp;
    const bool told = tcb->state == SL_TCP_TIME_WAIT; /* T9293-32: no notice when that ends */

    if (tcb->state == SL_TCP_CLOSED)
        return;
    leave_lists(tcb);
    stop_timers(tcb);
    sl_tcb_enter(tcb, SL_TCP_CLOSED);
    tcb->error =
        why == SL_TCP_TIMEOUT && tcb->soft_error != SL_TCP_OK ? tcb->soft_error : (uint8_t)why;
    tcp->host.flow_remove(tcp->host.ctx, tcb);
    if (why == SL_TCP_TIMEOUT)
        sl_count(tcp->host.counters, SL_COUNT_CONNECTIONS_TIMED_OUT);
    sl_crypt_end(tcb);
    if (why != SL_TCP_OK)
        sl_tcb_event(tcb, SL_TCP_EV_ERROR);
    else if (!told)
        sl_tcb_event(tcb, SL_TCP_EV_CLOSED);
    sl_tcb_release(tcb);
}

/*
 * T9293-33: the states in which ABORT sends a RST; in the others the peer has closed anyway. It
 * waits there while its FIN is not acknowledged, and would wait in vain.
 */
static bool sends_rst(const struct sl_tcb *tcb)
{
    return tcb->state == SL_TCP_SYN_RECEIVED || tcb->state == SL_TCP_ESTABLISHED ||
           tcb->state == SL_TCP_FIN_WAIT_1 || tcb->state == SL_TCP_FIN_WAIT_2 ||
           tcb->state == SL_TCP_CLOSE_WAIT ||
           (tcb->fin_received && tcb->last_ack_sent != tcb->rcv_nxt);
}

void sl_tcb_reset(struct sl_tcb *tcb, enum sl_tcp_error why, uint64_t now_ns)
{
    if (tcb->state == SL_TCP_CLOSED)
        return;
    if (sends_rst(tcb))
        sl_output_rst(tcb, now_ns);
    sl_count(tcb->tcp->host.counters, SL_COUNT_CONNECTIONS_RESET_OUT);
    sl_tcb_end(tcb, why);
}

/* ---- the instance ------------------------------------------------------------------------------
 */

static bool draw_keys(struct sl_tcp *tcp)
{
    /* MUST-9: with keys that anybody can guess, better not at all. */
    return sl_random_fill(tcp->host.secrets, &tcp->keys, sizeof(tcp->keys));
}

/* What an instance has beside its connections and listeners; may be half-built. */
static void free_instance(struct sl_tcp *tcp)
{
    sl_crypt_jobs_destroy(tcp);
    sl_wheel_destroy(tcp->wheel);
    free(tcp);
}

struct sl_tcp *sl_tcp_create(const struct sl_tcp_config *config, const struct sl_tcp_host *host,
                             uint64_t now_ns)
{
    struct sl_tcp *tcp = SL_FAULT(tcp_create) ? NULL : calloc(1, sizeof(*tcp));

    if (tcp == NULL)
        return NULL;
    tcp->config = *config;
    tcp->host = *host;
    tcp->now_ns = now_ns;
    sl_bucket_init(&tcp->rst_bucket, config->rst_per_second, now_ns);
    sl_list_init(&tcp->connections);
    sl_list_init(&tcp->time_wait);
    sl_list_init(&tcp->listeners);
    sl_list_init(&tcp->read_list);
    sl_list_init(&tcp->out_list);
    sl_list_init(&tcp->dead);
    if (!draw_keys(tcp) || (tcp->wheel = sl_wheel_create(now_ns)) == NULL ||
        !sl_crypt_jobs_create(tcp)) {
        free_instance(tcp);
        return NULL;
    }
    return tcp;
}

static void end_all(struct sl_link *head)
{
    struct sl_link *link;

    while ((link = head->next) != head) {
        struct sl_tcb *tcb = SL_CONTAINER(link, struct sl_tcb, all_link);

        SL_INVARIANT(tcb->jobs == 0);
        tcb->detached = true; /* no event: whoever listened may be gone */
        sl_tcb_end(tcb, SL_TCP_OK);
        sl_tcb_release(tcb);
    }
}

void sl_tcp_destroy(struct sl_tcp *tcp)
{
    struct sl_link *link, *next;

    if (tcp == NULL)
        return;
    end_all(&tcp->time_wait);
    end_all(&tcp->connections);
    sl_tcb_reap(tcp);
    for (link = tcp->listeners.next; link != &tcp->listeners; link = next) {
        next = link->next;
        free(SL_CONTAINER(link, struct sl_tcp_listener, link));
    }
    free_instance(tcp);
}

uint32_t sl_tcp_connections(const struct sl_tcp *tcp)
{
    return tcp->n_connections;
}
