/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pin.h"

#include "base/error.h"
#include "base/path.h"
#include "mounts.h"
#include "store/deployment.h"
#include "store/run-folder.h"
#include <string.h>

static bool is_below(const ScInfo *info, const ScConfig *config, const char *name)
{
        if (info == NULL || info->remote == NULL)
                return false;
        g_autofree char *path = g_build_filename(config->checkout_path, name, NULL);
        gsize length = strlen(path);
        return strncmp(info->remote, path, length) == 0 && (info->remote[length] == '\0' || info->remote[length] == '/');
}

/* By a command that runs once: its root file system is the deployment's. */
static bool is_run_by_nobody(int checkout_fd, const char *container, int slot, GError **error)
{
        for (int i = 0; i < 2; i++) {
                g_autofree char *deployment = sc_slot_name(container, i);
                g_autofree char *id = NULL;
                if (slot != SC_PIN_ANY_SLOT && slot != i)
                        continue;
                if (!sc_run_folder_user(checkout_fd, deployment, &id, error))
                        return false;
                if (id != NULL)
                        return sc_throw(error, SC_ERROR_BUSY,
                                        "A command runs on the files of the deployment %s (%s.service): let it end first",
                                        deployment, id);
        }
        return true;
}

static bool is_shown_nowhere(const ScConfig *config, ScSystemd *systemd, const char *container, int slot, GError **error)
{
        sc_autofd checkout = sc_checkout_open(config, false, error);
        return checkout >= 0 && sc_mounts_check(systemd, checkout, container, slot, error) &&
               is_run_by_nobody(checkout, container, slot, error);
}

bool sc_pin_check(const ScConfig *config, ScSystemd *systemd, const char *container, int slot, GError **error)
{
        g_autoptr(GPtrArray) all = sc_deployment_list_all(config, error);
        if (all == NULL)
                return false;
        g_autofree char *first = sc_slot_name(container, slot == SC_PIN_ANY_SLOT ? 0 : slot);
        g_autofree char *second = sc_slot_name(container, 1);
        const char *const names[] = {first, second, container};
        guint n = slot == SC_PIN_ANY_SLOT ? G_N_ELEMENTS(names) : 1;
        for (guint i = 0; i < all->len; i++) {
                const ScDeployment *other = all->pdata[i];
                bool uses = false;
                for (guint j = 0; j < n; j++)
                        uses = uses || is_below(other->info, config, names[j]) || is_below(other->previous, config, names[j]);
                if (uses && strcmp(other->name, container) != 0)
                        return sc_throw(error, SC_ERROR_BUSY,
                                        "The container %s uses the root file system in %s/%s: uninstall it first", other->name,
                                        config->checkout_path, slot == SC_PIN_ANY_SLOT ? container : first);
        }
        return is_shown_nowhere(config, systemd, container, slot, error);
}
