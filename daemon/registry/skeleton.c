/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "skeleton.h"

#include "base/error.h"
#include "base/path.h"
#include "manifest.h"
#include <sys/mman.h>
#include <unistd.h>

enum {
        CHUNK = 256 * 1024,
        FIRST = 4096,                    /* of a large entry: tells its kind */
        KEPT_ENTRY = SC_CONFIG_MAX_SIZE, /* at most, while there is room; padding comes with it */
        KEPT_ROOM = 64 * 1024 * 1024,    /* then only what is smaller still */
        KEPT_SMALL = 64 * 1024,          /* of which there is this much at most besides: */
        KEPT_MOST = KEPT_ROOM + (64 << 20),
};

struct ScSkeleton {
        ScStream *stream;
        GCancellable *cancellable; /* NULL: none */
        int fd;
        guint64 at;        /* of the stream */
        guint64 kept;      /* bytes */
        GHashTable *whole; /* offsets (guint64) of entries that are kept */
        guint8 buffer[CHUNK];
};

ScSkeleton *sc_skeleton_new(ScStream *stream, GCancellable *cancellable, GError **error)
{
        sc_autofd fd = memfd_create("archive", MFD_CLOEXEC);
        if (fd < 0) {
                stream->free(stream);
                sc_throw_errno(error, "Cannot make a file in memory");
                return NULL;
        }
        ScSkeleton *skeleton = g_new0(ScSkeleton, 1);
        skeleton->stream = stream;
        skeleton->cancellable = cancellable != NULL ? g_object_ref(cancellable) : NULL;
        skeleton->fd = sc_steal_fd(&fd);
        skeleton->whole = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        return skeleton;
}

void sc_skeleton_stop(ScSkeleton *skeleton)
{
        if (skeleton->stream != NULL)
                skeleton->stream->free(skeleton->stream);
        skeleton->stream = NULL;
}

void sc_skeleton_free(ScSkeleton *skeleton)
{
        if (skeleton == NULL)
                return;
        sc_skeleton_stop(skeleton);
        g_clear_object(&skeleton->cancellable);
        sc_close(&skeleton->fd);
        g_hash_table_unref(skeleton->whole);
        g_free(skeleton);
}

bool sc_skeleton_ends_well(ScSkeleton *skeleton, GError **error)
{
        gssize n = 1;
        for (guint i = 0; i < 64 && n > 0; i++)
                n = skeleton->stream->read(skeleton->stream, skeleton->buffer, CHUNK, skeleton->cancellable, error);
        return n >= 0;
}

int sc_skeleton_fd(const ScSkeleton *skeleton)
{
        return skeleton->fd;
}

static bool keep(ScSkeleton *skeleton, const guint8 *data, gsize size, GError **error)
{
        skeleton->kept += size;
        if (skeleton->kept > KEPT_MOST)
                return sc_throw(error, SC_ERROR_CORRUPT, "The archive has more small entries than an image can have");
        for (gsize done = 0; done < size;) {
                ssize_t n = pwrite(skeleton->fd, data + done, size - done, (off_t)(skeleton->at + done));
                if (n < 0)
                        return sc_throw_errno(error, "Cannot keep a part of the archive in memory");
                done += (gsize)n;
        }
        return true;
}

/* Goes on to there; of what it passes the first `wanted` bytes are kept. */
static bool advance(ScSkeleton *skeleton, guint64 to, guint64 wanted, GError **error)
{
        for (guint64 kept_to = skeleton->at + wanted; skeleton->at < to;) {
                gsize size = (gsize)MIN(to - skeleton->at, CHUNK);
                gssize n = skeleton->stream->read(skeleton->stream, skeleton->buffer, size, skeleton->cancellable, error);
                if (n == 0)
                        return sc_throw(error, SC_ERROR_CORRUPT,
                                        "The archive ends after %" G_GUINT64_FORMAT " bytes: it is truncated", skeleton->at);
                if (n < 0)
                        return false;
                gsize rest = kept_to > skeleton->at ? (gsize)MIN(kept_to - skeleton->at, (guint64)n) : 0;
                if (rest > 0 && !keep(skeleton, skeleton->buffer, rest, error))
                        return false;
                skeleton->at += (guint64)n;
        }
        return true;
}

static bool pass_entry(ScSkeleton *skeleton, guint64 to, GError **error)
{
        guint64 size = to - skeleton->at, most = skeleton->kept + size <= KEPT_ROOM ? KEPT_ENTRY + 512 : KEPT_SMALL;
        if (size > most)
                return advance(skeleton, to, FIRST, error);
        guint64 *offset = g_new(guint64, 1);
        *offset = skeleton->at;
        g_hash_table_add(skeleton->whole, offset);
        return advance(skeleton, to, size, error);
}

static bool fill(gpointer data, guint64 at, guint64 size, GError **error)
{
        ScSkeleton *skeleton = data;
        if (skeleton->stream == NULL || at + size <= skeleton->at)
                return true;
        if (at > skeleton->at && !pass_entry(skeleton, at, error))
                return false;
        /* so that no hole is the file's end */
        if (!advance(skeleton, at + size, size, error))
                return false;
        return ftruncate(skeleton->fd, (off_t)skeleton->at) == 0 || sc_throw_errno(error, "Cannot keep a part of the archive");
}

ScTarFeed sc_skeleton_feed(ScSkeleton *skeleton)
{
        return (ScTarFeed){fill, skeleton};
}

bool sc_skeleton_has(const ScSkeleton *skeleton, const ScExtent *extent)
{
        return g_hash_table_contains(skeleton->whole, &extent->offset);
}
