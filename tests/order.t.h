/* order: every operation with the roundings and the order of sums that docs/numerics.md promises, one element at a
 * time. Included twice by reference.c, with LAMI_BITS 32 and 64. A change here is a new numerics version.
 *
 *   gemm     fused multiply-adds in increasing k within blocks of 256, from +0; blocks added as a binary counter
 *   columns  rows of a chunk in order, from +0; chunks added as a binary counter
 *   rows     element j in lane j mod (64 bytes of lanes); lane i added to i + half, half = 8 (double: 4) .. 1 */
#if LAMI_BITS == 32
#define REAL    float
#define FMA     fmaf
#define SQRT    sqrtf
#define FABS    fabsf
#define NAME(x) x##_f32
#else
#define REAL    double
#define FMA     fma
#define SQRT    sqrt
#define FABS    fabs
#define NAME(x) x##_f64
#endif
#define LANES  (64 / sizeof(REAL))
#define IN(i)  ((const REAL *)args->in[i])
#define OUT(i) ((REAL *)args->out[i])
#define C(i)   ((REAL)args->c[i])
#define LR     ((REAL)(args->vars->lr * args->c[LAMI_LR_FACTOR]))

static REAL NAME(math)(int function, REAL x)
{
    NAME(math_one).f[function](1, &x, &x, &x);
    return x;
}

/* The larger, b only where a < b: a NaN in a stays. */
static REAL NAME(larger)(REAL a, REAL b)
{
    return a < b ? b : a;
}

/* Sums that come one by one, added as a binary counter: level l holds a sum of 2^l of them. */
typedef struct {
    REAL level[64];
    size_t count;
} NAME(counter);

static void NAME(count_in)(NAME(counter) * n, REAL sum)
{
    int l = 0;
    for (; n->count >> l & 1; l++)
        sum = n->level[l] + sum;
    n->level[l] = sum;
    n->count++;
}

/* What is left, from the smallest up. */
static REAL NAME(total)(const NAME(counter) * n)
{
    int l = 0;
    while (!(n->count >> l & 1))
        l++;
    REAL sum = n->level[l];
    for (l++; n->count >> l; l++)
        if (n->count >> l & 1)
            sum = n->level[l] + sum;
    return sum;
}

static void NAME(gemm)(const lami_args *args, int ta, int tb)
{
    const size_t rows = args->rows, cols = args->cols, depth = args->depth;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            NAME(counter) blocks = { .count = 0 };
            for (size_t k0 = 0; k0 < depth; k0 += 256) {
                REAL sum = 0;
                for (size_t k = k0; k < k0 + 256 && k < depth; k++)
                    sum = FMA(IN(0)[ta ? k * rows + i : i * depth + k], IN(1)[place_of(args, tb, k, j)], sum);
                NAME(count_in)(&blocks, sum);
            }
            OUT(0)[i * cols + j] = NAME(total)(&blocks);
        }
}

static void NAME(gemm_nn)(const lami_args *args)
{
    NAME(gemm)(args, 0, BY_ROWS);
}

static void NAME(gemm_nt)(const lami_args *args)
{
    NAME(gemm)(args, 0, BY_COLUMNS);
}

static void NAME(gemm_tn)(const lami_args *args)
{
    NAME(gemm)(args, 1, BY_ROWS);
}

static void NAME(gemm_panels)(const lami_args *args)
{
    NAME(gemm)(args, 0, IN_PANELS);
}

static void NAME(gemm_weights)(const lami_args *args)
{
    const size_t panel = args->cols, cols = args->depth, depth = args->rows / ((cols + panel - 1) / panel);
    memset(args->out[0], 0, args->rows * panel * sizeof(REAL));
    for (size_t k = 0; k < depth; k++)
        for (size_t j = 0; j < cols; j++)
            OUT(0)[(j / panel * depth + k) * panel + j % panel] = IN(0)[k * cols + j];
}

/* ---- element by element ---- */

static void NAME(bias)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] + IN(1)[c];
}

static void NAME(add)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] + IN(1)[i];
}

static void NAME(relu)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = NAME(larger)(IN(0)[i], 0);
}

static void NAME(relu_grad)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(1)[i] > 0 ? IN(0)[i] : 0;
}

