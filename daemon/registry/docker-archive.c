/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "docker-archive.h"

#include "base/error.h"
#include "base/path.h"
#include "docker-list.h"
#include "manifest.h"
#include "printable.h"
#include "tar-index.h"
#include <string.h>

#define DOCKER "application/vnd.docker."

typedef struct {
        ScDigest digest;
        ScExtent extent;
} Blob;

typedef struct {
        ScTransport transport;
        ScTransportRequest request;
        const ScTarFeed *feed; /* NULL: the file is whole, and ours */
        GMutex lock;           /* while it is read for the first time; nothing changes behind that */
        bool is_read;
        ScTarIndex *index;
        Blob config;
        GHashTable *layers; /* digests to Blob */
        GString *manifest;
        char *name; /* NULL: it has none */
} Archive;

static const char *shown_name(const Archive *archive)
{
        return archive->name != NULL ? archive->name : "the archive's image";
}

/* ---- reading it ---- */

static bool read_entry(const Archive *archive, const char *name, gsize max, char **ret, gsize *ret_size, GError **error)
{
        ScExtent extent;
        g_autofree char *shown = sc_printable(name);
        if (!sc_tar_index_find(archive->index, name, &extent, error) || !sc_extent_read(&extent, max, shown, ret, error))
                return false;
        *ret_size = (gsize)extent.size;
        return true;
}

/* What a path says of the digest: "HEX.json", "blobs/sha256/HEX". False: nothing. */
static bool digest_of_path(const char *path, ScDigest *ret)
{
        const char *slash = strrchr(path, '/');
        g_autofree char *base = g_strdup(slash != NULL ? slash + 1 : path);
        if (g_str_has_suffix(base, ".json"))
                base[strlen(base) - strlen(".json")] = '\0';
        return sc_digest_parse_hex(base, ret, NULL);
}

static bool read_config(Archive *archive, const char *path, char **ret_text, GError **error)
{
        ScDigest said;
        gsize size;
        if (!sc_tar_index_find(archive->index, path, &archive->config.extent, error) ||
            !read_entry(archive, path, SC_CONFIG_MAX_SIZE, ret_text, &size, error))
                return false;
        sc_digest_of(*ret_text, size, &archive->config.digest);
        g_autofree char *shown = sc_printable(path);
        return !digest_of_path(path, &said) || sc_digest_equal(&said, &archive->config.digest) ||
               sc_throw(error, SC_ERROR_VERIFY_FAILED,
                        "The configuration %s of the archive has another digest than its name says: it is damaged", shown);
}

static bool read_diff_ids(const char *config, gsize size, guint layers, char ***ret, GError **error)
{
        g_autoptr(JsonObject)
                object = sc_json_parse_object(config, (gssize)size, SC_CONFIG_MAX_SIZE, "image's configuration", error);
        JsonObject *rootfs;
        g_auto(GStrv) ids = NULL;
        if (object == NULL || !sc_json_get_object(object, "rootfs", SC_JSON_REQUIRED, &rootfs, error) ||
            !sc_json_get_strv(rootfs, "diff_ids", SC_JSON_REQUIRED, &ids, error))
                return false;
        if (g_strv_length(ids) != layers)
                return sc_throw(error, SC_ERROR_CORRUPT, "The archive has %u layers of the image, its configuration names %u",
                                layers, g_strv_length(ids));
        *ret = g_steal_pointer(&ids);
        return true;
}

static void append_descriptor(Archive *archive, const char *media_type, const char *suffix, const Blob *blob)
{
        g_autofree char *digest = sc_digest_to_string(&blob->digest);
        g_string_append_printf(archive->manifest,
                               "{\"mediaType\":\"" DOCKER "%s%s\",\"size\":%" G_GUINT64_FORMAT ",\"digest\":\"%s\"}", media_type,
                               suffix, blob->extent.size, digest);
}

