/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

#include "base/error.h"
#include "base/path.h"
#include "homes.h"
#include "image-exports.h"
#include "side.h"
#include "store/deployment.h"
#include "unit/runtime-config.h"
#include "unit/service.h"

enum { MAX_TEXT = 1024 * 1024 };

void sc_rendering_free(ScRendering *rendering)
{
        if (rendering == NULL)
                return;
        sc_tree_free(rendering->tree);
        sc_close(&rendering->remote_rootfs);
        sc_exports_free(rendering->exports);
        sc_variables_free(rendering->variables);
        g_free(rendering->runtime);
        g_free(rendering->config);
        g_free(rendering->unit);
        g_free(rendering->tmpfiles);
        g_free(rendering->destination);
        g_free(rendering);
}

/* ---- where the image's files are read: from the repository, before anything is checked out, or from a remote rootfs ---- */

static bool open_remote(ScRendering *rendering, const ScConfig *config, GError **error)
{
        const char *remote = rendering->input->remote;
        if (!sc_homes_spare_path(config, remote, error))
                return false;
        g_autofree char *path = g_build_filename(remote, "rootfs", NULL);
        g_autoptr(GError) local = NULL;
        rendering->remote_rootfs = sc_path_is_clean_absolute(remote) ? sc_open_dir(path, &local) : -1;
        if (rendering->remote_rootfs < 0)
                return sc_throw(
                        error, SC_ERROR_NOT_FOUND,
                        "The container's rootfs is set to remote, but the remote rootfs does not exist: there is no folder %s",
                        path);
        return true;
}

static bool load_exports(ScRendering *rendering, ScOpContext *context, ScRepository *repository, GError **error)
{
        const ScImageInfo *info = rendering->input->image->info;
        if (rendering->input->remote != NULL) {
                if (!open_remote(rendering, context->config, error))
                        return false;
                sc_autofd exports = -1;
                if (!sc_side_open_exports(rendering->remote_rootfs, &exports, error))
                        return false;
                rendering->exports = sc_exports_load(sc_exports_read_rootfs, &rendering->remote_rootfs, exports >= 0, error);
        } else {
                rendering->tree = sc_tree_merge(repository, info->layers, context->cancellable, error);
                if (rendering->tree == NULL)
                        return false;
                rendering->exports = sc_image_exports(rendering->tree, error);
        }
        if (rendering->exports == NULL)
                return sc_prefix(error, "Image %s", rendering->input->image_name);
        if (!rendering->exports->present)
                sc_report_message(context->report,
                                  "Warning: /exports directory not found.  Default config files will be generated.");
        return true;
}

/* ---- what is rendered ---- */

static bool make_variables(ScRendering *rendering, const ScConfig *config, GError **error)
{
        const ScBuildInput *input = rendering->input;
        bool needed = sc_service_needs_runtime(rendering->exports);
        if (needed && g_path_is_absolute(input->runtime) && !sc_homes_spare_path(config, input->runtime, error))
                return false;
        rendering->runtime = sc_runtime_find(input->runtime, needed ? error : NULL);
        if (rendering->runtime == NULL && needed)
                return false;
        if (rendering->runtime == NULL)
                rendering->runtime = g_strdup(input->runtime);
        ScVariablesInput variables = {
                .scope = config->scope,
                .name = input->container,
                .destdir = rendering->destination,
                .image_name = input->image_name,
                .image_id = input->image->id,
                .runtime = rendering->runtime,
                .exec_helper = LIBEXECDIR "/sysconsd-exec",
                .client = BINDIR "/atomic",
                .uuid = input->uuid,
                .detached = sc_service_is_detached(sc_service_template(rendering->exports)),
                .set = input->set,
                .defaults = rendering->exports->defaults,
        };
        rendering->variables = sc_variables_new(&variables, error);
        return rendering->variables != NULL;
}

/* One that an image has made unreadable (a link out of it, too much text) counts as none; a disk that fails does not. */
static bool read_optional_text(ScRendering *rendering, const char *path, char **ret, GError **error)
{
        g_autoptr(GError) local = NULL;
        *ret = NULL;
        if (rendering->tree == NULL) {
                sc_read_file(rendering->remote_rootfs, path, MAX_TEXT, ret, NULL, NULL);
                return true;
        }
        if (sc_tree_read(rendering->tree, path, MAX_TEXT, ret, NULL, &local) ||
            g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND) || g_error_matches(local, SC_ERROR, SC_ERROR_CORRUPT))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

