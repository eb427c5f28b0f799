#!/bin/bash
# The first process of the capture: makes a bridge and five hosts, runs the clients, then ends.
set -eu
mount --make-rprivate /
hostname ops1
scripts=$(mktemp -d)
cp "$1"/* "$scripts"
mount --bind "$2" /mnt
mount -t tmpfs tmpfs /opt
mkdir -p /opt/capture /opt/out /opt/hosts
cp "$scripts"/* /opt/capture && rm -r "$scripts"
mount --move /mnt /opt/out
cd /
. /opt/capture/network.sh

# The clients live here, with many source addresses, beside the log host.
network_start
if [ "$LAYOUT" != split ]; then rsyslogd -f /opt/capture/loghost.conf -i /opt/loghost.pid; fi
for role in login web mail gw db; do host_start "$role"; done
for role in gw login web mail db; do
  in_host "$role" bash "/opt/capture/$role.sh" >"/opt/out/setup-$role.txt" 2>&1 &
done
sleep 15
jobs=()
for role in gw login web mail db; do
  bash "/opt/capture/$role-clients.sh" >"/opt/out/clients-$role.txt" 2>&1 &
  jobs+=($!)
done
wait "${jobs[@]}" || true
sleep 10 # what is queued (deferred mail, DHCP releases, log forwarding) is still being written
in_host gw squid -k shutdown 2>/dev/null || true
in_host mail postfix stop 2>/dev/null || true
sleep 4
chmod -R a+rX /opt/out
