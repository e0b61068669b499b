/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/keys.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define FIELD(member) offsetof(struct sl_config, member), sizeof(((struct sl_config *)0)->member)
#define PORT_FIELD(member) \
    offsetof(struct sl_config_port, member), sizeof(((struct sl_config_port *)0)->member)

#define MS(n)  ((uint64_t)(n)*1000000)
#define S(n)   (MS(n) * 1000)
#define H(n)   (S(n) * 3600)
#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

static const char *const modes[] = {"off", "opportunistic", "require", NULL};
static const char *const idles[] = {"auto", "spin", "yield", NULL};
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};

static_assert(SL_CRYPT_OFF == 0 && SL_CRYPT_OPPORTUNISTIC == 1 && SL_CRYPT_REQUIRE == 2,
              "places in modes[]");
static_assert(SL_LOG_ERROR == 0 && SL_LOG_DEBUG == 3, "places in levels[]");

/* section, name, type, repeats, field, least, most, choices, default, help */
#define KEY(section, name, type, field, min, max, def, help)                  \
    {                                                                         \
        section, name, SL_KEY_##type, false, field, min, max, NULL, def, help \
    }
#define CHOICE(section, name, field, choices, def, help)                     \
    {                                                                        \
        section, name, SL_KEY_CHOICE, false, field, 0, 0, choices, def, help \
    }
#define LIST(section, name, type, field, def, help)                      \
    {                                                                    \
        section, name, SL_KEY_##type, true, field, 0, 0, NULL, def, help \
    }

