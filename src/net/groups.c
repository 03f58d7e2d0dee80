/* groups: see groups.h. */
#include "groups.h"

#include <string.h>

#include "../core/mem.h"
#include "../core/nearest.h"
#include "../core/number.h"
#include "../optim/optim.h"

enum { WORD = 80 };

static const char *const keys[] = { "lr", "l2", "weight-decay", "norm", "steps", "init", "optim" };
enum { KEY_LR, KEY_L2, KEY_DECAY, KEY_NORM, KEY_STEPS, KEY_INIT, KEY_OPTIM, KEYS, NUMBERS = KEY_STEPS };

static const char *param_name(size_t i, const void *net)
{
    return ((const lam_net *)net)->param[i].name;
}

/* The next word of a rule, cut off at white space; 0 at its end or where it is too long. */
static int next_word(char word[WORD], const char **at, const char *end)
{
    static const char space[] = " \t";
    while (*at < end && strchr(space, **at))
        ++*at;
    size_t length = 0;
    for (; *at < end && !strchr(space, **at); ++*at)
        if (length + 1 < WORD)
            word[length++] = **at;
        else
            return 0;
    word[length] = 0;
    return length > 0;
}

/* Does text match a pattern of *, any number of characters, and ?, one? Backtracks to the last * only. */
static int matches(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == *text || *pattern == '?') {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++retry;
        } else
            return 0;
    }
    return pattern[strspn(pattern, "*")] == 0;
}

typedef struct rule {
    char pattern[WORD];
    int key, factor;  /* factor: value multiplies what the options say */
    lami_start start; /* of init */
    const lami_optim *optim;
    double value;
    uint64_t steps;
} rule;

static lam_status bad_rule(const char *text, size_t length)
{
    return lami_fail(LAM_EOPTION, "--set: \"%.*s\" is not PATTERN KEY VALUE, such as batchnorm*.beta lr x64",
                     (int)(length < WORD ? length : WORD), text);
}

static const char *optim_name(size_t i, const void *unused)
{
    (void)unused;
    return lami_optims[i]->name;
}

static lam_status parse_optim(rule *r, const char *name)
{
    size_t count = 0;
    char meant[LAMI_MEANT_TEXT];
    if (!lami_optim_find(&r->optim, name))
        return LAM_OK;
    while (lami_optims[count])
        count++;
    return lami_fail(LAM_EOPTION, "--set %s optim: no update rule \"%s\"%s", r->pattern, name,
                     lami_did_you_mean(meant, name, count, optim_name, NULL));
}

static lam_status parse_steps(rule *r, const char *value)
{
    if (lami_parse_u64(&r->steps, value) || !r->steps)
        return lami_fail(LAM_EOPTION, "--set %s steps: \"%s\" is not a whole number of at least 1%s", r->pattern, value,
                         strcmp(value, "0") ? "" : "; lr 0 leaves a parameter as it is");
    return LAM_OK;
}

static lam_status parse_rule(rule *r, const char *text, size_t length)
{
    char key[WORD], value[WORD], rest[WORD];
    const char *at = text, *end = text + length;
    if (!next_word(r->pattern, &at, end) || !next_word(key, &at, end) || !next_word(value, &at, end) ||
        next_word(rest, &at, end) || at < end)
        return bad_rule(text, length);
    for (r->key = 0; r->key < KEYS && strcmp(key, keys[r->key]); r->key++)
        ;
    if (r->key == KEYS) {
        char meant[LAMI_MEANT_TEXT];
        return lami_fail(LAM_EOPTION, "--set: unknown key \"%s\"%s (lr, l2, weight-decay, norm, steps, init, optim)",
                         key, lami_did_you_mean(meant, key, KEYS, lami_nth_text, keys));
    }
    if (r->key == KEY_OPTIM)
        return parse_optim(r, value);
    r->factor = value[0] == 'x';
    r->start = r->factor ? LAMI_START_DRAWN : LAMI_START_DEVIATION;
    if (r->key == KEY_INIT && (!strcmp(value, "dirac") || !strcmp(value, "whiten"))) {
        r->start = value[0] == 'd' ? LAMI_START_DIRAC : LAMI_START_WHITEN;
        return LAM_OK;
    }
    if (r->key == KEY_STEPS)
        return parse_steps(r, value);
    if (r->key == KEY_NORM && r->factor)
        return lami_fail(LAM_EOPTION, "--set %s norm %s: there is none to multiply; give a number", r->pattern, value);
    if (lami_parse_real(&r->value, value + r->factor) || !(r->value >= 0))
        return lami_fail(LAM_EOPTION, "--set: \"%s\" is not a number of at least 0, or x and a factor%s", value,
                         r->key == KEY_INIT ? ", dirac or whiten" : "");
    return LAM_OK;
}

