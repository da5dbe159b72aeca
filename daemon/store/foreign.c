/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "foreign.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "commit.h"
#include "image-commit.h"
#include "staging.h"

void sc_foreign_image_free(ScForeignImage *image)
{
        if (image == NULL)
                return;
        g_free(image->name);
        g_free(image->commit);
        g_free(image->manifest);
        g_free(image->digest);
        g_free(image);
}

/* NULL: it is no image's commit. */
static ScForeignImage *image_new(const char *name, const char *commit, GVariant *object)
{
        g_autoptr(GVariant) metadata = sc_commit_metadata(object);
        const char *manifest, *digest = NULL;
        if (!g_variant_lookup(metadata, SC_IMAGE_MANIFEST, "&s", &manifest))
                return NULL;
        g_variant_lookup(metadata, SC_IMAGE_DIGEST, "&s", &digest);
        ScForeignImage *image = g_new0(ScForeignImage, 1);
        image->name = g_strdup(name);
        image->commit = g_strdup(commit);
        image->manifest = g_strdup(manifest);
        image->digest = g_strdup(digest);
        image->created = sc_commit_time(object);
        return image;
}

static bool is_described(GVariant *object)
{
        g_autoptr(GVariant) metadata = sc_commit_metadata(object);
        const char *info;
        return g_variant_lookup(metadata, SC_IMAGE_INFO, "&s", &info);
}

ScForeignImage *sc_foreign_image_at(ScRepository *repository, const char *commit, const char *name, GError **error)
{
        g_autoptr(GVariant) object = sc_repository_view_commit(sc_repository_view(repository), commit, error);
        if (object == NULL) {
                sc_prefix(error, "Image %s", name);
                return NULL;
        }
        ScForeignImage *image = image_new(name, commit, object);
        if (image == NULL)
                sc_throw(error, SC_ERROR_CORRUPT, "The commit %s is not that of an image", commit);
        return image;
}

GPtrArray *sc_foreign_images(ScRepository *repository, GError **error)
{
        const ScRepositoryView *view = sc_repository_view(repository);
        g_autoptr(GArray) refs = sc_image_refs(view, error);
        if (refs == NULL)
                return NULL;
        GPtrArray *images = g_ptr_array_new_with_free_func((GDestroyNotify)sc_foreign_image_free);
        for (guint i = 0; i < refs->len; i++) {
                const ScImageRef *ref = &g_array_index(refs, ScImageRef, i);
                g_autofree char *commit = sc_repository_view_resolve(view, ref->ref, NULL);
                g_autoptr(GVariant) object = commit != NULL ? sc_repository_view_commit(view, commit, NULL) : NULL;
                ScForeignImage *image = object != NULL && !is_described(object) ? image_new(ref->name, commit, object) : NULL;
                if (image != NULL)
                        g_ptr_array_add(images, image);
        }
        return images;
}

/* 1: it is read; 0: there is no such file; -1: error. */
static int read_member(ScRepository *repository, GFile *root, const char *name, gsize max, char **ret, gsize *ret_size,
                       GError **error)
{
        g_autoptr(GFile) file = g_file_get_child(root, name);
        ScDigest object;
        char object_path[SC_OBJECT_PATH_SIZE];
        g_autoptr(GError) local = NULL;
        if (!ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(file), &local)) {
                if (g_error_matches(local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
                        return 0;
                g_propagate_error(error, g_steal_pointer(&local));
                return -1;
        }
        if (!sc_digest_parse_hex(ostree_repo_file_get_checksum(OSTREE_REPO_FILE(file)), &object, error))
                return -1;
        sc_object_path(SC_OBJECT_FILE, &object, object_path);
        return sc_read_file(sc_repository_objects_fd(repository), object_path, max, ret, ret_size, error) ? 1 : -1;
}

bool sc_foreign_config(ScRepository *repository, const ScDigest *config, gsize max, char **ret, gsize *ret_size, GError **error)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(config, hex);
        g_autofree char *ref = g_strconcat(SC_REF_PREFIX, hex, NULL);
        g_autofree char *commit = sc_repository_resolve(repository, ref, error);
        g_autoptr(GFile) root = NULL;
        if (commit == NULL || !ostree_repo_read_commit(sc_repository_ostree(repository), commit, &root, NULL, NULL, error))
                return sc_prefix(error, "Cannot read the image's configuration");
        int found = read_member(repository, root, "content", max, ret, ret_size, error);
        if (found == 0)
                return sc_throw(error, SC_ERROR_CORRUPT,
                                "The image's configuration cannot be read: its commit has no file content");
        return found > 0 || sc_prefix(error, "Cannot read the image's configuration");
}

