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
    LAMI_FOR_SEED = 64,
    LAMI_FOR_READ = 128,  /* reading a data set, whatever it is for */
    LAMI_FOR_SPLIT = 256, /* validation and test parts */
    LAMI_ON_RESUME = 512, /* no group: may change when a run is resumed, as it changes the bits of no step */
    LAMI_FOR_SCORE = 1024 /* scoring samples with a trained network */
};

/* The table: kind, field, name, default, least, most, groups, value's name in help, help.
 *   REAL   double          SIZE  size_t (whole number)        U64  uint64_t
 *   TEXT   char *, owned by the struct, NULL when unset       FLAG int, takes no value on the command line
 *   CHOICE const char * of static storage, one of the words in the `least` column separated by spaces
 *   LIST   as TEXT, but what is set again is added after "; "; "" empties it */
#define LAMI_OPTIONS(REAL, SIZE, U64, TEXT, FLAG, CHOICE, LIST)                                                        \
    SIZE(threads, "threads", 0, 0, 1024, LAMI_FOR_ALL | LAMI_ON_RESUME, "N",                                           \
         "threads to use; 0: the CPUs this process may use")                                                           \
    CHOICE(isa, "isa", "auto", "auto plain avx2 avx512 avx512bf16 neon", LAMI_FOR_ALL | LAMI_ON_RESUME, "SET",         \
           "instruction set of the kernels")                                                                           \
    CHOICE(device, "device", "cpu", "cpu cuda", LAMI_FOR_ALL, "DEVICE", "where to compute")                            \
    FLAG(no_merge, "no-merge", LAMI_FOR_ALL | LAMI_ON_RESUME, "run every operation by itself (same bits, slower)")     \
    U64(seed, "seed", 0, LAMI_FOR_SEED, "N", "seed of initial weights, order, split and dropout")                      \
    CHOICE(dtype, "dtype", "f32", "f32 f64", LAMI_FOR_NET, "TYPE", "number type of the network")                       \
    CHOICE(conv, "conv", "auto", "auto direct", LAMI_FOR_NET, "HOW",                                                   \
           "3x3 convolutions; auto: by Winograd's transforms where that takes fewer products; direct: as plain sums")  \
    CHOICE(precision, "precision", "full", "full bf16", LAMI_FOR_NET, "KIND",                                          \
           "f32: products of matrices; bf16: of numbers rounded to bf16, their sums in float")                         \
    CHOICE(init, "init", "auto", "auto normal kaiming xavier", LAMI_FOR_NET, "KIND",                                   \
           "initial weights; auto: normal where --init-scale is given, else kaiming")                                  \
    REAL(init_scale, "init-scale", 1e-2, 0, 1e6, LAMI_FOR_NET, "S", "standard deviation of normal initial weights")    \
    SIZE(classes, "classes", 0, 0, 1000000, LAMI_FOR_NET, "N", "size of the last affine where the notation has none")  \
    U64(dropout_seed, "dropout-seed", 0, LAMI_FOR_TRAIN, "N", "seed of the dropout masks, if not --seed")              \
    TEXT(val, "val", LAMI_FOR_SPLIT, "N|F|last:N|PATH",                                                                \
         "validation part: samples, fraction, the last N of training, or a data set of its own")                       \
    TEXT(test, "test", LAMI_FOR_SPLIT, "N|F|last:N|PATH", "test part, likewise, taken off before the validation part") \
    SIZE(samples, "samples", 0, 0, 4294967294, LAMI_FOR_SPLIT, "N",                                                    \
         "keep only the first N training samples, after the other parts are taken off; 0: all")                        \
    TEXT(                                                                                                              \
        label, "label", LAMI_FOR_READ, "COLUMNS",                                                                      \
        "tables: what to predict: a column's name or its index (0 first, -1 last), or several, comma-joined; arrays: " \
        "the name of an array or .npy file; default: label, class, target or y, else the last column")                 \
    TEXT(weight, "weight", LAMI_FOR_READ, "COLUMN", "tables: the column that holds the samples' weights")              \
    TEXT(ignore, "ignore", LAMI_FOR_READ, "COLUMNS", "tables: columns that are left out, by name or index")            \
    CHOICE(targets, "targets", "auto", "auto classes numbers", LAMI_FOR_READ, "KIND",                                  \
           "what the label columns hold; auto: what the network's loss takes, else classes unless they look like "     \
           "numbers")                                                                                                  \
    TEXT(one_hot, "one-hot", LAMI_FOR_READ, "COLUMNS",                                                                 \
         "tables: columns that become one input per category: text (default), none, or names and indices; other text " \
         "columns become the number of the category")                                                                  \
    CHOICE(missing, "missing", "mean", "mean zero drop error", LAMI_FOR_READ, "RULE",                                  \
           "tables: an empty cell, NA, nan, null or ? becomes the column's mean or 0 (in a category: none of them), "  \
           "drops its row, or is an error")                                                                            \
    CHOICE(header, "header", "auto", "auto yes no", LAMI_FOR_READ, "WHICH",                                            \
           "tables: is the first line the columns' names? auto: yes if no cell of it is a number")                     \
    CHOICE(separator, "separator", "auto", "auto comma semicolon tab space", LAMI_FOR_READ, "SIGN",                    \
           "tables: what stands between cells; auto: from the first line")                                             \
    TEXT(resize, "resize", LAMI_FOR_READ, "HxW",                                                                       \
         "image files: scale each so that it covers this size, and cut out the middle; S stands for SxS")              \
    CHOICE(color, "color", "auto", "auto gray rgb", LAMI_FOR_READ, "KIND",                                             \
           "image files: channels; auto: gray where all of them are")                                                  \
    FLAG(skip_bad, "skip-bad", LAMI_FOR_READ, "image files: leave out those that cannot be read")                      \
    TEXT(preprocess, "preprocess", LAMI_FOR_DATA, "LIST",                                                              \
         "none, mean-image, mean-channel, standardize, standardize-channel, scale=F, comma-joined; default "           \
         "standardize for tables, scale=1/255 for bytes, else none")                                                   \
    REAL(epochs, "epochs", 10, 0, 1e9, LAMI_FOR_TRAIN | LAMI_ON_RESUME, "E",                                           \
         "passes over the training part; a fraction is fine")                                                          \
    SIZE(steps, "steps", -1, 0, 1000000000000, LAMI_FOR_TRAIN | LAMI_ON_RESUME, "N",                                   \
         "stop after N steps instead of epochs")                                                                       \
    TEXT(time, "time", LAMI_FOR_TRAIN | LAMI_ON_RESUME, "T", "stop after this time at the latest: 90s, 10m, 1h")       \
    SIZE(batch, "batch", 100, 1, 1048576, LAMI_FOR_BATCH, "N", "samples per step")                                     \
    CHOICE(sample, "sample", "shuffle", "shuffle replace", LAMI_FOR_TRAIN, "HOW",                                      \
           "shuffle: each sample once an epoch; replace: drawn with replacement, as the course does")                  \
    CHOICE(optim, "optim", "adam", "sgd momentum nesterov rmsprop adam adamw muon", LAMI_FOR_TRAIN, "RULE",            \
           "update rule")                                                                                              \
    REAL(lr, "lr", -1, 0, 1e6, LAMI_FOR_TRAIN, "F",                                                                    \
         "learning rate; default 1e-3 for adam, adamw and muon, 1e-2 for the others")                                  \
    CHOICE(schedule, "schedule", "auto", "auto constant step exponential linear cosine one-cycle", LAMI_FOR_TRAIN,     \
           "KIND", "course of the learning rate; auto: exponential where --lr-decay is given, else constant")          \
    REAL(lr_decay, "lr-decay", -1, 0, 1e6, LAMI_FOR_TRAIN, "F",                                                        \
         "factor on the learning rate: exponential: after each epoch, default 0.95; step: each --lr-every, default "   \
         "0.1")                                                                                                        \
    REAL(lr_every, "lr-every", -1, 1e-6, 1e9, LAMI_FOR_TRAIN, "E",                                                     \
         "epochs between the drops of --schedule step; default a third of the training")                               \
    REAL(lr_final, "lr-final", 0, 0, 1, LAMI_FOR_TRAIN, "F",                                                           \
         "where linear, cosine and one-cycle end, as a fraction of the learning rate")                                 \
    TEXT(warmup, "warmup", LAMI_FOR_TRAIN, "F|Nsteps|Nepochs",                                                         \
         "rise from 0 to the learning rate: fraction of the training, steps or epochs; one-cycle: default 0.3")        \
    REAL(momentum, "momentum", 0.9, 0, 1, LAMI_FOR_TRAIN, "F", "of momentum and nesterov")                             \
    REAL(decay, "decay", 0.99, 0, 1, LAMI_FOR_TRAIN, "F", "of rmsprop's mean of squares")                              \
    REAL(beta1, "beta1", 0.9, 0, 0.9999999999999999, LAMI_FOR_TRAIN, "F", "of adam's mean, and of muon's")             \
    REAL(beta2, "beta2", 0.999, 0, 0.9999999999999999, LAMI_FOR_TRAIN, "F", "of adam's mean of squares")               \
    REAL(eps, "eps", 1e-8, 0, 1, LAMI_FOR_TRAIN, "F", "of rmsprop and adam, outside the root")                         \
    REAL(l2, "l2", 0, 0, 1e6, LAMI_FOR_TRAIN, "F", "adds F/2 * |W|^2 to the loss, weights only")                       \
    REAL(weight_decay, "weight-decay", -1, 0, 1e6, LAMI_FOR_TRAIN, "F",                                                \
         "decoupled: w -= lr * F * w with each update, weights only; default 0.01 for adamw and muon, 0 for the "      \
         "others")                                                                                                     \
    REAL(clip, "clip", 0, 0, 1e30, LAMI_FOR_TRAIN, "F", "largest norm of the whole gradient; 0: any")                  \
    SIZE(accumulate, "accumulate", 1, 1, 65536, LAMI_FOR_TRAIN, "N", "batches per update, their gradients averaged")   \
    REAL(label_smoothing, "label-smoothing", 0, 0, 1, LAMI_FOR_TRAIN, "F",                                             \
         "softmax: share of the target that is spread over all classes")                                               \
    TEXT(class_weight, "class-weight", LAMI_FOR_TRAIN, "balanced|LIST",                                                \
         "weight of each class in the loss: balanced, or CLASS=W, comma-joined")                                       \
    FLAG(scale_targets, "scale-targets", LAMI_FOR_TRAIN,                                                               \
         "mse: train on targets of mean 0 and deviation 1; predictions are in the data's units")                       \
    TEXT(augment, "augment", LAMI_FOR_TRAIN, "LIST",                                                                   \
         "images, at random: flip, crop=P, translate=P, cutout=S, brightness=F, contrast=F; any samples: mixup=A; "    \
         "comma-joined")                                                                                               \
    REAL(ema, "ema", 0, 0, 0.9999999999999999, LAMI_FOR_TRAIN, "F",                                                    \
         "average of the weights: share of the old one at each step; 0: none")                                         \
    SIZE(bn_recompute, "bn-recompute", 0, 0, 4294967294, LAMI_FOR_TRAIN | LAMI_ON_RESUME, "N",                         \
         "recompute the running statistics of batch norm on N training samples at the end; 0: do not")                 \
    LIST(set_rules, "set", LAMI_FOR_TRAIN, "RULE",                                                                     \
         "PATTERN KEY VALUE for the parameters that match, as 'batchnorm*.beta lr x64'; keys optim, lr, l2, "          \
         "weight-decay, norm, steps, init; again for more")                                                            \
    CHOICE(tta, "tta", "none", "none flip translate", LAMI_FOR_SCORE | LAMI_ON_RESUME, "VIEWS",                        \
           "images: mean of the scores of a sample and its mirror image, or of these moved by a pixel as well")        \
    TEXT(start, "start", LAMI_FOR_TRAIN, "MODEL", "begin with the weights of a model of the same network")             \
    TEXT(out, "out", LAMI_FOR_KEEP, "RUN", "run folder; default runs/NNN")                                             \
    SIZE(patience, "patience", 0, 0, 1000000, LAMI_FOR_KEEP | LAMI_ON_RESUME, "N",                                     \
         "stop after N epochs without a better validation")                                                            \
    TEXT(save_every, "save-every", LAMI_FOR_KEEP | LAMI_ON_RESUME, "T",                                                \
         "checkpoint interval: 30s, 5m, 500steps, 1epochs; default 60s")                                               \
    TEXT(log, "log", LAMI_FOR_KEEP | LAMI_ON_RESUME, "FILE", "write a line of JSON per epoch to FILE, too")            \
    FLAG(no_save, "no-save", LAMI_FOR_KEEP, "keep nothing: no run folder")

