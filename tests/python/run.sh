#!/bin/sh
# run.sh LAMINA: the tests of the Python package (test_*.py), and checks against other programs (check_peers.py), with the
# library beside the program, in a virtual environment that it makes, and completes, from PyPI:
#   torch         the same trainings          numpy   arrays, and networks by hand
#   scikit-learn  estimators, measures        pandas  the same tables
#   safetensors   reads the models            pytest  runs the tests
#   jax           arrays                      matplotlib  plots
#   nbclient, nbformat, ipykernel             run the notebooks of examples/
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lamina=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
venv=$(dirname "$lamina")/python-venv
packages="numpy pandas safetensors scikit-learn torch jax matplotlib pytest nbclient nbformat ipykernel"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
[ "$(cat "$venv/packages" 2>/dev/null)" = "$packages" ] || {
    "$venv/bin/pip" install --quiet $packages
    echo "$packages" >"$venv/packages"
}
export LAMINA_LIBRARY="$(dirname "$lamina")/liblamina.so" PYTHONPATH="$here/../../python" PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" -m pytest -q -p no:cacheprovider "$here"
exec "$venv/bin/python" "$here/check_peers.py" "$lamina"
