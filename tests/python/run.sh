#!/bin/sh
# run.sh LAMINA: checks against other programs, in a virtual environment that it makes, and completes, from PyPI:
#   torch         the same trainings          numpy   arrays, and networks by hand
#   scikit-learn  measures, class weights     pandas  the same tables
#   safetensors   reads the models
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lamina=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
venv=$(dirname "$lamina")/python-venv
packages="numpy pandas safetensors scikit-learn torch"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
[ "$(cat "$venv/packages" 2>/dev/null)" = "$packages" ] || {
    "$venv/bin/pip" install --quiet $packages
    echo "$packages" >"$venv/packages"
}
exec "$venv/bin/python" "$here/check_peers.py" "$lamina"