enum { LAMI_OPTIONS_MAX = 64 };

/* The values. A field per row, by the row's name. `set` has a bit per row, in table order, for those given
 * explicitly. */
struct lam_options {
#define REAL(field, ...)   double field;
#define SIZE(field, ...)   size_t field;
#define U64(field, ...)    uint64_t field;
#define TEXT(field, ...)   char *field;
#define FLAG(field, ...)   int field;
#define CHOICE(field, ...) const char *field;
#define LIST(field, ...)   char *field;
    LAMI_OPTIONS(REAL, SIZE, U64, TEXT, FLAG, CHOICE, LIST)
#undef REAL
#undef SIZE
#undef U64
#undef TEXT
#undef FLAG
#undef CHOICE
#undef LIST
    uint64_t set;
    char text[LAMI_OPTIONS_MAX][32]; /* numbers, for lam_options_get: so change them by lam_options_set only */
};

typedef enum lami_kind { LAMI_REAL, LAMI_SIZE, LAMI_U64, LAMI_TEXT, LAMI_FLAG, LAMI_CHOICE, LAMI_LIST } lami_kind;

/* A row as data: for help, man pages, completion, configuration files. */
typedef struct lami_option {
    lami_kind kind;
    const char *name, *value_name, *help;
    const char *choices;      /* CHOICE: words separated by spaces */
    const char *default_text; /* "" where there is none: also numbers of -1, whose default others choose */
    double least, most;       /* REAL, SIZE */
    unsigned groups;
    size_t offset; /* of the field in lam_options */
} lami_option;

