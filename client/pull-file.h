/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `SOURCE:PATH[:NAME]` says on the command line, for sources that are files: sysconsd never opens a path in somebody's name,
 * so the file is opened here, with the rights of who calls, and handed over. A folder is shown file by file (base/door.h). */

#include "base/source.h"

typedef struct {
        char *subject;   /* as sysconsd takes it: "docker-archive:NAME" */
        int fd;          /* to hand over */
        char *file_name; /* what the image can be called by; NULL: nothing */
        bool is_folder;  /* it is shown until the end */
        /* of a folder */
        int own_end, dir_fd;
        GThread *server;
        GPid skopeo; /* that writes into it; 0: none */
} ScPullFile;

/* SOURCE:PATH or SOURCE:PATH:NAME; PATH has no colon in it, and "-" is standard input; or what skopeo reads (pull-skopeo.h). *ret
 * NULL: the source is no file. */
bool sc_pull_file_open(const char *text, ScPullFile **ret, GError **error);
/* A folder is not shown any more, and skopeo not waited for. */
void sc_pull_file_free(ScPullFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPullFile, sc_pull_file_free)
