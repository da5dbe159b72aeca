/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostfiles.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/path.h"
#include "host-copy.h"
#include "host-path.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A destination, opened. */
typedef struct {
        const char *path;
        const char *name; /* last component */
        int parent_fd;    /* -1: its folder is missing */
} Place;

static void place_clear(Place *place)
{
        sc_close(&place->parent_fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

typedef enum { FOUND_NOTHING, FOUND_SAME, FOUND_OTHER } Found;

static bool place_open(int root_fd, const char *path, ScHostParent mode, Place *ret, GError **error)
{
        int fd = -1;
        if (sc_host_parent_open(root_fd, path, mode, &fd, error) < 0)
                return false;
        *ret = (Place){path, strrchr(path, '/') + 1, fd};
        return true;
}

static bool checksum_at(const Place *place, const struct stat *st, char ret_hex[SC_DIGEST_HEX_SIZE], GError **error)
{
        ScDigest digest;
        if (S_ISLNK(st->st_mode)) {
                char target[PATH_MAX];
                ssize_t size = readlinkat(place->parent_fd, place->name, target, sizeof target);
                if (size < 0)
                        return sc_throw_errno(error, "Cannot read the symbolic link %s", place->path);
                sc_digest_of(target, (gsize)size, &digest);
        } else {
                sc_autofd fd = openat(place->parent_fd, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (fd < 0)
                        return sc_throw_errno(error, "Cannot open %s", place->path);
                if (!sc_digest_of_fd(fd, &digest, error))
                        return sc_prefix(error, "Cannot read %s", place->path);
        }
        sc_digest_to_hex(&digest, ret_hex);
        return true;
}

/* What lies at the place, next to the record `file` (NULL: nothing is expected there). */
static bool compare(const Place *place, const ScHostFile *file, Found *ret, struct stat *ret_st, GError **error)
{
        int present = place->parent_fd >= 0 ? sc_lstat(place->parent_fd, place->name, ret_st, error) : 0;
        if (present < 0)
                return false;
        *ret = present == 0 ? FOUND_NOTHING : FOUND_OTHER;
        if (present == 0 || file == NULL)
                return true;
        char hex[SC_DIGEST_HEX_SIZE] = "";
        if (!S_ISDIR(ret_st->st_mode)) {
                if (!S_ISREG(ret_st->st_mode) && !S_ISLNK(ret_st->st_mode))
                        return true;
                if (!checksum_at(place, ret_st, hex, error))
                        return false;
        }
        if (strcmp(hex, file->checksum) == 0)
                *ret = FOUND_SAME;
        return true;
}

static GHashTable *by_destination(GPtrArray *files)
{
        GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; files != NULL && i < files->len; i++) {
                ScHostFile *file = g_ptr_array_index(files, i);
                g_hash_table_insert(table, file->destination, file);
        }
        return table;
}

/* True if a file of the table lies below path, which then is a folder. */
static bool has_below(GHashTable *table, const char *path)
{
        GHashTableIter iter;
        gpointer destination;
        gsize size = strlen(path);
        g_hash_table_iter_init(&iter, table);
        while (g_hash_table_iter_next(&iter, &destination, NULL)) {
                if (strncmp(destination, path, size) == 0 && ((const char *)destination)[size] == '/')
                        return true;
        }
        return false;
}

static void say_exists(ScReport *report, const char *path)
{
        sc_report_message(report, "File %s already exists", path);
}

static void say_modified(ScReport *report, const char *path)
{
        sc_report_message(report, "Will not delete %s as it was manually modified.", path);
}

/* What goes is moved out of the way and synced before a folder of that name, or a file instead of the folder, can come. */
static bool remove_at(const Place *place, const struct stat *st, GError **error)
{
        if (unlinkat(place->parent_fd, place->name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
                return sc_throw_errno(error, "Cannot remove %s", place->path);
        return sc_sync_dir(place->parent_fd, error);
}

static bool remove_old(int root_fd, const ScHostFile *old, ScReport *report, GError **error)
{
        g_auto(Place) place = {.parent_fd = -1};
        Found found;
        struct stat st;
        g_autoptr(GError) local = NULL;
        if (!place_open(root_fd, old->destination, SC_HOST_PARENT_LOOK, &place, &local)) {
                if (!g_error_matches(local, SC_ERROR, SC_ERROR_ACCESS_DENIED)) {
                        g_propagate_error(error, g_steal_pointer(&local));
                        return false;
                }
                /* A user has put a link in the way: what it leads to is not ours, and an uninstall goes on. */
                sc_report_message(report, "Will not delete %s: %s", old->destination, local->message);
                return true;
        }
        if (!compare(&place, old, &found, &st, error))
                return false;
        if (place.parent_fd >= 0 && !sc_host_copy_sweep(place.parent_fd, place.name, error))
                return false;
        if (found == FOUND_NOTHING)
                return true;
        if (found == FOUND_OTHER) {
                say_modified(report, old->destination);
                return true;
        }
        /* Somebody uses the folder. */
        if (S_ISDIR(st.st_mode) && !sc_host_folder_is_empty(place.parent_fd, place.name))
                return true;
        return remove_at(&place, &st, error);
}

/* A file is wanted where `removed` had its folders: those that are empty now make room. */
static bool make_room(int root_fd, GHashTable *news, const char *removed, GError **error)
{
        g_autofree char *top = g_path_get_dirname(removed);
        while (*top != '\0' && !g_hash_table_contains(news, top))
                *strrchr(top, '/') = '\0';
        g_autofree char *folder = g_path_get_dirname(removed);
        while (*top != '\0' && strlen(folder) >= strlen(top)) {
                g_auto(Place) place = {.parent_fd = -1};
                if (!place_open(root_fd, folder, SC_HOST_PARENT_LOOK, &place, error))
                        return false;
                if (place.parent_fd < 0 || unlinkat(place.parent_fd, place.name, AT_REMOVEDIR) < 0)
                        return true;
                if (!sc_sync_dir(place.parent_fd, error))
                        return false;
                *strrchr(folder, '/') = '\0';
        }
        return true;
}

static bool same_attributes(const ScHostFile *file, const struct stat *st)
{
        return st->st_uid == file->uid && st->st_gid == file->gid && (S_ISLNK(file->mode) || st->st_mode == file->mode);
}

typedef struct {
        int root_fd;
        int hostfs_fd;
        const ScVariables *variables;
} Source;

static bool copy_to(const Source *source, const Place *place, const ScHostFile *file, ScHostCopyFlags flags, GError **error)
{
        g_autofree char *text = NULL;
        if (file->rendered) {
                text = sc_host_file_render(source->hostfs_fd, file, source->variables, error);
                if (text == NULL)
                        return false;
        }
        return sc_host_copy(source->hostfs_fd, file, text, place->parent_fd, place->name, flags, error);
}

/* *ret_skipped: something that is not ours lies there. */
static bool put_new(const Source *source, const ScHostFile *file, const ScHostFile *old, ScReport *report, bool *ret_skipped,
                    GError **error)
{
        g_auto(Place) place = {.parent_fd = -1};
        Found next, previous;
        struct stat st;
        if (!place_open(source->root_fd, file->destination, SC_HOST_PARENT_MAKE, &place, error) ||
            !sc_host_copy_sweep(place.parent_fd, place.name, error) || !compare(&place, file, &next, &st, error))
                return false;
        *ret_skipped = false;
        if (next == FOUND_NOTHING)
                return copy_to(source, &place, file, SC_HOST_COPY_NEW, error);
        if (next == FOUND_SAME && (old == NULL || same_attributes(file, &st)))
                return true;
        if (!compare(&place, old, &previous, &st, error))
                return false;
        if (next != FOUND_SAME && previous != FOUND_SAME) {
                *ret_skipped = true;
                if (old != NULL)
                        say_modified(report, file->destination);
                else
                        say_exists(report, file->destination);
                return true;
        }
        if (S_ISDIR(st.st_mode) != S_ISDIR(file->mode)) {
                if (S_ISDIR(st.st_mode) && !sc_host_folder_is_empty(place.parent_fd, place.name)) {
                        *ret_skipped = true;
                        say_exists(report, file->destination);
                        return true;
                }
                return remove_at(&place, &st, error) && copy_to(source, &place, file, SC_HOST_COPY_NEW, error);
        }
        return copy_to(source, &place, file, SC_HOST_COPY_REPLACE, error);
}

bool sc_host_files_settle(int root_fd, GPtrArray *files, GPtrArray *old, ScReport *report, GError **error)
{
        g_autoptr(GHashTable) olds = by_destination(old);
        for (guint i = 0; i < files->len;) {
                const ScHostFile *file = g_ptr_array_index(files, i);
                const ScHostFile *before = g_hash_table_lookup(olds, file->destination);
                g_auto(Place) place = {.parent_fd = -1};
                Found found;
                struct stat st;
                if (!place_open(root_fd, file->destination, SC_HOST_PARENT_LOOK, &place, error) ||
                    !compare(&place, before, &found, &st, error))
                        return false;
                if (found != FOUND_OTHER || (S_ISDIR(st.st_mode) && has_below(olds, file->destination))) {
                        i++;
                        continue;
                }
                /* of a modified one the apply will say it */
                if (before == NULL && !(S_ISDIR(st.st_mode) && S_ISDIR(file->mode)))
                        say_exists(report, file->destination);
                g_ptr_array_remove_index(files, i);
        }
        return true;
}

bool sc_host_files_apply(int root_fd, int hostfs_fd, GPtrArray *files, const ScVariables *variables, GPtrArray *old,
                         ScReport *report, GPtrArray **ret_skipped, GError **error)
{
        g_autoptr(GHashTable) news = by_destination(files);
        g_autoptr(GHashTable) olds = by_destination(old);
        g_autoptr(GPtrArray) skipped = g_ptr_array_new_with_free_func(g_free);
        /* What goes first: a folder may come where a file was. From the last, so that what lies deeper goes before. */
        for (guint i = old != NULL ? old->len : 0; i > 0; i--) {
                const ScHostFile *file = g_ptr_array_index(old, i - 1);
                if (!g_hash_table_contains(news, file->destination) &&
                    (!remove_old(root_fd, file, report, error) || !make_room(root_fd, news, file->destination, error)))
                        return false;
        }
        Source source = {root_fd, hostfs_fd, variables};
        for (guint i = 0; files != NULL && i < files->len; i++) {
                const ScHostFile *file = g_ptr_array_index(files, i);
                bool left_alone;
                if (!put_new(&source, file, g_hash_table_lookup(olds, file->destination), report, &left_alone, error))
                        return sc_prefix(error, "Cannot put %s on the host", file->destination);
                if (left_alone)
                        g_ptr_array_add(skipped, g_strdup(file->destination));
        }
        if (ret_skipped != NULL)
                *ret_skipped = g_steal_pointer(&skipped);
        return true;
}
