#!/bin/bash
# Puts what capture.sh and servers.sh wrote into the files of ../. Lines that tell the kernel release of
# the machine of the capture are left out, whole; no line is changed.
#
# usage: collect.sh <folder of split> <folder of rfc3164> <folder of rfc5424> <folder of servers.sh>
set -eu
split=$1 rfc3164=$2 rfc5424=$3 servers=$4
to=$(dirname "$(realpath "$0")")/..
release=$(uname -r)
keep() { LC_ALL=C grep -avF "$release" || true; }
# merge FILE PROGRAM...: several programs' lines of one day, by time of day, else in their order.
merge() {
  local file=$1 program
  shift
  for program in "$@"; do cat "$split/$program.syslog"; done | keep | LC_ALL=C sort -s -k3,3 >"$to/$file"
}
merge sshd.rfc3164.log sshd internal-sftp
merge sudo.rfc3164.log sudo
merge accounts.rfc3164.log su useradd usermod userdel groupadd gpasswd chpasswd vsftpd
merge cron.rfc3164.log CRON cron crontab rotate
merge postfix.rfc3164.log postfix
merge dovecot.rfc3164.log dovecot
merge named.rfc3164.log named
merge dhcpd.rfc3164.log dhcpd
merge slapd.rfc3164.log slapd
merge haproxy.rfc3164.log haproxy
merge netfilter.rfc3164.log kernel
for file in nginx-access nginx-json nginx-raw nginx-error apache-access apache-vhost apache-error squid-access squid-cache \
  postgresql vsftpd ulogd; do
  keep <"$split/$file.log" >"$to/$file.log"
done
LC_ALL=C sort -s -k1,2 "$split/nginx-error.log" "$split/nginx-details.log" | keep >"$to/nginx-error.log"
keep <"$split/xferlog" >"$to/xferlog.log"
keep <"$rfc3164/mixed.log" >"$to/mixed.rfc3164.log"
keep <"$rfc5424/mixed.log" >"$to/mixed.rfc5424.log"
keep <"$servers/mongod.log" >"$to/mongod.log"
# Some are cut after their first lines, to keep the whole under 3 MiB.
first() { head -n "$1" "$to/$2" >"$to/$2.tmp" && mv "$to/$2.tmp" "$to/$2"; }
first 200 mongod.log
first 580 netfilter.rfc3164.log
first 250 ulogd.log
first 1350 nginx-access.log
keep <"$servers/zookeeper.log" >"$to/zookeeper.log"
