/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/pcap.h"

#include <pcap/pcap.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/log.h"
#include "mbufs/mbufs.h"

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static const char *temporary(void)
{
    static char path[] = "/tmp/sl-pcap-XXXXXX";
    const int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    close(fd);
    return path;
}

/* Read back by libpcap, whose format it is. */
Test(pcap, frames_are_read_back_with_their_bytes_and_nanoseconds)
{
    const char *path = temporary();
    char err[256] = "", pcap_err[PCAP_ERRBUF_SIZE];
    uint8_t bytes[300];
    const uint64_t before_ns = wall_ns();
    struct rte_mempool *pool;
    struct rte_mbuf *m, *tail;
    struct pcap_pkthdr *h;
    const u_char *data;
    uint64_t first_ns, second_ns;
    struct sl_pcap *p;
    pcap_t *in;

    test_eal();
    pool = test_pool("pcap", 63);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    p = sl_pcap_open(path, 5000, err, sizeof(err));
    cr_assert_not_null(p, "%s", err);
    m = test_mbuf(pool, bytes, 100, 0, 0);
    tail = test_mbuf(pool, bytes + 100, 200, 0, 0);
    sl_pcap_frame(p, m, 5000 + 123);
    cr_assert_eq(rte_pktmbuf_chain(m, tail), 0);
    sl_pcap_frame(p, m, 5000 + 3000000123); /* a chain, three seconds later */
    sl_pcap_close(p);
    rte_pktmbuf_free(m);

    in = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, pcap_err);
    cr_assert_not_null(in, "%s", pcap_err);
    cr_expect_eq(pcap_datalink(in), DLT_EN10MB);
    cr_assert_eq(pcap_next_ex(in, &h, &data), 1);
    cr_expect_eq(h->caplen, 100);
    cr_expect_arr_eq(data, bytes, 100);
    first_ns = (uint64_t)h->ts.tv_sec * 1000000000 + (uint64_t)h->ts.tv_usec;
    cr_expect_geq(first_ns, before_ns + 123);
    cr_expect_leq(first_ns, wall_ns() + 123);
    cr_assert_eq(pcap_next_ex(in, &h, &data), 1);
    cr_expect_eq(h->len, 300);
    cr_expect_arr_eq(data, bytes, 300);
    second_ns = (uint64_t)h->ts.tv_sec * 1000000000 + (uint64_t)h->ts.tv_usec;
    cr_expect_eq(second_ns - first_ns, 3000000000);
    cr_expect_eq(pcap_next_ex(in, &h, &data), PCAP_ERROR_BREAK);
    pcap_close(in);
    unlink(path);
}

Test(pcap, what_is_flushed_can_be_read_while_the_capture_goes_on)
{
    const char *path = temporary();
    char err[256] = "", pcap_err[PCAP_ERRBUF_SIZE];
    uint8_t bytes[60] = {0};
    struct rte_mempool *pool;
    struct pcap_pkthdr *h;
    const u_char *data;
    struct rte_mbuf *m;
    struct sl_pcap *p;
    pcap_t *in;

    test_eal();
    pool = test_pool("pcap", 63);
    m = test_mbuf(pool, bytes, sizeof(bytes), 0, 0);
    p = sl_pcap_open(path, 5000, err, sizeof(err));
    cr_assert_not_null(p, "%s", err);
    sl_pcap_frame(p, m, 5000);
    sl_pcap_flush(p);
    in = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, pcap_err);
    cr_assert_not_null(in, "%s", pcap_err);
    cr_assert_eq(pcap_next_ex(in, &h, &data), 1);
    pcap_close(in);
    sl_pcap_close(p);
    rte_pktmbuf_free(m);
    unlink(path);
}

Test(pcap, a_file_that_cannot_be_made_is_named)
{
    char err[256] = "";

    cr_expect_null(sl_pcap_open("/dev/null/x.pcap", 0, err, sizeof(err)));
    cr_expect_not_null(strstr(err, "/dev/null/x.pcap"), "%s", err);
}

static unsigned n_lines;

static void count_line(void *ctx, enum sl_log_level level, const char *line)
{
    (void)ctx;
    (void)line;
    n_lines += level == SL_LOG_ERROR;
}

Test(pcap, a_full_disk_is_reported_once)
{
    char err[256] = "";
    uint8_t bytes[1500] = {0};
    struct rte_mempool *pool;
    struct rte_mbuf *m;
    struct sl_pcap *p;

    test_eal();
    pool = test_pool("pcap", 63);
    sl_log_sink(count_line, NULL);
    p = sl_pcap_open("/dev/full", 0, err, sizeof(err));
    cr_assert_not_null(p, "%s", err);
    m = test_mbuf(pool, bytes, sizeof(bytes), 0, 0);
    for (unsigned i = 0; i < 100; i++)
        sl_pcap_frame(p, m, i);
    sl_pcap_close(p);
    rte_pktmbuf_free(m);
    cr_expect_eq(n_lines, 1);
}
