#!/bin/sh
# images.sh PROGRAM DATA [NAME ...]: train the networks of examples/nets on CIFAR-10, each by one command; the models are
# left in runs/NAME. DATA is CIFAR-10 as lamina opens it, such as cifar10:cifar-10-batches-bin; fashion takes Fashion-MNIST
# where it is installed. Without names: all, which takes an hour and a half on two cores. What came out: docs/results.md.
set -eu
program=${1:-build/lamina}
data=${2:?usage: images.sh PROGRAM DATA [NAME ...]}
shift 2
nets=$(dirname "$0")/nets
[ $# -gt 0 ] || set -- two-layer three-layer-conv deep-conv-course deep-conv fashion vgg resnet20 fast

# train NAME OPTIONS...
train() {
    name=$1
    shift
    echo "== $name"
    "$program" train "$nets/$name.net" -o "runs/$name" "$@"
}

for name; do
    case $name in
    two-layer) # both courses
        train $name --data "$data" --val last:1000 --preprocess mean-image,scale=1/64 --epochs 10 --lr 5e-4 --l2 1e-3 ;;
    three-layer-conv) # the course's check: more than 40 % of the training images after one epoch
        train $name --data "$data" --val last:1000 --preprocess mean-image,scale=1/64 --epochs 1 --batch 50 --lr 1e-3 \
            --init-scale 1e-3 --l2 1e-3 ;;
    deep-conv-course) # the default size of EECS498's DeepConvNet
        train $name --data "$data" --val last:1000 --preprocess standardize --epochs 20 --batch 128 --optim adamw --lr 1e-2 \
            --weight-decay 0.05 --schedule one-cycle ;;
    deep-conv) # EECS498: 0.71 of the validation, 0.70 of the test images, without augmentation
        train $name --data "$data" --val last:1000 --preprocess standardize --epochs 5 --batch 128 --optim adamw --lr 3e-3 \
            --weight-decay 0.05 --schedule one-cycle ;;
    fashion)
        train $name --data fashion-mnist --val last:5000 --preprocess standardize-channel --epochs 10 --batch 128 \
            --optim adamw --lr 3e-3 --weight-decay 0.05 --schedule one-cycle --label-smoothing 0.1 \
            --augment flip --tta flip ;;
    vgg)
        train $name --data "$data" --preprocess standardize-channel --epochs 4 --batch 128 --optim nesterov --lr 0.1 \
            --l2 5e-4 --schedule one-cycle --label-smoothing 0.1 --augment flip,crop=4 --tta flip ;;
    resnet20) # He et al. 2015 train 164 epochs
        train $name --data "$data" --preprocess standardize-channel --epochs 8 --batch 128 --optim nesterov --lr 0.2 \
            --l2 5e-4 --schedule one-cycle --label-smoothing 0.1 --augment flip,crop=4 --tta flip ;;
    fast) # after airbench94 with muon: whitening, dirac, weights of a fixed norm; learning rates of 0.24 by it
        train $name --data "$data" --preprocess standardize-channel --epochs 8 --batch 2000 --optim muon --lr 0.05 \
            --weight-decay 0 --beta1 0.6 --momentum 0.85 --schedule linear --label-smoothing 0.2 \
            --augment flip=alternate,translate=2 --bn-recompute 10000 --tta translate \
            --set 'conv*.weight norm 1; conv*.weight init dirac; conv1.weight init whiten; conv1.weight lr 0' \
            --set 'conv2.weight lr x1.414; conv5.weight lr x0.5; conv6.weight lr x0.5; conv7.weight lr x0.5' \
            --set 'conv1.bias optim nesterov; conv1.bias lr x2120; conv1.bias l2 3.8e-5' \
            --set 'batchnorm*.beta optim nesterov; batchnorm*.beta lr x2120; batchnorm*.beta l2 3.8e-5' \
            --set 'batchnorm*.gamma lr 0; affine1.bias lr 0; affine1.weight optim nesterov' \
            --set 'affine1.weight init 0.004; affine1.weight lr x0.41; affine1.weight l2 0.2' ;;
    *)
        echo "images.sh: no network $name" >&2
        exit 2 ;;
    esac
done
