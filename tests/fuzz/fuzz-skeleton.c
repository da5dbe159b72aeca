/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream that is kept as a file with holes (registry/skeleton.h). The first bytes say how long it is, in which portions it comes,
 * and what is looked at; the rest is what is in it, again and again, or an archive. */

#include "fuzz.h"

#include "registry/manifest.h"
#include "registry/skeleton.h"
#include "tar.h"
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST = 48 << 20, MOST_KEPT = 130 << 20 };

typedef struct {
        ScStream stream;
        const uint8_t *data;
        size_t size;
        guint64 at, end;
        gsize portion;
} Stream;

static uint8_t byte_at(const Stream *stream, guint64 at)
{
        return stream->data[at % stream->size];
}

static gssize read_stream(ScStream *base, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
        Stream *stream = (Stream *)base;
        gsize n = MIN(MIN(size, stream->portion), stream->end - stream->at);
        for (gsize i = 0; i < n; i++)
                ((uint8_t *)buffer)[i] = byte_at(stream, stream->at + i);
        stream->at += n;
        return (gssize)n;
}

/* It is the target's own, which looks at it when it is over. */
static void free_stream(ScStream *stream)
{
}

static void check_same(const ScSkeleton *skeleton, const Stream *stream, guint64 at, guint64 size)
{
        for (guint64 done = 0; done < size;) {
                uint8_t buffer[4096];
                ssize_t n = pread(sc_skeleton_fd(skeleton), buffer, MIN(sizeof buffer, size - done), (off_t)(at + done));
                g_assert(n > 0);
                for (ssize_t i = 0; i < n; i++)
                        g_assert(buffer[i] == byte_at(stream, at + done + (guint64)i));
                done += (guint64)n;
        }
}

static void check_memory(const ScSkeleton *skeleton)
{
        struct stat st;
        g_assert(fstat(sc_skeleton_fd(skeleton), &st) == 0 && (guint64)st.st_blocks * 512 <= MOST_KEPT);
}

/* As an index looks at headers: forward, over more and less. */
static void walk(ScSkeleton *skeleton, const Stream *stream, const uint8_t *steps, guint count)
{
        const ScTarFeed feed = sc_skeleton_feed(skeleton);
        guint64 at = 0;
        for (guint i = 0; i < count; i++, steps += 2) {
                guint64 from = at, gap = steps[0] == 0 ? 0 : (guint64)1 << steps[0] % 25, size = (guint64)steps[1] * 16;
                at += gap;
                if (!feed.fill(feed.data, at, size, NULL))
                        break;
                check_same(skeleton, stream, at, size);
                const ScExtent passed = {.fd = sc_skeleton_fd(skeleton), .offset = from, .size = gap};
                if (gap > 0 && sc_skeleton_has(skeleton, &passed))
                        check_same(skeleton, stream, from, gap);
                at += size;
        }
        check_memory(skeleton);
}

static void index_it(ScSkeleton *skeleton, const Stream *stream)
{
        static const char *const names[] = {"manifest.json", "repositories", "a", "a/layer.tar", "config.json"};
        const ScTarFeed feed = sc_skeleton_feed(skeleton);
        g_autoptr(ScTarIndex) index = sc_tar_index_new_fed(sc_skeleton_fd(skeleton), &feed, NULL, NULL);
        for (guint i = 0; index != NULL && i < G_N_ELEMENTS(names); i++) {
                ScExtent extent;
                if (!sc_tar_index_find(index, names[i], &extent, NULL))
                        continue;
                g_assert(extent.offset <= stream->end && extent.size <= stream->end - extent.offset);
                if (sc_skeleton_has(skeleton, &extent))
                        check_same(skeleton, stream, extent.offset, extent.size);
        }
        check_memory(skeleton);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        enum { HEAD = 6, STEPS = 8 };
        if (size <= HEAD + 2 * STEPS)
                return 0;
        bool archive = (data[0] & 1) != 0;
        const uint8_t *rest = data + HEAD + (archive ? 0 : 2 * STEPS);
        size_t left = size - (size_t)(rest - data);
        g_autofree uint8_t *content = g_memdup2(rest, left);
        if (archive)
                fuzz_mend_checksums(content, left);
        guint64 end = (guint64)data[1] | (guint64)data[2] << 8 | (guint64)data[3] << 16 | (guint64)data[4] << 24;
        Stream stream = {{read_stream, free_stream}, content, left, 0, archive ? left : end % LONGEST, 1 + (gsize)data[5] * 4096};
        ScSkeleton *skeleton = sc_skeleton_new(&stream.stream, NULL, NULL);
        g_assert(skeleton != NULL);
        if (archive)
                index_it(skeleton, &stream);
        else
                walk(skeleton, &stream, data + HEAD, data[0] % (STEPS + 1));
        (void)sc_skeleton_ends_well(skeleton, NULL);
        g_assert(stream.at <= stream.end);
        sc_skeleton_free(skeleton);
        return 0;
}
