/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "layer-tree.h"
#include "base/error.h"
#include <string.h>
#include <sys/stat.h>

/* Of a name in the tree, beside the name itself: the node, a folder's table, and what an import keeps of a file. */
#define NODE_COST 512

static bool refuse(const char *path, const char *why, const char *what, GError **error)
{
        g_autofree char *shown = g_strescape(path, NULL), *shown_what = g_strescape(what, NULL);

        return sc_throw(error, SC_ERROR_CORRUPT, "The layer's entry %.200s %s %.200s", shown, why, shown_what);
}

static bool take_room(guint64 *room, gsize size, GError **error)
{
        if (NODE_COST + size > *room)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The layer's names and attributes take too much memory");
        *room -= NODE_COST + size;
        return true;
}

/* The folder that holds the path's last component, which *ret_name then points to. */
static ScNode *find_parent(ScNode *root, char *path, const char *whole, guint64 *room, char **ret_name, GError **error)
{
        ScNode *parent = root;

        for (char *slash = strchr(path, '/'); slash != NULL; path = slash + 1, slash = strchr(path, '/')) {
                *slash = '\0';
                ScNode *child = sc_node_child(parent, path);
                if (child == NULL) {
                        if (!take_room(room, strlen(path), error))
                                return NULL;
                        child = sc_node_put(parent, path, SC_NODE_FOLDER);
                }
                if (child->type != SC_NODE_FOLDER) {
                        refuse(whole, child->symlink ? "lies below the symlink" : "lies below the file", path, error);
                        return NULL;
                }
                parent = child;
        }
        *ret_name = path;
        return parent;
}

static bool add_folder(ScNode *parent, const char *name, ScTarEntry *entry)
{
        ScNode *node = sc_node_child(parent, name);

        if (node == NULL || node->type != SC_NODE_FOLDER)
                node = sc_node_put(parent, name, SC_NODE_FOLDER);
        sc_node_set_meta(node, &entry->meta);
        return true;
}

static bool add_hardlink(ScNode *root, ScNode *parent, const char *name, const ScTarEntry *entry, GError **error)
{
        const ScNode *target = sc_node_lookup(root, entry->link);

        if (target == NULL || target->type == SC_NODE_FOLDER)
                return refuse(entry->path,
                              target == NULL ? "is a hardlink to what the layer does not hold:" : "is a hardlink to the folder",
                              entry->link, error);
        /* Also of itself: to put a node in its place would free what is being copied. */
        ScNodeType type = target->type;
        bool symlink = target->symlink;
        gconstpointer file = target->file;
        ScNode *node = sc_node_put(parent, name, type);
        node->symlink = symlink;
        node->file = file;
        return true;
}

bool sc_layer_tree_add(ScNode *root, ScTarEntry *entry, gconstpointer file, guint64 *room, GError **error)
{
        g_autofree char *path = g_strdup(entry->path);
        char *name;

        if (!take_room(room, sc_object_meta_size(&entry->meta), error))
                return false;
        if (*entry->path == '\0') {
                if (entry->type != SC_TAR_FOLDER)
                        return sc_throw(error, SC_ERROR_CORRUPT, "The layer's root is not a folder");
                sc_node_set_meta(root, &entry->meta);
                return true;
        }
        ScNode *parent = find_parent(root, path, entry->path, room, &name, error);
        if (parent == NULL)
                return false;
        switch (entry->type) {
        case SC_TAR_FOLDER:
                return add_folder(parent, name, entry);
        case SC_TAR_HARDLINK:
                return add_hardlink(root, parent, name, entry, error);
        case SC_TAR_OMITTED:
                sc_node_put(parent, name, SC_NODE_OMITTED);
                return true;
        default:;
                ScNode *node = sc_node_put(parent, name, SC_NODE_FILE);
                node->file = file;
                node->symlink = entry->type == SC_TAR_SYMLINK;
                return true;
        }
}
