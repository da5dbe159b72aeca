/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "merge.h"
#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "commit.h"
#include "folder-object.h"
#include <string.h>
#include <sys/stat.h>

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
/* A tree of more is no image: each node costs memory. */
#define MAX_NODES 8000000
/* Of the objects of a folder and of those that it lies in, which are in memory together. */
#define MAX_HELD (1u << 30)
#define MAX_PATH (PATH_MAX - 1)
#define MAX_NAME 255
/* As in the kernel (path_resolution(7)). */
#define MAX_LINKS 40

struct ScTree {
        ScRepository *repository;
        ScNode *root;
        GStringChunk *digests; /* what file nodes point to */
        guint64 files;
        guint64 folders;
        const char *part; /* the one folder of the root that is filled; NULL: all are */
        bool *strayed;    /* a path met a symlink, which may lead out of that part */
};

typedef struct {
        ScTree *tree;
        OstreeRepo *ostree;
        GHashTable *metas;   /* ScDigest of a dirmeta to the ScObjectMeta */
        GHashTable *implied; /* of the current layer: paths */
        GString *path;
        guint64 nodes; /* met, over all layers */
        gsize held;
        GCancellable *cancellable;
} Merge;

static void free_meta(gpointer meta)
{
        sc_object_meta_clear(meta);
        g_free(meta);
}

static GVariant *load(Merge *merge, OstreeObjectType type, const char *checksum, GError **error)
{
        GVariant *object = NULL;

        if (!ostree_repo_load_variant(merge->ostree, type, checksum, &object, error)) {
                sc_prefix(error, "The repository %s is damaged", sc_repository_path(merge->tree->repository));
                return NULL;
        }
        return object;
}

static const ScObjectMeta *load_meta(Merge *merge, const ScDigest *id, GError **error)
{
        ScObjectMeta *meta = g_hash_table_lookup(merge->metas, id);
        char hex[SC_DIGEST_HEX_SIZE];

        if (meta != NULL)
                return meta;
        sc_digest_to_hex(id, hex);
        g_autoptr(GVariant) object = load(merge, OSTREE_OBJECT_TYPE_DIR_META, hex, error);
        g_autoptr(GVariant) xattrs = NULL;
        if (object == NULL)
                return NULL;
        meta = g_new0(ScObjectMeta, 1);
        g_variant_get(object, "(uuu@a(ayay))", &meta->uid, &meta->gid, &meta->mode, &xattrs);
        meta->uid = GUINT32_FROM_BE(meta->uid);
        meta->gid = GUINT32_FROM_BE(meta->gid);
        meta->mode = GUINT32_FROM_BE(meta->mode);
        if (g_variant_n_children(xattrs) > 0)
                meta->xattrs = g_steal_pointer(&xattrs);
        g_hash_table_insert(merge->metas, g_memdup2(id, sizeof *id), meta);
        return meta;
}

static bool set_meta(Merge *merge, ScNode *folder, const ScDigest *id, GError **error)
{
        /* Only what lies below it made the layer name this folder. */
        if (g_hash_table_contains(merge->implied, merge->path->str))
                return true;
        const ScObjectMeta *meta = load_meta(merge, id, error);
        if (meta == NULL)
                return false;
        ScObjectMeta copy = *meta;
        if (copy.xattrs != NULL)
                g_variant_ref(copy.xattrs);
        sc_node_set_meta(folder, &copy);
        return true;
}

/* An object of another tool may be damaged, or be of somebody who wants it to be. */
static bool read_entry(const Merge *merge, const ScFolderEntries *entries, gsize index, ScFolderEntry *ret, GError **error)
{
        return sc_folder_entry(entries, index, ret, error) ||
               sc_prefix(error, "The repository %s is damaged, in the folder '/%.200s' of a layer",
                         sc_repository_path(merge->tree->repository), merge->path->str);
}

/* Takes away from the lower layers' folder what this layer's whiteouts name. */
static bool apply_whiteouts(const Merge *merge, ScNode *folder, const ScFolderEntries *entries, GError **error)
{
        for (gsize i = 0; i < entries->n; i++) {
                ScFolderEntry entry;
                if (!read_entry(merge, entries, i, &entry, error))
                        return false;
                if (strcmp(entry.name, OPAQUE) == 0)
                        sc_node_remove_children(folder);
                else if (g_str_has_prefix(entry.name, WHITEOUT))
                        sc_node_remove(folder, entry.name + strlen(WHITEOUT));
        }
        return true;
}