static bool read_layer(Archive *archive, const char *path, const char *diff_id, GCancellable *cancellable, GError **error)
{
        g_autofree Blob *blob = g_new0(Blob, 1);
        ScExtentKind kind;
        const char *suffix;
        g_autofree char *shown = sc_printable(path);
        if (!sc_tar_index_find(archive->index, path, &blob->extent, error) ||
            !sc_extent_kind(&blob->extent, shown, &kind, &suffix, error))
                return false;
        /* What it is called by is checked when it is read, and what is in it against the configuration. */
        if (kind == SC_EXTENT_PLAIN ? !sc_digest_parse(diff_id, &blob->digest, error)
                                    : !digest_of_path(path, &blob->digest) &&
                                              !sc_extent_digest(&blob->extent, shown, &blob->digest, cancellable, error))
                return false;
        append_descriptor(archive, "image.rootfs.diff.tar", suffix, blob);
        Blob *own = g_steal_pointer(&blob);
        g_hash_table_replace(archive->layers, &own->digest, own);
        return true;
}

static bool read_image(Archive *archive, const ScDockerImage *image, GCancellable *cancellable, GError **error)
{
        g_autofree char *config = NULL;
        g_auto(GStrv) diff_ids = NULL;
        if (!read_config(archive, image->config, &config, error) ||
            !read_diff_ids(config, (gsize)archive->config.extent.size, g_strv_length(image->layers), &diff_ids, error))
                return false;
        archive->manifest = g_string_new("{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
                                         "distribution.manifest.v2+json\",\"config\":");
        append_descriptor(archive, "container.image.v1+json", "", &archive->config);
        g_string_append(archive->manifest, ",\"layers\":[");
        for (guint i = 0; image->layers[i] != NULL; i++) {
                if (i > 0)
                        g_string_append_c(archive->manifest, ',');
                if (!read_layer(archive, image->layers[i], diff_ids[i], cancellable, error))
                        return false;
        }
        g_string_append(archive->manifest, "]}");
        return true;
}

static bool read_archive(Archive *archive, GCancellable *cancellable, GError **error)
{
        g_autofree char *text = NULL, *repositories = NULL;
        gsize size;
        const char *name;
        g_clear_pointer(&archive->index, sc_tar_index_free);
        archive->index = archive->feed != NULL ? sc_tar_index_new_fed(archive->request.file, archive->feed, cancellable, error)
                                               : sc_tar_index_new(archive->request.file, cancellable, error);
        if (archive->index == NULL)
                return false;
        g_autoptr(GError) local = NULL;
        if (!read_entry(archive, "manifest.json", SC_MANIFEST_MAX_SIZE, &text, &size, &local)) {
                if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return sc_throw(error, SC_ERROR_CORRUPT,
                                        "It is no archive of `docker save` (an OCI archive is oci-archive:PATH): %s",
                                        local->message);
                g_propagate_error(error, g_steal_pointer(&local));
                return sc_prefix(error, "It is no archive of `docker save`");
        }
        g_autoptr(GPtrArray) images = sc_docker_list_parse(text, size, archive->request.config->max_layers, error);
        const ScDockerImage *image = images != NULL
                                             ? sc_docker_list_choose(images, archive->request.reference->choice, &name, error)
                                             : NULL;
        if (image == NULL)
                return false;
        /* Chosen by a name it goes by that, and not by another way to write it: polkit's rules have seen it. */
        const char *choice = archive->request.reference->choice;
        archive->name = g_strdup(choice != NULL ? choice : name);
        if (name == NULL && images->len == 1 &&
            read_entry(archive, "repositories", SC_MANIFEST_MAX_SIZE, &repositories, &size, NULL))
                archive->name = sc_docker_repositories_name(repositories, size);
        return read_image(archive, image, cancellable, error);
}

static void forget(Archive *archive)
{
        g_hash_table_remove_all(archive->layers);
        g_clear_pointer(&archive->index, sc_tar_index_free);
        g_clear_pointer(&archive->name, g_free);
        if (archive->manifest != NULL)
                g_string_free(g_steal_pointer(&archive->manifest), TRUE);
}