static void NAME(leakyrelu)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] > 0 ? IN(0)[i] : C(0) * IN(0)[i];
}

static void NAME(leakyrelu_grad)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(1)[i] > 0 ? IN(0)[i] : C(0) * IN(0)[i];
}

static void NAME(elu)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] > 0 ? IN(0)[i] : C(0) * NAME(math)(MATH_EXPM1, IN(0)[i]);
}

static void NAME(elu_grad)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (IN(1)[i] > 0 ? 1 : C(0) * NAME(math)(MATH_EXP, IN(1)[i]));
}

static void NAME(sigmoid)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = NAME(math)(MATH_SIGMOID, IN(0)[i]);
}

static void NAME(sigmoid_grad)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (IN(1)[i] * (1 - IN(1)[i]));
}

static void NAME(tanh_forward)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = NAME(math)(MATH_TANH, IN(0)[i]);
}

static void NAME(tanh_grad)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * FMA(-IN(1)[i], IN(1)[i], 1);
}

/* e^(x + low) */
static REAL NAME(exp_of)(REAL x, REAL low)
{
    NAME(math_one).f[MATH_EXP_SUM](1, &x, &low, &x);
    return x;
}

/* e / (1 + e) and 1 / (1 + e) */
typedef struct {
    REAL small, large;
} NAME(parts);

static NAME(parts) NAME(parts_of)(REAL e)
{
    const REAL sum = 1 + e, low = (1 - sum) + e, inverse = 1 / sum, rest = FMA(-inverse, sum, 1) - inverse * low;
    const REAL large = FMA(rest, inverse, inverse);
    return (NAME(parts)) { e * large, large };
}

/* |x|, at most `limit`; NaN stays. */
static REAL NAME(side)(REAL x, double limit)
{
    return (REAL)limit < FABS(x) ? (REAL)limit : FABS(x);
}

/* Of x S(x): a T(a) and T(a) - a S'(a), with a = |x| and T(a) = S(-a). */
typedef struct {
    REAL tail, slope;
} NAME(gate);

static NAME(gate) NAME(gate_silu)(REAL x)
{
    const REAL a = NAME(side)(x, sizeof x == 4 ? 105 : 750);
    const NAME(parts) p = NAME(parts_of)(NAME(math)(MATH_EXP, -a));
    return (NAME(gate)) { a * p.small, p.small * FMA(-a, p.large, 1) };
}

static NAME(gate) NAME(gate_gelu)(REAL x)
{
    const REAL a = NAME(side)(x, sizeof x == 4 ? 15 : 39), ratio = NAME(math)(MATH_RATIO, a);
    const REAL square = a * a, low = FMA(a, a, -square), e = NAME(exp_of)(square * (REAL)-0.5, low * (REAL)-0.5);
    return (NAME(gate)) { a * ratio * e, e * FMA(a, (REAL)-0.39894228040143267794, ratio) };
}

static NAME(gate) NAME(gate_gelu_tanh)(REAL x)
{
    /* 2 sqrt(2/pi) and 0.044715 times that, as sums of two numbers */
    const int f32 = sizeof x == 4;
    const REAL c = (REAL)0x1.9884533d43651p+0, c_low = f32 ? (REAL)-0x1.857936p-25 : (REAL)-0x1.cbc0d30ebfd15p-54;
    const REAL d = (REAL)0x1.2444f2a4d8b4bp-4, d_low = f32 ? (REAL)0x1.49b16ap-29 : (REAL)-0x1.6c843a29d1c7p-61;
    const REAL a = NAME(side)(x, f32 ? 12 : 24);
    const REAL z = a * a, z_low = FMA(a, a, -z), dz = d * z, dz_low = FMA(d, z, -dz);
    const REAL sum = c + dz, part = sum - c;
    const REAL sum_low = ((c - (sum - part)) + (dz - part)) + (dz_low + FMA(d, z_low, FMA(d_low, z, c_low)));
    const REAL v = a * sum, v_low = FMA(a, sum_low, FMA(a, sum, -v));
    const NAME(parts) p = NAME(parts_of)(NAME(exp_of)(-v, -v_low));
    return (NAME(gate)) { a * p.small, p.small * FMA(-(a * FMA(3 * d, z, c)), p.large, 1) };
}

