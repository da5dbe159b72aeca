/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tar.h"
#include "base/error.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_NAME 255
#define MAX_PATH (PATH_MAX - 1)
/* Linux keeps no more of one name, and most file systems less of all together. */
#define MAX_XATTRS_SIZE 65536
/* Of one entry with all that stands in front of it and describes it; libarchive holds that in memory (a map of a sparse file takes
 * ten times the space that it has in the tar). A pax header alone may have 1 MiB. */
#define MAX_HEADERS_SIZE (8u << 20)

struct ScTar {
        struct archive *archive;
        ScLayerRead read;
        gpointer source;
        GError *source_error;
        ScTarLimits limits;
        guint64 entries;
        guint64 size;
        char *path; /* of the current entry, for messages */
        bool in_headers;
        guint64 headers_size;
        guint64 file_size; /* of the current file */
        guint64 file_done;
        locale_t locale, outer_locale;
};

void sc_tar_entry_clear(ScTarEntry *entry)
{
        g_clear_pointer(&entry->path, g_free);
        g_clear_pointer(&entry->link, g_free);
        sc_object_meta_clear(&entry->meta);
}

static la_ssize_t read_source(struct archive *archive, void *data, const void **ret_chunk)
{
        ScTar *tar = data;
        gssize size = -1;

        if (tar->in_headers && tar->headers_size > MAX_HEADERS_SIZE)
                sc_throw(&tar->source_error, SC_ERROR_CORRUPT, "The layer's tar has headers of more than %u bytes%s%s",
                         MAX_HEADERS_SIZE, tar->path != NULL ? " behind the entry " : "", tar->path != NULL ? tar->path : "");
        else
                size = tar->read(tar->source, ret_chunk, &tar->source_error);
        if (size < 0)
                archive_set_error(archive, EIO, "the source failed");
        else if (tar->in_headers)
                tar->headers_size += (guint64)size;
        return size;
}

ScTar *sc_tar_new(ScLayerRead read, gpointer source, const ScTarLimits *limits, GError **error)
{
        locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

        if (locale == (locale_t)0) {
                sc_throw_errno(error, "The locale C.UTF-8 is missing");
                return NULL;
        }
        ScTar *tar = g_new0(ScTar, 1);
        tar->locale = locale;
        tar->outer_locale = uselocale(locale);
        tar->read = read;
        tar->source = source;
        tar->limits = *limits;
        tar->archive = archive_read_new();
        if (tar->archive == NULL)
                g_error("archive_read_new: out of memory");
        archive_read_support_format_tar(tar->archive);
        if (archive_read_open(tar->archive, tar, NULL, read_source, NULL) != ARCHIVE_OK) {
                if (tar->source_error != NULL)
                        g_propagate_error(error, g_steal_pointer(&tar->source_error));
                else
                        sc_throw(error, SC_ERROR_CORRUPT, "The layer is no tar: %s", archive_error_string(tar->archive));
                sc_tar_free(tar);
                return NULL;
        }
        return tar;
}

void sc_tar_free(ScTar *tar)
{
        archive_read_free(tar->archive);
        g_clear_error(&tar->source_error);
        g_free(tar->path);
        uselocale(tar->outer_locale);
        freelocale(tar->locale);
        g_free(tar);
}

static int fail(ScTar *tar, GError **error)
{
        const char *text = archive_error_string(tar->archive);

        if (tar->source_error != NULL)
                g_propagate_error(error, g_steal_pointer(&tar->source_error));
        else if (tar->path == NULL)
                sc_throw(error, SC_ERROR_CORRUPT, "The layer's tar is damaged: %s", text != NULL ? text : "no tar");
        else
                sc_throw(error, SC_ERROR_CORRUPT, "The layer's tar is damaged at or behind the entry %s: %s", tar->path,
                         text != NULL ? text : "unreadable");
        return -1;
}

/* What a hostile name looks like in a message. */
static char *printable(const char *text)
{
        g_autofree char *escaped = g_strescape(text, NULL);
        g_autofree char *cut = g_strndup(escaped, 200);

        return g_steal_pointer(&cut);
}

