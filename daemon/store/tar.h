/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tar, entry by entry, out of a stream: ustar, pax and GNU with their extensions (libarchive), nothing else and no filters. Each
 * entry is checked and normalised before anybody sees it; of extended attributes security.capability and user.* are kept. */

#include "layer.h"
#include "object.h"

typedef struct ScTar ScTar;

typedef enum {
        SC_TAR_FOLDER,
        SC_TAR_FILE,
        SC_TAR_SYMLINK,
        SC_TAR_HARDLINK, /* to `link` */
        SC_TAR_OMITTED,  /* a device node, fifo or socket */
} ScTarType;

typedef struct {
        ScTarType type;
        char *path;        /* relative, no "." and "..", single slashes; "" for the root folder */
        char *link;        /* of a hardlink: normalised as path */
        ScObjectMeta meta; /* not of hardlinks and what is omitted */
        guint64 size;      /* of a file */
} ScTarEntry;

void sc_tar_entry_clear(ScTarEntry *entry);

typedef struct {
        guint64 max_entries;
        guint64 max_size; /* of all files together (a sparse file can be larger than its tar) */
} ScTarLimits;

/* `source` must outlive the object. Between new and free the calling thread's locale is UTF-8 (libarchive would put question marks
 * into the names of pax archives in any other); both must be called by the thread that reads. */
ScTar *sc_tar_new(ScLayerRead read, gpointer source, const ScTarLimits *limits, GError **error);
void sc_tar_free(ScTar *tar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTar, sc_tar_free)

/* 1: an entry in *ret, to be cleared; 0: the end; -1: error. Broken tars, names with "..", too long, or not UTF-8 (OSTree cannot
 * store them), owners above 32 bit, headers of more than 8 MiB, attributes of more than 64 KiB are Corrupt, naming the entry; too
 * many entries or bytes InvalidArgument. */
int sc_tar_next(ScTar *tar, ScTarEntry *ret, GError **error);

/* The current file's content: blocks in order, holes left out. 1: a block; 0: the end; -1: error. */
int sc_tar_read_block(ScTar *tar, const void **ret_data, gsize *ret_size, guint64 *ret_offset, GError **error);