#define GATED(name)                                                                   \
    static void NAME(name)(const lami_args *args)                                     \
    {                                                                                 \
        EACH (args)                                                                   \
            OUT(0)[i] = NAME(larger)(IN(0)[i], 0) - NAME(gate_##name)(IN(0)[i]).tail; \
    }                                                                                 \
    static void NAME(name##_grad)(const lami_args *args)                              \
    {                                                                                 \
        EACH (args) {                                                                 \
            const REAL h = NAME(gate_##name)(IN(1)[i]).slope;                         \
            OUT(0)[i] = IN(0)[i] * (IN(1)[i] < 0 ? h : 1 - h);                        \
        }                                                                             \
    }

GATED(silu)
GATED(gelu)
GATED(gelu_tanh)
#undef GATED

static void NAME(dropout)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = kept(args, i) ? IN(0)[i] * C(0) : 0;
}

static void NAME(norm_cols)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = FMA((IN(0)[i] - IN(1)[c]) * IN(2)[c], IN(3)[c], IN(4)[c]);
}

static void NAME(norm_rows)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = FMA((IN(0)[i] - IN(1)[r]) * IN(2)[r], IN(3)[c], IN(4)[c]);
}

static void NAME(norm_cols_grad)(const lami_args *args)
{
    EACH (args) {
        const REAL share = (REAL)(1.0 / (double)args->rows), rstd = IN(3)[c], xhat = (IN(1)[i] - IN(2)[c]) * rstd;
        OUT(0)[i] = IN(4)[c] * rstd * FMA(-xhat, IN(5)[c] * share, IN(0)[i] - IN(6)[c] * share);
    }
}

static void NAME(scale_cols)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (IN(1)[c] * IN(2)[c]);
}

static void NAME(scale_rows)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * IN(1)[r];
}

static void NAME(rstd)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = 1 / SQRT(IN(0)[i] + C(0));
}

static void NAME(running)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = FMA(C(0), IN(0)[i], (REAL)(1 - args->c[0]) * IN(1)[i]);
}

static void NAME(axpby)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = FMA(C(1), IN(1)[i], C(0) * IN(0)[i]);
}

static void NAME(scale_to_norm)(const lami_args *args)
{
    double sum = 0;
    for (size_t j = 0; j < args->cols; j++)
        sum += (double)IN(1)[j];
    const double norm = sqrt(sum);
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (REAL)(args->c[0] / (norm < args->c[1] ? args->c[1] : norm));
}

static void NAME(scale_grad)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (REAL)args->vars->grad_scale;
}

static void NAME(average)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = FMA((REAL)args->vars->share, IN(1)[i] - IN(0)[i], IN(0)[i]);
}

static void NAME(shrink)(const lami_args *args)
{
    const double lr = args->vars->lr * args->c[LAMI_LR_FACTOR];
    EACH (args)
        OUT(0)[i] = IN(0)[i] * (REAL)(1 - lr * args->c[0]);
}

static void NAME(sgd)(const lami_args *args)
{
    EACH (args)
        OUT(0)[i] = FMA(-LR, IN(1)[i], IN(0)[i]);
}

static void NAME(momentum)(const lami_args *args)
{
    EACH (args) {
        const REAL v = FMA(C(0), IN(2)[i], -(LR * IN(1)[i]));
        OUT(0)[i] = IN(0)[i] + v;
        OUT(1)[i] = v;
    }
}

static void NAME(nesterov)(const lami_args *args)
{
    EACH (args) {
        const REAL u = IN(2)[i], v = FMA(C(0), u, -(LR * IN(1)[i]));
        OUT(0)[i] = IN(0)[i] + FMA((REAL)(1 + args->c[0]), v, -(C(0) * u));
        OUT(1)[i] = v;
    }
}

static void NAME(rmsprop)(const lami_args *args)
{
    EACH (args) {
        const REAL g = IN(1)[i], s = FMA(C(0), IN(2)[i], (REAL)(1 - args->c[0]) * g * g);
        OUT(0)[i] = IN(0)[i] - LR * g / (SQRT(s) + C(1));
        OUT(1)[i] = s;
    }
}