static bool refuse(const char *name, const char *why, GError **error)
{
        g_autofree char *shown = printable(name);

        return sc_throw(error, SC_ERROR_CORRUPT, "The layer's entry %s %s", shown, why);
}

/* Drops leading slashes and empty or "." components; NULL with an error for what must not be. */
static char *normalise(const char *name, GError **error)
{
        if (name == NULL) {
                sc_throw(error, SC_ERROR_CORRUPT, "The layer's tar has an entry without a name");
                return NULL;
        }
        if (!g_utf8_validate(name, -1, NULL)) {
                refuse(name, "has a name that is not UTF-8, which OSTree cannot store", error);
                return NULL;
        }
        g_autoptr(GString) path = g_string_sized_new(strlen(name));
        for (const char *at = name; *at != '\0';) {
                gsize size = strcspn(at, "/");
                if (size == 2 && at[0] == '.' && at[1] == '.') {
                        refuse(name, "has '..' in its name", error);
                        return NULL;
                }
                if (size > MAX_NAME) {
                        refuse(name, "has a name of more than 255 bytes", error);
                        return NULL;
                }
                if (size > 0 && !(size == 1 && at[0] == '.')) {
                        if (path->len > 0)
                                g_string_append_c(path, '/');
                        g_string_append_len(path, at, (gssize)size);
                }
                at += size;
                at += *at == '/';
        }
        if (path->len > MAX_PATH) {
                refuse(name, "has a path of more than 4095 bytes", error);
                return NULL;
        }
        return g_string_free(g_steal_pointer(&path), FALSE);
}

static bool set_owner(struct archive_entry *from, const char *path, ScObjectMeta *meta, GError **error)
{
        gint64 uid = archive_entry_uid(from), gid = archive_entry_gid(from);

        /* The last number means "leave it" to chown. */
        if (uid < 0 || uid >= G_MAXUINT32 || gid < 0 || gid >= G_MAXUINT32)
                return refuse(path, "has an owner or group that is no 32 bit number", error);
        meta->uid = (guint32)uid;
        meta->gid = (guint32)gid;
        return true;
}

/* The rest is not for images to say, and a pull could not set it without being allowed nearly everything: trusted.* (what overlayfs
 * takes for its own, for one) and the labels and signatures of the host's security modules. */
static bool is_kept(const char *xattr)
{
        return xattr != NULL && g_utf8_validate(xattr, -1, NULL) &&
               (g_str_has_prefix(xattr, "user.") || strcmp(xattr, "security.capability") == 0);
}

static bool set_xattrs(struct archive_entry *from, const char *path, ScObjectMeta *meta, GError **error)
{
        const char *name;
        const void *value;
        size_t size;
        guint64 total = 0;

        if (archive_entry_xattr_reset(from) == 0)
                return true;
        ScXattrs *xattrs = sc_xattrs_new(meta->mode);
        while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK)
                if (is_kept(name)) {
                        sc_xattrs_add(xattrs, name, value, size);
                        total += strlen(name) + size;
                }
        meta->xattrs = sc_xattrs_end(xattrs);
        return total <= MAX_XATTRS_SIZE || refuse(path, "has more than 65536 bytes of extended attributes", error);
}

static bool set_target(struct archive_entry *from, const char *path, ScObjectMeta *meta, GError **error)
{
        const char *target = archive_entry_symlink(from);

        if (target == NULL || *target == '\0' || strlen(target) > MAX_PATH || !g_utf8_validate(target, -1, NULL))
                return refuse(path, "is a symlink whose target is empty, too long or not UTF-8", error);
        meta->target = g_strdup(target);
        return true;
}

