/* lamina.h - train, check and ship neural networks in plain C.
 *
 *     lam_data *data = NULL;
 *     lam_net *net = NULL;
 *     lam_options *opt = NULL;
 *     const char *text = "{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax";
 *     if (lam_data_open(&data, "fashion-mnist", NULL) ||
 *         lam_options_new(&opt) || lam_options_set(opt, "epochs", "5") ||
 *         lam_net_new(&net, text, lam_data_shape(data), opt) ||
 *         lam_train(net, data, opt, NULL, NULL) || lam_net_save(net, "model.safetensors"))
 *         fprintf(stderr, "%s\n", lam_last_error());
 *
 * Rules that hold for every function
 *   Results    come first, through pointers; they are NULL (or untouched) after an error.
 *   Errors     0 is success, else a negative lam_status; lam_last_error() says what happened, in this thread.
 *   Ownership  what a _new, _open, _load or _from function returns through a pointer is yours: release it with the
 *              type's _free function, which takes NULL too. Returned pointers are getters: they live as long as their
 *              parent. const arguments are borrowed for the call, unless the comment says longer.
 *   Threads    calls on different objects may run at once. One object, one thread at a time, but for const ones: a
 *              const lam_net or lam_data may serve any number of sessions in any number of threads.
 *   The library prints nothing, never exits and installs no signal handler.
 *   Same bits  results depend on network, data, seed, options, dtype and LAM_NUMERICS_VERSION: not on threads,
 *              instruction set, or address. docs/numerics.md has the contract. */
#ifndef LAMINA_H
#define LAMINA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LAM_API __attribute__((visibility("default")))
#else
#define LAM_API
#endif

#define LAM_VERSION          "0.1.0"
#define LAM_NUMERICS_VERSION 2

/* ---- status ----------------------------------------------------------------------------------------------------- */

#define LAM_STATUS_MAP(X)                             \
    X(LAM_ENOMEM, -1, "out of memory")                \
    X(LAM_EINVAL, -2, "invalid argument")             \
    X(LAM_ESHAPE, -3, "shapes do not fit")            \
    X(LAM_ENOTATION, -4, "mistake in the notation")   \
    X(LAM_EOPTION, -5, "unknown option or bad value") \
    X(LAM_EREAD, -6, "cannot read an input")          \
    X(LAM_EFORMAT, -7, "damaged or foreign file")     \
    X(LAM_EVERSION, -8, "made by a newer version")    \
    X(LAM_EWRITE, -9, "cannot write")                 \
    X(LAM_EBUSY, -10, "in use")                       \
    X(LAM_EUNSUPPORTED, -11, "not in this build")     \
    X(LAM_EDIVERGED, -12, "loss is not finite")       \
    X(LAM_ECHECK, -13, "a check failed")

typedef enum lam_status {
    LAM_OK = 0,
#define X(name, value, text) name = value,
    LAM_STATUS_MAP(X)
#undef X
} lam_status;

/* The message of this thread's last failed call: one line without a newline (a notation error has three: message, text,
 * caret). "" before the first. Valid until the next failing call of the thread. */
LAM_API const char *lam_last_error(void);

/* What a status means, in a few words, such as "out of memory". Never NULL. */
LAM_API const char *lam_status_text(lam_status status);

/* Version of the library that runs, such as "0.1.0" (the header's is LAM_VERSION). */
LAM_API const char *lam_version(void);

/* ---- shapes and tensors ------------------------------------------------------------------------------------------ */

enum { LAM_MAX_RANK = 8 };

typedef enum lam_dtype { LAM_F32, LAM_F64, LAM_U8, LAM_I32, LAM_I64 } lam_dtype;

/* A shape: rank sizes, outermost first. A sample is C x H x W (rank 3) or D (rank 1); a batch has N before that. */
typedef struct lam_shape {
    int rank;
    size_t dim[LAM_MAX_RANK];
} lam_shape;

/* A dense array in row-major order, last dimension fastest. data is not owned. Convolution tensors are (N, C, H, W). */
typedef struct lam_tensor {
    lam_dtype dtype;
    lam_shape shape;
    void *data;
} lam_tensor;

/* Number of elements, 1 for rank 0. The shapes the library hands out never overflow it. */
LAM_API size_t lam_shape_count(const lam_shape *shape);

