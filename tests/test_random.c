/* random: Philox's known answers, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../src/core/mathfn.h"
#include "../src/core/random.h"

/* Source: Random123 1.14, tests/kat_vectors, philox4x32 10. */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    const struct {
        uint64_t seed, counter;
        uint32_t step, place, expected[4];
    } rows[] = {
        { 0, 0, 0, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { 0x299f31d0a4093822,
          0x85a308d3243f6a88,
          0x13198a2e,
          0x03707344,
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lami_rng rng = { .seed = rows[i].seed, .step = rows[i].step, .place = rows[i].place };
        uint32_t out[4];
        lami_philox(out, &rng, rows[i].counter);
        assert_memory_equal(out, rows[i].expected, sizeof out);
    }
}

static void a_stream_is_seed_purpose_layer_and_step(void **state)
{
    (void)state;
    const lami_rng rng = lami_rng_make(5, LAMI_RNG_DROPOUT, 0x1000007, 9);
    assert_true(rng.seed == 5);
    assert_int_equal(rng.step, 9);
    assert_int_equal(rng.place, 0x03000007); /* 24 bits of layer */
    assert_int_equal(lami_rng_make(0, LAMI_RNG_TEST, 0xffffff, 0).place, 0x07ffffff);
}

static void words_are_those_of_their_block(void **state)
{
    (void)state;
    const lami_rng rng = lami_rng_make(3, LAMI_RNG_TEST, 1, 2);
    for (uint64_t block = 0; block < 5; block++) {
        uint32_t out[4];
        lami_philox(out, &rng, block);
        for (uint64_t i = 0; i < 4; i++)
            assert_int_equal(lami_rng_word(&rng, 4 * block + i), out[i]);
    }
}

static void uniforms_are_made_of_two_words_and_inside_0_and_1(void **state)
{
    (void)state;
    const lami_rng rng = lami_rng_make(1, LAMI_RNG_TEST, 0, 0);
    double sum = 0, squares = 0;
    enum { COUNT = 20000 };
    for (uint64_t e = 0; e < COUNT; e++) {
        const double u = lami_rng_uniform(&rng, e);
        const uint64_t bits = (uint64_t)lami_rng_word(&rng, 2 * e) << 32 | lami_rng_word(&rng, 2 * e + 1);
        assert_true(u == ldexp((double)(bits >> 11 | 1), -53));
        assert_true(u > 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    assert_true(fabs(sum / COUNT - 0.5) < 4 * sqrt(1 / 12.0 / COUNT));
    assert_true(fabs(squares / COUNT - 1 / 3.0) < 4 * sqrt(4 / 45.0 / COUNT));
}

static void normals_are_pairs_of_box_and_muller(void **state)
{
    (void)state;
    const lami_rng rng = lami_rng_make(2, LAMI_RNG_INIT, 3, 0);
    double sum = 0, squares = 0, fourths = 0, products = 0;
    enum { COUNT = 20000 };
    for (uint64_t e = 0; e < COUNT; e += 2) {
        const double even = lami_rng_normal(&rng, e), odd = lami_rng_normal(&rng, e + 1);
        const double u = lami_rng_uniform(&rng, e), v = lami_rng_uniform(&rng, e + 1);
        assert_true(fabs(even * even + odd * odd - -2 * lami_log(u)) <= 1e-13 * (even * even + odd * odd));
        assert_true(fabs(even - sqrt(-2 * lami_log(u)) * lami_cos(6.283185307179586 * v)) < 1e-14);
        sum += even + odd;
        squares += even * even + odd * odd;
        fourths += pow(even, 4) + pow(odd, 4);
        products += even * odd;
    }
    assert_true(fabs(sum / COUNT) < 4 / sqrt(COUNT));
    assert_true(fabs(squares / COUNT - 1) < 4 * sqrt(2.0 / COUNT));
    assert_true(fabs(fourths / COUNT - 3) < 4 * sqrt(96.0 / COUNT));
    assert_true(fabs(products / (COUNT / 2)) < 4 / sqrt(COUNT / 2));
}

/* Of Beta(a, a): 1 is uniform, 0.5 the arcsine distribution, 2 has 3 x^2 - 2 x^3 below x. */
static double beta_below(double a, double x)
{
    if (a == 0.5)
        return 2 / 3.14159265358979 * asin(sqrt(x));
    return a == 1 ? x : x * x * (3 - 2 * x);
}

static void betas_are_of_their_distribution(void **state)
{
    (void)state;
    enum { COUNT = 20000, PLACES = 9 };
    static const double known[] = { 0.5, 1, 2 }, others[] = { 1e-300, 1e-3, 0.2, 8, 1000, 1e6 };
    const lami_rng rng = lami_rng_make(6, LAMI_RNG_TEST, 1, 0);
    for (int k = 0; k < 3; k++) {
        int below[PLACES] = { 0 };
        for (uint64_t e = 0; e < COUNT; e++) {
            const double x = lami_rng_beta(&rng, e, known[k]);
            assert_true(x >= 0 && x <= 1 && x == lami_rng_beta(&rng, e, known[k]));
            for (int i = 0; i < PLACES; i++)
                below[i] += x < 0.1 * (i + 1);
        }
        for (int i = 0; i < PLACES; i++) {
            const double p = beta_below(known[k], 0.1 * (i + 1));
            assert_true(fabs((double)below[i] / COUNT - p) < 4 * sqrt(p * (1 - p) / COUNT));
        }
    }
    for (int k = 0; k < 6; k++) { /* mean 1/2, variance 1 / (4 (2a + 1)) */
        const double variance = 0.25 / (2 * others[k] + 1);
        double sum = 0, squares = 0;
        for (uint64_t e = 0; e < COUNT; e++) {
            const double x = lami_rng_beta(&rng, e, others[k]);
            assert_true(x >= 0 && x <= 1); /* and a number */
            sum += x - 0.5;
            squares += (x - 0.5) * (x - 0.5);
        }
        assert_true(fabs(sum / COUNT) <= 4 * sqrt(variance / COUNT));
        assert_true(fabs(squares / COUNT - variance) <= 4 * variance * sqrt(2.0 / COUNT));
    }
}

static void below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    const lami_rng rng = lami_rng_make(4, LAMI_RNG_SAMPLE, 0, 1);
    int seen[7] = { 0 };
    for (uint64_t e = 0; e < 7000; e++) {
        const uint32_t x = lami_rng_below(&rng, e, 7);
        assert_true(x < 7);
        seen[x]++;
        assert_int_equal(lami_rng_below(&rng, e, 1), 0);
        assert_int_equal(lami_rng_below(&rng, e, UINT64_C(1) << 32), lami_rng_word(&rng, e));
    }
    for (int i = 0; i < 7; i++)
        assert_true(abs(seen[i] - 1000) < 150);
}

static void an_order_has_each_number_once(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    uint32_t first[COUNT], second[COUNT], again[COUNT];
    char seen[COUNT] = { 0 };
    const lami_rng a = lami_rng_make(1, LAMI_RNG_ORDER, 0, 0), b = lami_rng_make(1, LAMI_RNG_ORDER, 0, 1);
    lami_rng_order(first, COUNT, &a);
    lami_rng_order(second, COUNT, &b);
    lami_rng_order(again, COUNT, &a);
    size_t fixed = 0;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(first[i] < COUNT && !seen[first[i]]);
        seen[first[i]] = 1;
        fixed += first[i] == i;
    }
    assert_true(fixed < 10);
    assert_memory_equal(first, again, sizeof first);
    assert_true(memcmp(first, second, sizeof first) != 0);
    lami_rng_order(first, 0, &a);
    lami_rng_order(first, 1, &a);
    assert_int_equal(first[0], 0);
}

static void all_orders_are_as_likely(void **state)
{
    (void)state;
    int count[27] = { 0 };
    for (uint32_t epoch = 0; epoch < 6000; epoch++) {
        const lami_rng rng = lami_rng_make(8, LAMI_RNG_ORDER, 0, epoch);
        uint32_t order[3];
        lami_rng_order(order, 3, &rng);
        count[9 * order[0] + 3 * order[1] + order[2]]++;
    }
    int orders = 0;
    for (int i = 0; i < 27; i++) {
        orders += count[i] > 0;
        assert_true(!count[i] || abs(count[i] - 1000) < 150);
    }
    assert_int_equal(orders, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(a_stream_is_seed_purpose_layer_and_step),
        cmocka_unit_test(words_are_those_of_their_block),
        cmocka_unit_test(uniforms_are_made_of_two_words_and_inside_0_and_1),
        cmocka_unit_test(normals_are_pairs_of_box_and_muller),
        cmocka_unit_test(betas_are_of_their_distribution),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(an_order_has_each_number_once),
        cmocka_unit_test(all_orders_are_as_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
