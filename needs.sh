#!/bin/sh
# needs.sh PACKAGE:WHY ...: install the Debian packages that are missing, saying which and why; nothing when all are there.
set -eu
missing=
for need in "$@"; do
    package=${need%%:*}
    if command -v dpkg-query >/dev/null 2>&1 &&
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ]; then
        continue
    fi
    case $package in # a tool that is there in another way is fine
    gcc | make | cmake | g++) command -v "$package" >/dev/null 2>&1 && continue ;;
    pkg-config) command -v pkg-config >/dev/null 2>&1 && continue ;;
    groff-base) command -v groff >/dev/null 2>&1 && continue ;;
    esac
    missing="$missing $package"
    echo "needs $package: ${need#*:}"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    command -v dpkg-query >/dev/null 2>&1 || {
        echo "This is not a Debian system: install what these packages hold by its own means, if it is not there already:"
        echo " $missing"
        echo "(CMake will say what it does not find.)"
        exit 0
    }
    exit 1
fi
root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "installing them needs root: apt-get install$missing" >&2; exit 1; }
    root=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$root apt-get install -y -qq $missing >/dev/null 2>&1 || {
    $root apt-get update -qq
    $root apt-get install -y -qq $missing >/dev/null
}
