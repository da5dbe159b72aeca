/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "other-repository.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "image-commit.h"
#include <archive.h>
#include <errno.h>
#include <ostree.h>
#include <string.h>

struct ScOtherRepository {
        OstreeRepo *repo;
        char *path;
};

ScOtherRepository *sc_other_repository_open(const char *path, GError **error)
{
        sc_autofd fd = sc_open_dir(path, error);
        g_autoptr(OstreeRepo) repo = fd >= 0 ? ostree_repo_open_at(fd, ".", NULL, error) : NULL;
        if (repo == NULL) {
                sc_prefix(error, "Cannot open the repository %s", path);
                return NULL;
        }
        ScOtherRepository *other = g_new0(ScOtherRepository, 1);
        other->repo = g_steal_pointer(&repo);
        other->path = g_strdup(path);
        return other;
}

void sc_other_repository_free(ScOtherRepository *other)
{
        if (other == NULL)
                return;
        g_object_unref(other->repo);
        g_free(other->path);
        g_free(other);
}

/* NULL without an error: there is no such ref. */
static char *resolve(ScOtherRepository *other, const char *ref, GError **error)
{
        g_autofree char *commit = NULL;
        return ostree_repo_resolve_rev_ext(other->repo, ref, TRUE, OSTREE_REPO_RESOLVE_REV_EXT_LOCAL_ONLY, &commit, error)
                       ? g_steal_pointer(&commit)
                       : NULL;
}

static char *resolve_blob(ScOtherRepository *other, const ScDigest *digest, GError **error)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(digest, hex);
        g_autofree char *ref = g_strconcat(SC_REF_PREFIX, hex, NULL);
        g_autoptr(GError) own_error = NULL;
        char *commit = resolve(other, ref, &own_error);
        if (own_error != NULL)
                g_propagate_error(error, g_steal_pointer(&own_error));
        else if (commit == NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND, "The repository %s lacks %s", other->path, ref);
        return commit;
}

char *sc_other_repository_manifest(ScOtherRepository *other, const char *name, GError **error)
{
        g_autofree char *ref = sc_ref_encode(name);
        g_autoptr(GError) own_error = NULL;
        g_autofree char *commit = resolve(other, ref, &own_error);
        g_autoptr(GVariant) object = NULL;
        const char *manifest;
        if (commit == NULL) {
                if (own_error != NULL)
                        g_propagate_error(error, g_steal_pointer(&own_error));
                else
                        sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found in the repository %s", name, other->path);
                return NULL;
        }
        if (!ostree_repo_fsck_object(other->repo, OSTREE_OBJECT_TYPE_COMMIT, commit, NULL, error) ||
            !ostree_repo_load_commit(other->repo, commit, &object, NULL, error)) {
                sc_prefix(error, "Image %s", name);
                return NULL;
        }
        g_autoptr(GVariant) metadata = g_variant_get_child_value(object, 0);
        if (!g_variant_lookup(metadata, SC_IMAGE_MANIFEST, "&s", &manifest) || strlen(manifest) > SC_IMAGE_MANIFEST_MAX) {
                sc_throw(error, SC_ERROR_CORRUPT, "The commit of %s in %s is not that of an image", name, other->path);
                return NULL;
        }
        return g_strdup(manifest);
}

char *sc_other_repository_blob(ScOtherRepository *other, const ScDigest *digest, gsize max, gsize *ret_size, GError **error)
{
        g_autofree char *commit = resolve_blob(other, digest, error);
        g_autoptr(GFile) root = NULL;
        if (commit == NULL || !ostree_repo_read_commit(other->repo, commit, &root, NULL, NULL, error))
                return NULL;
        g_autoptr(GFile) file = g_file_resolve_relative_path(root, "content");
        g_autoptr(GInputStream) stream = G_INPUT_STREAM(g_file_read(file, NULL, error));
        g_autofree char *data = g_malloc(max + 2);
        gsize size;
        if (stream == NULL || !g_input_stream_read_all(stream, data, max + 1, &size, NULL, error))
                return NULL;
        ScDigest computed;
        sc_digest_of(data, size, &computed);
        if (size > max || !sc_digest_equal(&computed, digest)) {
                g_autofree char *should = sc_digest_to_string(digest);
                sc_throw(error, SC_ERROR_VERIFY_FAILED, "What the repository %s has as %s is something else", other->path, should);
                return NULL;
        }
        data[size] = '\0';
        *ret_size = size;
        return g_steal_pointer(&data);
}

