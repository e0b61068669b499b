/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Memory of a shard and of a port beside what follows from the bounds, in MiB. */
    BASE_MIB = 64,
    SHARD_MIB = 64,
    PORT_MIB = 48,
    PACKET_BYTES = 4352,    /* of a payload pool: without hugepages a page of its own */
    HEADS_BYTES = 1024,     /* of a header mbuf and two indirect ones, likewise */
    CONNECTION_BYTES = 256, /* in flow table and rings */
    SEGMENT_BYTES = 1448,
    BUFFERS_MIN = 8191, /* as in shard/pools.c */
    BUFFERS_MAX = 65535,
};

static void add(struct sl_arguments *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct sl_arguments *a, const char *format, ...)
{
    char *text = a->room[a->n_room++];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(a->room[0]), format, args);
    va_end(args);
    a->argv[a->n++] = text;
}

/* Does the file name one of these options, which are separated by spaces? */
bool sl_config_gives(const struct sl_config *c, const char *options)
{
    unsigned i;

    for (i = 0; i < c->eal.n; i++) {
        const char *arg = c->eal.args[i];
        /* "-m512" is -m, "--file-prefix=x" is --file-prefix */
        const size_t len = strncmp(arg, "--", 2) == 0 ? strcspn(arg, "= ") : 2;
        const char *at;

        for (at = options; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
            if (strcspn(at, " ") == len && strncmp(at, arg, len) == 0)
                return true;
        }
    }
    return false;
}

static uint64_t buffers_of(const struct sl_shard_config *s, uint32_t buffer_bytes)
{
    const uint64_t wanted = (uint64_t)buffer_bytes / SEGMENT_BYTES * 8;

    if (s->pool_elements > 0)
        return s->pool_elements;
    if (wanted < BUFFERS_MIN)
        return BUFFERS_MIN;
    return wanted < BUFFERS_MAX ? wanted : BUFFERS_MAX;
}

/* Generous: memory without hugepages is not touched before it is used. */
uint64_t sl_config_memory_mib(const struct sl_config *c)
{
    const struct sl_shard_config *s = &c->shard;
    const uint64_t buffers = buffers_of(s, s->sndbuf_bytes) + buffers_of(s, s->rcvbuf_bytes);
    const uint64_t flows = (uint64_t)s->connections_max + s->time_wait_max;
    const uint64_t bytes = buffers * (PACKET_BYTES + HEADS_BYTES) + flows * CONNECTION_BYTES;

    return BASE_MIB + sl_config_shards(c) * (SHARD_MIB + (bytes >> 20)) +
           (uint64_t)c->n_ports * PORT_MIB;
}

bool sl_config_is_huge(const struct sl_config *c)
{
    return !sl_config_gives(c, "--no-huge") &&
           sl_config_gives(c, "-m --in-memory --socket-mem --huge-dir --legacy-mem --huge-unlink");
}

static void add_memory(struct sl_arguments *a, const struct sl_config *c)
{
    if (sl_config_is_huge(c) || (sl_config_gives(c, "--no-huge") && sl_config_gives(c, "-m")))
        return;
    if (!sl_config_gives(c, "--no-huge"))
        add(a, "--no-huge");
    add(a, "-m");
    add(a, "%llu", (unsigned long long)sl_config_memory_mib(c));
}

/* The n-th CPU of those that the process may use, beginning anew after the last. */
static unsigned cpu_at(const cpu_set_t *cpus, unsigned n)
{
    unsigned left = n % (unsigned)CPU_COUNT(cpus), cpu = 0;

    while (!CPU_ISSET(cpu, cpus) || left-- > 0)
        cpu++;
    return cpu;
}

/*
 * The main lcore is wherever there is room. Of several shards each has an lcore on a CPU; CPUs
 * serve several where there are fewer of them.
 */
static void add_lcores(struct sl_arguments *a, unsigned shards)
{
    char text[SL_CONFIG_TEXT_BYTES * 4];
    const unsigned all = (unsigned)CPU_COUNT(a->cpus);
    size_t len = (size_t)snprintf(text, sizeof(text), "0@(");
    unsigned i;

    /* More than some hundred CPUs do not fit; the first ones are enough for a thread that waits. */
    for (i = 0; i < all && len + 64 < sizeof(text) / 2; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u", i > 0 ? "," : "",
                                cpu_at(a->cpus, i));
    len += (size_t)snprintf(text + len, sizeof(text) - len, ")");
    for (i = 0; shards > 1 && i < shards; i++)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, ",%u@%u", i + 1, cpu_at(a->cpus, i));
    add(a, "--lcores");
    add(a, "%s", text);
}

/* "0000:01:00.0": bus, slot and function behind the domain. */
static bool is_pci(const char *device)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    static const char ends[] = "::.";
    size_t i;

    for (i = 0; i < 3; i++) {
        const size_t len = strspn(device, hex);

        if (len == 0 || device[len] != ends[i])
            return false;
        device += len + 1;
    }
    return device[0] >= '0' && device[0] <= '7';
}

static void add_pci(struct sl_arguments *a, const struct sl_config *c)
{
    bool any = false;
    unsigned i;

    for (i = 0; i < c->n_ports; i++) {
        if (!is_pci(c->ports[i].device))
            continue;
        a->argv[a->n++] = "-a";
        a->argv[a->n++] = c->ports[i].device;
        any = true;
    }
    if (!any)
        add(a, "--no-pci");
}

/* What the file does not say. Several instances side by side share nothing. */
void sl_arguments_build(struct sl_arguments *a, const struct sl_config *c, const cpu_set_t *cpus)
{
    static const char *const levels[] = {"error", "warning", "warning", "debug"};
    unsigned i;

    *a = (struct sl_arguments){.cpus = cpus};
    a->argv[a->n++] = "sealane";
    for (i = 0; i < c->eal.n; i++)
        a->argv[a->n++] = c->eal.args[i];
    if (!sl_config_gives(c, "-c -l --lcores -S"))
        add_lcores(a, sl_config_shards(c));
    add_memory(a, c);
    if (!sl_config_gives(c, "--no-pci -a --allow -b --block"))
        add_pci(a, c);
    if (!sl_config_gives(c, "--no-shconf --in-memory"))
        add(a, "--no-shconf");
    if (!sl_config_gives(c, "--file-prefix"))
        add(a, "--file-prefix=sealane-%ld", (long)getpid());
    if (!sl_config_gives(c, "--no-telemetry --telemetry"))
        add(a, "--no-telemetry");
    if (!sl_config_gives(c, "--log-level"))
        add(a, "--log-level=%s", levels[c->log_level]);
    a->argv[a->n] = NULL;
}
