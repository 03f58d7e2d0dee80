/* train: train a network on Fashion-MNIST, or on the data set that is named, keep it as a file, and measure it. */
#include <lamina.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    lam_options *opt = NULL;
    lam_data *data = NULL;
    lam_net *net = NULL;
    lam_metrics m = { 0 };
    const int failed =
        lam_options_new(&opt) || lam_options_set(opt, "epochs", "5") ||
        lam_data_open(&data, argc > 1 ? argv[1] : "fashion-mnist", opt) ||
        lam_net_new(&net, "affine 100 - batchnorm - relu - affine 10 - softmax", lam_data_shape(data), opt) ||
        lam_train(net, data, opt, NULL, NULL) || lam_net_save(net, "model.safetensors") ||
        lam_eval(&m, net, data, LAM_TEST, NULL);
    if (failed)
        fprintf(stderr, "%s\n", lam_last_error());
    else
        printf("accuracy %.4f on %zu test samples\n", m.accuracy, m.count);
    lam_net_free(net);
    lam_data_free(data);
    lam_options_free(opt);
    return failed;
}
