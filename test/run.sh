#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test/run.sh [unit|vectors|sim|fuzz|checks|live|demo|tidy]...: installs what is missing, builds what
# the parts need and runs them; without names all but tidy, which takes minutes. Ends with one line,
# "N passed, N failed"; exit status 0 only if nothing failed and something passed. A test is a
# Criterion case, a group of vectors, a seed of the simulator, a fuzz program, a live script or a
# check. Writes to build-*/ alone.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null

parts=(unit vectors sim fuzz checks live demo)
seeds=1000
passed=0
failed=0
job=
declare -A built=()

export PYTHONDONTWRITEBYTECODE=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
unset CC CFLAGS LDFLAGS

tmp=$(mktemp -d) || exit 1
# What runs is a process group of its own, so that nothing of it outlives us.
trap '[ -z "$job" ] || kill -TERM -- "-$job" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP

say_log()
{
    tail -n "${1:-30}" "$tmp/log" | sed 's/^/     /'
}

pass()
{
    echo "ok   $1"
    passed=$((passed + 1))
}

failure()
{
    echo "FAIL $1"
    failed=$((failed + 1))
}

# limited SECONDS COMMAND...: its output in the log, its status ours; 124 when it took too long.
limited()
{
    timeout -k 10 "$@" >"$tmp/log" 2>&1 &
    job=$!
    wait "$job"
    local status=$?
    job=
    return $status
}

# one NAME SECONDS COMMAND...: a test that passes by its status.
one()
{
    local name=$1 begun=$SECONDS status
    shift

    limited "$@"
    status=$?
    if [ $status -eq 0 ]; then
        pass "$name ($((SECONDS - begun)) s)"
        return 0
    fi
    [ $status -ne 124 ] || name="$name: not done in time"
    failure "$name"
    say_log
    return 1
}

# build FOLDER COMPILER OPTION...: once a run, and counted as a check: warnings are errors.
build()
{
    local folder=build-$1 compiler=$2
    shift 2

    if [ -z "${built[$folder]:-}" ]; then
        one "$folder" 1200 bash -c 'compile "$@"' - "$folder" "$compiler" "$@"
        built[$folder]=$?
    fi
    return "${built[$folder]}"
}

compile()
{
    [ -f "$1/build.ninja" ] || CC=$2 meson setup "$1" "${@:3}" || return 1
    ninja -C "$1" -j "$(nproc)"
}
export -f compile

build_asan() { build asan gcc -Db_sanitize=address,undefined -Dinvariants=true -Dbuildtype=debugoptimized; }
build_release() { build release gcc -Dbuildtype=release -Dtests=false; }
build_clang() { build clang clang-14 -Dbuildtype=debugoptimized; }
build_alone() { build alone gcc -Dstack=false -Dipsec_mb=disabled -Dbuildtype=debugoptimized; }

# Cases of one Criterion program, from the line that it ends with.
criterion()
{
    local name=$1 status ok bad crashed summary
    shift

    limited 600 "$@"
    status=$?
    summary=$(sed -n 's/.*Passing: \([0-9]*\) | Failing: \([0-9]*\) | Crashing: \([0-9]*\).*/\1 \2 \3/p' "$tmp/log")
    read -r ok bad crashed <<<"${summary:-0 0 0}"
    bad=$((bad + crashed))
    if [ $bad -eq 0 ] && { [ "$ok" -eq 0 ] || [ $status -ne 0 ]; }; then
        bad=1 # died before its cases, or behind them
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    if [ $bad -eq 0 ]; then
        echo "ok   $name: $ok cases"
    else
        echo "FAIL $name: $bad of $((ok + bad)) cases (status $status)"
        say_log 60
    fi
}

