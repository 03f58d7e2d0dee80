#!/bin/sh
# examples.sh PROGRAM: run the program of examples/train.c on a small data set, and look at what it leaves.
set -eu
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# shellcheck source=/dev/null
. "$here/cli/tools.sh"
cd "$folder"
toy data
"$program" data >out
cat out
grep -q '^accuracy [01]\.[0-9]* on 15 test samples$' out
[ -s model.safetensors ]
if "$program" missing 2>err; then
    echo "no error for a data set that is not there" >&2
    exit 1
fi
grep -q 'cannot read missing' err
