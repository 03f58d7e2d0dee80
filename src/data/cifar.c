/* cifar: see cifar.h. Sizes come first: nothing is read before the whole set has its place in memory. A pickle does
 * not say how many pictures it has until it has been read, but at most one for each 3,072 bytes: it gets that much
 * room, and what is left over is closed afterwards. */
#include "cifar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../core/file.h"
#include "../core/mem.h"
#include "pickle.h"
#include "tar.h"

enum { FORMS = LAMI_CIFAR_FORMS, FILES = LAMI_CIFAR_FILES, PIXELS = 3 * 32 * 32 };
enum { NAMES_BYTES = 1 << 14, PICKLE_BYTES = 1 << 29, LEVEL_TEXT = 64, NO_FILE = -1 };

/* What is there, before anything is read. */
typedef struct files {
    const lami_cifar *set;
    int form; /* the one that is read */
    int here[FORMS][FILES];
    uint64_t bytes[FORMS][FILES];
    char *names[FORMS];                /* content of the file of names, a 0 at its end */
    size_t first[FILES], count[FILES]; /* place in the part, pictures */
} files;

static const char *file_name(const files *f, size_t i)
{
    return f->set->form[f->form].file[i];
}

static size_t test_file(const lami_cifar *set)
{
    return set->batches;
}

static size_t names_file(const lami_cifar *set)
{
    return set->batches + 1;
}

static lami_part *part_of(lam_data *data, const lami_cifar *set, size_t i)
{
    return &data->part[i == test_file(set) ? LAM_TEST : LAM_TRAIN];
}

/* ---- places ---- */

/* The most pictures that file i can have; 0 and a message where its size is impossible. */
static size_t most_pictures(const files *f, size_t i, const char *path)
{
    const uint64_t bytes = f->bytes[f->form][i];
    const uint64_t record = f->form == LAMI_CIFAR_BINARY ? f->set->labels + PIXELS : PIXELS;
    if (f->form == LAMI_CIFAR_BINARY && (bytes % record || !bytes))
        lami_fail(LAM_EFORMAT, "%s: %s has %" PRIu64 " bytes, not a multiple of %" PRIu64 " (%s and 3x32x32 pixels)",
                  path, file_name(f, i), bytes, record, f->set->labels == 1 ? "a label" : "two labels");
    else if (bytes < record)
        lami_fail(LAM_EFORMAT, "%s: %s has %" PRIu64 " bytes: too few for a picture", path, file_name(f, i), bytes);
    else if (bytes / record >= UINT32_MAX || (f->form == LAMI_CIFAR_PYTHON && bytes > PICKLE_BYTES))
        lami_fail(LAM_EFORMAT, "%s: %s has %" PRIu64 " bytes: too many", path, file_name(f, i), bytes);
    else
        return (size_t)(bytes / record);
    return 0;
}

/* Choose the form, check sizes, place the files in their parts, and make room for them. */
static lam_status make_room(lam_data *data, files *f, const char *path)
{
    const size_t batches = f->set->batches;
    size_t room[2] = { 0, 0 };
    int any[FORMS] = { 0 };
    for (int form = 0; form < FORMS; form++)
        for (size_t i = 0; i < batches; i++)
            any[form] |= f->here[form][i];
    f->form = any[LAMI_CIFAR_PYTHON] && !any[LAMI_CIFAR_BINARY] ? LAMI_CIFAR_PYTHON : LAMI_CIFAR_BINARY;
    const int *here = f->here[f->form];
    for (size_t i = 1; i < batches; i++)
        if (here[i] && !here[i - 1])
            return lami_fail(LAM_EREAD, "%s: %s is missing, but %s is there", path, file_name(f, i - 1),
                             file_name(f, i));
    if (!here[0])
        return lami_fail(LAM_EREAD, "%s: %s is missing", path, file_name(f, 0));
    for (size_t i = 0; i < names_file(f->set); i++) {
        const int is_test = i == test_file(f->set);
        if (!here[i])
            continue;
        f->first[i] = room[is_test];
        f->count[i] = most_pictures(f, i, path);
        if (!f->count[i])
            return LAM_EFORMAT;
        room[is_test] += f->count[i];
    }
    data->dtype = LAM_U8;
    data->shape = lami_shape3(3, 32, 32);
    LAM_TRY(lami_data_room(data, LAM_TRAIN, room[0]));
    return room[1] ? lami_data_room(data, LAM_TEST, room[1]) : LAM_OK;
}

