/* winograd_line: the transforms of Winograd's convolutions along one side of a block: m outputs, m = 1 to 4, of m + 2 inputs and
 * a filter of 3, by m + 2 products. A line of m takes the first m + 1 of the points 0, 1, -1, 2, -2 and infinity. Whatever m,
 * the filter's transform is the same at a point; the factors by which Lagrange's differ from it are in that of the input.
 * m is a constant at each call.  Source: Lavin, Gray 2015, arXiv:1509.09308; docs/math.md#conv has the matrices. */

enum { WINO_LINE = 6 }; /* the points, infinity last */

/* Outputs of a line from which on it takes the point. */
static const unsigned char wino_from[WINO_LINE] = { 1, 1, 2, 3, 4, 1 };

INLINE void wino_b(const int m, vec y[WINO_LINE], const vec *x) /* B^T */
{
    const vec two = vset(2), three = vset(3), four = vset(4), five = vset(5);
    if (m == 4) {
        const vec p = vfma(-four, x[2], x[4]), q = vfma(-four, x[1], x[3]);
        const vec r = x[4] - x[2], s = two * (x[3] - x[1]);
        y[0] = vfma(four, x[0], vfma(-five, x[2], x[4]));
        y[1] = p + q;
        y[2] = p - q;
        y[3] = r + s;
        y[4] = r - s;
        y[5] = vfma(four, x[1], vfma(-five, x[3], x[5]));
    } else if (m == 3) {
        const vec s = two * (x[3] - x[1]);
        y[0] = vfma(four, x[0] - x[2], s);
        y[1] = three * (x[3] - x[2] - two * x[1]);
        y[2] = vfma(two, x[1], vfma(-three, x[2], x[3]));
        y[3] = two * s;
        y[5] = x[4] - x[2] - s;
    } else if (m == 2) {
        y[0] = four * (x[0] - x[2]);
        y[1] = -three * (x[1] + x[2]);
        y[2] = three * (x[1] - x[2]);
        y[5] = x[3] - x[1];
    } else {
        y[0] = four * (x[0] - x[1]);
        y[1] = vset(-6) * x[1];
        y[5] = x[2] - x[1];
    }
}

INLINE void wino_g(vec y[WINO_LINE], const vec x[3]) /* G */
{
    const vec sum = x[0] + x[2], a = vset((real)(-1.0 / 6)), b = vset((real)(1.0 / 24)), c = vset((real)(1.0 / 12));
    const vec far = vfma(vset(4), x[2], x[0]);
    y[0] = vset((real)0.25) * x[0];
    y[1] = a * (sum + x[1]);
    y[2] = a * (sum - x[1]);
    y[3] = vfma(b, far, c * x[1]);
    y[4] = vfma(b, far, -(c * x[1]));
    y[5] = x[2];
}

INLINE void wino_a(const int m, vec *y, const vec x[WINO_LINE]) /* A^T */
{
    if (m == 1) {
        y[0] = x[0] + x[1] + x[5];
        return;
    }
    const vec p = x[1] + x[2], q = x[1] - x[2];
    if (m == 4) {
        const vec r = x[3] + x[4], s = x[3] - x[4];
        y[0] = x[0] + p + r;
        y[1] = vfma(vset(2), s, q);
        y[2] = vfma(vset(4), r, p);
        y[3] = vfma(vset(8), s, q) + x[5];
    } else if (m == 3) {
        y[0] = x[0] + p + x[3];
        y[1] = vfma(vset(2), x[3], q);
        y[2] = vfma(vset(4), x[3], p) + x[5];
    } else {
        y[0] = x[0] + p;
        y[1] = q + x[5];
    }
}

INLINE void wino_a_back(const int m, vec y[WINO_LINE], const vec *x) /* A */
{
    y[0] = x[0];
    y[5] = x[m - 1];
    if (m == 1) {
        y[1] = x[0];
        return;
    }
    const vec p = m > 2 ? x[0] + x[2] : x[0], q = m > 3 ? x[1] + x[3] : x[1];
    y[1] = p + q;
    y[2] = p - q;
    if (m > 2) {
        const vec r = vfma(vset(4), x[2], x[0]), s = vset(2) * (m > 3 ? vfma(vset(4), x[3], x[1]) : x[1]);
        y[3] = r + s;
        if (m > 3)
            y[4] = r - s;
    }
}

INLINE void wino_g_back(vec y[3], const vec x[WINO_LINE]) /* G^T */
{
    const vec sixth = vset((real)(1.0 / 6)), p = x[1] + x[2], q = x[3] + x[4];
    y[0] = vfma(vset((real)0.25), x[0], vfma(-sixth, p, vset((real)(1.0 / 24)) * q));
    y[1] = vfma(sixth, x[2] - x[1], vset((real)(1.0 / 12)) * (x[3] - x[4]));
    y[2] = vfma(sixth, q - p, x[5]);
}
