/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-exports.h"

#include "base/error.h"

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
