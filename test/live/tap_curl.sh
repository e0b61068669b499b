#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# curl fetches a file that `sealane cat --listen` serves over a tap.
. "$(dirname "$0")/lib.sh"

namespace host
blob body 20M
printf 'HTTP/1.0 200 OK\r\nContent-Length: 20971520\r\n\r\n' | cat - "$TMP/body" >"$TMP/cat.in"
start cat "$host" "$SEALANE" cat --config "$TAP_CONF" --listen 80 --json
listening cat
kernel_address "$host"
on "$host" curl -sS --max-time 40 -o "$TMP/fetched" http://$OURS/ 2>"$TMP/curl.err" ||
    fail "curl fails"
same body fetched
finish cat 0
grep -q '^GET / HTTP' "$TMP/cat.out" || fail "the request did not arrive"
lines cat.err --connections 1 --each 'fallback="no_eno"' --each error=null
