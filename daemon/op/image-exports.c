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

bool sc_image_describe_layers(ScRepository *repository, ScImageInfo *info, GCancellable *cancellable, GError **error)
{
        for (guint i = 0; i < info->layers->len; i++)
                if (!sc_layer_know_sizes(repository, info->layers->pdata[i], error))
                        return false;
        g_autoptr(ScTree) tree = sc_tree_merge(repository, info->layers, cancellable, error);
        g_autoptr(ScExports) exports = tree != NULL ? sc_image_exports(tree, error) : NULL;
        if (exports == NULL)
                return false;
        g_hash_table_unref(info->defaults);
        info->defaults = sc_string_map_copy(exports->defaults);
        g_strfreev(info->required);
        info->required = sc_exports_required(exports);
        return true;
}
