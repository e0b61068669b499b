/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/crypt.h"

#include <stdlib.h>

#include "base/invariant.h"
#include "tcp/crypt_job.h"

bool sl_crypt_jobs_create(struct sl_tcp *tcp)
{
    struct sl_crypt_job *jobs;
    uint32_t i;

    sl_list_init(&tcp->free_jobs);
    jobs = calloc(tcp->config.jobs_max, sizeof(*jobs));
    tcp->job_memory = jobs;
    if (jobs == NULL)
        return false;
    for (i = 0; i < tcp->config.jobs_max; i++)
        sl_list_add_tail(&tcp->free_jobs, &jobs[i].order);
    return true;
}

void sl_crypt_jobs_destroy(struct sl_tcp *tcp)
{
    free(tcp->job_memory);
    tcp->job_memory = NULL;
    sl_list_init(&tcp->free_jobs);
}

struct sl_crypt_job *sl_crypt_job_take(struct sl_tcb *tcb)
{
    struct sl_tcp *tcp = tcb->tcp;
    struct sl_link *link = sl_list_take(&tcp->free_jobs);
    struct sl_crypt_job *cj;

    if (link == NULL) {
        sl_count(tcp->host.counters, SL_COUNT_JOBS_FULL);
        return NULL;
    }
    cj = SL_CONTAINER(link, struct sl_crypt_job, order);
    memset(&cj->job, 0, offsetof(struct sl_job, src_few));
    cj->job.owner = cj;
    cj->job.work = NULL;
    cj->tcb = tcb;
    cj->text = NULL;
    cj->ranges = NULL;
    cj->done = false;
    return cj;
}

void sl_crypt_job_put(struct sl_crypt_job *cj)
{
    sl_list_remove(&cj->order);
    rte_pktmbuf_free(cj->text);
    free(cj->ranges);
    sl_list_add_tail(&cj->tcb->tcp->free_jobs, &cj->order);
}

void sl_crypt_job_submit(struct sl_crypt_job *cj)
{
    struct sl_tcp *tcp = cj->tcb->tcp;

    cj->tcb->jobs++;
    tcp->host.job(tcp->host.ctx, &cj->job);
}

/* Hand out public-key work, if the TEP has some. */
static void start_work(struct sl_tcb *tcb)
{
    struct sl_crypt *c = tcb->crypt;
    struct sl_crypt_job *cj;

    if (c->working)
        return;
    cj = sl_crypt_job_take(tcb);
    c->work_waits = cj == NULL;
    if (cj == NULL) {
        sl_tcb_wants_read(tcb);
        return;
    }
    cj->job.kind = SL_JOB_WORK;
    cj->job.work = c->tep->work(c->state);
    if (cj->job.work == NULL) {
        sl_crypt_job_put(cj);
        return;
    }
    c->working = true;
    sl_crypt_job_submit(cj);
}

static enum sl_tcp_error why(enum sl_tep_error e)
{
    switch (e) {
    case SL_TEP_KEX_FAILED:
        return SL_TCP_KEX_FAILED;
    case SL_TEP_TRUNCATED:
        return SL_TCP_TRUNCATED;
    case SL_TEP_NO_MEMORY:
        return SL_TCP_NO_BUFFERS;
    case SL_TEP_OK:
    case SL_TEP_AUTH_FAILED:
        break;
    }
    return SL_TCP_AUTH_FAILED;
}

void sl_crypt_abort(struct sl_tcb *tcb, enum sl_tep_error e, uint64_t now_ns)
{
    if (e == SL_TEP_KEX_FAILED)
        sl_count(tcb->tcp->host.counters, SL_COUNT_KEX_FAILED);
    if (e == SL_TEP_NO_MEMORY)
        sl_count(tcb->tcp->host.counters, SL_COUNT_CRYPT_NO_MEMORY);
    sl_tcb_reset(tcb, why(e), now_ns);
}

/* After anything that may have changed the TEP's mind: its deadline, its work. */
void sl_crypt_follow_up(struct sl_tcb *tcb)
{
    struct sl_crypt *c = tcb->crypt;

    sl_tcb_timer_set(tcb, SL_TIMER_TEP, c->tep->deadline(c->state));
    start_work(tcb);
}

bool sl_crypt_begin(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_tcp *tcp = tcb->tcp;
    const struct sl_eno *eno = &tcb->syn->eno;
    struct sl_crypt *c = SL_FAULT(crypt_begin) ? NULL : calloc(1, sizeof(*c));
    uint8_t transcript[2 * SL_ENO_OPTION_MAX_BYTES];
    struct sl_tep_begin b = {
        .config = eno->policy->config,
        .arena = tcp->host.arena,
        .queue = tcp->host.queue,
        .secrets = tcp->host.secrets,
    };

    if (c != NULL) {
        c->tep = sl_eno_tep(eno);
        sl_eno_begin(eno, transcript, &b);
        c->state = c->tep->begin(&b, now_ns);
    }
    if (c == NULL || c->state == NULL) {
        free(c);
        sl_crypt_abort(tcb, SL_TEP_NO_MEMORY, now_ns);
        return false;
    }
    sl_list_init(&c->opens);
    sl_list_init(&c->seals);
    c->overhead_bytes = c->tep->limits.overhead_bytes;
    c->shaking = true;
    tcb->crypt = c;
    tcb->encrypting = true;
    sl_crypt_follow_up(tcb);
    sl_tcb_wants_read(tcb);
    sl_tcb_wants_output(tcb);
    return true;
}

