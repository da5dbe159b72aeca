/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostfiles.h"

#include "base/error.h"
#include "base/path.h"
#include "host-copy.h"
#include "host-place.h"
#include <string.h>

typedef struct {
        ScHostFound found; /* next to what the deployment before put there */
        bool blocked;      /* something that is not ours lies there */
        bool as_wished;    /* it is what the new file is to be */
        mode_t mode;       /* of what lies there */
} Verdict;

static bool judge(int root_fd, const ScHostFile *file, const ScHostFile *before, GHashTable *olds, Verdict *ret, GError **error)
{
        g_auto(ScHostPlace) place = {.parent_fd = -1};
        ScHostFound next;
        struct stat st = {0};
        if (!sc_host_place_open(root_fd, file->destination, SC_HOST_PARENT_LOOK, &place, error) ||
            !sc_host_place_compare(&place, file, &next, &st, error) ||
            !sc_host_place_compare(&place, before, &ret->found, &st, error))
                return false;
        ret->mode = st.st_mode;
        ret->blocked = ret->found == SC_HOST_FOUND_OTHER &&
                       !(S_ISDIR(st.st_mode) && sc_host_files_have_below(olds, file->destination));
        ret->as_wished = next == SC_HOST_FOUND_SAME && sc_host_file_has_attributes(file, &st);
        return true;
}

/* Of a folder that is there nobody needs to hear. */
static bool is_folder_for_folder(const ScHostFile *file, const Verdict *verdict)
{
        return S_ISDIR(verdict->mode) && S_ISDIR(file->mode);
}

bool sc_host_files_settle(int root_fd, GPtrArray *files, GPtrArray *old, ScReport *report, GError **error)
{
        g_autoptr(GHashTable) olds = sc_host_files_by_destination(old);
        for (guint i = 0; i < files->len;) {
                const ScHostFile *file = g_ptr_array_index(files, i);
                const ScHostFile *before = g_hash_table_lookup(olds, file->destination);
                Verdict verdict;
                if (!judge(root_fd, file, before, olds, &verdict, error))
                        return false;
                if (!verdict.blocked) {
                        i++;
                        continue;
                }
                /* of a modified one the apply will say it */
                if (before == NULL && !is_folder_for_folder(file, &verdict))
                        sc_report_message(report, SC_HOST_FILE_EXISTS, file->destination);
                g_ptr_array_remove_index(files, i);
        }
        return true;
}

static void preview_free(gpointer data)
{
        ScHostFilePreview *preview = data;
        g_free(preview->path);
        g_free(preview->why);
        g_free(preview);
}

static void add(GPtrArray *previews, const ScHostFile *file, ScHostFileAction action, const char *why)
{
        ScHostFilePreview *preview = g_new0(ScHostFilePreview, 1);
        preview->path = g_strdup(file->destination);
        preview->action = action;
        preview->why = g_strdup(why);
        g_ptr_array_add(previews, preview);
}

static bool preview_new(int root_fd, const ScHostFile *file, GHashTable *olds, GPtrArray *previews, GError **error)
{
        const ScHostFile *before = g_hash_table_lookup(olds, file->destination);
        Verdict verdict;
        if (!judge(root_fd, file, before, olds, &verdict, error))
                return false;
        if (verdict.blocked && before == NULL && is_folder_for_folder(file, &verdict)) {
                add(previews, file, SC_HOST_FILE_UNCHANGED, NULL);
        } else if (verdict.blocked) {
                g_autofree char *why = before == NULL ? g_strdup_printf(SC_HOST_FILE_EXISTS, file->destination)
                                                      : g_strdup_printf(SC_HOST_FILE_MODIFIED, file->destination);
                add(previews, file, SC_HOST_FILE_LEFT_ALONE, why);
        } else {
                add(previews, file,
                    verdict.found == SC_HOST_FOUND_NOTHING ? SC_HOST_FILE_MADE
                    : verdict.as_wished                    ? SC_HOST_FILE_UNCHANGED
                                                           : SC_HOST_FILE_REPLACED,
                    NULL);
        }
        return true;
}

static bool preview_old(int root_fd, const ScHostFile *old, GPtrArray *previews, GError **error)
{
        g_auto(ScHostPlace) place = {.parent_fd = -1};
        ScHostFound found;
        struct stat st;
        g_autoptr(GError) local = NULL;
        if (!sc_host_place_open(root_fd, old->destination, SC_HOST_PARENT_LOOK, &place, &local)) {
                if (g_error_matches(local, SC_ERROR, SC_ERROR_ACCESS_DENIED)) {
                        add(previews, old, SC_HOST_FILE_LEFT_ALONE, local->message);
                        return true;
                }
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        if (!sc_host_place_compare(&place, old, &found, &st, error))
                return false;
        if (found == SC_HOST_FOUND_OTHER) {
                g_autofree char *why = g_strdup_printf(SC_HOST_FILE_MODIFIED, old->destination);
                add(previews, old, SC_HOST_FILE_LEFT_ALONE, why);
        } else if (found == SC_HOST_FOUND_SAME && S_ISDIR(st.st_mode) && !sc_host_folder_is_empty(place.parent_fd, place.name)) {
                g_autofree char *why = g_strdup_printf("The folder %s is not empty", old->destination);
                add(previews, old, SC_HOST_FILE_LEFT_ALONE, why);
        } else if (found == SC_HOST_FOUND_SAME) {
                add(previews, old, SC_HOST_FILE_REMOVED, NULL);
        }
        return true;
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const ScHostFilePreview *const *)a)->path, (*(const ScHostFilePreview *const *)b)->path);
}

GPtrArray *sc_host_files_preview(int root_fd, GPtrArray *files, GPtrArray *old, GError **error)
{
        g_autoptr(GHashTable) news = sc_host_files_by_destination(files);
        g_autoptr(GHashTable) olds = sc_host_files_by_destination(old);
        g_autoptr(GPtrArray) previews = g_ptr_array_new_with_free_func(preview_free);
        for (guint i = 0; files != NULL && i < files->len; i++)
                if (!preview_new(root_fd, files->pdata[i], olds, previews, error))
                        return NULL;
        for (guint i = 0; old != NULL && i < old->len; i++) {
                const ScHostFile *file = old->pdata[i];
                if (!g_hash_table_contains(news, file->destination) && !preview_old(root_fd, file, previews, error))
                        return NULL;
        }
        g_ptr_array_sort(previews, compare_paths);
        return g_steal_pointer(&previews);
}

const char *sc_host_file_action_to_string(ScHostFileAction action)
{
        static const char *const words[] = {
                [SC_HOST_FILE_UNCHANGED] = "unchanged",   [SC_HOST_FILE_MADE] = "made",
                [SC_HOST_FILE_REPLACED] = "replaced",     [SC_HOST_FILE_REMOVED] = "removed",
                [SC_HOST_FILE_LEFT_ALONE] = "left alone",
        };
        return words[action];
}
