# Helpers for the commands of .test files.

# bytes N N ...: bytes by their numbers
bytes() {
    printf "$(printf '\\%03o' "$@")"
}

# idx_images COUNT, idx_labels COUNT: 4x4 images of three kinds (top, bottom or left side bright, with some noise), by turns
idx_images() {
    bytes 0 0 8 3 0 0 0 "$1" 0 0 0 4 0 0 0 4
    # shellcheck disable=SC2046
    bytes $(awk -v count="$1" 'BEGIN {
        for (i = 0; i < count; i++)
            for (y = 0; y < 4; y++)
                for (x = 0; x < 4; x++) {
                    kind = i % 3
                    bright = kind == 0 ? y < 2 : kind == 1 ? y >= 2 : x < 2
                    seed = (seed * 1103 + 12345 + i) % 65536
                    print (bright ? 150 : 20) + seed % 90
                }
    }')
}
idx_labels() {
    bytes 0 0 8 1 0 0 0 "$1"
    # shellcheck disable=SC2046
    bytes $(awk -v count="$1" 'BEGIN { for (i = 0; i < count; i++) print i % 3 }')
}

# toy FOLDER: a data set of 60 training and 15 test samples
toy() {
    mkdir -p "$1"
    idx_images 60 >"$1/train-images-idx3-ubyte"
    idx_labels 60 >"$1/train-labels-idx1-ubyte"
    idx_images 15 >"$1/t10k-images-idx3-ubyte"
    idx_labels 15 >"$1/t10k-labels-idx1-ubyte"
}

# json: is the last line of the input one whole JSON object? Prints "json" if so.
json() {
    tail -n 1 | awk '
    function space() { while (substr(s, at, 1) ~ /^[ \t]$/) at++ }
    function text(  rest) {
        rest = substr(s, at)
        if (!match(rest, /^"([^"\\]|\\["\\\/bfnrtu])*"/)) return 0
        at += RLENGTH
        return 1
    }
    function list(close_sign, pairs) {
        at++; space()
        if (substr(s, at, 1) == close_sign) { at++; return 1 }
        while (1) {
            space()
            if (pairs) {
                if (!text()) return 0
                space()
                if (substr(s, at++, 1) != ":") return 0
            }
            if (!value()) return 0
            space()
            if (substr(s, at, 1) == close_sign) { at++; return 1 }
            if (substr(s, at++, 1) != ",") return 0
        }
    }
    function value(  rest) {
        space()
        rest = substr(s, at)
        if (rest ~ /^\{/) return list("}", 1)
        if (rest ~ /^\[/) return list("]", 0)
        if (rest ~ /^"/) return text()
        if (match(rest, /^(true|false|null)/) || match(rest, /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/)) {
            at += RLENGTH
            return 1
        }
        return 0
    }
    { s = $0; at = 1; whole = s ~ /^\{/ && value() && at > length(s); print whole ? "json" : "not json: " s }'
}

# field NAME: value of a field in the JSON object that is the last line of the input
field() {
    tail -n 1 | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"
}

# wait_for FILE: until it is there
wait_for() {
    tries=0
    while [ ! -e "$1" ] && [ $tries -lt 100 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
}
