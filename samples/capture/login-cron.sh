#!/bin/bash
# Runs on the login host: several users' crontabs, and cron.
set -u
commands=(
  'uptime' 'df -h /' 'ls /var/log | wc -l' 'date +\%s > $HOME/stamp' 'find $HOME -name "*.tmp" -mtime +7 -delete'
  'gzip -c /etc/services > $HOME/services.gz' 'cat /proc/loadavg >> $HOME/load.txt' 'who' 'test -e /run/no-such-file'
  'sha256sum /etc/passwd' 'tar cf $HOME/ssh.tar $HOME/.ssh 2>/dev/null' 'ss -tln | grep -c LISTEN' 'id -nG'
  'echo "sauvegarde terminée"' 'nice -n 10 sort /etc/services | uniq -c | head -1' '[ -x /usr/bin/mandb ] && true'
)
i=0
for user in ana boris chloe deepak emre fatima backup-agent monitor; do
  {
    echo 'MAILTO=""'
    for n in 0 1 2 3 4 5; do echo "* * * * * ${commands[$(((i * 3 + n) % ${#commands[@]}))]} >/dev/null"; done
  } | crontab -u "$user" -
  i=$((i + 1))
done
{
  echo '* * * * * root [ -d /run/lock ] && find /run/lock -type f -mmin +30 -print >/dev/null'
  echo '*/2 * * * * www-data test -d /var/www && du -sh /var/www >/dev/null'
  echo '*/3 * * * * root logger -t rotate -p daemon.notice "$(df --output=target,pcent / | tail -1)"'
} >/etc/cron.d/capture
echo '* * * * * nosuchuser /usr/bin/true' >/etc/cron.d/wrong
cron
