#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# one.sh SECONDS TARGET: runs one fuzz target, and says at its end how it went, in one piece since
# others run beside it: "ok fuzz NAME: …", or "failed: fuzz NAME" after the end of its log.
set -u
seconds=$1 target=$2
name=${target##*/fuzz_}
build=${target%%/*}
log=$build/$name.log

# found inputs are kept in the build folder; the seeds in the tree are only read
mkdir -p "$build/corpus/$name" "$build/found"
set -- "$build/corpus/$name"
seeds=tests/fuzz/corpus/${name%%_*}/${name#*_}
[ -d "$seeds" ] && set -- "$@" "$seeds"
if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$build/found/$name-" "$@" >"$log" 2>&1; then
  echo "ok fuzz $name: $seconds s$(sed -n 's/^#\([0-9]*\).*DONE.*cov: \([0-9]*\).*/, \1 runs, \2 edges/p' "$log")"
else
  printf '%s\nfailed: fuzz %s\n' "$(tail -n 40 "$log")" "$name"
fi
