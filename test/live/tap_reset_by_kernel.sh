#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A reset of the kernel in mid-transfer ends that connection, with `reset`, and no other.
. "$(dirname "$0")/lib.sh"

namespace host
tap_echo "$host"
on "$host" "$HERE/peer.py" abort $OURS 7 3000000 2>"$TMP/peer.err" || fail "no connection"
on "$host" "$HERE/peer.py" echo $OURS 7 1000000 1 2>"$TMP/peer.err" || fail "the echo is gone"
stop echo
lines echo.out --connections 2 --some 'error="reset"' --some error=null

start server "$host" "$HERE/peer.py" serve-abort 5000 1000000
blob cat.in 50M
start cat "$host" "$SEALANE" cat --config "$TAP_CONF" --connect $KERNEL:5000 --json
kernel_address "$host"
finish cat 1 40
finish server 0
lines cat.err --connections 1 --each 'error="reset"'
