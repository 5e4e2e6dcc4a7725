#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# leaks.sh BUILD: runs the element tests under GStreamer's leaks tracer; fails if an object is alive at the end
set -u
build=$1
log=$(mktemp)
trap 'rm -f "$log"*' EXIT
failed=0

tests=$(find "$build/tests/element" -maxdepth 1 -type f -perm -u+x 2>/dev/null | sort)
[ -n "$tests" ] || { echo 'no element tests'; exit 1; }

# traced TEST: runs it; what is alive at the end is in $log.alive
traced () {
  GST_PLUGIN_PATH_1_0=$build/elements GST_REGISTRY=$build/tests/registry.bin GST_TRACERS=leaks \
    GST_DEBUG=GST_TRACER:7 GST_DEBUG_FILE=$log GST_DEBUG_NO_COLOR=1 "$1" >"$log.output" 2>&1
  status=$?
  # the first such line is the record's own description
  sed -n 's/.*object-alive, type-name=(string)\([^%].*\)/  \1/p' "$log" >"$log.alive"
  return $status
}

for test in $tests; do
  if ! traced "$test"; then
    echo "failed under the tracer: $test"
    tail -n 20 "$log.output"
    failed=1
  elif [ -s "$log.alive" ]; then
    echo "leaks: $test"
    cut -c 1-200 "$log.alive" | head -n 10
    failed=1
  fi
done

# what this finds when there is something to find (support/end.c)
export WEIR_TEST_LEAK=1
traced "${tests%%
*}"
grep -q '^  GstBin,' "$log.alive" || { echo 'a leak on purpose was not found'; failed=1; }
exit $failed
