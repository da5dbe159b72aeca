/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "checkout.h"
#include "base/error.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many files a thread takes at a time, at least; fewer than this in all are not worth a second thread. */
#define CHUNK 256
/* Two threads that make names in one folder wait for each other: a folder is one thread's, unless it has more files than this. */
#define LARGE_FOLDER 4096
/* The same of folders. */
#define FOLDER_CHUNK 64

typedef struct {
        const ScNode *node;
        char *path;
} Folder;

typedef struct {
        guint folder;
        const ScNode *node;
} File;

typedef struct {
        int dir_fd;
        int objects_fd;
        ScObjectFormat format;
        GArray *folders; /* Folder, parents before what they hold */
        GArray *files;   /* File, those of a folder together, in the folders' order */
        GArray *chunks;  /* guint: behind the last file of each */
        GMutex lock;
        GCond more;
        guint made;    /* under the lock: how many folders are there; all, once somebody failed */
        gint making;   /* atomic: somebody makes them */
        gint next;     /* atomic: the first chunk that no thread has taken */
        gint finished; /* atomic: the same of folders that are to get their owners, modes and times */
        gint failed;   /* atomic */
        GError *error; /* of whoever failed first */
        ScReport *report;
        GCancellable *cancellable;
} Checkout;

static void clear_folder(gpointer folder)
{
        g_free(((Folder *)folder)->path);
}

static guint last_chunk_end(const Checkout *checkout)
{
        return checkout->chunks->len > 0 ? g_array_index(checkout->chunks, guint, checkout->chunks->len - 1) : 0;
}

static void end_chunk(Checkout *checkout, guint end)
{
        g_array_append_val(checkout->chunks, end);
}

/* Called with all files of a folder, `own`, behind those of the folders before it. */
static void cut_chunks(Checkout *checkout, guint own)
{
        guint begin = last_chunk_end(checkout);

        for (; own > LARGE_FOLDER && checkout->files->len - begin > CHUNK; begin += CHUNK)
                end_chunk(checkout, begin + CHUNK);
        if (checkout->files->len - begin >= CHUNK)
                end_chunk(checkout, checkout->files->len);
}

static void collect(Checkout *checkout, const ScNode *folder, const char *path)
{
        Folder entry = {.node = folder, .path = g_strdup(path)};
        g_autoptr(GPtrArray) children = sc_node_sorted_children(folder);
        guint index = checkout->folders->len, first = checkout->files->len;

        g_array_append_val(checkout->folders, entry);
        for (guint i = 0; i < children->len; i++) {
                File file = {.folder = index, .node = children->pdata[i]};
                if (file.node->type == SC_NODE_FILE)
                        g_array_append_val(checkout->files, file);
        }
        cut_chunks(checkout, checkout->files->len - first);
        for (guint i = 0; i < children->len; i++) {
                const ScNode *child = children->pdata[i];
                g_autofree char *child_path = *path == '\0' ? g_strdup(child->name) : g_strconcat(path, "/", child->name, NULL);
                if (child->type == SC_NODE_FOLDER)
                        collect(checkout, child, child_path);
        }
}

static void announce_folders(Checkout *checkout, guint made)
{
        g_mutex_lock(&checkout->lock);
        checkout->made = made;
        g_cond_broadcast(&checkout->more);
        g_mutex_unlock(&checkout->lock);
}

static void wait_for_folder(Checkout *checkout, guint index)
{
        g_mutex_lock(&checkout->lock);
        while (checkout->made <= index)
                g_cond_wait(&checkout->more, &checkout->lock);
        g_mutex_unlock(&checkout->lock);
}

/* Takes the error. */
static void fail(Checkout *checkout, GError *error)
{
        if (g_atomic_int_compare_and_exchange(&checkout->failed, 0, 1))
                checkout->error = error;
        else
                g_error_free(error);
}

