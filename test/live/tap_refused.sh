#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A port without a listener refuses the kernel at once, and the kernel's refusal ends `sealane cat`.
. "$(dirname "$0")/lib.sh"

namespace host
tap_echo "$host"
on "$host" "$HERE/peer.py" refused $OURS 8 2>"$TMP/peer.err" || fail "port 8 does not refuse"
stop echo
lines echo.out --connections 0 --drops TCP_NO_SOCKET

start cat "$host" "$SEALANE" cat --config "$TAP_CONF" --connect $KERNEL:9 --json
kernel_address "$host"
finish cat 1 40
lines cat.err --connections 1 --each 'error="refused"' --each encrypted=false
