/* memory_folder: a folder of memory files under the names that a kind of data set knows, one per process; taken away at
 * exit. */
#ifndef LAMI_FUZZ_MEMORY_FOLDER_H
#define LAMI_FUZZ_MEMORY_FOLDER_H

#include "memory_file.h"

enum { MEMORY_FOLDER_FILES = 2 };

static char folder[] = "/tmp/lamina-fuzz-XXXXXX";
static const char *const *folder_names; /* NULL: not made yet */

static inline void folder_clean(void)
{
    char path[128];
    for (int i = 0; i < MEMORY_FOLDER_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, folder_names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Make `folder` with links to the files, whose contents are set; on later calls it is there already. */
static inline void folder_make(const memory_file files[MEMORY_FOLDER_FILES], const char *const *names)
{
    char path[128];
    if (folder_names)
        return;
    folder_names = names;
    require(mkdtemp(folder) != NULL);
    atexit(folder_clean);
    for (int i = 0; i < MEMORY_FOLDER_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        require(symlink(files[i].path, path) == 0);
    }
}

#endif
