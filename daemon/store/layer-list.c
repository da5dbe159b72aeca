/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "layer-list.h"
#include "base/error.h"
#include "base/reference.h"
#include <string.h>

void sc_blob_free(ScBlob *blob)
{
        g_free(blob->digest);
        g_free(blob);
}

static void read_commit(const ScRepositoryView *view, const char *commit, ScBlob *blob)
{
        g_autoptr(GVariant) object = sc_repository_view_commit(view, commit, NULL);
        const char *size;

        if (object == NULL)
                return;
        g_autoptr(GVariant) metadata = sc_commit_metadata(object);
        blob->imported = sc_commit_time(object);
        if (g_variant_lookup(metadata, "docker.size", "&s", &size))
                g_ascii_string_to_unsigned(size, 10, 0, G_MAXUINT64, &blob->size, NULL);
}

static int compare(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const ScBlob *const *)a)->digest, (*(const ScBlob *const *)b)->digest);
}

GPtrArray *sc_blob_list(const ScRepositoryView *view, GError **error)
{
        g_autoptr(GPtrArray) refs = sc_repository_view_refs(view, error);

        if (refs == NULL)
                return NULL;
        GPtrArray *blobs = g_ptr_array_new_with_free_func((GDestroyNotify)sc_blob_free);
        for (guint i = 0; i < refs->len; i++) {
                const char *ref = refs->pdata[i];
                g_autoptr(GError) own_error = NULL;
                g_autofree char *commit = sc_ref_is_blob(ref) ? sc_repository_view_resolve(view, ref, &own_error) : NULL;
                /* not one that was removed meanwhile */
                if (!sc_ref_is_blob(ref) || g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                        continue;
                ScBlob *blob = g_new0(ScBlob, 1);
                blob->digest = g_strconcat("sha256:", ref + strlen(SC_REF_PREFIX), NULL);
                if (commit != NULL)
                        read_commit(view, commit, blob);
                g_ptr_array_add(blobs, blob);
        }
        g_ptr_array_sort(blobs, compare);
        return blobs;
}
