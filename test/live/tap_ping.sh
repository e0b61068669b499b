#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel's ping is answered, whatever its size up to the MTU.
. "$(dirname "$0")/lib.sh"

namespace host
tap_echo "$host"
for size in 0 56 1472; do
    on "$host" ping -q -c 5 -i 0.05 -W 2 -M "do" -s $size $OURS >"$TMP/ping.err" ||
        fail "no answer to a ping of $size bytes"
done
stop echo
lines echo.out --connections 0