/* Where files had fewer pictures than they have room for: move those of the later files down. */
static void close_gaps(lam_data *data, const files *f)
{
    size_t end[2] = { 0, 0 };
    for (size_t i = 0; i < names_file(f->set); i++) {
        const int is_test = i == test_file(f->set);
        lami_part *part = part_of(data, f->set, i);
        if (!f->here[f->form][i])
            continue;
        if (end[is_test] < f->first[i]) {
            uint8_t *x = part->x_owned;
            memmove(x + end[is_test] * PIXELS, x + f->first[i] * PIXELS, f->count[i] * PIXELS);
            memmove(part->label + end[is_test], part->label + f->first[i], f->count[i] * sizeof *part->label);
        }
        end[is_test] += f->count[i];
        part->count = end[is_test];
    }
}

/* ---- batches ---- */

static lam_status check_label(const files *f, const char *path, size_t i, size_t record, size_t which, int64_t label)
{
    const int limit = f->set->limit[which];
    if (label >= 0 && label < limit)
        return LAM_OK;
    return lami_fail(LAM_EFORMAT, "%s: %slabel of record %zu of %s is %" PRId64 "; labels are 0 to %d", path,
                     f->set->labels == 1 ? ""
                     : which             ? "fine "
                                         : "coarse ",
                     record, file_name(f, i), label, limit - 1);
}

static lam_status read_binary(lam_data *data, const files *f, size_t i, lami_gzip *in)
{
    lami_part *part = part_of(data, f->set, i);
    for (size_t k = 0; k < f->count[i]; k++) {
        uint8_t labels[LAMI_CIFAR_LABELS];
        LAM_TRY(lami_gzip_read(in, labels, f->set->labels));
        for (size_t j = 0; j < f->set->labels; j++)
            LAM_TRY(check_label(f, lami_gzip_path(in), i, k, j, labels[j]));
        part->label[f->first[i] + k] = labels[f->set->label];
        LAM_TRY(lami_gzip_read(in, (uint8_t *)part->x_owned + (f->first[i] + k) * PIXELS, PIXELS));
    }
    return LAM_OK;
}

/* What a batch's dictionary holds, to its place. `name` is that of the file. */
static lam_status take_pickle(lam_data *data, files *f, size_t i, const lami_pickle *p, const char *name)
{
    const lami_pickle_value *pixels, *labels;
    const lami_part *part = part_of(data, f->set, i);
    LAM_TRY(lami_pickle_get(&pixels, p, "data"));
    LAM_TRY(lami_pickle_get(&labels, p, f->set->key));
    if (!pixels || pixels->type != LAMI_PICKLE_ARRAY)
        return lami_fail(LAM_EFORMAT, "%s: no array of bytes under the key data", name);
    if (!labels || labels->type != LAMI_PICKLE_LIST)
        return lami_fail(LAM_EFORMAT, "%s: no list under the key %s", name, f->set->key);
    const size_t rows = pixels->u.array.rows, columns = pixels->u.array.columns;
    if (columns != PIXELS || !rows || rows > f->count[i])
        return lami_fail(LAM_EFORMAT, "%s: the array is %zux%zu; Nx%d is needed", name, rows, columns, PIXELS);
    if (labels->u.list.count != rows)
        return lami_fail(LAM_EFORMAT, "%s: %zu pictures, but %zu labels", name, rows, labels->u.list.count);
    for (size_t k = 0; k < rows; k++) {
        const lami_pickle_value *label = lami_pickle_item(p, labels, k);
        if (label->type != LAMI_PICKLE_INT)
            return lami_fail(LAM_EFORMAT, "%s: label %zu is not a whole number", name, k);
        LAM_TRY(check_label(f, name, i, k, f->set->label, label->u.number));
        part->label[f->first[i] + k] = (int32_t)label->u.number;
    }
    uint8_t *x = (uint8_t *)part->x_owned + f->first[i] * PIXELS;
    if (!pixels->u.array.by_columns)
        memcpy(x, pixels->u.array.at, rows * PIXELS);
    for (size_t j = 0; pixels->u.array.by_columns && j < PIXELS; j++)
        for (size_t k = 0; k < rows; k++)
            x[k * PIXELS + j] = pixels->u.array.at[j * rows + k];
    f->count[i] = rows;
    return LAM_OK;
}

