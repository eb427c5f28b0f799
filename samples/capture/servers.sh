#!/bin/bash
# Captures the logs of mongod and ZooKeeper, as built in this checkout's parts/ and node_modules/.
# usage: servers.sh <checkout> <output folder>          (needs root, as capture.sh does)
set -eu
checkout=$(realpath "$1") out=$(realpath -m "$2")
here=$(dirname "$(realpath "$0")")
mkdir -p "$out"
unshare --mount --uts --net --pid --fork --kill-child --mount-proc \
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 bash -s "$checkout" "$out" "$here" <<'WORLD'
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/parts /mnt/modules /mnt/out /mnt/data
mount --bind "$1/parts" /mnt/parts
mount --bind "$1/node_modules" /mnt/modules
mount --bind "$2" /mnt/out
cp "$3"/servers-*.js "$3/logback.xml" /mnt
mount --rbind /mnt /opt
hostname db1
mount -t tmpfs tmpfs /tmp
echo -e '127.0.0.1 localhost db1\n::1 localhost' >/tmp/hosts
mount --bind /tmp/hosts /etc/hosts
ip link set lo up
for last in $(seq 11 20); do ip addr add "192.0.2.$last/32" dev lo; done
cd /opt
mkdir data/mongodb data/zookeeper
parts/mongodb/bin/mongod --dbpath data/mongodb --replSet rs0 --bind_ip_all --port 27017 --logpath out/mongod.log &
printf 'dataDir=/opt/data/zookeeper\nclientPort=2181\ntickTime=500\nadmin.enableServer=false\n4lw.commands.whitelist=ruok,stat\n' >zoo.cfg
parts/java/bin/java -Xmx128m -cp '/opt:parts/zookeeper/lib/*' org.apache.zookeeper.server.quorum.QuorumPeerMain zoo.cfg >out/zookeeper.log 2>&1 &
sleep 20
NODE_PATH=/opt/modules timeout 60 parts/node/bin/node servers-clients.js || true
kill %1 %2
wait
WORLD
