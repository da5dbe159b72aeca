/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object.h"
#include <string.h>
#include <sys/stat.h>

struct ScXattrs {
        GTree *values; /* name to GBytes, sorted as libostree sorts them: by bytes */
        bool symlink;
};

static gint compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
        return strcmp(a, b);
}

ScXattrs *sc_xattrs_new(guint32 mode)
{
        ScXattrs *xattrs = g_new0(ScXattrs, 1);

        xattrs->values = g_tree_new_full(compare_names, NULL, g_free, (GDestroyNotify)g_bytes_unref);
        xattrs->symlink = S_ISLNK(mode);
        return xattrs;
}

void sc_xattrs_add(ScXattrs *xattrs, const char *name, const void *value, gsize size)
{
        bool user = g_str_has_prefix(name, "user.");

        if (!user && !g_str_has_prefix(name, "security.") && !g_str_has_prefix(name, "trusted."))
                return;
        if (strcmp(name, "security.selinux") == 0 || (user && xattrs->symlink))
                return;
        g_tree_replace(xattrs->values, g_strdup(name), g_bytes_new(value, size));
}

static gboolean append(gpointer name, gpointer value, gpointer builder)
{
        GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, value, TRUE);

        g_variant_builder_add(builder, "(^ay@ay)", (const char *)name, bytes);
        return FALSE;
}

GVariant *sc_xattrs_end(ScXattrs *xattrs)
{
        GVariant *result = NULL;

        if (g_tree_nnodes(xattrs->values) > 0) {
                g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ayay)"));
                g_tree_foreach(xattrs->values, append, &builder);
                result = g_variant_ref_sink(g_variant_builder_end(&builder));
        }
        g_tree_unref(xattrs->values);
        g_free(xattrs);
        return result;
}
