/* mathfn: our own elementary functions, the same bits on every machine (docs/numerics.md). Everything outside the
 * kernels (solver, schedules, initialisation) uses these and never libm's, but for sqrt, fma and rounding. The kernels
 * use the same source, math.t.h, on vectors. Accuracy: at most 1 ulp in double for exp, log, sin, cos; 2 ulp for pow. */
#ifndef LAMI_MATHFN_H
#define LAMI_MATHFN_H

double lami_exp(double x);
double lami_log(double x);
double lami_sin(double x); /* |x| <= 1e5; NaN for infinity; larger arguments lose accuracy, never the same bits */
double lami_cos(double x);
double lami_pow(double x, double y); /* all cases as in C99 */

#endif
