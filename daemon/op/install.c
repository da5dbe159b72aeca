/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/path.h"
#include "build.h"
#include "change.h"
#include "install-package.h"
#include "install-request.h"
#include "made-folders.h"
#include "option-image.h"
#include "options.h"
#include "run.h"
#include "store/deployment.h"
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

bool sc_op_install(ScOpContext *context, GError **error)
{
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
        struct stat st;
        if (sc_lstat(change->checkout_fd, request.container, &st, NULL) == 1 && S_ISLNK(st.st_mode)) {
                sc_report_message(context->report, "%s already present", request.container);
                sc_detail(context, "changed", "no");
                return true;
        }
        sc_detail(context, "changed", "yes");
        return sc_install_slots_are_free(change->checkout_fd, request.container, error) &&
               sc_install_host_is_free(change->systemd, context->config, request.container, error) &&
               carry_out(context, repository, &input, &request, change, error);
}
