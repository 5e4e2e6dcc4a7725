# SPDX-License-Identifier: LGPL-2.1-or-later
# Read by data/quickstart.sh and tests/run.sh: installs what data/packages.txt lists and the machine lacks.

# missing_packages SECTION...: prints the packages that are not installed, one a line
missing_packages () {
  for wanted_section in "$@"; do
    while read -r section package program _; do
      [ "$section" = "$wanted_section" ] || continue
      if [ -n "$program" ] && command -v "$program" >/dev/null 2>&1; then
        continue
      fi
      case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        'install ok installed') ;;
        *) echo "$package" ;;
      esac
    done <"$top/data/packages.txt"
  done | sort -u
}

# install_packages SECTION...: needs no network and no rights when nothing is missing
install_packages () {
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "This script installs with apt-get, which is not here. Needed: $missing" >&2
    return 1
  fi
  as_root=
  echo "Installing with apt-get: $missing"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
      echo "Neither root nor sudo: please install these packages, then run this again." >&2
      return 1
    }
    echo "(sudo may ask for your password)"
    as_root=sudo
  fi
  log=$(mktemp)
  # an old package list names versions that are gone
  if ! { $as_root apt-get update -qq &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
  } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "apt-get could not install: $missing" >&2
    return 1
  fi
  rm -f "$log"
}
