#!/bin/sh
# make demo: real log lines go over HTTPS into a local cluster, and are found again. UP is the command that starts it,
# VAR the cluster's folder. Safe to repeat: the sources of an earlier run get another key and more lines.
set -eu
cd "$(dirname "$0")/.."
: "${UP:?run it as \"make demo\"}"
RESILOG_CONFIG=$(cd "$(dirname "${VAR:-var}")" && pwd)/$(basename "${VAR:-var}")/resilog.json
export RESILOG_CONFIG
resilog=bin/resilog

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m'); plain=$(printf '\033[0m'); else bold= plain=; fi
number=0
step() {
  number=$((number + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$number" "$1" "$plain"
}
# Shows a command as one would type it, then runs it.
show() {
  printf '   $'
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=!-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  "$@"
}
fail() {
  printf '\ndemo: %s\n' "$1" >&2
  exit 1
}

step 'Start the local cluster: ZooKeeper, MongoDB, Solr, a producer, two consumers'
# Not quoted: it is a command with its arguments.
eval "$UP" || fail 'the cluster did not start: what is not healthy is named above, with its log.'

step 'Declare a source for each program whose lines are sent; each gets a key of its own'
for name in sshd postfix nginx network; do
  if $resilog source show "$name" >/dev/null 2>&1; then
    $resilog source rotate "$name" --overlap 0h --json >/dev/null || fail "the source $name got no other key."
    printf '   source %s is there from an earlier run: it gets another key.\n' "$name"
  else
    $resilog source add "$name" --json >/dev/null || fail "the source $name was not declared."
    printf '   $ %s source add %s\n' "$resilog" "$name"
  fi
done

step 'Send real lines, captured from these programs (samples/README.md). What is acknowledged is on disk'
send() {
  show $resilog send "samples/$2" --source "$1" || fail "the lines of samples/$2 were not taken: \"$resilog status\" shows what is down."
}
send sshd sshd.rfc3164.log
send postfix postfix.rfc3164.log
send nginx nginx-access.log
send network mixed.rfc5424.log

step 'Wait until every acknowledged line is searchable'
show $resilog wait --idle --timeout 120 || fail "the lines were not indexed in time: \"$resilog status\" shows what is behind."

step 'Search'
show $resilog search '"Failed password" program:sshd' --rows 3 || fail 'the search failed.'
printf '\n'
show $resilog search '*' --facet source --facet program --rows 1 || fail 'the search for facets failed.'

step 'Show one line as it was received, from the archive'
found=$($resilog search '"Failed password"' --source sshd --rows 1 --json 2>/dev/null) || fail 'the search failed.'
id=$(printf '%s\n' "$found" | sed -n 's/^{"id":"\([0-9a-f]*![0-9]*\)".*/\1/p')
[ -n "$id" ] || fail 'no line was found, though lines were sent.'
show $resilog show "$id" || fail "the line $id is not in the archive."

printf '\n%sIt works.%s Where to go from here:\n' "$bold" "$plain"
cat <<'END'
   bin/resilog status                every component, the queue, rates, disk
   bin/resilog search --help         the search; docs/specs/search.md has the query language
   bin/resilog source add NAME       a source of your own; README.md tells how to send to it
   docs/ARCHITECTURE.md              what happens to a line, and what every crash leaves
   make down                         stops the cluster; its data stays for the next "make up"
END
