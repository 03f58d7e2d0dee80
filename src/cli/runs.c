/* runs: see runs.h. */
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/file.h"
#include "../core/mem.h"

enum { RUNS_MOST = 1000000 };

lam_status cli_run_make(char **path)
{
    char name[32];
    if (mkdir("runs", 0777) && errno != EEXIST)
        return lami_fail(LAM_EWRITE, "cannot create runs: %s", strerror(errno));
    for (int i = 1; i < RUNS_MOST; i++) {
        snprintf(name, sizeof name, "runs/%03d", i);
        if (!mkdir(name, 0777))
            return (*path = lami_strdup(name)) ? LAM_OK : LAM_ENOMEM;
        if (errno != EEXIST)
            return lami_fail(LAM_EWRITE, "cannot create %s: %s", name, strerror(errno));
    }
    return lami_fail(LAM_EWRITE, "runs is full: name a folder with --out");
}

void cli_run_remove(const char *run)
{
    char *lock = lami_path_join(run, "lock");
    if (lock)
        unlink(lock);
    lami_free(lock);
    rmdir(run);
    rmdir("runs"); /* only when it is empty */
}
