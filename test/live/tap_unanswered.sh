#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `cat --connect` gives up after 20 s with `unreachable` where nobody answers ARP, at whatever moment
# of its asking the time is over, and with `timeout` where somebody does, but not to TCP.
. "$(dirname "$0")/lib.sh"

# A process that stands still for some time asks so much later: at the end each is elsewhere.
names=()
for pause in 0 0.7 1.4 2.1 2.8 3.5; do
    name=cat${#names[@]}
    names+=("$name")
    namespace "$name"
    start "$name" "${!name}" "$SEALANE" cat --config "$TAP_CONF" --connect 10.77.0.77:9 --json
    kernel_address "${!name}"
    { sleep 1; kill -STOP "${pids[$name]}"; sleep $pause; kill -CONT "${pids[$name]}"; } &
done
namespace mute
start mute "$mute" "$SEALANE" cat --config "$TAP_CONF" --connect $KERNEL:9 --json
on "$mute" nft add table ip mute && # sees no ARP
    on "$mute" nft 'add chain ip mute input { type filter hook input priority 0; policy drop; }' ||
    fail "no nftables here"
kernel_address "$mute"
for name in "${names[@]}"; do
    finish "$name" 1 40
    lines "$name.err" --connections 1 --each 'error="unreachable"'
done
finish mute 1 10
lines mute.err --connections 1 --each 'error="timeout"'
