/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>

#include "net/net.h"

enum { PREFIX_TEXT_MAX = INET6_ADDRSTRLEN + 4 };

void sl_addr_format(const struct sl_addr *a, char *out, size_t room)
{
    const char *text = sl_addr_is_ip4(a) ? inet_ntop(AF_INET, a->bytes + 12, out, (socklen_t)room)
                                         : inet_ntop(AF_INET6, a->bytes, out, (socklen_t)room);

    if (text == NULL && room > 0)
        out[0] = '\0';
}

bool sl_addr_parse(const char *text, struct sl_addr *a)
{
    uint32_t ip4;

    if (inet_pton(AF_INET, text, &ip4) == 1) {
        *a = sl_addr_of_ip4(ip4);
        return true;
    }
    *a = (struct sl_addr){.scope = 0};
    return inet_pton(AF_INET6, text, a->bytes) == 1;
}

/* One to three digits and nothing else: strtoul() would take signs and blanks. */
static bool parse_len(const char *text, unsigned most, unsigned *len)
{
    size_t i;

    *len = 0;
    for (i = 0; i < 3 && text[i] >= '0' && text[i] <= '9'; i++)
        *len = *len * 10 + (unsigned)(text[i] - '0');
    return i > 0 && text[i] == '\0' && *len <= most;
}

bool sl_addr_parse_prefix(const char *text, struct sl_addr *a, unsigned *prefix_len)
{
    const char *slash = strchr(text, '/');
    char address[PREFIX_TEXT_MAX];

    if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    return sl_addr_parse(address, a) &&
           parse_len(slash + 1, sl_addr_is_ip4(a) ? 32 : 128, prefix_len);
}