/* clang-format off */
const struct sl_key sl_keys[] = {
    LIST("eal", "arg", ARG, FIELD(eal), NULL,
         "An argument of DPDK's EAL, as on its command line. What is not named is added: no "
         "hugepages and as much memory as the bounds need, no PCI, an lcore for each shard, a "
         "file prefix of the process's own."),

    KEY("port", "device", TEXT, PORT_FIELD(device), 0, 0, NULL,
        "What the port is. ring:NAME: one end of a pair in this process, which two ports share. "
        "tap:IFACE: a kernel interface that is made here. af_packet:IFACE: a kernel interface that "
        "is there. Else a device in DPDK's words: a virtual one with its arguments, or a PCI "
        "address (0000:01:00.0)."),
    KEY("port", "mtu", NUMBER, PORT_FIELD(mtu_bytes), 576, 9000, "1500",
        "Largest IP packet, in bytes."),
    KEY("port", "queues", NUMBER, PORT_FIELD(queues), 1, 1, "1",
        "Receive and transmit queues: the one shard that owns a port has one of each."),
    KEY("port", "mac", MAC, PORT_FIELD(mac), 0, 0, NULL,
        "MAC address of the stack on this port. Without it one is invented that is locally "
        "administered."),
    LIST("port", "address", ADDRESS, PORT_FIELD(addresses), NULL,
         "An address of the stack on this port, with the length of the network's prefix."),
    KEY("port", "shard", NUMBER, PORT_FIELD(shard), 0, SL_CONFIG_SHARDS_MAX - 1, "0",
        "Which shard owns the port. Shards are numbered from 0 without a gap."),

    {"route", "PREFIX", SL_KEY_ROUTE, true, 0, 0, 0, 0, NULL, NULL,
     "The gateway of a network: 10.1.0.0/16 = 10.77.0.1. default is 0.0.0.0/0. A network that "
     "stands there again has a further gateway, for when those before do not answer (RFC 1122 "
     "3.3.1.2)."},

    CHOICE("shard", "idle", FIELD(idle), idles, "auto",
           "What a shard does with its CPU when it has no work: keep it, or yield it. auto "
           "yields when shards outnumber CPUs and on ports that the kernel serves."),
    KEY("shard", "descriptors", NUMBER, FIELD(shard.descriptors_max), 16, 1 << 24, "131072",
        "Descriptors of a shard, at most."),
    KEY("shard", "neighbours", NUMBER, FIELD(shard.neighbours_max), 16, 1 << 20, "1024",
        "Entries of a shard's neighbour table, at most."),
    KEY("shard", "buffers", NUMBER, FIELD(shard.pool_elements), 0, 1 << 22, "0",
        "Packet buffers in each pool of a shard; 0: as many as a few connections with full "
        "buffers need."),

    KEY("tcp", "connections", NUMBER, FIELD(shard.connections_max), 1, 1 << 24, "65536",
        "Connections of a shard, at most."),
    KEY("tcp", "half-open", NUMBER, FIELD(shard.half_open_max), 1, 1 << 20, "4096",
        "Connections whose handshake a peer has begun, at most (RFC 4987)."),
    KEY("tcp", "time-wait", NUMBER, FIELD(shard.time_wait_max), 1, 1 << 24, "65536",
        "Connections in TIME-WAIT, at most; the oldest gives way."),
    KEY("tcp", "rcvbuf", SIZE, FIELD(shard.rcvbuf_bytes), KIB(4), MIB(1024), "1M",
        "Receive window of a connection, at most."),
    KEY("tcp", "sndbuf", SIZE, FIELD(shard.sndbuf_bytes), KIB(4), MIB(1024), "1M",
        "Bytes of a connection that are written and not acknowledged, at most."),
    /* Frames that wait for their tags count: fewer, and a burst of an encrypted connection does
     * not fit, so that each window ends in retransmissions. */
    KEY("tcp", "rcv-ranges", NUMBER, FIELD(shard.rcv_ranges_max), 64, 1 << 16, "1024",
        "Ranges of a connection that are out of order or not authenticated, at most."),
    KEY("tcp", "rto-initial", TIME, FIELD(shard.rto_initial_ns), MS(5), S(60), "1s",
        "Retransmission time-out before the first measurement (RFC 6298 2.1)."),
    KEY("tcp", "rto-min", TIME, FIELD(shard.rto_min_ns), MS(5), S(60), "200ms",
        "Retransmission time-out, at least."),
    KEY("tcp", "rto-max", TIME, FIELD(shard.rto_max_ns), S(60), H(1), "2min",
        "Retransmission time-out, at most (RFC 6298 2.5)."),
    KEY("tcp", "delayed-ack", TIME, FIELD(shard.delayed_ack_ns), 0, MS(500), "40ms",
        "How long an acknowledgement may wait for company (RFC 9293 3.8.6.3)."),
    KEY("tcp", "msl", TIME, FIELD(shard.msl_ns), MS(1), H(1), "30s",
        "Maximum segment lifetime: TIME-WAIT takes twice as long."),
    KEY("tcp", "fin-wait-2", TIME, FIELD(shard.fin_wait_2_ns), S(1), H(24), "1min",
        "How long a closed connection waits for the peer's FIN."),
    KEY("tcp", "keepalive-idle", TIME, FIELD(shard.keepalive_idle_ns), S(1), H(24 * 30), "2h",
        "Silence before the first keep-alive probe, where SO_KEEPALIVE is on."),
    KEY("tcp", "keepalive-interval", TIME, FIELD(shard.keepalive_interval_ns), S(1), H(24), "75s",
        "Time between keep-alive probes."),
    KEY("tcp", "keepalive-probes", NUMBER, FIELD(shard.keepalive_probes), 1, 127, "9",
        "Keep-alive probes without an answer that end a connection."),
    KEY("tcp", "syn-retries", NUMBER, FIELD(shard.syn_retries), 1, 127, "7",
        "Retransmissions of a SYN."),
    KEY("tcp", "synack-retries", NUMBER, FIELD(shard.synack_retries), 1, 127, "5",
        "Retransmissions of a SYN-ACK."),
    KEY("tcp", "retries", NUMBER, FIELD(shard.retries_2), 4, 127, "15",
        "Retransmissions of data that end a connection, R2 (RFC 9293 3.8.3)."),
    KEY("tcp", "port-first", NUMBER, FIELD(shard.port_first), 1024, 65535, "16384",
        "First port for connections that name none (RFC 6056)."),
    KEY("tcp", "port-last", NUMBER, FIELD(shard.port_last), 1024, 65535, "65535",
        "Last port for connections that name none."),
    KEY("tcp", "ttl", NUMBER, FIELD(shard.ttl), 1, 255, "64",
        "Time to live of packets."),
    KEY("tcp", "timestamps", FLAG, FIELD(shard.timestamps), 0, 0, "yes",
        "Offer and accept timestamps (RFC 7323 3)."),
    KEY("tcp", "window-scale", FLAG, FIELD(shard.window_scale), 0, 0, "yes",
        "Offer and accept window scaling (RFC 7323 2)."),

    CHOICE("crypt", "mode", FIELD(shard.crypt_mode), modes, "opportunistic",
           "off: plain TCP. opportunistic: encrypt where the peer can (RFC 8547), else plain TCP. "
           "require: refuse plain TCP."),
    LIST("crypt", "tep", TEPS, FIELD(shard), "all",
         "Encryption protocols offered, the preferred one first, by identifier or name (RFC 8548 "
         "7). all: every one that is built."),
    LIST("crypt", "aead", AEADS, FIELD(shard), "all",
         "AEAD algorithms offered, the preferred one first (RFC 8548 6)."),
    KEY("crypt", "engine", ENGINE, FIELD(shard), 0, 0, "auto",
        "What encrypts: ipsec-mb, openssl; auto: the best that is built."),
    KEY("crypt", "kex-timeout", TIME, FIELD(shard.kex_timeout_ns), MS(100), S(600), "10s",
        "How long a key exchange may take."),
    KEY("crypt", "auth-timeout", TIME, FIELD(shard.auth_timeout_ns), MS(100), S(600), "10s",
        "How long a connection lives whose frames do not authenticate."),
    /* A frame takes one, and so does a handshake for its public-key operation: with hardly any they
     * do nothing but wait for each other. */
    KEY("crypt", "jobs", NUMBER, FIELD(shard.jobs_max), 16, 1 << 20, "4096",
        "Frames of a shard that are being sealed or opened, and its public-key operations under "
        "way, at most."),
    KEY("crypt", "work-budget", NUMBER, FIELD(shard.work_budget), 1, 1024, "4",
        "Public-key operations that a shard does in one turn, at most."),
    KEY("crypt", "keys-cached", NUMBER, FIELD(shard.keys_cached), 1, 1 << 20, "2048",
        "Expanded keys that a shard keeps, 1 KiB each."),

    CHOICE("log", "level", FIELD(log_level), levels, "warning",
           "How much is told on standard error. Packets are counted, never logged."),
};
/* clang-format on */

