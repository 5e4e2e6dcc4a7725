#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
usage='usage: sh data/quickstart.sh [--no-demo] [-o SECTION.KEY=VALUE]...

Installs what is missing, builds Weir, starts it with a demonstration broadcast and prints the page to open.
It stays in the foreground until Ctrl-C. Everything it keeps is in build/quickstart.

  --no-demo  only serve
  -o         passed on to "weir serve", for example -o http.listen=[::]:8081'
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
. data/packages.sh

demo=yes
http_listen=8080
rtmp_listen=1935
settings=
while [ $# -gt 0 ]; do
  case $1 in
    --no-demo) demo=; shift; continue ;;
    -h | --help) echo "$usage"; exit 0 ;;
    -o) [ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }; setting=$2; shift 2 ;;
    -o*) setting=${1#-o}; shift ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
  case $setting in
    *[!A-Za-z0-9._:=,\;/\[\]@+-]*) echo "-o $setting: no blanks and quotes here; use weir serve itself" >&2; exit 2 ;;
    http.listen=*) http_listen=${setting#*=} ;;
    rtmp.listen=*) rtmp_listen=${setting#*=} ;;
  esac
  settings="$settings -o $setting"
done

# port_of ADDRESS: what stands behind the last colon of the first address
port_of () {
  first=${1%%;*}
  first=${first%/}
  echo "${first##*:}"
}

# busy PORT: something listens on it
busy () {
  hex=$(printf ':%04X' "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

for listener in http rtmp; do
  if [ "$listener" = http ]; then port=$(port_of "$http_listen"); else port=$(port_of "$rtmp_listen"); fi
  case $port in '' | 0 | *[!0-9]*) continue ;; esac
  if busy "$port"; then
    other=$((port + 1))
    while busy "$other"; do other=$((other + 1)); done
    echo "Port $port is used by another program. To take another one:" >&2
    echo "  sh data/quickstart.sh -o $listener.listen=[::]:$other" >&2
    exit 1
  fi
done

echo 'Weir quick start'
if [ -n "$demo" ]; then install_packages build demo; else install_packages build; fi

state=$top/build/quickstart
if [ ! -e build/build.ninja ]; then
  echo 'Configuring the build'
  meson setup build >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }
fi
echo 'Building'
ninja -C build app/weir >build.log 2>&1 || { tail -n 30 build.log >&2; exit 1; }

mkdir -p "$state"
chmod 700 "$state"
rm -f "$state/ready"
weir_pid= encoder_pid=
end () {
  trap '' INT TERM HUP
  for pid in $encoder_pid $weir_pid; do
    kill "$pid" 2>/dev/null || :
  done
  for pid in $encoder_pid $weir_pid; do
    wait "$pid" 2>/dev/null || :
  done
  encoder_pid= weir_pid=
}
trap 'end; echo; echo "Weir has stopped."; exit 0' INT TERM HUP
trap end EXIT

set -f # [::] in a setting is no pattern of file names
build/app/weir serve $settings -o "server.state-dir=$state" >"$state/weir.out" 2>"$state/weir.log" &
weir_pid=$!
set +f

tries=0
while [ ! -s "$state/ready" ]; do
  if ! kill -0 "$weir_pid" 2>/dev/null || [ "$tries" -ge 100 ]; then
    echo 'Weir did not start:' >&2
    tail -n 15 "$state/weir.log" >&2
    exit 1
  fi
  tries=$((tries + 1))
  sleep 0.1
done
# hosts_of ADDRESS: this machine's addresses, unless it listens to itself only
hosts_of () {
  case $1 in 127.* | '[::1]'*) return ;; esac
  hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9]+\.' | head -n 3 || :
}
http_port= rtmp_port= http_hosts= rtmp_hosts=
for word in $(cat "$state/ready"); do
  case $word in
    http=*) http_port=$(port_of "${word#http=}"); http_hosts=$(hosts_of "${word#http=}") ;;
    rtmp=*) rtmp_port=$(port_of "${word#rtmp=}"); rtmp_hosts=$(hosts_of "${word#rtmp=}") ;;
  esac
done
url=http://localhost:$http_port

inputs=$(node data/quickstart.mjs inputs "$url" "$(cat "$state/api-token")" "$(cat "$state/account")") || exit 1
demo_uid= demo_key= own_uid= own_key=
eval "$inputs"

if [ -n "$demo" ]; then
  echo 'Starting a demonstration broadcast'
  font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf
  clock="drawtext=fontfile=$font:text='%{localtime\\:%H\\\\\\:%M\\\\\\:%S}':fontsize=72:fontcolor=white:box=1:boxcolor=black@0.65:boxborderw=20:x=(w-tw)/2:y=h-th-70"
  ffmpeg -nostdin -loglevel error -re -f lavfi -i testsrc2=size=1280x720:rate=25 \
    -f lavfi -i 'sine=frequency=330:beep_factor=2:sample_rate=48000' \
    -vf "$clock" -af volume=0.4 -c:v libx264 -preset superfast -pix_fmt yuv420p -bf 2 -g 50 -keyint_min 50 \
    -sc_threshold 0 -b:v 2000k -maxrate 2000k -bufsize 4000k -c:a aac -b:a 128k -ac 2 \
    -f flv "rtmp://localhost:$rtmp_port/live/$demo_key" >"$state/encoder.log" 2>&1 &
  encoder_pid=$!
  if ! node data/quickstart.mjs wait "$url" "$demo_uid" 30; then
    tail -n 5 "$state/encoder.log" "$state/weir.log" >&2
    exit 1
  fi
fi

# pages UID: the page, as this machine and as others reach it
pages () {
  echo "    $url/$1/watch"
  for address in $http_hosts; do
    echo "    http://$address:$http_port/$1/watch"
  done
}

echo
if [ -n "$demo" ]; then
  echo '  Weir is running. The demonstration is on this page:'
  echo
  pages "$demo_uid"
  echo
  echo '  Your own picture goes here (OBS: Settings, Stream, Service "Custom..."):'
else
  echo '  Weir is running. Your picture goes here (OBS: Settings, Stream, Service "Custom..."):'
fi
echo
echo "    Server      rtmp://localhost:$rtmp_port/live/"
for address in $rtmp_hosts; do
  echo "           or   rtmp://$address:$rtmp_port/live/"
done
echo "    Stream key  $own_key"
echo
echo '  or with ffmpeg:'
echo
echo "    ffmpeg -re -i FILE -c:v libx264 -g 50 -c:a aac -f flv rtmp://localhost:$rtmp_port/live/$own_key"
echo
echo '  and is watched here:'
echo
pages "$own_uid"
echo
echo "  Log: build/quickstart/weir.log    Stop: Ctrl-C"

wait "$weir_pid" || {
  echo 'Weir has ended by itself:' >&2
  tail -n 15 "$state/weir.log" >&2
  exit 1
}
