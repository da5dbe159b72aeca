/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "verify.h"
#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "folder-object.h"
#include "image-commit.h"
#include "object-check.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define N_THREADS 2
/* A tree of more is no image. */
#define MAX_NODES 8000000
#define KEY_DIFF_ID "docker.uncompressed_digest"

static const char *const changed = "is changed", *const missing = "is missing";

/* A file's object: hashed once, however many layers and names share it. */
typedef struct {
        ScDigest id; /* first: the table's key */
        const char *damage;
} FileObject;

typedef struct {
        ScRepository *repository;
        const ScImage *image;
        ScReport *report;
        GCancellable *cancellable;
        ScVerdict *verdict;
        GHashTable *files; /* a set of FileObject, by id */
        GPtrArray *queue;  /* the same, to be hashed */
        gint next;         /* atomic, of the queue */
        guint64 nodes;
        bool naming; /* the second walk, which names the files that were found to be damaged */
        /* where the walk is */
        const char *what;   /* as ScFinding.layer */
        ScLayerInfo *layer; /* NULL: not in a layer */
        bool *mark;         /* what is damaged where this is no layer */
        GString *path;
} Verify;

static void finding_free(gpointer data)
{
        ScFinding *finding = data;

        g_free(finding->layer);
        g_free(finding->path);
        g_free(finding);
}

void sc_verdict_free(ScVerdict *verdict)
{
        if (verdict == NULL)
                return;
        g_ptr_array_unref(verdict->findings);
        g_ptr_array_unref(verdict->layers);
        g_hash_table_unref(verdict->objects);
        g_free(verdict);
}

/* ---- findings */

static void find(Verify *verify, const char *what)
{
        ScVerdict *verdict = verify->verdict;

        g_assert(verdict != NULL);
        if (verify->mark != NULL)
                *verify->mark = true;
        if (verify->layer != NULL && !g_ptr_array_find(verdict->layers, verify->layer, NULL))
                g_ptr_array_add(verdict->layers, verify->layer);
        if (verdict->n_findings++ >= SC_VERDICT_MAX_FINDINGS)
                return;
        ScFinding *finding = g_new0(ScFinding, 1);
        finding->layer = g_strdup(verify->what);
        finding->path = g_strdup(verify->path->str);
        finding->what = what;
        g_ptr_array_add(verdict->findings, finding);
}

static void find_object(Verify *verify, ScObjectType type, const ScDigest *id, const char *what)
{
        char path[SC_OBJECT_PATH_SIZE];

        sc_object_path(type, id, path);
        if (what == changed)
                g_hash_table_add(verify->verdict->objects, g_strdup(path));
        find(verify, what);
}

/* ---- the walk */

/* Reads a tree's or a commit's object; 1: it is what its name says; 0: it is not, which has been noted; -1: error. */
static int load(Verify *verify, ScObjectType type, const ScDigest *id, GBytes **ret, GError **error)
{
        g_autoptr(GError) own_error = NULL;
        g_autofree char *data = NULL;
        char path[SC_OBJECT_PATH_SIZE];
        gsize size;
        ScDigest digest;

        sc_object_path(type, id, path);
        if (!sc_read_file(sc_repository_objects_fd(verify->repository), path, SC_OBJECT_METADATA_MAX, &data, &size, &own_error)) {
                if (sc_error_is_passing(own_error)) {
                        g_propagate_error(error, g_steal_pointer(&own_error));
                        (void)sc_prefix(error, "Cannot check the object %s", path);
                        return -1;
                }
                bool none = g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND);
                if (!verify->naming)
                        find_object(verify, type, id, none ? missing : changed);
                return 0;
        }
        sc_digest_of(data, size, &digest);
        if (!sc_digest_equal(&digest, id)) {
                if (!verify->naming)
                        find_object(verify, type, id, changed);
                return 0;
        }
        *ret = g_bytes_new_take(g_steal_pointer(&data), size);
        return 1;
}

/* The hash is right: what has a wrong format was written like this. */
static bool has_wrong_format(ScObjectType type, const ScDigest *id, GError **error)
{
        char path[SC_OBJECT_PATH_SIZE];

        sc_object_path(type, id, path);
        return sc_throw(error, SC_ERROR_CORRUPT, "The object %s has a wrong format", path);
}

static int load_variant(Verify *verify, ScObjectType type, const ScDigest *id, const GVariantType *format, GVariant **ret,
                        GError **error)
{
        g_autoptr(GBytes) bytes = NULL;
        int loaded = load(verify, type, id, &bytes, error);

        if (loaded <= 0)
                return loaded;
        g_autoptr(GVariant) object = g_variant_ref_sink(g_variant_new_from_bytes(format, bytes, FALSE));
        if (!g_variant_is_normal_form(object)) {
                has_wrong_format(type, id, error);
                return -1;
        }
        *ret = g_steal_pointer(&object);
        return 1;
}

