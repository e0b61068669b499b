#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel drops one packet in a hundred, both ways: 20 MB each way all the same, as client and as
# server.
. "$(dirname "$0")/lib.sh"

# drop HOOK: of what passes there.
drop()
{
    on "$host" nft "add chain ip lossy $1 { type filter hook $1 priority 0; }" &&
        on "$host" nft "add rule ip lossy $1 ip protocol tcp numgen random mod 100 < 1 counter drop" ||
        fail "nft drops nothing"
}

# dropped HOOK: how many were.
dropped()
{
    on "$host" nft list chain ip lossy "$1" | sed -n 's/.* packets \([0-9]*\) .*/\1/p'
}

namespace host
on "$host" nft add table ip lossy || fail "no nftables here"
drop input
drop output

tap_echo "$host"
blob sent 20M
on "$host" ncat $OURS 7 <"$TMP/sent" >"$TMP/received" || fail "ncat fails"
same sent received
stop echo
lines echo.out --connections 1 --each bytes_in=20971520 --each bytes_out=20971520 --each error=null

blob cat.in 20M
blob server.in 20M
start server "$host" ncat -l 5000
start cat "$host" "$SEALANE" cat --config "$TAP_CONF" --connect $KERNEL:5000 --json
kernel_address "$host"
finish cat 0 40
finish server 0
same cat.in server.out
same server.in cat.out
lines cat.err --connections 1 --each bytes_in=20971520 --each bytes_out=20971520 --each error=null

for hook in input output; do
    [ "$(dropped $hook)" -gt 50 ] || fail "only $(dropped $hook) packets were dropped at $hook"
done
