/* mathfn: math.t.h on vectors of one double. */
#define LAMI_BITS   64
#define LAMI_VBYTES 8
#include "math.t.h"

#include "mathfn.h"

double lami_exp(double x)
{
    return m_exp(vset(x))[0];
}

double lami_log(double x)
{
    return m_log(vset(x))[0];
}

double lami_sin(double x)
{
    return m_sin(vset(x))[0];
}

double lami_cos(double x)
{
    return m_cos(vset(x))[0];
}

double lami_pow(double x, double y)
{
    return m_pow(vset(x), vset(y))[0];
}
