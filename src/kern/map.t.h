/* map: operations element by element. Rows of a tile that lie without a gap are walked as one. */

#define IN(i)  ((const real *)args->in[i])
#define OUT(i) ((real *)args->out[i])

/* A tile as `count` stretches of `length` contiguous elements, the first at `start`, `stride` apart. */
typedef struct {
    size_t start, length, count, stride;
} stretches;

INLINE stretches stretches_of(const lami_args *restrict args, lami_tile t)
{
    const size_t rows = t.r1 - t.r0, width = t.c1 - t.c0, start = t.r0 * args->cols + t.c0;
    if (width == args->cols)
        return (stretches) { start, rows * width, 1, 0 };
    return (stretches) { start, width, rows, args->cols };
}

/* For the elements of a tile, LANES at a time: i is the index into the array, n how many are left of the stretch. */
#define EACH(args, t)                                                                       \
    for (stretches s_ = stretches_of(args, t); s_.count; s_.count--, s_.start += s_.stride) \
        for (size_t i = s_.start, n = s_.length; n; n -= n < LANES ? n : LANES, i += LANES)

/* For the elements of a tile with their row and column: vectors run along columns. */
#define EACH_AT(t)                           \
    for (size_t r = (t).r0; r < (t).r1; r++) \
        for (size_t c = (t).c0, n = (t).c1 - (t).c0; n; n -= n < LANES ? n : LANES, c += LANES)

INLINE vec at(const real *p, size_t i, size_t n)
{
    return vload_pad(p + i, n, 0);
}

INLINE void put(real *p, size_t i, size_t n, vec v)
{
    vstore_pad(p + i, n, v);
}

/* put, for an output that may go past the caches; past_end follows. */
INLINE void put_past(const lami_args *restrict args, real *p, size_t i, size_t n, vec v)
{
    if (args->past && n >= LANES && (uintptr_t)(p + i) % LAMI_VBYTES == 0)
        vstore_past(p + i, v);
    else
        put(p, i, n, v);
}

static void bias(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH_AT (t)
        put(OUT(0), r * args->cols + c, n, at(IN(0), r * args->cols + c, n) + at(IN(1), c, n));
}

static void add(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH (args, t)
        put(OUT(0), i, n, at(IN(0), i, n) + at(IN(1), i, n));
}

static void relu(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH (args, t)
        put(OUT(0), i, n, vmax(at(IN(0), i, n), vset(0)));
}

static void relu_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH (args, t)
        put(OUT(0), i, n, (vec)((ivec)at(IN(0), i, n) & (at(IN(1), i, n) > vset(0))));
}

/* ---- activations ---- */

static void leakyrelu(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec slope = vset((real)args->c[0]);
    EACH (args, t) {
        const vec x = at(IN(0), i, n);
        put(OUT(0), i, n, vsel(x > vset(0), x, slope * x));
    }
}

static void leakyrelu_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec slope = vset((real)args->c[0]);
    EACH (args, t) {
        const vec dy = at(IN(0), i, n);
        put(OUT(0), i, n, vsel(at(IN(1), i, n) > vset(0), dy, slope * dy));
    }
}

static void elu(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec alpha = vset((real)args->c[0]);
    EACH (args, t) {
        const vec x = at(IN(0), i, n);
        put(OUT(0), i, n, vsel(x > vset(0), x, alpha * m_expm1(x)));
    }
}

static void elu_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec alpha = vset((real)args->c[0]);
    EACH (args, t) {
        const vec dy = at(IN(0), i, n), x = at(IN(1), i, n);
        put(OUT(0), i, n, dy * vsel(x > vset(0), vset(1), alpha * m_exp(x)));
    }
}

static void sigmoid(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH (args, t)
        put(OUT(0), i, n, m_sigmoid(at(IN(0), i, n)));
}

static void sigmoid_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH (args, t) {
        const vec y = at(IN(1), i, n);
        put(OUT(0), i, n, at(IN(0), i, n) * (y * (vset(1) - y)));
    }
}

static void tanh_forward(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH (args, t)
        put(OUT(0), i, n, m_tanh(at(IN(0), i, n)));
}

static void tanh_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH (args, t) {
        const vec y = at(IN(1), i, n);
        put(OUT(0), i, n, at(IN(0), i, n) * vfma(-y, y, vset(1)));
    }
}

