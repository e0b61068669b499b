/* SPDX-License-Identifier: BSD-3-Clause */
#include "shard/iface.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool refuse(char *why, size_t why_len, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(char *why, size_t why_len, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, why_len, format, args);
    va_end(args);
    return false;
}

/* What kernel and DPDK both take as it is. */
bool sl_iface_is_name(const char *name, char *why, size_t why_len)
{
    if (name[0] != '\0' && strlen(name) < IFNAMSIZ && strpbrk(name, ",/:% ") == NULL &&
        strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return true;
    return refuse(why, why_len,
                  "no name of an interface; it has 1 to %d characters, and no , / : %% or space",
                  IFNAMSIZ - 1);
}

static bool refuse_taken(const char *name, char *why, size_t why_len)
{
    return refuse(why, why_len,
                  "interface %s is there already; end the program that made it, or name another",
                  name);
}

bool sl_iface_is_free(const char *name, char *why, size_t why_len)
{
    if (!sl_iface_is_name(name, why, why_len))
        return false;
    return if_nametoindex(name) == 0 || refuse_taken(name, why, why_len);
}

bool sl_iface_is_there(const char *name, char *why, size_t why_len)
{
    if (!sl_iface_is_name(name, why, why_len))
        return false;
    return if_nametoindex(name) != 0 ||
           refuse(why, why_len,
                  "there is no interface %s in this network namespace; make it, or name one that "
                  "ip link shows",
                  name);
}

static bool refuse_tap(const char *name, int error, char *why, size_t why_len)
{
    if (error == EBUSY)
        return refuse_taken(name, why, why_len);
    if (error == EPERM) {
        return refuse(
            why, why_len,
            "to make an interface needs CAP_NET_ADMIN; be root, or in a namespace of your "
            "own (unshare -Urn)");
    }
    return refuse(why, why_len, "the kernel makes no such interface: %s; name another",
                  strerror(error));
}

int sl_iface_make_tap(const char *name, char *why, size_t why_len)
{
    struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_MULTI_QUEUE | IFF_TUN_EXCL)};
    int fd;

    if (!sl_iface_is_name(name, why, why_len))
        return -1;
    if ((fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC)) < 0) {
        (void)refuse(why, why_len,
                     "/dev/net/tun cannot be opened: %s; load the module tun, and allow it here",
                     strerror(errno));
        return -1;
    }
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(fd, TUNSETIFF, &request) == 0)
        return fd;
    (void)refuse_tap(name, errno, why, why_len);
    (void)close(fd);
    return -1;
}

bool sl_iface_may_capture(char *why, size_t why_len)
{
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno == EPERM) {
        return refuse(why, why_len,
                      "to open it needs CAP_NET_RAW; be root, or in a namespace of your own "
                      "(unshare -Urn)");
    }
    if (fd >= 0)
        (void)close(fd);
    return true;
}
