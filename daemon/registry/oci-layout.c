/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oci-layout.h"

#include "base/door.h"
#include "base/error.h"
#include "base/path.h"
#include "manifest.h"
#include "oci-index.h"
#include "tar-index.h"
#include <sys/stat.h>

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

typedef struct {
        ScTransport transport;
        ScTransportRequest request;
        GMutex lock;       /* while it is opened, and while the door is asked */
        ScTarIndex *index; /* NULL: not opened yet, or a folder */
        ScOciEntry chosen; /* by the first get_manifest() */
} Layout;

/* A file of the layout; that of a folder is opened for it. */
typedef struct {
        ScExtent extent;
        int own_fd; /* -1: the archive's */
} File;

static void file_clear(File *file)
{
        sc_close(&file->own_fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(File, file_clear)

static bool ask_door(Layout *layout, const char *name, File *ret, GCancellable *cancellable, GError **error)
{
        struct stat st;
        sc_autofd fd = sc_door_ask(layout->request.file, name, SC_FILE_PATIENCE * layout->request.config->stall_timeout,
                                   cancellable, error);
        if (fd < 0)
                return false;
        if (fstat(fd, &st) < 0)
                return sc_throw_errno(error, "Cannot look at %s of the layout", name);
        ret->own_fd = sc_steal_fd(&fd);
        ret->extent = (ScExtent){.fd = ret->own_fd, .size = (guint64)st.st_size};
        return true;
}

static bool find_in_archive(Layout *layout, const char *name, File *ret, GCancellable *cancellable, GError **error)
{
        if (layout->index == NULL)
                layout->index = sc_tar_index_new(layout->request.file, cancellable, error);
        return layout->index != NULL && sc_tar_index_find(layout->index, name, &ret->extent, error);
}

static bool find(Layout *layout, const char *name, File *ret, GCancellable *cancellable, GError **error)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&layout->lock);
        bool is_folder = layout->request.reference->source == SC_SOURCE_OCI_LAYOUT;
        if (sc_cancelled(cancellable, error))
                return false;
        return is_folder ? ask_door(layout, name, ret, cancellable, error) : find_in_archive(layout, name, ret, cancellable, error);
}

static bool find_blob(Layout *layout, const ScDigest *digest, File *ret, GCancellable *cancellable, GError **error)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(digest, hex);
        g_autofree char *name = g_strconcat("blobs/sha256/", hex, NULL);
        return find(layout, name, ret, cancellable, error);
}

static bool read_file(Layout *layout, const char *name, char **ret, gsize *ret_size, GCancellable *cancellable, GError **error)
{
        g_auto(File) file = {.own_fd = -1};
        if (!find(layout, name, &file, cancellable, error) || !sc_extent_read(&file.extent, SC_MANIFEST_MAX_SIZE, name, ret, error))
                return false;
        *ret_size = (gsize)file.extent.size;
        return true;
}

/* size 0: any. */
static bool read_blob(Layout *layout, const ScDigest *digest, guint64 size, gsize max, char **ret, gsize *ret_size,
                      GCancellable *cancellable, GError **error)
{
        g_auto(File) file = {.own_fd = -1};
        g_autofree char *named = sc_digest_to_string(digest), *data = NULL;
        ScDigest computed;
        if (!find_blob(layout, digest, &file, cancellable, error) || !sc_extent_read(&file.extent, max, named, &data, error))
                return false;
        if (size != 0 && file.extent.size != size)
                return sc_throw(error, SC_ERROR_VERIFY_FAILED,
                                "The blob %s has %" G_GUINT64_FORMAT " bytes instead of %" G_GUINT64_FORMAT, named,
                                file.extent.size, size);
        sc_digest_of(data, (gsize)file.extent.size, &computed);
        if (!sc_digest_equal(&computed, digest)) {
                g_autofree char *is = sc_digest_to_string(&computed);
                return sc_throw(error, SC_ERROR_VERIFY_FAILED, "The blob %s has the digest %s: the layout is damaged", named, is);
        }
        *ret = g_steal_pointer(&data);
        *ret_size = (gsize)file.extent.size;
        return true;
}