/* Parse "3x32x32" or "784". Errors: LAM_EINVAL. */
LAM_API lam_status lam_shape_parse(lam_shape *shape, const char *text);

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* Named options, from the same table as the command line's: every `--name value` of the program is lam_options_set(o,
 * "name", "value") here. The functions that take a const lam_options * read those that concern them; NULL means all
 * defaults. docs/options.md lists them.  Errors: LAM_EOPTION, with the nearest match for an unknown name. */
typedef struct lam_options lam_options;

LAM_API lam_status lam_options_new(lam_options **options);
LAM_API void lam_options_free(lam_options *options);
LAM_API lam_status lam_options_set(lam_options *options, const char *name, const char *value);
LAM_API lam_status lam_options_set_real(lam_options *options, const char *name, double value);

/* The value as lam_options_set would take it, in the library's memory, valid until the option is set again or freed. */
LAM_API lam_status lam_options_get(const char **value, const lam_options *options, const char *name);

/* ---- data -------------------------------------------------------------------------------------------------------- */

typedef struct lam_data lam_data;

typedef enum lam_part { LAM_TRAIN, LAM_VAL, LAM_TEST } lam_part;

/* Open a data set. `path` is a file or folder whose kind is recognised from what is there, `kind:path`, or the name of
 * an installed data set ("fashion-mnist", "mnist"). Samples stay in memory as they are stored (bytes for images).
 *   options  val, test (parts to split off), seed (of the split), label, targets, missing ... (how tables are read);
 *            NULL for defaults (no validation part)
 * Errors: LAM_EREAD (missing, unreadable), LAM_EFORMAT (damaged; names file and place), LAM_EOPTION, LAM_ENOMEM. */
LAM_API lam_status lam_data_open(lam_data **data, const char *path, const lam_options *options);

/* A data set from your own arrays.
 *   x        (N, ...) samples, LAM_U8, LAM_F32 or LAM_F64; (N, C, H, W) for images, (N, D) for rows
 *   y        (N) labels 0 .. classes-1, LAM_U8, LAM_I32 or LAM_I64; or (N) or (N, K) numbers to predict, LAM_F32 or
 *            LAM_F64
 *   classes  number of classes; 0 takes the largest label + 1; 0 with numbers
 *   borrow   non-zero: x stays yours and must outlive the data set, unchanged; zero: it is copied. y is always copied
 * All samples are the training part; lam_data_add_part adds others.
 * Errors: LAM_ESHAPE, LAM_EFORMAT (label out of range), LAM_EINVAL (dtype), LAM_ENOMEM. */
LAM_API lam_status lam_data_from_arrays(lam_data **data, const lam_tensor *x, const lam_tensor *y, size_t classes,
                                        int borrow);

/* Add a validation or test part of the same sample shape and dtype, with the classes or as many targets; arguments as
 * above. Errors: LAM_EINVAL (the part is there already; dtype), LAM_ESHAPE, LAM_EFORMAT (label out of range),
 * LAM_ENOMEM. */
LAM_API lam_status lam_data_add_part(lam_data *data, lam_part part, const lam_tensor *x, const lam_tensor *y,
                                     int borrow);

/* Weights of a part's samples in the loss, (N) LAM_F32 or LAM_F64, finite and at least 0; copied. Without them each is
 * 1. A loss is then sum(weight * loss) / sum(weight) over a batch. Errors: LAM_EINVAL (also where all are 0),
 * LAM_ESHAPE, LAM_ENOMEM. */
LAM_API lam_status lam_data_set_weights(lam_data *data, lam_part part, const lam_tensor *weights);

LAM_API void lam_data_free(lam_data *data);
LAM_API const lam_shape *lam_data_shape(const lam_data *data); /* of one sample: C x H x W, or D */
LAM_API size_t lam_data_count(const lam_data *data, lam_part part);
LAM_API size_t lam_data_classes(const lam_data *data);                       /* 0 where there are numbers to predict */
LAM_API const char *lam_data_class_name(const lam_data *data, size_t index); /* NULL past the end; "3" where unnamed */
LAM_API int lam_data_label(const lam_data *data, lam_part part, size_t index); /* -1 past the end, or without classes */
LAM_API size_t lam_data_targets(const lam_data *data); /* numbers to predict per sample; 0 where there are classes */
LAM_API const char *lam_data_target_name(const lam_data *data, size_t k); /* NULL where unnamed, or past the end */
LAM_API double lam_data_target(const lam_data *data, lam_part part, size_t index, size_t k); /* NAN past the end */
LAM_API double lam_data_weight(const lam_data *data, lam_part part, size_t index);           /* 1 without weights */