static bool set_size(ScTar *tar, struct archive_entry *from, ScTarEntry *entry, GError **error)
{
        gint64 size = archive_entry_size(from);

        if (size < 0)
                return refuse(entry->path, "has a negative size", error);
        if ((guint64)size > tar->limits.max_size - tar->size)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The layer's files have more than %" G_GUINT64_FORMAT
                                " bytes; MaxLayerSize= in sysconsd.conf sets the limit",
                                tar->limits.max_size);
        tar->size += (guint64)size;
        tar->file_size = entry->size = (guint64)size;
        return true;
}

static bool fill_entry(ScTar *tar, struct archive_entry *from, ScTarEntry *entry, GError **error)
{
        guint32 mode = archive_entry_mode(from) & 07777;

        if (archive_entry_hardlink(from) != NULL) {
                entry->type = SC_TAR_HARDLINK;
                entry->link = normalise(archive_entry_hardlink(from), error);
                return entry->link != NULL;
        }
        if (!set_owner(from, entry->path, &entry->meta, error))
                return false;
        switch (archive_entry_filetype(from)) {
        case AE_IFDIR:
                entry->type = SC_TAR_FOLDER;
                entry->meta.mode = S_IFDIR | mode;
                break;
        case AE_IFREG:
                entry->type = SC_TAR_FILE;
                entry->meta.mode = S_IFREG | mode;
                if (!set_size(tar, from, entry, error))
                        return false;
                break;
        case AE_IFLNK:
                entry->type = SC_TAR_SYMLINK;
                entry->meta.mode = S_IFLNK | 0777;
                if (!set_target(from, entry->path, &entry->meta, error))
                        return false;
                break;
        default:
                entry->type = SC_TAR_OMITTED;
                return true;
        }
        return set_xattrs(from, entry->path, &entry->meta, error);
}

static int next_header(ScTar *tar, struct archive_entry **ret)
{
        /* What is left of the last entry's content would be taken for headers. */
        if (tar->path != NULL && archive_read_data_skip(tar->archive) < ARCHIVE_OK)
                return ARCHIVE_FATAL;
        tar->headers_size = 0;
        tar->in_headers = true;
        int code = archive_read_next_header(tar->archive, ret);
        tar->in_headers = false;
        return code;
}

int sc_tar_next(ScTar *tar, ScTarEntry *ret, GError **error)
{
        struct archive_entry *from;
        ScTarEntry entry = {0};
        int code = next_header(tar, &from);

        if (code == ARCHIVE_EOF)
                return 0;
        /* A warning means that libarchive has left out an attribute or put other letters into a name; a retry would skip a damaged
         * header and look for the next one. */
        if (code != ARCHIVE_OK)
                return fail(tar, error);
        if (++tar->entries > tar->limits.max_entries) {
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The layer has more than %" G_GUINT64_FORMAT " entries",
                         tar->limits.max_entries);
                return -1;
        }
        tar->file_size = tar->file_done = 0;
        entry.path = normalise(archive_entry_pathname(from), error);
        if (entry.path == NULL)
                return -1;
        g_free(tar->path);
        tar->path = printable(entry.path);
        if (!fill_entry(tar, from, &entry, error)) {
                sc_tar_entry_clear(&entry);
                return -1;
        }
        *ret = entry;
        return 1;
}

int sc_tar_read_block(ScTar *tar, const void **ret_data, gsize *ret_size, guint64 *ret_offset, GError **error)
{
        const void *data;
        size_t size;
        la_int64_t offset;
        int code;

        do
                code = archive_read_data_block(tar->archive, &data, &size, &offset);
        while (code == ARCHIVE_OK && size == 0);
        if (code == ARCHIVE_EOF)
                return 0;
        if (code != ARCHIVE_OK)
                return fail(tar, error);
        /* The caller's buffer has the size that the header named. */
        if (offset < 0 || (guint64)offset < tar->file_done || (guint64)offset > tar->file_size ||
            size > tar->file_size - (guint64)offset) {
                refuse(tar->path, "has data outside its size", error);
                return -1;
        }
        tar->file_done = (guint64)offset + size;
        *ret_data = data;
        *ret_size = size;
        *ret_offset = (guint64)offset;
        return 1;
}
