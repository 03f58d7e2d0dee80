#!/bin/sh
# run.sh [all [OPTIONS]]: measure all of docs/performance.md and write it. OPTIONS are those of compare.py.
# run.sh SCRIPT [OPTIONS]: one of compare.py, scaling.py, publish.py, or tabular.py (docs/results.md).
# The first run makes a virtual environment under build/ (packages from PyPI).
set -eu
cd "$(dirname "$0")/.."
script=${1:-all}
[ $# -eq 0 ] || shift
case $script in
tabular.py) packages="numpy scikit-learn" ;;
scaling.py | publish.py) packages=numpy ;;
*) packages="numpy torch jax onnx onnxruntime scikit-learn" ;;
esac
[ -x build/bench-venv/bin/python ] || python3 -m venv build/bench-venv
# shellcheck disable=SC2086
build/bench-venv/bin/pip install --quiet $packages
python() { build/bench-venv/bin/python "$@"; }
case $script in
all)
    mkdir -p build/bench
    build/lamina bench --machine --json >build/bench/machine.json
    python bench/compare.py build "$@"
    python bench/scaling.py build
    python bench/publish.py
    ;;
tabular.py) python bench/tabular.py build/lamina "$@" ;;
publish.py) python bench/publish.py "$@" ;;
*) python "bench/$script" build "$@" ;;
esac
