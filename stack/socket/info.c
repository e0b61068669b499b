/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "socket/result.h"
#include "socket/socket.h"

/* What programs print of a connection. */

_Static_assert(sizeof(((struct sl_conn_info *)0)->session_id) >= SL_TEP_SESSION_ID_MAX_BYTES,
               "a session ID fits");

enum { TEP_MASK = 0x7f };

static void write_peer(const struct sl_tcb_facts *f, char *out, size_t room)
{
    char address[INET6_ADDRSTRLEN];

    sl_addr_format(&f->remote, address, sizeof(address));
    (void)snprintf(out, room, "%s:%u", address, ntohs(f->remote_port));
}

static void write_encryption(const struct sl_tcb_facts *f, struct sl_conn_info *info)
{
    info->encrypted = f->encrypted;
    info->negotiating = f->negotiating;
    if (f->encrypted) {
        info->resumed = f->resumed;
        info->tep = f->tep_byte & TEP_MASK;
        info->aead = sl_aead_name(f->aead);
        info->role = f->role == SL_TEP_ROLE_A ? 'A' : 'B';
        info->session_id_len = f->session_id_len;
        memcpy(info->session_id, f->session_id, f->session_id_len);
    } else if (!f->negotiating && f->fallback != SL_ENO_FALLBACK_NONE) {
        info->fallback = sl_eno_fallback_name(f->fallback);
    }
}

int sl_conn_info(int fd, struct sl_conn_info *info)
{
    struct sl_tcb_facts f;
    struct sl_socket *sock;
    int rc = sl_socket_get(fd, &sock);

    if (rc == 0 && sock->tcb == NULL)
        rc = -ENOTCONN;
    if (rc < 0)
        return (int)sl_result(rc);
    sl_tcb_facts(sock->tcb, &f);
    *info = (struct sl_conn_info){
        .error = f.error == SL_TCP_OK ? NULL : sl_tcp_error_name(f.error),
        .finished = f.error != SL_TCP_OK || f.state == SL_TCP_CLOSED || f.state == SL_TCP_TIME_WAIT,
        .retransmitted_segs = f.retransmitted_segs,
        .srtt_ns = f.srtt_ns,
        .unacked_bytes = f.unacked_bytes,
    };
    write_peer(&f, info->peer, sizeof(info->peer));
    write_encryption(&f, info);
    return 0;
}
