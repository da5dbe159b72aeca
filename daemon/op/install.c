/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "build.h"
#include "change.h"
#include "install-package.h"
#include "install-request.h"
#include "made-folders.h"
#include "option-image.h"
#include "options.h"
#include "run.h"
#include "store/deployment.h"
#include "store/intent.h"
#include "trust.h"
#include <string.h>

static bool carry_out(ScOpContext *context, ScRepository *repository, const ScBuildInput *input, const ScInstallRequest *request,
                      ScChange *change, GError **error)
{
        g_auto(ScBuilt) built = {0};
        if (!sc_build(context, repository, change->systemd, change->checkout_fd, input, &built, error))
                return false;
        change->intent = sc_intent_new(request->container, "install");
        change->intent->start = request->start && built.info->has_service;
        change->intent->settling_time = context->config->settling_time;
        change->intent->new.slot = 0;
        change->intent->new.id = g_strdup(built.info->deployment_id);
        change->intent->new.hidden = g_strdup(built.hidden);
        return sc_change_carry_out(change, error);
}

static ScBuildInput input_of(const ScOpContext *context, const ScImage *image, const ScInstallRequest *request,
                             const char *old_tmpfiles)
{
        return (ScBuildInput){
                .container = request->container,
                .slot = 0,
                .image_name = sc_option_image_name(context, image),
                .image = image,
                .set = request->values,
                .runtime = request->runtime != NULL ? request->runtime : context->config->runtime,
                .remote = request->remote,
                .old_tmpfiles = old_tmpfiles,
                .system_package = request->system_package,
        };
}

static bool wants_something_else(const ScOpContext *context, const ScInfo *info)
{
        g_autoptr(ScReference) wanted = sc_reference_parse(context->subject, NULL);
        const char *start = NULL;
        (void)sc_option_string(context, "start", &start, NULL);
        return wanted == NULL || g_strcmp0(wanted->name, info->image) != 0 || json_object_has_member(context->options, "values") ||
               g_strcmp0(start, "now") == 0;
}

/* What is there stays as it is, whatever is asked for. */
static bool leave(ScOpContext *context, const char *container, GError **error)
{
        g_autoptr(ScDeployment) present = sc_deployment_find(context->config, container, error);
        if (present == NULL)
                return false;
        sc_report_message(context->report, "%s already present", container);
        sc_detail(context, "container", container);
        sc_detail(context, "changed", "no");
        if (present->info == NULL)
                return true;
        sc_detail(context, "image", present->info->image != NULL ? present->info->image : "");
        if (sc_info_image_id(present->info) != NULL)
                sc_detail(context, "image-id", sc_info_image_id(present->info));
        if (wants_something_else(context, present->info))
                sc_report_message(context->report,
                                  "Warning: it is of %s, and stays as it is: `sysconsctl update` gives it another image (--rebase) "
                                  "or values (--set), `sysconsctl start` starts it",
                                  present->info->image != NULL ? present->info->image : "an unknown image");
        return true;
}

static bool is_present(int checkout_fd, const char *container)
{
        struct stat st;
        return checkout_fd >= 0 && sc_lstat(checkout_fd, container, &st, NULL) == 1 && S_ISLNK(st.st_mode);
}

/* Then it is recovered first, and may be gone. */
static bool is_unfinished(int checkout_fd, const char *container)
{
        g_autoptr(GError) none = NULL;
        g_autoptr(ScIntent) intent = sc_intent_read(checkout_fd, container, &none);
        return intent != NULL || !g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND);
}

/* Before the image is looked for, which need not be here. Without a name it is not known yet. */
static bool is_present_by_name(const ScOpContext *context, const char **ret, GError **error)
{
        const char *package;
        *ret = NULL;
        if (!sc_option_string(context, "system-package", &package, error) || !sc_option_string(context, "name", ret, error) ||
            (*ret == NULL && !sc_option_string(context, "container", ret, error)))
                return false;
        sc_autofd checkout = *ret != NULL && g_strcmp0(package, "build") != 0 ? sc_checkout_open(context->config, false, NULL) : -1;
        if (*ret == NULL || !sc_container_name_check(*ret, NULL) || !is_present(checkout, *ret) || is_unfinished(checkout, *ret))
                *ret = NULL;
        return true;
}

bool sc_op_install(ScOpContext *context, GError **error)
{
        const char *present;
        if (!is_present_by_name(context, &present, error))
                return false;
        if (present != NULL)
                return leave(context, present, error);
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        if (repository == NULL)
                return sc_prefix(error, "Image %s not found", context->subject);
        g_autoptr(ScImage) image = sc_option_image(context, repository, context->subject, error);
        g_autofree char *rule = NULL;
        if (image == NULL || !sc_trust_here(context, image, &rule, error))
                return false;
        g_auto(ScInstallRequest) request = SC_INSTALL_REQUEST_INIT;
        if (!sc_install_request_read(context, image, &request, error))
                return false;
        if (sc_run_is_once(image) && !sc_install_request_is_build(&request))
                return sc_run_image(context, repository, image, error);
        g_autoptr(ScChange) change = sc_change_begin(context, request.container, SC_BEGIN_CHANGE, error);
        if (change == NULL)
                return false;

        sc_detail(context, "container", request.container);
        sc_detail(context, "image", sc_option_image_name(context, image));
        sc_detail(context, "image-id", image->id);
        g_autofree char *made = sc_made_folders_lines(context->config->scope);
        ScBuildInput input = input_of(context, image, &request, made);
        if (sc_install_request_is_build(&request))
                return sc_install_package(context, repository, change, &input, request.output, error);
        if (is_present(change->checkout_fd, request.container))
                return leave(context, request.container, error);
        sc_detail(context, "changed", "yes");
        return sc_install_slots_are_free(change->checkout_fd, request.container, error) &&
               sc_install_host_is_free(change->systemd, context->config, request.container, error) &&
               carry_out(context, repository, &input, &request, change, error);
}