static lam_status check_weight(const lami_net_param *p, const rule *r)
{
    return p->spec->init == LAMI_INIT_WEIGHT
               ? LAM_OK
               : lami_fail(LAM_EOPTION, "--set %s %s: %s is no weight", r->pattern, keys[r->key], p->name);
}

/* init: of weights alone, dirac and whiten of convolutions. */
static lam_status apply_start(lami_param_rule *to, const lam_net *net, size_t param, const rule *r)
{
    const lami_net_param *p = &net->param[param];
    LAM_TRY(check_weight(p, r));
    if (r->start >= LAMI_START_DIRAC && !p->spec->kernel)
        return lami_fail(LAM_EOPTION, "--set %s init: dirac and whiten are for convolutions; %s is none", r->pattern,
                         p->name);
    if (r->start == LAMI_START_WHITEN && net->node[p->node].input != LAMI_NET_INPUT)
        return lami_fail(LAM_EOPTION, "--set %s init whiten is for a convolution of the input; %s is none", r->pattern,
                         p->name);
    to->start = r->start;
    to->start_value = r->value;
    return LAM_OK;
}

/* `base`: the options' learning rate, L2 and weight decay. */
static lam_status apply_rule(lami_param_rule *rules, const lam_net *net, const rule *r, const double base[NUMBERS])
{
    int any = 0;
    double value = r->factor && r->key < NUMBERS ? r->value * base[r->key] : r->value;
    if (r->key == KEY_LR) { /* a factor, whatever the schedule */
        if (!r->factor && r->value > 0 && !(base[KEY_LR] > 0))
            return lami_fail(LAM_EOPTION, "--set %s lr %g: give a factor (x2): --lr is 0", r->pattern, r->value);
        value = r->factor || !(r->value > 0) ? r->value : r->value / base[KEY_LR];
    }
    for (size_t i = 0; i < net->params; i++) {
        if (!matches(r->pattern, net->param[i].name))
            continue;
        any = 1;
        if (!net->param[i].spec->trained) /* running statistics: nothing to set, but no mistake: batchnorm1.* */
            continue;
        double *to[NUMBERS] = { &rules[i].lr, &rules[i].l2, &rules[i].weight_decay, &rules[i].norm };
        if (r->key == KEY_NORM)
            LAM_TRY(check_weight(&net->param[i], r));
        if (r->key == KEY_INIT)
            LAM_TRY(apply_start(&rules[i], net, i, r));
        else if (r->key == KEY_OPTIM)
            rules[i].optim = r->optim;
        else if (r->key == KEY_STEPS)
            rules[i].steps = r->steps;
        else
            *to[r->key] = value;
    }
    if (any)
        return LAM_OK;
    char meant[LAMI_MEANT_TEXT];
    lami_did_you_mean(meant, r->pattern, net->params, param_name, net);
    return lami_fail(LAM_EOPTION, "--set: no parameter matches \"%s\"%s", r->pattern,
                     *meant ? meant : " (lamina describe lists them)");
}

static lam_status apply_all(lami_param_rule *rules, const lam_net *net, const char *text, const double base[NUMBERS])
{
    while (text && *text) {
        const size_t length = strcspn(text, ";"), blank = strspn(text, " \t");
        if (blank < length) {
            rule r;
            LAM_TRY(parse_rule(&r, text, length));
            LAM_TRY(apply_rule(rules, net, &r, base));
        }
        text += length + (text[length] == ';');
    }
    return LAM_OK;
}

lam_status lami_param_rules(lami_param_rule **out, const lam_net *net, const lam_options *o)
{
    const lami_optim *optim;
    *out = NULL;
    LAM_TRY(lami_optim_find(&optim, o->optim));
    const double base[NUMBERS] = { o->lr >= 0 ? o->lr : optim->lr, o->l2,
                                   o->weight_decay >= 0 ? o->weight_decay : optim->weight_decay };
    lami_param_rule *rules = lami_alloc(net->params, sizeof *rules);
    if (!rules)
        return LAM_ENOMEM;
    for (size_t i = 0; i < net->params; i++) {
        const lami_param_spec *s = net->param[i].spec;
        if (s->trained)
            rules[i] = (lami_param_rule) { .optim = optim,
                                           .lr = 1,
                                           .l2 = s->decays ? base[KEY_L2] : 0,
                                           .weight_decay = s->decays ? base[KEY_DECAY] : 0,
                                           .start_value = 1 };
    }
    const lam_status status = apply_all(rules, net, o->set_rules, base);
    for (size_t i = 0; i < net->params; i++)
        if (rules[i].optim && rules[i].optim->others && net->param[i].spec->init != LAMI_INIT_WEIGHT)
            rules[i].optim = rules[i].optim->others;
    if (status)
        lami_free(rules);
    else
        *out = rules;
    return status;
}
