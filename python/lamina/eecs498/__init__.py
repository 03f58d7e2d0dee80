"""The code of EECS498-007 / 598-005's third assignment, on lamina's C library: the course's classes, arguments,
dictionaries, printed lines and exceptions, on tensors of PyTorch where it is there (CPU; they share memory with the library)
and on arrays of NumPy. docs/courses.md lists the differences.

The submodules have the names of the course's files: fully_connected_networks, convolutional_networks, a3_helper, and those
of its package eecs598: solver, grad, data, utils. All their names are here, too."""
from . import data, grad, utils
from .a3_helper import get_CIFAR10_data, plot_acc_curves, plot_stats, show_net_weights, softmax_loss, svm_loss
from .convolutional_networks import (BatchNorm, Conv, Conv_BatchNorm_ReLU, Conv_BatchNorm_ReLU_Pool, Conv_ReLU,
                                     Conv_ReLU_Pool, DeepConvNet, FastConv, FastMaxPool, Linear_BatchNorm_ReLU, MaxPool,
                                     SpatialBatchNorm, ThreeLayerConvNet, create_convolutional_solver_instance,
                                     find_overfit_parameters, kaiming_initializer)
from .fully_connected_networks import (Dropout, FullyConnectedNet, Linear, Linear_ReLU, ReLU, TwoLayerNet,
                                       create_solver_instance, get_five_layer_network_params,
                                       get_three_layer_network_params)
from .grad import compute_numeric_gradient, grad_check_sparse, rel_error
from .optim import adam, rmsprop, sgd, sgd_momentum
from .solver import Solver
from .utils import reset_seed, tensor_to_image
