/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/pcap.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

static const uint64_t second_ns = 1000000000;

struct sl_pcap {
    pcap_t *format;
    pcap_dumper_t *file;                /* NULL: given up */
    uint64_t wall_offset_ns;            /* shard's time to wall time */
    bool is_dirty;                      /* something waits for a flush */
    uint8_t joined[SL_PCAP_SNAP_BYTES]; /* a chain's bytes in one piece */
};

static uint64_t wall_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

struct sl_pcap *sl_pcap_open(const char *path, uint64_t now_ns, char *err, size_t err_len)
{
    struct sl_pcap *p = calloc(1, sizeof(*p));

    if (p == NULL || (p->format = pcap_open_dead_with_tstamp_precision(
                          DLT_EN10MB, SL_PCAP_SNAP_BYTES, PCAP_TSTAMP_PRECISION_NANO)) == NULL) {
        (void)snprintf(err, err_len, "no memory for a capture file");
        free(p);
        return NULL;
    }
    if ((p->file = pcap_dump_open(p->format, path)) == NULL) {
        (void)snprintf(err, err_len, "%s", pcap_geterr(p->format)); /* names the file */
        sl_pcap_close(p);
        return NULL;
    }
    p->wall_offset_ns = wall_ns() - now_ns;
    p->is_dirty = true; /* the file's header */
    return p;
}

void sl_pcap_close(struct sl_pcap *p)
{
    if (p == NULL)
        return;
    if (p->file != NULL) {
        if (pcap_dump_flush(p->file) != 0)
            sl_log(SL_LOG_ERROR, "capture file is incomplete: %s", strerror(errno));
        pcap_dump_close(p->file);
    }
    pcap_close(p->format);
    free(p);
}

static void give_up(struct sl_pcap *p)
{
    sl_log(SL_LOG_ERROR, "capturing ends, file cannot be written: %s", strerror(errno));
    pcap_dump_close(p->file);
    p->file = NULL;
}

void sl_pcap_frame(struct sl_pcap *p, const struct rte_mbuf *m, uint64_t now_ns)
{
    const uint64_t at_ns = p->wall_offset_ns + now_ns;
    const uint32_t len = m->pkt_len < SL_PCAP_SNAP_BYTES ? m->pkt_len : SL_PCAP_SNAP_BYTES;
    const struct pcap_pkthdr h = {
        .ts = {.tv_sec = (time_t)(at_ns / second_ns), .tv_usec = (suseconds_t)(at_ns % second_ns)},
        .caplen = len,
        .len = m->pkt_len,
    };
    const void *bytes;

    if (p->file == NULL || (bytes = rte_pktmbuf_read(m, 0, len, p->joined)) == NULL)
        return;
    errno = 0;
    pcap_dump((u_char *)p->file, &h, bytes);
    p->is_dirty = true;
    if (ferror(pcap_dump_file(p->file)))
        give_up(p);
}

void sl_pcap_flush(struct sl_pcap *p)
{
    if (!p->is_dirty || p->file == NULL)
        return;
    p->is_dirty = false;
    if (pcap_dump_flush(p->file) != 0)
        give_up(p);
}
