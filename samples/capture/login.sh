#!/bin/bash
# Runs on the login host: users, sshd, cron, vsftpd, then sudo and su by those users.
set -u
users=(ana boris chloe deepak emre fatima goran hana)
groupadd operators
for user in "${users[@]}"; do
  useradd -m -s /bin/bash -c "${user^}" "$user"
  echo "$user:pw-$user" | chpasswd -c SHA512
done
usermod -aG operators ana
usermod -aG operators chloe
for user in web-deploy backup-agent monitor; do useradd -r -m -s /bin/sh "$user"; done
cat >/etc/sudoers.d/capture <<'SUDO'
Defaults !mailerpath, passwd_tries=2
%operators ALL=(ALL:ALL) ALL
boris ALL=(root) /usr/bin/id, /usr/bin/tail, /usr/bin/journalctl
deepak ALL=(www-data) NOPASSWD: ALL
monitor ALL=(root) NOPASSWD: /usr/bin/df, /usr/bin/ss, /usr/bin/uptime
web-deploy ALL=(root) NOPASSWD: /usr/sbin/nginx -t, /usr/bin/install
SUDO
echo 'Set disable_coredump false' >>/etc/sudo.conf
chmod 440 /etc/sudoers.d/capture

mkdir -p /run/sshd /opt/keys
ssh-keygen -A
for type in ed25519 ecdsa rsa; do
  [ -e "/opt/keys/$type" ] || ssh-keygen -q -t $type -N '' -f "/opt/keys/$type" -C "$type@capture"
done
for user in ana boris chloe web-deploy backup-agent; do
  home=$(getent passwd "$user" | cut -d: -f6)
  mkdir -p "$home/.ssh"
  cat /opt/keys/ed25519.pub /opt/keys/rsa.pub >"$home/.ssh/authorized_keys"
  chown -R "$user": "$home/.ssh"
done
cat >/etc/ssh/sshd_config <<SSHD
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin no
MaxAuthTries 4
MaxStartups 60:30:80
LoginGraceTime 20
DenyUsers hana
LogLevel $([ "$LAYOUT" = split ] && echo INFO || echo VERBOSE)
Subsystem sftp internal-sftp -l INFO
SSHD
/usr/sbin/sshd

cat >/etc/vsftpd.conf <<FTP
listen_ipv6=YES
background=YES
local_enable=YES
write_enable=YES
seccomp_sandbox=NO
xferlog_enable=YES
dual_log_enable=YES
xferlog_file=/opt/out/xferlog
vsftpd_log_file=/opt/out/vsftpd.log
log_ftp_protocol=NO
session_support=YES
FTP
mkdir -p /run/vsftpd/empty
/usr/sbin/vsftpd

bash /opt/capture/login-cron.sh
bash /opt/capture/login-sudo.sh
