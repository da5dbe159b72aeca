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

/* An array that is being made. */
typedef struct {
        GByteArray *entries;
        GArray *ends; /* gsize */
} List;

struct ScFolderWriter {
        List files;
        List folders;
        GByteArray *object; /* at the end */
};

static List list_new(void)
{
        return (List){.entries = g_byte_array_new(), .ends = g_array_new(FALSE, FALSE, sizeof(gsize))};
}

static void list_clear(List *list)
{
        g_byte_array_unref(list->entries);
        g_array_unref(list->ends);
}

ScFolderWriter *sc_folder_writer_new(void)
{
        ScFolderWriter *writer = g_new0(ScFolderWriter, 1);

        writer->files = list_new();
        writer->folders = list_new();
        writer->object = g_byte_array_new();
        return writer;
}

void sc_folder_writer_free(ScFolderWriter *writer)
{
        list_clear(&writer->files);
        list_clear(&writer->folders);
        g_byte_array_unref(writer->object);
        g_free(writer);
}

static void append_offset(GByteArray *bytes, gsize offset, gsize width)
{
        guint8 out[sizeof(guint64)];

        for (gsize i = 0; i < width; i++)
                out[i] = (guint8)((guint64)offset >> 8 * i);
        g_byte_array_append(bytes, out, (guint)width);
}

/* Of each offset behind a body of this size. */
static gsize width_behind(gsize body, gsize n)
{
        gsize width = 1;

        while (offset_size(body + n * width) > width)
                width *= 2;
        return width;
}

/* A name's end and an object's lie behind the last member, the first one's last. */
static void list_add(List *list, const char *name, const ScDigest *const *digests, guint n)
{
        gsize begin = list->entries->len, name_size = strlen(name) + 1, width = width_behind(name_size + n * sizeof(ScDigest), n);

        g_byte_array_append(list->entries, (const guint8 *)name, (guint)name_size);
        for (guint i = 0; i < n; i++)
                g_byte_array_append(list->entries, digests[i]->bytes, sizeof digests[i]->bytes);
        for (guint i = n; i > 0; i--)
                append_offset(list->entries, name_size + (i - 1) * sizeof(ScDigest), width);
        gsize end = begin + name_size + n * (sizeof(ScDigest) + width);
        g_array_append_val(list->ends, end);
}

void sc_folder_writer_add_file(ScFolderWriter *writer, const char *name, const ScDigest *object)
{
        list_add(&writer->files, name, &object, 1);
}

void sc_folder_writer_add_folder(ScFolderWriter *writer, const char *name, const ScDigest *object, const ScDigest *meta)
{
        list_add(&writer->folders, name, (const ScDigest *const[]){object, meta}, 2);
}

static void append_list(GByteArray *bytes, const List *list)
{
        gsize width = width_behind(list->entries->len, list->ends->len);

        g_byte_array_append(bytes, list->entries->data, list->entries->len);
        for (guint i = 0; i < list->ends->len; i++)
                append_offset(bytes, g_array_index(list->ends, gsize, i), width);
}

const void *sc_folder_writer_end(ScFolderWriter *writer, gsize *ret_size)
{
        append_list(writer->object, &writer->files);
        gsize files = writer->object->len;
        append_list(writer->object, &writer->folders);
        append_offset(writer->object, files, width_behind(writer->object->len, 1));
        *ret_size = writer->object->len;
        return writer->object->data;
}
