/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files from /exports/hostfs on the host: copied (never hardlinked: an editor that writes in place would change the stored
 * object), recorded with their sha256, removed only if they still have it. */

#include "base/report.h"
#include "exports.h"
#include "variables.h"
#include <gio/gio.h>

typedef struct {
        char *source;      /* path below hostfs, "/etc/x.conf" */
        char *destination; /* absolute path on the host: source, or its renamed place rendered */
        char *checksum;    /* sha256 hex of the content as installed ("" for a folder or a symlink) */
        mode_t mode;       /* with the file type */
        uid_t uid;
        gid_t gid;
        bool rendered;     /* the content is a template */
        char *link;        /* target of a symlink, else NULL */
} ScHostFile;

void sc_host_file_free(ScHostFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScHostFile, sc_host_file_free)

/* What hostfs_fd (rootfs/exports/hostfs; -1: nothing) wants on the host, in an order that can be carried out (folders first: only
 * empty ones are entries, others are made as needed). Pure: reads the tree only. Destinations that are not clean absolute
 * paths are InvalidArgument. */
GPtrArray *sc_host_files_plan(int hostfs_fd, const ScExports *exports, const ScVariables *variables, GError **error);

/* Makes the host agree. `files` is the new deployment's plan, `old` the displaced one's (either may be NULL). For each destination:
 * in both and unmodified since: replaced in one step; only in old and unmodified: removed; modified: left alone with a message
 * (Will not delete F as it was manually modified.); only in new and something is there: left alone (File F already exists) unless it
 * is the same already. root_fd: the host's root folder. Each file and its folder are synced. Swapping the two arguments undoes it.
 * *ret_skipped (may be NULL) gets destinations in `files` that were left alone. */
bool sc_host_files_apply(int root_fd, int hostfs_fd, GPtrArray *files, const ScVariables *variables, GPtrArray *old, ScReport *report,
                         GPtrArray **ret_skipped, GError **error);
