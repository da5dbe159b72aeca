/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that are there as a whole or not at all, and durable when the call returns: written under a random hidden name,
 * fsync, renamed, the folder synced. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef enum {
        SC_WRITE_REPLACE = 0,
        SC_WRITE_NEW = 1 << 0,      /* Exists if the name is taken */
        SC_WRITE_UNSYNCED = 1 << 1, /* not durable: the caller syncs the file system before anything depends on it */
        /* Where there is no space beside what stands there, that goes first: there is a moment without the file, or more if there
         * is no space then either, which its caller must be able to mend. */
        SC_WRITE_MAKE_ROOM = 1 << 2,
} ScWriteFlags;

/* size -1: data is a string. The file is owned by the caller, mode is not masked. */
bool sc_write_file(int dir_fd, const char *name, const char *data, gssize size, mode_t mode, ScWriteFlags flags, GError **error);

/* Removes what interrupted writes of the name have left; only while nobody else writes it. */
bool sc_write_sweep(int dir_fd, const char *name, GError **error);

/* The same, REPLACE, of a file that may be as it should be already, in which case no space is needed. */
bool sc_write_changed(int dir_fd, const char *name, const char *text, mode_t mode, ScWriteFlags flags, GError **error);

/* A symlink under `name` to `target`, replacing what stands there (never a folder) in one step; one that leads there already needs
 * no space. flags: SC_WRITE_MAKE_ROOM or none. */
bool sc_write_symlink(int dir_fd, const char *target, const char *name, ScWriteFlags flags, GError **error);

/* Removes a name and syncs the folder; what is missing already is no error. */
bool sc_unlink_durably(int dir_fd, const char *name, GError **error);
