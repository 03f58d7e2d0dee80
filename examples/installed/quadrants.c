/* quadrants: a program of your own against the installed library. Points of a square in two classes: those whose signs agree,
 * and those whose signs differ. Makefile and CMakeLists.txt beside it build it. */
#include <lamina.h>
#include <stdio.h>

enum { COUNT = 400 };

static float x[COUNT][2];
static unsigned char y[COUNT];

static void make_points(void)
{
    for (int i = 0; i < COUNT; i++) {
        x[i][0] = (float)(i * 37 % COUNT) / (COUNT / 2) - 1;
        x[i][1] = (float)(i * 91 % (COUNT + 1)) / (COUNT / 2) - 1;
        y[i] = x[i][0] * x[i][1] > 0;
    }
}

int main(void)
{
    const lam_tensor points = { LAM_F32, { 2, { COUNT, 2 } }, x };
    const lam_tensor labels = { LAM_U8, { 1, { COUNT } }, y };
    lam_options *options = NULL;
    lam_data *data = NULL;
    lam_net *net = NULL;
    lam_metrics m = { 0 };
    make_points();
    const int failed = lam_options_new(&options) || lam_options_set(options, "epochs", "60") ||
                       lam_options_set(options, "batch", "20") || lam_options_set(options, "lr", "0.01") ||
                       lam_data_from_arrays(&data, &points, &labels, 2, 0) ||
                       lam_net_new(&net, "affine 16 - relu - affine 2 - softmax", lam_data_shape(data), options) ||
                       lam_train(net, data, options, NULL, NULL) || lam_eval(&m, net, data, LAM_TRAIN, NULL);
    if (failed)
        fprintf(stderr, "%s\n", lam_last_error());
    else
        printf("lamina %s: %.1f%% of %zu points are right\n", lam_version(), 100 * m.accuracy, m.count);
    lam_net_free(net);
    lam_data_free(data);
    lam_options_free(options);
    return failed || m.accuracy < 0.95;
}
