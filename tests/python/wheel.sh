#!/bin/sh
# wheel.sh FOLDER: makes an sdist of the source tree and a wheel of the sdist, installs that in a new virtual environment with
# NumPy alone, and runs the tests of the package there. All of it is below FOLDER; packages come from PyPI.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
rm -rf "$folder/dist" "$folder/installed"
[ -x "$folder/tools/bin/python" ] || python3 -m venv "$folder/tools"
"$folder/tools/bin/pip" install --quiet build
"$folder/tools/bin/python" -m build --outdir "$folder/dist" "$here/../.." # a wheel of the sdist, not of the tree
ls "$folder/dist"
case $(ls "$folder/dist"/*.whl) in
*-py3-none-*) ;;
*) echo "the wheel is bound to one version of Python" >&2; exit 1 ;;
esac
python3 -m venv "$folder/installed"
"$folder/installed/bin/pip" install --quiet "$folder/dist"/*.whl
[ "$("$folder/installed/bin/pip" list --format freeze | grep -cv '^pip=\|^setuptools=\|^wheel=')" = 2 ] || {
    echo "the package needs more than NumPy" >&2
    exit 1
}
"$folder/installed/bin/pip" install --quiet pytest
unset LAMINA_LIBRARY PYTHONPATH
cd "$folder"
exec "$folder/installed/bin/python" -m pytest -q -p no:cacheprovider "$here"
