/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostfiles.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/path.h"
#include "host-copy.h"
#include "host-place.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What goes is moved out of the way and synced before a folder of that name, or a file instead of the folder, can come. */
static bool remove_at(const ScHostPlace *place, const struct stat *st, GError **error)
{
        if (unlinkat(place->parent_fd, place->name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
                return sc_throw_errno(error, "Cannot remove %s", place->path);
        return sc_sync_dir(place->parent_fd, error);
}

/* Somebody has put a link, or a file, in its parent's place. */
static bool is_in_the_way(const GError *error)
{
        return g_error_matches(error, SC_ERROR, SC_ERROR_ACCESS_DENIED) || g_error_matches(error, SC_ERROR, SC_ERROR_EXISTS);
}

static bool remove_old(int root_fd, const ScHostFile *old, ScReport *report, GError **error)
{
        g_auto(ScHostPlace) place = {.parent_fd = -1};
        ScHostFound found;
        struct stat st;
        g_autoptr(GError) local = NULL;
        if (!sc_host_place_open(root_fd, old->destination, SC_HOST_PARENT_LOOK, &place, &local)) {
                if (!is_in_the_way(local)) {
                        g_propagate_error(error, g_steal_pointer(&local));
                        return false;
                }
                /* A user has put a link in the way: what it leads to is not ours, and an uninstall goes on. */
                sc_report_message(report, "Will not delete %s: %s", old->destination, local->message);
                return true;
        }
        if (!sc_host_place_compare(&place, old, &found, &st, error))
                return false;
        if (place.parent_fd >= 0 && !sc_host_copy_sweep(place.parent_fd, place.name, error))
                return false;
        if (found == SC_HOST_FOUND_NOTHING)
                return true;
        if (found == SC_HOST_FOUND_OTHER) {
                sc_report_message(report, SC_HOST_FILE_MODIFIED, old->destination);
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
                g_auto(ScHostPlace) place = {.parent_fd = -1};
                g_autoptr(GError) local = NULL;
                if (!sc_host_place_open(root_fd, folder, SC_HOST_PARENT_LOOK, &place, &local)) {
                        if (is_in_the_way(local))
                                return true;
                        g_propagate_error(error, g_steal_pointer(&local));
                        return false;
                }
                if (place.parent_fd < 0 || unlinkat(place.parent_fd, place.name, AT_REMOVEDIR) < 0)
                        return true;
                if (!sc_sync_dir(place.parent_fd, error))
                        return false;
                *strrchr(folder, '/') = '\0';
        }
        return true;
}

typedef struct {
        int root_fd;
        int hostfs_fd;
        const ScVariables *variables;
        ScHostCopyFlags replace;
        bool back; /* to what was there before: what cannot be put back keeps nothing else from it */
} Source;

static bool copy_to(const Source *source, const ScHostPlace *place, const ScHostFile *file, ScHostCopyFlags flags, GError **error)
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
        g_auto(ScHostPlace) place = {.parent_fd = -1};
        ScHostFound next, previous;
        struct stat st;
        if (!sc_host_place_open(source->root_fd, file->destination, SC_HOST_PARENT_MAKE, &place, error) ||
            !sc_host_copy_sweep(place.parent_fd, place.name, error) || !sc_host_place_compare(&place, file, &next, &st, error))
                return false;
        *ret_skipped = false;
        if (next == SC_HOST_FOUND_NOTHING)
                return copy_to(source, &place, file, SC_HOST_COPY_NEW, error);
        if (next == SC_HOST_FOUND_SAME && (old == NULL || sc_host_file_has_attributes(file, &st)))
                return true;
        if (!sc_host_place_compare(&place, old, &previous, &st, error))
                return false;
        if (next != SC_HOST_FOUND_SAME && previous != SC_HOST_FOUND_SAME) {
                *ret_skipped = true;
                if (old != NULL)
                        sc_report_message(report,
                                          SC_HOST_FILE_MODIFIED "  What this version has there is not installed, and values have "
                                                                "no effect on it.",
                                          file->destination);
                else
                        sc_report_message(report, SC_HOST_FILE_EXISTS, file->destination);
                return true;
        }
        if (S_ISDIR(st.st_mode) != S_ISDIR(file->mode)) {
                if (S_ISDIR(st.st_mode) && !sc_host_folder_is_empty(place.parent_fd, place.name)) {
                        *ret_skipped = true;
                        sc_report_message(report, SC_HOST_FILE_EXISTS, file->destination);
                        return true;
                }
                return remove_at(&place, &st, error) && copy_to(source, &place, file, SC_HOST_COPY_NEW, error);
        }
        return copy_to(source, &place, file, source->replace, error);
}

static bool put(const Source *source, const ScHostFile *file, const ScHostFile *old, ScReport *report, bool *ret_skipped,
                GError **error)
{
        g_autoptr(GError) local = NULL;
        if (put_new(source, file, old, report, ret_skipped, &local))
                return true;
        if (!source->back || !is_in_the_way(local)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return sc_prefix(error, "Cannot put %s on the host", file->destination);
        }
        sc_report_message(report, "Cannot put %s on the host: %s", file->destination, local->message);
        *ret_skipped = true;
        return true;
}

static bool apply(const Source *source, GPtrArray *files, GPtrArray *old, ScReport *report, GPtrArray **ret_skipped, GError **error)
{
        int root_fd = source->root_fd;
        g_autoptr(GHashTable) news = sc_host_files_by_destination(files);
        g_autoptr(GHashTable) olds = sc_host_files_by_destination(old);
        g_autoptr(GPtrArray) skipped = g_ptr_array_new_with_free_func(g_free);
        /* What goes first: a folder may come where a file was. From the last, so that what lies deeper goes before. */
        for (guint i = old != NULL ? old->len : 0; i > 0; i--) {
                const ScHostFile *file = g_ptr_array_index(old, i - 1);
                if (!g_hash_table_contains(news, file->destination) &&
                    (!remove_old(root_fd, file, report, error) || !make_room(root_fd, news, file->destination, error)))
                        return false;
        }
        for (guint i = 0; files != NULL && i < files->len; i++) {
                const ScHostFile *file = g_ptr_array_index(files, i);
                bool left_alone;
                if (!put(source, file, g_hash_table_lookup(olds, file->destination), report, &left_alone, error))
                        return false;
                if (left_alone)
                        g_ptr_array_add(skipped, g_strdup(file->destination));
        }
        if (ret_skipped != NULL)
                *ret_skipped = g_steal_pointer(&skipped);
        return true;
}

bool sc_host_files_apply(int root_fd, int hostfs_fd, GPtrArray *files, const ScVariables *variables, GPtrArray *old,
                         ScReport *report, GPtrArray **ret_skipped, GError **error)
{
        const Source source = {root_fd, hostfs_fd, variables, SC_HOST_COPY_REPLACE, false};
        return apply(&source, files, old, report, ret_skipped, error);
}

bool sc_host_files_put_back(int root_fd, int hostfs_fd, GPtrArray *files, const ScVariables *variables, GPtrArray *old,
                            ScReport *report, GPtrArray **ret_skipped, GError **error)
{
        const Source source = {root_fd, hostfs_fd, variables, SC_HOST_COPY_MAKE_ROOM, true};
        return apply(&source, files, old, report, ret_skipped, error);
}
