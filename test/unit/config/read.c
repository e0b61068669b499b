/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "config/config.h"

#define PORT "[port tap0]\ndevice = tap:sealane0\n"

/* A text and what its error says; "" for none. */
static const struct {
    const char *story, *text, *error;
} texts[] = {
    {"nothing", "", ""},
    {"comments of all kinds", "# a\n; b\n\n  # c\n[tcp] ; d\nrcvbuf = 2M ; e\n", ""},
    {"Windows line ends", "[tcp]\r\nrcvbuf = 2M\r\n", ""},
    {"no newline at the end", "[tcp]\nrcvbuf=2M", ""},
    {"a mark of UTF-8", "\xef\xbb\xbf[tcp]\nrcvbuf = 2M\n", ""},
    {"a mark of UTF-8 alone", "\xef\xbb\xbf", ""},
    {"a mark of UTF-8 moves no line", "\xef\xbb\xbf[tcp]\nttl = x\n", "t.conf:2: tcp.ttl: 'x' is"},
    {"a mark of UTF-8 elsewhere", "[tcp]\n\xef\xbb\xbf[tcp]\n",
     "t.conf:2: '\xef\xbb\xbf[tcp]' is no section, key or comment"},
    {"half a mark of UTF-8", "\xef\xbb[tcp]\n", "t.conf:1: '\xef\xbb[tcp]' is no section, key"},
    {"an indented line is a line of its own", "[tcp]\nrcvbuf = 2M\n  sndbuf = 2M\n", ""},
    {"size", "[tcp]\n\nrcvbuf = 3X\n",
     "t.conf:3: tcp.rcvbuf: '3X' is no size; give bytes, or K, M, G"},
    {"size with a sign", "[tcp]\nrcvbuf = -1\n", "t.conf:2: tcp.rcvbuf: '-1' is no size"},
    {"size beyond 64 bits", "[tcp]\nrcvbuf = 99999999999999G\n",
     "t.conf:2: tcp.rcvbuf: '99999999999999G' is no size"},
    {"size out of range", "[tcp]\nrcvbuf = 2G\n",
     "t.conf:2: tcp.rcvbuf: 2G is out of range; give 4K to 1G"},
    {"duration", "[tcp]\ndelayed-ack = 40\n",
     "t.conf:2: tcp.delayed-ack: '40' is no duration; give a number with ns, us, ms, s, min or h"},
    {"duration out of range", "[tcp]\ndelayed-ack = 1s\n",
     "t.conf:2: tcp.delayed-ack: 1s is out of range; give 0 to 500ms"},
    {"number", "[tcp]\nttl = many\n", "t.conf:2: tcp.ttl: 'many' is no number; give digits"},
    {"number out of range", "[tcp]\nttl = 256\n",
     "t.conf:2: tcp.ttl: 256 is out of range; give 1 to 255"},
    {"fewer jobs than a handshake needs", "[crypt]\njobs = 15\n",
     "t.conf:2: crypt.jobs: 15 is out of range; give 16 to 1048576"},
    {"fewer ranges than a burst needs", "[tcp]\nrcv-ranges = 63\n",
     "t.conf:2: tcp.rcv-ranges: 63 is out of range; give 64 to 65536"},
    {"EAL's help", "[eal]\narg = --help\n", "t.conf:2: eal.arg: --help would end the program; "},
    {"EAL's help, shortened", "[eal]\narg = --he\n", "t.conf:2: eal.arg: --he would end "},
    {"EAL's help, as a letter", "[eal]\narg = -h\n", "t.conf:2: eal.arg: -h would end "},
    {"arguments like EAL's help", "[eal]\narg = --huge-dir=/x\narg = --\narg = --helper\n", ""},
    {"flag", "[tcp]\ntimestamps = maybe\n", "t.conf:2: tcp.timestamps: 'maybe' is neither yes"},
    {"choice", "[crypt]\nmode = on\n",
     "t.conf:2: crypt.mode: 'on' is none of off, opportunistic, require"},
    {"TEP", "[crypt]\ntep = 0x7e\n", "t.conf:2: crypt.tep: '0x7e' is no TEP that is built; give "},
    {"TEP twice", "[crypt]\ntep = 0x23, X25519\n",
     "t.conf:2: crypt.tep: 'X25519' stands there twice"},
    {"AEAD", "[crypt]\naead = ROT13\n", "t.conf:2: crypt.aead: 'ROT13' is no AEAD of ours; give "},
    {"engine", "[crypt]\nengine = steam\n",
     "t.conf:2: crypt.engine: 'steam' is no engine that is built; give auto"},
    {"MAC", "[port a]\nmac = 02:00\n", "t.conf:2: port a.mac: '02:00' is no MAC address; give "},
    {"MAC of a group", "[port a]\nmac = 01:00:00:00:00:01\n",
     "t.conf:2: port a.mac: 01:00:00:00:00:01 is no MAC address of one station"},
    {"address", "[port a]\naddress = 10.0.0.1\n",
     "t.conf:2: port a.address: '10.0.0.1' is no IPv4 address with a length; give one like "
     "10.77.0.2/24"},
    {"route's network", "[route]\n10.0.0.0 = 10.0.0.1\n",
     "t.conf:2: route.10.0.0.0: no IPv4 network; give one like 10.1.0.0/16, or default"},
    {"route's network has bits of a host", "[route]\n10.0.0.1/8 = 10.0.0.1\n",
     "t.conf:2: route.10.0.0.1/8: has bits beyond its length of 8"},
    {"route's gateway", "[route]\ndefault = here\n",
     "t.conf:2: route.default: 'here' is no IPv4 address; give the gateway's"},
    {"route's gateway is no host", "[route]\ndefault = 224.0.0.1\n",
     "t.conf:2: route.default: 224.0.0.1 is a multicast address; give the gateway's, like "},
    {"route twice", "[route]\ndefault = 10.0.0.1\ndefault = 10.0.0.1\n",
     "t.conf:3: route.default: stands there twice"},
    {"two gateways of one network", "[route]\ndefault = 10.0.0.1\ndefault = 10.0.0.2\n", ""},
    {"no value", "[tcp]\nrcvbuf =\n", "t.conf:2: tcp.rcvbuf: has no value"},
    {"key misspelt", "[tcp]\nrcvbuff = 1M\n",
     "t.conf:2: tcp.rcvbuff: no such key; did you mean rcvbuf?"},
    {"key of another section", "[tcp]\nmode = off\n",
     "t.conf:2: tcp.mode: no such key; did you mean crypt.mode?"},
    {"key like nothing", "[tcp]\nfrobnicate = 1\n",
     "t.conf:2: tcp.frobnicate: no such key; see sealane config --reference"},
    {"key of a port misspelt", "[port tap0]\nadress = 10.0.0.1/8\n",
     "t.conf:2: port tap0.adress: no such key; did you mean address?"},
    {"section misspelt", "[tpc]\n", "t.conf:1: [tpc]: no such section; did you mean [tcp]?"},
    {"section like nothing", "\n[kernel]\n",
     "t.conf:2: [kernel]: no such section; see sealane config --reference"},
    {"port without a name", "[port]\n", "t.conf:1: [port] lacks a name; write [port NAME]"},
    {"section without its end", "[tcp\n", "t.conf:1: section without its ]"},
    {"a comment in a section", "[port a ; b]\ndevice = ring:x\n",
     "t.conf:1: section without its ]: ' ;' begins a comment"},
    {"a comment in a key", "[tcp]\nrcvbuf ; half = 1M\n",
     "t.conf:2: key without its =: ' ;' begins a comment"},
    {"a key behind a section", "[tcp] rcvbuf = 1M\n",
     "t.conf:1: 'rcvbuf = 1M' behind a section; it goes on a line of its own"},
    {"a long section", "[port a-name-that-is-much-longer-than-forty-nine-characters]\n",
     "t.conf:1: name of a section longer than 49 characters"},
    {"a long key", "[tcp]\na-key-that-is-much-longer-than-the-forty-nine-that-inih-takes = 1\n",
     "t.conf:2: key longer than 49 characters"},
    {"no section", "rcvbuf = 1M\n", "t.conf:1: rcvbuf: stands in no section"},
    {"no assignment", "[tcp]\nrcvbuf 1M\n",
     "t.conf:2: 'rcvbuf 1M' is no section, key or comment; write KEY = VALUE"},
    {"a comment that is none", "[tcp]\nttl = 64 # hops\n",
     "t.conf:2: tcp.ttl: '64 # hops' is no number"},
    {"key twice", "[tcp]\nrcvbuf = 1M\nsndbuf = 1M\nrcvbuf = 2M\n",
     "t.conf:4: tcp.rcvbuf: set twice; line 2 has it too"},
    {"key of one port twice", PORT "[port b]\nmtu = 1400\n[port tap0]\ndevice = ring:x\n",
     "t.conf:6: port tap0.device: set twice; line 2 has it too"},
    {"the first error counts", "[tcp]\nttl = 0\nttl = x\n", "t.conf:2: tcp.ttl: 0 is out of range"},
};

