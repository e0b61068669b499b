#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `sealane cat --connect` and the kernel's ncat exchange 100 MB each way at once over a tap.
. "$(dirname "$0")/lib.sh"

namespace host
blob cat.in 100M
blob server.in 100M
start server "$host" ncat -l 5000
start cat "$host" "$SEALANE" cat --config "$TAP_CONF" --connect $KERNEL:5000 --json
kernel_address "$host"
finish cat 0 50
finish server 0
same cat.in server.out
same server.in cat.out
lines cat.err --connections 1 --each encrypted=false --each 'fallback="no_eno"' \
    --each "peer=\"$KERNEL:5000\"" --each bytes_in=104857600 --each bytes_out=104857600 \
    --each error=null
