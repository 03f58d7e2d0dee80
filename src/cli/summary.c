/* summary: see summary.h. Two passes: the one-pass formula loses digits where the mean is large. */
#include "summary.h"

#include <math.h>

#include "../core/mem.h"

static cli_summary nothing(void)
{
    return (cli_summary) { .least = INFINITY, .most = -INFINITY };
}

static void add_range(cli_summary *s, double value)
{
    if (!isfinite(value)) {
        s->not_finite++;
        return;
    }
    s->count++;
    s->mean += value; /* the sum, at first */
    s->least = value < s->least ? value : s->least;
    s->most = value > s->most ? value : s->most;
}

static void end_range(cli_summary *s)
{
    if (!s->count)
        s->least = s->most = NAN;
    s->mean /= (double)s->count;
}

static void add_square(cli_summary *s, double value)
{
    if (isfinite(value))
        s->deviation += (value - s->mean) * (value - s->mean);
}

static void end_square(cli_summary *s)
{
    s->deviation = __builtin_sqrt(s->deviation / (double)s->count);
}

cli_summary cli_summarise(const double *number, size_t count, size_t step)
{
    cli_summary s = nothing();
    for (size_t i = 0; i < count; i++)
        add_range(&s, number[i * step]);
    end_range(&s);
    for (size_t i = 0; i < count; i++)
        add_square(&s, number[i * step]);
    end_square(&s);
    return s;
}

cli_summary cli_summary_join(const cli_summary *summary, size_t count)
{
    cli_summary all = nothing();
    for (size_t k = 0; k < count; k++) {
        const cli_summary *s = &summary[k];
        all.not_finite += s->not_finite;
        if (!s->count)
            continue;
        all.count += s->count;
        all.mean += s->mean * (double)s->count;
        all.least = s->least < all.least ? s->least : all.least;
        all.most = s->most > all.most ? s->most : all.most;
    }
    end_range(&all);
    for (size_t k = 0; k < count; k++) {
        const double about = summary[k].mean - all.mean;
        if (summary[k].count)
            all.deviation += (double)summary[k].count * (summary[k].deviation * summary[k].deviation + about * about);
    }
    end_square(&all);
    return all;
}

/* A sample as doubles. */
static void read_sample(double *row, const lam_data *data, lam_part part, size_t i, size_t size)
{
    const void *x = lami_data_sample(data, part, i);
    for (size_t j = 0; j < size; j++)
        row[j] = data->dtype == LAM_U8 ? ((const uint8_t *)x)[j] : lami_real_at(x, data->dtype, j);
}

lam_status cli_summarise_inputs(cli_summary **out, const lam_data *data, lam_part part)
{
    const size_t size = lam_shape_count(&data->shape), count = data->part[part].count;
    cli_summary *s = lami_alloc(size, sizeof *s);
    double *row = lami_alloc(size, sizeof *row);
    *out = s;
    if (!s || !row) {
        lami_free(s);
        lami_free(row);
        *out = NULL;
        return LAM_ENOMEM;
    }
    for (size_t j = 0; j < size; j++)
        s[j] = nothing();
    for (size_t i = 0; i < count; i++) {
        read_sample(row, data, part, i, size);
        for (size_t j = 0; j < size; j++)
            add_range(&s[j], row[j]);
    }
    for (size_t j = 0; j < size; j++)
        end_range(&s[j]);
    for (size_t i = 0; i < count; i++) {
        read_sample(row, data, part, i, size);
        for (size_t j = 0; j < size; j++)
            add_square(&s[j], row[j]);
    }
    for (size_t j = 0; j < size; j++)
        end_square(&s[j]);
    lami_free(row);
    return LAM_OK;
}
