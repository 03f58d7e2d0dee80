/* update: the update rules, element by element, with the course's formulas (CS231n assignment 2, optim.py; Nesterov as
 * in its notes on optimisation). Weights and state are read and written in place. */

/* y = alpha * a + beta * b */
static void axpby(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec alpha = vset((real)args->c[0]), beta = vset((real)args->c[1]);
    EACH (args, t)
        put(OUT(0), i, n, vfma(beta, at(IN(1), i, n), alpha * at(IN(0), i, n)));
}

/* y = x * norm / max(root of the sum of squares, least): each tile adds up the columns' squares by itself, so that y may not
 * take their place, as a MAP's result may where there is one row. */
static void scale_to_norm(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    double sum = 0;
    for (size_t j = 0; j < args->cols; j++)
        sum += (double)IN(1)[j];
    const double norm = __builtin_sqrt(sum);
    const vec scale = vset((real)(args->c[0] / (norm < args->c[1] ? args->c[1] : norm)));
    EACH (args, t)
        put(OUT(0), i, n, at(IN(0), i, n) * scale);
}

/* The learning rate of the record's parameter. */
INLINE double rate_of(const lami_args *args)
{
    return args->vars->lr * args->c[LAMI_LR_FACTOR];
}

/* g *= grad_scale */
static void scale_grad(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec scale = vset((real)args->vars->grad_scale);
    EACH (args, t)
        put(OUT(0), i, n, at(IN(0), i, n) * scale);
}

/* a += share * (w - a): leaves an average as it is that the weights are equal to */
static void average(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec share = vset((real)args->vars->share);
    EACH (args, t) {
        const vec a = at(IN(0), i, n);
        put(OUT(0), i, n, vfma(share, at(IN(1), i, n) - a, a));
    }
}

/* w -= lr * decay * w, as one factor. Source: Loshchilov, Hutter 2017, arXiv:1711.05101. */
static void shrink(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec factor = vset((real)(1 - rate_of(args) * args->c[0]));
    EACH (args, t)
        put(OUT(0), i, n, at(IN(0), i, n) * factor);
}

/* w -= lr * dw */
static void sgd(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec lr = vset((real)rate_of(args));
    EACH (args, t)
        put(OUT(0), i, n, vfma(-lr, at(IN(1), i, n), at(IN(0), i, n)));
}

/* v = mu * v - lr * dw;  w += v */
static void momentum(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec lr = vset((real)rate_of(args)), mu = vset((real)args->c[0]);
    EACH (args, t) {
        const vec v = vfma(mu, at(IN(2), i, n), -(lr * at(IN(1), i, n)));
        put(OUT(0), i, n, at(IN(0), i, n) + v);
        put(OUT(1), i, n, v);
    }
}

/* u = v;  v = mu * v - lr * dw;  w += -mu * u + (1 + mu) * v */
static void nesterov(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec lr = vset((real)rate_of(args)), mu = vset((real)args->c[0]), ahead = vset((real)(1 + args->c[0]));
    EACH (args, t) {
        const vec u = at(IN(2), i, n), v = vfma(mu, u, -(lr * at(IN(1), i, n)));
        put(OUT(0), i, n, at(IN(0), i, n) + vfma(ahead, v, -(mu * u)));
        put(OUT(1), i, n, v);
    }
}

/* s = decay * s + (1 - decay) * dw^2;  w -= lr * dw / (sqrt(s) + eps) */
static void rmsprop(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec lr = vset((real)rate_of(args)), keep = vset((real)args->c[0]), take = vset((real)(1 - args->c[0])),
              eps = vset((real)args->c[1]);
    EACH (args, t) {
        const vec g = at(IN(1), i, n), s = vfma(keep, at(IN(2), i, n), take * g * g);
        put(OUT(0), i, n, at(IN(0), i, n) - lr * g / (vsqrt(s) + eps));
        put(OUT(1), i, n, s);
    }
}

/* m = b1 * m + (1 - b1) * dw;  v = b2 * v + (1 - b2) * dw^2;  w -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) +
 * eps) */
static void adam(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec lr = vset((real)rate_of(args)), eps = vset((real)args->c[2]);
    const vec b1 = vset((real)args->c[0]), take1 = vset((real)(1 - args->c[0]));
    const vec b2 = vset((real)args->c[1]), take2 = vset((real)(1 - args->c[1]));
    const vec correct1 = vset((real)args->vars->correct1), correct2 = vset((real)args->vars->correct2);
    EACH (args, t) {
        const vec g = at(IN(1), i, n);
        const vec m = vfma(b1, at(IN(2), i, n), take1 * g), v = vfma(b2, at(IN(3), i, n), take2 * g * g);
        put(OUT(0), i, n, at(IN(0), i, n) - lr * (m * correct1) / (vsqrt(v * correct2) + eps));
        put(OUT(1), i, n, m);
        put(OUT(2), i, n, v);
    }
}

/* m = b1 * m + (1 - b1) * dw;  g = b1 * m + (1 - b1) * dw: Adam's mean, looking ahead as Nesterov does */
static void muon(const lami_args *restrict args, lami_tile t, void *work)
{
    (void)work;
    const vec b1 = vset((real)args->c[0]), take = vset((real)(1 - args->c[0]));
    EACH (args, t) {
        const vec g = take * at(IN(0), i, n), m = vfma(b1, at(IN(1), i, n), g);
        put(OUT(0), i, n, m);
        put(OUT(1), i, n, vfma(b1, m, g));
    }
}
