/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "earlier-layers.h"
#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "folder-object.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LAYERS 32
#define MAX_REFS 100000
/* Of layers and configurations, for which a commit is read. */
#define MAX_COMMITS 128
/* For one new layer, of trees; what is kept of it is the same at most. A folder of a thousand files has 80 KiB. */
#define MAX_TREES 4096
#define MAX_TREE_SIZE (1u << 20)
#define MAX_BYTES (16u << 20)

/* Trees are kept as they were read. */
typedef struct {
        GBytes *root;
        GBytes *folder; /* where the last question was; NULL: it has none there */
        bool is_known;  /* folder was looked for */
} Layer;

struct ScEarlierLayers {
        ScRepository *repository;
        GArray *layers; /* Layer, the newest first; NULL: not read yet */
        char *parent;   /* the folder of the last question; NULL: none yet */
        guint trees;    /* read */
        gsize bytes;    /* of these */
};

typedef struct {
        char *ref;
        struct timespec time;
} Ref;

static void free_ref(gpointer data)
{
        Ref *ref = data;

        g_free(ref->ref);
        g_free(ref);
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
        const Ref *one = *(const Ref *const *)a, *other = *(const Ref *const *)b;

        if (one->time.tv_sec != other->time.tv_sec)
                return one->time.tv_sec > other->time.tv_sec ? -1 : 1;
        if (one->time.tv_nsec != other->time.tv_nsec)
                return one->time.tv_nsec > other->time.tv_nsec ? -1 : 1;
        return strcmp(one->ref, other->ref);
}