/* Files are linked into those that are there while the next ones are made. */
static void make_folders(Checkout *checkout)
{
        /* The first is the root, which is there. */
        for (guint i = 1; i < checkout->folders->len && g_atomic_int_get(&checkout->failed) == 0; i++) {
                const char *path = g_array_index(checkout->folders, Folder, i).path;
                GError *error = NULL;
                if (i % FOLDER_CHUNK == 0)
                        announce_folders(checkout, i);
                if (mkdirat(checkout->dir_fd, path, 0700) < 0) {
                        sc_throw_errno(&error, "Cannot make the folder %s", path);
                        fail(checkout, error);
                }
        }
        announce_folders(checkout, checkout->folders->len);
}

/* A symlink's object that is a regular file: 1: the symlink is made; 0: it is another object; -1: error. */
static int make_written_symlink(Checkout *checkout, const char *object, int folder_fd, const char *name, GError **error)
{
        g_auto(ScObjectMeta) meta = {0};
        g_autoptr(GError) local = NULL;

        if (!sc_object_read_meta(checkout->objects_fd, object, checkout->format, &meta, &local)) {
                if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return 0; /* to link it says so */
                g_propagate_error(error, g_steal_pointer(&local));
                return -1;
        }
        if (!S_ISLNK(meta.mode))
                return 0;
        if (symlinkat(meta.target, folder_fd, name) < 0) {
                sc_throw_errno(error, "Cannot make the symlink");
                return -1;
        }
        return 1;
}

static bool link_file(Checkout *checkout, int folder_fd, const ScNode *file, GError **error)
{
        char object[SC_OBJECT_PATH_SIZE];

        sc_object_path(SC_OBJECT_FILE, file->file, object);
        if (checkout->format == SC_OBJECTS_BARE_USER) {
                int made = make_written_symlink(checkout, object, folder_fd, file->name, error);
                if (made != 0)
                        return made > 0;
        }
        if (linkat(checkout->objects_fd, object, folder_fd, file->name, 0) == 0)
                return true;
        switch (errno) {
        case EMLINK:
                return sc_object_copy(checkout->objects_fd, object, checkout->format, folder_fd, file->name, error);
        case EXDEV:
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "the checkout path and the repository must be on the same file system");
        case ENOENT:
                return sc_throw(error, SC_ERROR_CORRUPT, "the repository has lost the object %s; " SC_REPAIR_HINT, object);
        default:
                return sc_throw_errno(error, "Cannot link %s", object);
        }
}