static bool add_file(Verify *verify, const ScDigest *id, GError **error)
{
        FileObject *file = g_hash_table_lookup(verify->files, id);
        char path[SC_OBJECT_PATH_SIZE];
        struct stat st;

        if (verify->naming) {
                if (file != NULL && file->damage != NULL)
                        find_object(verify, SC_OBJECT_FILE, id, file->damage);
                return true;
        }
        if (file != NULL)
                return true;
        file = g_new0(FileObject, 1);
        file->id = *id;
        g_hash_table_add(verify->files, file);
        sc_object_path(SC_OBJECT_FILE, id, path);
        if (fstatat(sc_repository_objects_fd(verify->repository), path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                if (sc_errno_is_passing(errno))
                        return sc_throw_errno(error, "Cannot check the object %s", path);
                file->damage = missing;
                return true;
        }
        verify->verdict->files++;
        verify->verdict->bytes += (guint64)st.st_size;
        g_ptr_array_add(verify->queue, file);
        return true;
}

static bool enter(Verify *verify, const char *name, gsize *ret_size, GError **error)
{
        *ret_size = verify->path->len;
        if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            verify->path->len + strlen(name) + 1 >= PATH_MAX || ++verify->nodes > MAX_NODES)
                return sc_throw(error, SC_ERROR_CORRUPT, "A folder of the layer %s has an entry that no image has", verify->what);
        if (*ret_size > 0)
                g_string_append_c(verify->path, '/');
        g_string_append(verify->path, name);
        return true;
}

static bool walk_folder(Verify *verify, const ScDigest *contents, const ScDigest *meta, GError **error);

static bool walk_entries(Verify *verify, const ScDigest *id, const ScFolderObject *folder, GError **error)
{
        ScFolderEntry entry;
        gsize size;

        for (gsize i = 0; i < folder->files.n; i++) {
                if (!sc_folder_entry(&folder->files, i, &entry, NULL))
                        return has_wrong_format(SC_OBJECT_FOLDER, id, error);
                if (!enter(verify, entry.name, &size, error) || !add_file(verify, entry.object, error))
                        return false;
                g_string_truncate(verify->path, size);
        }
        for (gsize i = 0; i < folder->folders.n; i++) {
                if (!sc_folder_entry(&folder->folders, i, &entry, NULL))
                        return has_wrong_format(SC_OBJECT_FOLDER, id, error);
                if (!enter(verify, entry.name, &size, error) || !walk_folder(verify, entry.object, entry.meta, error))
                        return false;
                g_string_truncate(verify->path, size);
        }
        return true;
}

static bool walk_folder(Verify *verify, const ScDigest *contents, const ScDigest *meta, GError **error)
{
        g_autoptr(GVariant) folder_meta = NULL;
        g_autoptr(GBytes) bytes = NULL;
        ScFolderObject folder;

        if (sc_cancelled(verify->cancellable, error))
                return false;
        if (load_variant(verify, SC_OBJECT_FOLDER_META, meta, OSTREE_DIRMETA_GVARIANT_FORMAT, &folder_meta, error) < 0)
                return false;
        int loaded = load(verify, SC_OBJECT_FOLDER, contents, &bytes, error);
        if (loaded <= 0)
                return loaded == 0;
        if (!sc_folder_object_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &folder, NULL))
                return has_wrong_format(SC_OBJECT_FOLDER, contents, error);
        return walk_entries(verify, contents, &folder, error);
}

/* A ref may have been turned to another commit, which is whole. */
static void check_diff_id(Verify *verify, GVariant *commit)
{
        g_autoptr(GVariant) metadata = g_variant_get_child_value(commit, 0);
        const char *text;
        ScDigest diff_id;

        if (verify->naming || verify->layer == NULL || !verify->layer->has_diff_id ||
            !g_variant_lookup(metadata, KEY_DIFF_ID, "&s", &text))
                return;
        if (!sc_digest_parse(text, &diff_id, NULL) || !sc_digest_equal(&diff_id, &verify->layer->diff_id))
                find(verify, "is another one");
}

static bool walk_commit(Verify *verify, const char *checksum, GError **error)
{
        g_autoptr(GVariant) commit = NULL;
        ScDigest id, contents, meta;

        g_string_truncate(verify->path, 0);
        if (!sc_digest_parse_hex(checksum, &id, error))
                return false;
        int loaded = load_variant(verify, SC_OBJECT_COMMIT, &id, OSTREE_COMMIT_GVARIANT_FORMAT, &commit, error);
        if (loaded <= 0)
                return loaded == 0;
        check_diff_id(verify, commit);
        return sc_commit_tree(commit, &contents, &meta, error) && walk_folder(verify, &contents, &meta, error);
}

