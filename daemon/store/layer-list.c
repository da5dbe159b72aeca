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

static void read_commit(ScRepository *repository, const char *commit, ScBlob *blob)
{
        g_autoptr(GVariant) object = NULL;
        const char *size;

        if (!ostree_repo_load_commit(sc_repository_ostree(repository), commit, &object, NULL, NULL))
                return;
        g_autoptr(GVariant) metadata = g_variant_get_child_value(object, 0);
        blob->imported = (int64_t)MIN(ostree_commit_get_timestamp(object), (guint64)G_MAXINT64);
        if (g_variant_lookup(metadata, "docker.size", "&s", &size))
                g_ascii_string_to_unsigned(size, 10, 0, G_MAXUINT64, &blob->size, NULL);
}

static int compare(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const ScBlob *const *)a)->digest, (*(const ScBlob *const *)b)->digest);
}

GPtrArray *sc_blob_list(ScRepository *repository, GError **error)
{
        const OstreeRepoListRefsExtFlags flags = OSTREE_REPO_LIST_REFS_EXT_EXCLUDE_REMOTES |
                                                 OSTREE_REPO_LIST_REFS_EXT_EXCLUDE_MIRRORS;
        g_autofree char *prefix = g_strndup(SC_REF_PREFIX, strlen(SC_REF_PREFIX) - 1);
        g_autoptr(GHashTable) refs = NULL;
        GHashTableIter iter;
        gpointer ref, commit;

        if (!ostree_repo_list_refs_ext(sc_repository_ostree(repository), prefix, &refs, flags, NULL, error)) {
                sc_prefix(error, "Cannot list the layers of the repository %s", sc_repository_path(repository));
                return NULL;
        }
        GPtrArray *blobs = g_ptr_array_new_with_free_func((GDestroyNotify)sc_blob_free);
        g_hash_table_iter_init(&iter, refs);
        while (g_hash_table_iter_next(&iter, &ref, &commit)) {
                if (!sc_ref_is_blob(ref))
                        continue;
                ScBlob *blob = g_new0(ScBlob, 1);
                blob->digest = g_strconcat("sha256:", (const char *)ref + strlen(SC_REF_PREFIX), NULL);
                read_commit(repository, commit, blob);
                g_ptr_array_add(blobs, blob);
        }
        g_ptr_array_sort(blobs, compare);
        return blobs;
}
