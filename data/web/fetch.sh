#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# fetch.sh OUTPUT WORK: puts hls.min.js, in the version that package-lock.json pins, at OUTPUT; WORK is a scratch folder
set -eu
output=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)

command -v npm >/dev/null || {
  echo "npm is needed to fetch hls.js; or give meson -Dhls_js=PATH of a hls.min.js" >&2
  exit 1
}
mkdir -p "$work"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$work/"
(cd "$work" && npm ci --silent) || {
  echo "npm could not fetch hls.js (is there a network?); meson -Dhls_js=PATH uses a copy" >&2
  exit 1
}
cp "$work/node_modules/hls.js/dist/hls.min.js" "$output"
