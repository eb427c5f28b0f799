#!/bin/bash
# Runs on the web host: nginx (80, 443, 8081), Apache httpd (8080), haproxy (8000) before both, and a
# small upstream of nginx that is sometimes absent.
set -u
logs=/opt/out
mkdir -p /srv/www /run/apache2 /run/nginx /var/lib/nginx/body
ln -s /usr/share/doc /srv/www/doc
for name in index about 'page with space' 'café' 'naïve-問い合わせ'; do
  echo "<html><title>$name</title><p>$name</p></html>" >"/srv/www/$name.html"
done
mkdir /srv/www/private && echo secret >/srv/www/private/report.txt
htpasswd -bc /srv/htpasswd alice wonder
htpasswd -b /srv/htpasswd bob builder
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$(hostname).example.test" -keyout /srv/tls.key -out /srv/tls.pem

if [ "$LAYOUT" = split ]; then
  access="access_log $logs/nginx-access.log combined;" json="access_log $logs/nginx-json.log json;"
  raw="access_log $logs/nginx-raw.log raw;" errors="error_log $logs/nginx-error.log notice;" details="error_log $logs/nginx-details.log info;"
  apache_access="CustomLog $logs/apache-access.log combined
CustomLog $logs/apache-vhost.log vhost_combined env=vhost"
  apache_errors="ErrorLog $logs/apache-error.log"
else
  access="access_log syslog:server=unix:/dev/log,facility=local7,tag=nginx,nohostname combined;" json=$access raw=$access
  errors="error_log syslog:server=unix:/dev/log,facility=local7,tag=nginx,nohostname notice;" details=
  apache_access='CustomLog "|/usr/bin/logger -t httpd -p local6.info" combined'
  apache_errors='ErrorLog "syslog:local6"'
fi
cat >/srv/nginx.conf <<NGINX
user www-data;
pid /run/nginx.pid;
$errors
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  log_format raw escape=none '\$remote_addr [\$time_local] "\$request" \$status "\$http_user_agent"';
  log_format json escape=json '{"time":"\$time_iso8601","client":"\$remote_addr","method":"\$request_method",'
    '"uri":"\$request_uri","status":\$status,"bytes":\$body_bytes_sent,"seconds":\$request_time,"agent":"\$http_user_agent"}';
  limit_req_zone \$binary_remote_addr zone=slow:1m rate=2r/s;
  server {
    listen 80; listen [::]:80; root /srv/www; autoindex on; $access
    location /private/ { auth_basic private; auth_basic_user_file /srv/htpasswd; }
    location /limited/ { limit_req zone=slow; alias /srv/www/; }
    location /api/ { proxy_pass http://127.0.0.1:9000; }
    location /old/ { return 301 /doc/; }
    location /upload { client_max_body_size 1k; return 204; }
    location /denied/ { deny all; }
  }
  server { listen 8081; listen [::]:8081; root /srv/www; charset utf-8; keepalive_timeout 0; $raw $details }
  server {
    listen 443 ssl; listen [::]:443 ssl; root /srv/www; autoindex on; $json
    ssl_certificate /srv/tls.pem; ssl_certificate_key /srv/tls.key;
  }
}
NGINX
nginx -c /srv/nginx.conf

cat >/srv/apache.conf <<APACHE
ServerRoot /etc/apache2
ServerName $(hostname).example.test
PidFile /run/apache2/apache2.pid
Listen 8080
User www-data
Group www-data
LogLevel info
$(for m in mpm_event authn_core authn_file authz_core authz_user auth_basic alias autoindex dir mime rewrite status setenvif negotiation; do
    echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"; done)
TypesConfig /etc/mime.types
LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" combined
LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined
SetEnvIf Request_URI ^/doc/lib vhost
$apache_access
$apache_errors
DocumentRoot /srv/www
<Directory /srv/www>
  Options Indexes FollowSymLinks
  Require all granted
</Directory>
<Directory /usr/share/doc>
  Options Indexes
  Require all granted
</Directory>
<Location /private>
  AuthType Basic
  AuthName private
  AuthUserFile /srv/htpasswd
  Require user alice
</Location>
<Location /denied>
  Require all denied
</Location>
<Location /server-status>
  SetHandler server-status
</Location>
Redirect /old /doc
APACHE
touch /etc/mime.types
apache2 -f /srv/apache.conf -k start

cat >/srv/haproxy.cfg <<HAPROXY
global
  log /dev/log local0
defaults
  mode http
  log global
  option httplog
  option dontlognull
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend public
  bind :8000
  bind :::8000 v6only
  capture request header User-Agent len 40
  acl bad path_beg /wp-
  http-request deny if bad
  use_backend apache if { path_beg /doc/lib }
  use_backend gone if { path_beg /gone }
  default_backend nginx
backend nginx
  option httpchk GET /index.html
  server nginx1 127.0.0.1:80 check inter 3s
  server nginx2 127.0.0.1:8081 check inter 3s
backend apache
  server httpd1 127.0.0.1:8080 check
backend gone
  server none 127.0.0.1:9 check inter 5s
frontend tcp
  mode tcp
  option tcplog
  bind :8022
  default_backend ssh
backend ssh
  mode tcp
  server login 192.0.2.11:22
HAPROXY
haproxy -D -f /srv/haproxy.cfg -p /run/haproxy.pid

# The upstream runs for a while, is away for a while.
for _ in $(seq 200); do
  timeout 7 python3 -m http.server --bind 127.0.0.1 --directory /srv/www 9000 2>/dev/null
  sleep 3
done &
