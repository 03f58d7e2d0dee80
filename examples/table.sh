#!/bin/sh
# table.sh PROGRAM: a table from beginning to end, with each command shown before it runs: what is in it, a search, a network,
# predictions for rows without a price. The table of house prices is made up here, with words, gaps and noise.
set -eu
program=$(command -v "${1:-build/lamina}")
case $program in /*) ;; *) program=$PWD/$program ;; esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# rows SEED COUNT PRICE: houses; PRICE 0 leaves the price out
rows() {
    awk -v seed="$1" -v count="$2" -v with_price="$3" '
        function draw() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
        BEGIN {
            split("centre north south lake", district, " ")
            printf "area,rooms,district,built%s\n", with_price ? ",price" : ""
            for (i = 0; i < count; i++) {
                area = 30 + 120 * draw(); rooms = 1 + int(area / 25 + 2 * draw()); d = 1 + int(4 * draw())
                built = 1920 + int(100 * draw())
                price = area * (3.1 + 0.9 * (d == 4) + 0.6 * (d == 1)) + 9 * rooms + 0.02 * (built - 1950) ^ 2 + 20 * draw()
                printf "%.1f,%d,%s,%s", area, rooms, district[d], draw() < 0.05 ? "" : built
                if (with_price) printf ",%.1f", price
                printf "\n"
            }
        }'
}

show() {
    printf '\n$'
    for word; do
        case $word in
        *[!A-Za-z0-9_./,=:-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}
lamina() { "$program" "$@"; }

rows 1 2000 1 >houses.csv
rows 2 3 0 >new.csv
show head -n 4 houses.csv
show lamina data houses.csv --label price
show lamina tune 'affine $width - relu - affine - mse' --data houses.csv --scale-targets --test 0.2 --val 0.2 --epochs 30 \
    --grid width=20,50,100 --grid lr=1e-3..1e-2:log:3 --top 3 -q -o search
show lamina eval search
show cat new.csv
show lamina predict search new.csv --format csv
