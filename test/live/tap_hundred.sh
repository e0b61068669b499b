#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A hundred connections that are open at once each get back what they sent.
. "$(dirname "$0")/lib.sh"

namespace host
tap_echo "$host"
on "$host" "$HERE/peer.py" echo $OURS 7 200000 100 2>"$TMP/peer.err" || fail "the echo fails"
stop echo
lines echo.out --connections 100 --each 'fallback="no_eno"' --each bytes_in=200000 \
    --each bytes_out=200000 --each error=null
