/* tally: see tally.h. */
#include "tally.h"

#include <math.h>

#include "../core/mathfn.h"
#include "../core/mem.h"

enum { TALLY_CLASSES = 4096 }; /* whose confusions are counted: 64 MiB; with more only how many were right */

static lam_status make_room(cli_tally *t, int worst)
{
    const size_t scores = t->net->classes;
    if (worst && (!(t->worst = lami_alloc(1, sizeof *t->worst)) || !(t->row = lami_alloc(scores, sizeof *t->row))))
        return LAM_ENOMEM;
    if (t->answer == CLI_LABELS)
        return (t->question = lami_alloc(scores, sizeof *t->question)) ? LAM_OK : LAM_ENOMEM;
    if (t->answer == CLI_VALUES)
        return (t->errors = lami_alloc(scores, sizeof *t->errors)) ? LAM_OK : LAM_ENOMEM;
    t->classes = t->answer == CLI_YES_NO ? 2 : scores;
    t->class_count = lami_alloc(t->classes, sizeof *t->class_count);
    t->right = lami_alloc(t->classes, sizeof *t->right);
    if (t->classes <= TALLY_CLASSES)
        t->confusion = lami_alloc(t->classes * t->classes, sizeof *t->confusion);
    return t->class_count && t->right && (t->confusion || t->classes > TALLY_CLASSES) ? LAM_OK : LAM_ENOMEM;
}

void cli_tally_free(cli_tally *t)
{
    lami_free(t->class_count);
    lami_free(t->right);
    lami_free(t->confusion);
    lami_free(t->question);
    lami_free(t->errors);
    lami_free(t->worst);
    lami_free(t->row);
    *t = (cli_tally) { 0 };
}

/* ---- how wrong a sample is --------------------------------------------------------------------------------------- */

/* By the loss, or what grows with it; of svm, and classes by mse, by how far the true score is below the best. */
static double class_badness(const cli_tally *t, const double *score, size_t label, size_t answer, double p_answer)
{
    if (t->answer == CLI_YES_NO)
        return label ? -score[0] : score[0];
    if (t->net->loss == &lami_softmax) /* log of the sum of exp(score - best) is -log(p_answer) */
        return score[answer] - score[label] - lami_log(p_answer);
    return t->net->loss == &lami_logistic ? -score[label] : score[answer] - score[label];
}

/* The number behind a class: its probability where there are some, else its score. */
static double number_of(const cli_tally *t, const double *number, size_t class)
{
    if (t->answer != CLI_YES_NO)
        return number[class];
    return cli_has_probability(t->net) && !class ? 1 - number[0] : number[0];
}

static void note_class(cli_tally *t, const void *scores, size_t i, size_t label)
{
    const size_t answer = cli_best(t->net, scores, i);
    cli_miss m = { .sample = t->scored + i, .truth = label, .answer = answer };
    cli_numbers(t->row, t->net, scores, i, 1);
    m.of_truth = number_of(t, t->row, label);
    m.of_answer = number_of(t, t->row, answer);
    cli_numbers(t->row, t->net, scores, i, 0);
    m.badness = class_badness(t, t->row, label, answer, m.of_answer);
    cli_worst_add(t->worst, &m);
}

/* log(1 + exp(x)), without overflow. */
static double softplus(double x)
{
    return (x > 0 ? x : 0) + lami_log(1 + lami_exp(x > 0 ? -x : x));
}

/* The sum of the losses of its answers; shown is the worst of them. */
static void note_questions(cli_tally *t, const void *scores, size_t i, const double *truth)
{
    cli_miss m = { .sample = t->scored + i };
    double most = -INFINITY;
    cli_numbers(t->row, t->net, scores, i, 0);
    for (size_t k = 0; k < t->net->classes; k++) {
        const int yes = truth[k] > 0.5;
        const double against = yes ? -t->row[k] : t->row[k];
        m.badness += softplus(against);
        if (!(against <= most)) {
            most = against;
            m.truth = k;
            m.answer = (size_t)yes;
            m.of_truth = cli_sigmoid(-against);
        }
    }
    cli_worst_add(t->worst, &m);
}