/* Whiteouts are gone when the layer's own entries come. Names are checked once more: a commit need not be from us. */
static bool is_entry(Merge *merge, const char *name, bool *ret, GError **error)
{
        if (*name == '\0' || strlen(name) > MAX_NAME || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0 || merge->path->len + 1 + strlen(name) > MAX_PATH)
                return sc_throw(error, SC_ERROR_CORRUPT, "The folder '%.200s' of a layer has an entry with an impossible name",
                                merge->path->str);
        *ret = !g_str_has_prefix(name, WHITEOUT);
        return true;
}

static bool merge_files(Merge *merge, ScNode *folder, const ScFolderEntries *files, GError **error)
{
        for (gsize i = 0; i < files->n; i++) {
                ScFolderEntry entry;
                bool wanted;
                if (!read_entry(merge, files, i, &entry, error) || !is_entry(merge, entry.name, &wanted, error))
                        return false;
                if (wanted)
                        sc_node_put(folder, entry.name, SC_NODE_FILE)->file = g_string_chunk_insert_len(
                                merge->tree->digests, (const char *)entry.object->bytes, sizeof entry.object->bytes);
        }
        return true;
}

static bool merge_folder(Merge *merge, ScNode *folder, const ScDigest *contents, GError **error);

static bool merge_subfolder(Merge *merge, ScNode *parent, const ScFolderEntry *entry, GError **error)
{
        gsize path_size = merge->path->len;

        ScNode *folder = sc_node_child(parent, entry->name);
        if (folder == NULL || folder->type != SC_NODE_FOLDER)
                folder = sc_node_put(parent, entry->name, SC_NODE_FOLDER);
        if (path_size > 0)
                g_string_append_c(merge->path, '/');
        g_string_append(merge->path, entry->name);
        bool merged = set_meta(merge, folder, entry->meta, error) && merge_folder(merge, folder, entry->object, error);
        g_string_truncate(merge->path, path_size);
        return merged;
}

/* It is there, for the paths that lead to it; what it holds is of no interest. */
static bool put_apart(ScNode *parent, const char *name)
{
        const ScNode *there = sc_node_child(parent, name);

        if (there == NULL || there->type != SC_NODE_FOLDER)
                sc_node_put(parent, name, SC_NODE_FOLDER);
        return true;
}

static bool merge_entries(Merge *merge, ScNode *folder, const ScFolderObject *entries, GError **error)
{
        if (!apply_whiteouts(merge, folder, &entries->files, error) || !apply_whiteouts(merge, folder, &entries->folders, error) ||
            !merge_files(merge, folder, &entries->files, error))
                return false;
        for (gsize i = 0; i < entries->folders.n; i++) {
                ScFolderEntry entry;
                bool wanted;
                if (!read_entry(merge, &entries->folders, i, &entry, error) || !is_entry(merge, entry.name, &wanted, error))
                        return false;
                bool apart = merge->tree->part != NULL && folder == merge->tree->root && strcmp(entry.name, merge->tree->part) != 0;
                if (wanted && !(apart ? put_apart(folder, entry.name) : merge_subfolder(merge, folder, &entry, error)))
                        return false;
        }
        return true;
}

/* The bytes that *ret lies in. */
static char *read_folder(const Merge *merge, const ScDigest *id, gsize *ret_size, ScFolderObject *ret, GError **error)
{
        const char *repository = sc_repository_path(merge->tree->repository);
        char path[SC_OBJECT_PATH_SIZE];
        g_autofree char *data = NULL;
        g_autoptr(GError) local = NULL;

        sc_object_path(SC_OBJECT_FOLDER, id, path);
        if (sc_read_file(sc_repository_objects_fd(merge->tree->repository), path, SC_OBJECT_METADATA_MAX, &data, ret_size,
                         &local) &&
            sc_folder_object_parse(data, *ret_size, ret, &local))
                return g_steal_pointer(&data);
        if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The repository %s has lost the object %s; " SC_REPAIR_HINT, repository, path);
                return NULL;
        }
        g_propagate_error(error, g_steal_pointer(&local));
        sc_prefix(error, "The object %s of the repository %s", path, repository);
        return NULL;
}

static bool is_too_much(const Merge *merge, GError **error)
{
        if (merge->nodes > MAX_NODES)
                return !sc_throw(error, SC_ERROR_CORRUPT, "The image has more than %d files and folders", MAX_NODES);
        return merge->held > MAX_HELD && !sc_throw(error, SC_ERROR_CORRUPT, "The image has too large folders in each other");
}

static bool merge_folder(Merge *merge, ScNode *folder, const ScDigest *contents, GError **error)
{
        ScFolderObject entries;
        gsize size;

        if (sc_cancelled(merge->cancellable, error))
                return false;
        g_autofree char *data = read_folder(merge, contents, &size, &entries, error);
        if (data == NULL)
                return false;
        merge->nodes += entries.files.n + entries.folders.n;
        merge->held += size;
        bool merged = !is_too_much(merge, error) && merge_entries(merge, folder, &entries, error);
        merge->held -= size;
        return merged;
}

