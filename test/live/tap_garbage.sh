#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Malformed, truncated and random packets are counted under their names and harm no connection.
BUILD=asan . "$(dirname "$0")/lib.sh"

namespace host
tap_echo "$host"
on "$host" ping -q -c 1 -W 2 $OURS >"$TMP/ping.err" || fail "no answer to a ping"
mac=$(ip -n "$host" neigh show $OURS | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p')
[ -n "$mac" ] || fail "no MAC address of $OURS"
for seed in 1 2 3; do
    start transfer "$host" "$HERE/peer.py" echo $OURS 7 1000000 5
    on "$host" "$HERE/garbage.py" sealane0 "$mac" 10.77.0.50 $OURS 7 $seed >"$TMP/counted" \
        2>"$TMP/garbage.err" || fail "no garbage can be sent"
    finish transfer 0 40
done
on "$host" "$HERE/peer.py" echo $OURS 7 100000 1 2>"$TMP/peer.err" || fail "the echo is gone"
stop echo
# shellcheck disable=SC2046
lines echo.out --some bytes_in=100000 --some bytes_in=1000000 $(sed 's/^/--drops /' "$TMP/counted")
