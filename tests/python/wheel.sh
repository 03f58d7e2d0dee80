#!/bin/sh
# wheel.sh FOLDER [PYTHON...]: makes the wheel (python/wheel.sh), installs it in a new virtual environment with NumPy alone, and
# runs the tests of the package there; for each PYTHON, python3 by default. All of it is below FOLDER; packages come from
# PyPI.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../../python/wheel.sh" "$1"
folder=$(cd "$1" && pwd)
shift
[ $# != 0 ] || set -- python3
wheel=$(ls "$folder/dist"/*.whl)
case $(uname):$wheel in
Linux:*-py3-none-manylinux_*) ;;
Linux:*) echo "the wheel is bound to this machine, or to one version of Python" >&2; exit 1 ;;
*-py3-none-*) ;;
*) echo "the wheel is bound to one version of Python" >&2; exit 1 ;;
esac
unset LAMINA_LIBRARY PYTHONPATH
cd "$folder"
for python; do
    echo "$("$python" --version): $wheel"
    rm -rf "$folder/installed"
    "$python" -m venv "$folder/installed"
    "$folder/installed/bin/pip" install --quiet "$wheel"
    [ "$("$folder/installed/bin/pip" list --format freeze | grep -cv '^pip=\|^setuptools=\|^wheel=')" = 2 ] || {
        echo "the package needs more than NumPy" >&2
        exit 1
    }
    if [ "$(uname)" = Linux ]; then # what is not in the wheel is glibc's, or allowed by manylinux
        (cd installed/lib/python*/site-packages/lamina && ldd liblamina.so) >needs
        grep -E 'jansson|libmd|jpeg|png' needs | grep -v lamina.libs && {
            echo "the wheel takes libraries from this machine" >&2
            exit 1
        }
    fi
    "$folder/installed/bin/pip" install --quiet pytest
    "$folder/installed/bin/python" -m pytest -q -p no:cacheprovider "$here"
done
