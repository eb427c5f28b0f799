#!/bin/bash
# Requests of many kinds. The user agents are those that browsers and robots send, given with curl -A.
set -u
. /opt/capture/network.sh
ip=$(host_ip web) ip6=$(host_ip6 web)
agents=(
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' 'Wget/1.21.3' 'Lynx/2.9.0dev.12 libwww-FM/2.14'
  'python-requests/2.31.0' 'Go-http-client/1.1' 'kube-probe/1.29' 'okhttp/4.12.0' '-' 'Prometheus/2.45.0' 'ELinks/0.16 "quoted"'
)
mapfile -t docs < <(cd /usr/share/doc && find . -maxdepth 2 -type f | sort | sed 's|^\.||; s|+|%2B|g' | awk 'NR % 3 == 0' | head -1500)
probes=(/wp-login.php /.env '/index.php?id=1%27%20OR%201=1--' /robots.txt /favicon.ico /denied/x /old/page '/search?q=caf%C3%A9&page=2'
  /private/report.txt /phpmyadmin/ '/cgi-bin/..%2f..%2fetc/passwd' /api/index.html /limited/index.html /page%20with%20space.html
  /gone/1 '/doc/?C=M;O=D' '/caf%E9.html' '/caf%C3%A9.html' /server-status /.git/config)
UNIT=60 # a unit of requests a round
next=0
# page: the next document or probe, so that hardly two requests are the same.
page() {
  next=$((next + 1))
  if [ $((next % 4)) = 0 ]; then REPLY=${probes[$((next / 4 % ${#probes[@]}))]}
  else REPLY=/doc${docs[$((next % ${#docs[@]}))]}; fi
}
# batch PORT SCHEME COUNT: one curl, COUNT requests, each its own agent, method and source.
batch() {
  local n separator=''
  for n in $(seq "$3"); do
    page
    echo "$separator"
    separator=next
    echo "url = \"$2://$([ $((next % 5)) = 0 ] && echo "[$ip6]" || echo "$ip"):$1$REPLY\""
    echo "interface = $([ $((next % 5)) = 0 ] && client_ip6 $next || client_ip $next)"
    local agent=${agents[$((next % ${#agents[@]}))]}
    printf 'user-agent = "%s"\n' "${agent//\"/\\\"}"
    echo 'silent
insecure
max-time = 5
output = /dev/null'
    case $((next % 17)) in
    1) echo 'head' ;;
    2) echo 'data = "a=1&b=2"' ;;
    3) echo 'referer = "https://search.example.net/?q=logs"' ;;
    4) echo 'user = "alice:wonder"' ;;
    5) echo 'user = "bob:wrong"' ;;
    6) echo 'request = OPTIONS' ;;
    7) echo 'range = 0-99' ;;
    8) echo 'compressed' ;;
    9) echo 'http1.0' ;;
    10) echo 'request = DELETE' ;;
    esac
  done >/opt/batch.curl # not a pipe, whose side of the loop would forget the counter
  curl -K /opt/batch.curl --path-as-is
}
raw() { timeout 3 ncat -s "$(client_ip $next)" "$ip" "$1" >/dev/null; }
for round in $(seq 1 "$ROUNDS"); do
  batch 80 http $((UNIT * 2))
  batch 8080 http "$UNIT"
  batch 8081 http $((UNIT / 2))
  batch 443 https $((UNIT / 2))
  batch 8000 http $((UNIT * 2 / 3))
  for port in 80 8080 8081; do
    # Raw bytes in the request line: Latin-1, UTF-8, Shift JIS, KOI8-R; then requests that are not HTTP.
    printf 'GET /caf\xe9-%d.html HTTP/1.0\r\nUser-Agent: navigateur fran\xe7ais\r\n\r\n' "$round" | raw $port
    printf 'GET /café-%d.html HTTP/1.0\r\nUser-Agent: навигатор/1.0\r\n\r\n' "$round" | raw $port
    printf 'GET /\x93\xfa\x96\x7b-%d HTTP/1.0\r\n\r\n' "$round" | raw $port
    printf 'GET /\xd0\xd2\xc9\xd7\xc5\xd4-%d HTTP/1.0\r\n\r\n' "$round" | raw $port
    printf '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' | raw $port
    printf 'SSTP_DUPLEX_POST /%d HTTP/1.1\r\n\r\n' "$round" | raw $port
    printf 'GET / HTTP/1.1\r\n\r\n' | raw $port
  done
  curl -s -m 5 -o /dev/null --data-binary @/etc/services "http://$ip/upload?round=$round"
  wget -q -T 5 -t 1 -O /dev/null --bind-address="$(client_ip "$round")" "http://$ip/doc/bash/copyright?wget=$round"
  python3 -c "import urllib.request as u; u.urlopen('http://$ip:8080/about.html?round=$round').read()"
  ab -q -n 10 -c 2 "http://$ip:8080/index.html?ab=$round" >/dev/null
  timeout 4 ncat --recv-only "$ip" 8022 >/dev/null
done
