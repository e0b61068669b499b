#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `sealane cat` sends 50 MB to `sealane echo` and gets them back, encrypted, over two namespaces;
# both ends name the same session.
. "$(dirname "$0")/lib.sh"

namespace server
namespace client
veth "$server" sl0 "$client" sl1
af_packet_conf "$TMP/server.conf" sl0 $OURS
af_packet_conf "$TMP/client.conf" sl1 $KERNEL
start echo "$server" "$SEALANE" echo --config "$TMP/server.conf" --listen 7 --json
listening echo
blob cat.in 50M
start cat "$client" "$SEALANE" cat --config "$TMP/client.conf" --connect $OURS:7 --json
finish cat 0 50
same cat.in cat.out
stop echo
lines echo.out --connections 1 --each encrypted=true --each 'role="B"' --each 'tep="0x23"' \
    --each bytes_in=52428800 --each bytes_out=52428800 --each error=null
lines cat.err --connections 1 --each encrypted=true --each 'role="A"' --each 'tep="0x23"' \
    --each 'aead="AES-128-GCM"' --each "peer=\"$OURS:7\"" --each error=null
[ "$(grep -ho '"session_id": *"[0-9a-f]*"' "$TMP/echo.out" "$TMP/cat.err" | sort -u | wc -l)" -eq 1 ] ||
    fail "the ends name different sessions"