/* silu, gelu and gelu_tanh are x S(x), S rising from 0 to 1 with S(-x) = 1 - S(x). With a = |x| and what is left of S
 * on the other side, T(a) = S(-a):
 *   y = max(x, 0) - a T(a),   dy/dx = h where x < 0, else 1 - h,   h = T(a) - a S'(a)
 * so that nothing cancels where y is small, and both sides cost the same. a ends where a T(a) is 0, or infinity would
 * be multiplied with it. */
typedef struct {
    vec tail, slope; /* a T(a); h */
} gate;

INLINE gate gate_silu(vec x)
{
    const vec a = vmin(vabs(x), VC(105, 750));
    const two_parts p = parts_of_one(m_exp(-a));
    return (gate) { a * p.small, p.small * vfma(-a, p.large, vset(1)) };
}

/* S is the normal distribution. Its tail is e^(-a^2/2) G(a), its density e^(-a^2/2) / sqrt(2 pi). */
INLINE gate gate_gelu(vec x)
{
    const vec a = vmin(vabs(x), VC(15, 39)), ratio = normal_ratio(a);
    const pair square = pair_product(a, a);
    const vec e = exp_sum(square.hi * (real)-0.5, square.lo * (real)-0.5);
    return (gate) { a * ratio * e, e * vfma(a, VC(-0x1.988454p-2, -0x1.9884533d43651p-2), ratio) };
}

/* S(x) = sigmoid(v(x)), v(x) = x (c + d x^2), c = 2 sqrt(2/pi), d = 0.044715 c, the sum with its rounding errors, as
 * e^-v has v times its relative error. Source: Hendrycks, Gimpel 2016, arXiv:1606.08415. */
INLINE gate gate_gelu_tanh(vec x)
{
    const vec c = VC(0x1.988454p+0, 0x1.9884533d43651p+0), c_low = VC(-0x1.857936p-25, -0x1.cbc0d30ebfd15p-54);
    const vec d = VC(0x1.2444f2p-4, 0x1.2444f2a4d8b4bp-4), d_low = VC(0x1.49b16ap-29, -0x1.6c843a29d1c7p-61);
    const vec a = vmin(vabs(x), VC(12, 24));
    const pair z = pair_product(a, a), dz = pair_product(d, z.hi);
    const vec sum = c + dz.hi, part = sum - c; /* and its error, whichever is larger (Knuth) */
    const vec sum_low = ((c - (sum - part)) + (dz.hi - part)) + (dz.lo + vfma(d, z.lo, vfma(d_low, z.hi, c_low)));
    const pair v = pair_product(a, sum);
    const two_parts p = parts_of_one(exp_sum(-v.hi, -vfma(a, sum_low, v.lo)));
    const vec steep = vfma((real)3 * d, z.hi, c); /* v' */
    return (gate) { a * p.small, p.small * vfma(-(a * steep), p.large, vset(1)) };
}

#define GATED(name)                                                                  \
    static void name(const lami_args *restrict args, lami_tile t, void *work)        \
    {                                                                                \
        (void)work;                                                                  \
        EACH (args, t) {                                                             \
            const vec x = at(IN(0), i, n);                                           \
            put(OUT(0), i, n, vmax(x, vset(0)) - gate_##name(x).tail);               \
        }                                                                            \
    }                                                                                \
    static void name##_grad(const lami_args *restrict args, lami_tile t, void *work) \
    {                                                                                \
        (void)work;                                                                  \
        EACH (args, t) {                                                             \
            const vec x = at(IN(1), i, n), h = gate_##name(x).slope;                 \
            put(OUT(0), i, n, at(IN(0), i, n) * vsel(x < vset(0), h, vset(1) - h));  \
        }                                                                            \
    }

GATED(silu)
GATED(gelu)
GATED(gelu_tanh)

static void norm_cols(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH_AT (t) {
        const vec xhat = (at(IN(0), r * args->cols + c, n) - at(IN(1), c, n)) * at(IN(2), c, n);
        put(OUT(0), r * args->cols + c, n, vfma(xhat, at(IN(3), c, n), at(IN(4), c, n)));
    }
}

static void norm_rows(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH_AT (t) {
        const vec xhat = (at(IN(0), r * args->cols + c, n) - vset(IN(1)[r])) * vset(IN(2)[r]);
        put(OUT(0), r * args->cols + c, n, vfma(xhat, at(IN(3), c, n), at(IN(4), c, n)));
    }
}

/* dx = gamma * rstd * (dy - dbeta / N - xhat * dgamma / N) */
static void norm_cols_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec share = vset((real)(1.0 / (double)args->rows));
    EACH_AT (t) {
        const size_t i = r * args->cols + c;
        const vec rstd = at(IN(3), c, n), xhat = (at(IN(1), i, n) - at(IN(2), c, n)) * rstd;
        const vec centred = at(IN(0), i, n) - at(IN(6), c, n) * share;
        put(OUT(0), i, n, at(IN(4), c, n) * rstd * vfma(-xhat, at(IN(5), c, n) * share, centred));
    }
}