/* A user's containers live in a user namespace; the system's need none. */
static ScUserNamespace *user_namespace(const ScOpContext *context, const char *runtime)
{
        if (context->config->scope->kind != SC_SCOPE_USER)
                return NULL;
        ScUserNamespace *made = sc_user_namespace_new(runtime);
        if (made->uids->len == 1)
                sc_report_message(context->report,
                                  "Warning: %s has no ids in /etc/subuid and /etc/subgid, or newuidmap is not installed.  The "
                                  "container has root as its only user.",
                                  made->user_name);
        return made;
}

/* For an image that brings none, and whose unit needs none, it is made if that is possible: the unit may start a runtime by its
 * name. */
static bool render_config(ScRendering *rendering, const ScOpContext *context, int scratch_fd, GError **error)
{
        const ScExports *exports = rendering->exports;
        if (exports->no_service)
                return true;
        bool needed = exports->config != NULL || sc_service_needs_runtime(exports);
        g_autoptr(ScUserNamespace) own_namespace = user_namespace(context, rendering->runtime);
        g_autofree char *passwd = NULL, *group = NULL;
        if (!read_optional_text(rendering, "etc/passwd", &passwd, error) ||
            !read_optional_text(rendering, "etc/group", &group, error))
                return false;
        g_autofree char *rootfs = rendering->input->remote != NULL ? g_build_filename(rendering->input->remote, "rootfs", NULL)
                                                                   : NULL;
        ScRuntimeConfigInput input = {
                .exports = rendering->exports,
                .image = rendering->input->image->info,
                .variables = rendering->variables,
                .runtime = rendering->runtime,
                .user_namespace = own_namespace,
                .rootfs_path = rootfs,
                .passwd = passwd,
                .group = group,
                .scratch_fd = scratch_fd,
        };
        rendering->config = sc_runtime_config_make(&input, needed ? error : NULL);
        return rendering->config != NULL || !needed;
}

static bool render_texts(ScRendering *rendering, const ScOpContext *context, int scratch_fd, GError **error)
{
        g_auto(GStrv) missing = NULL;
        if (!render_config(rendering, context, scratch_fd, error))
                return false;
        if (rendering->config != NULL && rendering->exports->tmpfiles == NULL) {
                missing = sc_runtime_config_missing_sources(rendering->config, rendering->input->old_tmpfiles, error);
                if (missing == NULL)
                        return false;
                for (char **source = missing; *source != NULL; source++)
                        if (!sc_homes_spare_path(context->config, *source, error))
                                return false;
        }
        rendering->tmpfiles = sc_tmpfiles_make(rendering->exports, rendering->variables, missing, error);
        if (rendering->tmpfiles == NULL)
                return false;
        if (rendering->exports->no_service)
                return true;
        rendering->unit = sc_service_make(rendering->exports, rendering->variables, error);
        return rendering->unit != NULL;
}

ScRendering *sc_render(ScOpContext *context, ScRepository *repository, int scratch_fd, const ScBuildInput *input, GError **error)
{
        if (input->image->info == NULL) {
                sc_throw(error, SC_ERROR_NOT_FOUND,
                         "Image %s was pulled by another program and is not described yet: pull it again", input->image_name);
                return NULL;
        }
        g_autoptr(ScRendering) rendering = g_new0(ScRendering, 1);
        rendering->input = input;
        rendering->remote_rootfs = -1;
        g_autofree char *slot = sc_slot_name(input->container, input->slot);
        rendering->destination = input->destination != NULL ? g_strdup(input->destination)
                                                            : g_build_filename(context->config->checkout_path, slot, NULL);
        return load_exports(rendering, context, repository, error) && make_variables(rendering, context->config, error) &&
                               render_texts(rendering, context, scratch_fd, error)
                       ? g_steal_pointer(&rendering)
                       : NULL;
}

bool sc_rendering_has_host_files(const ScRendering *rendering)
{
        return sc_variables_scope(rendering->variables)->kind == SC_SCOPE_SYSTEM;
}

char *sc_rendering_unused_values(const ScRendering *rendering)
{
        g_auto(GStrv) names = sc_variables_unused(rendering->variables, rendering->input->set, rendering->exports->defaults);
        guint n = g_strv_length(names);
        if (n == 0)
                return NULL;
        g_autofree char *more = n > 1 ? g_strdup_printf(" and %u more", n - 1) : g_strdup("");
        return g_strdup_printf("Nothing in the image uses the value of %s%s: `sysconsctl info %s` tells which it has", names[0],
                               more, rendering->input->image_name);
}