static void read_implied(Merge *merge, GVariant *commit)
{
        g_autoptr(GVariant) metadata = g_variant_get_child_value(commit, 0);
        g_autoptr(GVariant) implied = g_variant_lookup_value(metadata, SC_COMMIT_IMPLIED, G_VARIANT_TYPE("aay"));

        g_hash_table_remove_all(merge->implied);
        for (gsize i = 0; implied != NULL && i < g_variant_n_children(implied); i++) {
                g_autoptr(GVariant) path = g_variant_get_child_value(implied, i);
                g_hash_table_add(merge->implied, g_strdup(g_variant_get_bytestring(path)));
        }
}

static bool merge_layer(Merge *merge, const ScLayerInfo *layer, GError **error)
{
        char hex[SC_DIGEST_HEX_SIZE];
        g_autoptr(GError) own_error = NULL;

        sc_digest_to_hex(&layer->digest, hex);
        g_autofree char *ref = g_strconcat(SC_REF_PREFIX, hex, NULL);
        g_autofree char *checksum = sc_repository_resolve(merge->tree->repository, ref, &own_error);
        if (checksum == NULL) {
                if (g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return sc_throw(error, SC_ERROR_NOT_FOUND, "The layer sha256:%s is missing; pull the image again", hex);
                g_propagate_error(error, g_steal_pointer(&own_error));
                return false;
        }
        g_autoptr(GVariant) commit = load(merge, OSTREE_OBJECT_TYPE_COMMIT, checksum, error);
        if (commit == NULL)
                return false;
        ScDigest contents, meta;
        if (!sc_commit_tree(commit, &contents, &meta, error))
                return sc_prefix(error, "Layer sha256:%s", hex);
        read_implied(merge, commit);
        g_string_truncate(merge->path, 0);
        return (set_meta(merge, merge->tree->root, &meta, error) && merge_folder(merge, merge->tree->root, &contents, error)) ||
               sc_prefix(error, "Layer sha256:%s", hex);
}

static void count(ScTree *tree, const ScNode *folder)
{
        GHashTableIter iter;
        gpointer child;

        g_hash_table_iter_init(&iter, folder->children);
        while (g_hash_table_iter_next(&iter, NULL, &child)) {
                if (((const ScNode *)child)->type == SC_NODE_FOLDER) {
                        tree->folders++;
                        count(tree, child);
                } else
                        tree->files++;
        }
}

static ScTree *merge_part(ScRepository *repository, GPtrArray *layers, const char *part, GCancellable *cancellable, GError **error)
{
        g_autoptr(ScTree) tree = g_new0(ScTree, 1);
        g_autoptr(GHashTable) metas = g_hash_table_new_full(sc_digest_hash_func, sc_digest_equal_func, g_free, free_meta);
        g_autoptr(GHashTable) implied = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GString) path = g_string_new(NULL);
        Merge merge = {
                .tree = tree,
                .ostree = sc_repository_ostree(repository),
                .metas = metas,
                .implied = implied,
                .path = path,
                .cancellable = cancellable,
        };

        tree->repository = repository;
        tree->part = part;
        tree->strayed = g_new0(bool, 1);
        tree->root = sc_node_new_root();
        tree->digests = g_string_chunk_new(64 * 1024);
        for (guint i = 0; i < layers->len; i++)
                if (!merge_layer(&merge, layers->pdata[i], error))
                        return NULL;
        count(tree, tree->root);
        return g_steal_pointer(&tree);
}

ScTree *sc_tree_merge(ScRepository *repository, GPtrArray *layers, GCancellable *cancellable, GError **error)
{
        return merge_part(repository, layers, NULL, cancellable, error);
}

ScTree *sc_tree_merge_folder(ScRepository *repository, GPtrArray *layers, const char *folder, GCancellable *cancellable,
                             GError **error)
{
        return merge_part(repository, layers, folder, cancellable, error);
}

bool sc_tree_has_strayed(const ScTree *tree)
{
        return *tree->strayed;
}

void sc_tree_free(ScTree *tree)
{
        if (tree == NULL)
                return;
        g_free(tree->strayed);
        sc_node_free(tree->root);
        g_string_chunk_free(tree->digests);
        g_free(tree);
}

guint64 sc_tree_files(const ScTree *tree)
{
        return tree->files;
}

guint64 sc_tree_folders(const ScTree *tree)
{
        return tree->folders;
}

const ScNode *sc_tree_root(const ScTree *tree)
{
        return tree->root;
}

