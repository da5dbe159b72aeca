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

static bool uses(const ScDeployment *other, const ScConfig *config, const char *name)
{
        return is_below(other->info, config, name) || is_below(other->previous, config, name);
}

/* Who was installed by the name of the symlink goes with it, but not while he runs: then it is the slot that was live when his
 * service started, either of them. */
static bool is_left_by(const ScDeployment *other, const ScConfig *config, ScSystemd *systemd, const char *container, int slot,
                       GError **error)
{
        if (strcmp(other->name, container) == 0 || !uses(other, config, container))
                return true;
        g_autofree char *deployment = sc_slot_name(container, slot);
        g_autofree char *unit = g_strconcat(other->name, ".service", NULL);
        g_auto(ScUnitState) state = {0};
        if (!sc_systemd_state(systemd, unit, &state, error))
                return false;
        return strcmp(state.active_state, "inactive") == 0 || strcmp(state.active_state, "failed") == 0 ||
               sc_throw(error, SC_ERROR_BUSY,
                        "The container %s runs on the root file system in %s/%s, maybe on that of %s: stop it for the time being",
                        other->name, config->checkout_path, container, deployment);
}

static bool is_free_of(const ScDeployment *other, const ScConfig *config, const char *container, int slot, GError **error)
{
        if (strcmp(other->name, container) == 0)
                return true;
        for (int i = 0; i < 2; i++) {
                g_autofree char *deployment = sc_slot_name(container, i);
                if (slot != SC_PIN_ANY_SLOT && slot != i)
                        continue;
                if (uses(other, config, deployment) || (slot == SC_PIN_ANY_SLOT && uses(other, config, container)))
                        return sc_throw(error, SC_ERROR_BUSY,
                                        "The container %s uses the root file system in %s/%s: uninstall it first", other->name,
                                        config->checkout_path, slot == SC_PIN_ANY_SLOT ? container : deployment);
        }
        return true;
}

bool sc_pin_check(const ScConfig *config, ScSystemd *systemd, const char *container, int slot, GError **error)
{
        g_autoptr(GPtrArray) all = sc_deployment_list_all(config, error);
        sc_autofd checkout = all != NULL ? sc_checkout_open(config, false, error) : -1;
        if (checkout < 0)
                return false;
        bool lodgers = slot != SC_PIN_ANY_SLOT && sc_slot_exists(checkout, container, slot);
        for (guint i = 0; i < all->len; i++)
                if (!is_free_of(all->pdata[i], config, container, slot, error) ||
                    (lodgers && !is_left_by(all->pdata[i], config, systemd, container, slot, error)))
                        return false;
        return is_shown_nowhere(config, systemd, container, slot, error);
}
