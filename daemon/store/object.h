/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Objects as OSTree defines them. Content objects: a regular file or symlink with owner, mode and extended attributes, but without
 * name and times. The id is sha256 over a header and the content; in a repository of mode "bare" the object is a file with just
 * these properties at objects/XX/YYY....file. Written here and not by libostree because its sha256 has a third of the CPU's speed.
 *
 * The header (ostree-core.c calls it the file header): a GVariant (uuuusa(ayay)) of uid, gid, mode, 0, symlink target or "", and
 * the extended attributes sorted by name, numbers big endian; in front of it its size as 32 bit big endian and four zero bytes. */

#include "base/digest.h"
#include <gio/gio.h>

typedef struct {
        guint32 uid;
        guint32 gid;
        guint32 mode;     /* with its type: S_IFREG, S_IFLNK (then | 0777); S_IFDIR for a folder's metadata */
        char *target;     /* of a symlink, valid UTF-8, shorter than PATH_MAX; else NULL */
        GVariant *xattrs; /* a(ayay) from sc_xattrs_new(); NULL: none */
} ScObjectMeta;

void sc_object_meta_clear(ScObjectMeta *meta);

/* Collects extended attributes for meta->xattrs: sorted by name, the last of a name wins (libarchive gives an attribute twice that
 * a tar holds in two spellings). Left out are security.selinux (the host's policy labels files), user.* of a symlink (Linux has
 * none), and what is neither of security., trusted. nor user. */
typedef struct ScXattrs ScXattrs;
ScXattrs *sc_xattrs_new(guint32 mode);
void sc_xattrs_add(ScXattrs *xattrs, const char *name, const void *value, gsize size);
/* Frees the collection; NULL where nothing is in it, else a full reference. */
GVariant *sc_xattrs_end(ScXattrs *xattrs);

/* Adds the header to an empty hasher; what follows is the content of a regular file, and nothing for a symlink. */
void sc_object_hash_header(ScHasher *hasher, const ScObjectMeta *meta);

typedef enum {
        SC_OBJECT_FILE,
        SC_OBJECT_FOLDER,      /* a dirtree: what a folder holds */
        SC_OBJECT_FOLDER_META, /* a dirmeta */
        SC_OBJECT_COMMIT,
} ScObjectType;

#define SC_OBJECT_PATH_SIZE 80
/* "XX/YYY....file", for the others .dirtree, .dirmeta, .commit. */
void sc_object_path(ScObjectType type, const ScDigest *id, char ret_path[SC_OBJECT_PATH_SIZE]);

/* Gives an open regular file its owner, mode, extended attributes, and the time 0 that all objects have. */
bool sc_object_set_meta(int fd, const ScObjectMeta *meta, GError **error);

/* Writes the object under a path whose folder exists; Exists if the name is taken, NotFound if the folder is missing. Not synced.
 * What broke off is removed. */
bool sc_object_write(int dir_fd, const char *path, const ScObjectMeta *meta, const void *data, gsize size, GError **error);

/* True if the file there is, to the last byte, what sc_object_write() would write. */
bool sc_object_matches(int dir_fd, const char *path, const ScObjectMeta *meta, const void *data, gsize size);

/* A copy of a repository's object, with all that makes it one. Exists if the name is taken. */
bool sc_object_copy(int objects_fd, const char *path, int dir_fd, const char *name, GError **error);
