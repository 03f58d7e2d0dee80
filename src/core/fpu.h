/* fpu: the floating-point state that the numerics contract needs: round to nearest, subnormals kept. Entry points and
 * worker threads set it, entry points restore the caller's. */
#ifndef LAMI_FPU_H
#define LAMI_FPU_H

#include <stdint.h>

typedef struct lami_fpu {
    uint64_t saved;
} lami_fpu;

static inline lami_fpu lami_fpu_enter(void)
{
    lami_fpu fpu = { 0 };
#if defined(__x86_64__)
    uint32_t state;
    uint16_t x87; /* by which glibc's strtod and printf round */
    __asm__ volatile("stmxcsr %0" : "=m"(state));
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    fpu.saved = (uint64_t)x87 << 32 | state;
    state = 0x1f80; /* all exceptions masked, nearest, no FTZ, no DAZ */
    x87 = 0x37f;    /* the same, 64 bits */
    __asm__ volatile("ldmxcsr %0" ::"m"(state));
    __asm__ volatile("fldcw %0" ::"m"(x87));
#elif defined(__aarch64__)
    uint64_t state = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpu.saved));
    __asm__ volatile("msr fpcr, %0" ::"r"(state));
#endif
    return fpu;
}

static inline void lami_fpu_leave(lami_fpu fpu)
{
#if defined(__x86_64__)
    const uint32_t state = (uint32_t)fpu.saved;
    const uint16_t x87 = (uint16_t)(fpu.saved >> 32);
    __asm__ volatile("ldmxcsr %0" ::"m"(state));
    __asm__ volatile("fldcw %0" ::"m"(x87));
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(fpu.saved));
#else
    (void)fpu;
#endif
}

static inline void lami_fpu_end(lami_fpu *fpu)
{
    lami_fpu_leave(*fpu);
}

/* At the top of an entry point: the state lasts until the function returns. */
#define LAMI_FPU_SCOPE lami_fpu lami_fpu_ __attribute__((cleanup(lami_fpu_end), unused)) = lami_fpu_enter()

#endif