static lam_status read_python(lam_data *data, files *f, size_t i, lami_gzip *in, const char *name)
{
    lam_status status;
    void *bytes = NULL;
    lami_pickle *p = NULL;
    const size_t size = (size_t)f->bytes[f->form][i];
    LAM_TRY_DONE(lami_pages_new(&bytes, size));
    LAM_TRY_DONE(lami_gzip_read(in, bytes, size));
    LAM_TRY_DONE(lami_pickle_read(&p, bytes, size, name));
    LAM_TRY_DONE(take_pickle(data, f, i, p, name));
done:
    lami_pickle_free(p);
    lami_pages_free(bytes, size);
    return status;
}

/* File i, from where the stream stands. `name` is what messages call it. */
static lam_status read_batch(lam_data *data, files *f, size_t i, lami_gzip *in, const char *name)
{
    return f->form == LAMI_CIFAR_BINARY ? read_binary(data, f, i, in) : read_python(data, f, i, in, name);
}

/* ---- names of the classes ---- */

static lam_status read_names(files *f, int form, lami_gzip *in, uint64_t bytes)
{
    if (bytes >= NAMES_BYTES)
        return lami_fail(LAM_EFORMAT, "%s: %s has %" PRIu64 " bytes, too many for %d names", lami_gzip_path(in),
                         f->set->form[form].file[names_file(f->set)], bytes, f->set->limit[f->set->label]);
    f->names[form] = lami_alloc((size_t)bytes + 1, 1);
    return f->names[form] ? lami_gzip_read(in, f->names[form], (size_t)bytes) : LAM_ENOMEM;
}

static lam_status wrong_byte(const char *where, size_t name, int byte)
{
    return lami_fail(LAM_EFORMAT, "%s: class %zu has a byte %02x in its name", where, name, byte);
}

static lam_status wrong_count(const char *where, size_t count, size_t classes)
{
    return lami_fail(LAM_EFORMAT, "%s names %zu classes, not %zu", where, count, classes);
}

/* Lines, of which empty ones do not count. The text is cut up. */
static lam_status names_of_lines(const char **names, size_t classes, char *text, const char *where)
{
    size_t count = 0;
    for (char *at = text; *at;) {
        char *const line = at;
        while (*at >= ' ' && *at <= '~')
            at++;
        if (*at && *at != '\n' && *at != '\r')
            return wrong_byte(where, count, (unsigned char)*at);
        if (*at)
            *at++ = 0;
        if (!*line)
            continue;
        if (count < classes)
            names[count] = line;
        count++;
    }
    return count == classes ? LAM_OK : wrong_count(where, count, classes);
}

/* Names as strings with a 0 at their end, into `text`, which has a byte more than the pickle. */
static lam_status names_of_list(const char **names, size_t classes, char *text, const lami_pickle *p,
                                const lami_pickle_value *list, const char *where)
{
    if (list->u.list.count != classes)
        return wrong_count(where, list->u.list.count, classes);
    size_t room = NAMES_BYTES;
    for (size_t i = 0; i < classes; i++) {
        const lami_pickle_value *name = lami_pickle_item(p, list, i);
        if ((name->type != LAMI_PICKLE_BYTES && name->type != LAMI_PICKLE_TEXT) || !name->u.bytes.size ||
            name->u.bytes.size >= room)
            return lami_fail(LAM_EFORMAT, "%s: class %zu has no name", where, i);
        for (size_t j = 0; j < name->u.bytes.size; j++) {
            const uint8_t c = name->u.bytes.at[j];
            if (c < ' ' || c > '~')
                return wrong_byte(where, i, c);
            text[j] = (char)c;
        }
        names[i] = text;
        text += name->u.bytes.size + 1;
        room -= name->u.bytes.size + 1;
    }
    return LAM_OK;
}

