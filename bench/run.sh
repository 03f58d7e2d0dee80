#!/bin/sh
# run.sh [SCRIPT [OPTIONS]]: compare.py (PyTorch; the default) or tabular.py (scikit-learn) beside build/lamina. Makes a
# virtual environment under build/ on the first run (packages from PyPI).
set -eu
cd "$(dirname "$0")/.."
script=${1:-compare.py}
[ $# -eq 0 ] || shift
case $script in tabular.py) packages="numpy scikit-learn" ;; *) packages="numpy torch" ;; esac
[ -x build/bench-venv/bin/python ] || python3 -m venv build/bench-venv
# shellcheck disable=SC2086
build/bench-venv/bin/pip install --quiet $packages
exec build/bench-venv/bin/python "bench/$script" build/lamina "$@"
