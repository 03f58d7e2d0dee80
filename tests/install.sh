#!/bin/sh
# install.sh BUILD SOURCE: install a build to a folder, move it, build programs of examples/installed against it in all ways, run
# them, and take the installation away again.
set -eu
build=$1 source=$2
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
export LC_ALL=C
unset DESTDIR LD_LIBRARY_PATH CFLAGS CXXFLAGS LDFLAGS
uninstall=$source/uninstall.sh

fail() {
    echo "install.sh: $*" >&2
    exit 1
}
have() {
    for tool; do
        command -v "$tool" >/dev/null 2>&1 || { echo "skipped: no $tool"; return 1; }
    done
}
# check COMMAND...: it must succeed; its output is shown where it does not.
check() {
    "$@" >"$top/out" 2>&1 || { cat "$top/out" >&2; fail "failed: $*"; }
}
# works LIBRARIES PROGRAM: does it train, with the library found there?
works() {
    text=$(LD_LIBRARY_PATH=$1 "$2") || fail "$2 failed: $text"
    case $text in "lamina $version: "*" of 400 points are right") ;; *) fail "$2 printed: $text" ;; esac
}

# With DESTDIR, and away again: nothing is left.
mkdir "$top/stage"
DESTDIR=$top/stage check cmake --install "$build" --prefix /opt/lamina
[ -x "$top/stage/opt/lamina/bin/lamina" ] || fail "DESTDIR: the program is not there"
check "$uninstall" "$top/stage/opt/lamina"
[ -z "$(ls -A "$top/stage")" ] || fail "uninstall left $(find "$top/stage")"
if "$uninstall" "$top/stage/opt/lamina" >/dev/null 2>"$top/err"; then fail "uninstall of nothing succeeds"; fi
grep -q 'make uninstall PREFIX=' "$top/err" || fail "uninstall of nothing does not say what to do"

# To a prefix, twice, beside what is not ours; then moved elsewhere.
mkdir -p "$top/first place/share/man/man1" "$top/first place/etc"
echo other >"$top/first place/share/man/man1/other.1"
check cmake --install "$build" --prefix "$top/first place"
check cmake --install "$build" --prefix "$top/first place"
prefix="$top/second place"
mv "$top/first place" "$prefix"
lib=$(dirname "$(dirname "$(find "$prefix" -name lamina.pc)")")

# What is there, and nothing that leads back to where it was made.
version=$(sed -n 's/^#define LAM_VERSION *"\(.*\)"$/\1/p' "$source/include/lamina.h")
for file in include/lamina.h bin/lamina share/bash-completion/completions/lamina share/man/man3/lamina.3 \
    share/doc/lamina/LICENSE share/doc/lamina/README.md share/doc/lamina/docs/cli.md share/doc/lamina/examples/train.c; do
    [ -s "$prefix/$file" ] || fail "$file is not installed"
done
[ -s "$lib/liblamina.a" ] || fail "no static library"
[ "$(readlink "$lib/liblamina.so")" = "liblamina.so.${version%.*}" ] || fail "liblamina.so leads elsewhere"
for page in $("$prefix/bin/lamina" help --man); do
    [ -s "$prefix/share/man/man${page##*.}/$page" ] || fail "no manual page $page"
done
[ "$("$prefix/bin/lamina" --version)" = "lamina $version" ] || fail "the program's version is not $version"
found=$(grep -rlF -e "$build/" -e "$source/src/" -e "$source/include" "$prefix" || :)
[ -z "$found" ] || fail "paths of the build stand in $found"

# Symbols: what the header declares, and nothing else.
if have nm; then
    sed -n 's/^LAM_API .*[ *]\(lam_[a-z0-9_]*\)(.*/\1/p' "$prefix/include/lamina.h" | sort >"$top/declared"
    nm -D --defined-only "$lib/liblamina.so" | awk '{ print $3 }' | sort >"$top/exported"
    check diff "$top/declared" "$top/exported"
    found=$(nm -g --defined-only "$lib/liblamina.a" | awk 'NF == 3 && $3 !~ /^lami?_/ { print $3 }')
    [ -z "$found" ] || fail "liblamina.a has symbols without our prefix: $found"
fi

# The header by itself, strictly.
echo '#include <lamina.h>' >"$top/header.c"
for compiler in cc gcc clang; do
    have "$compiler" || continue
    for standard in c99 c11; do
        check "$compiler" -std=$standard -pedantic -Wall -Wextra -Wstrict-prototypes -Werror -fsyntax-only \
            -I "$prefix/include" "$top/header.c"
    done
done
for compiler in c++ g++ clang++; do
    have "$compiler" || continue
    check "$compiler" -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$prefix/include" "$top/header.c"
done

programs=quadrants
have c++ && programs="quadrants quadrants_cpp"
if have pkg-config make cc; then
    export PKG_CONFIG_PATH="$lib/pkgconfig"
    [ "$(pkg-config --modversion lamina)" = "$version" ] || fail "pkg-config has another version"
    forms=shared
    echo 'int main(void) { return 0; }' >"$top/empty.c"
    if cc -static "$top/empty.c" -o "$top/empty" -ljansson -lmd -lz 2>/dev/null; then
        forms="shared static"
    else
        echo "skipped: no static libraries of the system"
    fi
    for form in $forms; do
        cp -r "$source/examples/installed" "$top/$form"
        # shellcheck disable=SC2086
        check make -B -C "$top/$form" STATIC="${form#shared}" $programs
        for program in $programs; do
            works "$lib" "$top/$form/$program"
        done
    done
    if have ldd; then
        [ ! -d "$top/static" ] || ldd "$top/static/quadrants" 2>&1 | grep -q 'not a dynamic' ||
            fail "STATIC=1 links something shared"
        LD_LIBRARY_PATH=$lib ldd "$top/shared/quadrants" | grep -qF "$lib/liblamina.so.${version%.*} " ||
            fail "the program does not find the library by its soname"
    fi
fi
if have c++; then
    check cmake -S "$source/examples/installed" -B "$top/cmake" -D CMAKE_PREFIX_PATH="$prefix"
    check cmake --build "$top/cmake"
    for program in quadrants quadrants_static quadrants_cpp; do
        works '' "$top/cmake/$program"
    done
    mkdir "$top/future"
    cp "$source"/examples/installed/* "$top/future"
    sed -i 's/lamina 0[.0-9]* /lamina 99.0 /' "$top/future/CMakeLists.txt"
    if cmake -S "$top/future" -B "$top/newer" -D CMAKE_PREFIX_PATH="$prefix" >/dev/null 2>&1; then
        fail "find_package takes a version that is not there"
    fi
fi

# Away with it; what others put there stays.
check "$uninstall" "$prefix"
left=$(cd "$prefix" && find . -mindepth 1 | sort | tr '\n' ' ')
[ "$left" = "./etc ./share ./share/man ./share/man/man1 ./share/man/man1/other.1 " ] || fail "uninstall left $left"
