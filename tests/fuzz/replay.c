/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target over files, where libFuzzer is not there to do it: those named as arguments, or (in `make check`) all of
 * $srcdir/tests/fuzz/corpus/NAME for a program called fuzz-NAME. Each input gets a buffer of exactly its size, so that the address
 * sanitizer sees the first byte that is read beyond it. */

#include "fuzz.h"
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void replay(const char *path)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *contents = NULL;
        gsize size;
        if (!g_file_get_contents(path, &contents, &size, &error)) {
                fprintf(stderr, "%s\n", error->message);
                exit(EXIT_FAILURE);
        }
        uint8_t *exact = malloc(size > 0 ? size : 1);
        memcpy(exact, contents, size);
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
}

static guint replay_folder(const char *path)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) folder = g_dir_open(path, 0, &error);
        if (folder == NULL) {
                fprintf(stderr, "%s\n", error->message);
                exit(EXIT_FAILURE);
        }
        guint count = 0;
        for (const char *name = g_dir_read_name(folder); name != NULL; name = g_dir_read_name(folder), count++) {
                g_autofree char *file = g_build_filename(path, name, NULL);
                replay(file);
        }
        return count;
}

static char *own_corpus(const char *program)
{
        g_autofree char *base = g_path_get_basename(program);
        const char *name = g_str_has_prefix(base, "fuzz-") ? base + strlen("fuzz-") : base;
        const char *srcdir = g_getenv("srcdir");
        return g_build_filename(srcdir != NULL ? srcdir : ".", "tests", "fuzz", "corpus", name, NULL);
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                if (g_file_test(argv[i], G_FILE_TEST_IS_DIR))
                        replay_folder(argv[i]);
                else
                        replay(argv[i]);
        if (argc > 1)
                return EXIT_SUCCESS;
        g_autofree char *corpus = own_corpus(argv[0]);
        if (replay_folder(corpus) > 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "%s is empty\n", corpus);
        return EXIT_FAILURE;
}