/* ---- networks ---------------------------------------------------------------------------------------------------- */

/* A network: graph and parameters (weights, biases, running statistics), and the preprocessing that belongs to them. */
typedef struct lam_net lam_net;

/* Build and initialise a network from the notation (docs/notation.md).
 *   input    shape of one sample, such as 3x32x32 or 784
 *   options  dtype (f32, f64), seed, init, init-scale, classes (size of the last affine where the notation leaves it
 *            out)
 * Errors: LAM_ENOTATION (with the position), LAM_ESHAPE, LAM_EOPTION, LAM_ENOMEM. */
LAM_API lam_status lam_net_new(lam_net **net, const char *notation, const lam_shape *input, const lam_options *options);

/* Load a model written by lam_net_save, or the best model of a run folder. Errors: LAM_EREAD, LAM_EFORMAT,
 * LAM_EVERSION, LAM_ENOMEM. Format: docs/format.md. */
LAM_API lam_status lam_net_load(lam_net **net, const char *path);

/* Write the model as one safetensors file, atomically (temporary file, fsync, rename). Errors: LAM_EWRITE,
 * LAM_ENOMEM. */
LAM_API lam_status lam_net_save(const lam_net *net, const char *path);

LAM_API void lam_net_free(lam_net *net);
LAM_API const char *lam_net_notation(const lam_net *net); /* canonical form */
LAM_API const lam_shape *lam_net_input(const lam_net *net);
LAM_API size_t lam_net_classes(const lam_net *net); /* number of scores of a sample: classes, or numbers predicted */
LAM_API lam_dtype lam_net_dtype(const lam_net *net);

/* Name of a class, or of a number that is predicted, as the data had it that the network was trained on; a yes/no network
 * of one score has two. NULL where unnamed, or past the end. Training again may replace it. */
LAM_API const char *lam_net_class_name(const lam_net *net, size_t index);

/* Parameters, in file order, as PyTorch shapes them: affine1.weight (out, in), batchnorm1.gamma (D), ... The running
 * statistics are among them. Index from 0; name and shape are NULL past the end. */
LAM_API size_t lam_net_param_count(const lam_net *net);
LAM_API const char *lam_net_param_name(const lam_net *net, size_t index);
LAM_API const lam_shape *lam_net_param_shape(const lam_net *net, size_t index);

/* Copy a parameter out to, or in from, a tensor of its shape, LAM_F32 or LAM_F64. Errors: LAM_EINVAL (no such name),
 * LAM_ESHAPE. */
LAM_API lam_status lam_net_get(const lam_net *net, const char *name, lam_tensor *value);
LAM_API lam_status lam_net_set(lam_net *net, const char *name, const lam_tensor *value);

/* The values themselves, to read and to change: view becomes a tensor of the network's dtype with the parameter's shape,
 * data the address of its first element, and strides (rank of them, in elements) say where the others are: not in
 * row-major order. They stay there as long as the network lives. Errors: LAM_EINVAL (no such name), LAM_ESHAPE (no
 * strides describe it: the weights of an affine layer that follows an image; lam_net_get and _set copy them). */
LAM_API lam_status lam_net_view(lam_tensor *view, size_t strides[LAM_MAX_RANK], lam_net *net, const char *name);

/* Layers, in the order of the notation, the sums that end residual blocks among them. Name ("batchnorm2") and shape of
 * the output for one sample are the network's. Errors: LAM_EINVAL (past the end). */
LAM_API size_t lam_net_layer_count(const lam_net *net);
LAM_API lam_status lam_net_layer(char name[64], lam_shape *output, const lam_net *net, size_t index);

/* SHA-256 over the bytes of all parameters in file order, 64 hex digits and a 0: equal means the same bits. Errors:
 * LAM_ENOMEM. */
LAM_API lam_status lam_net_sha256(const lam_net *net, char hex[65]);

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* Where training stands, as the callback sees it. An accuracy is the fraction of right answers, or R2 where numbers are
 * predicted (lam_metrics); NAN where not measured. */
