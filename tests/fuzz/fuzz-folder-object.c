/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "store/folder-object.h"
#include <string.h>

static void same_digest(GVariant *entry, gsize index, const ScDigest *digest)
{
        g_autoptr(GVariant) bytes = g_variant_get_child_value(entry, index);

        g_assert_cmpmem(g_variant_get_data(bytes), g_variant_get_size(bytes), digest->bytes, sizeof digest->bytes);
}

static bool has_digests(GVariant *entry, guint n)
{
        for (guint i = 1; i <= n; i++) {
                g_autoptr(GVariant) bytes = g_variant_get_child_value(entry, i);
                if (g_variant_get_size(bytes) != sizeof(ScDigest))
                        return false;
        }
        return true;
}

/* Reads all, whether it is right or not, and writes it again; what GLib calls right must be the same. Whether all was read. */
static bool compare(const ScFolderEntries *entries, GVariant *object, gsize kind, guint digests, ScFolderWriter *writer)
{
        g_autoptr(GVariant) wanted = object != NULL ? g_variant_get_child_value(object, kind) : NULL;
        bool all = true;

        if (wanted != NULL)
                g_assert_cmpuint(entries->n, ==, g_variant_n_children(wanted));
        for (gsize i = 0; i < entries->n; i++) {
                ScFolderEntry found;
                bool read = sc_folder_entry(entries, i, &found, NULL);
                g_autoptr(GVariant) entry = wanted != NULL ? g_variant_get_child_value(wanted, i) : NULL;
                if (entry != NULL)
                        g_assert_cmpint(read, ==, has_digests(entry, digests));
                if (!read) {
                        all = false;
                        continue;
                }
                if (digests == 1)
                        sc_folder_writer_add_file(writer, found.name, found.object);
                else
                        sc_folder_writer_add_folder(writer, found.name, found.object, found.meta);
                g_assert(g_utf8_validate(found.name, -1, NULL) && (found.meta != NULL) == (digests == 2));
                if (entry == NULL)
                        continue;
                const char *name;
                g_variant_get_child(entry, 0, "&s", &name);
                g_assert_cmpstr(found.name, ==, name);
                same_digest(entry, 1, found.object);
                if (digests == 2)
                        same_digest(entry, 2, found.meta);
        }
        return all;
}

/* A dirtree's bytes, at the end of what is allocated. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree guint8 *copy = g_malloc(MAX(size, 1));
        ScFolderObject parsed;

        memcpy(copy, size > 0 ? data : (const uint8_t *)"", size);
        g_autoptr(GVariant) object = g_variant_ref_sink(
                g_variant_new_from_data(G_VARIANT_TYPE("(a(say)a(sayay))"), copy, size, FALSE, NULL, NULL));
        bool is_normal = size > 0 && g_variant_is_normal_form(object);
        if (!sc_folder_object_parse(copy, size, &parsed, NULL)) {
                g_assert(!is_normal);
                return 0;
        }
        g_autoptr(ScFolderWriter) writer = sc_folder_writer_new();
        bool all = compare(&parsed.files, is_normal ? object : NULL, 0, 1, writer);
        all = compare(&parsed.folders, is_normal ? object : NULL, 1, 2, writer) && all;
        gsize written_size;
        const void *written = sc_folder_writer_end(writer, &written_size);
        /* There is one normal form (since GLib 2.74.4, which refuses offsets that are wider than needed). */
        if (is_normal && all)
                g_assert_cmpmem(written, written_size, copy, size);
        g_autoptr(GVariant) again = g_variant_ref_sink(
                g_variant_new_from_data(G_VARIANT_TYPE("(a(say)a(sayay))"), written, written_size, FALSE, NULL, NULL));
        g_assert(g_variant_is_normal_form(again));
        return 0;
}
