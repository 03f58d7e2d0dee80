#!/bin/sh
# run.sh LAMINA: checks against NumPy, safetensors and PyTorch, in a virtual environment made on the first run (from PyPI).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lamina=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
venv=$(dirname "$lamina")/python-venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet numpy safetensors torch
fi
exec "$venv/bin/python" "$here/check_peers.py" "$lamina"
