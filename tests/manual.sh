#!/bin/sh
# manual.sh PROGRAM: its manual pages have every command and option, and no tool that reads them complains.
set -eu
program=$1
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
export LC_ALL=C
fail() {
    echo "manual.sh: $*" >&2
    exit 1
}

"$program" help --man >"$top/pages"
for command in $("$program" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    grep -qx "lamina-$command.1" "$top/pages" || fail "no page for $command"
    "$program" help --man "lamina-$command.1" | sed -e 's/\\f[BIR]//g' -e 's/\\-/-/g' >"$top/plain"
    for option in $("$program" help "$command" | sed -n 's/^  \(-.,\|   \) --\([a-z0-9-]*\).*/\2/p'); do
        grep -q -- "--$option\( \|\$\)" "$top/plain" || fail "lamina-$command.1 lacks --$option"
    done
    "$program" help --man lamina.1 | grep -qx ".B $command" || fail "lamina.1 lacks $command"
done
grep -qx lamina.3 "$top/pages" || fail "no page for the library"

tools=
for tool in groff man mandoc; do
    if command -v $tool >/dev/null 2>&1; then tools="$tools $tool"; else echo "skipped: no $tool"; fi
done
while read -r page; do
    "$program" help --man "$page" >"$top/$page"
    for tool in $tools; do
        case $tool in # a date would differ from build to build; of other lines some are as long as what they name
        groff) groff -ww -man -Tascii "$top/$page" 2>&1 >/dev/null ;;
        man) man --warnings -l "$top/$page" 2>&1 >/dev/null ;;
        mandoc) mandoc -Tlint "$top/$page" 2>&1 | grep -v -e 'missing date' -e 'STYLE: input text line longer' || : ;;
        esac >"$top/said"
        [ ! -s "$top/said" ] || fail "$tool: $(cat "$top/said")"
    done
done <"$top/pages"

if "$program" help --man lamina-none.1 >"$top/out" 2>"$top/err"; then fail "a page that is not there is no error"; fi
[ "$(cat "$top/err")" = 'lamina: there is no manual page "lamina-none.1"' ] || fail "unexpected: $(cat "$top/err")"
if "$program" help --pages >"$top/out" 2>"$top/err"; then fail "an unknown option of help is no error"; fi
[ "$(cat "$top/err")" = 'lamina: help does not take --pages' ] || fail "unexpected: $(cat "$top/err")"