/* RFC 1122 3.2.1.3; RFC 3021 2.1 for networks of two addresses. */
Test(config_read, addresses_are_those_that_a_host_may_have)
{
    static const struct {
        const char *address, *error;
    } cases[] = {
        {"10.1.1.1/24", ""},
        {"10.1.1.254/24", ""},
        {"10.1.1.0/23", ""},
        {"10.0.255.255/8", ""},
        {"10.1.1.0/31", ""},
        {"10.1.1.1/31", ""},
        {"10.1.1.255/32", ""},
        {"223.255.255.254/1", ""},
        {"10.1.1.0/24", "is the address of the network itself"},
        {"10.1.1.4/30", "is the address of the network itself"},
        {"10.1.1.255/24", "is the network's broadcast address"},
        {"10.1.1.7/30", "is the network's broadcast address"},
        {"224.1.1.1/24", "is a multicast address"},
        {"239.255.255.255/32", "is a multicast address"},
        {"240.0.0.1/24", "is a reserved address"},
        {"127.0.0.1/8", "is a loopback address"},
        {"0.0.0.0/0", "is no address of a host"},
        {"0.1.2.3/8", "is no address of a host"},
        {"255.255.255.255/32", "is the broadcast address"},
        {"10.1.1.1/0", "has a prefix of no bits"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool good = cases[i].error[0] == '\0';
        struct sl_config *c = sl_config_create();
        char text[64], want[128] = "", err[SL_ERR_BYTES] = "";

        (void)snprintf(text, sizeof(text), "[port a]\naddress = %s\n", cases[i].address);
        if (!good) {
            (void)snprintf(want, sizeof(want),
                           "t.conf:2: port a.address: %s %s; give a host's, like 10.77.0.2/24",
                           cases[i].address, cases[i].error);
        }
        cr_expect_eq(sl_config_read_text(c, text, "t.conf", err, sizeof(err)), good ? 0 : -EINVAL);
        cr_expect_str_eq(err, want);
        sl_config_destroy(c);
    }
}

Test(config_read, texts)
{
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sl_config *c = sl_config_create();
        char err[SL_ERR_BYTES] = "";
        const int rc = sl_config_read_text(c, texts[i].text, "t.conf", err, sizeof(err));

        cr_expect_eq(rc, texts[i].error[0] != '\0' ? -EINVAL : 0, "%s: %d", texts[i].story, rc);
        cr_expect(strncmp(err, texts[i].error, strlen(texts[i].error)) == 0, "%s: %s\n expected %s",
                  texts[i].story, err, texts[i].error);
        sl_config_destroy(c);
    }
}

