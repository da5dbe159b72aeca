/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image.h"
#include "base/error.h"
#include "base/image-name.h"
#include "base/reference.h"
#include "image-commit.h"
#include "layer.h"
#include "publisher.h"
#include <string.h>

#define MIN_ID_PREFIX 4

/* The name that is meant by a name or a digest, the name itself before one that has the digest in it; NULL: none is. */
static const char *meant_name(const ScImage *image, const char *text)
{
        for (char **name = image->names; *name != NULL; name++)
                if (strcmp(*name, text) == 0)
                        return *name;
        for (guint i = 0; image->names[i] != NULL; i++)
                if (sc_image_is_meant(text, image->names[i], image->digests[i], image->id))
                        return image->names[i];
        return NULL;
}

static bool is_id_prefix(const char *text)
{
        gsize size = strlen(text);

        return size >= MIN_ID_PREFIX && size <= 64 && strspn(text, "0123456789abcdef") == size;
}

/* Names of one id may have different manifests (the same layers in another compression): who asks by name means that name's. */
static ScImage *as_named(ScRepository *repository, ScImage *image, const char *name, GError **error)
{
        g_autoptr(ScImage) found = image;
        g_autofree char *ref = sc_ref_encode(name);
        g_autofree char *commit = sc_repository_resolve(repository, ref, error);

        if (commit == NULL || strcmp(commit, image->commit) == 0)
                return commit != NULL ? g_steal_pointer(&found) : NULL;
        ScImage *named = sc_image_read(sc_repository_view(repository), commit, error);
        if (named != NULL) {
                g_strfreev(named->digests);
                named->names = g_steal_pointer(&found->names);
                named->digests = g_steal_pointer(&found->digests);
                named->sources = g_steal_pointer(&found->sources);
        }
        return named;
}

ScImage *sc_image_find(ScRepository *repository, const char *name_or_id, GError **error)
{
        g_autoptr(GError) unreadable = NULL;
        g_autoptr(GPtrArray) images = sc_image_list_whole(sc_repository_view(repository), name_or_id, &unreadable, error);
        guint found = G_MAXUINT;

        if (images == NULL)
                return NULL;
        for (guint i = 0; i < images->len; i++) {
                const char *name = meant_name(images->pdata[i], name_or_id);
                if (name != NULL)
                        return as_named(repository, g_ptr_array_steal_index(images, i), name, error);
        }
        for (guint i = 0; found == G_MAXUINT && is_id_prefix(name_or_id) && i < images->len; i++) {
                if (!g_str_has_prefix(((const ScImage *)images->pdata[i])->id, name_or_id))
                        continue;
                for (guint other = i + 1; other < images->len; other++)
                        if (g_str_has_prefix(((const ScImage *)images->pdata[other])->id, name_or_id)) {
                                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "more images matching prefix `%s`", name_or_id);
                                return NULL;
                        }
                found = i;
        }
        if (found == G_MAXUINT && unreadable != NULL) {
                g_propagate_error(error, g_steal_pointer(&unreadable));
                return NULL;
        }
        if (found == G_MAXUINT) {
                sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found", name_or_id);
                return NULL;
        }
        return g_ptr_array_steal_index(images, found);
}

ScImage *sc_image_at(ScRepository *repository, const char *commit, const char *name, GError **error)
{
        gboolean present = FALSE;

        if (!ostree_validate_checksum_string(commit, error) ||
            !ostree_repo_has_object(sc_repository_ostree(repository), OSTREE_OBJECT_TYPE_COMMIT, commit, &present, NULL, error)) {
                sc_prefix(error, "Image %s", name);
                return NULL;
        }
        if (!present) {
                sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s was replaced by a newer one, and removed: try again", name);
                return NULL;
        }
        ScImage *image = sc_image_read(sc_repository_view(repository), commit, error);
        if (image != NULL)
                sc_image_add_name(image, name, image);
        return image;
}

/* A digest in a manifest, as the ref that holds its blob. */
static bool hold_blob(GHashTable *refs, JsonObject *descriptor, const char *key, GError **error)
{
        const char *text;
        ScDigest digest;
        char hex[SC_DIGEST_HEX_SIZE];

        if (!sc_json_get_string(descriptor, key, SC_JSON_REQUIRED, &text, error) || !sc_digest_parse(text, &digest, error))
                return false;
        sc_digest_to_hex(&digest, hex);
        g_hash_table_add(refs, g_strconcat(SC_REF_PREFIX, hex, NULL));
        return true;
}

/* An entry of a list of blobs: an object with a digest, or (what the first versions of the atomic command wrote) the digest. */
static bool hold_entry(GHashTable *refs, JsonNode *entry, const char *list, const char *key, GError **error)
{
        if (JSON_NODE_HOLDS_OBJECT(entry))
                return hold_blob(refs, json_node_get_object(entry), key, error);
        const char *text = JSON_NODE_HOLDS_VALUE(entry) && json_node_get_value_type(entry) == G_TYPE_STRING
                                   ? json_node_get_string(entry)
                                   : "";
        const char *hex = g_str_has_prefix(text, "sha256:") ? text + strlen("sha256:") : text;
        if (!sc_digest_is_hex(hex))
                return sc_throw(error, SC_ERROR_CORRUPT, "An entry of %s is not a digest", list);
        g_hash_table_add(refs, g_strconcat(SC_REF_PREFIX, hex, NULL));
        return true;
}

