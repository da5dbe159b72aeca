/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Objects as OSTree defines them. Content objects: a regular file or symlink with owner, mode and extended attributes, but without
 * name and times. The id is sha256 over a header and the content; in a repository of mode "bare" the object is a file with just
 * these properties at objects/XX/YYY....file, in one of mode "bare-user" they are written down beside its content. Written here and
 * not by libostree because its sha256 has a third of the CPU's speed.
 *
 * The header (ostree-core.c calls it the file header): a GVariant (uuuusa(ayay)) of uid, gid, mode, 0, symlink target or "", and
 * the extended attributes sorted by name, numbers big endian; in front of it its size as 32 bit big endian and four zero bytes. */

#include "base/digest.h"
#include <gio/gio.h>

/* How content objects lie in a repository, by its mode. */
typedef enum {
        /* As themselves: owner, mode and extended attributes are those of the file, a symlink is one. */
        SC_OBJECTS_BARE,
        /* As a regular file of whoever wrote it, with the permissions that anybody may set (no set-id bits); a symlink is a file
         * whose content is the target. What the header says stands in the extended attribute user.ostreemeta: a GVariant
         * (uuua(ayay)) of uid, gid, mode and extended attributes, numbers big endian. */
        SC_OBJECTS_BARE_USER,
} ScObjectFormat;

typedef struct {
        guint32 uid;
        guint32 gid;
        guint32 mode;     /* with its type: S_IFREG, S_IFLNK (then | 0777); S_IFDIR for a folder's metadata */
        char *target;     /* of a symlink, valid UTF-8, shorter than PATH_MAX; else NULL */
        GVariant *xattrs; /* a(ayay) from sc_xattrs_new(); NULL: none */
} ScObjectMeta;

void sc_object_meta_clear(ScObjectMeta *meta);
/* Bytes that it takes in memory beside the structure. */
gsize sc_object_meta_size(const ScObjectMeta *meta);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScObjectMeta, sc_object_meta_clear)

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

/* In the error about an object that is lost or damaged: a pull does not look for those of a layer that is here. */
#define SC_REPAIR_HINT "`sysconsctl verify --repair` fetches it again"

/* Of one that is no file; libostree reads no larger one (OSTREE_MAX_METADATA_SIZE). */
#define SC_OBJECT_METADATA_MAX (128u << 20)

#define SC_OBJECT_PATH_SIZE 80
/* "XX/YYY....file", for the others .dirtree, .dirmeta, .commit. */
void sc_object_path(ScObjectType type, const ScDigest *id, char ret_path[SC_OBJECT_PATH_SIZE]);

/* Gives an open regular file its owner, mode, extended attributes, and the time 0 that all objects have. */
bool sc_object_set_meta(int fd, ScObjectFormat format, const ScObjectMeta *meta, GError **error);

/* The same for a folder of a checkout. In SC_OBJECTS_BARE_USER it is the user's, who can always enter and change it. */
bool sc_object_set_folder_meta(int fd, ScObjectFormat format, const ScObjectMeta *meta, GError **error);

/* Writes the object under a path whose folder exists; Exists if the name is taken, NotFound if the folder is missing. Not synced.
 * What broke off is removed. */
bool sc_object_write(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, const void *data, gsize size,
                     GError **error);

/* True if the file there is, to the last byte, what sc_object_write() would write. */
bool sc_object_matches(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, const void *data, gsize size);

/* Opens a regular file's object for reading if it is, but for the bytes of its content, what sc_object_write() would write; else
 * -1. */
int sc_object_open_similar(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, guint64 size);
/* The same in a repository, where checkouts may have links to it. */
int sc_object_open_stored(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, guint64 size);

typedef enum {
        SC_OBJECT_MISSING, /* or cannot be looked at */
        SC_OBJECT_DAMAGED, /* has not the metadata or (of a regular file's object) the size */
        SC_OBJECT_WHOLE,   /* as far as those tell; its bytes are not looked at */
} ScObjectLook;

ScObjectLook sc_object_look(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, guint64 size);

/* What the object there says of itself; meta->target is set for a symlink. Corrupt where that cannot be. */
bool sc_object_read_meta(int dir_fd, const char *path, ScObjectFormat format, ScObjectMeta *ret, GError **error);

/* A copy of a repository's object as a checkout has it: of a symlink's object, the symlink. Exists if the name is taken. */
bool sc_object_copy(int objects_fd, const char *path, ScObjectFormat format, int dir_fd, const char *name, GError **error);
