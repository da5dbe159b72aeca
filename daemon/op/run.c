/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "base/reference.h"
#include "change.h"
#include "install-request.h"
#include "option-image.h"
#include "options.h"
#include "render.h"
#include "session.h"
#include "store/checkout.h"
#include "store/deployment.h"
#include "store/run-folder.h"
#include "trust.h"
#include "unit/runtime-config.h"
#include "unit/runtime-json.h"
#include "verbs.h"
#include <fcntl.h>
#include <string.h>

/* ---- of an image ---- */

bool sc_run_is_once(const ScImage *image)
{
        return image->info != NULL && g_strcmp0(g_hash_table_lookup(image->info->labels, "atomic.run"), "once") == 0;
}

static bool check_out(ScSession *session, const ScRendering *rendering, GError **error)
{
        if (mkdirat(session->folder_fd, "rootfs", 0755) < 0)
                return sc_throw_errno(error, "Cannot make the folder rootfs");
        sc_autofd rootfs = sc_open_beneath(session->folder_fd, "rootfs", O_RDONLY | O_DIRECTORY, 0, error);
        sc_report_phase(session->context->report, "Checking out", sc_tree_files(rendering->tree));
        return rootfs >= 0 &&
               sc_tree_checkout(rendering->tree, rootfs, session->context->report, session->context->cancellable, error);
}

/* Prune stays away until the files are linked; nothing else of the repository is needed afterwards. */
static ScRendering *make_bundle(ScSession *session, ScRepository *repository, const ScBuildInput *input, GError **error)
{
        sc_autofd lock = sc_repository_lock(repository, false, session->context->cancellable, error);
        g_autoptr(ScRendering) rendering = lock >= 0 ? sc_render(session->context, repository, session->folder_fd, input, error)
                                                     : NULL;
        return rendering != NULL && check_out(session, rendering, error) ? g_steal_pointer(&rendering) : NULL;
}

bool sc_run_image(ScOpContext *context, ScRepository *repository, const ScImage *image, GError **error)
{
        g_auto(ScInstallRequest) request = SC_INSTALL_REQUEST_INIT;
        if (!sc_install_request_read(context, image, &request, error))
                return false;
        if (request.remote != NULL)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The image %s runs once, with its own root file system",
                                image->names[0]);
        g_autoptr(ScSession) session = sc_session_begin(context, error);
        if (session == NULL)
                return false;
        const char *image_name = sc_option_image_name(context, image);
        ScBuildInput input = {
                .container = request.container,
                .destination = session->folder,
                .image_name = image_name,
                .image = image,
                .set = request.values,
                .runtime = request.runtime != NULL ? request.runtime : context->config->runtime,
        };
        g_autoptr(ScRendering) rendering = make_bundle(session, repository, &input, error);
        if (rendering == NULL)
                return false;
        if (rendering->config == NULL)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "The image %s has no configuration for a runtime: its service is all that it is for", image_name);
        sc_detail(context, "image", image_name);
        sc_detail(context, "image-id", image->id);
        return sc_session_run(session, rendering->runtime, rendering->config, NULL, rendering->tmpfiles, error);
}

static bool run_image(ScOpContext *context, GError **error)
{
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        if (repository == NULL)
                return sc_prefix(error, "Image %s not found", context->subject);
        g_autoptr(ScImage) image = sc_option_image(context, repository, context->subject, error);
        g_autofree char *rule = NULL;
        return image != NULL && sc_trust_here(context, image, &rule, error) && sc_run_image(context, repository, image, error);
}

/* ---- of a container ---- */

static bool refuse_options_of_images(const ScOpContext *context, GError **error)
{
        static const char *const keys[] = {"name", "values"};
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
                if (json_object_has_member(context->options, keys[i]))
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                        "The option %s is for images: %s is a container, and has its %s", keys[i], context->subject,
                                        keys[i]);
        return true;
}

