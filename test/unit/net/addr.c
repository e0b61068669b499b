/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/addr.h"

#include <arpa/inet.h>

#include <criterion/criterion.h>

#include "net/net.h"

static const struct {
    const char *text;
    bool good;
    uint8_t bytes[16];
    const char *again; /* as it is written; NULL: as it was read */
} addresses[] = {
    {"10.0.0.1", true, {[10] = 0xff, 0xff, 10, 0, 0, 1}, NULL},
    {"255.255.255.255", true, {[10] = 0xff, 0xff, 255, 255, 255, 255}, NULL},
    {"::ffff:10.0.0.1", true, {[10] = 0xff, 0xff, 10, 0, 0, 1}, "10.0.0.1"},
    {"::", true, {0}, NULL},
    {"fe80::1", true, {0xfe, 0x80, [15] = 1}, NULL},
    {"2001:db8:0:0:0:0:0:42", true, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x42}, "2001:db8::42"},
    {"", false, {0}, NULL},
    {"10.0.0", false, {0}, NULL},
    {"10.0.0.256", false, {0}, NULL},
    {"10.0.0.1 ", false, {0}, NULL},
    {" 10.0.0.1", false, {0}, NULL},
    {"10.0.0.1/24", false, {0}, NULL},
    {"0x0a.0.0.1", false, {0}, NULL},
    {"fe80:::1", false, {0}, NULL},
    {"eth0", false, {0}, NULL},
};

Test(addr, text_of_both_families)
{
    size_t i;

    for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        const char *text = addresses[i].text;
        const char *again = addresses[i].again != NULL ? addresses[i].again : text;
        char out[INET6_ADDRSTRLEN];
        struct sl_addr a;

        cr_expect_eq(sl_addr_parse(text, &a), addresses[i].good, "%s", text);
        if (!addresses[i].good)
            continue;
        cr_expect_arr_eq(a.bytes, addresses[i].bytes, 16, "%s", text);
        cr_expect_eq(a.scope, 0, "%s", text);
        sl_addr_format(&a, out, sizeof(out));
        cr_expect_str_eq(out, again);
    }
}

Test(addr, no_room_gives_an_empty_text)
{
    const struct sl_addr a = sl_addr_of_ip4(htonl(0x0a000001));
    char out[8] = "xxxxxxx"; /* "10.0.0.1" and its end take 9 */

    sl_addr_format(&a, out, sizeof(out));
    cr_expect_str_eq(out, "");
}

static const struct {
    const char *text;
    bool good;
    const char *address;
    unsigned len;
} prefixes[] = {
    {"10.0.0.1/24", true, "10.0.0.1", 24},
    {"0.0.0.0/0", true, "0.0.0.0", 0},
    {"10.0.0.1/32", true, "10.0.0.1", 32},
    {"2001:db8::1/64", true, "2001:db8::1", 64},
    {"1111:2222:3333:4444:5555:6666:255.255.255.255/128", true,
     "1111:2222:3333:4444:5555:6666:ffff:ffff", 128},
    {"10.0.0.1/33", false, NULL, 0},
    {"2001:db8::1/129", false, NULL, 0},
    {"::ffff:10.0.0.1/120", false, NULL, 0},
    {"10.0.0.1", false, NULL, 0},
    {"10.0.0.1/", false, NULL, 0},
    {"10.0.0.1/-1", false, NULL, 0},
    {"10.0.0.1/+8", false, NULL, 0},
    {"10.0.0.1/ 8", false, NULL, 0},
    {"10.0.0.1/8x", false, NULL, 0},
    {"10.0.0.1/0000000024", false, NULL, 0},
    {"10.0.0.1/4294967304", false, NULL, 0},
    {"/24", false, NULL, 0},
    {"10.0.0.1/24/24", false, NULL, 0},
    {"11111111111111111111111111111111111111111111111111111111111111111111111111/8", false, NULL,
     0},
};

Test(addr, text_of_prefixes)
{
    size_t i;

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct sl_addr a;
        unsigned len;
        char out[INET6_ADDRSTRLEN];

        cr_expect_eq(sl_addr_parse_prefix(prefixes[i].text, &a, &len), prefixes[i].good, "%s",
                     prefixes[i].text);
        if (!prefixes[i].good)
            continue;
        sl_addr_format(&a, out, sizeof(out));
        cr_expect_str_eq(out, prefixes[i].address);
        cr_expect_eq(len, prefixes[i].len, "%s", prefixes[i].text);
    }
}
