#!/bin/sh
# Golden tests of the command line: tests/cli/run.sh PROGRAM [FILE.test ...]   (default: all beside this script)
#
# A .test file is a list of cases; each file runs in an empty folder of its own. Lines:
#   # ...     comment              ## name   name of the next case
#   $ ...     command, for sh; "lamina" is the program, tools.sh has helpers
#   + ...     the command goes on
#   > ...     a line of standard output: a pattern, as `case` in sh takes it
#   ! ...     a line of standard error, the same
#             "> ..." and "! ..." with just three dots: any number of lines
#   ? N       exit status; 0 where it is left out
#   @ PART    the cases that follow are for builds with this optional part (lamina info), or several; @ !PART: without it;
#             @ alone: for all
set -u
[ $# -ge 1 ] || { echo "usage: run.sh PROGRAM [FILE.test ...]" >&2; exit 2; }
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
shift
[ $# -gt 0 ] || set -- "$here"/*.test
[ -x "$program" ] || { echo "run.sh: $program is not a program" >&2; exit 2; }
unset COLUMNS LAM_ISA
for variable in $(env | sed -n 's/^\(LAMINA_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$variable"; done
export LC_ALL=C
top=$(mktemp -d) || exit 2
trap 'rm -rf "$top"' EXIT
trap 'exit 130' INT TERM
mkdir "$top/bin"
ln -s "$program" "$top/bin/lamina"
PATH=$top/bin:$PATH
cases=0 failures=0

# Do the lines of file $1 match the patterns of file $2? Else say why.
match() {
    exec 3<"$1" 4<"$2"
    line_number=0 why= skipping=
    while IFS= read -r pattern <&4; do
        if [ "$pattern" = "..." ]; then skipping=1; continue; fi
        while :; do
            if ! IFS= read -r line <&3; then
                why="nothing matches: $pattern"
                break 2
            fi
            line_number=$((line_number + 1))
            # shellcheck disable=SC2254
            case $line in $pattern) skipping=; break ;; esac
            [ -n "$skipping" ] && continue
            why="line $line_number is   $line
        expected    $pattern"
            break 2
        done
    done
    if [ -z "$why" ] && [ -z "$skipping" ] && IFS= read -r line <&3; then why="one line too many: $line"; fi
    exec 3<&- 4<&-
    [ -z "$why" ]
}

# Run the case that has been read.
finish() {
    [ -s "$top/command" ] || return 0
    cases=$((cases + 1))
    (cd "$folder" && . "$here/tools.sh" && . "$top/command") >"$top/out" 2>"$top/err" </dev/null
    status=$?
    problem=
    [ "$status" = "$expected" ] || problem="exit status $status, expected $expected"
    match "$top/out" "$top/want_out" || problem="$problem${problem:+
      }stdout: $why"
    match "$top/err" "$top/want_err" || problem="$problem${problem:+
      }stderr: $why"
    if [ -n "$problem" ]; then
        failures=$((failures + 1))
        printf 'FAILED %s, line %s: %s\n      %s\n' "$(basename "$file")" "$first_line" "$name" "$problem"
        sed 's/^/      stderr| /' "$top/err" | head -20
    fi
    : >"$top/command"
}

# Is it a build that the cases after "@ $1" are for? All of these parts are there, and none of those with a !.
fits() {
    for part in $1; do
        case $part in
        !*) answer="\"${part#!}\":false" ;;
        *) answer="\"$part\":true" ;;
        esac
        lamina info --json | grep -q "$answer" || return 1
    done
}

begin() {
    finish
    : >"$top/command"; : >"$top/want_out"; : >"$top/want_err"
    expected=0
    first_line=$number
}

for file; do
    folder=$top/$(basename "$file" .test)
    mkdir "$folder"
    number=0 name= expected=0 left_out=
    : >"$top/command"
    while IFS= read -r text || [ -n "$text" ]; do
        number=$((number + 1))
        rest=${text#??}
        case $text in
        '@'*) finish; if fits "$rest"; then left_out=; else left_out=1; fi; continue ;;
        esac
        [ -z "$left_out" ] || continue
        case $text in
        '## '*) finish; name=${rest# } ;;
        '#'* | '') ;;
        '$ '*) begin; [ -n "$name" ] || name=$rest; printf '%s\n' "$rest" >"$top/command" ;;
        '+ '*) printf '%s\n' "$rest" >>"$top/command" ;;
        '>'*) printf '%s\n' "$rest" >>"$top/want_out" ;;
        '!'*) printf '%s\n' "$rest" >>"$top/want_err" ;;
        '? '*) expected=$rest ;;
        *) echo "run.sh: $file:$number: not understood: $text" >&2; exit 2 ;;
        esac
    done <"$file"
    finish
done
echo "$cases cases, $failures failed"
[ "$failures" = 0 ]
