/* schedule: see schedule.h. */
#include "schedule.h"

#include <math.h>
#include <string.h>

#include "../core/mathfn.h"
#include "../core/number.h"
#include "../core/mem.h"

static const double pi = 3.14159265358979323846;
static const double one_cycle_start = 1.0 / 25; /* of the learning rate; as PyTorch's OneCycleLR */

static const char *const courses[] = { "constant", "step", "exponential", "linear", "cosine", "one-cycle" };

static lami_course course_of(const lam_options *o)
{
    for (int i = 0; i <= LAMI_ONE_CYCLE; i++)
        if (!strcmp(o->schedule, courses[i]))
            return (lami_course)i;
    return o->lr_decay >= 0 ? LAMI_EXPONENTIAL : LAMI_CONSTANT; /* auto */
}

/* Does it reach its end with the training? */
static int has_length(lami_course course)
{
    return course == LAMI_LINEAR || course == LAMI_COSINE || course == LAMI_ONE_CYCLE;
}

static lam_status no_use(const char *option, lami_course course, const char *wanted)
{
    return lami_fail(LAM_EOPTION, "--%s has no effect with --schedule %s (%s)", option, courses[course], wanted);
}

lam_status lami_schedule_resolve(lam_options *o)
{
    const lami_course course = course_of(o);
    const int decays = course == LAMI_STEP || course == LAMI_EXPONENTIAL;
    if (o->lr_decay >= 0 && !decays)
        return no_use("lr-decay", course, "step and exponential have one");
    if (o->lr_every >= 0 && course != LAMI_STEP)
        return no_use("lr-every", course, "only step has one");
    if (o->lr_final > 0 && !has_length(course))
        return no_use("lr-final", course, "linear, cosine and one-cycle have one");
    LAM_TRY(lam_options_set(o, "schedule", courses[course]));
    if (decays && o->lr_decay < 0)
        LAM_TRY(lam_options_set(o, "lr-decay", course == LAMI_STEP ? "0.1" : "0.95"));
    return course == LAMI_ONE_CYCLE && !o->warmup ? lam_options_set(o, "warmup", "0.3") : LAM_OK;
}

static int needs_length(const char *warmup)
{
    uint64_t count;
    return warmup && !lami_parse_unit(&count, warmup, "steps") && !lami_parse_unit(&count, warmup, "epochs");
}

int lami_schedule_has_end(const lam_options *o)
{
    const lami_course course = course_of(o);
    return has_length(course) || (course == LAMI_STEP && o->lr_every < 0) || needs_length(o->warmup);
}

static lam_status set_warmup(lami_schedule *s, const char *text)
{
    double share;
    if (!text || lami_parse_unit(&s->warmup, text, "steps"))
        return LAM_OK;
    if (lami_parse_unit(&s->warmup, text, "epochs")) {
        size_t product;
        if (lami_mul(&product, s->warmup, s->per_epoch))
            return lami_fail(LAM_EOPTION, "--warmup: %.64s is too long", text);
        s->warmup = product;
        return LAM_OK;
    }
    if (lami_parse_real(&share, text) || !(share >= 0 && share <= 1))
        return lami_fail(LAM_EOPTION,
                         "--warmup: \"%.64s\" is not a fraction of the training (0.1), 500steps or 2epochs", text);
    s->warmup = (uint64_t)floor(share * (double)s->steps + 0.5);
    return LAM_OK;
}

lam_status lami_schedule_set(lami_schedule *s, const lam_options *o, uint64_t steps, uint64_t per_epoch)
{
    *s = (lami_schedule) { .course = course_of(o),
                           .lr = o->lr,
                           .decay = o->lr_decay,
                           .every = o->lr_every,
                           .final = o->lr_final,
                           .steps = steps,
                           .per_epoch = per_epoch,
                           .powered = o->lr };
    if (!steps && lami_schedule_has_end(o))
        return lami_fail(
            LAM_EOPTION,
            "--schedule %s%s depends on the length of the training: give --epochs or --steps, not --time alone",
            courses[s->course], needs_length(o->warmup) ? " with this --warmup" : "");
    if (s->course == LAMI_STEP && s->every < 0)
        s->every = (double)steps / (double)per_epoch / 3;
    return set_warmup(s, o->warmup);
}

static double decayed(lami_schedule *s, uint64_t power)
{
    if (power < s->power) {
        s->power = 0;
        s->powered = s->lr;
    }
    for (; s->power < power; s->power++) {
        const double next = s->powered * s->decay;
        if (next == s->powered) /* 0, infinity, or no decay: it stays so */
            s->power = power - 1;
        s->powered = next;
    }
    return s->powered;
}

/* Half a cosine from `from` at share 0 to `to` at share 1. */
static double half_cosine(double from, double to, double share)
{
    return to + (from - to) * 0.5 * (1 + lami_cos(pi * share));
}

/* Share of what comes after the warm-up that is done, below 1 while training. */
static double share_after(const lami_schedule *s, uint64_t step)
{
    if (step >= s->steps)
        return 1;
    return step < s->warmup ? 0 : (double)(step - s->warmup) / (double)(s->steps - s->warmup);
}

double lami_schedule_lr(lami_schedule *s, uint64_t step)
{
    double lr = s->lr;
    switch (s->course) {
    case LAMI_CONSTANT:
        break;
    case LAMI_STEP:
        lr = decayed(s, (uint64_t)fmin(floor((double)step / (double)s->per_epoch / s->every), 0x1p63));
        break;
    case LAMI_EXPONENTIAL:
        lr = decayed(s, step / s->per_epoch);
        break;
    case LAMI_LINEAR:
        lr = s->lr + (s->lr * s->final - s->lr) * share_after(s, step);
        break;
    case LAMI_COSINE:
        lr = half_cosine(s->lr, s->lr * s->final, share_after(s, step));
        break;
    case LAMI_ONE_CYCLE:
        if (step < s->warmup)
            return half_cosine(s->lr * one_cycle_start, s->lr, (double)step / (double)s->warmup);
        lr = half_cosine(s->lr, s->lr * s->final, share_after(s, step));
        break;
    }
    return step < s->warmup ? lr * ((double)(step + 1) / (double)s->warmup) : lr;
}
