#!/bin/bash
# Runs on the mail host: Postfix and Dovecot's IMAP server.
set -u
for user in ana boris chloe deepak emre fatima; do useradd -m "$user"; done
cat >/etc/postfix/main.cf <<POSTFIX
compatibility_level = 3.6
myhostname = $(hostname).example.test
mydestination = example.test, \$myhostname, localhost
mynetworks = 127.0.0.0/8 192.0.2.0/24
inet_interfaces = all
smtputf8_enable = yes
alias_maps =
smtp_host_lookup = native
transport_maps = inline:{ {example.net=smtp:[192.0.2.1]:2525}, {example.com=smtp:[192.0.2.1]:2526}, {example.org=smtp:[192.0.2.1]:2599}, {missing.example=smtp:[mx.missing.example]} }
minimal_backoff_time = 30s
queue_run_delay = 30s
smtpd_helo_required = yes
smtpd_recipient_restrictions = reject_non_fqdn_recipient, permit_mynetworks, reject_unauth_destination
smtpd_sender_restrictions = reject_non_fqdn_sender, check_sender_access inline:{ {spam.example = REJECT no spam here} }
message_size_limit = 20000
smtpd_client_connection_rate_limit = 300
maillog_file =
POSTFIX
postconf -F '*/*/chroot=n'
postfix start

cat >/etc/dovecot/dovecot.conf <<DOVECOT
protocols = imap
listen = *, ::
ssl = no
disable_plaintext_auth = no
mail_location = maildir:/srv/imap/%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
auth_verbose = yes
passdb {
  driver = passwd-file
  args = /srv/imap-users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/srv/imap/%u
}
DOVECOT
for user in ana boris chloe; do echo "$user:{PLAIN}pw-$user"; done >/srv/imap-users
install -d -o nobody -g nogroup /srv/imap
dovecot