GPtrArray *sc_foreign_signatures(ScRepository *repository, const ScForeignImage *image, guint max_count, gsize max_size,
                                 GError **error)
{
        g_autoptr(GPtrArray) signatures = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        g_autoptr(GFile) root = NULL;
        if (!ostree_repo_read_commit(sc_repository_ostree(repository), image->commit, &root, NULL, NULL, error)) {
                sc_prefix(error, "Cannot read the commit of the image %s", image->name);
                return NULL;
        }
        for (guint i = 1; i <= max_count; i++) {
                g_autofree char *name = g_strdup_printf("signature-%u", i), *data = NULL;
                gsize size;
                int found = read_member(repository, root, name, max_size, &data, &size, error);
                if (found < 0) {
                        sc_prefix(error, "Cannot read the %s of the image %s", name, image->name);
                        return NULL;
                }
                if (found == 0)
                        break;
                g_ptr_array_add(signatures, g_bytes_new_take(g_steal_pointer(&data), size));
        }
        return g_steal_pointer(&signatures);
}

static GVariant *with_info(GVariant *commit, const ScImageInfo *info)
{
        g_autoptr(GVariant) old = g_variant_get_child_value(commit, 0);
        g_auto(GVariantDict) metadata = G_VARIANT_DICT_INIT(old);
        g_autoptr(JsonObject) json = sc_image_info_to_json(info);
        g_variant_dict_insert_value(&metadata, SC_IMAGE_INFO, g_variant_new_take_string(sc_json_to_string(json, false)));
        GVariant *members[8] = {g_variant_dict_end(&metadata)};
        for (gsize i = 1; i < G_N_ELEMENTS(members); i++)
                members[i] = g_variant_get_child_value(commit, i);
        GVariant *changed = g_variant_ref_sink(g_variant_new_tuple(members, G_N_ELEMENTS(members)));
        for (gsize i = 1; i < G_N_ELEMENTS(members); i++)
                g_variant_unref(members[i]);
        return changed;
}

static bool publish(ScRepository *repository, ScStaging *staging, const ScForeignImage *image, GVariant *commit, GError **error)
{
        g_autoptr(GPtrArray) objects = g_ptr_array_new();
        g_autofree char *ref = sc_ref_encode(image->name);
        char hex[SC_DIGEST_HEX_SIZE];
        ScStagedObject *object = sc_commit_write_variant(staging, commit, error);
        if (object == NULL)
                return false;
        g_ptr_array_add(objects, object);
        if (!sc_staging_wait(staging, objects, error) || !sc_staging_sync(staging, error) ||
            !sc_staging_move(staging, objects, error) || !sc_staging_sync(staging, error))
                return false;
        sc_digest_to_hex(sc_staged_object_id(object), hex);
        return sc_repository_move_ref(repository, ref, image->commit, hex, error);
}

bool sc_foreign_describe(ScRepository *repository, const ScForeignImage *image, const ScImageInfo *info, GError **error)
{
        g_autoptr(GVariant) commit = sc_repository_view_commit(sc_repository_view(repository), image->commit, error);
        if (commit == NULL)
                return sc_prefix(error, "Image %s", image->name);
        g_autoptr(GVariant) described = with_info(commit, info);
        ScStaging *staging = sc_staging_new(repository, SC_STAGING_FRESH, error);
        bool published = staging != NULL && publish(repository, staging, image, described, error);
        sc_staging_free(staging, SC_STAGING_REMOVE);
        return published || sc_prefix(error, "Cannot describe the image %s", image->name);
}
