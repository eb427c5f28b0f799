#!/bin/sh
# Resolves the Java class paths anew and writes components/*/jgo.lock.toml. Needs the network; review the difference.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The resolver's command line needs more packages than the build does.
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "jgo[cli]==$(sed -n 's/^jgo = //p' versions.cfg)"
for component in zookeeper solr; do
  (cd "components/$component" && M2_REPO="$work/repository" "$work/venv/bin/jgo" --ignore-config --quiet lock)
done
git --no-pager diff --stat -- components
