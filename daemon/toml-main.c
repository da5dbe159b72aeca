/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysconsd-toml FILE...: prints the files as an array of trees (base/toml.h), for sysconsd and its worker, which need it only when
 * an image is pulled. A file that cannot be read or parsed: one line "FILE:LINE: problem" on standard error, and exit status 1. */

#include "base/toml.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SIZE = 1024 * 1024 };

static bool complain(const char *path, const char *problem)
{
        fprintf(stderr, "%s: %s\n", path, problem);
        return false;
}

/* *ret is the caller's, also on error. */
static bool read_file(const char *path, char **ret, size_t *ret_size)
{
        *ret = malloc(MAX_SIZE + 1);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        if (*ret == NULL || fd < 0 || fstat(fd, &st) < 0) {
                complain(path, strerror(errno));
                if (fd >= 0)
                        close(fd);
                return false;
        }
        size_t size = 0;
        ssize_t n = S_ISREG(st.st_mode) ? 1 : 0;
        while (n > 0 && size <= MAX_SIZE) {
                n = read(fd, *ret + size, MAX_SIZE + 1 - size);
                size += n > 0 ? (size_t)n : 0;
        }
        int problem = errno;
        close(fd);
        if (!S_ISREG(st.st_mode))
                return complain(path, "It is no regular file");
        if (n < 0)
                return complain(path, strerror(problem));
        if (size > MAX_SIZE)
                return complain(path, "It is larger than 1 MiB");
        *ret_size = size;
        return true;
}

static bool print_file(const char *path)
{
        char *text = NULL, *problem = NULL;
        size_t size = 0;
        unsigned line = 0;
        char *json = read_file(path, &text, &size) ? sc_toml_to_json(text, size, &problem, &line) : NULL;
        free(text);
        if (problem != NULL)
                fprintf(stderr, "%s:%u: %s\n", path, line, problem);
        free(problem);
        if (json == NULL)
                return false;
        fputs(json, stdout);
        free(json);
        return true;
}

int main(int argc, char **argv)
{
        putchar('[');
        for (int i = 1; i < argc; i++) {
                if (i > 1)
                        putchar(',');
                if (!print_file(argv[i]))
                        return EXIT_FAILURE;
        }
        putchar(']');
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
