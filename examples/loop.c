/* loop: a training loop of your own, on arrays of your own: three arms of a spiral, as in CS231n's notes. A session holds
 * everything that a step needs, so that the loop allocates nothing. */
#include <lamina.h>
#include <math.h>
#include <stdio.h>

enum { ARMS = 3, POINTS = 200, COUNT = ARMS * POINTS, BATCH = 100, EPOCHS = 100 };

static float x[COUNT][2];
static unsigned char y[COUNT];
static float scores[BATCH][ARMS];

/* A number in -1 .. 1, the next one of a simple sequence. */
static double noise(void)
{
    static unsigned state = 1;
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / 8388608 - 1;
}

/* The arms take turns, so that each batch has all of them. */
static void make_spiral(void)
{
    for (int i = 0; i < COUNT; i++) {
        const int arm = i % ARMS;
        const int place = i / ARMS * 61 % POINTS; /* in no particular order */
        const double radius = (double)(place + 1) / POINTS, angle = 4 * radius + 2.1 * arm + 0.2 * noise();
        x[i][0] = (float)(radius * sin(angle));
        x[i][1] = (float)(radius * cos(angle));
        y[i] = (unsigned char)arm;
    }
}

/* BATCH samples and their labels from number `first` on. */
static lam_tensor samples(int first)
{
    return (lam_tensor) { LAM_F32, { 2, { BATCH, 2 } }, x[first] };
}
static lam_tensor labels(int first)
{
    return (lam_tensor) { LAM_U8, { 1, { BATCH } }, &y[first] };
}

static lam_status train(lam_session *session)
{
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        double loss = 0, sum = 0;
        lam_status status = lam_session_set_lr(session, epoch < EPOCHS / 2 ? 1e-2 : 1e-3);
        for (int first = 0; first < COUNT && !status; first += BATCH, sum += loss) {
            const lam_tensor xs = samples(first), ys = labels(first);
            if (!(status = lam_session_forward(&loss, session, &xs, &ys)) && !(status = lam_session_backward(session)))
                status = lam_session_step(session);
        }
        if (status)
            return status;
        if (epoch % 20 == 19)
            printf("epoch %3d  loss %.4f\n", epoch + 1, sum * BATCH / COUNT);
    }
    return LAM_OK;
}

static lam_status count_right(int *right, lam_session *session)
{
    lam_tensor out = { LAM_F32, { 2, { BATCH, ARMS } }, scores };
    *right = 0;
    for (int first = 0; first < COUNT; first += BATCH) {
        const lam_tensor xs = samples(first);
        const lam_status status = lam_session_predict(session, &out, &xs);
        if (status)
            return status;
        for (int i = 0; i < BATCH; i++) {
            int best = 0;
            for (int arm = 1; arm < ARMS; arm++)
                if (scores[i][arm] > scores[i][best])
                    best = arm;
            *right += best == y[first + i];
        }
    }
    return LAM_OK;
}

int main(void)
{
    const lam_shape input = { 1, { 2 } };
    lam_options *options = NULL;
    lam_net *net = NULL;
    lam_session *session = NULL;
    int right = 0;
    make_spiral();
    const int failed = lam_options_new(&options) || lam_options_set(options, "optim", "adam") ||
                       lam_options_set_real(options, "batch", BATCH) ||
                       lam_net_new(&net, "affine 100 - relu - affine 3 - softmax", &input, options) ||
                       lam_session_new(&session, net, options) || train(session) || count_right(&right, session);
    if (failed)
        fprintf(stderr, "%s\n", lam_last_error());
    else
        printf("%d of %d points are right\n", right, COUNT);
    lam_session_free(session);
    lam_net_free(net);
    lam_options_free(options);
    return failed || right < COUNT * 95 / 100;
}
