/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a folder holds, as a repository keeps it: a dirtree, OSTREE_TREE_GVARIANT_FORMAT of ostree-core.h, (a(say)a(sayay)): files
 * and folders, each sorted by name, with the checksums of their objects. It is read where it lies in memory: with a GVariant for
 * each entry the trees of 50,000 files take five times as long.
 *
 * Source of the format: the GVariant specification, 2.3 to 2.5 (serialisation, framing offsets). What it wants of a normal form
 * beyond that every entry lies inside and is whole is not looked for. */

#include "object.h"

typedef struct {
        const guint8 *data; /* of the array: entries, and behind them where each of them ends */
        gsize size;
        gsize end; /* of the entries */
        gsize n;
        guint digests; /* of each entry */
} ScFolderEntries;

/* Borrowed from the bytes that it was read from. */
typedef struct {
        ScFolderEntries files;
        ScFolderEntries folders;
} ScFolderObject;

/* The same. */
typedef struct {
        const char *name;       /* UTF-8, and whatever else: it may be empty, or a path */
        const ScDigest *object; /* of a file; what the folder holds */
        const ScDigest *meta;   /* of a folder; NULL for a file */
} ScFolderEntry;

/* Corrupt. */
bool sc_folder_object_parse(const void *data, gsize size, ScFolderObject *ret, GError **error);
bool sc_folder_entry(const ScFolderEntries *entries, gsize index, ScFolderEntry *ret, GError **error);