# lines COMMAND...: a runner that says a line for each of its tests. Its status.
lines()
{
    local line status

    limited 1200 "$@"
    status=$?
    while IFS= read -r line; do # indented lines are details
        case $line in
        'ok '*) passed=$((passed + 1)) ;;
        'FAIL '*) failed=$((failed + 1)) ;;
        esac
    done <"$tmp/log"
    cat "$tmp/log"
    return $status
}

unit_programs()
{
    local program

    for program in "$1"/test/unit/*/unit-*; do
        [ ! -x "$program" ] || [ -d "$program" ] || criterion "${program#build-}" "$program"
    done
}

run_unit()
{
    if build_asan; then unit_programs build-asan; else failure "unit: build-asan is missing"; fi
    if build_alone; then unit_programs build-alone; else failure "unit: build-alone is missing"; fi
}

run_vectors()
{
    local group counts

    build_asan || { failure "vectors: build-asan is missing"; return; }
    BUILD=$PWD/build-asan limited 600 test/vectors/run
    local status=$? groups=0
    while read -r group counts; do
        groups=$((groups + 1))
        if [[ $counts == *failed=0* ]]; then pass "vectors/$group $counts"; else failure "vectors/$group $counts"; fi
    done < <(grep -E '^[a-z_]+ passed=[0-9]+ failed=[0-9]+ skipped=[0-9]+$' "$tmp/log")
    [ $groups -gt 0 ] || failure "vectors: no group was run"
    [ $status -eq 0 ] || say_log
}

run_sim()
{
    local begun=$SECONDS status ok bad

    limited 1200 test/sim/run --seeds $seeds
    status=$?
    grep '^FAIL' "$tmp/log"
    read -r ok bad < <(sed -n 's/^\([0-9]*\) seeds passed, \([0-9]*\) failed$/\1 \2/p' "$tmp/log")
    if [ "${bad:-0}" -eq 0 ] && { [ "${ok:-0}" -ne $seeds ] || [ $status -ne 0 ]; }; then
        bad=1
        say_log
    fi
    passed=$((passed + ${ok:-0}))
    failed=$((failed + ${bad:-0}))
    echo "sim: ${ok:-0} of $seeds seeds ($((SECONDS - begun)) s, status $status)"
}

# Short runs from fixed seeds; what finds new things is test/fuzz/run by itself, for longer.
run_fuzz()
{
    local status

    lines test/fuzz/run --seconds 0
    status=$?
    [ $status -eq 0 ] || grep -q '^FAIL ' "$tmp/log" || failure "fuzz: status $status"
}

run_checks()
{
    local check

    build_asan
    build_release
    build_clang
    build_alone
    for check in test/checks/*; do
        [ "$check" != test/checks/tidy.py ] || continue # minutes: a part of its own
        [ ! -x "$check" ] || [ -d "$check" ] || one "checks/$(basename "$check" .py)" 1200 "$check"
    done
}

# clang-tidy over every file: asked for by name.
run_tidy()
{
    build_clang
    one checks/tidy 1800 test/checks/tidy.py
}

# Live scripts by name.
scripts()
{
    build_release || { failure "live: build-release is missing"; return; }
    build_asan || { failure "live: build-asan is missing"; return; }
    lines test/live/run "$@"
}

live_scripts()
{
    local script

    for script in test/live/*_*.sh; do
        basename "$script" .sh
    done | grep "$@"
}

run_live()
{
    # shellcheck disable=SC2046
    scripts $(live_scripts -v '^demo_')
}

run_demo()
{
    # shellcheck disable=SC2046
    scripts $(live_scripts '^demo_')
}

main()
{
    local part

    [ $# -eq 0 ] || parts=("$@")
    for part in "${parts[@]}"; do
        declare -F "run_$part" >/dev/null || { sed -n '3,7s/^# //p' "$0"; exit 2; }
    done
    if limited 900 .ci/install; then
        for part in "${parts[@]}"; do
            "run_$part"
        done
    else
        failure "packages are missing"
        say_log
    fi
    echo "$SECONDS s"
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
}

main "$@"
