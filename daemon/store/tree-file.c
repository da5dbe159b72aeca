/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-file.h"
#include "base/error.h"
#include "base/path.h"
#include <fcntl.h>
#include <string.h>

static const ScNode *find(const ScTree *tree, const char *path, GError **error)
{
        const ScNode *node = sc_node_lookup((ScNode *)sc_tree_root(tree), path);

        if (node == NULL || node->type == SC_NODE_OMITTED) {
                sc_throw(error, SC_ERROR_NOT_FOUND, "The image has no file %s", path);
                return NULL;
        }
        return node;
}

/* By libostree, which knows where each mode of repository keeps owner and mode. */
static GFileInfo *load(const ScTree *tree, const ScNode *file, GVariant **ret_xattrs, GError **error)
{
        char hex[SC_DIGEST_HEX_SIZE];
        GFileInfo *info = NULL;

        sc_digest_to_hex(file->file, hex);
        if (!ostree_repo_load_file(sc_repository_ostree(sc_tree_repository(tree)), hex, NULL, &info, ret_xattrs, NULL, error)) {
                sc_prefix(error, "The repository %s is damaged; " SC_REPAIR_HINT, sc_repository_path(sc_tree_repository(tree)));
                return NULL;
        }
        return info;
}

static guint32 mode_of(GFileInfo *info)
{
        return g_file_info_get_attribute_uint32(info, "unix::mode");
}

bool sc_tree_look(const ScTree *tree, const char *path, struct stat *ret, char **ret_link, GError **error)
{
        const ScNode *node = find(tree, path, error);

        if (node == NULL)
                return false;
        *ret_link = NULL;
        if (node->type == SC_NODE_FOLDER) {
                *ret = (struct stat){.st_mode = node->meta.mode, .st_uid = node->meta.uid, .st_gid = node->meta.gid};
                return true;
        }
        g_autoptr(GFileInfo) info = load(tree, node, NULL, error);
        if (info == NULL)
                return false;
        *ret = (struct stat){
                .st_mode = mode_of(info),
                .st_uid = g_file_info_get_attribute_uint32(info, "unix::uid"),
                .st_gid = g_file_info_get_attribute_uint32(info, "unix::gid"),
                .st_size = g_file_info_get_size(info),
        };
        *ret_link = S_ISLNK(ret->st_mode) ? g_strdup(g_file_info_get_symlink_target(info)) : NULL;
        return true;
}

int sc_tree_open(const ScTree *tree, const char *path, GError **error)
{
        const ScNode *node = find(tree, path, error);
        char object[SC_OBJECT_PATH_SIZE];

        if (node == NULL)
                return -1;
        if (node->type != SC_NODE_FILE) {
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The image's %s is a folder", path);
                return -1;
        }
        sc_object_path(SC_OBJECT_FILE, node->file, object);
        return sc_open_beneath(sc_repository_objects_fd(sc_tree_repository(tree)), object, O_RDONLY | O_NONBLOCK, 0, error);
}

/* ---- privileged files ---- */

typedef struct {
        const ScTree *tree;
        GPtrArray *found;
        GCancellable *cancellable;
} Search;

static void free_privileged(gpointer data)
{
        g_free(((ScPrivilegedFile *)data)->path);
        g_free(data);
}

static bool has_capabilities(GVariant *xattrs)
{
        GVariantIter iter;
        const char *name;
        GVariant *value;
        bool found = false;

        g_variant_iter_init(&iter, xattrs);
        while (g_variant_iter_next(&iter, "(^&ay@ay)", &name, &value)) {
                found = found || strcmp(name, "security.capability") == 0;
                g_variant_unref(value);
        }
        return found;
}

static bool look_at_file(Search *search, const ScNode *node, const char *path, GError **error)
{
        g_autoptr(GVariant) xattrs = NULL;
        g_autoptr(GFileInfo) info = load(search->tree, node, &xattrs, error);

        if (info == NULL)
                return false;
        guint32 mode = mode_of(info);
        bool capabilities = has_capabilities(xattrs);
        if (!S_ISREG(mode) || ((mode & (S_ISUID | S_ISGID)) == 0 && !capabilities))
                return true;
        ScPrivilegedFile *file = g_new0(ScPrivilegedFile, 1);
        file->path = g_strdup(path);
        file->mode = mode;
        file->uid = g_file_info_get_attribute_uint32(info, "unix::uid");
        file->gid = g_file_info_get_attribute_uint32(info, "unix::gid");
        file->capabilities = capabilities;
        g_ptr_array_add(search->found, file);
        return true;
}

static bool search_folder(Search *search, const ScNode *folder, const char *path, GError **error)
{
        g_autoptr(GPtrArray) children = sc_node_sorted_children(folder);

        if (sc_cancelled(search->cancellable, error))
                return false;
        for (guint i = 0; i < children->len; i++) {
                const ScNode *child = children->pdata[i];
                g_autofree char *child_path = g_strconcat(path, "/", child->name, NULL);
                if (child->type == SC_NODE_FOLDER ? !search_folder(search, child, child_path, error)
                                                  : child->type == SC_NODE_FILE && !look_at_file(search, child, child_path, error))
                        return false;
        }
        return true;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const ScPrivilegedFile *const *)a)->path, (*(const ScPrivilegedFile *const *)b)->path);
}

GPtrArray *sc_tree_privileged_files(const ScTree *tree, GCancellable *cancellable, GError **error)
{
        g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_privileged);
        Search search = {tree, found, cancellable};

        if (!search_folder(&search, sc_tree_root(tree), "", error))
                return NULL;
        g_ptr_array_sort(found, compare_paths);
        return g_steal_pointer(&found);
}
