/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* File operations relative to a folder's descriptor, for code that works as root in places that others may write:
 * symlinks are never followed unless a function says so. Errors name the path. */

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* sc_autofd closes at the end of the scope; sc_steal_fd hands a descriptor on. */
void sc_close(int *fd);
#define sc_autofd __attribute__((cleanup(sc_close))) int
int sc_steal_fd(int *fd);

/* Opens with openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS); flags as for open, O_CLOEXEC is added.
 * -1 on error. */
int sc_open_beneath(int dir_fd, const char *path, int flags, mode_t mode, GError **error);
/* As above, but symlinks are followed as long as they stay below dir_fd (RESOLVE_IN_ROOT: absolute links count from dir_fd). */
int sc_open_in_root(int dir_fd, const char *path, int flags, mode_t mode, GError **error);
/* Opens an absolute path given by configuration (symlinks followed). */
int sc_open_dir(const char *path, GError **error);

/* Makes missing folders of path (relative, no symlinks), each with mode and owned by the caller; syncs the parents of those it
 * made. Returns a descriptor of the last. */
int sc_make_dirs(int dir_fd, const char *path, mode_t mode, GError **error);

/* Reads a whole regular file, zero-terminated behind its size; longer than max is Corrupt. */
bool sc_read_file(int dir_fd, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error);
/* The same of one that is open, from where it stands; path: for messages. */
bool sc_read_fd(int fd, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error);
/* The same of a path whose symlinks are followed as in sc_open_in_root(). */
bool sc_read_file_in_root(int root_fd, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error);
/* The same of an absolute path that an administrator has written somewhere. */
bool sc_read_path(const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error);
bool sc_write_all(int fd, const void *data, gsize size, GError **error);

/* Removes a file or a whole folder; what is missing already is no error. Never leaves dir_fd's file system by a symlink. */
bool sc_remove_tree(int dir_fd, const char *name, GError **error);

/* fsync of a folder given by descriptor, or below one. */
bool sc_sync_dir(int dir_fd, GError **error);
bool sc_sync_fs(int fd, GError **error);

/* renameat2; Exists when the target is there (no_replace). Both names are relative to dir_fd, which is synced afterwards. */
bool sc_rename_new(int dir_fd, const char *from, const char *to, GError **error);
/* Swaps the two names in one step (RENAME_EXCHANGE), then syncs the folder. */
bool sc_rename_exchange(int dir_fd, const char *a, const char *b, GError **error);

/* lstat below dir_fd: 1 present, 0 missing, -1 error. */
int sc_lstat(int dir_fd, const char *path, struct stat *ret, GError **error);

/* Random letters and digits, for temporary names; newly allocated. */
char *sc_random_name(unsigned length);

/* An absolute path with no "..", no "." and no empty component. */
bool sc_path_is_clean_absolute(const char *path);
/* The same for a relative path. */
bool sc_path_is_clean_relative(const char *path);