static struct sl_config *good(const char *text)
{
    struct sl_config *c = sl_config_create();
    char err[SL_ERR_BYTES] = "";

    cr_assert_eq(sl_config_read_text(c, text, "t.conf", err, sizeof(err)), 0, "%s", err);
    return c;
}

static void set(struct sl_config *c, const char *assignment)
{
    char err[SL_ERR_BYTES] = "";

    cr_assert_eq(sl_config_set(c, assignment, err, sizeof(err)), 0, "%s", err);
}

Test(config_read, values_arrive)
{
    struct sl_config *c = good("[eal]\narg = --no-huge\narg = -m\narg=64\n"
                               "[port tap0]\ndevice = net_tap7,iface=x,mac=fixed\nmtu = 1400\n"
                               "mac = 02:00:00:00:00:07\nshard = 3\n"
                               "address = 10.0.0.2/24\naddress = 10.1.0.2/16\n"
                               "[route]\ndefault = 10.0.0.1\n10.9.0.0/16 = 10.1.0.1\n"
                               "[tcp]\nrcvbuf = 65536\nsndbuf = 256K\ndelayed-ack = 0\n"
                               "rto-min = 5ms\nmsl = 1min\nport-first = 2000\nttl = 17\n"
                               "timestamps = no\nwindow-scale = off\n"
                               "[crypt]\nmode = require\nengine = openssl\n"
                               "[shard]\nidle = spin\n[log]\nlevel = debug\n");
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};

    cr_expect_eq(c->eal.n, 3);
    cr_expect_str_eq(c->eal.args[2], "64");
    cr_expect_eq(c->n_ports, 1);
    cr_expect_str_eq(c->ports[0].name, "tap0");
    cr_expect_str_eq(c->ports[0].device, "net_tap7,iface=x,mac=fixed");
    cr_expect_eq(c->ports[0].mtu_bytes, 1400);
    cr_expect_eq(c->ports[0].queues, 1);
    cr_expect_eq(c->ports[0].shard, 3);
    cr_expect_arr_eq(c->ports[0].mac, mac, sizeof(mac));
    cr_expect_eq(c->ports[0].addresses.n, 2);
    cr_expect_str_eq(c->ports[0].addresses.text[1], "10.1.0.2/16");
    cr_expect_eq(c->n_routes, 2);
    cr_expect_str_eq(c->routes[0].prefix, "0.0.0.0/0");
    cr_expect_str_eq(c->routes[1].via, "10.1.0.1");
    cr_expect_eq(c->shard.rcvbuf_bytes, 65536);
    cr_expect_eq(c->shard.sndbuf_bytes, 262144);
    cr_expect_eq(c->shard.delayed_ack_ns, 0);
    cr_expect_eq(c->shard.rto_min_ns, 5000000);
    cr_expect_eq(c->shard.msl_ns, 60000000000);
    cr_expect_eq(c->shard.port_first, 2000);
    cr_expect_eq(c->shard.ttl, 17);
    cr_expect(!c->shard.timestamps && !c->shard.window_scale);
    cr_expect_eq(c->shard.crypt_mode, SL_CRYPT_REQUIRE);
    cr_expect_str_eq(c->shard.engine, "openssl");
    cr_expect_eq(c->idle, SL_IDLE_SPIN);
    cr_expect_eq(c->log_level, SL_LOG_DEBUG);
    sl_config_destroy(c);
}

