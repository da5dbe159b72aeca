/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "written-meta.h"
#include "base/error.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATTRIBUTE "user.ostreemeta"
#define FORMAT "(uuua(ayay))"

static GVariant *serialise(const ScObjectMeta *meta)
{
        GVariant *xattrs = meta->xattrs != NULL ? meta->xattrs : g_variant_new_array(G_VARIANT_TYPE("(ayay)"), NULL, 0);

        return g_variant_ref_sink(g_variant_new("(uuu@a(ayay))", GUINT32_TO_BE(meta->uid), GUINT32_TO_BE(meta->gid),
                                                GUINT32_TO_BE(meta->mode), xattrs));
}

/* Whoever owns the file must be able to read it, or the repository could not be checked. */
static mode_t mode_of_file(const ScObjectMeta *meta)
{
        return S_ISLNK(meta->mode) ? 0644 : (meta->mode & SC_WRITTEN_MODE_MASK) | S_IRUSR;
}

static bool put_attribute(int fd, const ScObjectMeta *meta, GError **error)
{
        g_autoptr(GVariant) value = serialise(meta);

        if (fsetxattr(fd, ATTRIBUTE, g_variant_get_data(value), g_variant_get_size(value), 0) == 0)
                return true;
        if (errno == EOPNOTSUPP)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "The repository's file system has no extended attributes, which a user's repository needs");
        /* ext4 says ENOSPC for a value that does not fit beside the inode, however empty the disk is. */
        if (errno == ENOSPC || errno == E2BIG || errno == ERANGE)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "The extended attributes of a file are too large for the repository's file system");
        return sc_throw_errno(error, "Cannot set the extended attribute " ATTRIBUTE);
}

bool sc_written_meta_put(int fd, const ScObjectMeta *meta, GError **error)
{
        /* The mode comes last: it may forbid the user to write, and with that to set attributes. */
        return put_attribute(fd, meta, error) &&
               (fchmod(fd, mode_of_file(meta)) == 0 || sc_throw_errno(error, "Cannot set the mode"));
}

bool sc_written_meta_matches(int fd, const struct stat *st, const ScObjectMeta *meta)
{
        g_autoptr(GVariant) wanted = serialise(meta);
        gsize size = g_variant_get_size(wanted);
        /* One byte more: a longer value is another one. */
        g_autofree char *found = g_malloc(size + 1);

        return S_ISREG(st->st_mode) && (st->st_mode & 07777) == mode_of_file(meta) && st->st_uid == geteuid() &&
               fgetxattr(fd, ATTRIBUTE, found, size + 1) == (ssize_t)size && memcmp(found, g_variant_get_data(wanted), size) == 0;
}

bool sc_written_meta_parse(const void *data, gsize size, ScObjectMeta *ret, GError **error)
{
        g_autoptr(GBytes) bytes = g_bytes_new(data, size);
        g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(FORMAT), bytes, FALSE));
        g_autoptr(GVariant) xattrs = NULL;

        if (!g_variant_is_normal_form(value))
                return sc_throw(error, SC_ERROR_CORRUPT, "has no valid metadata in " ATTRIBUTE);
        g_variant_get(value, "(uuu@a(ayay))", &ret->uid, &ret->gid, &ret->mode, &xattrs);
        ret->uid = GUINT32_FROM_BE(ret->uid);
        ret->gid = GUINT32_FROM_BE(ret->gid);
        ret->mode = GUINT32_FROM_BE(ret->mode);
        if (!S_ISREG(ret->mode) && !S_ISLNK(ret->mode))
                return sc_throw(error, SC_ERROR_CORRUPT, "is neither a regular file nor a symlink by its metadata");
        if (g_variant_n_children(xattrs) > 0)
                ret->xattrs = g_steal_pointer(&xattrs);
        return true;
}

/* Written with the zero byte that ends it. */
static char *read_target(int fd, GError **error)
{
        char target[PATH_MAX + 1];
        ssize_t size = pread(fd, target, sizeof target, 0);

        if (size < 0) {
                sc_throw_errno(error, "cannot be read");
                return NULL;
        }
        if (size < 2 || (gsize)size == sizeof target || memchr(target, '\0', (gsize)size) != target + size - 1) {
                sc_throw(error, SC_ERROR_CORRUPT, "is no symlink's target");
                return NULL;
        }
        return g_strdup(target);
}

bool sc_written_meta_get(int fd, ScObjectMeta *ret, GError **error)
{
        g_autofree char *value = g_malloc(XATTR_SIZE_MAX);
        ssize_t size = fgetxattr(fd, ATTRIBUTE, value, XATTR_SIZE_MAX);

        if (size < 0)
                return errno == ENODATA ? sc_throw(error, SC_ERROR_CORRUPT, "has no metadata in " ATTRIBUTE)
                                        : sc_throw_errno(error, "cannot be read");
        if (!sc_written_meta_parse(value, (gsize)size, ret, error))
                return false;
        return !S_ISLNK(ret->mode) || (ret->target = read_target(fd, error)) != NULL;
}
