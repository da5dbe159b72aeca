/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "folder-object.h"
#include "base/error.h"
#include <string.h>

/* Bytes of each framing offset in a container of this size. */
static gsize offset_size(gsize size)
{
        return size <= G_MAXUINT8 ? 1 : size <= G_MAXUINT16 ? 2 : size <= G_MAXUINT32 ? 4 : 8;
}

/* Little endian, whatever the machine is: ostree-core.h, "all integers in big endian", is about those in the values. */
static gsize read_offset(const guint8 *at, gsize size)
{
        guint64 offset = 0;

        for (gsize i = size; i > 0; i--)
                offset = offset << 8 | at[i - 1];
        return offset;
}

static bool throw_damaged(GError **error)
{
        return sc_throw(error, SC_ERROR_CORRUPT, "The object of a folder is damaged");
}

static bool read_array(const guint8 *data, gsize size, guint digests, ScFolderEntries *ret, GError **error)
{
        *ret = (ScFolderEntries){.data = data, .size = size, .digests = digests};
        if (size == 0)
                return true;
        gsize width = offset_size(size);
        ret->end = read_offset(data + size - width, width);
        if (ret->end > size - width || (size - ret->end) % width != 0)
                return throw_damaged(error);
        ret->n = (size - ret->end) / width;
        return true;
}

bool sc_folder_object_parse(const void *data, gsize size, ScFolderObject *ret, GError **error)
{
        gsize width = offset_size(size);

        if (size < width)
                return throw_damaged(error);
        const guint8 *bytes = data;
        gsize end = size - width, folders = read_offset(bytes + end, width);
        return (folders <= end || throw_damaged(error)) && read_array(bytes, folders, 1, &ret->files, error) &&
               read_array(bytes + folders, end - folders, 2, &ret->folders, error);
}

/* From `begin` to `end` of the entry. */
static const ScDigest *read_digest(const guint8 *entry, gsize begin, gsize end)
{
        return begin <= end && end - begin == sizeof(ScDigest) ? (const ScDigest *)(entry + begin) : NULL;
}

bool sc_folder_entry(const ScFolderEntries *entries, gsize index, ScFolderEntry *ret, GError **error)
{
        gsize width = offset_size(entries->size);
        const guint8 *offsets = entries->data + entries->end;
        gsize begin = index > 0 ? read_offset(offsets + (index - 1) * width, width) : 0,
              end = read_offset(offsets + index * width, width);

        if (begin > end || end > entries->end)
                return throw_damaged(error);
        const guint8 *entry = entries->data + begin;
        gsize size = end - begin, inner = offset_size(size), framing = inner * entries->digests;
        if (size < framing)
                return throw_damaged(error);
        /* The members' ends but the last one's, the first member's last. */
        gsize name_end = read_offset(entry + size - inner, inner), last = size - framing;
        gsize object_end = entries->digests > 1 ? read_offset(entry + size - framing, inner) : last;
        if (name_end == 0 || name_end > last || memchr(entry, '\0', name_end) != entry + name_end - 1 ||
            !g_utf8_validate((const char *)entry, (gssize)name_end - 1, NULL))
                return throw_damaged(error);
        *ret = (ScFolderEntry){
                .name = (const char *)entry,
                .object = object_end <= last ? read_digest(entry, name_end, object_end) : NULL,
                .meta = entries->digests > 1 ? read_digest(entry, object_end, last) : NULL,
        };
        if (ret->object == NULL || (entries->digests > 1 && ret->meta == NULL))
                return sc_throw(error, SC_ERROR_CORRUPT, "The entry '%.200s' has no valid checksum", ret->name);
        return true;
}
