/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "sealane/sealane.h"

/*
 * Options of TCP-ENO and tcpcrypt at level IPPROTO_TCP, named as in draft-ietf-tcpinc-api-06, whose
 * semantics they have. The numbers are ours (a block that does not collide with Linux').
 * A failure is always an error, never an empty or zero session ID: check every return value.
 */
enum {
    TCP_ENO_ENABLED = 0x4500, /* rw int: -1 (the configuration's default), 0, 1 */
    TCP_ENO_SESSID,           /* r bytes: 33 for tcpcrypt; ENOTCONN, EINVAL when disabled */
    TCP_ENO_NEGTEP,           /* r int: identifier, with the v bit of host B */
    TCP_ENO_TEPS,             /* rw bytes */
    TCP_ENO_SELF_GOPT,        /* rw int */
    TCP_ENO_PEER_GOPT,        /* r int */
    TCP_ENO_AA_MANDATORY,     /* rw int */
    TCP_ENO_TEP_MANDATORY,    /* rw int: 1: no plain TCP */
    TCP_ENO_ROLE,             /* r int: 0 = A, 1 = B */
    TCP_ENO_SELF_NAME,        /* r bytes: role, session ID */
    TCP_ENO_PEER_NAME,        /* r bytes: the same with the peer's role */
    TCP_CRYPT_CONF = 0x4580,  /* r int: AEAD identifier */
};