static lam_status names_of_pickle(const files *f, const char **names, size_t classes, char *text, const char *where)
{
    lam_status status;
    lami_pickle *p = NULL;
    const lami_pickle_value *list = NULL;
    const size_t size = (size_t)f->bytes[f->form][names_file(f->set)];
    LAM_TRY_DONE(lami_pickle_read(&p, f->names[f->form], size, where));
    LAM_TRY_DONE(lami_pickle_get(&list, p, f->set->names_key));
    status = list && list->type == LAMI_PICKLE_LIST
                 ? names_of_list(names, classes, text, p, list, where)
                 : lami_fail(LAM_EFORMAT, "%s: no list under the key %s", where, f->set->names_key);
done:
    lami_pickle_free(p);
    return status;
}

static lam_status set_names(lam_data *data, const files *f, const char *path)
{
    lam_status status = LAM_ENOMEM;
    const size_t classes = f->set->limit[f->set->label];
    if (!f->names[f->form])
        return lami_data_set_classes(data, classes, f->set->class_name);
    char *text = lami_alloc(NAMES_BYTES, 1), *where = NULL;
    const char **names = lami_alloc(classes, sizeof *names);
    const size_t where_size = strlen(path) + 64;
    where = lami_alloc(where_size, 1);
    if (!text || !names || !where)
        goto done;
    snprintf(where, where_size, "%s: %s", path, file_name(f, names_file(f->set)));
    if (f->form == LAMI_CIFAR_BINARY)
        LAM_TRY_DONE(names_of_lines(names, classes, f->names[f->form], where));
    else
        LAM_TRY_DONE(names_of_pickle(f, names, classes, text, where));
    status = lami_data_set_classes(data, classes, names);
done:
    lami_free(where);
    lami_free(names);
    lami_free(text);
    return status;
}

/* ---- a folder ---- */

enum { PACKED_MOST = 1 << 30, BLOCK = 1 << 14 };

/* Is the file there, as it is or packed under its name with .gz? */
static int has_file(const char *folder, const char *name)
{
    char packed[LEVEL_TEXT + 4];
    snprintf(packed, sizeof packed, "%.*s.gz", LEVEL_TEXT - 1, name);
    return lami_data_has(folder, name) || lami_data_has(folder, packed);
}

/* Its path, yours; NULL without memory. */
static char *path_of(const char *folder, const char *name)
{
    char packed[LEVEL_TEXT + 4];
    snprintf(packed, sizeof packed, "%.*s.gz", LEVEL_TEXT - 1, name);
    return lami_path_join(folder, lami_data_has(folder, name) ? name : packed);
}

/* Bytes of a file, those of a packed one counted by unpacking it. */
static lam_status count_bytes(uint64_t *bytes, const lami_gzip *in)
{
    lam_status status = LAM_OK;
    uint8_t block[BLOCK];
    size_t got = sizeof block;
    lami_gzip *again = NULL;
    *bytes = lami_gzip_most(in);
    if (!lami_gzip_packed(in))
        return LAM_OK;
    LAM_TRY_DONE(lami_gzip_open(&again, lami_gzip_path(in)));
    for (*bytes = 0; got == sizeof block; *bytes += got) {
        LAM_TRY_DONE(lami_gzip_read_some(again, block, sizeof block, &got));
        if (*bytes > PACKED_MOST) {
            status = lami_fail(LAM_EFORMAT, "%s: over %d bytes when unpacked", lami_gzip_path(in), PACKED_MOST);
            break;
        }
    }
done:
    lami_gzip_close(again);
    return status;
}

