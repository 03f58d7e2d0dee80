#!/bin/sh
# demo.sh PROGRAM: train, evaluate and use a network on Fashion-MNIST, with each command shown before it runs. The run stays in
# runs/demo. Exit status 1: less than 88 % of the test images are right.
set -eu
program=${1:-build/lamina}
run=runs/demo
net='{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax'
goal=0.88

# Print a command as it could be typed, then run it.
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

# The run of an earlier demo, and nothing else, makes room for this one.
if [ -e "$run" ]; then
    if [ "$(head -n 1 "$run/config" 2>/dev/null)" != "# lamina run" ]; then
        echo "demo: $run is there and is not a run; move it away" >&2
        exit 1
    fi
    rm -rf "$run"
fi

echo "Fashion-MNIST: 60,000 training and 10,000 test images of 28 x 28 grey pixels, ten kinds of clothes."
show "$program" train "$net" --data fashion-mnist --val 5000 --epochs 10 --batch 128 --lr 3e-3 \
    --lr-decay 0.7 --l2 1e-3 -o "$run"
show "$program" eval "$run" --data fashion-mnist
show "$program" predict "$run" --data fashion-mnist --first 5
echo "(index of the test image, class, probability, true class)"

accuracy=$("$program" eval "$run" --data fashion-mnist --quiet --json | tail -n 1 |
    sed -e 's/"per_class".*//' -e 's/.*"accuracy": *\([0-9.]*\).*/\1/')
if ! awk -v got="$accuracy" -v goal="$goal" 'BEGIN { exit !(got + 0 >= goal + 0) }'; then
    echo "demo: test accuracy ${accuracy:-unknown} is below $goal" >&2
    exit 1
fi

cat <<END

The model is $run/best.safetensors: weights, network, preprocessing and class names in one file.

What to type next
  the network, its memory, and the steps that it runs in:
    $program describe $run --plan
  train on, as if the training had never stopped:
    $program train --resume $run --epochs 12
  another network:
    $program train 'affine 256 - relu - dropout 0.3 - affine 10 - softmax' --data fashion-mnist
  compare every gradient of a network with a numeric one:
    $program check 'affine 20 - batchnorm - relu - affine - svm'
  all options of a command:
    $program help train
END
