#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel's TCP sends 100 MB to the echo server over af_packet and gets them back.
. "$(dirname "$0")/lib.sh"

namespace ours
namespace theirs
veth "$ours" sl0 "$theirs" sl1
ip -n "$theirs" addr add $KERNEL/24 dev sl1
af_packet_conf "$TMP/conf" sl0 $OURS
start echo "$ours" "$SEALANE" echo --config "$TMP/conf" --listen 7 --json
listening echo
on "$theirs" ping -q -c 1 -W 2 $OURS >"$TMP/ping.err" || fail "no answer to a ping"
blob sent 100M
on "$theirs" ncat $OURS 7 <"$TMP/sent" >"$TMP/received" || fail "ncat fails"
same sent received
stop echo
lines echo.out --connections 1 --each encrypted=false --each 'fallback="no_eno"' \
    --each bytes_in=104857600 --each bytes_out=104857600 --each error=null