/* Write down what programs ask for afterwards, and let secrets go. */
static void bury(struct sl_tcb *tcb)
{
    struct sl_crypt *c = tcb->crypt;

    if (c->state == NULL)
        return;
    c->last = calloc(1, sizeof(*c->last));
    if (c->last != NULL)
        sl_crypt_facts(tcb, c->last);
    c->tep->erase(c->state);
    c->state = NULL;
}

void sl_crypt_end(struct sl_tcb *tcb)
{
    if (tcb->crypt == NULL)
        return;
    tcb->crypt->ended = true;
    if (tcb->jobs == 0)
        bury(tcb);
}

void sl_crypt_free(struct sl_tcb *tcb)
{
    if (tcb->crypt == NULL)
        return;
    SL_INVARIANT(tcb->jobs == 0);
    sl_crypt_end(tcb);
    free(tcb->crypt->last);
    free(tcb->crypt);
    tcb->crypt = NULL;
}

static void work_done(struct sl_crypt_job *cj, uint64_t now_ns)
{
    struct sl_tcb *tcb = cj->tcb;
    struct sl_crypt *c = tcb->crypt;
    struct sl_tep_work *work = cj->job.work;
    enum sl_tep_error e;
    bool was_ready = c->tep->facts(c->state).ready;

    sl_crypt_job_put(cj);
    c->working = false;
    e = c->tep->worked(c->state, work, now_ns);
    if (e != SL_TEP_OK) {
        sl_crypt_abort(tcb, e, now_ns);
        return;
    }
    if (!was_ready && c->tep->facts(c->state).ready)
        sl_count(tcb->tcp->host.counters, SL_COUNT_KEX_DONE);
    sl_crypt_follow_up(tcb);
    sl_tcb_wants_read(tcb);
    sl_tcb_wants_output(tcb);
}

void sl_crypt_pin(struct sl_tcb *tcb)
{
    tcb->jobs++;
}

/* The last user of an ended connection lets go of what it used. */
void sl_crypt_unpin(struct sl_tcb *tcb)
{
    tcb->jobs--;
    if (tcb->jobs == 0 && tcb->crypt->ended) {
        bury(tcb);
        sl_tcb_release(tcb);
    }
}

/*
 * The connection ended while the job was under way. Work is put back even so: the TEP alone knows
 * how to wipe it.
 */
static void put_away(struct sl_crypt_job *cj, uint64_t now_ns)
{
    struct sl_crypt *c = cj->tcb->crypt;
    struct sl_tep_work *work = cj->job.kind == SL_JOB_WORK ? cj->job.work : NULL;

    sl_crypt_job_put(cj);
    if (work != NULL)
        c->tep->worked(c->state, work, now_ns);
}

void sl_tcp_job_done(struct sl_tcp *tcp, struct sl_job *job, uint64_t now_ns)
{
    struct sl_crypt_job *cj = job->owner;
    struct sl_tcb *tcb = cj->tcb; /* the job itself is the pin */

    tcp->now_ns = now_ns;
    cj->done = true;
    if (tcb->crypt->ended)
        put_away(cj, now_ns);
    else if (job->kind == SL_JOB_WORK)
        work_done(cj, now_ns);
    else if (job->kind == SL_JOB_SEAL)
        sl_crypt_sealed(cj);
    else
        sl_crypt_opened(tcb, now_ns);
    sl_crypt_unpin(tcb);
}

void sl_tcp_read_frames(struct sl_tcp *tcp, uint64_t now_ns)
{
    struct sl_link todo, *link;

    tcp->now_ns = now_ns;
    /* What enlists anew while we are at it waits for the next iteration: no endless loop. */
    sl_list_init(&todo);
    while ((link = sl_list_take(&tcp->read_list)) != NULL)
        sl_list_add_tail(&todo, link);
    while ((link = sl_list_take(&todo)) != NULL) {
        struct sl_tcb *tcb = SL_CONTAINER(link, struct sl_tcb, read_link);

        sl_crypt_read(tcb, now_ns);
    }
}

uint32_t sl_crypt_overhead(const struct sl_tcb *tcb)
{
    return tcb->crypt != NULL ? tcb->crypt->overhead_bytes : 0;
}

bool sl_crypt_ready(const struct sl_tcb *tcb)
{
    return tcb->crypt != NULL && tcb->crypt->state != NULL &&
           tcb->crypt->tep->facts(tcb->crypt->state).ready;
}

void sl_crypt_facts(const struct sl_tcb *tcb, struct sl_tcb_facts *f)
{
    const struct sl_crypt *c = tcb->crypt;
    struct sl_tep_facts facts;

    if (c == NULL)
        return;
    f->encrypted = true;
    if (c->state == NULL) {
        if (c->last == NULL)
            return;
        f->aead = c->last->aead;
        f->resumed = c->last->resumed;
        f->session_id_len = c->last->session_id_len;
        memcpy(f->session_id, c->last->session_id, sizeof(f->session_id));
        return;
    }
    facts = c->tep->facts(c->state);
    f->aead = facts.aead;
    f->resumed = facts.resumed;
    f->session_id_len = (uint8_t)c->tep->session_id(c->state, f->session_id);
}

bool sl_crypt_probe(struct sl_tcb *tcb, uint64_t now_ns)
{
    struct sl_crypt *c = tcb->crypt;

    if (c == NULL || c->ended || c->mark_out ||
        c->tep->event(c->state, SL_TEP_EVENT_PROBE, now_ns) != SL_TEP_OK)
        return false;
    c->reply_due = true;
    sl_tcb_wants_output(tcb);
    return true;
}
