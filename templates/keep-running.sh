#!/bin/sh
# Usage: keep-running.sh [--log FILE] COMMAND. Runs it in the foreground, and anew when it ends by itself: slapgrid's
# supervisord starts a service only once. One that ends within five seconds waits longer and longer, up to half a minute.
# With --log all output is appended to the file, which rotate-logs.py rotates: supervisord keeps 100 kB only.
# Signals reach the command by themselves: supervisord sends them to the whole group.
# A command that outlived a killed keep-running.sh is ended before another is started.
if [ "$1" = --log ]; then
  exec >>"$2" 2>&1
  shift 2
fi
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
note=$1.pid
if read -r pid start 2>/dev/null <"$note" && [ -n "$start" ]; then
  tries=30
  while [ "$tries" -gt 0 ] && [ "$(started "$pid")" = "$start" ]; do
    if [ "$tries" = 1 ]; then kill -KILL "$pid"; else kill -TERM "$pid"; fi 2>/dev/null
    tries=$((tries - 1))
    sleep 1
  done
fi

stopping=
trap 'stopping=1' TERM INT
pause=1
while :; do
  begin=$(date +%s)
  "$@" &
  child=$!
  echo "$child $(started "$child")" >"$note"
  wait "$child"
  code=$?
  # A signal ends wait before the command has ended.
  while [ -n "$stopping" ] && kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
  done
  [ -z "$stopping" ] || exit "$code"
  if [ $(($(date +%s) - begin)) -ge 5 ]; then pause=1; fi
  echo "keep-running: $1 ended with $code and is started again in $pause s" >&2
  sleep "$pause"
  [ -z "$stopping" ] || exit "$code"
  pause=$((pause * 2))
  if [ "$pause" -gt 30 ]; then pause=30; fi
done
