#!/bin/bash
# Asks the gateway for names, addresses, pages through its proxy; knocks on its doors.
set -u
. /opt/capture/network.sh
ip=$(host_ip gw) ip6=$(host_ip6 gw)
mapfile -t docs < <(cd /usr/share/doc && find . -maxdepth 2 -type f | sort | sed 's|^\.||; s|+|%2B|g' | awk 'NR % 5 == 0' | head -500)

names_and_updates() {
  local n=0 types=(A AAAA MX TXT SOA SRV PTR) names=(www web login mail db gw ns nowhere _ldap._tcp 'caf\233' x-long-label)
  for n in $(seq 1 $((ROUNDS * 16))); do
    local options=(+tries=1 +time=1) name=${names[$((n % 11))]}.example.test type=${types[$((n % 7))]}
    case $((n % 4)) in 1) options+=(+tcp) ;; 2) options+=(+dnssec) ;; 3) options+=(+noedns) ;; esac
    dig "${options[@]}" -b "192.0.2.$((101 + n % 40))" "@$ip" "$name" "$type"
    dig "${options[@]}" -b "$(client_ip6 "$n")" "@$ip6" "host$n.example.test" "$type"
    dig "${options[@]}" -b "192.0.2.$((101 + n % 40))" "@$ip" -x "192.0.2.$((n % 255))"
    dig "${options[@]}" -b "198.51.100.$((11 + n % 30))" "@$ip" "site$n.example.com"
    if [ $((n % 12)) = 0 ]; then
      dig "${options[@]}" -b 192.0.2.105 "@$ip" example.test AXFR
      dig "${options[@]}" -b "203.0.113.$((11 + n % 30))" "@$ip" example.test AXFR
      printf 'server %s\nlocal 192.0.2.1\nzone example.test\nupdate add new%d.example.test 60 A 192.0.2.%d\nsend\n' "$ip" "$n" $((n % 250)) | nsupdate
      printf 'server %s\nlocal 198.51.100.11\nzone example.test\nupdate add bad%d.example.test 60 A 192.0.2.9\nsend\n' "$ip" "$n" | nsupdate
    fi
  done >/dev/null 2>&1
}

# dhclient's packets bypass the address of the interface, so its hardware address is all that is changed.
leases() {
  local n
  ip link add dh0 type veth peer name dh1
  ip link set dh1 master br0 up
  for n in $(seq 1 $((ROUNDS * 5))); do
    ip link set dh0 down address "02:00:5e:20:00:$(printf %02x $((n % 37)))"
    ip link set dh0 up
    printf 'timeout 4;\ninitial-interval 1;\nsend host-name "pc%d";\nsend vendor-class-identifier "pc-model-%d";\n' \
      $((n % 37)) $((n % 5)) >/opt/dhclient.conf
    rm -f /opt/dhclient.leases
    timeout 12 dhclient -4 -1 -cf /opt/dhclient.conf -lf /opt/dhclient.leases -pf /opt/dhclient.pid -sf /bin/true dh0
    if [ $((n % 3)) = 0 ]; then
      timeout 5 dhclient -4 -r -cf /opt/dhclient.conf -lf /opt/dhclient.leases -pf /opt/dhclient.pid -sf /bin/true dh0
    fi
    [ -e /opt/dhclient.pid ] && kill "$(cat /opt/dhclient.pid)" 2>/dev/null
    rm -f /opt/dhclient.pid
  done
}

through_the_proxy() {
  local n web="http://web.example.test"
  for n in $(seq 1 $((ROUNDS * 10))); do
    local from=192.0.2.$((101 + n * 3 % 40)) doc=${docs[$((n % ${#docs[@]}))]}
    fetch() { curl -s -m 8 --interface "$from" -x "http://$ip:3128" "$@" >/dev/null; }
    fetch "$web/doc$doc" "$web/doc$doc" "$web/doc${docs[$((n * 3 % ${#docs[@]}))]}?n=$n" "$web/index.html"
    fetch -H 'Cache-Control: no-cache' "$web/about.html"
    fetch -z 'Sun, 01 Nov 2099 00:00:00 GMT' "$web/doc$doc"
    fetch -I "$web:8080/doc$doc"
    fetch -d "n=$n" "$web:8080/form/$n"
    fetch -k "https://web.example.test/doc$doc"
    fetch "https://web.example.test:8443/$n" # a tunnel to a port that is not allowed
    fetch "http://www.blocked.test/$n" "http://ads.example.test/banner$n.gif"
    fetch "$web/caf%E9-$n.html" "$web/café-$n.html"
    from=$(client_ip $((n * 3 + 1)))
    fetch -U alice:wonder "$web/doc$doc?alice=$n"
    fetch -U bob:wrong "$web/doc$doc?bob=$n"
    fetch "$web/stranger/$n"
    if [ $((n % 6)) = 0 ]; then
      from=192.0.2.$((101 + n % 40))
      fetch "http://nowhere$n.example.test/"   # no such name
      fetch "http://db.example.test:8$n/"      # nobody listens
      fetch "http://192.0.2.77:80/$n"          # no such host
      printf 'NONSENSE %d\r\n\r\n' "$n" | timeout 3 ncat -s "$from" "$ip" 3128 >/dev/null
      timeout 1 curl -s -o /dev/null --limit-rate 1k -x "http://$ip:3128" --interface "$from" "$web/doc/"
    fi
  done
}

knocks() {
  local n
  python3 /opt/capture/knocks.py "$ip" "$ip6" $((ROUNDS * 60))
  for n in $(seq 1 $((ROUNDS * 5))); do
    ping -q -c 1 -W 1 -s $((n * 9 % 400)) -I "$(client_ip "$n")" "$ip"
    ping -q -c 1 -W 1 -I "$(client_ip6 "$n")" "$ip6"
  done >/dev/null
}

names_and_updates &
leases &
through_the_proxy &
knocks &
wait