ScRepository *sc_tree_repository(const ScTree *tree)
{
        return tree->repository;
}

/* NULL: it is no symlink. A commit does not say which of its files are. */
static char *read_link(const ScTree *tree, const ScNode *node)
{
        char object_path[SC_OBJECT_PATH_SIZE];
        g_auto(ScObjectMeta) meta = {0};

        sc_object_path(SC_OBJECT_FILE, node->file, object_path);
        sc_object_read_meta(sc_repository_objects_fd(tree->repository), object_path, sc_repository_format(tree->repository), &meta,
                            NULL);
        return g_steal_pointer(&meta.target);
}

/* A walk as the kernel's in a file system that has the tree for its root. */
typedef struct {
        const ScTree *tree;
        GPtrArray *way; /* ScNode, from the root to where the walk is */
        char *rest;     /* of the path */
        unsigned links; /* followed so far */
} Walk;

static bool follow_link(Walk *walk, const char *target, const char *behind)
{
        if (++walk->links > MAX_LINKS)
                return false;
        if (*target == '/')
                g_ptr_array_set_size(walk->way, 1);
        g_free(walk->rest);
        walk->rest = g_strconcat(target, "/", behind, NULL);
        return true;
}

static bool step(Walk *walk, const char *name, const char *behind)
{
        const ScNode *here = walk->way->pdata[walk->way->len - 1];
        ScNode *child = sc_node_child(here, name);

        if (here->type != SC_NODE_FOLDER)
                return false;
        g_autofree char *target = child != NULL && child->type == SC_NODE_FILE ? read_link(walk->tree, child) : NULL;
        if (target != NULL) {
                *walk->tree->strayed = true;
                return follow_link(walk, target, behind);
        }
        if (strcmp(name, "..") == 0) {
                if (walk->way->len > 1)
                        g_ptr_array_set_size(walk->way, (int)walk->way->len - 1);
        } else if (strcmp(name, ".") != 0) {
                if (child == NULL)
                        return false;
                g_ptr_array_add(walk->way, child);
        }
        char *rest = g_strdup(behind); /* which lies in the old one */
        g_free(walk->rest);
        walk->rest = rest;
        return true;
}

/* NULL where the path leads to nothing. */
static const ScNode *find(const ScTree *tree, const char *path)
{
        g_autoptr(GPtrArray) way = g_ptr_array_new();
        Walk walk = {.tree = tree, .way = way, .rest = g_strdup(path)};
        bool found = true;

        g_ptr_array_add(way, tree->root);
        while (found) {
                const char *at = walk.rest + strspn(walk.rest, "/");
                gsize size = strcspn(at, "/");
                if (size == 0)
                        break;
                g_autofree char *name = g_strndup(at, size), *behind = g_strdup(at + size);
                found = step(&walk, name, behind);
        }
        g_free(walk.rest);
        return found ? way->pdata[way->len - 1] : NULL;
}

bool sc_tree_read(const ScTree *tree, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error)
{
        const ScNode *node = find(tree, path);
        int objects_fd = sc_repository_objects_fd(tree->repository);
        char object_path[SC_OBJECT_PATH_SIZE];
        struct stat st;

        if (node == NULL || node->type != SC_NODE_FILE)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "The image has no file %s", path);
        sc_object_path(SC_OBJECT_FILE, node->file, object_path);
        int found = sc_lstat(objects_fd, object_path, &st, error);
        if (found < 0)
                return false;
        if (found == 0)
                return sc_throw(error, SC_ERROR_CORRUPT, "The repository %s has lost the object %s; " SC_REPAIR_HINT,
                                sc_repository_path(tree->repository), object_path);
        g_auto(ScObjectMeta) meta = {0};
        if (!sc_object_read_meta(objects_fd, object_path, sc_repository_format(tree->repository), &meta, error))
                return sc_prefix(error, "The repository %s is damaged", sc_repository_path(tree->repository));
        if (!S_ISREG(meta.mode))
                return sc_throw(error, SC_ERROR_NOT_FOUND, "The image's %s is not a regular file", path);
        return sc_read_file(objects_fd, object_path, max, ret_data, ret_size, error) ||
               sc_prefix(error, "The image's file %s", path);
}

char **sc_tree_list(const ScTree *tree, const char *path)
{
        const ScNode *folder = find(tree, path);
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();

        if (folder != NULL && folder->type == SC_NODE_FOLDER) {
                g_autoptr(GPtrArray) children = sc_node_sorted_children(folder);
                for (guint i = 0; i < children->len; i++)
                        g_strv_builder_add(names, ((const ScNode *)children->pdata[i])->name);
        }
        return g_strv_builder_end(names);
}