typedef struct lam_progress {
    size_t step, steps;   /* steps done, and in all (0 when only time limits the run) */
    size_t epoch, epochs; /* epochs done, and in all */
    int epoch_end;        /* accuracies below were measured at this step */
    double loss;          /* of this step's batch, with L2 */
    double train_accuracy, val_accuracy;
    int values;           /* numbers are predicted: the accuracies are R2 */
    double best_accuracy; /* best validation accuracy so far (training accuracy where there is no validation part) */
    double lr;            /* learning rate of this step */
    double seconds;       /* since training began, in this process */
    double samples_per_second;
    const char *warning; /* what looks wrong, and what to try, once: one line; else NULL. Valid during the call */
} lam_progress;

/* Called after every step. Return non-zero to stop cleanly after this step: lam_train then returns LAM_OK. */
typedef int (*lam_callback)(const lam_progress *progress, void *arg);

/* Train a network. Options: epochs, steps, time, batch, optim, lr, ... (docs/options.md). Afterwards the network holds
 * the best weights by validation accuracy with their own running statistics (the last ones where there is no validation
 * part). Errors: LAM_ESHAPE (data does not fit the network), LAM_EDIVERGED (names step and layer; the network is as
 * before that step), LAM_EOPTION, LAM_ENOMEM. */
LAM_API lam_status lam_train(lam_net *net, const lam_data *data, const lam_options *options, lam_callback callback,
                             void *arg);

/* Continue the run folder that lam_train wrote (option `out`), as if it had never stopped: the same bits. *net is new
 * and yours. options: what may change: epochs, steps, time, patience, save-every, threads, isa. Errors: those of
 * lam_train, and LAM_EREAD, LAM_EFORMAT (no run folder, damaged checkpoint), LAM_EBUSY (another process trains
 * there), LAM_EUNSUPPORTED (option precision: begun where products of bf16 are made in another way). */
LAM_API lam_status lam_resume(lam_net **net, const char *run, const lam_data *data, const lam_options *options,
                              lam_callback callback, void *arg);

/* How good a network is on a whole part, each sample counting once: without L2, weights and label smoothing.
 *   accuracy  fraction of right answers: the largest score is the label's; yes and no (logistic with one score, or on
 *             targets): over all scores. NAN where numbers are predicted
 *   r2        1 - residual / total sum of squares, mean over the targets; NAN where classes are predicted
 *   rmse, mae root mean squared and mean absolute error in the data's units, over all targets; NAN likewise
 * Options: batch, threads. Errors: LAM_ESHAPE (data does not fit the network), LAM_EFORMAT (a target that the loss does
 * not take), LAM_EINVAL (no such part), LAM_ENOMEM. */
typedef struct lam_metrics {
    size_t count;
    double loss, accuracy, r2, rmse, mae;
} lam_metrics;
LAM_API lam_status lam_eval(lam_metrics *metrics, const lam_net *net, const lam_data *data, lam_part part,
                            const lam_options *options);

/* ---- sessions: a loop of your own -------------------------------------------------------------------------------- */

/* What it takes to run a network: an arena for at most `batch` samples, scratch, the update rule's state. Everything is
 * allocated here; the calls below allocate nothing. */
typedef struct lam_session lam_session;

/* For training: borrows net, which must outlive it, and changes its parameters. Options: batch, optim, lr, l2, seed,
 * threads, ... Errors: LAM_EOPTION, LAM_EUNSUPPORTED (device), LAM_ENOMEM. */
LAM_API lam_status lam_session_new(lam_session **session, lam_net *net, const lam_options *options);

/* For inference: borrows a const net, which must outlive it. Options: batch, threads. Errors: the same. */
LAM_API lam_status lam_session_new_predict(lam_session **session, const lam_net *net, const lam_options *options);
LAM_API void lam_session_free(lam_session *session);

/* x: (N, ...) of the network's input shape, LAM_U8, LAM_F32 or LAM_F64, 1 <= N <= batch; the network's preprocessing is
 * applied to it.  y: (N) labels, LAM_U8, LAM_I32 or LAM_I64; or, for mse and logistic, (N) or (N, K) LAM_F32 or
 * LAM_F64. forward computes the loss (with L2) in training mode; backward the gradients of the last forward; step
 * updates the parameters and running statistics. forward, backward, step is one step of lam_train, bit for bit. With
 * option accumulate above 1, the gradients of the backward calls since the last step are added up, and step takes their
 * mean. Errors: LAM_ESHAPE, LAM_EINVAL (dtype, too large a batch; backward without forward, or step without backward),
 * LAM_EFORMAT (a label or target out of range), LAM_EDIVERGED (the loss is not finite; nothing has changed). */