static bool ensure_read(Archive *archive, GCancellable *cancellable, GError **error)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&archive->lock);
        if (archive->is_read)
                return true;
        forget(archive);
        archive->is_read = read_archive(archive, cancellable, error);
        return archive->is_read;
}

/* ---- the transport ---- */

static bool get_manifest(ScTransport *transport, const ScDigest *digest, guint64 expected_size G_GNUC_UNUSED, ScManifestText *ret,
                         GCancellable *cancellable, GError **error)
{
        Archive *archive = (Archive *)transport;
        if (digest != NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "An archive of `docker save` has no other manifests");
        if (!ensure_read(archive, cancellable, error))
                return false;
        ret->size = archive->manifest->len;
        ret->text = g_strndup(archive->manifest->str, archive->manifest->len);
        ret->content_type = g_strdup(DOCKER "distribution.manifest.v2+json");
        sc_digest_of(ret->text, ret->size, &ret->digest);
        return true;
}

static bool get_blob(ScTransport *transport, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                     GError **error)
{
        Archive *archive = (Archive *)transport;
        g_autofree char *data = NULL;
        ScDigest computed;
        if (!ensure_read(archive, cancellable, error))
                return false;
        if (!sc_digest_equal(digest, &archive->config.digest) || size != archive->config.extent.size)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "The archive has no such configuration");
        if (!sc_extent_read(&archive->config.extent, SC_CONFIG_MAX_SIZE, "image's configuration", &data, error))
                return false;
        sc_digest_of(data, (gsize)size, &computed);
        if (!sc_digest_equal(digest, &computed))
                return sc_throw(error, SC_ERROR_VERIFY_FAILED, "The archive was changed while it was read");
        *ret_data = g_steal_pointer(&data);
        return true;
}

static ScBlob *open_blob(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable)
{
        Archive *archive = (Archive *)transport;
        GError *error = NULL;
        const Blob *blob = ensure_read(archive, cancellable, &error) ? g_hash_table_lookup(archive->layers, digest) : NULL;
        if (blob == NULL && error == NULL)
                sc_throw(&error, SC_ERROR_NOT_FOUND, "The archive has no such layer");
        if (blob == NULL)
                return sc_extent_open_error(error);
        const ScExtentBlob reading = {
                .extent = &blob->extent,
                .digest = digest,
                .size = size,
                .image = shown_name(archive),
                .report = archive->request.report,
        };
        return sc_extent_open_blob(&reading, cancellable);
}

static const char *get_name(ScTransport *transport)
{
        return ((Archive *)transport)->name;
}

static void archive_free(ScTransport *transport)
{
        Archive *archive = (Archive *)transport;
        forget(archive);
        if (archive->feed == NULL)
                sc_close(&archive->request.file);
        g_hash_table_unref(archive->layers);
        g_mutex_clear(&archive->lock);
        g_free(archive);
}

ScTransport *sc_docker_archive_new(const ScTransportRequest *request, GError **error)
{
        static const ScTransportKind kind = {get_manifest, get_blob, open_blob, archive_free, get_name};
        Archive *archive = g_new0(Archive, 1);
        archive->transport.kind = &kind;
        archive->request = *request;
        archive->layers = g_hash_table_new_full(sc_digest_hash_func, sc_digest_equal_func, NULL, g_free);
        g_mutex_init(&archive->lock);
        return &archive->transport;
}

ScTransport *sc_docker_archive_new_fed(const ScTransportRequest *request, int fd, const ScTarFeed *feed)
{
        Archive *archive = (Archive *)sc_docker_archive_new(request, NULL);
        archive->request.file = fd;
        archive->feed = feed;
        return &archive->transport;
}

bool sc_docker_archive_find(ScTransport *transport, const ScDigest *digest, ScExtent *ret)
{
        const Archive *archive = (const Archive *)transport;
        const Blob *blob = g_hash_table_lookup(archive->layers, digest);
        if (blob != NULL)
                *ret = blob->extent;
        return blob != NULL;
}
