/* by_hand: the layers as functions by themselves. A forward and a backward pass through affine - relu - affine - softmax, one
 * gradient checked against a difference quotient, and a few steps of Adam. All in double. */
#include <lamina.h>
#include <math.h>
#include <stdio.h>

enum { N = 4, D = 3, H = 5, C = 2 };

static double x[N][D] = { { 1, 0, -1 }, { 0, 2, 1 }, { -1, 1, 0 }, { 2, -1, 1 } };
static int labels[N] = { 0, 1, 1, 0 };
static double w1[D][H], b1[H], w2[H][C], b2[C];
static double hidden[N][H], active[N][H], scores[N][C];
static double dscores[N][C], dactive[N][H], dhidden[N][H];
static double dw1[D][H], db1[H], dw2[H][C], db2[C], m[D][H], v[D][H];

static lam_tensor matrix(size_t rows, size_t cols, void *data)
{
    return (lam_tensor) { LAM_F64, { 2, { rows, cols } }, data };
}
static lam_tensor vector(size_t count, void *data)
{
    return (lam_tensor) { LAM_F64, { 1, { count } }, data };
}

/* What the forward passes keep for the backward ones. Made by the first call, reused by the others. */
static lam_cache *cache1, *cache2, *cache3;

static lam_status forward(double *loss)
{
    const lam_tensor tx = matrix(N, D, x), tw1 = matrix(D, H, w1), tb1 = vector(H, b1), tw2 = matrix(H, C, w2),
                     tb2 = vector(C, b2), ty = { LAM_I32, { 1, { N } }, labels };
    lam_tensor h = matrix(N, H, hidden), a = matrix(N, H, active), s = matrix(N, C, scores), ds = matrix(N, C, dscores);
    lam_status status = lam_affine_forward(&cache1, &h, &tx, &tw1, &tb1);
    if (!status)
        status = lam_relu_forward(&cache2, &a, &h);
    if (!status)
        status = lam_affine_forward(&cache3, &s, &a, &tw2, &tb2);
    return status ? status : lam_softmax_loss(loss, &ds, &s, &ty);
}

static lam_status backward(void)
{
    const lam_tensor ds = matrix(N, C, dscores);
    lam_tensor da = matrix(N, H, dactive), dh = matrix(N, H, dhidden), tdw1 = matrix(D, H, dw1), tdb1 = vector(H, db1),
               tdw2 = matrix(H, C, dw2), tdb2 = vector(C, db2);
    lam_status status = lam_affine_backward(&da, &tdw2, &tdb2, &ds, cache3);
    if (!status)
        status = lam_relu_backward(&dh, &da, cache2);
    return status ? status : lam_affine_backward(NULL, &tdw1, &tdb1, &dh, cache1);
}

/* The derivative of the loss by w1[1][2], as a difference quotient. */
static lam_status numeric(double *slope)
{
    const double h = 1e-5, start = w1[1][2];
    double above = 0, below = 0;
    w1[1][2] = start + h;
    lam_status status = forward(&above);
    w1[1][2] = start - h;
    if (!status)
        status = forward(&below);
    w1[1][2] = start;
    *slope = (above - below) / (2 * h);
    return status;
}

/* A few steps for the first weights alone. */
static lam_status descend(double *loss)
{
    lam_tensor w = matrix(D, H, w1), state1 = matrix(D, H, m), state2 = matrix(D, H, v);
    const lam_tensor dw = matrix(D, H, dw1);
    uint64_t t = 0;
    lam_status status = LAM_OK;
    while (t < 20 && !status) {
        if (!(status = forward(loss)) && !(status = backward()))
            status = lam_adam(&w, &dw, &state1, &state2, &t, 0.05, 0.9, 0.999, 1e-8);
    }
    return status;
}

int main(void)
{
    double loss = 0, slope = 0, last = 0;
    for (int i = 0; i < D * H; i++)
        w1[i / H][i % H] = 0.5 * ((i * 7 + 2) % 11 - 5) / 5;
    for (int i = 0; i < H * C; i++)
        w2[i / C][i % C] = 0.5 * ((i * 5 + 1) % 7 - 3) / 3;
    int failed = numeric(&slope) || forward(&loss) || backward();
    const double analytic = dw1[1][2];
    failed = failed || descend(&last);
    if (failed)
        fprintf(stderr, "%s\n", lam_last_error());
    else
        printf("loss %.4f; d loss / d w1[1][2]: backward %.9f, numeric %.9f\nloss after 20 steps of Adam: %.4f\n", loss,
               analytic, slope, last);
    lam_cache_free(cache1);
    lam_cache_free(cache2);
    lam_cache_free(cache3);
    return failed || fabs(analytic - slope) > 1e-8 || !(last < loss);
}
