/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files from /exports/hostfs on the host: copied (never hardlinked: an editor that writes in place would change the stored
 * object), recorded with their sha256, removed only if they still have it. */

#include "base/report.h"
#include "exports.h"
#include "variables.h"
#include <gio/gio.h>
#include <sys/stat.h>

typedef struct {
        char *source;      /* path below hostfs, "/etc/x.conf" */
        char *destination; /* absolute path on the host: source, or its renamed place rendered */
        char *checksum;    /* sha256 hex: of a file's content as installed, of a symlink's target; "" for a folder */
        mode_t mode;       /* with the file type */
        uid_t uid;
        gid_t gid;
        bool rendered; /* the content is a template */
        bool followed; /* the checksum is the atomic command's: of a symlink that of the file which it leads to; "0": no file */
        char *link;    /* target of a symlink, else NULL */
} ScHostFile;

void sc_host_file_free(ScHostFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScHostFile, sc_host_file_free)

/* Where an image's host files are read: paths are below hostfs, as "/etc/x.conf", "" is hostfs itself. */
typedef struct {
        /* Names in a folder, in any order. */
        char **(*list)(gpointer data, const char *folder, GError **error);
        /* *ret_link (NULL for anything else): the target of a symlink, newly allocated. */
        bool (*look)(gpointer data, const char *path, struct stat *ret, char **ret_link, GError **error);
        /* A regular file, for reading. */
        int (*open)(gpointer data, const char *path, GError **error);
} ScHostSource;

/* What hostfs (data NULL: there is none) wants on the host; see sc_host_files_plan(), which reads a folder on disk. */
GPtrArray *sc_host_files_plan_from(const ScHostSource *source, gpointer data, const ScExports *exports,
                                   const ScVariables *variables, GError **error);

/* What hostfs_fd (rootfs/exports/hostfs; -1: nothing) wants on the host, sorted by destination (folders: only
 * empty ones are entries, others are made as needed). Pure: reads the tree only. Destinations that are not clean absolute
 * paths are InvalidArgument, so are two files for one place. */
GPtrArray *sc_host_files_plan(int hostfs_fd, const ScExports *exports, const ScVariables *variables, GError **error);

/* Takes out of `files` what is in the way of something that is not ours: a destination where anything lies already (File F already
 * exists), unless `old` (may be NULL) has it and it is unmodified. To be called before `files` is recorded, so that what is
 * recorded is ours, and neither an undo nor an uninstall removes what was there before. Changes nothing on the host. */
bool sc_host_files_settle(int root_fd, GPtrArray *files, GPtrArray *old, ScReport *report, GError **error);

typedef enum {
        SC_HOST_FILE_UNCHANGED,
        SC_HOST_FILE_MADE,
        SC_HOST_FILE_REPLACED,
        SC_HOST_FILE_REMOVED,
        SC_HOST_FILE_LEFT_ALONE,
} ScHostFileAction;
const char *sc_host_file_action_to_string(ScHostFileAction action);

typedef struct {
        char *path;
        ScHostFileAction action;
        char *why; /* of one that is left alone */
} ScHostFilePreview;

/* What settling and applying `files` (NULL: none, an uninstall) in the place of `old` would do now: ScHostFilePreview, sorted by
 * path. Changes nothing, and leaves `files` as they are. */
GPtrArray *sc_host_files_preview(int root_fd, GPtrArray *files, GPtrArray *old, GError **error);

/* Makes the host agree. `files` is the new deployment's plan, `old` the displaced one's (either may be NULL; of `old` only
 * destination and checksum are looked at, so that it can come from a record). For each destination: in both and unmodified since:
 * replaced in one step; only in old and unmodified: removed (a folder only if it is empty); modified: left alone with a message
 * (Will not delete F as it was manually modified.); only in new and something is there: left alone (File F already exists) unless
 * it is the same already. root_fd: the host's root folder. Each file and its folder are synced. Can be repeated after an
 * interruption; swapping the two arguments (hostfs_fd and variables being those of `files`) undoes it. *ret_skipped (may be NULL)
 * gets destinations in `files` that were left alone, as owned strings. */
bool sc_host_files_apply(int root_fd, int hostfs_fd, GPtrArray *files, const ScVariables *variables, GPtrArray *old,
                         ScReport *report, GPtrArray **ret_skipped, GError **error);

/* The same, to undo one that was carried out in part, for want of space perhaps: a file that has none beside the one that it
 * replaces makes room first, so that there is a moment without it; and one whose folder somebody has replaced by a file, or by a
 * link that is not followed, is told of and left out. */
bool sc_host_files_put_back(int root_fd, int hostfs_fd, GPtrArray *files, const ScVariables *variables, GPtrArray *old,
                            ScReport *report, GPtrArray **ret_skipped, GError **error);

/* The content of a file that is a template. */
#define SC_HOST_FILE_TEMPLATE_MAX (1024 * 1024)
char *sc_host_file_render(int hostfs_fd, const ScHostFile *file, const ScVariables *variables, GError **error);
