#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what the tests need, builds, runs everything; the last line is "N passed, N failed".
usage='usage: sh tests/run.sh [--only NAME] [--long] [--fuzz]

  --only NAME  only the tests whose name contains NAME (unit, element, app and end-to-end tests)
  --long       the full matrices and the soaks too
  --fuzz       only: build the fuzz targets with clang and run each for FUZZ_SECONDS (60), as many at once
               as there are cores'
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
. data/packages.sh

only= long= fuzz=
while [ $# -gt 0 ]; do
  case $1 in
    --only) [ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }; only=$2; shift ;;
    --only=*) only=${1#--only=} ;;
    --long) long=yes ;;
    --fuzz) fuzz=yes ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
  shift
done

begin=$(date +%s)
passed=0 failed=0
step_name= step_begin=$begin
summaries=$(mktemp)
trap 'rm -f "$summaries"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step NAME: says what begins
step () {
  step_name=$1
  step_begin=$(date +%s)
  echo "== $step_name"
}
# done_step: says how long the step took
done_step () {
  echo "   $(($(date +%s) - step_begin)) s"
}
# count PASSED FAILED
count () {
  passed=$((passed + $1))
  failed=$((failed + $2))
}
# check NAME COMMAND...: one test case that is a command
check () {
  step "$1"
  shift
  if "$@"; then count 1 0; else count 0 1; echo "failed: $step_name"; fi
  done_step
}
finish () {
  echo "== $(($(date +%s) - begin)) s in all"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}
give_up () {
  count 0 1
  echo "failed: $step_name"
  finish
}

# quietly LOG COMMAND...: shows the end of the output only if the command fails
quietly () {
  quiet_log=$1
  shift
  "$@" >"$quiet_log" 2>&1 || { tail -n 40 "$quiet_log"; return 1; }
}

# build FOLDER MESON-OPTION...: configured once, then kept up to date
build () {
  folder=$1
  shift
  if [ ! -e "$folder/build.ninja" ]; then
    quietly "$folder.log" meson setup "$folder" "$@" || return 1
  fi
  quietly "$folder.log" sh -c "ninja -C '$folder' $build_targets"
}
build_targets= # all

# run_meson FOLDER MESON-TEST-OPTION...: runs the built tests of a folder and counts their cases
run_meson () {
  folder=$1
  shift
  rm -f "$folder"/meson-logs/testlog*.junit.xml
  if [ -n "$only" ]; then
    names=$(meson test -C "$folder" --list "$@" 2>/dev/null | sed -n 's/^.* \/ //p' | grep -F -- "$only" | sort -u)
    [ -n "$names" ] || return 0
    set -- "$@" $names
  fi
  quietly "$folder/meson-test.log" meson test -C "$folder" --no-rebuild --print-errorlogs "$@"
  status=$?
  set -- "$folder"/meson-logs/testlog*.junit.xml
  if [ ! -e "$1" ]; then
    count 0 1
    echo "failed: meson test gave no results"
    return 0
  fi
  counts=$(node tests/summary.mjs "$@")
  count ${counts% *} ${counts#* }
  # a test that crashed before its first case is a failure too
  if [ "$status" != 0 ] && [ "${counts#* }" = 0 ]; then count 0 1; fi
}

step 'packages'
install_packages build demo test || give_up
if ! cmp -s tests/package-lock.json tests/node_modules/.installed; then
  quietly build-npm.log sh -c 'cd tests && npm ci --silent && cp package-lock.json node_modules/.installed' || give_up
  rm -f build-npm.log
fi
done_step

if [ -n "$fuzz" ]; then
  step 'fuzz targets (clang)'
  export CC=clang
  build_targets='$(ninja -C build-fuzz -t targets all | sed -n "s,^\(tests/fuzz/fuzz_[^./: ]*\): .*,\1,p")'
  build build-fuzz -Dtests=true -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false || give_up
  unset CC
  done_step
  seconds=${FUZZ_SECONDS:-60}
  cores=$(nproc)
  step "fuzz targets, $seconds s each, $cores at once"
  for target in build-fuzz/tests/fuzz/fuzz_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    case ${target##*/fuzz_} in *"$only"*) printf '%s\0' "$target" ;; esac
  done | xargs -0 -r -n 1 -P "$cores" sh tests/fuzz/one.sh "$seconds" | tee "$summaries"
  count "$(grep -c '^ok fuzz ' "$summaries")" "$(grep -c '^failed: fuzz ' "$summaries")"
  done_step
  finish
fi

step 'build (gcc)'
build build || give_up
done_step

step 'unit, element and app tests (gcc)'
run_meson build
done_step

if [ -z "$only" ]; then
  check 'include directions: the rules find what breaks them' node tests/include-directions.mjs --self-test
  check 'include directions' node tests/include-directions.mjs
  check 'format' sh -c 'find elements app data tests -name node_modules -prune -o -name "*.[ch]" -print0 | xargs -0 clang-format --dry-run -Werror'
fi

# clang, so that this is also the proof that it compiles with clang
step 'compiles with clang (address and undefined behaviour sanitizers)'
export CC=clang
build build-sanitizers -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false \
  -Dhls_js="$top/build/data/hls.min.js" || give_up
unset CC
[ -n "$only" ] || count 1 0
done_step

step 'unit, element and app tests (sanitizers)'
ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 \
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  LSAN_OPTIONS=suppressions=$top/tests/support/leaks.txt:print_suppressions=0 \
  run_meson build-sanitizers
done_step

if [ -z "$only" ]; then
  check 'no element test leaks a GStreamer object' sh tests/leaks.sh build
fi

step 'end-to-end tests'
node tests/e2e/run.mjs --weir build/app/weir --summary "$summaries" ${only:+--only "$only"} ${long:+--long}
status=$?
if [ -s "$summaries" ]; then count $(cat "$summaries"); elif [ "$status" != 0 ]; then count 0 1; fi
done_step

finish
