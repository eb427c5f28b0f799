#!/bin/bash
# Sends mail that is delivered, relayed, refused, bounced or deferred; reads some over IMAP.
set -u
. /opt/capture/network.sh
ip=$(host_ip mail)
# Two mail exchangers that accept, and refuse, what is relayed. On port 2599 nobody listens.
(smtp-sink -u nobody -h mx.example.net 192.0.2.1:2525 100 &)
(smtp-sink -u nobody -h mx.example.com -f RCPT 192.0.2.1:2526 100 &)
sleep 1
users=(ana boris chloe deepak emre fatima)
senders=(news@example.com robot@example.net billing@shop.example anna@example.org 'root@login1.example.test' 'josé@example.test')
send() { timeout 20 swaks --server "$ip" --local-interface "$1" --helo "$2" --from "$3" --to "$4" "${@:5}" >/dev/null 2>&1; }
n=0
for round in $(seq 1 $((ROUNDS * 3))); do
  for user in "${users[@]}"; do
    n=$((n + 1))
    from=${senders[$((n % ${#senders[@]}))]}
    client=192.0.2.$((101 + n % 40))
    case $((n % 12)) in
    0) to=customer$n@example.com ;;           # refused by the next server: bounced
    1 | 2 | 3) to=partner$n@example.net ;;    # relayed
    4) to=friend$n@example.org ;;             # connection refused: deferred
    5) to=nobody$n@example.test ;;            # no such user
    6) to=someone@missing.example ;;          # no such host
    *) to=$user@example.test ;;
    esac
    if [ "$n" -gt 150 ] && [ "$to" = "friend$n@example.org" ]; then to=$user@example.test; fi
    send "$client" "pc$n.example.test" "$from" "$to" --header "Subject: message $n" &
    if [ $((n % 3)) = 0 ]; then wait; fi
  done
  send "$(client_ip $((round * 3 + 1)))" mx.spam.example "offer$round@spam.example" "ana@example.test" &
  send "$(client_ip $((round * 3 + 2)))" relay "x$round@example.net" "victim$round@example.com" &
  send "192.0.2.$((101 + round % 40))" pc ana "boris@example.test" &
  send "192.0.2.$((101 + round % 40))" pc news@example.com "ana@example.test" --body "@/etc/services" --attach /etc/services &
  send "192.0.2.$((101 + round % 40))" pc news@example.com "ana@example.test" --to "ana@example.test,boris@example.test,p$round@example.net" &
  printf 'EHLO pc\r\nMAIL FROM:<josé@example.test> SMTPUTF8\r\nRCPT TO:<chloé%d@example.test>\r\nQUIT\r\n' "$round" |
    timeout 5 ncat --no-shutdown -i 2 "$ip" 25 >/dev/null &
  printf 'GET / HTTP/1.0\r\nHost: x\r\n\r\n' | timeout 5 ncat -i 2 -s "$(client_ip "$round")" "$ip" 25 >/dev/null &
  timeout 2 ncat -s "$(client_ip "$round")" "$ip" 25 </dev/null >/dev/null &
  for user in ana boris chloe; do
    curl -s -m 8 --interface "$(client_ip "$n")" "imap://$user:pw-$user@$ip/INBOX" -X NOOP >/dev/null &
  done
  curl -s -m 8 --interface "$(client_ip "$n")" "imap://ana:bad$round@$ip/" >/dev/null &
  curl -s -m 8 "imap://guest$round:guest@$ip/" >/dev/null &
  wait
done