/* In a file the preferred one comes first; a shard has it last, as the wire has (R54). */
Test(config_read, lists_name_the_preferred_one_first)
{
    struct sl_config *c = good("[crypt]\naead = AES-256-GCM, chacha20-poly1305\n"
                               "aead = AES-128-GCM\ntep = x25519\n");

    cr_expect_eq(c->shard.n_aeads, 3);
    cr_expect_eq(c->shard.aeads[2], 0x0002);
    cr_expect_eq(c->shard.aeads[1], 0x0010);
    cr_expect_eq(c->shard.aeads[0], 0x0001);
    cr_expect_eq(c->shard.n_teps, 1);
    cr_expect_eq(c->shard.teps[0], 0x23);
    sl_config_destroy(c);
}

Test(config_read, a_set_overrides_a_file)
{
    struct sl_config *c = good(PORT "address = 10.0.0.2/24\n[tcp]\nrcvbuf = 1M\n"
                                    "[route]\ndefault = 10.0.0.1\n[crypt]\naead = AES-256-GCM\n");

    set(c, "tcp.rcvbuf=2M");
    set(c, "tcp.rcvbuf = 4M"); /* the last one counts */
    set(c, "crypt.mode=off");
    set(c, "crypt.aead=AES-128-GCM");
    set(c, "crypt.aead=AES-256-GCM"); /* adds to the set before, not to the file */
    set(c, "port tap0.mtu=1400");
    set(c, "port tap0.address=10.9.0.2/16");
    set(c, "route.10.8.0.0/16=10.9.0.1");
    set(c, "eal.arg=--vdev=net_null0,size=64");
    cr_expect_eq(c->shard.rcvbuf_bytes, 4 << 20);
    cr_expect_eq(c->shard.crypt_mode, SL_CRYPT_OFF);
    cr_expect_eq(c->shard.n_aeads, 2);
    cr_expect_eq(c->shard.aeads[1], 0x0001);
    cr_expect_eq(c->n_ports, 1);
    cr_expect_eq(c->ports[0].mtu_bytes, 1400);
    cr_expect_eq(c->ports[0].addresses.n, 1);
    cr_expect_str_eq(c->ports[0].addresses.text[0], "10.9.0.2/16");
    cr_expect_eq(c->n_routes, 1);
    cr_expect_str_eq(c->routes[0].prefix, "10.8.0.0/16");
    cr_expect_str_eq(c->eal.args[0], "--vdev=net_null0,size=64");
    sl_config_destroy(c);
}

Test(config_read, a_port_may_have_dots_in_its_name)
{
    struct sl_config *c = good("[port eth0.100]\ndevice = af_packet:eth0.100\n");

    set(c, "port eth0.100.mtu=1496");
    cr_expect_eq(c->n_ports, 1);
    cr_expect_eq(c->ports[0].mtu_bytes, 1496);
    sl_config_destroy(c);
}

