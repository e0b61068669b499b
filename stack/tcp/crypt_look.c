/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/crypt_look.h"

#include <stdlib.h>

#include "base/invariant.h"
#include "tcp/crypt_hold.h"

enum { FIRST_LOOK_BYTES = 2048 }; /* a frame that fills a segment is seen at the first look */

/* The bytes from `at` on of `in` as ranges of `out`; returns how many. */
static uint32_t slice(const struct sl_range *in, uint32_t n_in, uint32_t at, uint32_t len,
                      struct sl_range *out)
{
    uint32_t i, n = 0;

    for (i = 0; i < n_in && len > 0; i++) {
        uint32_t take;

        if (at >= in[i].len) {
            at -= in[i].len;
            continue;
        }
        take = RTE_MIN(in[i].len - at, len);
        out[n++] = (struct sl_range){in[i].at + at, take};
        at = 0;
        len -= take;
    }
    return n;
}

static void copy_out(const struct sl_range *in, uint32_t n, uint32_t at, uint8_t *out, uint32_t len)
{
    for (uint32_t i = 0; i < n && len > 0; i++) {
        uint32_t take;

        if (at >= in[i].len) {
            at -= in[i].len;
            continue;
        }
        take = RTE_MIN(in[i].len - at, len);
        memcpy(out, in[i].at + at, take);
        out += take;
        len -= take;
        at = 0;
    }
}

/* A chain of fresh mbufs with `len` bytes of data in all; NULL: the pool is empty. */
static struct rte_mbuf *text_alloc(struct sl_tcp *tcp, uint32_t len)
{
    struct rte_mbuf *first = NULL, **tail = &first;

    do {
        struct rte_mbuf *m = SL_FAULT(text_alloc) ? NULL : rte_pktmbuf_alloc(tcp->host.rx);

        if (m == NULL) {
            sl_count(tcp->host.counters, SL_COUNT_POOL_EMPTY);
            rte_pktmbuf_free(first);
            return NULL;
        }
        m->data_len = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m)) & UINT16_MAX;
        m->pkt_len = m->data_len;
        len -= m->data_len;
        *tail = m;
        if (first != m) {
            first->pkt_len += m->data_len;
            first->nb_segs++;
        }
        tail = &m->next;
    } while (len > 0);
    return first;
}

/* Room for the ranges of a frame held in many pieces. False: no memory. */
static bool many_ranges(struct sl_crypt_job *cj, uint32_t n_src, uint32_t n_dst)
{
    if (n_src <= SL_JOB_RANGES && n_dst <= SL_JOB_RANGES)
        return true;
    cj->ranges = SL_FAULT(job_ranges) ? NULL : calloc((size_t)n_src + n_dst, sizeof(*cj->ranges));
    return cj->ranges != NULL;
}

static bool gather(const struct sl_tcb *tcb, struct sl_crypt_look *l, uint32_t want)
{
    const struct sl_crypt *c = tcb->crypt;
    const sl_seq from = sl_crypt_rx_seq(tcb, c->rx_read);
    const uint32_t choice = c->rx_ahead == 0 ? c->choice : 0;

    l->ranges = l->few;
    l->n = sl_rcvq_gather(&tcb->rcvq, from, want, choice, l->few, SL_CRYPT_LOOK_RANGES, &l->covered,
                          &l->copies);
    if (l->n < SL_CRYPT_LOOK_RANGES || l->covered == want)
        return true;
    l->ranges = malloc((size_t)tcb->rcvq.n * sizeof(*l->ranges));
    if (l->ranges == NULL)
        return false;
    l->n = sl_rcvq_gather(&tcb->rcvq, from, want, choice, l->ranges, tcb->rcvq.n, &l->covered,
                          &l->copies);
    return true;
}

void sl_crypt_look_done(struct sl_crypt_look *l)
{
    if (l->ranges != l->few)
        free(l->ranges);
    l->ranges = l->few;
}

/* What read() says once it has seen as much as it wants and we have. */
enum sl_tep_read sl_crypt_look(struct sl_tcb *tcb, struct sl_crypt_look *l, struct sl_crypt_job *cj)
{
    struct sl_crypt *c = tcb->crypt;
    const uint32_t held = sl_rcvq_contiguous(&tcb->rcvq, sl_crypt_rx_seq(tcb, c->rx_read));
    uint32_t want = RTE_MIN(held, (uint32_t)FIRST_LOOK_BYTES);
    enum sl_tep_read r = SL_TEP_READ_MORE;

    l->ranges = l->few;
    while (held > 0) {
        uint32_t need;

        if (!gather(tcb, l, want))
            return SL_TEP_READ_WAIT;
        cj->frame = (struct sl_tep_frame){.offset = c->rx_read};
        r = c->tep->read(c->state, l->ranges, l->n, c->rx_read, c->rx_ahead, &cj->frame, &cj->job);
        need = r == SL_TEP_READ_MORE ? cj->frame.need : cj->frame.len;
        if (r != SL_TEP_READ_MORE && r != SL_TEP_READ_FRAME && r != SL_TEP_READ_OWN)
            return r;
        if (need > held)
            return SL_TEP_READ_MORE;
        if (need <= want)
            return r;
        want = need;
        sl_crypt_look_done(l);
    }
    return r;
}

bool sl_crypt_look_open(struct sl_tcb *tcb, const struct sl_crypt_look *l, struct sl_crypt_job *cj)
{
    const struct sl_tep_frame *f = &cj->frame;
    struct sl_job *job = &cj->job;
    struct sl_range *src, *dst;
    struct rte_mbuf *m;

    cj->text = text_alloc(tcb->tcp, f->cipher_len);
    if (cj->text == NULL || !many_ranges(cj, l->n, cj->text->nb_segs))
        return false;
    src = cj->ranges != NULL ? cj->ranges : job->src_few;
    dst = cj->ranges != NULL ? cj->ranges + l->n : job->dst_few;
    job->kind = SL_JOB_OPEN;
    job->src = src;
    job->n_src = slice(l->ranges, l->n, f->head_len, f->cipher_len, src);
    job->dst = dst;
    job->n_dst = 0;
    for (m = cj->text; m != NULL; m = m->next)
        dst[job->n_dst++] = (struct sl_range){rte_pktmbuf_mtod(m, uint8_t *), m->data_len};
    copy_out(l->ranges, l->n, f->head_len + f->cipher_len, job->tag, f->tag_len);
    return true;
}
