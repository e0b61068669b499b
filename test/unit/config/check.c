/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "config/config.h"

#define TAP  "[port tap0]\ndevice = tap:sealane0\naddress = 10.77.0.2/24\n"
#define RING "[port a]\ndevice = ring:x\n[port b]\ndevice = ring:x\n"

static const struct {
    const char *story, *text, *error;
} cases[] = {
    {"a tap", TAP, ""},
    {"two shards on a ring", RING "shard = 1\n", ""},
    {"no port", "[tcp]\nttl = 64\n", "t.conf: there is no port; write [port NAME]"},
    {"a port without a device", TAP "\n[port b]\nmtu = 1400\n",
     "t.conf:5: [port b] has no device; write device = "},
    {"an empty section of a port", TAP "[port b]\n", "t.conf:4: [port b] has no device"},
    {"a ring with one end", "[port a]\ndevice = ring:x\n[port b]\ndevice = ring:y\n",
     "t.conf:2: port a.device: ring:x needs two ports"},
    {"a ring with three ends", RING "[port c]\ndevice = ring:x\n",
     "t.conf:2: port a.device: ring:x needs two ports"},
    {"a tap without a name", "[port a]\ndevice = tap:\n",
     "t.conf:2: port a.device: tap:: no name of an interface; it has 1 to 15 characters"},
    {"an interface of 15 characters", "[port a]\ndevice = af_packet:123456789012345\n", ""},
    {"an interface of 16 characters", "[port a]\ndevice = af_packet:1234567890123456\n",
     "t.conf:2: port a.device: af_packet:1234567890123456: no name of an interface"},
    {"a device of two ports", TAP "[port b]\nmtu = 1400\ndevice = tap:sealane0\n",
     "t.conf:6: port b.device: port tap0 has tap:sealane0 already; name another device"},
    {"a device of two ports, with other arguments",
     "[port a]\ndevice = net_null0\n[port b]\ndevice = net_null0,size=64\nshard = 1\n",
     "t.conf:4: port b.device: port a has net_null0,size=64 already; name another"},
    {"devices whose names begin alike",
     "[port a]\ndevice = net_null1\n[port b]\ndevice = net_null10\n", ""},
    {"a gap in the shards", RING "shard = 2\n",
     "t.conf:5: port b.shard: shard 1 has no port, but shard 2 has; number them from 0 on"},
    {"a shard that is not the first", TAP "shard = 3\n",
     "t.conf:4: port tap0.shard: shard 0 has no port, but shard 3 has"},
    {"one address on two ports of a shard",
     RING "address = 10.0.0.1/8\n[port a]\n"
          "address = 10.0.0.1/8\n",
     "t.conf:7: port a.address: 10.0.0.1/8 is there twice, on port b too"},
    {"one address twice on a port, with other lengths",
     TAP "mtu = 1400\naddress = 10.77.0.2/16\nmac = 02:00:00:00:00:01\naddress = 10.1.0.2/16\n",
     "t.conf:5: port tap0.address: 10.77.0.2/16 is there twice, on port tap0 too; take one"},
    {"one address on ports of two shards",
     RING "shard = 1\naddress = 10.0.0.1/8\n[port a]\n"
          "address = 10.0.0.1/8\n",
     ""},
    {"a gateway on the port's network", TAP "[route]\ndefault = 10.77.0.1\n", ""},
    {"a gateway on no network", TAP "[route]\ndefault = 10.78.0.1\n",
     "t.conf:5: route.0.0.0.0/0: 10.78.0.1 is on no network of a port's address"},
    {"two gateways, the second on no network",
     TAP "[route]\ndefault = 10.77.0.1\n10.1.0.0/16 = 10.78.0.1\n",
     "t.conf:6: route.10.1.0.0/16: 10.78.0.1 is on no network of a port's address; give a"},
    {"a gateway that is ourselves", TAP "[route]\ndefault = 10.77.0.2\n",
     "t.conf:5: route.0.0.0.0/0: 10.77.0.2 is our own address; give the gateway's"},
    {"a gateway that is another port's address",
     RING "shard = 1\naddress = 10.0.0.1/8\n[port a]\naddress = 10.0.0.2/8\n"
          "[route]\ndefault = 10.0.0.1\n",
     "t.conf:10: route.0.0.0.0/0: 10.0.0.1 is our own address"},
    {"a gateway that is a broadcast address", TAP "[route]\ndefault = 10.77.0.255\n",
     "t.conf:5: route.0.0.0.0/0: 10.77.0.255 is the network's broadcast address; give "},
    {"a gateway that is the network", TAP "[route]\ndefault = 10.77.0.0\n",
     "t.conf:5: route.0.0.0.0/0: 10.77.0.0 is the address of the network itself; give "},
    {"a gateway over a link of two",
     "[port a]\ndevice = net_null0\naddress = 10.0.0.1/31\n[route]\ndefault = 10.0.0.0\n", ""},
    {"ports upside down where the first is the default", TAP "[tcp]\nport-last = 2000\n",
     "t.conf:5: tcp.port-first, 16384, is above tcp.port-last, 2000; lower the one"},
    {"ports upside down", TAP "[tcp]\nport-first = 3000\nport-last = 2000\n",
     "t.conf:5: tcp.port-first, 3000, is above tcp.port-last, 2000"},
};

Test(config_check, what_no_single_key_shows)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_config *c = sl_config_create();
        char err[SL_ERR_BYTES] = "";
        int rc;

        cr_assert_eq(sl_config_read_text(c, cases[i].text, "t.conf", err, sizeof(err)), 0, "%s: %s",
                     cases[i].story, err);
        rc = sl_config_check(c, err, sizeof(err));
        cr_expect_eq(rc, cases[i].error[0] != '\0' ? -EINVAL : 0, "%s", cases[i].story);
        cr_expect(strncmp(err, cases[i].error, strlen(cases[i].error)) == 0, "%s: %s\n expected %s",
                  cases[i].story, err, cases[i].error);
        sl_config_destroy(c);
    }
}

Test(config_check, shards_are_counted)
{
    struct sl_config *c = sl_config_create();
    char err[SL_ERR_BYTES];

    cr_expect_eq(sl_config_shards(c), 1);
    cr_assert_eq(sl_config_read_text(c, RING "shard = 1\n", "t", err, sizeof(err)), 0);
    cr_expect_eq(sl_config_shards(c), 2);
    sl_config_destroy(c);
}

Test(config_check, a_program_of_one_shard_names_the_line_of_another)
{
    struct sl_config *c = sl_config_create();
    char err[SL_ERR_BYTES] = "";

    cr_assert_eq(sl_config_read_text(c, RING "mtu = 1400\n", "t.conf", err, sizeof(err)), 0);
    cr_expect_eq(sl_config_check_one_shard(c, err, sizeof(err)), 0, "%s", err);
    cr_assert_eq(sl_config_set(c, "port b.shard=1", err, sizeof(err)), 0);
    cr_expect_eq(sl_config_check_one_shard(c, err, sizeof(err)), -EINVAL);
    cr_expect(strncmp(err, "--set: port b.shard: is 1, but this program is one shard; give ", 63) ==
                  0,
              "%s", err);
    sl_config_destroy(c);
}