/* Schema 2 and OCI name their blobs in config and layers, schema 1 (which the atomic command took, too) in fsLayers, its first
 * versions in Layers. */
static bool hold_blobs(GHashTable *refs, const char *manifest, GError **error)
{
        g_autoptr(JsonObject) json = sc_json_parse_object(manifest, -1, SC_IMAGE_MANIFEST_MAX, "manifest", error);
        static const struct {
                const char *list, *key;
        } lists[] = {{"layers", "digest"}, {"fsLayers", "blobSum"}, {"Layers", "digest"}};
        JsonObject *config;

        if (json == NULL || !sc_json_get_object(json, "config", SC_JSON_OPTIONAL, &config, error) ||
            (config != NULL && !hold_blob(refs, config, "digest", error)))
                return false;
        for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
                JsonArray *array;
                if (!sc_json_get_array(json, lists[i].list, SC_JSON_OPTIONAL, &array, error))
                        return false;
                for (guint n = 0; array != NULL && n < json_array_get_length(array); n++)
                        if (!hold_entry(refs, json_array_get_element(array, n), lists[i].list, lists[i].key, error))
                                return false;
        }
        return true;
}

static bool hold_image(const ScRepositoryView *view, GHashTable *refs, const char *commit, GError **error)
{
        g_autoptr(GVariant) object = sc_repository_view_commit(view, commit, error);
        g_autoptr(GVariant) metadata = object != NULL ? sc_commit_metadata(object) : NULL;
        const char *manifest;

        if (metadata == NULL)
                return false;
        if (!g_variant_lookup(metadata, SC_IMAGE_MANIFEST, "&s", &manifest))
                return sc_throw(error, SC_ERROR_CORRUPT, "It has no manifest: delete it, or pull it again");
        return hold_blobs(refs, manifest, error);
}

