/* options: the one table of named options, for the command line, configuration files, C and Python. */
#ifndef LAMI_OPTIONS_H
#define LAMI_OPTIONS_H

#include <stdint.h>

#include "status.h"

/* Groups: which commands show an option. */
enum {
    LAMI_FOR_ALL = 1,    /* threads, isa, device: every command */
    LAMI_FOR_NET = 2,    /* building a network */
    LAMI_FOR_DATA = 4,   /* opening a data set */
    LAMI_FOR_TRAIN = 8,  /* training */
    LAMI_FOR_KEEP = 16,  /* what a run keeps */
    LAMI_FOR_BATCH = 32, /* the batch size, also of eval and bench */
    LAMI_FOR_SEED = 64
};

/* The table: kind, field, name, default, least, most, groups, value's name in help, help.
 *   REAL   double          SIZE  size_t (whole number)        U64  uint64_t
 *   TEXT   char *, owned by the struct, NULL when unset       FLAG int, takes no value on the command line
 *   CHOICE const char * of static storage, one of the words in the `least` column separated by spaces */
#define LAMI_OPTIONS(REAL, SIZE, U64, TEXT, FLAG, CHOICE)                                                              \
    SIZE(threads, "threads", 0, 0, 1024, LAMI_FOR_ALL, "N", "threads to use; 0: the CPUs this process may use")        \
    CHOICE(isa, "isa", "auto", "auto plain avx2 avx512 neon", LAMI_FOR_ALL, "SET", "instruction set of the kernels")   \
    CHOICE(device, "device", "cpu", "cpu cuda", LAMI_FOR_ALL, "DEVICE", "where to compute")                            \
    FLAG(no_merge, "no-merge", LAMI_FOR_ALL, "run every operation by itself (same bits, slower)")                      \
    U64(seed, "seed", 0, LAMI_FOR_SEED, "N", "seed of initial weights, order, split and dropout")                      \
    CHOICE(dtype, "dtype", "f32", "f32 f64", LAMI_FOR_NET, "TYPE", "number type of the network")                       \
    CHOICE(init, "init", "auto", "auto normal kaiming", LAMI_FOR_NET, "KIND",                                          \
           "initial weights; auto: normal where --init-scale is given, else kaiming")                                  \
    REAL(init_scale, "init-scale", 1e-2, 0, 1e6, LAMI_FOR_NET, "S", "standard deviation of normal initial weights")    \
    SIZE(classes, "classes", 0, 0, 1000000, LAMI_FOR_NET, "N", "size of the last affine where the notation has none")  \
    U64(dropout_seed, "dropout-seed", 0, LAMI_FOR_TRAIN, "N", "seed of the dropout masks, if not --seed")              \
    TEXT(val, "val", LAMI_FOR_DATA, "N|F|last:N", "validation part: samples, fraction, or the last N of training")     \
    TEXT(preprocess, "preprocess", LAMI_FOR_DATA, "LIST",                                                              \
         "none, mean-image, mean-channel, standardize, scale=F, comma-joined; default scale=1/255 for bytes, else "    \
         "none")                                                                                                       \
    REAL(epochs, "epochs", 10, 0, 1e9, LAMI_FOR_TRAIN, "E", "passes over the training part; a fraction is fine")       \
    SIZE(steps, "steps", 0, 0, 1000000000000, LAMI_FOR_TRAIN, "N", "stop after N steps instead of epochs")             \
    TEXT(time, "time", LAMI_FOR_TRAIN, "T", "stop after this time at the latest: 90s, 10m, 1h")                        \
    SIZE(batch, "batch", 100, 1, 1048576, LAMI_FOR_BATCH, "N", "samples per step")                                     \
    CHOICE(sample, "sample", "shuffle", "shuffle replace", LAMI_FOR_TRAIN, "HOW",                                      \
           "shuffle: each sample once an epoch; replace: drawn with replacement, as the course does")                  \
    CHOICE(optim, "optim", "adam", "sgd momentum nesterov rmsprop adam", LAMI_FOR_TRAIN, "RULE", "update rule")        \
    REAL(lr, "lr", -1, 0, 1e6, LAMI_FOR_TRAIN, "F", "learning rate; default 1e-3 for adam, 1e-2 for the others")       \
    REAL(lr_decay, "lr-decay", 1, 0, 1e6, LAMI_FOR_TRAIN, "F", "factor on the learning rate after each epoch")         \
    REAL(momentum, "momentum", 0.9, 0, 1, LAMI_FOR_TRAIN, "F", "of momentum and nesterov")                             \
    REAL(decay, "decay", 0.99, 0, 1, LAMI_FOR_TRAIN, "F", "of rmsprop's mean of squares")                              \
    REAL(beta1, "beta1", 0.9, 0, 0.9999999999999999, LAMI_FOR_TRAIN, "F", "of adam's mean")                            \
    REAL(beta2, "beta2", 0.999, 0, 0.9999999999999999, LAMI_FOR_TRAIN, "F", "of adam's mean of squares")               \
    REAL(eps, "eps", 1e-8, 0, 1, LAMI_FOR_TRAIN, "F", "of rmsprop and adam, outside the root")                         \
    REAL(l2, "l2", 0, 0, 1e6, LAMI_FOR_TRAIN, "F", "adds F/2 * |W|^2 to the loss, weights only")                       \
    TEXT(start, "start", LAMI_FOR_TRAIN, "MODEL", "begin with the weights of a model of the same network")             \
    TEXT(out, "out", LAMI_FOR_KEEP, "RUN", "run folder; default runs/NNN")                                             \
    SIZE(patience, "patience", 0, 0, 1000000, LAMI_FOR_KEEP, "N", "stop after N epochs without a better validation")   \
    TEXT(save_every, "save-every", LAMI_FOR_KEEP, "T", "checkpoint interval: 30s, 5m, 500steps, 1epochs; default 60s") \
    FLAG(no_save, "no-save", LAMI_FOR_KEEP, "keep nothing: no run folder")

