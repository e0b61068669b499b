#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel's TCP sends 100 MB to the echo server over a tap and gets them back, in plain TCP.
. "$(dirname "$0")/lib.sh"

namespace host
tap_echo "$host"
blob sent 100M
on "$host" ncat $OURS 7 <"$TMP/sent" >"$TMP/received" || fail "ncat fails"
same sent received
stop echo
lines echo.out --connections 1 --each encrypted=false --each 'fallback="no_eno"' \
    --each bytes_in=104857600 --each bytes_out=104857600 --each error=null