static bool walk_blob(Verify *verify, const ScDigest *digest, GError **error)
{
        g_autoptr(GError) own_error = NULL;
        char hex[SC_DIGEST_HEX_SIZE];

        sc_digest_to_hex(digest, hex);
        g_autofree char *ref = g_strconcat(SC_REF_PREFIX, hex, NULL);
        g_autofree char *commit = sc_repository_resolve(verify->repository, ref, &own_error);
        if (commit != NULL)
                return walk_commit(verify, commit, error);
        if (sc_error_is_passing(own_error)) {
                g_propagate_error(error, g_steal_pointer(&own_error));
                return false;
        }
        g_string_truncate(verify->path, 0);
        if (!verify->naming)
                find(verify, missing);
        return true;
}

/* An image that another program stored with a manifest of an old kind has its configuration in there, or none: what stands for the
 * id is no blob. */
static bool has_config(const ScImageInfo *info)
{
        return info->config_size > 0 || info->source != NULL;
}

static bool walk_image(Verify *verify, GError **error)
{
        const ScImageInfo *info = verify->image->info;

        verify->layer = NULL;
        verify->what = "manifest";
        verify->mark = &verify->verdict->manifest;
        if (!walk_commit(verify, verify->image->commit, error))
                return false;
        verify->what = "configuration";
        verify->mark = &verify->verdict->config;
        if (has_config(info) && !walk_blob(verify, &info->config, error))
                return false;
        verify->mark = NULL;
        for (guint i = 0; i < info->layers->len; i++) {
                verify->layer = info->layers->pdata[i];
                g_autofree char *what = sc_digest_to_string(&verify->layer->digest);
                verify->what = what;
                if (!walk_blob(verify, &verify->layer->digest, error))
                        return false;
        }
        return true;
}

/* ---- the files */

/* The error, or NULL. */
static gpointer hash_files(gpointer data)
{
        Verify *verify = data;

        for (;;) {
                guint i = (guint)g_atomic_int_add(&verify->next, 1);
                if (i >= verify->queue->len || g_cancellable_is_cancelled(verify->cancellable))
                        return NULL;
                FileObject *file = verify->queue->pdata[i];
                g_autoptr(GError) error = NULL;
                bool whole;
                if (!sc_object_check(verify->repository, &file->id, verify->report, verify->cancellable, &whole, &error))
                        return g_steal_pointer(&error);
                if (!whole)
                        file->damage = changed;
        }
}

static bool hash_all_files(Verify *verify, GError **error)
{
        GThread *threads[N_THREADS];

        sc_report_phase(verify->report, "Checking", verify->verdict->bytes);
        for (guint i = 0; i < N_THREADS; i++)
                threads[i] = g_thread_new("verify", hash_files, verify);
        g_autoptr(GError) failed = NULL;
        for (guint i = 0; i < N_THREADS; i++) {
                g_autoptr(GError) own_error = g_thread_join(threads[i]);
                if (failed == NULL)
                        failed = g_steal_pointer(&own_error);
        }
        if (sc_cancelled(verify->cancellable, error))
                return false;
        if (failed == NULL)
                return true;
        g_propagate_error(error, g_steal_pointer(&failed));
        return false;
}

static bool is_damaged(Verify *verify)
{
        GHashTableIter iter;
        gpointer file;

        g_hash_table_iter_init(&iter, verify->files);
        while (g_hash_table_iter_next(&iter, &file, NULL))
                if (((const FileObject *)file)->damage != NULL)
                        return true;
        return false;
}

/* What is in the text, apart from its commit: the manifest's digest is in the description, and that of the configuration is its
 * name. */
static void check_texts(Verify *verify)
{
        const ScImage *image = verify->image;
        ScDigest digest;

        g_string_truncate(verify->path, 0);
        sc_digest_of(image->manifest, strlen(image->manifest), &digest);
        if (!sc_digest_equal(&digest, &image->info->digest) && image->info->source != NULL) {
                verify->what = "manifest";
                verify->layer = NULL;
                verify->mark = &verify->verdict->manifest;
                find(verify, changed);
        }
}

ScVerdict *sc_verify_image(ScRepository *repository, const ScImage *image, ScReport *report, GCancellable *cancellable,
                           GError **error)
{
        g_autoptr(ScVerdict) verdict = g_new0(ScVerdict, 1);
        g_autoptr(GHashTable) files = g_hash_table_new_full(sc_digest_hash_func, sc_digest_equal_func, g_free, NULL);
        g_autoptr(GPtrArray) queue = g_ptr_array_new();
        g_autoptr(GString) path = g_string_new(NULL);
        Verify verify = {.repository = repository,
                         .image = image,
                         .report = report,
                         .cancellable = cancellable,
                         .verdict = verdict,
                         .files = files,
                         .queue = queue,
                         .path = path};

        verdict->findings = g_ptr_array_new_with_free_func(finding_free);
        verdict->layers = g_ptr_array_new();
        verdict->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        sc_report_phase(report, "Looking through the layers", 0);
        if (!walk_image(&verify, error) || !hash_all_files(&verify, error))
                return NULL;
        check_texts(&verify);
        verify.naming = true;
        verify.nodes = 0;
        if (is_damaged(&verify) && !walk_image(&verify, error))
                return NULL;
        return g_steal_pointer(&verdict);
}
