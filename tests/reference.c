/* reference: the formulas of the operations, as one reads them in a textbook. */
#include "reference.h"

#include <math.h>
#include <string.h>

#include "../src/core/random.h"
#include "bf16_order.h"
#include "math_set.h"

/* Our exp and log, one element at a time, plain C: their own test is test_math.c. */
extern const math_set math_one_f32, math_one_f64;

static int kept(const lami_args *args, size_t element)
{
    const lami_rng rng = { .seed = args->vars->dropout_seed, .step = args->vars->step, .place = args->place };
    return lami_rng_word(&rng, element) >= args->threshold;
}

static size_t chunk_end(const lami_args *args, size_t begin, size_t rows)
{
    return begin + args->chunk < rows ? begin + args->chunk : rows;
}

/* For each element i, its row r and column c. */
#define EACH(args)                                                    \
    for (size_t i = 0, r = 0, c = 0; i < (args)->rows * (args)->cols; \
         i++, r = i / (args)->cols, c = i % (args)->cols, (void)r, (void)c)

/* For each chunk, rows begin .. end, and column c; o is the number of the result. */
#define EACH_CHUNK(args)                                   \
    for (size_t o = 0, cols = (args)->cols, begin, end, c; \
         c = o % cols, begin = o / cols * (args)->chunk, end = chunk_end(args, begin, (args)->rows), begin < end; o++)

#define IN(i)  ((const double *)args->in[i])
#define OUT(i) ((double *)args->out[i])
#define LR     (args->vars->lr * args->c[LAMI_LR_FACTOR])

/* How the right side of a product lies. */
enum { BY_ROWS, BY_COLUMNS, IN_PANELS };

/* Where its element (k, j) is. */
static size_t place_of(const lami_args *args, int form, size_t k, size_t j)
{
    const size_t panel = args->chunk;
    return form == IN_PANELS    ? (j / panel * args->depth + k) * panel + j % panel
           : form == BY_COLUMNS ? j * args->depth + k
                                : k * args->cols + j;
}

static void product(const lami_args *args, int ta, int tb)
{
    const size_t rows = args->rows, cols = args->cols, depth = args->depth;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            long double sum = 0;
            for (size_t k = 0; k < depth; k++)
                sum += (long double)IN(0)[ta ? k * rows + i : i * depth + k] * IN(1)[place_of(args, tb, k, j)];
            OUT(0)[i * cols + j] = (double)sum;
        }
}

static void gemm_nn(const lami_args *args)
{
    product(args, 0, BY_ROWS);
}

static void gemm_nt(const lami_args *args)
{
    product(args, 0, BY_COLUMNS);
}

static void gemm_tn(const lami_args *args)
{
    product(args, 1, BY_ROWS);
}

static void gemm_panels(const lami_args *args)
{
    product(args, 0, IN_PANELS);
}

static void gemm_weights(const lami_args *args)
{
    const size_t panel = args->cols, cols = args->depth, depth = args->rows / ((cols + panel - 1) / panel);
    memset(args->out[0], 0, args->rows * panel * sizeof(double));
    for (size_t k = 0; k < depth; k++)
        for (size_t j = 0; j < cols; j++)
            OUT(0)[(j / panel * depth + k) * panel + j % panel] = IN(0)[k * cols + j];
}

/* ---- element by element ---- */

static void bias(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] + IN(1)[c];
}

static void add(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] + IN(1)[i];
}

static void relu(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] > 0 ? IN(0)[i] : 0;
}

static void relu_grad(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(1)[i] > 0 ? IN(0)[i] : 0;
}

static void leakyrelu(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] > 0 ? IN(0)[i] : args->c[0] * IN(0)[i];
}

static void leakyrelu_grad(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(1)[i] > 0 ? IN(0)[i] : args->c[0] * IN(0)[i];
}

static void elu(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] > 0 ? IN(0)[i] : args->c[0] * expm1(IN(0)[i]);
}

static void elu_grad(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (IN(1)[i] > 0 ? 1 : args->c[0] * exp(IN(1)[i]));
}

static double sigmoid_of(double x)
{
    return 1 / (1 + exp(-x));
}

/* 2 sqrt(2/pi) (x + 0.044715 x^3) and its derivative */
static const double gelu_c = 1.5957691216057307118;

static double gelu_v(double x)
{
    return gelu_c * (x + 0.044715 * x * x * x);
}

static double gelu_steep(double x)
{
    return gelu_c * (1 + 3 * 0.044715 * x * x);
}

static void gelu(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * erfc(-IN(0)[i] * sqrt(0.5)) / 2;
}

