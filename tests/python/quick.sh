#!/bin/sh
# quick.sh LIBRARY: the tests of the Python package in the source tree, with the first Python that has NumPy and pytest. Exits
# with 77 (skipped) where there is none. What needs more than these (scikit-learn, torch) is skipped: run.sh has it.
here=$(cd "$(dirname "$0")" && pwd)
export LAMINA_LIBRARY="$1" PYTHONDONTWRITEBYTECODE=1
for python in python3 /usr/bin/python3; do
    "$python" -c "import numpy, pytest" 2>/dev/null &&
        exec "$python" -m pytest -q -p no:cacheprovider --ignore "$here/test_estimators.py" "$here"
done
echo "skipped: no python3 with NumPy and pytest (python3-numpy, python3-pytest)"
exit 77
