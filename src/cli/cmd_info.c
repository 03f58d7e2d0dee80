/* lamina info: this program and this machine. */
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "../core/parallel.h"
#include "../data/data.h"
#include "../data/image.h"
#include "../kern/ops.h"
#include "cli.h"

struct opts {
    int unused;
};

/* Optional parts, and why one is missing. A part that is here names the library behind it. */
enum { GZIP, JPEG, PNG, CUDA, MPI, PARTS };
static const char *const part_name[PARTS] = { "gzip", "jpeg", "png", "cuda", "mpi" };

static int part_here(size_t part)
{
    return part == GZIP || (part == JPEG && lami_image_reads(LAMI_IMAGE_JPEG)) ||
           (part == PNG && lami_image_reads(LAMI_IMAGE_PNG));
}

static const char *part_text(size_t part)
{
    static const char *const here[PARTS] = { "zlib: idx.gz, .tar.gz", "libjpeg-turbo: .jpg files", "libpng: .png files",
                                             "", "" };
    static const char *const missing[PARTS] = { "", "made without libjpeg-turbo: no .jpg files",
                                                "made without libpng: no .png files", "not in this build",
                                                "not in this build" };
    return part_here(part) ? here[part] : missing[part];
}

/* Where a data set is installed, yours; NULL: nowhere, or out of memory. */
static char *installed_at(const lami_data_kind *kind)
{
    for (size_t i = 0; kind->places && kind->places[i]; i++) {
        char *path = lami_path_join(kind->places[i], kind->name);
        if (path && kind->matches(path))
            return path;
        lami_free(path);
    }
    return NULL;
}

static void set_cells(cli_table *table, const lami_ops *used)
{
    const char *name;
    int usable = 0;
    for (size_t i = 0; (name = lami_set_name(i, &usable)); i++) {
        cli_table_cell(table, "%s", i ? "" : "instruction sets");
        cli_table_cell(table, "%s", name);
        cli_table_cell(table, "%s", !strcmp(name, used->set) ? "in use" : usable ? "usable" : "not on this machine");
    }
}

static void data_cells(cli_table *table)
{
    for (size_t i = 0; lami_data_kinds[i]; i++) {
        char *path = installed_at(lami_data_kinds[i]);
        cli_table_cell(table, "%s", i ? "" : "data sets");
        cli_table_cell(table, "%s", lami_data_kinds[i]->name);
        if (path)
            cli_table_cell(table, "installed in %s", path);
        else
            cli_table_cell(table, "%s", lami_data_kinds[i]->help);
        lami_free(path);
    }
}

static lam_status print_table(const lami_ops *used, const cli_call *call)
{
    cli_table *table;
    LAM_TRY(cli_table_new(&table, "lll"));
    cli_table_cell(table, "version");
    cli_table_cell(table, "%s", lam_version());
    cli_table_cell(table, "%s", "");
    cli_table_cell(table, "numerics");
    cli_table_cell(table, "%d", LAM_NUMERICS_VERSION);
    cli_table_cell(table, "equal numbers: equal bits");
    set_cells(table, used);
    cli_table_cell(table, "bf16");
    cli_table_cell(table, "%s", used->native_bf16 ? "vdpbf16ps" : "emulated");
    cli_table_cell(table, "products of --precision bf16");
    const int cpus = lami_cpus();
    const size_t threads = call->options->threads ? call->options->threads : (size_t)cpus;
    cli_table_cell(table, "threads");
    cli_table_cell(table, "%zu", threads);
    cli_table_cell(table, "%d CPU%s by affinity mask and cgroup quota", cpus, cpus == 1 ? "" : "s");
    for (size_t i = 0; i < PARTS; i++) {
        cli_table_cell(table, "%s", i ? "" : "optional parts");
        cli_table_cell(table, "%s", part_name[i]);
        cli_table_cell(table, "%s", part_text(i));
    }
    data_cells(table);
    const lam_status status = cli_table_print(table, stdout, 0);
    cli_table_free(table);
    return status ? status : cli_flush();
}

static lam_status print_json(const lami_ops *used, const cli_call *call)
{
    json_t *sets = json_object(), *optional = json_object(), *data = json_object();
    const char *name;
    int usable = 0;
    for (size_t i = 0; (name = lami_set_name(i, &usable)); i++)
        json_object_set_new(sets, name, json_boolean(usable));
    for (size_t i = 0; i < PARTS; i++)
        json_object_set_new(optional, part_name[i], json_boolean(part_here(i)));
    for (size_t i = 0; lami_data_kinds[i]; i++) {
        char *path = installed_at(lami_data_kinds[i]);
        json_object_set_new(data, lami_data_kinds[i]->name, path ? lami_json_text(path) : json_null());
        lami_free(path);
    }
    const size_t cpus = (size_t)lami_cpus(), threads = call->options->threads;
    return cli_json_print(json_pack("{s:s, s:i, s:s, s:o, s:b, s:I, s:I, s:o, s:o}", "version", lam_version(),
                                    "numerics", LAM_NUMERICS_VERSION, "isa", used->set, "isas", sets, "native_bf16",
                                    used->native_bf16, "threads", (json_int_t)(threads ? threads : cpus), "cpus",
                                    (json_int_t)cpus, "parts", optional, "data", data));
}

static int run(const cli_call *call)
{
    const lami_ops *used;
    lam_status status = lami_ops_find(&used, call->options->isa, 32);
    if (!status)
        status = call->json ? print_json(used, call) : print_table(used, call);
    return cli_report(status);
}

static const cli_row rows[] = { CLI_END };

const cli_cmd cmd_info = {
    .name = "info",
    .usage = "[options]",
    .help = "version, instruction sets, threads, optional parts, data sets found",
    .about = "Say what this program can do on this machine.",
    .examples = "  lamina info\n  lamina info --json\n",
    .rows = rows,
    .own_size = sizeof(struct opts),
    .groups = LAMI_FOR_ALL,
    .without = "no-merge",
    .arg_name = "no argument",
    .run = run,
};