LAM_API lam_status lam_session_forward(double *loss, lam_session *session, const lam_tensor *x, const lam_tensor *y);
LAM_API lam_status lam_session_backward(lam_session *session);
LAM_API lam_status lam_session_step(lam_session *session);

/* Weights of the samples of the next lam_session_forward, and of that alone: (N) LAM_F32 or LAM_F64, finite, at least
 * 0, not all 0. The loss is then sum(weight * loss) / sum(weight). Errors: LAM_EINVAL, LAM_ESHAPE. */
LAM_API lam_status lam_session_weigh(lam_session *session, const lam_tensor *weights);

/* Set the learning rate of the following steps (schedules are yours in a loop of your own). Errors: LAM_EINVAL
 * (negative or not finite). */
LAM_API lam_status lam_session_set_lr(lam_session *session, double lr);

/* Gradient of a parameter after backward, in the parameter's shape, LAM_F32 or LAM_F64. Errors: LAM_EINVAL (no such
 * name, before backward, dtype), LAM_ESHAPE. */
LAM_API lam_status lam_session_grad(const lam_session *session, const char *name, lam_tensor *value);

/* The same in place, as lam_net_view: to read, until the next lam_session_forward. Where it lies does not change as
 * long as the session lives. Errors: those of lam_net_view; it needs no backward before. */
LAM_API lam_status lam_session_grad_view(lam_tensor *view, size_t strides[LAM_MAX_RANK], const lam_session *session,
                                         const char *name);

/* The update rule's state for a parameter, in the parameter's shape, LAM_F32 or LAM_F64, to go on with a training
 * elsewhere or later. slot: "velocity" of momentum and nesterov, "cache" of rmsprop, "m" and "v" of adam and adamw, "m" of
 * muon's weights; they are 0 at first. Errors: LAM_EINVAL (no such parameter or slot; for inference; dtype), LAM_ESHAPE. */
LAM_API lam_status lam_session_state(const lam_session *session, const char *name, const char *slot, lam_tensor *value);
LAM_API lam_status lam_session_set_state(lam_session *session, const char *name, const char *slot,
                                         const lam_tensor *value);

/* Steps done, 0 at first: adam's corrections and the masks of dropout depend on the number. */
LAM_API uint64_t lam_session_steps(const lam_session *session);
LAM_API void lam_session_set_steps(lam_session *session, uint64_t steps);

/* scores: (N, classes), of the network's dtype, before the loss layer; a network of mse gives its predictions, in the
 * units of its data. Either kind of session. Errors: LAM_ESHAPE (also a wrong dtype of scores), LAM_EINVAL. */
LAM_API lam_status lam_session_predict(lam_session *session, lam_tensor *scores, const lam_tensor *x);

/* ---- layers by themselves ---------------------------------------------------------------------------------------- */

/* The course's functions, for tensors of LAM_F32 or LAM_F64 (all of one dtype). x: (N, ...), taken as (N, D) rows. They
 * run the operations that networks run, and give the same bits.
 * cache   *cache NULL is created, otherwise it is reused, without allocation while the shapes stay the same; cache
 *         itself NULL says that no backward is wanted. It borrows x, out and the weights until backward, which may be
 *         called more than once (relu and leakyrelu read x then, not out). lam_cache_free.
 * out, dx, dw, ...: tensors of the right shape that you provide; they are overwritten. A NULL gradient is not returned;
 *         dx is not even computed then.
 *         They overlap neither inputs nor each other; only relu, leakyrelu, sigmoid, tanh and dropout work in
 *         place (out is x, dx is dout).
 * Errors: LAM_ESHAPE, LAM_EINVAL (dtype, a number out of range, cache of another function), LAM_ENOMEM. The message
 * names function and argument.
 * Threads: a cache serves one call at a time; otherwise safe.
 * Source: CS231n assignment 2, layers.py, layer_utils.py. docs/math.md has each formula. */
typedef struct lam_cache lam_cache;
LAM_API void lam_cache_free(lam_cache *cache);

typedef enum lam_mode { LAM_MODE_TRAIN, LAM_MODE_TEST } lam_mode;

