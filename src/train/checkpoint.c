/* checkpoint: see checkpoint.h. */
#include "checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "../core/digest.h"
#include "../core/mem.h"
#include "../core/number.h"

enum { COLUMNS = 7, SLOTS_MAX = 4, KEY_BYTES = 64, DESCRIPTION_BYTES = 512 };

/* The numbers of a state, by name in the metadata. */
static const struct field {
    const char *name;
    int real;
    size_t offset;
} fields[] = {
#define WHOLE(name)                                        \
    {                                                      \
        "checkpoint." #name, 0, offsetof(lami_state, name) \
    }
#define REAL(name)                                         \
    {                                                      \
        "checkpoint." #name, 1, offsetof(lami_state, name) \
    }
    WHOLE(step),          WHOLE(epoch),       WHOLE(entry_steps),  REAL(entry_loss),  REAL(loss),        REAL(seconds),
    REAL(train_accuracy), REAL(val_accuracy), REAL(best_accuracy), WHOLE(best_epoch), WHOLE(best_known),
#undef WHOLE
#undef REAL
};

enum { FIELDS = sizeof fields / sizeof *fields };

static const char data_key[] = "checkpoint.data", crc_key[] = "checkpoint.crc32", history_name[] = "history";

/* Are products of bf16 made by the machine's instruction? "0", "1"; NULL: the network has none. */
static const char bf16_key[] = "checkpoint.native_bf16";

static const char *bf16_way(const lam_net *net, const lam_session *session)
{
    return !net->bf16 ? NULL : lami_session_plan(session)->ops->native_bf16 ? "1" : "0";
}

/* ---- state ---- */

void lami_state_free(lami_state *state)
{
    lami_free(state->history);
    lami_free(state->best);
    lami_free(state->data);
    *state = (lami_state) { 0 };
}

lam_status lami_state_add(lami_state *state, const lami_history *entry)
{
    LAM_TRY(lami_grow((void **)&state->history, &state->capacity, state->entries + 1, sizeof *state->history));
    state->history[state->entries++] = *entry;
    return LAM_OK;
}

char *lami_describe_data(const lam_data *data)
{
    char text[DESCRIPTION_BYTES], shape[LAMI_SHAPE_TEXT], labels[65];
    lami_digest digest;
    lami_digest_start(&digest);
    for (int k = LAM_TRAIN; k <= LAM_VAL; k++) {
        const lami_part *part = &data->part[k];
        if (part->label)
            lami_digest_add(&digest, part->label, part->count * sizeof *part->label);
        if (part->target)
            lami_digest_add(&digest, part->target, part->count * data->targets * sizeof *part->target);
        if (part->weight)
            lami_digest_add(&digest, part->weight, part->count * sizeof *part->weight);
    }
    lami_digest_end(&digest, labels);
    snprintf(text, sizeof text, "%s %s, %zu %s, %zu training and %zu validation samples, labels %.16s",
             lami_shape_text(shape, &data->shape), lami_dtype_name(data->dtype),
             data->targets ? data->targets : data->classes, data->targets ? "targets" : "classes",
             data->part[LAM_TRAIN].count, data->part[LAM_VAL].count, labels);
    return lami_strdup(text);
}

/* ---- writing ---- */

/* For zlib, no data means to begin anew. */
static uint32_t add_crc(uint32_t crc, const void *data, size_t size)
{
    return size ? (uint32_t)crc32_z(crc, data, size) : crc;
}

static uint32_t add_text_crc(uint32_t crc, const char *text)
{
    return add_crc(crc, text, strlen(text) + 1);
}

/* What is being written: the blocks in the order of the file. */
typedef struct writing {
    lami_st_out *out;
    void *block[4 + SLOTS_MAX]; /* history, model, best, slots, average */
    size_t blocks;
    uint32_t crc;
} writing;

static void field_text(char text[LAMI_REAL_TEXT], const struct field *f, const lami_state *state)
{
    const char *at = (const char *)state + f->offset;
    if (f->real)
        lami_real_text(text, *(const double *)at);
    else
        snprintf(text, LAMI_REAL_TEXT, "%" PRIu64, *(const uint64_t *)at);
}