Test(config_read, a_bad_set_says_so)
{
    static const struct {
        const char *assignment, *error;
    } cases[] = {
        {"tcp.rcvbuf=3X", "--set: tcp.rcvbuf: '3X' is no size; give bytes, or K, M, G"},
        {"tcp.rcvbuff=1M", "--set: tcp.rcvbuff: no such key; did you mean rcvbuf?"},
        {"tpc.rcvbuf=1M", "--set: [tpc]: no such section; did you mean [tcp]?"},
        {"tcp.rcvbuf", "--set: 'tcp.rcvbuf' is no assignment; write SECTION.KEY=VALUE"},
        {"rcvbuf=1M", "--set: 'rcvbuf=1M' is no assignment; write SECTION.KEY=VALUE"},
        {"tcp.rcvbuf=", "--set: tcp.rcvbuf: has no value"},
        {"", "--set: '' is no assignment"},
    };
    struct sl_config *c = sl_config_create();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char err[SL_ERR_BYTES] = "";

        cr_expect_eq(sl_config_set(c, cases[i].assignment, err, sizeof(err)), -EINVAL);
        cr_expect(strncmp(err, cases[i].error, strlen(cases[i].error)) == 0, "%s", err);
    }
    sl_config_destroy(c);
}

/* What inih would cut at 199 bytes without a word. */
Test(config_read, long_lines_are_refused_long_comments_are_not)
{
    struct sl_config *c = sl_config_create();
    char text[1024], err[SL_ERR_BYTES] = "";

    (void)snprintf(text, sizeof(text), "# %0400d\n[eal]\narg = %0180d\n", 0, 0);
    cr_expect_eq(sl_config_read_text(c, text, "a.conf", err, sizeof(err)), 0, "%s", err);
    cr_expect_eq(strlen(c->eal.args[0]), 180);
    (void)snprintf(text, sizeof(text), "[eal]\narg = %0192d\n", 0);
    cr_expect_eq(sl_config_read_text(c, text, "b.conf", err, sizeof(err)), -EINVAL);
    cr_expect_not_null(strstr(err, "b.conf:2: line longer than 197 characters"), "%s", err);
    sl_config_destroy(c);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    cr_assert(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

Test(config_read, files)
{
    char path[] = "/tmp/sl-config-XXXXXX", want[128], err[SL_ERR_BYTES] = "";
    struct sl_config *c = sl_config_create();
    const int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    (void)close(fd);
    write_file(path, "[tcp]\nttl = 9\n", 14);
    cr_expect_eq(sl_config_read(c, path, err, sizeof(err)), 0, "%s", err);
    cr_expect_eq(c->shard.ttl, 9);
    write_file(path, "[tcp]\nttl = 8\n\0\n", 16); /* a second file overrides the first */
    cr_expect_eq(sl_config_read(c, path, err, sizeof(err)), -EINVAL);
    (void)snprintf(want, sizeof(want), "%s:3: zero byte", path);
    cr_expect(strncmp(err, want, strlen(want)) == 0, "%s", err);
    cr_expect_eq(c->shard.ttl, 8);
    (void)unlink(path);
    cr_expect_eq(sl_config_read(c, path, err, sizeof(err)), -ENOENT);
    (void)snprintf(want, sizeof(want), "%s: cannot be opened: No such file or directory", path);
    cr_expect_str_eq(err, want);
    cr_expect_lt(sl_config_read(c, "/", err, sizeof(err)), 0);
    cr_expect_not_null(strstr(err, "/: cannot be read"), "%s", err);
    sl_config_destroy(c);
}

/* As from /dev/zero: what is read of it is bounded, whether it has lines or not. */
Test(config_read, what_is_too_long_is_refused)
{
    enum { MIB = 1 << 20 };
    struct sl_config *c = sl_config_create();
    char *text = malloc(MIB + 2), err[SL_ERR_BYTES] = "";
    size_t i;

    for (i = 0; i < MIB; i++)
        text[i] = i % 64 == 63 ? '\n' : '#';
    text[MIB] = '\0';
    cr_expect_eq(sl_config_read_text(c, text, "a.conf", err, sizeof(err)), 0, "%s", err);
    memcpy(text + MIB, "#", 2);
    cr_expect_eq(sl_config_read_text(c, text, "b.conf", err, sizeof(err)), -EINVAL);
    cr_expect_str_eq(err, "b.conf: longer than 1 MiB; this is no configuration");
    memset(text, 'x', MIB);
    text[MIB] = '\0';
    cr_expect_eq(sl_config_read_text(c, text, "c.conf", err, sizeof(err)), -EINVAL);
    cr_expect_not_null(strstr(err, "c.conf:1: line longer than 197 characters"), "%s", err);
    cr_expect_eq(sl_config_read(c, "/dev/zero", err, sizeof(err)), -EINVAL);
    cr_expect_str_eq(err, "/dev/zero: longer than 1 MiB; this is no configuration");
    cr_expect_eq(sl_config_read(c, "/dev/null", err, sizeof(err)), 0);
    free(text);
    sl_config_destroy(c);
}