static void scale_cols(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH_AT (t)
        put(OUT(0), r * args->cols + c, n, at(IN(0), r * args->cols + c, n) * (at(IN(1), c, n) * at(IN(2), c, n)));
}

static void scale_rows(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    EACH_AT (t)
        put(OUT(0), r * args->cols + c, n, at(IN(0), r * args->cols + c, n) * vset(IN(1)[r]));
}

static void rstd(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec eps = vset((real)args->c[0]);
    EACH (args, t)
        put(OUT(0), i, n, vset(1) / vsqrt(at(IN(0), i, n) + eps));
}

static void running(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec keep = vset((real)args->c[0]), take = vset((real)(1 - args->c[0]));
    EACH (args, t)
        put(OUT(0), i, n, vfma(keep, at(IN(0), i, n), take * at(IN(1), i, n)));
}

/* ---- dropout ---- */

/* Philox4x32-10 of counters first .. first + count (count <= WORDS / 4) into words, of which some more may be written. The
 * counters of a vector lie in the low halves of 64-bit lanes, where the 32 x 32 bit product wants them; each round waits for
 * the one before, so that two vectors go side by side. */
enum { WORDS = 256, ABREAST = 2 };

static void random_words(uint32_t words[WORDS], uint64_t first, size_t count, uint32_t step, uint32_t place,
                         uint64_t key)
{
    const u64vec zero = { 0 };
    u64vec counter = zero;
    for (int l = 0; l < U64_LANES; l++)
        counter[l] = first + (size_t)l;
    for (size_t done = 0; done < count; done += ABREAST * U64_LANES) {
        u64vec c0[ABREAST], c1[ABREAST], c2[ABREAST], c3[ABREAST];
        UNROLL
        for (int v = 0; v < ABREAST; v++, counter += U64_LANES) {
            c0[v] = counter;
            c1[v] = counter >> 32;
            c2[v] = zero + step;
            c3[v] = zero + place;
        }
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        UNROLL
        for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
            UNROLL
            for (int v = 0; v < ABREAST; v++) {
                const u64vec p0 = mul_u32(c0[v], zero + 0xD2511F53u), p1 = mul_u32(c2[v], zero + 0xCD9E8D57u);
                c0[v] = (p1 >> 32) ^ c1[v] ^ (uint64_t)k0;
                c1[v] = p1;
                c2[v] = (p0 >> 32) ^ c3[v] ^ (uint64_t)k1;
                c3[v] = p0;
            }
        }
        UNROLL
        for (int v = 0; v < ABREAST; v++)
            u64_store_pairs(words + 4 * (done + (size_t)(v * U64_LANES)), (c0[v] & 0xffffffffu) | (c1[v] << 32),
                            (c2[v] & 0xffffffffu) | (c3[v] << 32));
    }
}

static void dropout(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    uint32_t words[WORDS];
    const real scale = (real)args->c[0];
    for (stretches s = stretches_of(args, t); s.count; s.count--, s.start += s.stride) {
        const real *x = IN(0) + s.start;
        real *y = OUT(0) + s.start;
        for (size_t done = 0, skip = s.start % 4; done < s.length; skip = 0) {
            const size_t left = s.length - done, n = left < WORDS - skip ? left : WORDS - skip;
            for (size_t i = 0; i < n; i += 64 / sizeof(real)) { /* while random words are made */
                __builtin_prefetch(x + done + i);
                __builtin_prefetch(y + done + i, 1);
            }
            random_words(words, (s.start + done) / 4, (skip + n + 3) / 4, args->vars->step, args->place,
                         args->vars->dropout_seed);
            for (size_t i = 0; i < n; i++)
                y[done + i] = words[skip + i] >= args->threshold ? x[done + i] * scale : 0;
            done += n;
        }
    }
}