extern const lami_option lami_option_table[];
extern const size_t lami_option_count;

/* Index of a name in the table; SIZE_MAX where there is none. */
size_t lami_option_row(const char *name);

/* The same; LAM_EOPTION with the nearest match when there is none. */
lam_status lami_option_find(size_t *index, const char *name);

/* Index of a value among the words, separated by spaces, that --name takes. Errors: LAM_EOPTION with the nearest match
 * and the words. */
lam_status lami_choice_find(size_t *index, const char *name, const char *choices, const char *value);

/* The option structure to read from: `options`, or one with all defaults when it is NULL. */
const lam_options *lami_options_or_default(const lam_options *options);

/* A SIZE without a default text that was not given. */
#define LAMI_NO_SIZE SIZE_MAX

/* Was the row with this field's offset given explicitly? Use: lami_option_given(o, offsetof(lam_options, lr)). */
int lami_option_given(const lam_options *options, size_t offset);

/* Copy all values; *copy is new. */
lam_status lami_options_copy(lam_options **copy, const lam_options *options);

/* "90s", "10m", "1h", "2" (seconds) into seconds. Errors: LAM_EOPTION naming `name`. */
lam_status lami_parse_seconds(double *seconds, const char *name, const char *text);

/* "500steps", "1epoch": the number, at least 1, before `unit` or its singular; 0 when the text is not that. */
int lami_parse_unit(uint64_t *value, const char *text, const char *unit);

#endif