static void gelu_grad(const lami_args *args)
{
    EACH (args) {
        const double x = IN(1)[i], density = exp(-x * x / 2) * 0.39894228040143267794;
        OUT(0)[i] = IN(0)[i] * (erfc(-x * sqrt(0.5)) / 2 + x * density);
    }
}

static void gelu_tanh(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * sigmoid_of(gelu_v(IN(0)[i]));
}

static void gelu_tanh_grad(const lami_args *args)
{
    EACH (args) {
        const double x = IN(1)[i], s = sigmoid_of(gelu_v(x));
        OUT(0)[i] = IN(0)[i] * (s + x * s * (1 - s) * gelu_steep(x));
    }
}

static void silu(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * sigmoid_of(IN(0)[i]);
}

static void silu_grad(const lami_args *args)
{
    EACH (args) {
        const double x = IN(1)[i], s = sigmoid_of(x);
        OUT(0)[i] = IN(0)[i] * (s + x * s * (1 - s));
    }
}

static void sigmoid(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = sigmoid_of(IN(0)[i]);
}

static void sigmoid_grad(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * IN(1)[i] * (1 - IN(1)[i]);
}

static void tanh_forward(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = tanh(IN(0)[i]);
}

static void tanh_grad(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (1 - IN(1)[i] * IN(1)[i]);
}

static void dropout(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = kept(args, i) ? IN(0)[i] * args->c[0] : 0;
}

static void norm_cols(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = (IN(0)[i] - IN(1)[c]) * IN(2)[c] * IN(3)[c] + IN(4)[c];
}

static void norm_rows(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = (IN(0)[i] - IN(1)[r]) * IN(2)[r] * IN(3)[c] + IN(4)[c];
}

static void norm_cols_grad(const lami_args *args)
{
    EACH (args) {
        const double n = (double)args->rows, xhat = (IN(1)[i] - IN(2)[c]) * IN(3)[c];
        OUT(0)[i] = IN(4)[c] * IN(3)[c] * (IN(0)[i] - IN(6)[c] / n - xhat * IN(5)[c] / n);
    }
}

static void scale_cols(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * IN(1)[c] * IN(2)[c];
}

static void scale_rows(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * IN(1)[r];
}

static void rstd(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = 1 / sqrt(IN(0)[i] + args->c[0]);
}

static void running(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = args->c[0] * IN(0)[i] + (1 - args->c[0]) * IN(1)[i];
}

static void axpby(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = args->c[0] * IN(0)[i] + args->c[1] * IN(1)[i];
}

static void scale_to_norm(const lami_args *args)
{
    double sum = 0;
    for (size_t j = 0; j < args->cols; j++)
        sum += IN(1)[j];
    EACH (args)
        OUT(0)[i] = args->c[0] * IN(0)[i] / fmax(sqrt(sum), args->c[1]);
}

static void muon(const lami_args *args)
{
    EACH (args) {
        OUT(0)[i] = args->c[0] * IN(1)[i] + (1 - args->c[0]) * IN(0)[i];
        OUT(1)[i] = args->c[0] * OUT(0)[i] + (1 - args->c[0]) * IN(0)[i];
    }
}

static void scale_grad(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * args->vars->grad_scale;
}

static void average(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] + args->vars->share * (IN(1)[i] - IN(0)[i]);
}

static void shrink(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] - LR * args->c[0] * IN(0)[i];
}

static void sgd(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] - LR * IN(1)[i];
}

static void momentum(const lami_args *args)
{
    EACH (args) {
        OUT(1)[i] = args->c[0] * IN(2)[i] - LR * IN(1)[i];
        OUT(0)[i] = IN(0)[i] + OUT(1)[i];
    }
}

static void nesterov(const lami_args *args)
{
    EACH (args) {
        OUT(1)[i] = args->c[0] * IN(2)[i] - LR * IN(1)[i];
        OUT(0)[i] = IN(0)[i] - args->c[0] * IN(2)[i] + (1 + args->c[0]) * OUT(1)[i];
    }
}

static void rmsprop(const lami_args *args)
{
    EACH (args) {
        OUT(1)[i] = args->c[0] * IN(2)[i] + (1 - args->c[0]) * IN(1)[i] * IN(1)[i];
        OUT(0)[i] = IN(0)[i] - LR * IN(1)[i] / (sqrt(OUT(1)[i]) + args->c[1]);
    }
}

static void adam(const lami_args *args)
{
    EACH (args) {
        OUT(1)[i] = args->c[0] * IN(2)[i] + (1 - args->c[0]) * IN(1)[i];
        OUT(2)[i] = args->c[1] * IN(3)[i] + (1 - args->c[1]) * IN(1)[i] * IN(1)[i];
        const double m = OUT(1)[i] * args->vars->correct1, v = OUT(2)[i] * args->vars->correct2;
        OUT(0)[i] = IN(0)[i] - LR * m / (sqrt(v) + args->c[2]);
    }
}