/* Call use(data, f, form, i, stream) for each file of a form that is there. */
static lam_status each_file(lam_data *data, files *f, int form, const char *folder,
                            lam_status (*use)(lam_data *data, files *f, int form, size_t i, lami_gzip *in))
{
    for (size_t i = 0; i <= names_file(f->set); i++) {
        char *path = path_of(folder, f->set->form[form].file[i]);
        if (!path)
            return LAM_ENOMEM;
        lami_gzip *in = NULL;
        lam_status status = LAM_OK;
        if (lami_is_file(path) && !(status = lami_gzip_open(&in, path)))
            status = use(data, f, form, i, in);
        lami_gzip_close(in);
        lami_free(path);
        LAM_TRY(status);
    }
    return LAM_OK;
}

static lam_status look_at_file(lam_data *data, files *f, int form, size_t i, lami_gzip *in)
{
    (void)data;
    f->here[form][i] = 1;
    LAM_TRY(count_bytes(&f->bytes[form][i], in));
    return i == names_file(f->set) ? read_names(f, form, in, f->bytes[form][i]) : LAM_OK;
}

static lam_status read_file(lam_data *data, files *f, int form, size_t i, lami_gzip *in)
{
    if (i == names_file(f->set) || !f->here[form][i])
        return LAM_OK;
    LAM_TRY(read_batch(data, f, i, in, lami_gzip_path(in)));
    return lami_gzip_end(in);
}

static int has_form(const lami_cifar *set, int form, const char *folder)
{
    for (size_t i = 0; i < set->batches; i++)
        if (has_file(folder, set->form[form].file[i]))
            return 1;
    return 0;
}

static lam_status open_folder(lam_data *data, files *f, const char *folder)
{
    /* binary files first; but where only one form is there, the other's name of a file may be anything */
    for (int form = 0; form < FORMS; form++) {
        if (!has_form(f->set, form, folder))
            continue;
        LAM_TRY(each_file(data, f, form, folder, look_at_file));
        break;
    }
    LAM_TRY(make_room(data, f, folder));
    LAM_TRY(each_file(data, f, f->form, folder, read_file));
    close_gaps(data, f);
    return set_names(data, f, folder);
}

/* The folder, or its level where that is there and the files are not in the folder itself. */
static lam_status open_either(lam_data *data, files *f, const char *path)
{
    lam_status status = LAM_OK;
    const lami_cifar *set = f->set;
    for (int form = 0; form < FORMS && !has_form(set, 0, path) && !has_form(set, 1, path); form++) {
        char *below = lami_path_join(path, set->form[form].level);
        if (!below)
            return LAM_ENOMEM;
        const int here = lami_is_folder(below);
        if (here)
            status = open_folder(data, f, below);
        lami_free(below);
        if (here)
            return status;
    }
    return open_folder(data, f, path);
}

/* ---- an archive: two passes, as nothing is known of the sizes before all headers have been seen ---- */

/* Which of the files a member is, or NO_FILE. At any depth: archives differ in their first levels. */
static int which_file(const lami_cifar *set, const lami_tar_member *member, int *form)
{
    const char *slash = strrchr(member->name, '/');
    const char *name = slash ? slash + 1 : member->name;
    for (*form = 0; member->regular && *form < FORMS; ++*form)
        for (size_t i = 0; i <= names_file(set); i++)
            if (!strcmp(name, set->form[*form].file[i]))
                return (int)i;
    return NO_FILE;
}

static lam_status look_at_archive(files *f, lami_gzip *in)
{
    lami_tar tar = lami_tar_make(in);
    lami_tar_member member;
    for (int more;;) {
        int form;
        LAM_TRY(lami_tar_next(&tar, &member, &more));
        if (!more)
            return LAM_OK;
        const int i = which_file(f->set, &member, &form);
        if (i == NO_FILE)
            continue;
        if (f->here[form][i])
            return lami_fail(LAM_EFORMAT, "%s: %s is in it twice", lami_gzip_path(in), f->set->form[form].file[i]);
        f->here[form][i] = 1;
        f->bytes[form][i] = member.size;
        if ((size_t)i == names_file(f->set))
            LAM_TRY(read_names(f, form, in, member.size));
    }
}

