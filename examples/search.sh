#!/bin/sh
# search.sh PROGRAM DATA: the write-ups' search on CIFAR-10, and the same sizes with what has been learnt since. DATA is
# CIFAR-10 as lamina opens it, such as cifar10:cifar-10-batches-bin. The searches stay in runs/plain and runs/norm; begun
# again, they go on where they stopped.
#
# The choice is by the last 1,000 of the 50,000 training images. The test images are looked at once, by the network chosen.
set -eu
program=${1:-build/lamina}
data=${2:?usage: search.sh PROGRAM DATA}

# tune FOLDER NET OPTIONS...: search, or go on with a search that was stopped
tune() {
    folder=$1
    shift
    if [ -e "$folder/config" ]; then
        "$program" tune --resume "$folder"
    else
        "$program" tune "$@" --data "$data" --val last:1000 -o "$folder"
    fi
}

echo "== weight scale x learning rate, plain network, 5 epochs of Adam"
tune runs/plain '{affine 100 - relu} x 4 - affine 10 - softmax' --preprocess mean-image,scale=1/64 \
    --batch 100 --epochs 5 --grid init-scale=0.005,0.01,0.02,0.05 --grid lr=3e-4..3e-3:log:6

echo "== the first 1,000 test images, as the course takes them, and all 10,000"
"$program" eval runs/plain --data "$data" --first 1000 -q
"$program" eval runs/plain --data "$data" -q

echo "== batch norm, dropout, one-cycle schedule, label smoothing: ten minutes of random search"
tune runs/norm '{affine 100 - batchnorm - relu - dropout $drop} x 4 - affine 10 - softmax' --preprocess standardize \
    --schedule one-cycle --random 'lr=1e-3..2e-2:log' --random 'label-smoothing=0..0.2' --random drop=0..0.2 \
    --random 'batch=64,100,128,256' --random 'epochs=10,15,20,30' --random 'weight-decay=1e-4..1e-1:log' --optim adamw \
    --trials 1000 --budget 10m

"$program" eval runs/norm --data "$data" -q
