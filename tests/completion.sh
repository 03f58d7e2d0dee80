#!/bin/bash
# completion.sh PROGRAM: complete command lines with the function that the program makes, as bash would call it.
set -u
program=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export LC_ALL=C
failures=0
mkdir "$folder/runs"
touch "$folder/net.txt" "$folder/two words.txt"
"$program" help --bash >"$folder/.completion" || exit 1
cd "$folder" || exit 1
# shellcheck source=/dev/null
. ./.completion || exit 1

# expect WORD... -- ANSWER...: the answers for the last word. "..." at the end: these, and more.
expect() {
    local -a words=()
    while [ "$1" != -- ]; do words+=("$1"); shift; done
    shift
    COMP_WORDS=(lamina "${words[@]}")
    COMP_CWORD=${#words[@]}
    COMPREPLY=(of the last time)
    _lamina
    local more='' answer
    [ $# = 0 ] || [ "${!#}" != ... ] || { more=1; set -- "${@:1:$#-1}"; }
    if [ -n "$more" ]; then
        for answer; do
            [[ " ${COMPREPLY[*]} " == *" $answer "* ]] && continue
            echo "lamina ${words[*]}: \"$answer\" is not among: ${COMPREPLY[*]}"
            failures=$((failures + 1))
        done
    elif [ "${COMPREPLY[*]}" != "$*" ]; then
        echo "lamina ${words[*]}: \"${COMPREPLY[*]}\", expected \"$*\""
        failures=$((failures + 1))
    fi
}

complete -p lamina >/dev/null || failures=1

# commands
# shellcheck disable=SC2046
expect '' -- $("$program" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p') help --help --version
expect tr -- train
expect help ev -- eval
expect --vers -- --version

# options of the command, and of no other
expect train --lr-de -- --lr-decay
expect train net.txt -- net.txt
expect train net.txt --dat -- --data
expect eval --optim --
expect eval --spl -- --split
expect eval --lr-de --
expect info --js -- --json
for command in $("$program" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    # shellcheck disable=SC2046
    expect "$command" - -- $("$program" help "$command" | sed -n 's/^  \(-.,\|   \) \(--[a-z0-9-]*\).*/\2/p') ...
done

# words of a choice, in all spellings
expect train --optim ad -- adam ...
expect train --optim '=' -- sgd momentum ...
expect train --optim '=' mo -- momentum
expect train --optim=mo -- --optim=momentum
expect eval runs --split '' -- train val test

# data sets: their kinds, then files
expect train net.txt --data fash -- fashion-mnist
expect train net.txt -d id -- idx:
expect train --data idx : ru -- runs
expect train --data idx : -- net.txt runs 'two words.txt' ...
expect train --data idx:ru -- idx:runs
expect train --data '=' ru -- runs
expect train --data ru -- runs

# files, for texts and arguments; nothing for numbers
expect train --config ne -- net.txt
expect train --config tw -- 'two words.txt'
expect eval ru -- runs
expect eval --json ru -- runs
expect eval -q ru -- runs
expect eval --batch 5 ru -- runs
expect eval -b 5 ru -- runs
expect eval --batch=5 ru -- runs
expect eval --batch '=' 5 ru -- runs
expect train --epochs r --
expect info ru --
expect nonsense --

# a value that begins with a dash; options that end; an option that lacks its value
expect train --lr -1 ne -- net.txt
expect train --data --js -- --json
COMP_WORDS=(lamina eval -- --js) COMP_CWORD=3
_lamina
[ "${#COMPREPLY[@]}" = 0 ] || { echo "options are completed behind --"; failures=$((failures + 1)); }

[ "$failures" = 0 ]
