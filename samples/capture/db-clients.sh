#!/bin/bash
# SQL that works and SQL that does not; LDAP binds, searches and changes.
set -u
. /opt/capture/network.sh
ip=$(host_ip db)
base=dc=example,dc=test
users=(ana boris chloe deepak emre fatima)
# The hosts take turns in asking, so that the addresses differ.
hosts=(login web mail gw)
at() { in_host "${hosts[$((round % 4))]}" "$@"; }
round=0
sql() { at env PGPASSWORD="$1" psql -q -h "$ip" -U "$2" -d "$3" >/dev/null 2>&1; }
sql shop shop shop <<'SQL'
CREATE TABLE orders (id int PRIMARY KEY, customer text NOT NULL, total numeric CHECK (total >= 0));
CREATE TABLE café (libellé text);
SQL
for round in $(seq 1 $((ROUNDS * 3))); do
  sql shop shop shop <<SQL
INSERT INTO orders VALUES ($round, 'customer $round', $((round * 7 % 90)).50);
INSERT INTO orders VALUES ($round, 'twice', 1);
UPDATE orders SET total = total + $round WHERE id < $round;
INSERT INTO café VALUES ('crème brûlée n° $round');
INSERT INTO orders VALUES ($((round + 10000)), NULL, -1);
SELECT * FROM missing_$round;
SELEC $round;
SELECT $round / 0;
SELECT 'x$round'::int;
DELETE FROM orders WHERE id = $((round - 5));
SQL
  sql wrong shop shop </dev/null
  sql x "stranger$round" shop </dev/null
  sql shop shop "nowhere$round" </dev/null
  if [ $((round % 4)) = 0 ]; then
    (echo "BEGIN; UPDATE orders SET total = $round WHERE id = $round; SELECT pg_sleep(0.5); COMMIT;" | sql shop shop shop) &
    sleep 0.1
    echo "UPDATE orders SET total = 1 WHERE id = $round;" | sql shop shop shop
    echo "SET statement_timeout = 50; SELECT pg_sleep(1);" | sql shop shop shop
    echo 'CHECKPOINT;' | sql owner-secret postgres postgres
    wait
  fi

  user=${users[$((round % 6))]}
  dn=uid=$user,ou=people,$base
  at ldapsearch -x -H "ldap://$ip" -D "$dn" -w "pw-$user" -b "ou=people,$base" "(|(uid=${user:0:1}*)(mail=*$round*))" mail cn
  at ldapsearch -x -H "ldap://$ip" -D "$dn" -w "bad$round" -b "$base"
  at ldapwhoami -x -H "ldap://$ip" -D "uid=ghost$round,ou=people,$base" -w x
  at ldapmodify -x -H "ldap://$ip" -D cn=admin,$base -w admin-secret <<LDIF
dn: $dn
changetype: modify
replace: description
description: visit $round
LDIF
  at ldapsearch -x -H "ldap://$ip" -b "uid=missing$round,$base" -s base
  at ldapcompare -x -H "ldap://$ip" -D "$dn" -w "pw-$user" "$dn" "cn:someone$round"
done >/dev/null 2>&1
