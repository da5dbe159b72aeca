/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "extent.h"

#include "base/error.h"
#include "base/path.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

/* All of it: a file that has become shorter ends early. */
static bool read_at(const ScExtent *extent, guint64 at, void *buffer, gsize size, const char *what, GError **error)
{
        gsize done = 0;
        while (done < size) {
                ssize_t n = pread(extent->fd, (char *)buffer + done, size - done, (off_t)(extent->offset + at + done));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return sc_throw_errno(error, "Cannot read the %s", what);
                if (n == 0)
                        return sc_throw(error, SC_ERROR_CORRUPT,
                                        "The %s ends after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                                        " bytes: the file has become shorter",
                                        what, at + done, extent->size);
                done += (gsize)n;
        }
        return true;
}

bool sc_extent_read(const ScExtent *extent, gsize max, const char *what, char **ret, GError **error)
{
        if (extent->size > max)
                return sc_throw(error, SC_ERROR_CORRUPT, "The %s has %" G_GUINT64_FORMAT " bytes; %" G_GSIZE_FORMAT " is the limit",
                                what, extent->size, max);
        g_autofree char *text = g_malloc((gsize)extent->size + 1);
        if (!read_at(extent, 0, text, (gsize)extent->size, what, error))
                return false;
        text[extent->size] = '\0';
        *ret = g_steal_pointer(&text);
        return true;
}

bool sc_extent_kind(const ScExtent *extent, const char *what, ScExtentKind *ret, const char **ret_suffix, GError **error)
{
        static const struct {
                guint8 magic[4];
                gsize size;
                const char *suffix;
        } kinds[] = {{{0x1f, 0x8b}, 2, ".gzip"}, {{0x28, 0xb5, 0x2f, 0xfd}, 4, ".zstd"}};
        guint8 first[4] = {0};
        *ret = SC_EXTENT_PLAIN;
        *ret_suffix = "";
        if (!read_at(extent, 0, first, (gsize)MIN(extent->size, sizeof(first)), what, error))
                return false;
        for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
                if (memcmp(first, kinds[i].magic, kinds[i].size) == 0) {
                        *ret = SC_EXTENT_COMPRESSED;
                        *ret_suffix = kinds[i].suffix;
                }
        return true;
}

bool sc_extent_digest(const ScExtent *extent, const char *what, ScDigest *ret, GCancellable *cancellable, GError **error)
{
        g_autofree guint8 *buffer = g_malloc(CHUNK);
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        for (guint64 at = 0; at < extent->size;) {
                gsize size = (gsize)MIN(extent->size - at, CHUNK);
                if (sc_cancelled(cancellable, error) || !read_at(extent, at, buffer, size, what, error))
                        return false;
                sc_hasher_update(hasher, buffer, size);
                at += size;
        }
        sc_hasher_finish(hasher, ret);
        return true;
}

/* ---- a blob ---- */

typedef struct {
        ScBlob blob;
        ScExtent extent;
        ScDigest digest;
        char *what;
        ScReport *report;
        GCancellable *cancellable; /* NULL: none */
        bool owns_fd;
        ScHasher *hasher;
        guint64 at;
        GError *error; /* given again to whoever reads again */
        guint8 buffer[CHUNK];
} Reading;

static bool read_next(Reading *reading, gsize *ret_size, GError **error)
{
        *ret_size = (gsize)MIN(reading->extent.size - reading->at, CHUNK);
        if (sc_cancelled(reading->cancellable, error) ||
            !read_at(&reading->extent, reading->at, reading->buffer, *ret_size, reading->what, error))
                return false;
        sc_hasher_update(reading->hasher, reading->buffer, *ret_size);
        reading->at += *ret_size;
        sc_report_advance(reading->report, *ret_size);
        return true;
}

static bool check_digest(Reading *reading, GError **error)
{
        ScDigest computed;
        sc_hasher_finish(reading->hasher, &computed);
        if (sc_digest_equal(&computed, &reading->digest))
                return true;
        g_autofree char *is = sc_digest_to_string(&computed);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "The %s has the digest %s: the file is damaged", reading->what, is);
}

static gssize reading_read(ScBlob *blob, const void **ret_chunk, GError **error)
{
        Reading *reading = (Reading *)blob;
        gsize size = 0;
        /* The end comes twice where somebody asks twice, and the hash is of all bytes only once. */
        bool at_end = reading->error == NULL && reading->at == reading->extent.size;
        if (at_end && reading->hasher != NULL) {
                (void)check_digest(reading, &reading->error);
                g_clear_pointer(&reading->hasher, sc_hasher_free);
        } else if (reading->error == NULL && !at_end) {
                (void)read_next(reading, &size, &reading->error);
        }
        if (reading->error != NULL) {
                g_propagate_error(error, g_error_copy(reading->error));
                return -1;
        }
        *ret_chunk = reading->buffer;
        return (gssize)size;
}

static void reading_free(ScBlob *blob)
{
        Reading *reading = (Reading *)blob;
        if (reading->owns_fd)
                sc_close(&reading->extent.fd);
        sc_hasher_free(reading->hasher);
        g_clear_object(&reading->cancellable);
        g_clear_error(&reading->error);
        g_free(reading->what);
        g_free(reading);
}

ScBlob *sc_extent_open_blob(const ScExtentBlob *blob, GCancellable *cancellable)
{
        Reading *reading = g_new0(Reading, 1);
        g_autofree char *digest = sc_digest_to_string(blob->digest);
        reading->blob = (ScBlob){reading_read, reading_free, NULL};
        reading->extent = *blob->extent;
        reading->digest = *blob->digest;
        reading->what = g_strdup_printf("blob %s of %s", digest, blob->image);
        reading->report = blob->report;
        reading->cancellable = cancellable != NULL ? g_object_ref(cancellable) : NULL;
        reading->owns_fd = blob->owns_fd;
        reading->hasher = sc_hasher_new();
        if (blob->extent->size != blob->size)
                sc_throw(&reading->error, SC_ERROR_VERIFY_FAILED,
                         "The %s has %" G_GUINT64_FORMAT " bytes instead of %" G_GUINT64_FORMAT, reading->what, blob->extent->size,
                         blob->size);
        return &reading->blob;
}

typedef struct {
        ScBlob blob;
        GError *error;
} Failure;

static gssize failure_read(ScBlob *blob, const void **ret_chunk G_GNUC_UNUSED, GError **error)
{
        g_propagate_error(error, g_error_copy(((Failure *)blob)->error));
        return -1;
}

static void failure_free(ScBlob *blob)
{
        Failure *failure = (Failure *)blob;
        g_error_free(failure->error);
        g_free(failure);
}

ScBlob *sc_extent_open_error(GError *error)
{
        Failure *failure = g_new0(Failure, 1);
        failure->blob = (ScBlob){failure_read, failure_free, NULL};
        failure->error = error;
        return &failure->blob;
}
