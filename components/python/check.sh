#!/bin/sh
# Says in one sentence what this machine lacks for a build. Usage: check.sh PYTHON
python=$1

fail() {
  echo "make: $*" >&2
  exit 69
}

command -v "$python" >/dev/null ||
  fail "there is no $python: install Python 3.9 or later, or name one with make PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' ||
  fail "$python is older than 3.9: install a later one, or name it with make PYTHON=..."
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "$python cannot make virtual environments: install its venv module (Debian: python3-venv)."
[ "$(uname -sm)" = "Linux x86_64" ] ||
  fail "the servers' binaries are pinned for Linux x86_64 only, and this is $(uname -sm)."
for library in libssl.so.3 libcrypto.so.3 libcurl.so.4; do
  "$python" -c "import ctypes; ctypes.CDLL('$library')" 2>/dev/null || {
    case $library in
      libcurl*) package='libcurl 4 (Debian: libcurl4)' ;;
      *) package='libssl 3 (Debian: libssl3)' ;;
    esac
    fail "mongod needs $package, which is not installed."
  }
done
