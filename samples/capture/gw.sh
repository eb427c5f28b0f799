#!/bin/bash
# Runs on the gateway: BIND, ISC dhcpd, squid, and a packet filter that logs (kernel log and ulogd).
set -u
mkdir -p /srv/named /run/named
cat >/srv/named/named.conf <<BIND
options {
  directory "/srv/named";
  pid-file "/run/named/named.pid";
  listen-on { any; };
  listen-on-v6 { any; };
  recursion yes;
  allow-recursion { 127.0.0.0/8; 192.0.2.0/24; };
  allow-transfer { 192.0.2.0/24; };
  forward only;
  forwarders { 192.0.2.1 port 5399; };
  dnssec-validation no;
  querylog yes;
};
logging {
  channel log { syslog daemon; severity info; print-category yes; print-severity yes; };
  category default { log; };
  category queries { log; };
  category lame-servers { null; };
};
zone "example.test" { type master; file "example.test"; allow-update { 192.0.2.1; }; };
zone "2.0.192.in-addr.arpa" { type master; file "reverse"; };
zone "broken.test" { type master; file "broken"; };
BIND
soa="@ 300 IN SOA ns.example.test. root.example.test. 1 60 60 600 60
@ 300 IN NS ns.example.test."
{
  echo "$soa"
  echo 'ns A 192.0.2.14
@ MX 10 mail
www CNAME web'
  for host in login:11 web:12 mail:13 gw:14 db:15; do
    echo "${host%:*} A 192.0.2.${host#*:}
${host%:*} AAAA 2001:db8::${host#*:}
${host%:*}$NUMBER CNAME ${host%:*}"
  done
} >/srv/named/example.test
{
  echo "$soa"
  for host in login:11 web:12 mail:13 gw:14 db:15; do echo "${host#*:} PTR ${host%:*}.example.test."; done
} >/srv/named/reverse
echo 'no start of authority here' >/srv/named/broken
chown -R bind: /srv/named /run/named
named -u bind -c /srv/named/named.conf

cat >/srv/dhcpd.conf <<DHCP
authoritative;
default-lease-time 60;
max-lease-time 120;
option domain-name "example.test";
subnet 192.0.2.0 netmask 255.255.255.0 {
  range 192.0.2.160 192.0.2.220;
  option routers 192.0.2.1;
}
host printer { hardware ethernet 02:00:5e:20:00:05; fixed-address 192.0.2.150; }
host banned { hardware ethernet 02:00:5e:20:00:07; deny booting; }
DHCP
touch /srv/dhcpd.leases
chmod -R a+rwX /srv
dhcpd -4 -cf /srv/dhcpd.conf -lf /srv/dhcpd.leases -pf /run/dhcpd.pid eth0

htpasswd -bc /srv/squid-users alice wonder
htpasswd -b /srv/squid-users bob builder
install -m 644 -o proxy /dev/null /opt/out/squid-access.log
install -m 644 -o proxy /dev/null /opt/out/squid-cache.log
access="daemon:/opt/out/squid-access.log squid"
if [ "$LAYOUT" != split ]; then access="syslog:local5.info squid"; fi
cat >/srv/squid.conf <<SQUID
http_port 3128
visible_hostname $(hostname)
pid_filename /run/squid.pid
cache_effective_user proxy
access_log $access
cache_log /opt/out/squid-cache.log
cache_mem 32 MB
shutdown_lifetime 1 second
dns_nameservers 127.0.0.1
connect_timeout 2 seconds
forward_timeout 4 seconds
auth_param basic program /usr/lib/squid/basic_ncsa_auth /srv/squid-users
acl users proxy_auth REQUIRED
acl lan src 192.0.2.0/24
acl blocked dstdomain .blocked.test ads.example.test
acl tls port 443
http_access deny CONNECT !tls
http_access deny blocked
http_access allow lan
http_access allow users
http_access deny all
refresh_pattern . 10 50% 60
SQUID
squid -f /srv/squid.conf

nft -f - <<'NFT'
table inet filter {
  chain input {
    type filter hook input priority 0; policy accept;
    ct state established,related accept
    iif lo accept
    tcp dport { 53, 3128 } accept
    udp dport { 53, 67 } accept
    tcp dport 23 log prefix "[telnet] " group 1
    tcp dport 23 drop
    tcp dport { 135, 139, 445 } log prefix "[DROP windows] " level warn drop
    tcp flags & (fin|psh|urg) == fin|psh|urg log prefix "[DROP xmas] " flags tcp options drop
    ip saddr 203.0.113.0/24 log prefix "IN-REJECT " flags all
    ip saddr 203.0.113.0/24 reject
    icmp type echo-request log prefix "icmp: " level info accept
    icmpv6 type echo-request log prefix "icmp: " level info accept
    meta l4proto { icmp, icmpv6 } accept
    tcp dport 1-1023 log prefix "[UFW BLOCK] " drop
    meta l4proto udp log prefix "udp-in: " group 1
    meta l4proto udp drop
  }
}
NFT
iptables -A OUTPUT -p tcp --syn -d 192.0.2.12 -j LOG --log-prefix 'OUT-WEB ' --log-uid --log-level info
cat >/srv/ulogd.conf <<ULOGD
[global]
logfile="/opt/out/ulogd-messages.txt"
stack=nflog:NFLOG,base:BASE,ifi:IFINDEX,ip2str:IP2STR,print:PRINTPKT,emu:$([ "$LAYOUT" = split ] && echo LOGEMU || echo SYSLOG)
[nflog]
group=1
[emu]
file="/opt/out/ulogd.log"
sync=1
ULOGD
ulogd -d -c /srv/ulogd.conf
