#!/bin/sh
# experiments.sh PROGRAM DATA: the experiments of CS231n's assignment 2 as commands, each with the numbers of its plot. DATA
# is CIFAR-10 as lamina opens it, such as cifar10:cifar-10-batches-bin. As in the course, the validation part is the last
# 1,000 training images, and few training images show the effects.
set -eu
program=${1:-build/lamina}
data=${2:?usage: experiments.sh PROGRAM DATA}
common="--data $data --val last:1000 --preprocess mean-image"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# search NAME NET OPTIONS...: all points of the grids, as a table
search() {
    name=$1
    shift
    echo
    # shellcheck disable=SC2086
    "$program" tune "$@" $common -q --top 100 -o "$folder/$name" >"$folder/out"
    sed '/^$/,$d' "$folder/out"
}

echo "== batch norm and the weight scale (1,000 images, {affine 50} x 7, batch 50, 10 epochs)"
for norm in '' '- batchnorm'; do
    name=${norm#- }
    echo "-- ${name:-none}"
    search "scale$name" "{affine 50 $norm - relu} x 7 - affine 10 - softmax" --samples 1000 --batch 50 --epochs 10 \
        --grid init-scale=1e-4..1:log:9
done

echo
echo "== batch norm and the batch size (1,000 images, {affine 100} x 5, 10 epochs)"
search batch '{affine 100 - batchnorm - relu} x 5 - affine 10 - softmax' --samples 1000 --epochs 10 --lr 3.16e-4 \
    --grid batch=5,10,50
echo "-- none, batch 5"
search batch-none '{affine 100 - relu} x 5 - affine 10 - softmax' --samples 1000 --epochs 10 --lr 3.16e-4 --grid batch=5

echo
echo "== dropout (500 images, affine 500, 25 epochs)"
search dropout 'affine 500 - relu - dropout $p - affine 10 - softmax' --samples 500 --epochs 25 --lr 5e-4 --batch 100 \
    --init-scale 1e-2 --grid p=0,0.25,0.5,0.75

echo
echo "== update rules side by side (4,000 images, {affine 100} x 5, 5 epochs)"
for rule in 'sgd 5e-3' 'momentum 5e-3' 'nesterov 5e-3' 'rmsprop 1e-4' 'adam 1e-3' 'adamw 1e-3' 'muon 1e-3'; do
    echo "-- $rule"
    # shellcheck disable=SC2086
    "$program" train '{affine 100 - relu} x 5 - affine 10 - softmax' $common --samples 4000 --batch 100 --epochs 5 \
        --init-scale 5e-2 --optim "${rule% *}" --lr "${rule#* }" --no-save -q --log "$folder/log" >"$folder/out"
    awk -F '[:,]' '{ printf "   epoch %s  loss %.4f  train %.3f  val %.3f\n", $2, $6, $8, $10 }' "$folder/log"
done