enum { LAMI_OPTIONS_MAX = 64 };

/* The values. A field per row, by the row's name. `set` has a bit per row, in table order, for those given explicitly. */
struct lam_options {
#define REAL(field, ...)   double field;
#define SIZE(field, ...)   size_t field;
#define U64(field, ...)    uint64_t field;
#define TEXT(field, ...)   char *field;
#define FLAG(field, ...)   int field;
#define CHOICE(field, ...) const char *field;
    LAMI_OPTIONS(REAL, SIZE, U64, TEXT, FLAG, CHOICE)
#undef REAL
#undef SIZE
#undef U64
#undef TEXT
#undef FLAG
#undef CHOICE
    uint64_t set;
    char text[LAMI_OPTIONS_MAX][32]; /* numbers, for lam_options_get: so change them by lam_options_set only */
};

typedef enum lami_kind { LAMI_REAL, LAMI_SIZE, LAMI_U64, LAMI_TEXT, LAMI_FLAG, LAMI_CHOICE } lami_kind;

/* A row as data: for help, man pages, completion, configuration files. */
typedef struct lami_option {
    lami_kind kind;
    const char *name, *value_name, *help;
    const char *choices;      /* CHOICE: words separated by spaces */
    const char *default_text; /* "" where there is none: TEXT, FLAG, and lr, whose -1 means the rule's own default */
    double least, most;       /* REAL, SIZE */
    unsigned groups;
    size_t offset; /* of the field in lam_options */
} lami_option;

extern const lami_option lami_option_table[];
extern const size_t lami_option_count;

/* Index of a name in the table; LAM_EOPTION with the nearest match when there is none. */
lam_status lami_option_find(size_t *index, const char *name);

/* The option structure to read from: `options`, or one with all defaults when it is NULL. */
const lam_options *lami_options_or_default(const lam_options *options);

/* Was the row with this field's offset given explicitly? Use: lami_option_given(o, offsetof(lam_options, lr)). */
int lami_option_given(const lam_options *options, size_t offset);

/* Copy all values; *copy is new. */
lam_status lami_options_copy(lam_options **copy, const lam_options *options);

/* "90s", "10m", "1h", "2" (seconds) into seconds. Errors: LAM_EOPTION naming `name`. */
lam_status lami_parse_seconds(double *seconds, const char *name, const char *text);

#endif
