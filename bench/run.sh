#!/bin/sh
# run.sh: the comparison with PyTorch. Makes a virtual environment under build/ on the first run (PyTorch from PyPI).
set -eu
cd "$(dirname "$0")/.."
if [ ! -x build/bench-venv/bin/python ]; then
    python3 -m venv build/bench-venv
    build/bench-venv/bin/pip install --quiet numpy torch
fi
exec build/bench-venv/bin/python bench/compare.py build/lamina "$@"