static void NAME(adam)(const lami_args *args)
{
    EACH (args) {
        const REAL g = IN(1)[i], correct1 = (REAL)args->vars->correct1, correct2 = (REAL)args->vars->correct2;
        const REAL m = FMA(C(0), IN(2)[i], (REAL)(1 - args->c[0]) * g);
        const REAL v = FMA(C(1), IN(3)[i], (REAL)(1 - args->c[1]) * g * g);
        OUT(0)[i] = IN(0)[i] - LR * (m * correct1) / (SQRT(v * correct2) + C(2));
        OUT(1)[i] = m;
        OUT(2)[i] = v;
    }
}

static void NAME(muon)(const lami_args *args)
{
    EACH (args) {
        const REAL g = (REAL)(1 - args->c[0]) * IN(0)[i], m = FMA(C(0), IN(1)[i], g);
        OUT(0)[i] = m;
        OUT(1)[i] = FMA(C(0), m, g);
    }
}

/* ---- columns ---- */

static void NAME(stat_moments)(const lami_args *args)
{
    EACH_CHUNK (args) {
        const REAL shift = IN(0)[begin * cols + c];
        REAL sum = 0, m2 = 0;
        for (size_t r = begin; r < end; r++)
            sum += IN(0)[r * cols + c] - shift;
        const REAL mean = sum / (REAL)(end - begin);
        for (size_t r = begin; r < end; r++) {
            const REAL d = IN(0)[r * cols + c] - shift - mean;
            m2 = FMA(d, d, m2);
        }
        OUT(0)[o] = shift;
        OUT(1)[o] = mean;
        OUT(2)[o] = m2;
    }
}

static void NAME(stat_sum)(const lami_args *args)
{
    EACH_CHUNK (args) {
        REAL sum = 0;
        for (size_t r = begin; r < end; r++)
            sum += IN(0)[r * cols + c];
        OUT(0)[o] = sum;
    }
}

static void NAME(stat_sumsq)(const lami_args *args)
{
    EACH_CHUNK (args) {
        REAL sum = 0;
        for (size_t r = begin; r < end; r++)
            sum = FMA(IN(0)[r * cols + c], IN(0)[r * cols + c], sum);
        OUT(0)[o] = sum;
    }
}

static void NAME(stat_norm_cols)(const lami_args *args)
{
    EACH_CHUNK (args) {
        REAL a = 0, b = 0;
        for (size_t r = begin; r < end; r++) {
            a = FMA(IN(0)[r * cols + c], (IN(1)[r * cols + c] - IN(2)[c]) * IN(3)[c], a);
            b += IN(0)[r * cols + c];
        }
        OUT(0)[o] = a;
        OUT(1)[o] = b;
    }
}

static void NAME(stat_norm_rows)(const lami_args *args)
{
    EACH_CHUNK (args) {
        REAL a = 0, b = 0;
        for (size_t r = begin; r < end; r++) {
            a = FMA(IN(0)[r * cols + c], (IN(1)[r * cols + c] - IN(2)[r]) * IN(3)[r], a);
            b += IN(0)[r * cols + c];
        }
        OUT(0)[o] = a;
        OUT(1)[o] = b;
    }
}

static void NAME(tree_sum)(const lami_args *args)
{
    for (int k = 0; k < 2 && args->out[k]; k++)
        for (size_t c = 0; c < args->cols; c++) {
            NAME(counter) chunks = { .count = 0 };
            for (size_t p = 0; p * args->chunk < args->depth; p++)
                NAME(count_in)(&chunks, IN(k)[p * args->cols + c]);
            OUT(k)[c] = NAME(total)(&chunks);
        }
}

typedef struct {
    REAL shift, mean, m2;
    size_t count;
} NAME(moments);

static NAME(moments) NAME(merged)(NAME(moments) a, NAME(moments) b)
{
    const REAL share = (REAL)((double)b.count / (double)(a.count + b.count)),
               delta = (b.shift - a.shift) + (b.mean - a.mean);
    return (NAME(moments)) { a.shift, FMA(delta, share, a.mean), FMA(delta * delta, (REAL)a.count * share, a.m2 + b.m2),
                             a.count + b.count };
}

