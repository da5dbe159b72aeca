/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-exports.h"

#include "base/error.h"
#include "store/layer.h"

enum { MAX_TEXT = 1024 * 1024 };

static bool read_text(gpointer tree, const char *name, char **ret_text, GError **error)
{
        g_autofree char *path = g_build_filename("exports", name, NULL);
        g_autoptr(GError) local = NULL;
        *ret_text = NULL;
        if (sc_tree_read(tree, path, MAX_TEXT, ret_text, NULL, &local) || g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

ScExports *sc_image_exports(const ScTree *tree, GError **error)
{
        g_auto(GStrv) names = sc_tree_list(tree, "exports");
        return sc_exports_load(read_text, (gpointer)tree, names[0] != NULL, error);
}

/* Of the layers alone, without the rest of what may be a very large tree, where that is enough. */
static ScExports *read_exports(ScRepository *repository, GPtrArray *layers, GCancellable *cancellable, GError **error)
{
        g_autoptr(GError) own_error = NULL;
        g_autoptr(ScTree) part = sc_tree_merge_folder(repository, layers, "exports", cancellable, error);
        if (part == NULL)
                return NULL;
        g_autoptr(ScExports) exports = sc_image_exports(part, &own_error);
        if (!sc_tree_has_strayed(part)) {
                if (own_error != NULL)
                        g_propagate_error(error, g_steal_pointer(&own_error));
                return g_steal_pointer(&exports);
        }
        g_autoptr(ScTree) tree = sc_tree_merge(repository, layers, cancellable, error);
        return tree != NULL ? sc_image_exports(tree, error) : NULL;
}

bool sc_image_describe_layers(ScRepository *repository, ScImageInfo *info, GCancellable *cancellable, GError **error)
{
        for (guint i = 0; i < info->layers->len; i++)
                if (!sc_layer_know_sizes(repository, info->layers->pdata[i], error))
                        return false;
        g_autoptr(ScExports) exports = read_exports(repository, info->layers, cancellable, error);
        if (exports == NULL)
                return false;
        g_hash_table_unref(info->defaults);
        info->defaults = sc_string_map_copy(exports->defaults);
        g_strfreev(info->required);
        info->required = sc_exports_required(exports);
        return true;
}