const size_t sl_keys_n = sizeof(sl_keys) / sizeof(sl_keys[0]);

static_assert(sizeof(sl_keys) / sizeof(sl_keys[0]) <= SL_CONFIG_KEYS_MAX, "each has a mark");

static const struct {
    const char *name, *help;
} sections[] = {
    {"eal", "DPDK itself"},
    {"port", "a port: [port NAME], any number of them"},
    {"route", "where packets go that no port's network takes"},
    {"shard", "bounds and manners of a shard"},
    {"tcp", "TCP"},
    {"crypt", "encryption: TCP-ENO (RFC 8547) and tcpcrypt (RFC 8548)"},
    {"log", "messages"},
};

enum { SECTIONS_N = sizeof(sections) / sizeof(sections[0]), WORD_MAX = SL_CONFIG_NAME_BYTES };

const char *sl_section_help(const char *section)
{
    size_t i;

    for (i = 0; i < SECTIONS_N; i++) {
        if (strcmp(sections[i].name, section) == 0)
            return sections[i].help;
    }
    return NULL;
}

const struct sl_key *sl_key_find(const char *section, const char *name)
{
    size_t i;

    for (i = 0; i < sl_keys_n; i++) {
        if (strcmp(sl_keys[i].section, section) == 0 &&
            (sl_keys[i].type == SL_KEY_ROUTE || strcmp(sl_keys[i].name, name) == 0))
            return &sl_keys[i];
    }
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance; words too long to be a key of ours are far from all. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX], i, j;
    const size_t n = strlen(b);

    if (n >= WORD_MAX || strlen(a) >= WORD_MAX)
        return WORD_MAX;
    for (j = 0; j <= n; j++)
        row[j] = j;
    for (i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (j = 0; j < n; j++) {
            const size_t change = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            row[j + 1] = least(change, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[n];
}

/* Two slips at most, and something is right. */
static bool is_near(const char *a, const char *b, size_t *best)
{
    const size_t d = distance(a, b);

    if (d > 2 || d >= strlen(b) || d >= *best)
        return false;
    *best = d;
    return true;
}

const char *sl_key_nearest(const char *section, const char *name, const char **other)
{
    const char *found = NULL;
    size_t i, best = WORD_MAX;

    *other = NULL;
    for (i = 0; i < sl_keys_n; i++) {
        if (strcmp(sl_keys[i].section, section) == 0 && is_near(name, sl_keys[i].name, &best))
            found = sl_keys[i].name;
    }
    if (found != NULL)
        return found;
    for (i = 0; i < sl_keys_n; i++) {
        if (sl_keys[i].type != SL_KEY_ROUTE && is_near(name, sl_keys[i].name, &best)) {
            found = sl_keys[i].name;
            *other = sl_keys[i].section;
        }
    }
    return found;
}

const char *sl_section_nearest(const char *section)
{
    const char *found = NULL;
    size_t i, best = WORD_MAX;

    for (i = 0; i < SECTIONS_N; i++) {
        if (is_near(section, sections[i].name, &best))
            found = sections[i].name;
    }
    return found;
}