static lam_status put_fields(writing *w, const lami_state *state)
{
    char text[LAMI_REAL_TEXT];
    for (size_t i = 0; i < FIELDS; i++) {
        field_text(text, &fields[i], state);
        LAM_TRY(lami_st_out_text(w->out, fields[i].name, text));
        w->crc = add_text_crc(w->crc, text);
    }
    w->crc = add_text_crc(w->crc, state->data);
    return lami_st_out_text(w->out, data_key, state->data);
}

static lam_status put_history(writing *w, const lami_state *state)
{
    if (!state->entries)
        return LAM_OK;
    double *row = w->block[w->blocks++] = lami_alloc(state->entries, COLUMNS * sizeof *row);
    if (!row)
        return LAM_ENOMEM;
    const lam_tensor tensor = { LAM_F64, lami_shape2(state->entries, COLUMNS), row };
    for (size_t i = 0; i < state->entries; i++, row += COLUMNS) {
        const lami_history *e = &state->history[i];
        const double values[COLUMNS] = { (double)e->epoch, (double)e->step, e->loss,   e->train_accuracy,
                                         e->val_accuracy,  e->lr,           e->seconds };
        memcpy(row, values, sizeof values);
    }
    w->crc = add_crc(w->crc, tensor.data, state->entries * COLUMNS * sizeof *row);
    return lami_st_out_tensor(w->out, history_name, &tensor);
}

static size_t block_bytes(const lam_net *net, int trained_only)
{
    size_t count = 0;
    for (size_t i = 0; i < net->params; i++)
        if (net->param[i].spec->trained || !trained_only)
            count += net->param[i].count;
    return count * lami_dtype_size(net->dtype);
}

static lam_status put_model(writing *w, const lam_net *net)
{
    LAM_TRY(lami_model_put(w->out, &w->block[w->blocks++], net, net->values));
    w->crc = add_crc(w->crc, net->prep.shift, net->prep.count * sizeof(double));
    w->crc = add_crc(w->crc, net->prep.scale, net->prep.count * sizeof(double));
    w->crc = add_crc(w->crc, net->units.shift, net->units.count * sizeof(double));
    w->crc = add_crc(w->crc, net->units.scale, net->units.count * sizeof(double));
    w->crc = add_crc(w->crc, w->block[w->blocks - 1], block_bytes(net, 0));
    return LAM_OK;
}

static lam_status put_values(writing *w, const lam_net *net, const void *values, const char *prefix, int trained_only)
{
    LAM_TRY(lami_model_put_values(w->out, &w->block[w->blocks++], net, values, prefix, trained_only));
    w->crc = add_crc(w->crc, w->block[w->blocks - 1], block_bytes(net, trained_only));
    return LAM_OK;
}

static lam_status put_rule(writing *w, const lam_net *net, const lam_session *session)
{
    const char *name;
    for (size_t slot = 0; slot < SLOTS_MAX; slot++) {
        const void *values = lami_session_state(session, slot, &name);
        char prefix[KEY_BYTES];
        if (!values)
            break;
        snprintf(prefix, sizeof prefix, "state.%s.", name);
        LAM_TRY(put_values(w, net, values, prefix, 1));
    }
    if (lami_session_average(session))
        return put_values(w, net, lami_session_average(session), "ema.", 0);
    return LAM_OK;
}

static lam_status put_all(writing *w, const lam_net *net, const lam_session *session, const lami_state *state)
{
    char crc[KEY_BYTES];
    w->crc = 0;
    LAM_TRY(put_fields(w, state));
    LAM_TRY(put_history(w, state)); /* F64 first: alignment */
    LAM_TRY(put_model(w, net));
    if (state->best_known)
        LAM_TRY(put_values(w, net, state->best, "best.", 0));
    LAM_TRY(put_rule(w, net, session));
    if (net->bf16)
        LAM_TRY(lami_st_out_text(w->out, bf16_key, bf16_way(net, session)));
    snprintf(crc, sizeof crc, "%" PRIu32, w->crc);
    return lami_st_out_text(w->out, crc_key, crc);
}