/* out = x w + b.  x (N, D), w (D, M), b (M), out (N, M). */
LAM_API lam_status lam_affine_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                      const lam_tensor *b);
LAM_API lam_status lam_affine_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                       lam_cache *cache);

/* out = max(x, 0). The gradient at 0 is 0. */
LAM_API lam_status lam_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x);
LAM_API lam_status lam_relu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);

/* Other activations, element by element.
 * leakyrelu  x where x > 0, else slope x; slope 0 to 1, usually 0.01. The gradient at 0 is slope
 * elu        x where x > 0, else alpha (exp(x) - 1); alpha 0 to 1e6, usually 1
 * gelu       x P(x), P the distribution function of the standard normal; approximate not 0: its form with tanh
 * silu       x sigmoid(x)
 * sigmoid    1 / (1 + exp(-x))
 * tanh       the hyperbolic tangent
 * Source: Maas et al. 2013 (leakyrelu); Clevert et al. 2015, arXiv:1511.07289 (elu); Hendrycks, Gimpel 2016,
 * arXiv:1606.08415 (gelu, silu). */
LAM_API lam_status lam_leakyrelu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, double slope);
LAM_API lam_status lam_leakyrelu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_elu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, double alpha);
LAM_API lam_status lam_elu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_gelu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, int approximate);
LAM_API lam_status lam_gelu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_silu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x);
LAM_API lam_status lam_silu_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_sigmoid_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x);
LAM_API lam_status lam_sigmoid_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_tanh_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x);
LAM_API lam_status lam_tanh_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);

/* Batch normalisation over rows. gamma, beta, running_mean, running_var (D); the running ones are changed in
 * LAM_MODE_TRAIN: running = momentum * running + (1 - momentum) * batch, with the biased variance. The course's
 * batchnorm_backward and _alt are this one. Source: Ioffe, Szegedy 2015, arXiv:1502.03167. */
typedef struct lam_batchnorm_param {
    lam_mode mode;
    double eps, momentum; /* the course's defaults are 1e-5, 0.9 */
} lam_batchnorm_param;
LAM_API lam_status lam_batchnorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                         const lam_tensor *gamma, const lam_tensor *beta, lam_tensor *running_mean,
                                         lam_tensor *running_var, const lam_batchnorm_param *param);
LAM_API lam_status lam_batchnorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                          lam_cache *cache);

/* Layer normalisation of each row. gamma, beta (D). Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450. */
LAM_API lam_status lam_layernorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                         const lam_tensor *gamma, const lam_tensor *beta, double eps);
LAM_API lam_status lam_layernorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                          lam_cache *cache);

/* Inverted dropout: out = x / (1 - p), or 0 for a dropped element. p: probability of dropping, 0 <= p < 1. The mask is
 * a function of (seed, step) and the element's index, for images (N, C, H, W) that in N x H x W x C order, as in
 * networks; it is not stored. In LAM_MODE_TEST out = x. Source: Srivastava et al. 2014. */
typedef struct lam_dropout_param {
    lam_mode mode;
    double p;
    uint64_t seed;
    uint32_t step; /* another step, another mask */
} lam_dropout_param;
LAM_API lam_status lam_dropout_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                       const lam_dropout_param *param);
LAM_API lam_status lam_dropout_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);

/* affine, then relu; affine, batchnorm, relu: as the functions one after another, with fewer passes over memory. */
LAM_API lam_status lam_affine_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                           const lam_tensor *b);
LAM_API lam_status lam_affine_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                            lam_cache *cache);
LAM_API lam_status lam_affine_batchnorm_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                                     const lam_tensor *w, const lam_tensor *b, const lam_tensor *gamma,
                                                     const lam_tensor *beta, lam_tensor *running_mean,
                                                     lam_tensor *running_var, const lam_batchnorm_param *param);
LAM_API lam_status lam_affine_batchnorm_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db,
                                                      lam_tensor *dgamma, lam_tensor *dbeta, const lam_tensor *dout,
                                                      lam_cache *cache);

/* ---- layers on images by themselves ---- */

/* As above, for images: x and out are (N, C, H, W), and have that shape. A pair of sizes is { height, width }. Inside,
 * images are channels last, and a cache may hold copies in that order: whether backward sees what changed in x or the
 * filters after forward is left open. */

