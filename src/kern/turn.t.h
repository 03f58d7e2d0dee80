/* turn: transposition, in blocks of LANES x LANES that stay in registers. */

/* A round of turn_block swaps lanes of pairs of registers, `step` apart: F(lane, step) for each lane of one of them. */
#define LOWER(lane, step)       ((lane) & (step) ? LANES + (lane) - (step) : (lane))
#define UPPER(lane, step)       (LOWER(lane, step) + (step))
#define LANES_2(F, lane, step)  F(lane, step), F(lane + 1, step)
#define LANES_4(F, lane, step)  LANES_2(F, lane, step), LANES_2(F, lane + 2, step)
#define LANES_8(F, lane, step)  LANES_4(F, lane, step), LANES_4(F, lane + 4, step)
#define LANES_16(F, lane, step) LANES_8(F, lane, step), LANES_8(F, lane + 8, step)
#if LAMI_VBYTES * 8 / LAMI_BITS == 16
#define EACH_LANE(F, step) LANES_16(F, 0, step)
#elif LAMI_VBYTES * 8 / LAMI_BITS == 8
#define EACH_LANE(F, step) LANES_8(F, 0, step)
#elif LAMI_VBYTES * 8 / LAMI_BITS == 4
#define EACH_LANE(F, step) LANES_4(F, 0, step)
#else
#define EACH_LANE(F, step) LANES_2(F, 0, step)
#endif
#define ROUND(step)                                              \
    for (int i = 0; i < LANES; i++)                              \
        if (!(i & (step))) {                                     \
            const ivec a = v[i], b = v[i + (step)];              \
            v[i] = vpick(a, b, EACH_LANE(LOWER, step));          \
            v[i + (step)] = vpick(a, b, EACH_LANE(UPPER, step)); \
        }

/* to[j * to_step + i] = from[i * from_step + j], for i, j < LANES. */
INLINE void turn_block(real *to, size_t to_step, const real *from, size_t from_step)
{
    ivec v[LANES];
    UNROLL
    for (int i = 0; i < LANES; i++)
        v[i] = (ivec)vload(from + (size_t)i * from_step);
#if LAMI_VBYTES * 8 / LAMI_BITS > 8
    UNROLL
    ROUND(8)
#endif
#if LAMI_VBYTES * 8 / LAMI_BITS > 4
    UNROLL
    ROUND(4)
#endif
#if LAMI_VBYTES * 8 / LAMI_BITS > 2
    UNROLL
    ROUND(2)
#endif
    UNROLL
    ROUND(1)
    UNROLL
    for (int i = 0; i < LANES; i++)
        vstore(to + (size_t)i * to_step, (vec)v[i]);
}

/* The same for any number of rows and columns. */
INLINE void turn(real *restrict to, size_t to_step, const real *restrict from, size_t from_step, size_t rows,
                 size_t cols)
{
    const size_t whole_rows = rows / LANES * LANES, whole_cols = cols / LANES * LANES;
    for (size_t i = 0; i < whole_rows; i += LANES)
        for (size_t j = 0; j < whole_cols; j += LANES)
            turn_block(to + j * to_step + i, to_step, from + i * from_step + j, from_step);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = i < whole_rows ? whole_cols : 0; j < cols; j++)
            to[j * to_step + i] = from[i * from_step + j];
}
