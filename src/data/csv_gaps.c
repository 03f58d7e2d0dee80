/* csv_gaps: the means that stand for missing cells, once the training part is what it will be: rows that are validated
 * or tested on have no share in them. Until then a missing number is a NaN; nothing else can be one. */
#include <math.h>

#include "../core/mem.h"
#include "../core/parallel.h"
#include "csv.h"

enum {
    MEAN_COLUMNS = 16,      /* inputs of a task */
    PATCH_ROWS = 1 << 14,   /* rows of a task */
    LEAST_NUMBERS = 1 << 16 /* that are worth a thread */
};

/* Sums of 2^32 numbers, scaled by this, stay finite. */
static const double sum_scale = 0x1p-40;

typedef struct job {
    const lam_data *data;
    const lami_part *to; /* what is patched */
    size_t width;
    double *mean; /* of each input */
} job;

static size_t tasks_of(size_t count, size_t each)
{
    return count / each + (count % each > 0);
}

static size_t mean_tasks(void *arg, size_t phase)
{
    (void)phase;
    return tasks_of(((const job *)arg)->width, MEAN_COLUMNS);
}

/* Means of some inputs over the training part, in order. */
static void find_means(void *arg, size_t phase, size_t task, size_t thread)
{
    const job *j = arg;
    const size_t first = task * MEAN_COLUMNS;
    const size_t count = j->width - first < MEAN_COLUMNS ? j->width - first : MEAN_COLUMNS;
    double sum[MEAN_COLUMNS] = { 0 };
    size_t numbers[MEAN_COLUMNS] = { 0 };
    (void)phase, (void)thread;
    for (size_t row = 0; row < j->data->part[LAM_TRAIN].count; row++) {
        const void *x = lami_data_sample(j->data, LAM_TRAIN, row);
        for (size_t i = 0; i < count; i++) {
            const double value = lami_real_at(x, j->data->dtype, first + i);
            const int is_number = !isnan(value);
            sum[i] += is_number ? value * sum_scale : 0;
            numbers[i] += (size_t)is_number;
        }
    }
    for (size_t i = 0; i < count; i++)
        j->mean[first + i] = numbers[i] ? sum[i] / (double)numbers[i] / sum_scale : 0;
}

static size_t patch_tasks(void *arg, size_t phase)
{
    (void)phase;
    return tasks_of(((const job *)arg)->to->count, PATCH_ROWS);
}

static void patch(void *arg, size_t phase, size_t task, size_t thread)
{
    const job *j = arg;
    const lami_part *to = j->to;
    const size_t end = (task + 1) * PATCH_ROWS < to->count ? (task + 1) * PATCH_ROWS : to->count;
    (void)phase, (void)thread;
    for (size_t row = task * PATCH_ROWS; row < end; row++)
        for (size_t i = 0; i < j->width; i++)
            if (isnan(lami_real_at(to->x_owned, j->data->dtype, row * j->width + i)))
                lami_real_put(to->x_owned, j->data->dtype, row * j->width + i, j->mean[i]);
}

static void set_fills(lami_schema *schema, const double *mean)
{
    size_t input = 0;
    for (size_t k = 0; k < schema->columns; k++) {
        lami_column *column = &schema->column[k];
        column->fill = column->one_hot ? 0 : mean[input];
        input += column->one_hot ? column->categories : 1;
    }
}

lam_status lami_csv_fill_gaps(lam_data *data, const lam_options *options)
{
    if (!data->fills_wanted)
        return LAM_OK;
    job j = { .data = data, .width = lam_shape_count(&data->shape) };
    const size_t rows = data->stored.count + data->part[LAM_TRAIN].count;
    const int threads = rows < LEAST_NUMBERS / j.width ? 1 : lami_data_threads(options);
    j.mean = lami_alloc(j.width, sizeof *j.mean);
    if (!j.mean)
        return LAM_ENOMEM;
    lami_parallel_prepare(threads);
    lami_parallel_run(threads, 0, 1, mean_tasks, find_means, &j);
    const lami_part *const stores[] = { &data->stored, &data->part[LAM_TRAIN], &data->part[LAM_VAL],
                                        &data->part[LAM_TEST] };
    for (size_t i = 0; data->gaps && i < sizeof stores / sizeof *stores; i++) {
        j.to = stores[i];
        if (j.to->x_owned)
            lami_parallel_run(threads, 0, 1, patch_tasks, patch, &j);
    }
    set_fills(data->schema, j.mean);
    data->fills_wanted = data->gaps = 0;
    lami_free(j.mean);
    return LAM_OK;
}