lam_status lami_checkpoint_write(const char *path, const lam_net *net, const lam_session *session,
                                 const lami_state *state)
{
    lam_status status = LAM_OK;
    lami_writer writer = { 0 };
    writing w = { 0 };
    LAM_TRY_DONE(lami_st_out_new(&w.out));
    LAM_TRY_DONE(put_all(&w, net, session, state));
    LAM_TRY_DONE(lami_writer_open(&writer, path));
    LAM_TRY_DONE(lami_st_out_write(w.out, &writer));
    status = lami_writer_commit(&writer);
done:
    lami_writer_drop(&writer);
    lami_st_out_free(w.out);
    for (size_t i = 0; i < w.blocks; i++)
        lami_free(w.block[i]);
    return status;
}

/* ---- reading ---- */

static lam_status damaged(const char *path, const char *what)
{
    return lami_fail(LAM_EFORMAT, "%s: damaged checkpoint: %s", path, what);
}

static const char *text_or_empty(const lami_st_in *in, const char *key)
{
    const char *text = lami_st_in_text(in, key);
    return text ? text : "";
}

/* Fields, then the bytes of all tensors: the format has no holes, so that tensor by tensor is block by block. */
static lam_status check_crc(const lami_st_in *in, const char *path)
{
    uint64_t wanted;
    uint32_t crc = 0;
    if (!lami_st_in_text(in, crc_key))
        return lami_fail(LAM_EFORMAT, "%s: not a checkpoint: no %s in its metadata", path, crc_key);
    for (size_t i = 0; i < FIELDS; i++)
        crc = add_text_crc(crc, text_or_empty(in, fields[i].name));
    crc = add_text_crc(crc, text_or_empty(in, data_key));
    for (size_t i = 0; i < lami_st_in_count(in); i++) {
        lam_tensor view;
        LAM_TRY(lami_st_in_tensor(&view, in, lami_st_in_name(in, i)));
        crc = add_crc(crc, view.data, lam_shape_count(&view.shape) * lami_dtype_size(view.dtype));
    }
    if (lami_parse_u64(&wanted, lami_st_in_text(in, crc_key)) || wanted != crc)
        return damaged(path, "its checksum does not fit");
    return LAM_OK;
}

static int parse_real(double *value, const char *text)
{
    if (!strcmp(text, "nan"))
        *value = NAN;
    else if (!strcmp(text, "inf") || !strcmp(text, "-inf"))
        *value = *text == '-' ? -INFINITY : INFINITY;
    else
        return !lami_parse_real(value, text);
    return 1;
}

static lam_status get_fields(lami_state *state, const lami_st_in *in, const char *path)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        char *at = (char *)state + f->offset;
        const char *text = text_or_empty(in, f->name);
        if (f->real ? !parse_real((double *)at, text) : !!lami_parse_u64((uint64_t *)at, text))
            return damaged(path, f->name);
    }
    if (state->best_known > 1 || state->entry_steps > state->step)
        return damaged(path, "its counts contradict each other");
    state->data = lami_strdup(text_or_empty(in, data_key));
    return state->data ? LAM_OK : LAM_ENOMEM;
}

/* A whole number that a double holds exactly, from a history. */
static int is_count(double value)
{
    return value >= 0 && value <= 0x1p53 && floor(value) == value;
}

static lam_status get_history(lami_state *state, const lami_st_in *in, const char *path)
{
    lam_tensor view;
    if (!lami_st_in_has(in, history_name))
        return LAM_OK;
    LAM_TRY(lami_st_in_tensor(&view, in, history_name));
    if (view.dtype != LAM_F64 || view.shape.rank != 2 || view.shape.dim[1] != COLUMNS)
        return damaged(path, "its history has another shape");
    const double *row = view.data;
    for (size_t i = 0; i < view.shape.dim[0]; i++, row += COLUMNS) {
        if (!is_count(row[0]) || !is_count(row[1]))
            return damaged(path, "its history has a step that is no number");
        const lami_history entry = { .epoch = (size_t)row[0],
                                     .step = (size_t)row[1],
                                     .loss = row[2],
                                     .train_accuracy = row[3],
                                     .val_accuracy = row[4],
                                     .lr = row[5],
                                     .seconds = row[6] };
        LAM_TRY(lami_state_add(state, &entry));
    }
    return LAM_OK;
}

