/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "made-folders.h"

#include "base/atomicfile.h"
#include "base/path.h"
#include <dirent.h>
#include <fcntl.h>

#define FOLDER "sysconsd/made"

enum { MAX_LINES = 1024 * 1024 };

void sc_made_folders_remember(const ScScope *scope, const char *container, const char *text)
{
        sc_autofd run = text != NULL ? sc_open_dir(scope->run_directory, NULL) : -1;
        sc_autofd fd = run >= 0 ? sc_make_dirs(run, FOLDER, 0700, NULL) : -1;
        if (fd >= 0)
                (void)sc_write_file(fd, container, text, -1, 0600, SC_WRITE_REPLACE, NULL);
}

char *sc_made_folders_lines(const ScScope *scope)
{
        GString *lines = g_string_new(NULL);
        sc_autofd run = sc_open_dir(scope->run_directory, NULL);
        int fd = run >= 0 ? sc_open_beneath(run, FOLDER, O_RDONLY | O_DIRECTORY, 0, NULL) : -1;
        DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
        if (listing == NULL) {
                sc_close(&fd);
                return g_string_free(lines, FALSE);
        }
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                g_autofree char *text = NULL;
                if (entry->d_name[0] != '.' && sc_read_file(fd, entry->d_name, MAX_LINES, &text, NULL, NULL))
                        g_string_append_printf(lines, "%s\n", text);
        }
        closedir(listing);
        return g_string_free(lines, FALSE);
}