bool sc_image_held_refs(ScRepository *repository, GHashTable *refs, GError **error)
{
        const ScRepositoryView *view = sc_repository_view(repository);
        g_autoptr(GArray) named = sc_image_refs(view, error);

        for (guint i = 0; named != NULL && i < named->len; i++) {
                const ScImageRef *image = &g_array_index(named, ScImageRef, i);
                g_autoptr(GError) own_error = NULL;
                g_autofree char *commit = sc_repository_view_resolve(view, image->ref, &own_error);
                /* removed meanwhile */
                if (commit == NULL && g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                        continue;
                if (commit != NULL && hold_image(view, refs, commit, &own_error))
                        continue;
                g_propagate_error(error, g_steal_pointer(&own_error));
                return sc_prefix(error, "Image %s", image->name);
        }
        return named != NULL;
}

static bool check_blob(ScRepository *repository, const ScDigest *digest, const char *what, GError **error)
{
        g_autoptr(GError) own_error = NULL;

        if (sc_layer_exists(repository, digest, &own_error))
                return true;
        if (own_error != NULL) {
                g_propagate_error(error, g_steal_pointer(&own_error));
                return false;
        }
        g_autofree char *text = sc_digest_to_string(digest);
        return sc_throw(error, SC_ERROR_NOT_FOUND, "The image's %s %s is missing; pull the image again", what, text);
}

static bool check_blobs(ScRepository *repository, const ScImageTarget *target, const ScImageInfo *info, GError **error)
{
        if (target->config == NULL && !check_blob(repository, &info->config, "configuration", error))
                return false;
        for (guint i = 0; i < info->layers->len; i++)
                if (!check_blob(repository, &((const ScLayerInfo *)info->layers->pdata[i])->digest, "layer", error))
                        return false;
        return true;
}

static bool write_image(ScRepository *repository, ScStaging *staging, const ScImageTarget *target, const char *manifest,
                        gsize manifest_size, const ScImageInfo *info, GError **error)
{
        g_autoptr(JsonObject) json = sc_image_info_to_json(info);
        g_autofree char *info_text = sc_json_to_string(json, false);
        if (strlen(info_text) > SC_IMAGE_INFO_MAX)
                return sc_throw(
                        error, SC_ERROR_CORRUPT,
                        "Its configuration says too much about it: labels and all else that is shown have %zu bytes, and may "
                        "have %u",
                        strlen(info_text), SC_IMAGE_INFO_MAX);
        g_autoptr(ScPublisher) publisher = sc_publisher_new(repository, staging);
        g_auto(GVariantDict) metadata = G_VARIANT_DICT_INIT(NULL);
        g_auto(GVariantDict) config_metadata = G_VARIANT_DICT_INIT(NULL);
        g_autofree char *ref = sc_ref_encode(target->name), *digest = sc_digest_to_string(&info->digest),
                        *config_ref = sc_layer_ref(&info->config);

        g_variant_dict_insert_value(&metadata, SC_IMAGE_INFO, g_variant_new_take_string(g_steal_pointer(&info_text)));
        g_variant_dict_insert_value(&metadata, SC_IMAGE_MANIFEST, g_variant_new_take_string(g_strndup(manifest, manifest_size)));
        g_variant_dict_insert(&metadata, SC_IMAGE_DIGEST, "s", digest);
        g_variant_dict_insert(&metadata, SC_IMAGE_SIGNATURES, "s", "0");
        /* The image's ref is the last. */
        ScPublisherFile files[2];
        guint n = 0;
        if (target->config != NULL)
                files[n++] = sc_layer_config_file(config_ref, target->config, info->config_size, &config_metadata);
        files[n++] = (ScPublisherFile){{ref, target->from}, "manifest.json", manifest, manifest_size, &metadata};
        return sc_publisher_publish_files(publisher, files, n, error);
}

bool sc_image_publish(ScRepository *repository, const ScImageTarget *target, const char *manifest, gsize manifest_size,
                      const ScImageInfo *info, GError **error)
{
        const char *name = target->name;
        /* As a string in the commit's metadata it could hold neither. */
        if (manifest_size > SC_IMAGE_MANIFEST_MAX || !g_utf8_validate(manifest, (gssize)manifest_size, NULL))
                return sc_throw(error, SC_ERROR_CORRUPT, "The manifest of %s is too large or not UTF-8", name);
        ScStaging *staging = check_blobs(repository, target, info, error) ? sc_staging_new(repository, SC_STAGING_FRESH, error)
                                                                          : NULL;
        if (staging == NULL)
                return sc_prefix(error, "Image %s", name);
        bool written = write_image(repository, staging, target, manifest, manifest_size, info, error);
        sc_staging_free(staging, SC_STAGING_REMOVE);
        return written || sc_prefix(error, "Image %s", name);
}

/* expected NULL: anything will do. */
static bool is_from(const char *expected, const ScImage *image, const char *name)
{
        g_autofree char *source = image != NULL ? sc_image_source_of(image->info, name) : g_strdup("");
        return expected == NULL || strcmp(expected, source) == 0;
}

bool sc_image_tag(ScRepository *repository, const ScTag *tag, bool *ret_changed, GError **error)
{
        g_autofree char *from = sc_ref_encode(tag->from), *to = sc_ref_encode(tag->to);
        g_autofree char *commit = sc_repository_resolve(repository, from, error);
        g_autoptr(ScImage) image = commit != NULL ? sc_image_read(sc_repository_view(repository), commit, error) : NULL;
        g_autoptr(GError) none = NULL;

        if (image == NULL)
                return sc_prefix(error, "Image %s", tag->from);
        g_autofree char *before = sc_repository_resolve(repository, to, &none);
        if (before == NULL && !g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&none));
                return false;
        }
        *ret_changed = g_strcmp0(before, commit) != 0;
        if (!*ret_changed)
                return true;
        /* What cannot be read is another image, for all that is known. */
        g_autoptr(ScImage) other = before != NULL ? sc_image_read(sc_repository_view(repository), before, NULL) : NULL;
        if ((tag->before != NULL && strcmp(tag->before, other != NULL ? other->id : "") != 0) ||
            !is_from(tag->before_source, other, tag->to))
                return sc_throw(error, SC_ERROR_BUSY, "The name %s was given to another image in the meantime: try again", tag->to);
        if (!is_from(tag->source, image, tag->from))
                return sc_throw(error, SC_ERROR_BUSY, "The image %s was pulled from elsewhere in the meantime: try again",
                                tag->from);
        if (before != NULL && (tag->flags & SC_TAG_REPLACE) == 0 && (other == NULL || strcmp(other->id, image->id) != 0))
                return sc_throw(error, SC_ERROR_EXISTS,
                                "The name %s means another image already: delete it first, or say that it shall be replaced",
                                tag->to);
        if (!sc_repository_move_ref(repository, to, before != NULL ? before : "", commit, error))
                return false;
        g_autoptr(GError) gone = NULL;
        g_autofree char *now = sc_repository_resolve(repository, to, &gone);
        if (now == NULL && !g_error_matches(gone, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&gone));
                return sc_prefix(error, "Cannot tell whether %s has the name now", tag->from);
        }
        return g_strcmp0(now, commit) == 0 ||
               sc_throw(error, SC_ERROR_BUSY, "The name %s was given to another image at the same time: try again", tag->to);
}

bool sc_image_delete(ScRepository *repository, const ScImage *image, const char *const *names, GError **error)
{
        for (const char *const *name = names; name != NULL && *name != NULL; name++)
                if (!g_strv_contains((const char *const *)image->names, *name))
                        return sc_throw(error, SC_ERROR_NOT_FOUND, "The image has no name %s", *name);
        for (const char *const *name = names != NULL ? names : (const char *const *)image->names; *name != NULL; name++) {
                g_autofree char *ref = sc_ref_encode(*name);
                if (!sc_repository_drop_ref(repository, ref, error))
                        return false;
        }
        return true;
}