/* Of layers, and of configurations, which have no folders. */
static GPtrArray *find_refs(ScRepository *repository)
{
        g_autoptr(GPtrArray) all = sc_repository_view_refs(sc_repository_view(repository), NULL);
        GPtrArray *refs = g_ptr_array_new_with_free_func(free_ref);

        for (guint i = 0; all != NULL && i < MIN(all->len, MAX_REFS); i++) {
                const char *name = all->pdata[i];
                g_autofree char *path = g_strconcat("refs/heads/", name, NULL);
                struct stat st;
                if (!sc_digest_is_hex(name + strlen(SC_REF_PREFIX)) ||
                    fstatat(sc_repository_fd(repository), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                Ref *ref = g_new(Ref, 1);
                *ref = (Ref){.ref = g_strdup(name), .time = st.st_mtim};
                g_ptr_array_add(refs, ref);
        }
        g_ptr_array_sort(refs, newest_first);
        return refs;
}

/* NULL where it cannot be read, is none, or enough was read. */
static GBytes *load_tree(ScEarlierLayers *earlier, const ScDigest *id)
{
        char path[SC_OBJECT_PATH_SIZE], *data;
        gsize size;

        if (earlier->trees >= MAX_TREES || earlier->bytes >= MAX_BYTES)
                return NULL;
        earlier->trees++;
        sc_object_path(SC_OBJECT_FOLDER, id, path);
        if (!sc_read_file(sc_repository_objects_fd(earlier->repository), path, MAX_TREE_SIZE, &data, &size, NULL))
                return NULL;
        earlier->bytes += size;
        g_autoptr(GBytes) tree = g_bytes_new_take(data, size);
        ScFolderObject parsed;
        return sc_folder_object_parse(data, size, &parsed, NULL) ? g_steal_pointer(&tree) : NULL;
}

/* Of what was read, and so parsed before. */
static ScFolderObject parse(GBytes *tree)
{
        ScFolderObject parsed = {0};
        gsize size;
        const void *data = g_bytes_get_data(tree, &size);

        (void)sc_folder_object_parse(data, size, &parsed, NULL);
        return parsed;
}

/* NULL, too, where there are no folders, as in what holds a configuration. */
static GBytes *load_root(ScEarlierLayers *earlier, const char *ref)
{
        g_autofree char *checksum = sc_repository_resolve(earlier->repository, ref, NULL);
        g_autoptr(GVariant) commit = checksum != NULL
                                             ? sc_repository_view_commit(sc_repository_view(earlier->repository), checksum, NULL)
                                             : NULL;
        ScDigest contents, meta;
        g_autoptr(GBytes) root = commit != NULL && sc_commit_tree(commit, &contents, &meta, NULL) ? load_tree(earlier, &contents)
                                                                                                  : NULL;

        return root != NULL && parse(root).folders.n > 0 ? g_steal_pointer(&root) : NULL;
}

static void forget_folder(Layer *layer)
{
        g_clear_pointer(&layer->folder, g_bytes_unref);
        layer->is_known = false;
}

static void clear_layer(gpointer layer)
{
        forget_folder(layer);
        g_bytes_unref(((Layer *)layer)->root);
}

static void read_roots(ScEarlierLayers *earlier)
{
        g_autoptr(GPtrArray) refs = find_refs(earlier->repository);

        earlier->layers = g_array_new(FALSE, FALSE, sizeof(Layer));
        g_array_set_clear_func(earlier->layers, clear_layer);
        for (guint i = 0; i < MIN(refs->len, MAX_COMMITS) && earlier->layers->len < MAX_LAYERS; i++) {
                const Layer layer = {.root = load_root(earlier, ((const Ref *)refs->pdata[i])->ref)};
                if (layer.root != NULL)
                        g_array_append_val(earlier->layers, layer);
        }
}

static bool find_entry(const ScFolderEntries *entries, const char *name, ScDigest *ret)
{
        gsize low = 0, high = entries->n;

        while (low < high) {
                gsize middle = low + (high - low) / 2;
                ScFolderEntry entry;
                if (!sc_folder_entry(entries, middle, &entry, NULL))
                        return false;
                int order = strcmp(name, entry.name);
                if (order == 0) {
                        *ret = *entry.object;
                        return true;
                }
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return false;
}

static GBytes *find_folder(ScEarlierLayers *earlier, GBytes *root, const char *path)
{
        g_auto(GStrv) names = g_strsplit(path, "/", -1);
        GBytes *tree = g_bytes_ref(root);

        for (char **name = names; *name != NULL && tree != NULL; name++) {
                g_autoptr(GBytes) parent = g_steal_pointer(&tree);
                ScFolderObject parsed = parse(parent);
                ScDigest id;
                if (find_entry(&parsed.folders, *name, &id))
                        tree = load_tree(earlier, &id);
        }
        return tree;
}

/* Files come folder by folder. */
static void go_to(ScEarlierLayers *earlier, const char *parent)
{
        if (earlier->layers == NULL)
                read_roots(earlier);
        if (g_strcmp0(earlier->parent, parent) == 0)
                return;
        g_free(earlier->parent);
        earlier->parent = g_strdup(parent);
        for (guint i = 0; i < earlier->layers->len; i++)
                forget_folder(&g_array_index(earlier->layers, Layer, i));
}

static GBytes *folder_of(ScEarlierLayers *earlier, Layer *layer)
{
        if (!layer->is_known)
                layer->folder = find_folder(earlier, layer->root, earlier->parent);
        layer->is_known = true;
        return layer->folder;
}

ScEarlierLayers *sc_earlier_layers_new(ScRepository *repository)
{
        ScEarlierLayers *earlier = g_new0(ScEarlierLayers, 1);

        earlier->repository = repository;
        return earlier;
}

void sc_earlier_layers_free(ScEarlierLayers *earlier)
{
        g_clear_pointer(&earlier->layers, g_array_unref);
        g_free(earlier->parent);
        g_free(earlier);
}

int sc_earlier_layers_open(ScEarlierLayers *earlier, const char *path, const ScObjectMeta *meta, guint64 size)
{
        const char *slash = strrchr(path, '/');
        g_autofree char *parent = slash != NULL ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");

        go_to(earlier, parent);
        for (guint i = 0; i < earlier->layers->len; i++) {
                GBytes *folder = folder_of(earlier, &g_array_index(earlier->layers, Layer, i));
                ScFolderObject parsed = folder != NULL ? parse(folder) : (ScFolderObject){0};
                char object[SC_OBJECT_PATH_SIZE];
                ScDigest id;
                if (!find_entry(&parsed.files, slash != NULL ? slash + 1 : path, &id))
                        continue;
                sc_object_path(SC_OBJECT_FILE, &id, object);
                int fd = sc_repository_is_distrusted(earlier->repository, object)
                                 ? -1
                                 : sc_object_open_stored(sc_repository_objects_fd(earlier->repository), object,
                                                         sc_repository_format(earlier->repository), meta, size);
                if (fd >= 0)
                        return fd;
        }
        return -1;
}