/* Squares of errors in units of training, where targets are of like size; shown is the worst of them. */
static void note_values(cli_tally *t, const void *scores, size_t i, const double *truth)
{
    const lami_units *u = &t->net->units;
    cli_miss m = { .sample = t->scored + i };
    double most = -INFINITY;
    cli_numbers(t->row, t->net, scores, i, 0);
    for (size_t k = 0; k < t->net->classes; k++) {
        const double value = u->count ? t->row[k] * u->scale[k] + u->shift[k] : t->row[k];
        const double error = (value - truth[k]) / (u->count && u->scale[k] > 0 ? u->scale[k] : 1);
        m.badness += error * error;
        if (!(fabs(error) <= most)) {
            most = fabs(error);
            m.truth = k;
            m.of_truth = truth[k];
            m.of_answer = value;
        }
    }
    cli_worst_add(t->worst, &m);
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static void add_class(cli_tally *t, const void *scores, size_t i, const lami_batch *b)
{
    size_t asked = 0;
    const size_t label = (size_t)b->label[i], right = lami_right(&asked, t->net, scores, i, b);
    t->class_count[label]++;
    t->right[label] += right;
    if (t->confusion)
        t->confusion[label * t->classes + cli_best(t->net, scores, i)]++;
    if (t->worst && !right)
        note_class(t, scores, i, label);
}

static void add_questions(cli_tally *t, const void *scores, size_t i, const double *truth)
{
    size_t wrong = 0;
    for (size_t k = 0; k < t->net->classes; k++) {
        const int yes = truth[k] > 0.5, right = lami_right_yes(t->net, scores, i, k, yes);
        t->question[k].yes += (size_t)yes;
        t->question[k].right += (size_t)right;
        wrong += !right;
    }
    if (t->worst && wrong)
        note_questions(t, scores, i, truth);
}

static void add_batch(const void *scores, const lami_batch *b, double loss, void *arg)
{
    cli_tally *t = arg;
    t->loss += loss;
    if (t->errors)
        lami_errors_add(t->errors, t->net, scores, b);
    for (size_t i = 0; i < b->n; i++) {
        if (t->question)
            add_questions(t, scores, i, b->target[i]);
        else if (!t->errors)
            add_class(t, scores, i, b);
        else if (t->worst)
            note_values(t, scores, i, b->target[i]);
    }
    t->scored += b->n;
}

lam_status cli_tally_make(cli_tally *t, lam_session *session, const lam_net *net, const lam_data *data, lam_part part,
                          size_t count, int worst)
{
    *t = (cli_tally) { .net = net, .data = data, .part = part, .count = count, .answer = cli_answer_of(net, data) };
    LAM_TRY(make_room(t, worst));
    if (t->errors)
        lami_errors_begin(t->errors, data, part, NULL, count);
    return lami_score_batches(session, data, part, NULL, count, add_batch, t);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

double cli_tally_accuracy(const cli_tally *t)
{
    size_t right = 0;
    for (size_t c = 0; c < t->classes; c++)
        right += t->right[c];
    for (size_t k = 0; t->question && k < t->net->classes; k++)
        right += t->question[k].right;
    return (double)right / ((double)t->count * (t->question ? (double)t->net->classes : 1));
}

double cli_tally_class_accuracy(const cli_tally *t, size_t class)
{
    return t->class_count[class] ? (double)t->right[class] / (double)t->class_count[class] : NAN;
}

size_t cli_tally_mistaken(const cli_tally *t, size_t class)
{
    size_t mistaken = class;
    uint32_t most = 0;
    for (size_t c = 0; t->confusion && c < t->classes; c++) {
        const uint32_t count = t->confusion[class * t->classes + c];
        if (c != class && count > most) {
            most = count;
            mistaken = c;
        }
    }
    return mistaken;
}

lam_metrics cli_tally_errors(const cli_tally *t, size_t first, size_t targets)
{
    lam_metrics m = { 0 };
    lami_errors_end(&m, t->errors + first, targets, t->count);
    return m;
}

const char *cli_tally_name(char text[CLI_CLASS_TEXT], const cli_tally *t, size_t c)
{
    const char *name = cli_class_name(text, t->net, c);
    return name == text && c < t->data->classes ? lam_data_class_name(t->data, c) : name;
}
