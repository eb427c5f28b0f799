#!/bin/bash
# Makes one host: private copies of what daemons write to, its own /dev/log, its name and addresses.
# usage: host.sh <role> <name> <number>
set -eu
role=$1 name=$2 number=$3
mount --make-rprivate /
store=/opt/hosts/$name.d
mkdir -p "$store"
for folder in etc var home root srv; do
  mkdir -p "$store/$folder" "$store/$folder.work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$store/$folder,workdir=$store/$folder.work" "/$folder"
done
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /run/lock
mkdir "$store/dev"
mount -t tmpfs -o mode=755 tmpfs "$store/dev"
for node in null zero full random urandom tty kmsg; do cp -a "/dev/$node" "$store/dev/"; done
mkdir "$store/dev/pts" "$store/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$store/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$store/dev/shm"
ln -s pts/ptmx "$store/dev/ptmx"
ln -s /proc/self/fd "$store/dev/fd"
mount --move "$store/dev" /dev

hostname "$name"
echo "$name" >/etc/hostname
{
  echo '127.0.0.1 localhost'
  echo '::1 localhost'
  for each in login:11 web:12 mail:13 gw:14 db:15; do
    echo "192.0.2.${each#*:} ${each%:*}$NUMBER.example.test ${each%:*}$NUMBER"
  done
} >/etc/hosts
echo 'nameserver 192.0.2.14' >/etc/resolv.conf
ip link set lo up
ip addr add "192.0.2.$number/24" dev eth0
ip addr add "2001:db8::$number/64" dev eth0 nodad
ip link set eth0 up
ip route add default via 192.0.2.1
ip -6 route add default via 2001:db8::1

{
  echo 'module(load="imuxsock" SysSock.RateLimit.Interval="0")'
  if [ "$role" = gw ]; then
    # /proc/kmsg has more than the packet filter's lines; only those are wanted.
    echo 'module(load="imklog" PermitNonKernelFacility="off")'
    echo 'if $programname == "kernel" and not ($msg contains " OUT=") then stop'
  fi
  cat "/opt/capture/rsyslog-$LAYOUT.conf"
} >/etc/rsyslog.conf
rsyslogd -i /run/rsyslogd.pid
