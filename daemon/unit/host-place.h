/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lies on the host where a file is to be put, or was put. */

#include "base/digest.h"
#include "host-path.h"
#include "hostfiles.h"
#include <sys/stat.h>

/* A destination, opened. */
typedef struct {
        const char *path;
        const char *name; /* last component */
        int parent_fd;    /* -1: its folder is missing */
} ScHostPlace;

void sc_host_place_clear(ScHostPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScHostPlace, sc_host_place_clear)

bool sc_host_place_open(int root_fd, const char *path, ScHostParent mode, ScHostPlace *ret, GError **error);

typedef enum { SC_HOST_FOUND_NOTHING, SC_HOST_FOUND_SAME, SC_HOST_FOUND_OTHER } ScHostFound;

/* What lies at the place, next to the record `file` (NULL: nothing is expected there). */
bool sc_host_place_compare(const ScHostPlace *place, const ScHostFile *file, ScHostFound *ret, struct stat *ret_st, GError **error);

/* Whether what was found has the file's owner and mode. */
bool sc_host_file_has_attributes(const ScHostFile *file, const struct stat *st);

/* ScHostFile by its destination, nothing owned; files may be NULL. */
GHashTable *sc_host_files_by_destination(GPtrArray *files);
/* True if a file of the table lies below path, which then is a folder. */
bool sc_host_files_have_below(GHashTable *table, const char *path);

/* What is said of a file that stays; scripts may know these lines. */
#define SC_HOST_FILE_EXISTS "File %s already exists"
#define SC_HOST_FILE_MODIFIED "Will not delete %s as it was manually modified."