static bool check_objects(ScOtherRepository *other, const char *commit, GCancellable *cancellable, GError **error)
{
        g_autoptr(GHashTable) objects = NULL;
        GHashTableIter iter;
        gpointer key;
        if (!ostree_repo_traverse_commit(other->repo, commit, 0, &objects, cancellable, error))
                return false;
        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const char *checksum;
                OstreeObjectType type;
                g_autoptr(GError) problem = NULL;
                ostree_object_name_deserialize(key, &checksum, &type);
                if (sc_cancelled(cancellable, error))
                        return false;
                if (!ostree_repo_fsck_object(other->repo, type, checksum, NULL, &problem))
                        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "An object of the repository %s is damaged: %s", other->path,
                                        problem->message);
        }
        return true;
}

char *sc_other_repository_layer(ScOtherRepository *other, const ScDigest *digest, GCancellable *cancellable, GError **error)
{
        g_autofree char *commit = resolve_blob(other, digest, error);
        return commit != NULL && check_objects(other, commit, cancellable, error) ? g_steal_pointer(&commit) : NULL;
}

typedef struct {
        ScExportSink sink;
        gpointer data;
        GError *error;
} Export;

static la_ssize_t write_on(struct archive *archive, void *data, const void *bytes, size_t size)
{
        Export *out = data;
        if (out->error != NULL || !out->sink(out->data, bytes, size, &out->error)) {
                archive_set_error(archive, EIO, "%s", out->error->message);
                return -1;
        }
        return (la_ssize_t)size;
}

static bool export(ScOtherRepository *other, const char *commit, struct archive *archive, Export *out, GCancellable *cancellable,
                   GError **error)
{
        OstreeRepoExportArchiveOptions options = {0};
        g_autoptr(GFile) root = NULL;
        if (!ostree_repo_read_commit(other->repo, commit, &root, NULL, cancellable, error))
                return false;
        if (archive_write_set_format_pax(archive) != ARCHIVE_OK ||
            archive_write_set_bytes_in_last_block(archive, 1) != ARCHIVE_OK ||
            archive_write_open(archive, out, NULL, write_on, NULL) != ARCHIVE_OK)
                return sc_throw(error, SC_ERROR_FAILED, "Cannot begin a tar archive: %s", archive_error_string(archive));
        return ostree_repo_export_tree_to_archive(other->repo, &options, OSTREE_REPO_FILE(root), archive, cancellable, error) &&
               (archive_write_close(archive) == ARCHIVE_OK ||
                sc_throw(error, SC_ERROR_FAILED, "Cannot end a tar archive: %s", archive_error_string(archive)));
}

bool sc_other_repository_export(ScOtherRepository *other, const char *commit, ScExportSink sink, gpointer data,
                                GCancellable *cancellable, GError **error)
{
        Export out = {.sink = sink, .data = data};
        struct archive *archive = archive_write_new();
        g_autoptr(GError) own_error = NULL;
        bool ok = export(other, commit, archive, &out, cancellable, &own_error);
        if (!ok)
                archive_write_fail(archive);
        archive_write_free(archive);
        if (ok)
                return true;
        /* what the sink said rather than what became of it */
        g_propagate_error(error, out.error != NULL ? g_steal_pointer(&out.error) : g_steal_pointer(&own_error));
        return sc_prefix(error, "Repository %s", other->path);
}