static lam_status get_best(lami_state *state, const lam_net *net, const lami_st_in *in, const char *path)
{
    if (!state->best_known)
        return LAM_OK;
    state->best = lami_alloc(net->values_count, lami_dtype_size(net->dtype));
    return state->best ? lami_model_get_values(net, state->best, in, path, "best.", 0) : LAM_ENOMEM;
}

static lam_status check_numerics(const lami_st_in *in, const char *path)
{
    uint64_t numerics;
    if (lami_parse_u64(&numerics, text_or_empty(in, "lamina.numerics")))
        return damaged(path, "lamina.numerics");
    if (numerics != LAM_NUMERICS_VERSION)
        return lami_fail(LAM_EVERSION,
                         "%s: numerics version %" PRIu64 ", this version (%s) has %d and would give other bits", path,
                         numerics, LAM_VERSION, LAM_NUMERICS_VERSION);
    return LAM_OK;
}

lam_status lami_checkpoint_read(lami_state *state, lam_net **out, const lami_st_in *in, const char *path)
{
    lam_status status = LAM_OK;
    lam_net *net = NULL;
    *out = NULL;
    *state = (lami_state) { 0 };
    LAM_TRY_DONE(lami_model_get(&net, in, path)); /* first: it knows versions */
    LAM_TRY_DONE(check_numerics(in, path));
    LAM_TRY_DONE(check_crc(in, path));
    LAM_TRY_DONE(get_fields(state, in, path));
    LAM_TRY_DONE(get_history(state, in, path));
    LAM_TRY_DONE(get_best(state, net, in, path));
    *out = net;
    net = NULL;
done:
    lam_net_free(net);
    if (status)
        lami_state_free(state);
    return status;
}

static size_t kept_params(const lam_net *net, int trained_only)
{
    size_t count = 0;
    for (size_t i = 0; i < net->params; i++)
        count += net->param[i].spec->trained || !trained_only;
    return count;
}

/* Emulation and instruction have not been compared, so that a training does not go from one to the other. */
static lam_status check_bf16(const lam_session *session, const lam_net *net, const lami_st_in *in, const char *path)
{
    const char *is = bf16_way(net, session), *was = text_or_empty(in, bf16_key);
    if (!is || !strcmp(is, was))
        return LAM_OK;
    if (!strcmp(was, "0"))
        return lami_fail(
            LAM_EUNSUPPORTED,
            "%s: its products of bf16 were emulated, and by vdpbf16ps other bits are possible: --isa avx512 "
            "emulates them",
            path);
    if (!strcmp(was, "1"))
        return lami_fail(
            LAM_EUNSUPPORTED,
            "%s: its products of bf16 were made by vdpbf16ps, and where they are emulated, as by --isa %s, "
            "other bits are possible",
            path, lami_session_plan(session)->ops->set);
    return damaged(path, bf16_key);
}

lam_status lami_checkpoint_read_rule(lam_session *session, const lam_net *net, const lami_state *state,
                                     const lami_st_in *in, const char *path)
{
    LAM_TRY(check_bf16(session, net, in, path));
    size_t tensors = kept_params(net, 0) * (state->best_known ? 2 : 1) + (net->prep.count ? 2 : 0) +
                     (net->units.count ? 2 : 0) + (state->entries ? 1 : 0);
    const char *name;
    for (size_t slot = 0; slot < SLOTS_MAX; slot++) {
        void *values = lami_session_state(session, slot, &name);
        char prefix[KEY_BYTES];
        if (!values)
            break;
        snprintf(prefix, sizeof prefix, "state.%s.", name);
        LAM_TRY(lami_model_get_values(net, values, in, path, prefix, 1));
        tensors += kept_params(net, 1);
    }
    if (lami_session_average(session)) {
        LAM_TRY(lami_model_get_values(net, lami_session_average(session), in, path, "ema.", 0));
        tensors += kept_params(net, 0);
    }
    if (tensors != lami_st_in_count(in))
        return damaged(path, "it holds tensors of another update rule or network");
    lam_session_set_steps(session, state->step);
    return LAM_OK;
}