static bool read_index(Layout *layout, char **ret, gsize *ret_size, GCancellable *cancellable, GError **error)
{
        g_autofree char *version = NULL;
        gsize size;
        g_autoptr(GError) local = NULL;
        if (!read_file(layout, "oci-layout", &version, &size, cancellable, &local)) {
                if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return sc_throw(error, SC_ERROR_CORRUPT,
                                        "It is no OCI image layout (an archive of `docker save` is docker-archive:PATH): %s",
                                        local->message);
                g_propagate_error(error, g_steal_pointer(&local));
                return sc_prefix(error, "It is no OCI image layout");
        }
        if (!sc_oci_layout_check(version, size, error))
                return sc_prefix(error, "It is no OCI image layout");
        return read_file(layout, "index.json", ret, ret_size, cancellable, error);
}

static bool get_chosen(Layout *layout, ScManifestText *ret, GCancellable *cancellable, GError **error)
{
        g_autofree char *index = NULL;
        gsize size;
        sc_oci_entry_clear(&layout->chosen);
        if (!read_index(layout, &index, &size, cancellable, error) ||
            !sc_oci_index_find(index, size, layout->request.reference->choice, &layout->chosen, error))
                return false;
        if (layout->chosen.is_whole) {
                ret->text = g_steal_pointer(&index);
                ret->size = size;
                ret->content_type = g_strdup(OCI_INDEX);
                sc_digest_of(ret->text, ret->size, &ret->digest);
                return true;
        }
        ret->digest = layout->chosen.digest;
        ret->content_type = g_strdup(layout->chosen.media_type);
        return read_blob(layout, &layout->chosen.digest, layout->chosen.size, SC_MANIFEST_MAX_SIZE, &ret->text, &ret->size,
                         cancellable, error);
}

static bool get_manifest(ScTransport *transport, const ScDigest *digest, guint64 expected_size, ScManifestText *ret,
                         GCancellable *cancellable, GError **error)
{
        Layout *layout = (Layout *)transport;
        if (digest == NULL)
                return get_chosen(layout, ret, cancellable, error);
        ret->digest = *digest;
        return read_blob(layout, digest, expected_size, SC_MANIFEST_MAX_SIZE, &ret->text, &ret->size, cancellable, error);
}

static bool get_blob(ScTransport *transport, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                     GError **error)
{
        gsize got;
        if (!read_blob((Layout *)transport, digest, 0, SC_CONFIG_MAX_SIZE, ret_data, &got, cancellable, error))
                return false;
        if (got == size)
                return true;
        g_clear_pointer(ret_data, g_free);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED,
                        "The configuration has %" G_GSIZE_FORMAT " bytes instead of %" G_GUINT64_FORMAT, got, size);
}

static ScBlob *open_blob(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable)
{
        Layout *layout = (Layout *)transport;
        g_auto(File) file = {.own_fd = -1};
        GError *error = NULL;
        if (!find_blob(layout, digest, &file, cancellable, &error))
                return sc_extent_open_error(error);
        const ScExtentBlob reading = {
                .extent = &file.extent,
                .digest = digest,
                .size = size,
                .image = layout->chosen.name != NULL ? layout->chosen.name : "the layout's image",
                .report = layout->request.report,
                .owns_fd = file.own_fd >= 0,
        };
        ScBlob *blob = sc_extent_open_blob(&reading, cancellable);
        file.own_fd = -1;
        return blob;
}

static const char *get_name(ScTransport *transport)
{
        return ((Layout *)transport)->chosen.name;
}

static void layout_free(ScTransport *transport)
{
        Layout *layout = (Layout *)transport;
        sc_tar_index_free(layout->index);
        sc_close(&layout->request.file);
        sc_oci_entry_clear(&layout->chosen);
        g_mutex_clear(&layout->lock);
        g_free(layout);
}

ScTransport *sc_oci_layout_new(const ScTransportRequest *request, GError **error)
{
        static const ScTransportKind kind = {get_manifest, get_blob, open_blob, layout_free, get_name};
        if (request->reference->source == SC_SOURCE_OCI_LAYOUT && !sc_door_check(request->file, error))
                return NULL;
        Layout *layout = g_new0(Layout, 1);
        layout->transport.kind = &kind;
        layout->request = *request;
        g_mutex_init(&layout->lock);
        return &layout->transport;
}
