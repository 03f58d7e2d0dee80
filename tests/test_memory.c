/* What `describe` says that a training takes, against what the system says that it took. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lamina.h"

#include "../src/net/net.h"
#include "../src/net/session.h"

enum { N = 64, SIDE = 32, BATCH = 32 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CAN_MEASURE = 0 }; /* their shadow counts, too */
#else
enum { CAN_MEASURE = 1 };
#endif

static uint8_t pixel[N][3 * SIDE * SIDE];
static int32_t label[N];

static lam_options *make_options(const char *optim, const char *steps)
{
    lam_options *o = NULL;
    if (lam_options_new(&o) || lam_options_set(o, "optim", optim) || lam_options_set(o, "steps", steps) ||
        lam_options_set_real(o, "batch", BATCH) || lam_options_set(o, "threads", "2") ||
        lam_options_set(o, "lr", "1e-4"))
        _exit(1);
    return o;
}

static lam_net *make_net(const char *notation)
{
    lam_net *net = NULL;
    const lam_shape shape = { 3, { 3, SIDE, SIDE } };
    if (lam_net_new(&net, notation, &shape, NULL))
        _exit(1);
    return net;
}

/* The largest resident size, in bytes, of a process that trains. */
static double peak(const char *notation, const char *optim, const char *steps)
{
    struct rusage usage;
    int status;
    const pid_t child = fork();
    if (!child) {
        const lam_shape shape = { 4, { N, 3, SIDE, SIDE } }, labels = { 1, { N } };
        const lam_tensor x = { .data = pixel, .dtype = LAM_U8, .shape = shape };
        const lam_tensor y = { .data = label, .dtype = LAM_I32, .shape = labels };
        lam_data *data = NULL;
        lam_net *net = make_net(notation);
        _exit(lam_data_from_arrays(&data, &x, &y, 10, 0) ||
              lam_train(net, data, make_options(optim, steps), NULL, NULL));
    }
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
    return 1024.0 * (double)usage.ru_maxrss;
}

static void a_training_takes_what_describe_says(void **state)
{
    (void)state;
    if (!CAN_MEASURE)
        skip();
    static const char *const nets[] = {
        "{conv 64 3x3 - batchnorm - relu} x 2 - maxpool 2x2 - conv 128 3x3 - batchnorm - relu - affine 10 - softmax",
        "conv 32 7x7 - relu - maxpool 2x2 - affine 100 - relu - affine 10 - softmax",
        "{affine 1000 - batchnorm - relu - dropout 0.5} x 3 - affine 10 - softmax",
    };
    static const char *const rules[] = { "momentum", "adam" };
    for (int i = 0; i < N; i++)
        label[i] = i % 10;
    for (size_t k = 0; k < 2 * sizeof nets / sizeof *nets; k++) {
        const char *notation = nets[k / 2], *rule = rules[k % 2];
        lam_net *net = make_net(notation);
        lam_options *options = make_options(rule, "1");
        lam_session *session = NULL;
        assert_int_equal(lami_session_make(&session, net, options, LAMI_SESSION_TRAIN), LAM_OK);
        const double said = (double)lami_session_bytes(session);
        lam_session_free(session);
        lam_options_free(options);
        lam_net_free(net);
        const double took = peak(notation, rule, "1") - peak(notation, rule, "0");
        const double allowed = 0.05 * said + 4 * 1024 * 1024;
        if (!(took - said <= allowed && said - took <= allowed))
            fail_msg("%s, %s: said %.1f MiB, took %.1f", notation, rule, said / 0x1p20, took / 0x1p20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_training_takes_what_describe_says) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
