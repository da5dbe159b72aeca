/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "node.h"
#include <string.h>
#include <sys/stat.h>

static ScNode *node_new(const char *name, ScNodeType type)
{
        gsize name_size = strlen(name) + 1;
        ScNode *node = g_malloc0(sizeof *node + name_size);

        node->type = type;
        memcpy(node->name, name, name_size);
        if (type == SC_NODE_FOLDER) {
                node->implied = true;
                node->meta.mode = S_IFDIR | 0755;
                /* The key is the node's own name. */
                node->children = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sc_node_free);
        }
        return node;
}

ScNode *sc_node_new_root(void)
{
        return node_new("", SC_NODE_FOLDER);
}

void sc_node_free(ScNode *node)
{
        g_clear_pointer(&node->children, g_hash_table_unref);
        sc_object_meta_clear(&node->meta);
        g_free(node);
}

ScNode *sc_node_child(const ScNode *parent, const char *name)
{
        return parent->type == SC_NODE_FOLDER ? g_hash_table_lookup(parent->children, name) : NULL;
}

ScNode *sc_node_lookup(ScNode *root, const char *path)
{
        g_autofree char *copy = g_strdup(path);
        ScNode *node = root;

        for (char *rest = copy, *name = strsep(&rest, "/"); node != NULL && name != NULL; name = strsep(&rest, "/"))
                if (*name != '\0')
                        node = sc_node_child(node, name);
        return node;
}

ScNode *sc_node_put(ScNode *parent, const char *name, ScNodeType type)
{
        ScNode *node = node_new(name, type);

        g_hash_table_replace(parent->children, node->name, node);
        return node;
}

void sc_node_remove(ScNode *parent, const char *name)
{
        g_hash_table_remove(parent->children, name);
}

void sc_node_remove_children(ScNode *folder)
{
        g_hash_table_remove_all(folder->children);
}

void sc_node_set_meta(ScNode *folder, ScObjectMeta *meta)
{
        sc_object_meta_clear(&folder->meta);
        folder->meta = *meta;
        *meta = (ScObjectMeta){0};
        folder->implied = false;
}

static int compare_nodes(gconstpointer a, gconstpointer b)
{
        return strcmp((*(ScNode *const *)a)->name, (*(ScNode *const *)b)->name);
}

GPtrArray *sc_node_sorted_children(const ScNode *folder)
{
        GPtrArray *sorted = g_ptr_array_sized_new(g_hash_table_size(folder->children));
        GHashTableIter iter;
        gpointer child;

        g_hash_table_iter_init(&iter, folder->children);
        while (g_hash_table_iter_next(&iter, NULL, &child))
                g_ptr_array_add(sorted, child);
        g_ptr_array_sort(sorted, compare_nodes);
        return sorted;
}
