/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "build.h"
#include "change.h"
#include "option-image.h"
#include "options.h"
#include "pin.h"
#include "rootfs.h"
#include "side.h"
#include "store/deployment.h"
#include "trust.h"
#include "update-request.h"
#include <string.h>

static bool carry_out(ScOpContext *context, ScRepository *repository, const ScImage *image, const char *image_name, GHashTable *set,
                      const ScDeployment *deployment, ScChange *change, GError **error)
{
        const ScInfo *old = deployment->info;
        g_autofree char *live = sc_slot_name(deployment->name, deployment->slot);
        g_autofree char *old_tmpfiles = NULL;
        if (!sc_side_read_tmpfiles(change->checkout_fd, deployment->name, live, &old_tmpfiles, error))
                return false;
        /* Old records lack checksums: the image says what was installed. */
        g_autoptr(ScSide) side = sc_side_open(context->config, change->checkout_fd, deployment->name, live, NULL);
        ScBuildInput input = {
                .container = deployment->name,
                .slot = 1 - deployment->slot,
                .image_name = image_name,
                .image = image,
                .set = set,
                .uuid = g_hash_table_lookup(old->values, "UUID"),
                .runtime = old->runtime != NULL ? old->runtime : context->config->runtime,
                .remote = old->remote,
                .old = old,
                .old_files = side != NULL ? side->files : NULL,
                .old_tmpfiles = old_tmpfiles,
                .system_package = sc_update_package_wish(old),
        };
        g_autoptr(ScIntent) intent = sc_intent_new(deployment->name, "update");
        g_auto(ScBuilt) built = {0};
        if (!sc_pin_check(context->config, change->systemd, deployment->name, input.slot, error) ||
            !sc_option_uint(context, "health-timeout", context->config->settling_time, &intent->settling_time, error) ||
            !sc_build(context, repository, change->systemd, change->checkout_fd, &input, &built, error))
                return false;
        intent->old.slot = deployment->slot;
        intent->old.id = g_strdup(old->deployment_id);
        intent->new.slot = input.slot;
        intent->new.id = g_strdup(built.info->deployment_id);
        intent->new.hidden = g_strdup(built.hidden);
        if (!sc_change_observe(change, old, intent, error)) {
                sc_remove_tree(change->checkout_fd, built.hidden, NULL);
                return false;
        }
        change->intent = g_steal_pointer(&intent);
        return sc_change_carry_out(change, error);
}

/* Who updates expects that somebody is asked for a newer image. */
static void tell_of_file(const ScOpContext *context, const ScImage *image, const char *name)
{
        if (image->info != NULL && g_strcmp0(image->info->source, sc_source_facts(SC_SOURCE_DOCKER_ARCHIVE)->provenance) == 0)
                sc_report_message(context->report,
                                  "Image %s came from a file: there is no registry to ask. For a newer one pull a newer file, then "
                                  "update again.",
                                  name);
}

bool sc_op_update(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = sc_change_begin(context, context->subject, SC_BEGIN_CHANGE, error);
        if (change == NULL)
                return false;
        g_autoptr(ScDeployment) deployment = sc_update_find(context, error);
        const char *rebase;
        if (deployment == NULL || !sc_option_string(context, "image", &rebase, error) ||
            !sc_rootfs_restore(context, change->checkout_fd, deployment->name, deployment->slot, error))
                return false;
        const char *name = rebase != NULL ? rebase : deployment->info->image;
        if (name == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "The info file of %s does not say of which image it was made: name one",
                                deployment->name);
        g_autoptr(ScReference) reference = sc_reference_parse(name, error);
        if (reference == NULL)
                return false;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        g_autoptr(ScImage) image = repository != NULL ? sc_option_image(context, repository, reference->name, error) : NULL;
        g_autoptr(GHashTable) set = image != NULL ? sc_update_values(context, change->checkout_fd, deployment, error) : NULL;
        g_autoptr(GHashTable) set_before = set != NULL ? sc_update_values_before(context, change->checkout_fd, deployment, error)
                                                       : NULL;
        if (set_before == NULL)
                return false;

        sc_detail(context, "container", deployment->name);
        sc_detail(context, "image", reference->name);
        sc_detail(context, "image-id", image->id);
        bool same = sc_image_is_revision(image, sc_info_image_id(deployment->info)) && sc_update_values_are_same(set, set_before) &&
                    (rebase == NULL || g_strcmp0(reference->name, deployment->info->image) == 0);
        sc_detail(context, "changed", same ? "no" : "yes");
        if (same) {
                sc_report_message(context->report, "Latest version already installed.");
                tell_of_file(context, image, reference->name);
                return true;
        }
        g_autofree char *rule = NULL;
        return sc_trust_here(context, image, &rule, error) &&
               carry_out(context, repository, image, reference->name, set, deployment, change, error);
}