static bool is_running(ScSystemd *systemd, const char *container, bool *ret, GError **error)
{
        g_autofree char *unit = g_strconcat(container, ".service", NULL);
        g_auto(ScUnitState) state = {0};
        if (!sc_systemd_state(systemd, unit, &state, error))
                return false;
        *ret = strcmp(state.active_state, "active") == 0 || strcmp(state.active_state, "reloading") == 0;
        return true;
}

static char *read_config(const ScDeployment *deployment, GError **error)
{
        sc_autofd fd = sc_open_dir(deployment->path, error);
        char *config = NULL;
        return fd >= 0 && sc_read_file(fd, "config.json", SC_RUNTIME_JSON_MAX, &config, NULL, error) ? config : NULL;
}

/* The container's lock is held until the record is there: from then on an update or uninstall finds it, and leaves the deployment.
 * *ret: the deployment as it is now. */
static bool pin(ScSession *session, const ScDeployment *deployment, ScDeployment **ret, GError **error)
{
        ScOpContext *context = session->context;
        g_autoptr(ScChange) change = deployment->preinstalled ? NULL
                                                              : sc_change_begin(context, deployment->name, SC_BEGIN_CONTROL, error);
        if (change == NULL && !deployment->preinstalled)
                return false;
        g_autoptr(ScDeployment) now = sc_deployment_find(context->config, deployment->name, error);
        g_autofree char *folder = now != NULL ? g_path_get_basename(now->path) : NULL;
        if (now == NULL || (!now->preinstalled && !sc_run_folder_pin(session->folder_fd, folder, error)))
                return false;
        *ret = g_steal_pointer(&now);
        return sc_failpoint("run-pinned", error);
}

/* On the files that a container has now, which are not copied. */
static bool run_beside(ScSession *session, const ScDeployment *deployment, const char *runtime, GError **error)
{
        g_autoptr(ScDeployment) now = NULL;
        g_autofree char *config = pin(session, deployment, &now, error) ? read_config(now, error) : NULL;
        return config != NULL && sc_session_run(session, runtime, config, now->path, "", error);
}

static bool run_in_container(ScOpContext *context, const ScDeployment *deployment, GError **error)
{
        const char *given;
        bool running;
        if (deployment->info == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "The container %s is broken: %s", deployment->name, deployment->broken);
        if (!sc_option_string(context, "runtime", &given, error))
                return false;
        const char *name = given != NULL ? given : deployment->info->runtime;
        g_autofree char *runtime = sc_runtime_find(name != NULL ? name : context->config->runtime, error);
        g_autoptr(ScSession) session = runtime != NULL ? sc_session_begin(context, error) : NULL;
        if (session == NULL || !is_running(session->systemd, deployment->name, &running, error))
                return false;
        if (!running)
                return run_beside(session, deployment, runtime, error);
        g_autofree char *config = read_config(deployment, error);
        return config != NULL && sc_session_exec(session, runtime, deployment->name, config, error);
}

static bool has_command(const ScOpContext *context)
{
        g_auto(GStrv) argv = NULL;
        return sc_option_strv(context, "argv", &argv, NULL) && argv != NULL && argv[0] != NULL;
}

static bool run_container(ScOpContext *context, GError **error)
{
        if (!refuse_options_of_images(context, error))
                return false;
        if (!has_command(context))
                return sc_op_start(context, error);
        g_autoptr(ScDeployment) deployment = sc_deployment_find(context->config, context->subject, error);
        if (deployment == NULL)
                return false;
        sc_detail(context, "container", deployment->name);
        return run_in_container(context, deployment, error);
}

/* The daemon has decided which it is: an image's name is whole, with a tag or a digest, and no container's name can be like that.
 */
bool sc_op_run(ScOpContext *context, GError **error)
{
        return sc_container_name_check(context->subject, NULL) ? run_container(context, error) : run_image(context, error);
}