/* How a convolution moves; {0}, and NULL, is stride 1 without padding. */
typedef struct lam_conv_param {
    size_t stride[2]; /* 1 to 65536; both 0: 1x1 */
    size_t pad[2];    /* rows and columns of zeros on each side, 0 to 65536 */
    int same;         /* not 0: (K - 1) / 2 zeros before and K / 2 after, in place of pad */
} lam_conv_param;

/* Convolution, not flipped: out[n,f,i,j] = b[f] + sum over c, u, v of w[f,c,u,v] xpad[n,c, i S + u, j S + v].
 *   x    (N, C, H, W)
 *   w    (F, C, KH, KW), any sizes that fit the padded image
 *   b    (F), or NULL: no bias, then db is NULL, too
 *   out  (N, F, OH, OW), OH = floor((H + padding - KH) / stride) + 1: lam_conv_shape has it
 * Source: CS231n assignment 2, conv_forward_naive. */
LAM_API lam_status lam_conv_shape(lam_shape *out, const lam_shape *x, const lam_shape *w, const lam_conv_param *param);
LAM_API lam_status lam_conv_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                    const lam_tensor *b, const lam_conv_param *param);
LAM_API lam_status lam_conv_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                     lam_cache *cache);

/* Whose gradient equal maxima of a window get: the first's in row-major order (as PyTorch); all share it; each gets the
 * whole (as a mask x == out does it: no gradient in the strict sense). */
typedef enum lam_ties { LAM_TIES_FIRST, LAM_TIES_SPLIT, LAM_TIES_ALL } lam_ties;

typedef struct lam_pool_param {
    size_t window[2]; /* 1 to 65536 */
    size_t stride[2]; /* both 0: the window's size */
    size_t pad[2];    /* on each side, less than the window */
    lam_ties ties;    /* of maxpool */
    int global;       /* not 0, of avgpool alone: the window is the image; window, stride and pad stay 0 */
} lam_pool_param;

/* Pools. out (N, C, OH, OW), OH = floor((H + 2 pad - KH) / stride) + 1: lam_pool_shape has it, for both kinds.
 * maxpool  the largest element of each window; padding is never the largest
 * avgpool  the mean of each window; padding counts as zeros
 * Source: CS231n assignment 2, max_pool_forward_naive; Lin, Chen, Yan 2013, arXiv:1312.4400 (global). */
LAM_API lam_status lam_pool_shape(lam_shape *out, const lam_shape *x, const lam_pool_param *param);
LAM_API lam_status lam_maxpool_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                       const lam_pool_param *param);
LAM_API lam_status lam_maxpool_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_avgpool_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                       const lam_pool_param *param);
LAM_API lam_status lam_avgpool_backward(lam_tensor *dx, const lam_tensor *dout, lam_cache *cache);

/* Norms of images: gamma, beta, running_mean, running_var and their gradients have C elements in any shape, (C) or the
 * course's (1, C, 1, 1).
 * spatial_batchnorm  batchnorm of each channel over the N x H x W pixels of the batch
 * spatial_groupnorm  each sample's groups of C / groups channels over their pixels; groups divide C, eps usually 1e-5
 * spatial_layernorm  spatial_groupnorm with one group: what `layernorm` is in a network of images
 * Source: Ioffe, Szegedy 2015, arXiv:1502.03167, section 3.2; Wu, He 2018, arXiv:1803.08494. */
LAM_API lam_status lam_spatial_batchnorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                                 const lam_tensor *gamma, const lam_tensor *beta,
                                                 lam_tensor *running_mean, lam_tensor *running_var,
                                                 const lam_batchnorm_param *param);
LAM_API lam_status lam_spatial_batchnorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta,
                                                  const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_spatial_groupnorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                                 const lam_tensor *gamma, const lam_tensor *beta, size_t groups,
                                                 double eps);
LAM_API lam_status lam_spatial_groupnorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta,
                                                  const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_spatial_layernorm_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                                 const lam_tensor *gamma, const lam_tensor *beta, double eps);
LAM_API lam_status lam_spatial_layernorm_backward(lam_tensor *dx, lam_tensor *dgamma, lam_tensor *dbeta,
                                                  const lam_tensor *dout, lam_cache *cache);

/* conv, then relu; conv, spatial_batchnorm, relu; conv, relu, maxpool: as the functions one after another, with fewer
 * passes over memory, and what lies in between stays in the library's order. Shapes as there. */