/* ---- columns ---- */

static void stat_moments(const lami_args *args)
{
    EACH_CHUNK (args) {
        long double mean = 0, m2 = 0;
        for (size_t r = begin; r < end; r++)
            mean += (long double)IN(0)[r * cols + c] / (long double)(end - begin);
        for (size_t r = begin; r < end; r++)
            m2 += (IN(0)[r * cols + c] - mean) * (IN(0)[r * cols + c] - mean);
        OUT(0)[o] = IN(0)[begin * cols + c];
        OUT(1)[o] = (double)(mean - IN(0)[begin * cols + c]);
        OUT(2)[o] = (double)m2;
    }
}

static void stat_sum(const lami_args *args)
{
    EACH_CHUNK (args) {
        long double sum = 0;
        for (size_t r = begin; r < end; r++)
            sum += IN(0)[r * cols + c];
        OUT(0)[o] = (double)sum;
    }
}

static void stat_sumsq(const lami_args *args)
{
    EACH_CHUNK (args) {
        long double sum = 0;
        for (size_t r = begin; r < end; r++)
            sum += (long double)IN(0)[r * cols + c] * IN(0)[r * cols + c];
        OUT(0)[o] = (double)sum;
    }
}

static void sums_with_xhat(const lami_args *args, int by_rows)
{
    EACH_CHUNK (args) {
        long double a = 0, b = 0;
        for (size_t r = begin; r < end; r++) {
            const size_t i = r * cols + c, of = by_rows ? r : c;
            a += (long double)IN(0)[i] * (IN(1)[i] - IN(2)[of]) * IN(3)[of];
            b += IN(0)[i];
        }
        OUT(0)[o] = (double)a;
        OUT(1)[o] = (double)b;
    }
}

static void stat_norm_cols(const lami_args *args)
{
    sums_with_xhat(args, 0);
}

static void stat_norm_rows(const lami_args *args)
{
    sums_with_xhat(args, 1);
}

/* A chunk's mean is shift + mean. mean = sum of count mean / N;  N var = sum of m2 + count (chunk's mean - mean)^2 */
static void tree_moments(const lami_args *args)
{
    const size_t cols = args->cols;
    const long double n = (long double)args->depth;
    for (size_t c = 0; c < cols; c++) {
        long double mean = 0, m2 = 0;
        for (size_t begin = 0, p = 0; begin < args->depth; begin += args->chunk, p++)
            mean += (long double)(chunk_end(args, begin, args->depth) - begin) *
                    ((long double)IN(0)[p * cols + c] + IN(1)[p * cols + c]) / n;
        for (size_t begin = 0, p = 0; begin < args->depth; begin += args->chunk, p++) {
            const long double delta = (long double)IN(0)[p * cols + c] + IN(1)[p * cols + c] - mean;
            m2 += IN(2)[p * cols + c] + (long double)(chunk_end(args, begin, args->depth) - begin) * delta * delta;
        }
        OUT(0)[c] = (double)mean;
        OUT(1)[c] = (double)(m2 / n);
        OUT(2)[c] = 1 / sqrt((double)(m2 / n) + args->c[0]);
    }
}

static void tree_sum(const lami_args *args)
{
    for (int k = 0; k < 2 && args->out[k]; k++)
        for (size_t c = 0; c < args->cols; c++) {
            long double sum = 0;
            for (size_t p = 0; p * args->chunk < args->depth; p++)
                sum += IN(k)[p * args->cols + c];
            OUT(k)[c] = (double)sum;
        }
}

/* ---- rows ---- */

static void row_moments(const lami_args *args)
{
    const size_t cols = args->cols;
    for (size_t r = 0; r < args->rows; r++) {
        long double mean = 0, var = 0;
        for (size_t j = 0; j < cols; j++)
            mean += (long double)IN(0)[r * cols + j] / (long double)cols;
        for (size_t j = 0; j < cols; j++)
            var += (IN(0)[r * cols + j] - mean) * (IN(0)[r * cols + j] - mean) / (long double)cols;
        OUT(0)[r] = (double)mean;
        OUT(1)[r] = 1 / sqrt((double)var + args->c[0]);
    }
}

