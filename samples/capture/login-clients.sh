#!/bin/bash
# Logs in to the login host: good and bad passwords, keys, users that do not exist, sftp, FTP.
set -u
. /opt/capture/network.sh
options=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 -o NumberOfPasswordPrompts=2 -q)
ip=$(host_ip login) ip6=$(host_ip6 login)
password() { SSHPASS=$3 timeout 30 sshpass -e ssh "${options[@]}" -o PubkeyAuthentication=no -b "$1" "$2" "${@:4}"; }
key() { timeout 30 ssh "${options[@]}" -o BatchMode=yes -o IdentitiesOnly=yes -i "/opt/keys/$2" -b "$1" "$3" "${@:4}"; }
unknown=(admin oracle test ubuntu pi postgres git jenkins minecraft user support ftpuser nagios hadoop tomcat
  'josé' 'Jürgen' guest www administrator steam dev ansible vagrant zabbix 'root;id' '李伟' sales mysql teamspeak)
n=0
for round in $(seq 1 "$ROUNDS"); do
  for user in ana boris chloe web-deploy; do
    n=$((n + 1))
    key "$(client_ip $n)" ed25519 "$user@$ip" uptime &
    key "$(client_ip6 $n)" rsa "$user@$ip6" id -un &
    key "$(client_ip $((n + 1)))" ecdsa "$user@$ip" true &
    wait
  done
  for user in ana boris chloe deepak emre fatima; do
    n=$((n + 1))
    password "$(client_ip $n)" "$user@$ip" "pw-$user" 'ls /' &
    password "$(client_ip6 $n)" "$user@$ip6" "not-$user" true &
    password "$(client_ip $((n + 5)))" "$user@$ip" "12345$n" true &
  done
  wait
  for k in $(seq 0 7); do
    n=$((n + 1))
    user=${unknown[$((n % ${#unknown[@]}))]}
    password "$(client_ip $((n / 3)))" "$user@$ip" "$user$n" true &
  done
  password "$(client_ip $n)" "root@$ip" toor true &
  password "$(client_ip $n)" "hana@$ip" pw-hana true &
  wait
  echo -e "ls\nput /etc/services services-$round\nget services-$round /dev/null\nrename services-$round old-$round\nmkdir d$round\nrm old-$round\nget missing" |
    timeout 20 sftp "${options[@]}" -o IdentityFile=/opt/keys/ed25519 -o BindAddress="$(client_ip $n)" "ana@$ip" &
  # Not SSH at all, and connections that end at once.
  echo "GET / HTTP/1.0" | timeout 3 ncat -s "$(client_ip $n)" "$ip" 22 &
  timeout 3 ncat --recv-only -s "$(client_ip $((n + 2)))" "$ip" 22 &
  printf 'SSH-2.0-Go\r\n' | timeout 3 ncat -s "$(client_ip6 $n)" -6 "$ip6" 22 &
  printf 'SSH-1.5-OldClient_1.2\r\n' | timeout 3 ncat -s "$(client_ip $((n + 4)))" "$ip" 22 &
  timeout 10 ssh "${options[@]}" -o BatchMode=yes -o KexAlgorithms=diffie-hellman-group14-sha1 -b "$(client_ip $n)" "ana@$ip" true &
  for file in services protocols ethertypes debian_version; do
    curl -s -m 10 --interface "$(client_ip $n)" -T "/etc/$file" "ftp://ana:pw-ana@$ip/$file-$round" &
    curl -s -m 10 --interface "$(client_ip $n)" -o /dev/null "ftp://boris:pw-boris@$ip/missing-$round" &
  done
  curl -s -m 10 --interface "$(client_ip $n)" -T /etc/services "ftp://ana:pw-ana@$ip/r%E9sum%E9-$round.txt" # Latin-1
  curl -s -m 10 --interface "$(client_ip $n)" -T /etc/services "ftp://ana:pw-ana@$ip/r%C3%A9sum%C3%A9-$round.txt"
  curl -s -m 10 --interface "$(client_ip $n)" "ftp://emre:bad$round@$ip/"
  wait
done
