#!/bin/sh
# chaos.sh PROGRAM ARGUMENT...: runs a program in a network, a process list and a set of mounts of its own, as root of
# nothing else; so it may make hosts and cut them from each other, and no process of it survives.
exec unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc \
  sh -c 'mount -t tmpfs tmpfs /run && mkdir /run/netns && "$@"; code=$?; exit $code' sh "$@"
