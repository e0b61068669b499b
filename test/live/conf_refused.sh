#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A configuration that is wrong ends a program with status 2, naming the file, the line and the
# mend; so does a port that does not start.
. "$(dirname "$0")/lib.sh"

where=() # a command that runs another one elsewhere

# refuses TEXT WORD...: this configuration, and the message says each of the words.
refuses()
{
    local word status

    printf '%s\n' "$1" >"$TMP/conf"
    timeout 20 "${where[@]}" "$SEALANE" echo --config "$TMP/conf" --listen 7 >"$TMP/out" 2>"$TMP/said"
    status=$?
    [ $status -eq 2 ] || fail "exit status $status, not 2, for: $1"
    shift
    for word; do
        grep -q -- "$word" "$TMP/said" || fail "no \"$word\" in: $(cat "$TMP/said")"
    done
}

port=$'[port p]\ndevice = ring:x\naddress = 10.0.0.1/24'
refuses "$port"$'\nmtuu = 1500' "conf:4:" mtu
refuses "$port"$'\nmtu = many' "conf:4:" mtu
refuses "$port"$'\nmtu = 12' "conf:4:" mtu 576
refuses $'[prot p]\ndevice = ring:x' "conf:1:" section reference
refuses "$port"$'\n[crypt]\nmode = sometimes' "conf:5:" opportunistic
refuses $'[port p]\ndevice = af_packet:absent0\naddress = 10.0.0.1/24' "conf:2:" "no interface absent0"
[ "$("$SEALANE" echo --config "$TMP/absent" --listen 7 2>&1 >"$TMP/out" | grep -c absent)" -ge 1 ] ||
    fail "a missing file is not named"
timeout 5 "$SEALANE" config --check /dev/zero >"$TMP/out" 2>&1
[ $? -eq 2 ] && grep -q "/dev/zero: longer than 1 MiB" "$TMP/out" || fail "an endless file: $(cat "$TMP/out")"
"$SEALANE" echo --config "$TAP_CONF" >"$TMP/out" 2>&1
[ $? -eq 2 ] || fail "echo without --listen is no usage error"

# Two shards, of which these programs are one.
for program in "echo --listen 7" "cat --listen 7" "cat --connect 10.78.0.1:7"; do
    # shellcheck disable=SC2086
    "$SEALANE" $program --config "$ROOT/drivers-config/ring.conf" >"$TMP/out" 2>"$TMP/said" </dev/null
    [ $? -eq 2 ] || fail "$program takes a file for two shards"
    grep -q "ring.conf:$(grep -n '^shard *= *1' "$ROOT/drivers-config/ring.conf" | cut -d: -f1):.*give every" \
        "$TMP/said" || fail "no line or mend in: $(cat "$TMP/said")"
done

# What no host can have is told when the file is checked, not when a port is up.
for address in 10.1.1.0/24 10.1.1.255/24 224.1.1.1/24 127.0.0.1/8 0.0.0.0/0; do
    printf '[port p]\ndevice = tap:x\naddress = %s\n' "$address" >"$TMP/conf"
    "$SEALANE" config --check "$TMP/conf" >"$TMP/out" 2>"$TMP/said"
    [ $? -eq 2 ] || fail "$address is accepted"
    grep -q "conf:3: port p.address: $address is .*; give a host's" "$TMP/said" ||
        fail "no mend in: $(cat "$TMP/said")"
done

# EAL's usage is long, and nothing of it belongs on standard output.
refuses $'[port p]\ndevice = net_null0\n[eal]\narg = --frobnicate' "conf:4: eal.arg: EAL does not start" "Mend --frobnicate"
[ -s "$TMP/out" ] && fail "on standard output: $(head -3 "$TMP/out")"
refuses $'[eal]\narg = -l\narg = 99\n[port p]\ndevice = net_null0' "conf:2: eal.arg:" \
    "given at $TMP/conf:2, $TMP/conf:3$"
refuses $'[eal]\narg = --help\n[port p]\ndevice = net_null0' "conf:2: eal.arg:" "leave it out"
"$SEALANE" demo --json --size 1 --set eal.arg=--bogus >"$TMP/out" 2>"$TMP/said"
[ $? -eq 2 ] || fail "a bad argument of EAL is no configuration error"
[ "$(wc -l <"$TMP/out")" -eq 1 ] || fail "not one line: $(head -3 "$TMP/out")"
grep -q '"error": "--set: eal.arg: EAL does not start: .* Mend --bogus"' "$TMP/out" ||
    fail "no cause in $(cat "$TMP/out")"

# A tap's name that is taken, by another instance or by whomever: nothing is made, not even of the
# ports before it, and who has the name keeps all of its frames.
namespace ns
where=(ip netns exec "$ns")
on "$ns" ip tuntap add dev held0 mode tap multi_queue || fail "no tap can be made"
refuses $'[port q]\ndevice = tap:made0\n[port p]\ndevice = tap:held0\naddress = 10.0.0.1/24' \
    "conf:4:" "held0 is there already" "name another"
grep -q made0 "$TMP/said" && fail "a port was opened before the name was looked at"
refuses $'[port p]\nmtu = 9000\ndevice = tap:made0\naddress = 10.0.0.1/24' \
    "conf:2:" "an MTU of 9000" "give 576 to 1504"
refuses $'[port p]\ndevice = af_packet:held0\nmtu = 1501\naddress = 10.0.0.1/24' \
    "conf:3:" "an MTU of 1501" "give 576 to 1500"
refuses $'[port p]\ndevice = af_packet:lo\naddress = 10.0.0.1/24' "conf:2:" "no MAC address" "give mac ="
where=(ip netns exec "$ns" setpriv --bounding-set=-net_raw,-net_admin)
refuses $'[port p]\ndevice = tap:made0\naddress = 10.0.0.1/24' "conf:2:" CAP_NET_ADMIN
refuses $'[port p]\ndevice = af_packet:held0\naddress = 10.0.0.1/24' "conf:2:" CAP_NET_RAW
where=(ip netns exec "$ns")
start first "$ns" "$SEALANE" echo --config "$TAP_CONF" --listen 7
listening first
refuses "$(cat "$TAP_CONF")" "conf:$(grep -n ^device "$TAP_CONF" | cut -d: -f1):" \
    "sealane0 is there already"
stop first

# Two that begin at once, so that neither may see the other's interface: one gets it.
for round in 1 2 3 4; do
    start left "$ns" "$SEALANE" echo --config "$TAP_CONF" --listen 7
    start right "$ns" "$SEALANE" echo --config "$TAP_CONF" --listen 7
    within 20 eval 'is_over left || is_over right' || fail "both have the interface ($round)"
    if is_over left; then loser=left winner=right; else loser=right winner=left; fi
    finish "$loser" 2
    grep -q "sealane0 is there already" "$TMP/$loser.err" || fail "the second is not told why"
    listening "$winner"
    stop "$winner"
done
