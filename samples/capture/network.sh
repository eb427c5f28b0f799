# Sourced by world.sh and the clients: the bridge, the addresses (documentation ranges), the hosts.
declare -A HOST_NUMBER=([login]=11 [web]=12 [mail]=13 [gw]=14 [db]=15)
host_ip() { echo "192.0.2.${HOST_NUMBER[$1]}"; }
host_ip6() { echo "2001:db8::${HOST_NUMBER[$1]}"; }

network_start() {
  local last
  ip link set lo up
  ip link add br0 type bridge
  ip link set br0 up
  ip addr add 192.0.2.1/24 dev br0
  ip addr add 2001:db8::1/64 dev br0 nodad
  for last in $(seq 101 140); do ip addr add "192.0.2.$last/24" dev br0; done
  for last in $(seq 11 40); do
    ip addr add "198.51.100.$last/24" dev br0
    ip addr add "203.0.113.$last/24" dev br0
    ip addr add "2001:db8:0:1::$last/64" dev br0 nodad
  done
}

# host_start ROLE: a host is a process holding its own mount, name and network namespaces.
host_start() {
  local role=$1 pid number=${HOST_NUMBER[$1]}
  unshare --mount --uts --net sleep infinity &
  pid=$!
  while [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
  sleep 0.2
  echo "$pid" >"/opt/hosts/$role"
  ip link add "to-$role" type veth peer name eth0 address "02:00:5e:10:00:$number" netns "$pid"
  ip link set "to-$role" master br0 up
  in_host "$role" bash /opt/capture/host.sh "$role" "$role$NUMBER" "$number"
}

in_host() {
  local role=$1
  shift
  nsenter -t "$(cat "/opt/hosts/$role")" --mount --uts --net -- "$@"
}

# A source address that changes with the counter given.
client_ip() {
  case $(($1 % 3)) in
  0) echo "192.0.2.$((101 + $1 * 7 % 40))" ;;
  1) echo "198.51.100.$((11 + $1 * 11 % 30))" ;;
  2) echo "203.0.113.$((11 + $1 * 13 % 30))" ;;
  esac
}
client_ip6() { echo "2001:db8:0:1::$((11 + $1 * 7 % 30))"; }