static lam_status changed(const lami_gzip *in)
{
    return lami_fail(LAM_EREAD, "%s: changed while it was read", lami_gzip_path(in));
}

static lam_status read_archive(lam_data *data, files *f, lami_gzip *in, char *name, size_t name_size)
{
    lami_tar tar = lami_tar_make(in);
    lami_tar_member member;
    int seen[FILES] = { 0 };
    for (int more;;) {
        int form;
        LAM_TRY(lami_tar_next(&tar, &member, &more));
        if (!more)
            break;
        const int i = which_file(f->set, &member, &form);
        if (i == NO_FILE || form != f->form || (size_t)i == names_file(f->set))
            continue;
        if (seen[i] || !f->here[form][i] || f->bytes[form][i] != member.size)
            return changed(in);
        seen[i] = 1;
        snprintf(name, name_size, "%s: %s", lami_gzip_path(in), file_name(f, (size_t)i));
        LAM_TRY(read_batch(data, f, (size_t)i, in, name));
    }
    return memcmp(seen, f->here[f->form], names_file(f->set) * sizeof *seen) ? changed(in) : LAM_OK;
}

static lam_status open_archive(lam_data *data, files *f, const char *path)
{
    lam_status status;
    lami_gzip *in = NULL;
    const size_t name_size = strlen(path) + 64;
    char *name = lami_alloc(name_size, 1);
    if (!name)
        return LAM_ENOMEM;
    LAM_TRY_DONE(lami_gzip_open(&in, path));
    LAM_TRY_DONE(look_at_archive(f, in));
    lami_gzip_close(in);
    in = NULL;
    LAM_TRY_DONE(make_room(data, f, path));
    LAM_TRY_DONE(lami_gzip_open(&in, path));
    LAM_TRY_DONE(read_archive(data, f, in, name, name_size));
    close_gaps(data, f);
    LAM_TRY_DONE(set_names(data, f, path));
done:
    lami_gzip_close(in);
    lami_free(name);
    return status;
}

/* ---- both ---- */

/* An archive with one of the files in it: 1, 0, or -1 without memory. Looks no further than the first one. */
static int archive_matches(const lami_cifar *set, const char *path)
{
    lami_gzip *in = NULL;
    int more = 1, found = 0;
    if (!lami_tar_looks_like(path))
        return 0;
    lam_status status = lami_gzip_open(&in, path);
    lami_tar tar = lami_tar_make(in);
    while (!status && more && !found) {
        lami_tar_member member;
        int form;
        status = lami_tar_next(&tar, &member, &more);
        found = !status && more && which_file(set, &member, &form) != NO_FILE;
    }
    lami_gzip_close(in);
    return status == LAM_ENOMEM ? -1 : found;
}

/* A file called train could be anything: it needs another one beside it. */
static int folder_matches(const lami_cifar *set, int form, const char *folder, int in_level)
{
    const size_t other[] = { 0, test_file(set), names_file(set) };
    int has[3];
    for (int i = 0; i < 3; i++) {
        char name[LEVEL_TEXT];
        snprintf(name, sizeof name, "%s%s%s", in_level ? set->form[form].level : "", in_level ? "/" : "",
                 set->form[form].file[other[i]]);
        has[i] = has_file(folder, name);
    }
    return has[0] && (set->batches > 1 || has[1] || has[2]);
}

int lami_cifar_matches(const lami_cifar *set, const char *path)
{
    if (lami_is_file(path))
        return archive_matches(set, path);
    for (int i = 0; i < 2 * FORMS; i++)
        if (folder_matches(set, i / 2, path, i % 2))
            return 1;
    return 0;
}

lam_status lami_cifar_open(lam_data *data, const lami_cifar *set, const char *path)
{
    files *f = lami_alloc(1, sizeof *f);
    if (!f)
        return LAM_ENOMEM;
    f->set = set;
    const lam_status status = lami_is_folder(path) ? open_either(data, f, path) : open_archive(data, f, path);
    for (int form = 0; form < FORMS; form++)
        lami_free(f->names[form]);
    lami_free(f);
    return status;
}
