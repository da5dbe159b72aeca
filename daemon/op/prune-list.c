/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prune-list.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "pin.h"
#include "store/deployment.h"
#include "store/image.h"
#include "store/intent.h"
#include "store/pull-intent.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

GPtrArray *sc_prune_refs(ScRepository *repository, GError **error)
{
        g_autoptr(GHashTable) kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) refs = NULL;
        if (!sc_image_held_refs(repository, kept, error) ||
            !sc_pull_intents_hold(repository, g_get_real_time() / G_USEC_PER_SEC, kept, error))
                return NULL;
        if (!ostree_repo_list_refs_ext(sc_repository_ostree(repository), NULL, &refs, OSTREE_REPO_LIST_REFS_EXT_EXCLUDE_REMOTES,
                                       NULL, error)) {
                sc_prefix(error, "Cannot list the refs of %s", sc_repository_path(repository));
                return NULL;
        }
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(refs), (GCompareFunc)strcmp);
        GPtrArray *unused = g_ptr_array_new_with_free_func(g_free);
        for (GList *name = names; name != NULL; name = name->next)
                if (sc_ref_is_blob(name->data) && !g_hash_table_contains(kept, name->data))
                        g_ptr_array_add(unused, g_strdup(name->data));
        return unused;
}

static bool is_slot(int checkout_fd, const char *name)
{
        gsize length = strlen(name);
        if (name[0] == '.' || length <= 2 || (!g_str_has_suffix(name, ".0") && !g_str_has_suffix(name, ".1")))
                return false;
        g_autofree char *container = sc_prune_slot_owner(name);
        struct stat st;
        return sc_container_name_check(container, NULL) && sc_lstat(checkout_fd, name, &st, NULL) == 1 && S_ISDIR(st.st_mode);
}

char *sc_prune_slot_owner(const char *folder)
{
        return g_strndup(folder, strlen(folder) - 2);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *sc_prune_slots(int checkout_fd, GError **error)
{
        int listing_fd = sc_open_beneath(checkout_fd, ".", O_RDONLY | O_DIRECTORY, 0, error);
        DIR *listing = listing_fd >= 0 ? fdopendir(listing_fd) : NULL;
        if (listing == NULL) {
                if (listing_fd >= 0)
                        sc_throw_errno(error, "Cannot list the checkout path");
                sc_close(&listing_fd);
                return NULL;
        }
        GPtrArray *slots = g_ptr_array_new_with_free_func(g_free);
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
                if (is_slot(checkout_fd, entry->d_name))
                        g_ptr_array_add(slots, g_strdup(entry->d_name));
        closedir(listing);
        g_ptr_array_sort(slots, compare_names);
        return slots;
}

/* Uninstalling takes the unit first, and no install begins with one: where there is a unit a container has lost its symlink. */
static bool keeps_unit(ScOpContext *context, const ScSystemd *systemd, const char *container, const char *unit, const char *folder)
{
        g_autofree char *file = g_build_filename(sc_systemd_scope(systemd)->unit_dir, unit, NULL);
        struct stat st;
        if (lstat(file, &st) < 0 && errno == ENOENT)
                return false;
        sc_report_message(context->report,
                          "Keeping %s: there is %s, though no symlink %s leads here: set it again, or uninstall the container",
                          folder, file, container);
        return true;
}

bool sc_prune_slot_goes(ScOpContext *context, ScSystemd *systemd, int checkout_fd, const char *folder, bool *ret, GError **error)
{
        g_autofree char *container = sc_prune_slot_owner(folder);
        g_autofree char *unit = g_strconcat(container, ".service", NULL);
        g_autoptr(GError) none = NULL;
        g_autoptr(ScIntent) intent = sc_intent_read(checkout_fd, container, &none);
        *ret = false;
        if (intent != NULL || !g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND) ||
            sc_lstat(checkout_fd, container, NULL, NULL) != 0)
                return true;
        g_auto(ScUnitState) state = {0};
        if (!sc_systemd_state(systemd, unit, &state, error))
                return false;
        if (strcmp(state.active_state, "inactive") != 0 && strcmp(state.active_state, "failed") != 0) {
                sc_report_message(context->report, "Keeping %s: %s is %s", folder, unit, state.active_state);
                return true;
        }
        if (keeps_unit(context, systemd, container, unit, folder))
                return true;
        g_autoptr(GError) pinned = NULL;
        if (!sc_pin_check(context->config, systemd, container, SC_PIN_ANY_SLOT, &pinned)) {
                sc_report_message(context->report, "Keeping %s: %s", folder, pinned->message);
                return true;
        }
        *ret = true;
        return true;
}
