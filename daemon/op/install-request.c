/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install-request.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "move.h"
#include "options.h"
#include "store/deployment.h"
#include "unit-look.h"
#include <string.h>

void sc_install_request_clear(ScInstallRequest *request)
{
        g_free(request->container);
        sc_close(&request->output);
        g_clear_pointer(&request->values, g_hash_table_unref);
}

static char *choose_name(ScOpContext *context, const ScImage *image, GError **error)
{
        const char *name;
        /* Without a name the one that the daemon had authorized, so that no other is made. */
        if (!sc_option_string(context, "name", &name, error) ||
            (name == NULL && !sc_option_string(context, "container", &name, error)))
                return NULL;
        if (name != NULL)
                return sc_container_name_check(name, error) ? g_strdup(name) : NULL;
        g_autoptr(ScReference) reference = sc_reference_parse(context->subject, image == NULL ? error : NULL);
        /* an image named by its id has the name that the repository knows */
        if (image != NULL && (reference == NULL || !g_strv_contains((const char *const *)image->names, reference->name))) {
                g_clear_pointer(&reference, sc_reference_free);
                reference = sc_reference_parse(image->names[0], error);
        }
        return reference != NULL ? sc_container_name_from_reference(reference, error) : NULL;
}

static bool check_build(const ScInstallRequest *request, GError **error)
{
        bool is_build = sc_install_request_is_build(request);
        if (is_build != (request->output >= 0))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The option output is a file for the package that system-package=build makes");
        return !is_build || request->remote == NULL ||
               sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                        "A package of a container holds its root file system: rootfs is not for it");
}

bool sc_install_request_is_build(const ScInstallRequest *request)
{
        return strcmp(request->system_package, "build") == 0;
}

bool sc_install_request_read(ScOpContext *context, const ScImage *image, ScInstallRequest *ret, GError **error)
{
        static const char *const start_words[] = {"no", "now", NULL};
        static const char *const package_words[] = {"no", "auto", "build", "yes", NULL};
        const char *start;
        if (!sc_option_string(context, "runtime", &ret->runtime, error) ||
            !sc_option_string(context, "rootfs", &ret->remote, error) ||
            !sc_option_word(context, "start", start_words, &start, error) ||
            !sc_option_word(context, "system-package", package_words, &ret->system_package, error) ||
            !sc_option_fd(context, "output", &ret->output, error) || !sc_option_values(context, "values", &ret->values, error) ||
            !check_build(ret, error))
                return false;
        ret->start = strcmp(start, "now") == 0;
        ret->container = choose_name(context, image, error);
        return ret->container != NULL;
}

/* X.0 and X.1 are the slots of X: neither may be a container of its own while X is one, nor the reverse. */
bool sc_install_slots_are_free(int checkout_fd, const char *container, GError **error)
{
        gsize length = strlen(container);
        if (length > 2 && (g_str_has_suffix(container, ".0") || g_str_has_suffix(container, ".1"))) {
                g_autofree char *owner = g_strndup(container, length - 2);
                if (sc_lstat(checkout_fd, owner, NULL, NULL) != 0)
                        return sc_throw(error, SC_ERROR_EXISTS,
                                        "The name %s is a deployment of the container %s: choose another with --name", container,
                                        owner);
        }
        /* A user's repository lies among his containers. */
        struct stat st;
        if (sc_lstat(checkout_fd, container, &st, NULL) == 1 && !S_ISLNK(st.st_mode))
                return sc_throw(error, SC_ERROR_EXISTS, "%s is in the way in the checkout path: choose another name with --name",
                                container);
        for (int slot = 0; slot < 2; slot++) {
                g_autofree char *folder = sc_slot_name(container, slot);
                if (sc_lstat(checkout_fd, folder, NULL, NULL) != 0)
                        return sc_throw(error, SC_ERROR_EXISTS,
                                        "%s is in the way in the checkout path: choose another name with --name, or remove it with "
                                        "`sysconsctl prune` or `sysconsctl uninstall %s`",
                                        folder, container);
        }
        return true;
}

static bool is_free(const char *path, GError **error)
{
        struct stat st;
        return lstat(path, &st) != 0 || sc_throw(error, SC_ERROR_EXISTS, "The file %s already exists.", path);
}

/* *ret: the unit of this name, and its tmpfiles, are those of a container that came with the system. One that is installed hides
 * it, unless it runs. */
static bool look_for_preinstalled(ScSystemd *systemd, const ScConfig *config, const char *container, bool *ret, GError **error)
{
        const ScScope *scope = sc_systemd_scope(systemd);
        g_autoptr(ScDeployment) deployment = sc_deployment_find(config, container, NULL);
        *ret = deployment != NULL && deployment->preinstalled && deployment->info != NULL && deployment->info->has_service;
        if (!*ret)
                return true;
        g_autofree char *unit = g_strconcat(container, ".service", NULL);
        g_autofree char *file = g_build_filename(scope->unit_dir, unit, NULL);
        g_auto(ScUnitState) state = {0};
        if (!is_free(file, error) || !sc_systemd_state(systemd, unit, &state, error))
                return false;
        return strcmp(state.active_state, "inactive") == 0 || strcmp(state.active_state, "failed") == 0 ||
               sc_throw(error, SC_ERROR_BUSY, "The preinstalled container %s runs: stop it first (%s stop %s)", container,
                        scope->systemctl, container);
}

bool sc_install_host_is_free(ScSystemd *systemd, const ScConfig *config, const char *container, GError **error)
{
        const ScScope *scope = sc_systemd_scope(systemd);
        g_autofree char *name = g_strconcat(container, ".service", NULL);
        g_autofree char *tmpfiles = g_strconcat(scope->tmpfiles_dir, "/", container, ".conf", NULL);
        bool is_preinstalled;
        if (!is_free(tmpfiles, error) || !look_for_preinstalled(systemd, config, container, &is_preinstalled, error))
                return false;
        if (is_preinstalled)
                return true;
        /* A unit of ours would shadow a package's: nobody who may install a container shall replace sshd. */
        if (!sc_unit_is_free(systemd, name, error))
                return false;
        /* A file of ours would hide the system's of the same name (tmpfiles.d(5)): var.conf makes the folders of /var. */
        for (char **dir = scope->hidden_tmpfiles_dirs; *dir != NULL; dir++) {
                g_autofree char *hidden = g_strconcat(*dir, "/", container, ".conf", NULL);
                if (!is_free(hidden, error))
                        return false;
        }
        return true;
}
