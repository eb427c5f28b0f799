#!/bin/bash
# Runs on the login host: sudo and su, allowed and refused. A refused password costs PAM's two
# seconds, so refusals run in the background.
set -u
as() { (cd "$(getent passwd "$1" | cut -d: -f6)" && setpriv --reuid "$1" --regid "$1" --init-groups env -i \
  PATH=/usr/bin:/bin:/usr/sbin HOME="$PWD" USER="$1" LANG=C.UTF-8 "${@:2}"); }
terminal() { as "$1" script -qec "$2" /dev/null; }
files=(/var/log/dpkg.log /etc/shadow /etc/ssh/sshd_config /etc/sudoers /root/.profile /etc/crontab /var/log/auth.log)
services=(nginx postfix squid named cron rsyslog ssh)
for round in $(seq 1 $((ROUNDS * 4))); do
  file=${files[$((round % 7))]} service=${services[$((round % 7))]}
  echo pw-ana | as ana sudo -S -k tail -n $((round * 5)) "$file"
  echo pw-chloe | as chloe sudo -S -k -u www-data ls -l "/srv/release-$round"
  echo pw-ana | as ana sudo -S -k -g operators touch "/tmp/ana-$round"
  echo pw-boris | as boris sudo -S -k id -u "user$round"
  terminal chloe "echo pw-chloe | sudo -S -k service $service status"
  terminal deepak "sudo -u www-data find /var/www -maxdepth $((round % 5)) -name '*.html'"
  as monitor sudo df -h /
  as monitor sudo ss -tlnp "sport = :$((round * 3 + 20))"
  as web-deploy sudo nginx -t
  as web-deploy sudo install -m 644 "/srv/release-$round/index.html" /var/www/html/
  as ana sudo -n systemctl restart "$service" &
  (echo wrong; echo worse) | as boris sudo -S -k cat "$file" &
  echo pw-boris | as boris sudo -S -k cat "$file" &
  echo pw-emre | as emre sudo -S -k useradd "guest$round" &
  as deepak sudo -n -u root rm -rf "/srv/release-$round" &
  echo pw-chloe | as ana su - chloe -c "ls ~ $round" &
  echo wrong | as fatima su - root -c id &
  echo pw-hana | as goran su hana -c 'id -un' &
  terminal ana "echo pw-emre | su - emre -c date" &
  su - backup-agent -c "tar cf backup-$round.tar .ssh" &
  useradd -m "guest$round" && usermod -s /usr/sbin/nologin "guest$round"
  echo "guest$round:pw" | chpasswd
  gpasswd -a "guest$round" operators
  userdel -r "guest$round"
  wait
done
