/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-package.h"

#include "base/error.h"
#include "base/path.h"
#include "homes.h"
#include "unit/host-path.h"
#include <string.h>

/* Seconds: apt may be at work. */
enum { PATIENCE = 60 };

static const ScPackage *package_of(const ScSide *side)
{
        return side != NULL ? side->package : NULL;
}

/* One package in two versions, of which one takes the place of the other. */
static bool is_same(const ScPackage *a, const ScPackage *b)
{
        return a != NULL && b != NULL && a->system == b->system && strcmp(a->name, b->name) == 0;
}

static bool can_manage(ScChange *change, const ScPackage *package)
{
        if (package == NULL || sc_package_system_is_here(package->system))
                return package != NULL;
        sc_report_message(change->context->report, "Cannot remove the package %s: its package system is not on this host",
                          package->name);
        return false;
}

/* ---- before ---- */

bool sc_host_package_lock(ScChange *change, const ScSide *old, const ScSide *new, GError **error)
{
        const ScPackage *packages[] = {package_of(old), package_of(new)};
        for (guint i = 0; i < G_N_ELEMENTS(packages); i++) {
                if (packages[i] == NULL || change->package_lock_fd >= 0 || !sc_package_system_is_here(packages[i]->system))
                        continue;
                if (!sc_package_lock(packages[i]->system, PATIENCE, change->context->report, change->context->cancellable,
                                     &change->package_lock_fd, error))
                        return false;
        }
        return true;
}

static bool check_place(int root_fd, const char *path, const ScPackage *package, GError **error)
{
        struct stat st;
        sc_autofd parent = -1;
        int there = sc_host_parent_open(root_fd, path, SC_HOST_PARENT_LOOK, &parent, error);
        if (there > 0)
                there = sc_lstat(parent, strrchr(path, '/') + 1, &st, error);
        if (there <= 0)
                return there == 0;
        /* a folder is everybody's */
        return S_ISDIR(st.st_mode) || sc_throw(error, SC_ERROR_EXISTS,
                                               "The file %s already exists, and is not of the package %s: move it away, or install "
                                               "with --system-package=no",
                                               path, package->name);
}

static bool check_places(const ScPackage *package, char *const *files, GHashTable *ours, GError **error)
{
        sc_autofd root = sc_open_dir("/", error);
        if (root < 0)
                return false;
        for (char *const *path = files; path != NULL && *path != NULL; path++)
                if (!g_hash_table_contains(ours, *path) && !check_place(root, *path, package, error))
                        return false;
        return true;
}

/* A package of this name that the old side does not have is somebody else's: one that holds the whole container, for example. */
static bool check_name(const ScPackage *old, const ScPackage *package, const char *file, GError **error)
{
        ScPackageState state;
        if (is_same(old, package))
                return true;
        if (!sc_package_state(package, file, &state, error))
                return false;
        return state == SC_PACKAGE_ABSENT ||
               sc_throw(error, SC_ERROR_EXISTS, "A package %s is installed already: remove it, or choose another name with --name",
                        package->name);
}

bool sc_host_package_look(const ScPackage *old, const ScPackage *new, const char *file, char *const *files, GHashTable **ret_ours,
                          GError **error)
{
        g_autoptr(GHashTable) ours = NULL;
        if (!check_name(old, new, file, error) || !sc_package_installed_files(new, &ours, error) ||
            !check_places(new, files, ours, error))
                return false;
        if (ret_ours != NULL)
                *ret_ours = g_steal_pointer(&ours);
        return true;
}

bool sc_host_package_prepare(ScChange *change, const ScSide *old, const ScSide *new, GError **error)
{
        const ScPackage *package = package_of(new);
        if (!sc_host_package_lock(change, old, new, error))
                return false;
        if (package == NULL)
                return package_of(old) == NULL || sc_package_check_removal(package_of(old), error);
        g_autofree char *file = sc_side_package_file(new, error);
        return file != NULL && sc_homes_spare_paths(change->context->config, new->info->package_files, error) &&
               sc_host_package_look(package_of(old), package, file, new->info->package_files, NULL, error) &&
               sc_package_check(package, file, error);
}

bool sc_host_package_prepare_removal(ScChange *change, const ScSide *old, const ScSide *new, GError **error)
{
        const ScSide *sides[] = {old, new};
        if (!sc_host_package_lock(change, old, new, error))
                return false;
        for (guint i = 0; i < G_N_ELEMENTS(sides); i++) {
                const ScPackage *package = package_of(sides[i]);
                if (package != NULL && sc_package_system_is_here(package->system) && !sc_package_check_removal(package, error))
                        return false;
        }
        return true;
}

/* ---- steps ---- */

static bool take_away(ScChange *change, const ScPackage *package, GError **error)
{
        return sc_package_remove(change->systemd, package, change->context->report, error);
}

bool sc_host_package_leave(ScMove *move, GError **error)
{
        const ScPackage *package = package_of(move->from);
        return package == NULL || is_same(package, package_of(move->to)) || take_away(move->change, package, error);
}

bool sc_host_package_take(ScMove *move, GError **error)
{
        ScChange *change = move->change;
        const ScPackage *package = package_of(move->to);
        if (package == NULL)
                return true;
        g_autofree char *file = sc_side_package_file(move->to, error);
        if (file == NULL)
                return false;
        if (!move->back)
                sc_report_message(change->context->report, "Installing the package %s", package->name);
        return sc_package_install(change->systemd, package, file, error);
}

bool sc_host_package_remove(ScChange *change, const ScSide *side, GError **error)
{
        const ScPackage *package = package_of(side);
        return !can_manage(change, package) || take_away(change, package, error);
}
