#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two programs with one configuration run side by side, each in its network namespace.
. "$(dirname "$0")/lib.sh"

namespace left
namespace right
start echo_left "$left" "$SEALANE" echo --config "$TAP_CONF" --listen 7 --json
start echo_right "$right" "$SEALANE" echo --config "$TAP_CONF" --listen 7 --json
listening echo_left
listening echo_right
kernel_address "$left"
kernel_address "$right"
start peer_left "$left" "$HERE/peer.py" echo $OURS 7 5000000 2
start peer_right "$right" "$HERE/peer.py" echo $OURS 7 5000000 2
finish peer_left 0 45
finish peer_right 0 45
stop echo_left
stop echo_right
lines echo_left.out --connections 2 --each bytes_in=5000000 --each error=null
lines echo_right.out --connections 2 --each bytes_in=5000000 --each error=null
[ -z "$(ip -n "$left" link show sealane0 2>/dev/null)" ] || fail "sealane0 stays behind"