LAM_API lam_status lam_conv_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x, const lam_tensor *w,
                                         const lam_tensor *b, const lam_conv_param *param);
LAM_API lam_status lam_conv_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                          lam_cache *cache);
LAM_API lam_status lam_conv_batchnorm_relu_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                                   const lam_tensor *w, const lam_tensor *b, const lam_tensor *gamma,
                                                   const lam_tensor *beta, lam_tensor *running_mean,
                                                   lam_tensor *running_var, const lam_conv_param *param,
                                                   const lam_batchnorm_param *norm);
LAM_API lam_status lam_conv_batchnorm_relu_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, lam_tensor *dgamma,
                                                    lam_tensor *dbeta, const lam_tensor *dout, lam_cache *cache);
LAM_API lam_status lam_conv_relu_pool_forward(lam_cache **cache, lam_tensor *out, const lam_tensor *x,
                                              const lam_tensor *w, const lam_tensor *b, const lam_conv_param *param,
                                              const lam_pool_param *pool);
LAM_API lam_status lam_conv_relu_pool_backward(lam_tensor *dx, lam_tensor *dw, lam_tensor *db, const lam_tensor *dout,
                                               lam_cache *cache);

/* ---- losses and update rules by themselves ---- */

/* Losses, mean over the batch. x (N, C) scores, y (N) labels (LAM_U8, LAM_I32, LAM_I64), dx (N, C) or NULL. Errors:
 * those above, LAM_EFORMAT (label out of range).
 * softmax: cross-entropy.  svm: multiclass hinge, margin 1 (Weston, Watkins 1999). */
LAM_API lam_status lam_softmax_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *y);
LAM_API lam_status lam_svm_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *y);

/* Losses that compare each score with a number, mean over scores and batch. x, t (N, K), dx (N, K) or NULL.
 * mse: squared error.  logistic: cross-entropy of yes/no answers, t in [0, 1], x before the sigmoid. */
LAM_API lam_status lam_mse_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *t);
LAM_API lam_status lam_logistic_loss(double *loss, lam_tensor *dx, const lam_tensor *x, const lam_tensor *t);

/* Update rules, in place on w and the state tensors (same shape as w, zero at the start). Defaults: the course's. */
LAM_API lam_status lam_sgd(lam_tensor *w, const lam_tensor *dw, double lr);
LAM_API lam_status lam_momentum(lam_tensor *w, const lam_tensor *dw, lam_tensor *velocity, double lr, double momentum);
LAM_API lam_status lam_nesterov(lam_tensor *w, const lam_tensor *dw, lam_tensor *velocity, double lr, double momentum);
LAM_API lam_status lam_rmsprop(lam_tensor *w, const lam_tensor *dw, lam_tensor *cache, double lr, double decay,
                               double eps);
/* t: steps done so far; it is incremented before use, as the course does. */
LAM_API lam_status lam_adam(lam_tensor *w, const lam_tensor *dw, lam_tensor *m, lam_tensor *v, uint64_t *t, double lr,
                            double beta1, double beta2, double eps);

/* ---- checking ---------------------------------------------------------------------------------------------------- */

/* One tensor of a gradient check: the error is max|a - n| / max(max|a|, max|n|, g/1000), g the largest gradient of the
 * net; below 1e-7 passes. kinks: elements where the loss is not smooth within the step, left out. */
typedef struct lam_check_row {
    char name[64]; /* "affine1.weight", or "input" */
    size_t count, checked, kinks;
    double error;         /* the design's measure */
    double error_cs231n;  /* max |a-n| / max(1e-8, |a|+|n|) */
    double error_eecs498; /* max|a-n| / max(max(|a|+|n|), 1e-10) */
    double largest;       /* max |a| */
} lam_check_row;

/* Check the gradients of a notation in double precision on random input. rows: an array of *count rows, release with
 * lam_check_free. Options: seed, batch (default 5 here), threads, init, init-scale, classes. Errors: LAM_ECHECK when a
 * row's error is not below 1e-7 (rows are filled in all the same), and those of lam_net_new. */
LAM_API lam_status lam_check(lam_check_row **rows, size_t *count, const char *notation, const lam_shape *input,
                             const lam_options *options);
LAM_API void lam_check_free(lam_check_row *rows);

#ifdef __cplusplus
}
#endif
#endif
