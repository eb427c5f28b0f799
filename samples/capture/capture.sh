#!/bin/bash
# Captures real log lines from real programs, in a network of namespaces that disappears at the end.
#
# usage: capture.sh <layout> <number> <rounds> <output folder>
#   layout   split: one file per program; rfc3164, rfc5424: one file of what a log host received
#   number   ends the host names: login1, web1, mail1, gw1, db1
#   rounds   how many times the clients repeat their work (7 for split, 1 for the others)
#
# Needs root on Debian 12, a kernel with nftables logging, and the packages listed in ../README.md.
# It is kept to show where the samples come from; resilog does not need it.
set -eu
layout=$1 number=$2 rounds=$3 out=$(realpath -m "$4")
here=$(dirname "$(realpath "$0")")
mkdir -p "$out"
# Without this the kernel logs no packet of another network namespace.
all_namespaces=/proc/sys/net/netfilter/nf_log_all_netns
before=$(cat $all_namespaces)
trap 'echo "$before" >$all_namespaces' EXIT
echo 1 >$all_namespaces
# A PID namespace ends every daemon with its first process; nothing outlives the capture.
unshare --mount --uts --net --pid --fork --kill-child --mount-proc \
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
  LAYOUT="$layout" NUMBER="$number" ROUNDS="$rounds" bash "$here/world.sh" "$here" "$out"
