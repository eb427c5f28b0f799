#!/bin/bash
# Runs on the database host: PostgreSQL and OpenLDAP.
set -u
bin=$(echo /usr/lib/postgresql/*/bin)
install -d -o postgres -g postgres /srv/pg /run/postgresql
as_postgres() { (cd /srv/pg && setpriv --reuid postgres --regid postgres --init-groups "$@"); }
echo owner-secret >/srv/pg/password && chown postgres /srv/pg/password
as_postgres "$bin/initdb" -D /srv/pg/data -U postgres --auth-host=scram-sha-256 --pwfile=/srv/pg/password -E UTF8
cat >>/srv/pg/data/postgresql.conf <<PG
listen_addresses = '*'
fsync = off
log_connections = on
log_disconnections = on
log_statement = 'mod'
log_min_duration_statement = 20
log_checkpoints = on
log_lock_waits = on
deadlock_timeout = 200ms
log_line_prefix = '%m [%p] %q%u@%d %h '
PG
if [ "$LAYOUT" != split ]; then
  echo "log_destination = 'syslog'
log_line_prefix = '%q%u@%d '" >>/srv/pg/data/postgresql.conf
fi
echo 'host all all all scram-sha-256' >>/srv/pg/data/pg_hba.conf
touch /opt/out/postgresql.log && chown postgres /opt/out/postgresql.log
as_postgres "$bin/pg_ctl" -D /srv/pg/data -l /opt/out/postgresql.log -w start
as_postgres psql -c "CREATE ROLE shop LOGIN PASSWORD 'shop'" -c 'CREATE DATABASE shop OWNER shop'

mkdir -p /srv/ldap /run/slapd
cat >/srv/slapd.conf <<LDAP
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile /run/slapd/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
loglevel stats
database mdb
suffix "dc=example,dc=test"
rootdn "cn=admin,dc=example,dc=test"
rootpw admin-secret
directory /srv/ldap
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by * none
LDAP
slapd -f /srv/slapd.conf -h ldap:///
sleep 2
ldapadd -x -D cn=admin,dc=example,dc=test -w admin-secret -H ldap://127.0.0.1 <<LDIF
dn: dc=example,dc=test
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=test
objectClass: organizationalUnit
ou: people
$(for user in ana boris chloe deepak emre fatima; do echo "
dn: uid=$user,ou=people,dc=example,dc=test
objectClass: inetOrgPerson
uid: $user
cn: ${user^}
sn: ${user^}
mail: $user@example.test
userPassword: pw-$user"; done)
LDIF
