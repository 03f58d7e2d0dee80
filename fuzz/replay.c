/* replay: feeds files, or all files of folders, to a fuzz target: the corpus as a test, without libFuzzer.
 *   usage: replay FILE|FOLDER... */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_TEXT = 4096, LARGEST = 1 << 24 };

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    static uint8_t buffer[LARGEST];
    const size_t size = fread(buffer, 1, LARGEST, file);
    fclose(file);
    uint8_t *data = malloc(size ? size : 1); /* of this very size: so that sanitizers see reads past the end */
    if (!data)
        return 1;
    for (size_t i = 0; i < size; i++)
        data[i] = buffer[i];
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int replay_folder(const char *path)
{
    DIR *dir = opendir(path);
    int failed = !dir;
    if (!dir)
        perror(path);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        char inner[PATH_TEXT];
        struct stat st;
        const int length = snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (length < PATH_TEXT && !stat(inner, &st) && S_ISREG(st.st_mode))
            failed |= replay_file(inner);
    }
    if (dir)
        closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    if (failed)
        fprintf(stderr, "usage: replay FILE|FOLDER...\n");
    for (int i = 1; i < argc; i++) {
        struct stat st;
        failed |= !stat(argv[i], &st) && S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    return failed;
}
