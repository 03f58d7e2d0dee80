#!/bin/sh
# neon.sh FOLDER TEST ...: on a machine that is no ARM one, build for it in FOLDER and run tests in qemu: the table of NEON
# beside the plain one, and the digests of trainings, which are those of all sets. The libraries are Debian's for arm64,
# unpacked in FOLDER, not installed.
set -eu
[ "$(uname -m)" != aarch64 ] || { echo "this is an ARM machine: make test runs NEON itself"; exit 0; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
root=$folder/root
lib=$root/usr/lib/aarch64-linux-gnu
if [ ! -d "$root" ]; then
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/debs"
    apt="apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State::lists=$folder/apt/lists
        -o Dir::Cache=$folder/apt -o Dir::State::status=/dev/null"
    $apt update
    (cd "$folder/debs" && $apt download libcmocka-dev libcmocka0 libjansson-dev libjansson4 libmd-dev libmd0 zlib1g-dev zlib1g)
    for deb in "$folder"/debs/*.deb; do
        dpkg-deb -x "$deb" "$root.part"
    done
    mv "$root.part" "$root"
fi
export PKG_CONFIG_LIBDIR="$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"
flags="-I$root/usr/include -I$root/usr/include/aarch64-linux-gnu"
links="-L$lib -L$root/lib/aarch64-linux-gnu -Wl,-rpath-link,$lib:$root/lib/aarch64-linux-gnu"
cmake -S "$(dirname "$0")/.." -B "$folder/build" -D CMAKE_BUILD_TYPE=Release -D LAMINA_TESTS=ON -D LAMINA_WERROR=ON \
    -D CMAKE_SYSTEM_NAME=Linux -D CMAKE_SYSTEM_PROCESSOR=aarch64 -D CMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
    -D CMAKE_FIND_ROOT_PATH="$root" -D CMAKE_LIBRARY_ARCHITECTURE=aarch64-linux-gnu -D CMAKE_C_FLAGS="$flags" \
    -D CMAKE_EXE_LINKER_FLAGS="$links" -D CMAKE_SHARED_LINKER_FLAGS="$links" >/dev/null
# shellcheck disable=SC2086
cmake --build "$folder/build" -j "$(nproc)" --target "$@" >/dev/null
for test in "$@"; do
    echo "$test"
    qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$lib:$root/lib/aarch64-linux-gnu" "$folder/build/tests/$test"
done
