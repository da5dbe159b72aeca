/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/reference.h"
#include "options.h"
#include "pin.h"
#include "store/deployment.h"
#include "store/image.h"
#include "store/intent.h"
#include "store/pull-intent.h"
#include "store/repository.h"
#include "store/staging.h"
#include "unit/systemd.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

/* ---- layers ---- */

static bool prune_layers(ScOpContext *context, GError **error)
{
        g_autoptr(GError) missing = NULL;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, &missing);
        if (repository == NULL) {
                if (g_error_matches(missing, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return true;
                g_propagate_error(error, g_steal_pointer(&missing));
                return false;
        }
        sc_report_phase(context->report, "Waiting for pulls and installs to end", 0);
        sc_autofd lock = sc_repository_lock(repository, true, context->cancellable, error);
        g_autoptr(GHashTable) kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) refs = NULL;
        OstreeRepo *ostree = sc_repository_ostree(repository);
        if (lock < 0 || !sc_staging_sweep(repository, error) || !sc_image_held_refs(repository, kept, error) ||
            !sc_pull_intents_hold(repository, g_get_real_time() / G_USEC_PER_SEC, kept, error))
                return false;
        if (!ostree_repo_list_refs_ext(ostree, NULL, &refs, OSTREE_REPO_LIST_REFS_EXT_EXCLUDE_REMOTES, NULL, error))
                return sc_prefix(error, "Cannot list the refs of %s", sc_repository_path(repository));
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(refs), (GCompareFunc)strcmp);
        for (GList *name = names; name != NULL; name = name->next) {
                if (!sc_ref_is_blob(name->data) || g_hash_table_contains(kept, name->data))
                        continue;
                sc_report_message(context->report, "Deleting %s", (char *)name->data);
                if (!sc_repository_drop_ref(repository, name->data, error))
                        return false;
        }
        gint total, pruned;
        guint64 bytes;
        sc_report_phase(context->report, "Removing unused files", 0);
        if (!ostree_repo_prune(ostree, OSTREE_REPO_PRUNE_FLAGS_REFS_ONLY, 0, &total, &pruned, &bytes, context->cancellable, error))
                return sc_prefix(error, "Cannot prune %s", sc_repository_path(repository));
        g_autofree char *objects = g_strdup_printf("%d", pruned);
        g_autofree char *freed = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
        sc_detail(context, "objects-removed", objects);
        sc_detail(context, "bytes-freed", freed);
        return true;
}

/* ---- leftovers of deployments ---- */

/* A slot that no symlink makes a container of. A host taken over may have lost a symlink while its service runs: then it stays. */
static bool prune_slot(ScOpContext *context, ScSystemd *systemd, int checkout_fd, const char *folder, GError **error)
{
        g_autofree char *container = g_strndup(folder, strlen(folder) - 2);
        g_autofree char *lock_name = g_build_filename(SC_LOCK_DIR, container, NULL);
        g_autofree char *unit = g_strconcat(container, ".service", NULL);
        if (!sc_container_name_check(container, NULL) || sc_lstat(checkout_fd, container, NULL, NULL) != 0)
                return true;
        sc_autofd lock = sc_lock_try(checkout_fd, lock_name, SC_LOCK_EXCLUSIVE, NULL);
        g_autoptr(GError) none = NULL;
        g_autoptr(ScIntent) intent = sc_intent_read(checkout_fd, container, &none);
        if (lock < 0 || intent != NULL || !g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND) ||
            sc_lstat(checkout_fd, container, NULL, NULL) != 0)
                return true;
        g_auto(ScUnitState) state = {0};
        if (!sc_systemd_state(systemd, unit, &state, error))
                return false;
        if (strcmp(state.active_state, "inactive") != 0 && strcmp(state.active_state, "failed") != 0) {
                sc_report_message(context->report, "Keeping %s: %s is %s", folder, unit, state.active_state);
                return true;
        }
        g_autoptr(GError) pinned = NULL;
        if (!sc_pin_check(context->config, container, SC_PIN_ANY_SLOT, &pinned)) {
                sc_report_message(context->report, "Keeping %s: %s", folder, pinned->message);
                return true;
        }
        sc_report_message(context->report, "Deleting %s", folder);
        g_autofree char *suffix = sc_random_name(6);
        g_autofree char *hidden = g_strdup_printf(".%s.%s", folder, suffix);
        return sc_rename_new(checkout_fd, folder, hidden, error) && sc_slot_sweep(checkout_fd, container, error);
}

static bool is_slot(const char *name)
{
        gsize length = strlen(name);
        return name[0] != '.' && length > 2 && (g_str_has_suffix(name, ".0") || g_str_has_suffix(name, ".1"));
}

static bool prune_deployments(ScOpContext *context, GError **error)
{
        sc_autofd checkout = sc_checkout_open(context->config, false, NULL);
        if (checkout < 0)
                return true;
        g_autoptr(ScSystemd) systemd = sc_systemd_open(context->config->scope, error);
        int listing_fd = systemd != NULL ? sc_open_beneath(checkout, ".", O_RDONLY | O_DIRECTORY, 0, error) : -1;
        if (listing_fd < 0)
                return false;
        DIR *listing = fdopendir(listing_fd);
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list the checkout path");
                sc_close(&listing_fd);
                return false;
        }
        g_autoptr(GPtrArray) slots = g_ptr_array_new_with_free_func(g_free);
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                struct stat st;
                if (is_slot(entry->d_name) && sc_lstat(checkout, entry->d_name, &st, NULL) == 1 && S_ISDIR(st.st_mode))
                        g_ptr_array_add(slots, g_strdup(entry->d_name));
        }
        closedir(listing);
        for (guint i = 0; i < slots->len; i++)
                if (!prune_slot(context, systemd, checkout, slots->pdata[i], error))
                        return false;
        return true;
}

bool sc_op_prune(ScOpContext *context, GError **error)
{
        return prune_deployments(context, error) && prune_layers(context, error);
}
