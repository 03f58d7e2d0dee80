/* machine: see machine.h. */
#include "machine.h"

#include "../core/mem.h"
#include "../core/parallel.h"
#include "output.h"

/* From what fits the first-level cache to what fits none: each four times the one before. All threads together take no
 * more than MOST_BYTES, and each at least as much as fits no second-level cache. */
enum { FIRST_SIZE = 16 << 10, SIZE_FACTOR = 4, LAST_SIZE = 64 << 20, LEAST_LAST_SIZE = 4 << 20, MOST_BYTES = 1 << 30 };

static int is_a_size(size_t each, int threads)
{
    return each <= LAST_SIZE && (each <= LEAST_LAST_SIZE || each * (size_t)threads <= MOST_BYTES);
}

lam_status cli_memory_measure(cli_memory *memory, const lami_ops *ops, int threads, double most)
{
    void *pages = NULL;
    *memory = (cli_memory) { .threads = threads };
    for (size_t each = FIRST_SIZE; is_a_size(each, threads); each *= SIZE_FACTOR) {
        memory->each[memory->rows++] = each;
        if ((double)each * threads >= most)
            break;
    }
    const size_t bytes = memory->each[memory->rows - 1] * (size_t)threads;
    LAM_TRY(lami_pages_new(&pages, bytes));
    for (size_t r = 0; r < memory->rows; r++)
        for (int kind = 0; kind < LAMI_STREAMS; kind++)
            memory->rate[r][kind] = lami_bandwidth(ops, (lami_stream)kind, threads, pages, memory->each[r]);
    lami_pages_free(pages, bytes);
    return LAM_OK;
}

double cli_memory_rate(const cli_memory *memory, double bytes)
{
    size_t r = 0;
    while (r + 1 < memory->rows && (double)memory->each[r] * memory->threads < bytes)
        r++;
    double best = 0;
    for (int kind = 0; kind < LAMI_STREAMS; kind++)
        best = memory->rate[r][kind] > best ? memory->rate[r][kind] : best;
    return best;
}

/* ---- all limits -------------------------------------------------------------------------------------------------- */

enum { COUNTS = 2, TYPES = 2 };
static const char *const type_name[TYPES] = { "f32", "f64" };

typedef struct limits {
    const char *set;
    int counts, threads[COUNTS]; /* of threads: one, and those asked for where they are more */
    double peak[TYPES][COUNTS];  /* GFLOP/s */
    cli_memory memory[COUNTS];
    double run_us, barrier_us; /* of the most threads */
} limits;

static lam_status measure(limits *l, const char *isa, int threads)
{
    const lami_ops *ops[TYPES];
    LAM_TRY(lami_ops_find(&ops[0], isa, 32));
    LAM_TRY(lami_ops_find(&ops[1], isa, 64));
    lami_parallel_prepare(threads);
    *l = (limits) { .set = ops[0]->set, .counts = threads > 1 ? 2 : 1, .threads = { 1, threads } };
    for (int k = 0; k < l->counts; k++) {
        for (int t = 0; t < TYPES; t++)
            l->peak[t][k] = lami_peak_gflops(ops[t], l->threads[k]);
        LAM_TRY(cli_memory_measure(&l->memory[k], ops[0], l->threads[k], MOST_BYTES));
    }
    lami_phase_cost(&l->run_us, &l->barrier_us, ops[0], threads);
    return LAM_OK;
}

static const char *threads_text(char text[CLI_TEXT_MAX], int threads)
{
    snprintf(text, CLI_TEXT_MAX, "%d thread%s", threads, threads == 1 ? "" : "s");
    return text;
}

static lam_status print_arithmetic(const limits *l)
{
    char text[CLI_TEXT_MAX];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, l->counts == 1 ? "lr" : "lrr"));
    cli_table_cell(table, "GFLOP/s");
    for (int k = 0; k < l->counts; k++)
        cli_table_cell(table, "%s", threads_text(text, l->threads[k]));
    for (int t = 0; t < TYPES; t++) {
        cli_table_cell(table, "%s", type_name[t]);
        for (int k = 0; k < l->counts; k++)
            cli_table_cell(table, "%.1f", l->peak[t][k]);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

/* The sizes of the most threads are also those of one, which may have more. */
static lam_status print_memory(const limits *l)
{
    static const char *const head[LAMI_STREAMS] = { "read", "write", "copy" };
    char text[CLI_TEXT_MAX];
    cli_table *table;
    LAM_TRY(cli_table_new(&table, l->counts == 1 ? "lrrr" : "lrrrrrr"));
    cli_table_cell(table, "GB/s");
    for (int k = 0; k < l->counts; k++)
        for (int s = 0; s < LAMI_STREAMS; s++)
            cli_table_cell(table, "%s", s ? "" : threads_text(text, l->threads[k]));
    cli_table_cell(table, "bytes per thread");
    for (int k = 0; k < l->counts; k++)
        for (int s = 0; s < LAMI_STREAMS; s++)
            cli_table_cell(table, "%s", head[s]);
    for (size_t r = 0; r < l->memory[l->counts - 1].rows; r++) {
        cli_table_cell(table, "%s", cli_bytes(text, (double)l->memory[0].each[r]));
        for (int k = 0; k < l->counts; k++)
            for (int s = 0; s < LAMI_STREAMS; s++)
                cli_table_cell(table, "%.1f", l->memory[k].rate[r][s]);
    }
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status;
}

static lam_status print_text(const limits *l)
{
    char text[CLI_TEXT_MAX];
    const int most = l->threads[l->counts - 1];
    printf("instruction set %s\n\n", l->set);
    LAM_TRY(print_arithmetic(l));
    putchar('\n');
    LAM_TRY(print_memory(l));
    printf("\n%s: %.2f us to begin a run, %.2f us at each barrier\n", threads_text(text, most), l->run_us,
           l->barrier_us);
    return cli_flush();
}

static lam_status print_json(const limits *l)
{
    json_t *peaks = json_array(), *memory = json_array();
    for (int k = 0; k < l->counts; k++) {
        for (int t = 0; t < TYPES; t++)
            json_array_append_new(peaks, json_pack("{s:s, s:i, s:o}", "dtype", type_name[t], "threads", l->threads[k],
                                                   "gflops", lami_json_real(l->peak[t][k])));
        for (size_t r = 0; r < l->memory[k].rows; r++) {
            const double *rate = l->memory[k].rate[r];
            json_array_append_new(memory, json_pack("{s:i, s:I, s:o, s:o, s:o}", "threads", l->threads[k],
                                                    "bytes_per_thread", (json_int_t)l->memory[k].each[r], "read",
                                                    lami_json_real(rate[LAMI_STREAM_READ]), "write",
                                                    lami_json_real(rate[LAMI_STREAM_WRITE]), "copy",
                                                    lami_json_real(rate[LAMI_STREAM_COPY])));
        }
    }
    return cli_json_print(json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "isa", l->set, "threads",
                                    l->threads[l->counts - 1], "peak", peaks, "memory", memory, "run_us",
                                    lami_json_real(l->run_us), "barrier_us", lami_json_real(l->barrier_us)));
}

lam_status cli_machine(const char *isa, int threads, int json)
{
    limits l;
    LAM_TRY(measure(&l, isa, threads));
    return json ? print_json(&l) : print_text(&l);
}
