#!/bin/sh
# Make the virtual environment VENV with the first Python 3.11 or newer found, unless a working one is there.
#   tools/venv.sh VENV [PYTHON]
set -eu
venv=$1
asked=${2:-}
recent='import sys; sys.exit(sys.version_info < (3, 11))'

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c "$recent" 2>/dev/null && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

chosen=
for python in ${asked:-python3 python3.13 python3.12 python3.11 python3.14}; do
    if command -v "$python" >/dev/null 2>&1 && "$python" -c "$recent" 2>/dev/null; then
        chosen=$python
        break
    fi
done
if [ -z "$chosen" ]; then
    if [ -n "$asked" ]; then
        echo "error: '$asked' is not a Python 3.11 or newer; name one that is: make PYTHON=/path/to/python3.12 ..." >&2
    else
        echo "error: jepascope needs Python 3.11 or newer and none was found; install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
    fi
    exit 1
fi
if ! "$chosen" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "error: $chosen comes without its venv module; install it (Debian and Ubuntu: apt install python3-venv) and run the same command again." >&2
    exit 1
fi
echo "Making the virtual environment $venv with $("$chosen" --version) ..."
"$chosen" -m venv --clear "$venv"
