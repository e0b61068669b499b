/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "socket/socket.h"

/*
 * Tables of socket options: option.c has those that every system knows and the calls themselves,
 * option_crypt.c those of sealane/crypt.h. An option is an int or bytes; what is NULL cannot be
 * done with it. Functions return 0 or a negative errno.
 */
struct sl_option {
    int level, name;
    int (*get_int)(const struct sl_socket *sock, int *value);
    int (*set_int)(struct sl_socket *sock, int value);
    /* `*len`: the room, then the length. */
    int (*get_bytes)(const struct sl_socket *sock, void *out, size_t *len);
    int (*set_bytes)(struct sl_socket *sock, const void *in, size_t len);
};

extern const struct sl_option sl_options_crypt[];
extern const size_t sl_options_crypt_n;