/* The binary counter again, of moments. */
static void NAME(tree_moments)(const lami_args *args)
{
    for (size_t c = 0; c < args->cols; c++) {
        NAME(moments) level[64];
        size_t p = 0;
        for (; p * args->chunk < args->depth; p++) {
            const size_t i = p * args->cols + c, rest = args->depth - p * args->chunk;
            NAME(moments) m = { IN(0)[i], IN(1)[i], IN(2)[i], rest < args->chunk ? rest : args->chunk };
            int l = 0;
            for (; p >> l & 1; l++)
                m = NAME(merged)(level[l], m);
            level[l] = m;
        }
        NAME(moments) m = { .count = 0 };
        for (int l = 0; p >> l; l++)
            if (p >> l & 1)
                m = m.count ? NAME(merged)(level[l], m) : level[l];
        OUT(0)[c] = m.shift + m.mean;
        OUT(1)[c] = m.m2 / (REAL)args->depth;
        OUT(2)[c] = 1 / SQRT(OUT(1)[c] + C(0));
    }
}

/* ---- rows ---- */

static REAL NAME(lane_sum)(REAL lane[LANES])
{
    for (size_t half = LANES / 2; half; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

/* Columns with those that fill up the last lanes; a row's tail is padded with a value that says it is not there. */
static size_t NAME(padded)(const lami_args *args)
{
    return (args->cols + LANES - 1) / LANES * LANES;
}

static REAL NAME(element)(const REAL *x, const lami_args *args, size_t j, REAL pad)
{
    return j < args->cols ? x[j] : pad;
}

static void NAME(row_moments)(const lami_args *args)
{
    for (size_t r = 0; r < args->rows; r++) {
        const REAL *x = IN(0) + r * args->cols;
        REAL sum[LANES] = { 0 }, squares[LANES] = { 0 };
        for (size_t j = 0; j < NAME(padded)(args); j++)
            sum[j % LANES] += NAME(element)(x, args, j, 0);
        const REAL mean = NAME(lane_sum)(sum) / (REAL)args->cols;
        for (size_t j = 0; j < NAME(padded)(args); j++) {
            const REAL d = NAME(element)(x, args, j, mean) - mean;
            squares[j % LANES] = FMA(d, d, squares[j % LANES]);
        }
        OUT(0)[r] = mean;
        OUT(1)[r] = 1 / SQRT(NAME(lane_sum)(squares) / (REAL)args->cols + C(0));
    }
}

static void NAME(row_norm_grad)(const lami_args *args)
{
    const REAL share = (REAL)(1.0 / (double)args->cols);
    for (size_t r = 0; r < args->rows; r++) {
        const REAL *dy = IN(0) + r * args->cols, *x = IN(1) + r * args->cols, *gamma = IN(4);
        const REAL mean = IN(2)[r], rstd = IN(3)[r];
        REAL sum[LANES] = { 0 }, dot[LANES] = { 0 };
        for (size_t j = 0; j < NAME(padded)(args); j++) {
            const REAL g = NAME(element)(dy, args, j, 0) * NAME(element)(gamma, args, j, 0);
            sum[j % LANES] += g;
            dot[j % LANES] = FMA(g, (NAME(element)(x, args, j, mean) - mean) * rstd, dot[j % LANES]);
        }
        const REAL avg = NAME(lane_sum)(sum) * share, slope = -(NAME(lane_sum)(dot) * share);
        for (size_t j = 0; j < args->cols; j++)
            OUT(0)[r * args->cols + j] = rstd * FMA((x[j] - mean) * rstd, slope, dy[j] * gamma[j] - avg);
    }
}

static REAL NAME(mean_above)(const REAL *x, const lami_args *args, REAL base)
{
    REAL sum[LANES] = { 0 };
    for (size_t j = 0; j < NAME(padded)(args); j++)
        sum[j % LANES] += NAME(element)(x, args, j, base) - base;
    return NAME(lane_sum)(sum) / (REAL)args->cols;
}

static void NAME(softmax_loss)(const lami_args *args)
{
    const REAL share = (REAL)(1.0 / args->vars->batch), lowest = (REAL)-INFINITY;
    for (size_t r = 0; r < args->rows; r++) {
        const REAL *x = IN(0) + r * args->cols;
        const size_t label = (size_t)((const int32_t *)args->in[1])[r];
        REAL max = lowest, sum[LANES] = { 0 };
        for (size_t j = 0; j < args->cols; j++)
            max = NAME(larger)(max, x[j]);
        for (size_t j = 0; j < NAME(padded)(args); j++)
            sum[j % LANES] += NAME(math)(MATH_EXP, NAME(element)(x, args, j, lowest) - max);
        const REAL total = NAME(lane_sum)(sum), own = (REAL)(1 - args->c[0]),
                   all = (REAL)(args->c[0] / (double)args->cols);
        REAL target = x[label] - max;
        if (args->c[0] > 0)
            target = own * target + C(0) * NAME(mean_above)(x, args, max);
        OUT(0)[r] = NAME(math)(MATH_LOG, total) - target;
        for (size_t j = 0; args->out[1] && j < args->cols; j++) {
            const REAL d = NAME(math)(MATH_EXP, x[j] - max) / total - all;
            OUT(1)[r * args->cols + j] = (j == label ? d - own : d) * share;
        }
    }
}

static void NAME(mse_loss)(const lami_args *args)
{
    const REAL share = (REAL)(2.0 / ((double)args->cols * args->vars->batch));
    for (size_t r = 0; r < args->rows; r++) {
        REAL sum[LANES] = { 0 };
        for (size_t j = 0; j < args->cols; j++) {
            const size_t i = r * args->cols + j;
            const REAL d = IN(0)[i] - IN(1)[i];
            sum[j % LANES] = FMA(d, d, sum[j % LANES]);
            if (args->out[1])
                OUT(1)[i] = d * share;
        }
        OUT(0)[r] = NAME(lane_sum)(sum) / (REAL)args->cols;
    }
}

static void NAME(logistic_loss)(const lami_args *args)
{
    const REAL share = (REAL)(1.0 / ((double)args->cols * args->vars->batch));
    for (size_t r = 0; r < args->rows; r++) {
        REAL sum[LANES] = { 0 };
        for (size_t j = 0; j < args->cols; j++) {
            const size_t i = r * args->cols + j;
            const REAL x = IN(0)[i], t = IN(1)[i], e = NAME(math)(MATH_EXP, -FABS(x));
            sum[j % LANES] += NAME(math)(MATH_LOG1P, e) + FMA(-x, t, NAME(larger)(x, 0));
            if (args->out[1])
                OUT(1)[i] = (NAME(math)(MATH_SIGMOID, x) - t) * share;
        }
        OUT(0)[r] = NAME(lane_sum)(sum) / (REAL)args->cols;
    }
}

static void NAME(svm_loss)(const lami_args *args)
{
    const REAL share = (REAL)(1.0 / args->vars->batch), lowest = (REAL)-INFINITY;
    for (size_t r = 0; r < args->rows; r++) {
        const REAL *x = IN(0) + r * args->cols;
        const size_t label = (size_t)((const int32_t *)args->in[1])[r];
        REAL sum[LANES] = { 0 }, count[LANES] = { 0 };
        for (size_t j = 0; j < NAME(padded)(args); j++) {
            const REAL other = j == label ? lowest : NAME(element)(x, args, j, lowest);
            const REAL margin = NAME(larger)(other - x[label] + 1, 0);
            sum[j % LANES] += margin;
            count[j % LANES] += (REAL)(margin > 0);
            if (args->out[1] && j < args->cols)
                OUT(1)[r * args->cols + j] = (REAL)(margin > 0) * share;
        }
        OUT(0)[r] = NAME(lane_sum)(sum);
        if (args->out[1])
            OUT(1)[r * args->cols + label] = -(NAME(lane_sum)(count) * share);
    }
}

const reference_fn NAME(ordered)[LAMI_ROW_OP_COUNT] = {
#define OP(name, class) [LAMI_OP_##name] = NAME(name),
    LAMI_ROW_OPS(OP)
#undef OP
};

#undef REAL
#undef FMA
#undef SQRT
#undef FABS
#undef NAME
#undef LANES
#undef IN
#undef OUT
#undef C
#undef LR