static void row_norm_grad(const lami_args *args)
{
    const size_t cols = args->cols;
    for (size_t r = 0; r < args->rows; r++) {
        const double *dy = IN(0) + r * cols, *x = IN(1) + r * cols, mean = IN(2)[r], rstd = IN(3)[r], *gamma = IN(4);
        long double avg = 0, dot = 0;
        for (size_t j = 0; j < cols; j++) {
            avg += (long double)dy[j] * gamma[j] / (long double)cols;
            dot += (long double)dy[j] * gamma[j] * (x[j] - mean) * rstd / (long double)cols;
        }
        for (size_t j = 0; j < cols; j++)
            OUT(0)[r * cols + j] = (double)(rstd * (dy[j] * gamma[j] - avg - (x[j] - mean) * rstd * dot));
    }
}

static void softmax_loss(const lami_args *args)
{
    const size_t cols = args->cols;
    for (size_t r = 0; r < args->rows; r++) {
        const double *x = IN(0) + r * cols;
        const size_t label = (size_t)((const int32_t *)args->in[1])[r];
        long double sum = 0, loss = 0;
        for (size_t j = 0; j < cols; j++)
            sum += expl(x[j]);
        for (size_t j = 0; j < cols; j++) {
            const double target = (1 - args->c[0]) * (j == label) + args->c[0] / (double)cols;
            loss += target * (logl(sum) - x[j]);
            if (args->out[1])
                OUT(1)[r * cols + j] = ((double)(expl(x[j]) / sum) - target) / args->vars->batch;
        }
        OUT(0)[r] = (double)loss;
    }
}

static void mse_loss(const lami_args *args)
{
    const size_t cols = args->cols;
    for (size_t r = 0; r < args->rows; r++) {
        double loss = 0;
        for (size_t i = r * cols; i < (r + 1) * cols; i++) {
            const double d = IN(0)[i] - IN(1)[i];
            loss += d * d / (double)cols;
            if (args->out[1])
                OUT(1)[i] = 2 * d / ((double)cols * args->vars->batch);
        }
        OUT(0)[r] = loss;
    }
}

static void logistic_loss(const lami_args *args)
{
    const size_t cols = args->cols;
    for (size_t r = 0; r < args->rows; r++) {
        double loss = 0;
        for (size_t i = r * cols; i < (r + 1) * cols; i++) {
            const double x = IN(0)[i], t = IN(1)[i];
            loss -= (t * log(sigmoid_of(x)) + (1 - t) * log(sigmoid_of(-x))) / (double)cols;
            if (args->out[1])
                OUT(1)[i] = (sigmoid_of(x) - t) / ((double)cols * args->vars->batch);
        }
        OUT(0)[r] = loss;
    }
}

static void svm_loss(const lami_args *args)
{
    const size_t cols = args->cols;
    for (size_t r = 0; r < args->rows; r++) {
        const double *x = IN(0) + r * cols;
        const size_t label = (size_t)((const int32_t *)args->in[1])[r];
        double loss = 0, count = 0;
        for (size_t j = 0; j < cols; j++) {
            const double margin = x[j] - x[label] + 1;
            const int hit = j != label && margin > 0;
            loss += hit ? margin : 0;
            count += hit;
            if (args->out[1])
                OUT(1)[r * cols + j] = hit / args->vars->batch;
        }
        OUT(0)[r] = loss;
        if (args->out[1])
            OUT(1)[r * cols + label] = -count / args->vars->batch;
    }
}

const reference_fn reference[LAMI_ROW_OP_COUNT] = {
#define OP(name, class) [LAMI_OP_##name] = name,
    LAMI_ROW_OPS(OP)
#undef OP
};

#undef IN
#undef OUT
#undef LR

/* ---- the same to the bit ---- */

#define LAMI_BITS 32
#include "order.t.h"
#undef LAMI_BITS
#define LAMI_BITS 64
#include "order.t.h"

static void product_bf16(const lami_args *args, int ta, int tb)
{
    const size_t rows = args->rows, cols = args->cols, depth = args->depth;
    const float *a = args->in[0], *b = args->in[1];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            ((float *)args->out[0])[i * cols + j] =
                bf16_sum(ta ? a + i : a + i * depth, ta ? rows : 1, tb ? b + j * depth : b + j, tb ? 1 : cols, depth);
}

static void gemm_nn_bf16(const lami_args *args)
{
    product_bf16(args, 0, 0);
}

static void gemm_nt_bf16(const lami_args *args)
{
    product_bf16(args, 0, 1);
}

static void gemm_tn_bf16(const lami_args *args)
{
    product_bf16(args, 1, 0);
}

const reference_fn ordered_bf16[LAMI_ROW_OP_COUNT] = {
    [LAMI_OP_gemm_nn] = gemm_nn_bf16,
    [LAMI_OP_gemm_nt] = gemm_nt_bf16,
    [LAMI_OP_gemm_tn] = gemm_tn_bf16,
};