static bool link_some(Checkout *checkout, guint first, guint end, GError **error)
{
        sc_autofd folder_fd = -1;
        guint current = 0;

        for (guint i = first; i < end; i++) {
                const File *file = &g_array_index(checkout->files, File, i);
                const char *path = g_array_index(checkout->folders, Folder, file->folder).path;
                if (folder_fd < 0 || file->folder != current) {
                        sc_close(&folder_fd);
                        current = file->folder;
                        folder_fd = openat(checkout->dir_fd, *path == '\0' ? "." : path,
                                           O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        if (folder_fd < 0)
                                return sc_throw_errno(error, "Cannot open the folder %s", path);
                }
                if (!link_file(checkout, folder_fd, file->node, error))
                        return sc_prefix(error, "Cannot check out %s/%s", path, file->node->name);
        }
        return true;
}

/* Who fails, or cancels, is noticed within a large folder, too. */
static void link_chunk(Checkout *checkout, guint first, guint end)
{
        for (guint stop; first < end && g_atomic_int_get(&checkout->failed) == 0; first = stop) {
                GError *error = NULL;
                stop = MIN(first + CHUNK, end);
                if (!sc_cancelled(checkout->cancellable, &error) && link_some(checkout, first, stop, &error))
                        sc_report_advance(checkout->report, stop - first);
                else
                        fail(checkout, error);
        }
}

static gpointer link_files(gpointer data)
{
        Checkout *checkout = data;

        while (g_atomic_int_get(&checkout->failed) == 0) {
                guint chunk = (guint)g_atomic_int_add(&checkout->next, 1);
                if (chunk >= checkout->chunks->len)
                        break;
                guint first = chunk > 0 ? g_array_index(checkout->chunks, guint, chunk - 1) : 0;
                guint end = g_array_index(checkout->chunks, guint, chunk);
                wait_for_folder(checkout, g_array_index(checkout->files, File, end - 1).folder);
                link_chunk(checkout, first, end);
        }
        return NULL;
}

static bool finish_folder(Checkout *checkout, const Folder *folder, GError **error)
{
        sc_autofd fd = openat(checkout->dir_fd, *folder->path == '\0' ? "." : folder->path,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return sc_throw_errno(error, "Cannot open the folder %s", folder->path);
        return sc_object_set_folder_meta(fd, checkout->format, &folder->node->meta, error) ||
               sc_prefix(error, "Folder %s", folder->path);
}

/* In any order: nothing is made in them any more, and the root lets nobody else in who could put something in the place of one
 * below a folder that has its owner already. */
static gpointer finish_folders(gpointer data)
{
        Checkout *checkout = data;

        while (g_atomic_int_get(&checkout->failed) == 0) {
                guint first = 1 + (guint)g_atomic_int_add(&checkout->finished, FOLDER_CHUNK);
                if (first >= checkout->folders->len)
                        break;
                guint end = MIN(first + FOLDER_CHUNK, checkout->folders->len);
                for (guint i = first; i < end; i++) {
                        GError *error = NULL;
                        if (finish_folder(checkout, &g_array_index(checkout->folders, Folder, i), &error))
                                continue;
                        fail(checkout, error);
                        break;
                }
        }
        return NULL;
}

static void by_two_threads(Checkout *checkout, GThreadFunc work)
{
        GThread *thread = checkout->files->len > CHUNK ? g_thread_new("checkout", work, checkout) : NULL;
        work(checkout);
        if (thread != NULL)
                g_thread_join(thread);
}

static gpointer make_folders_and_link(gpointer data)
{
        Checkout *checkout = data;
        if (g_atomic_int_compare_and_exchange(&checkout->making, 0, 1))
                make_folders(checkout);
        return link_files(checkout);
}

static bool run(Checkout *checkout, GError **error)
{
        if (fchmod(checkout->dir_fd, 0700) < 0)
                return sc_throw_errno(error, "Cannot close the folder to others");
        by_two_threads(checkout, make_folders_and_link);
        by_two_threads(checkout, finish_folders);
        if (checkout->error != NULL) {
                g_propagate_error(error, checkout->error);
                return false;
        }
        return finish_folder(checkout, &g_array_index(checkout->folders, Folder, 0), error);
}

bool sc_tree_checkout(const ScTree *tree, int dir_fd, ScReport *report, GCancellable *cancellable, GError **error)
{
        g_autoptr(GArray) folders = g_array_new(FALSE, FALSE, sizeof(Folder));
        g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(File));
        g_autoptr(GArray) chunks = g_array_new(FALSE, FALSE, sizeof(guint));
        Checkout checkout = {
                .dir_fd = dir_fd,
                .objects_fd = sc_repository_objects_fd(sc_tree_repository(tree)),
                .format = sc_repository_format(sc_tree_repository(tree)),
                .folders = folders,
                .files = files,
                .chunks = chunks,
                .report = report,
                .cancellable = cancellable,
        };

        g_array_set_clear_func(folders, clear_folder);
        collect(&checkout, sc_tree_root(tree), "");
        if (last_chunk_end(&checkout) < files->len)
                end_chunk(&checkout, files->len);
        g_mutex_init(&checkout.lock);
        g_cond_init(&checkout.more);
        bool ok = run(&checkout, error);
        g_cond_clear(&checkout.more);
        g_mutex_clear(&checkout.lock);
        return ok;
}
