/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a folder holds, as a repository keeps it: a dirtree, OSTREE_TREE_GVARIANT_FORMAT of ostree-core.h, (a(say)a(sayay)): files
 * and folders, each sorted by name, with the checksums of their objects. It is read where it lies in memory, and written as it is
 * to lie there: with GVariants for each entry the trees of 50,000 files take five times as long.
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

/* Borrowed, too. */
typedef struct {
        const char *name;       /* UTF-8, and whatever else: it may be empty, or a path */
        const ScDigest *object; /* of a file; what the folder holds */
        const ScDigest *meta;   /* of a folder; NULL for a file */
} ScFolderEntry;

/* Looks at where the entries lie, not at each of them. Corrupt. */
bool sc_folder_object_parse(const void *data, gsize size, ScFolderObject *ret, GError **error);
/* index: less than n. Corrupt. */
bool sc_folder_entry(const ScFolderEntries *entries, gsize index, ScFolderEntry *ret, GError **error);

/* One that is being made. */
typedef struct ScFolderWriter ScFolderWriter;
ScFolderWriter *sc_folder_writer_new(void);
void sc_folder_writer_free(ScFolderWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScFolderWriter, sc_folder_writer_free)
/* Files by their names, and folders by theirs; UTF-8. */
void sc_folder_writer_add_file(ScFolderWriter *writer, const char *name, const ScDigest *object);
void sc_folder_writer_add_folder(ScFolderWriter *writer, const char *name, const ScDigest *object, const ScDigest *meta);
/* The bytes, in GVariant's normal form; the writer's until it is freed, and nothing more can be added. */
const void *sc_folder_writer_end(ScFolderWriter *writer, gsize *ret_size);
