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

# png_chunk N N N N N ...: a chunk of a PNG file: its type and content, by their numbers. The CRC is gzip's.
png_chunk() {
    bytes 0 0 $((($# - 4) / 256)) $((($# - 4) % 256)) "$@"
    # shellcheck disable=SC2046
    set -- $(bytes "$@" | gzip -nc | tail -c 8 | od -An -tu1 -N4)
    bytes "$4" "$3" "$2" "$1"
}

# png WIDTH HEIGHT GRAY, png WIDTH HEIGHT RED GREEN BLUE: a PNG file of one colour, not packed
png() {
    png_width=$1 png_height=$2
    shift 2
    bytes 137 80 78 71 13 10 26 10
    png_chunk 73 72 68 82 0 0 0 "$png_width" 0 0 0 "$png_height" 8 $(($# == 1 ? 0 : 2)) 0 0 0
    # shellcheck disable=SC2046
    png_chunk 73 68 65 84 $(awk -v width="$png_width" -v height="$png_height" -v color="$*" '
    function put(value) {
        print value
        a = (a + value) % 65521
        b = (b + a) % 65521
    }
    BEGIN {
        channels = split(color, channel)
        size = height * (1 + width * channels)
        print 120, 1, 1, size % 256, int(size / 256), 255 - size % 256, 255 - int(size / 256)
        a = 1
        for (y = 0; y < height; y++) {
            put(0)
            for (x = 0; x < width; x++)
                for (c = 1; c <= channels; c++) put(channel[c])
        }
        print int(b / 256), b % 256, int(a / 256), a % 256
    }')
    png_chunk 73 69 78 68
}

# jpeg LEVEL: a JPEG file of 8x8 pixels of the brightness 128 + 2 LEVEL, which is from -63 to -32 or from 32 to 63. Its
# tables have one code each: for a difference of six bits, and for the end of the block.
jpeg() {
    jpeg_table="0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
    # shellcheck disable=SC2046,SC2086
    bytes 255 216 255 219 0 67 0 $(awk 'BEGIN { for (i = 0; i < 64; i++) print 16 }') \
        255 192 0 11 8 0 8 0 8 1 1 17 0 \
        255 196 0 20 0 1 $jpeg_table 6 255 196 0 20 16 1 $jpeg_table 0 \
        255 218 0 8 1 1 0 0 63 0 $((($1 > 0 ? $1 : $1 + 63) * 2)) 255 217
}
