#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A demo for which there is too little memory says before it starts how much it needs and what stands
# against that: a limit of the process, or of a control group, its own or one above it.
. "$(dirname "$0")/lib.sh"

# refuses WORD COMMAND...: exit status 1, one line of JSON, and its error has the need and the word.
refuses()
{
    local word=$1
    shift

    "$@" >"$TMP/facts" 2>"$TMP/demo.err"
    [ $? -eq 1 ] || fail "$word: no exit status 1"
    python3 - "$TMP/facts" "$word" 2>"$TMP/check.err" <<'P' || fail "$word: $(cat "$TMP/facts")"
import json, re, sys
[line] = open(sys.argv[1]).read().splitlines()
error = json.loads(line)['error']
assert re.search(r'[\d.]+ [MGT]iB (of address space )?are needed', error) and sys.argv[2] in error
P
    [ -s "$TMP/demo.err" ] && fail "$word: it had started"
}

# limited LETTER KIB SIZE: a demo with `ulimit -LETTER KIB`.
limited()
{
    (ulimit "-$1" "$2" && exec "$SEALANE" demo --size "$3" --json)
}

refuses "RLIMIT_AS (ulimit -v) leaves" limited v 300000 256M
refuses "RLIMIT_AS (ulimit -v) leaves" limited v 1000000 256M
refuses "RLIMIT_AS (ulimit -v) leaves" limited v 2000000 1G
refuses "RLIMIT_DATA (ulimit -d) leaves" limited d 400000 256M
refuses "this machine leaves" "$SEALANE" demo --size 900G --json
for limit in "v 1000000" "d 400000"; do
    # shellcheck disable=SC2086
    limited $limit 1M >"$TMP/facts" 2>"$TMP/demo.err" || fail "ulimit -$limit: exit status $? for 1M"
done

# group FOLDER LIMIT USAGE CACHE FILE...: a control group with the files of its version.
group()
{
    mkdir -p "$TMP/$1"
    echo "$2" >"$TMP/$1/$5"
    echo "$3" >"$TMP/$1/$6"
    printf 'anon 1\n%s 0\n%s %s\n' "$7" "$8" "$4" >"$TMP/$1/memory.stat"
}

v1=(memory.limit_in_bytes memory.usage_in_bytes total_active_file total_inactive_file)
v2=(memory.max memory.current active_file inactive_file)
none=9223372036854771712

# grouped GROUPS MOUNTS SIZE: a demo whose /proc/self says this of control groups.
grouped()
{
    printf '%s\n' "$1" >"$TMP/groups"
    printf '%s\n' "$2" >"$TMP/mounts"
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1/groups" /proc/$$/cgroup &&
        mount --bind "$1/mounts" /proc/$$/mountinfo && shift && exec "$@"' \
        sh "$TMP" "$SEALANE" demo --size "$3" --json
}

system="20 1 0:20 / / rw - ext4 /dev/vda rw"
[ "$(id -u)" -eq 0 ] || fail "a mount namespace needs root"

# Version 2, the limit above; what the page cache holds is not in use.
mkdir -p "$TMP/2 x"
mounts="$system"$'\n'"21 20 0:21 / ${TMP}/2\\040x rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
group "2 x/run/own" max 350000000 0 "${v2[@]}"
group "2 x/run" 420000000 399000000 398000000 "${v2[@]}"
refuses "control group $TMP/2 x/run leaves 399.6 MiB" grouped "0::/run/own" "$mounts" 256M
group "2 x/run/own" 380000000 300000000 0 "${v2[@]}"
refuses "control group $TMP/2 x/run/own leaves 76.29 MiB" grouped "0::/run/own" "$mounts" 1M
group "2 x/run/own" 900000000 10000000 0 "${v2[@]}"
grouped "0::/run/own" "$mounts" 1M >"$TMP/facts" 2>"$TMP/demo.err" || fail "refused: $(cat "$TMP/facts")"

# Version 1 beside it, of which but a part is mounted; and a group that is not below the mount.
mounts+=$'\n'"22 20 0:22 /run/1 $TMP/1 rw - cgroup cgroup rw,cpu"
mounts+=$'\n'"23 20 0:23 /run/1 $TMP/1 rw - cgroup cgroup rw,memory"
group 1/own $none 100000000 0 "${v1[@]}"
group 1 400000000 100000000 20000000 "${v1[@]}"
refuses "control group $TMP/1 leaves 305.2 MiB" \
    grouped $'5:cpu:/\n4:memory:/run/1/own\n0::/' "$mounts" 256M
refuses "control group $TMP/1 leaves 305.2 MiB" grouped $'4:memory:/run/2\n0::/' "$mounts" 256M
group 1 $none 100000000 20000000 "${v1[@]}"
grouped $'4:memory:/run/1/own' "$mounts" 1M >"$TMP/facts" 2>"$TMP/demo.err" ||
    fail "refused: $(cat "$TMP/facts")"
