/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

enum { DECIMAL = 10, BOUNCE_MS = 10, PREFIX_BYTES = 64, TEXT_BYTES = 512 };

void host_die(const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)fprintf(stderr, "%s\n", text);
    exit(1);
}

unsigned long host_number(const char *text, const char *usage)
{
    char *end = NULL;
    const unsigned long n = text != NULL ? strtoul(text, &end, DECIMAL) : 0;

    if (n == 0 || *end != '\0')
        host_die("%s", usage);
    return n;
}

void host_start(char *program, const char *mib, const char *lcores)
{
    static char prefix[PREFIX_BYTES], memory[PREFIX_BYTES],
        cores[PREFIX_BYTES]; /* EAL keeps them */
    static char no_huge[] = "--no-huge", no_pci[] = "--no-pci", no_shconf[] = "--no-shconf";
    static char no_telemetry[] = "--no-telemetry", quiet[] = "--log-level=error";
    static char m[] = "-m", l[] = "--lcores";
    char *args[] = {program,      no_huge, m, memory, no_pci, no_shconf,
                    no_telemetry, quiet,   l, cores,  prefix, NULL};

    (void)snprintf(prefix, sizeof(prefix), "--file-prefix=bench-%ld", (long)getpid());
    (void)snprintf(memory, sizeof(memory), "%s", mib);
    (void)snprintf(cores, sizeof(cores), "%s", lcores);
    if (rte_eal_init((int)RTE_DIM(args) - 1, args) < 0)
        host_die("EAL does not start");
}

uint8_t *host_map(size_t bytes)
{
    uint8_t *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        host_die("no memory");
    (void)madvise(at, bytes, MADV_HUGEPAGE);
    memset(at, 1, bytes);
    return at;
}

/* ---- the distance of two cores -------------------------------------------------------------- */

static const uint64_t the_end = UINT64_MAX;

static struct {
    _Alignas(RTE_CACHE_LINE_SIZE) atomic_uint_fast64_t line;
    _Alignas(RTE_CACHE_LINE_SIZE) atomic_bool answers;
} bounce;

/* Odd numbers are questions, the next even one the answer. */
static int answer(void *arg)
{
    uint64_t n = 0;

    (void)arg;
    atomic_store(&bounce.answers, true);
    while (n != the_end) {
        n = atomic_load_explicit(&bounce.line, memory_order_acquire);
        if ((n & 1) != 0 && n != the_end)
            atomic_store_explicit(&bounce.line, n + 1, memory_order_release);
    }
    return 0;
}

double host_bounce_ns(unsigned lcore)
{
    const uint64_t length = rte_get_tsc_hz() * BOUNCE_MS / 1000;
    uint64_t n = 0, begin, passed;

    atomic_store(&bounce.line, 0);
    atomic_store(&bounce.answers, false);
    if (rte_eal_remote_launch(answer, NULL, lcore) != 0)
        host_die("lcore %u is not there", lcore);
    while (!atomic_load(&bounce.answers))
        rte_pause();
    begin = rte_rdtsc();
    do {
        atomic_store_explicit(&bounce.line, n + 1, memory_order_release);
        while (atomic_load_explicit(&bounce.line, memory_order_acquire) != n + 2)
            ;
        n += 2;
        passed = rte_rdtsc() - begin;
    } while (passed < length);
    atomic_store(&bounce.line, the_end);
    (void)rte_eal_wait_lcore(lcore);
    return (double)passed * 1e9 / (double)rte_get_tsc_hz() / ((double)n / 2);
}
