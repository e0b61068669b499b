#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `sealane cat --connect` and the kernel's ncat exchange 100 MB each way over af_packet.
. "$(dirname "$0")/lib.sh"

namespace ours
namespace theirs
veth "$ours" sl0 "$theirs" sl1
ip -n "$theirs" addr add $KERNEL/24 dev sl1
af_packet_conf "$TMP/conf" sl0 $OURS
blob cat.in 100M
blob server.in 100M
start server "$theirs" ncat -l 5000
start cat "$ours" "$SEALANE" cat --config "$TMP/conf" --connect $KERNEL:5000 --json
finish cat 0 50
finish server 0
same cat.in server.out
same server.in cat.out
lines cat.err --connections 1 --each encrypted=false --each 'fallback="no_eno"' \
    --each bytes_in=104857600 --each bytes_out=104857600 --each error=null
