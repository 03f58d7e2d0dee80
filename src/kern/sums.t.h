/* sums: what a micro-kernel holds in registers: mr rows x nv registers of columns. mr and nv are constants at each call.
 * In memory rows are `ld` elements apart. */

INLINE void sums_zero(const int mr, const int nv, vec acc[8][2])
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = vset(0);
    }
}

INLINE void sums_load(const int mr, const int nv, vec acc[8][2], const real *from, size_t ld)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = vload(from + (size_t)i * ld + (size_t)j * LANES);
    }
}

INLINE void sums_add(const int mr, const int nv, vec acc[8][2], const real *from, size_t ld)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = vload(from + (size_t)i * ld + (size_t)j * LANES) + acc[i][j];
    }
}

INLINE void sums_store(const int mr, const int nv, vec acc[8][2], real *to, size_t ld)
{
    UNROLL
    for (int i = 0; i < mr; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            vstore(to + (size_t)i * ld + (size_t)j * LANES, acc[i][j]);
    }
}
