/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "install-request.h"
#include "made-folders.h"
#include "options.h"
#include "pin.h"
#include "render.h"
#include "rollback.h"
#include "rootfs.h"
#include "side.h"
#include "store/deployment.h"
#include "store/intent.h"
#include "unit-look.h"
#include "unit/hostfiles.h"
#include "update-request.h"
#include <fcntl.h>
#include <string.h>

/* What cannot be told before the layers are here. */
static const char *const of_layers[] = {"files", "unit", "tmpfiles", "values", "privileged_files"};

/* ---- the container as it is ---- */

/* An interrupted operation is finished before the next: what is told here may change with that. */
static bool look_for_intent(ScPlan *plan, const char *container, GError **error)
{
        g_autoptr(GError) local = NULL;
        if (plan->checkout_fd < 0)
                return true;
        g_autoptr(ScIntent) intent = sc_intent_read(plan->checkout_fd, container, &local);
        if (intent != NULL) {
                g_autofree char *note = g_strdup_printf("An interrupted %s of %s is recovered first", intent->operation, container);
                sc_plan_note(plan, "notes", note);
        } else if (!g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                return sc_plan_conflict(plan, &local, error);
        }
        return true;
}

typedef enum { RUN_AS_BEFORE, RUN_NOW, RUN_NO_MORE } Running;

static bool put_service(ScPlan *plan, const char *container, const ScInfo *live, Running running, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autofree char *unit = g_strconcat(container, ".service", NULL);
        bool active = false, enabled = false;
        if (!sc_unit_observe(plan->systemd, unit, live, &active, &enabled, &local) && !sc_plan_conflict(plan, &local, error))
                return false;
        JsonObject *service = json_object_new();
        json_object_set_object_member(plan->out, "service", service);
        json_object_set_string_member(service, "unit", unit);
        json_object_set_boolean_member(service, "active", active);
        json_object_set_boolean_member(service, "enabled", enabled);
        json_object_set_boolean_member(service, "stops", active);
        json_object_set_boolean_member(service, "starts", running == RUN_NOW || (running == RUN_AS_BEFORE && active));
        return true;
}

static void put_container(ScPlan *plan, const char *container)
{
        json_object_set_string_member(plan->out, "container", container);
}

static char *deployment_path(const ScPlan *plan, const char *container, int slot)
{
        g_autofree char *folder = sc_slot_name(container, slot);
        return g_build_filename(plan->context.config->checkout_path, folder, NULL);
}

/* Where the new deployment lies, and which image is given up for it. */
static void put_deployment(ScPlan *plan, const char *container, int slot, const ScInfo *displaced)
{
        g_autofree char *path = deployment_path(plan, container, slot);
        JsonObject *object = json_object_new();
        json_object_set_object_member(plan->out, "deployment", object);
        json_object_set_string_member(object, "path", path);
        if (displaced != NULL && sc_info_image_id(displaced) != NULL)
                json_object_set_string_member(object, "displaces", sc_info_image_id(displaced));
}

static ScPlanSide side_of(const ScSide *side)
{
        if (side == NULL)
                return (ScPlanSide){NULL};
        return (ScPlanSide){
                .unit = side->unit_text,
                .tmpfiles = side->tmpfiles_text,
                .files = side->files,
                .values = side->info->values,
                .set = side->info->set_values,
                .defaults = side->exports != NULL ? side->exports->defaults : NULL,
                .package = side->package,
        };
}

/* ---- the container as it is to be ---- */

/* Where the runtime may write its default configuration; removed at once. */
static ScRendering *render(ScPlan *plan, const ScBuildInput *input, GError **error)
{
        g_autofree char *path = g_dir_make_tmp("sysconsd-plan-XXXXXX", error);
        sc_autofd parent = path != NULL ? sc_open_dir(g_get_tmp_dir(), error) : -1;
        if (parent < 0)
                return NULL;
        g_autofree char *name = g_path_get_basename(path);
        sc_autofd scratch = sc_open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0, error);
        ScRendering *rendering = scratch >= 0 ? sc_render(&plan->context, plan->repository, scratch, input, error) : NULL;
        sc_remove_tree(parent, name, NULL);
        return rendering;
}

static GPtrArray *host_files(const ScRendering *rendering, GError **error)
{
        if (!sc_rendering_has_host_files(rendering))
                return g_ptr_array_new();
        if (rendering->tree != NULL)
                return sc_plan_host_files(rendering->tree, rendering->exports, rendering->variables, error);
        sc_autofd hostfs = -1;
        if (!sc_side_open_hostfs(rendering->remote_rootfs, &hostfs, error))
                return NULL;
        return sc_host_files_plan(hostfs, rendering->exports, rendering->variables, error);
}

static guint64 bytes_of(const ScRendering *rendering)
{
        guint64 folder = 4096; /* on the file systems that there are */
        guint64 texts = (rendering->config != NULL ? strlen(rendering->config) : 0) +
                        (rendering->unit != NULL ? strlen(rendering->unit) : 0) + strlen(rendering->tmpfiles);
        return texts + (rendering->tree != NULL ? sc_tree_folders(rendering->tree) * folder : 0);
}

/* What follows from the rendered deployment; its files are hardlinks, which take no space. */
static bool put_rendering(ScPlan *plan, const ScPlanImage *image, const ScRendering *rendering, const ScPlanSide *old,
                          GError **error)
{
        g_auto(ScPlanPackage) package = {NULL};
        g_autoptr(GError) local = NULL;
        g_autoptr(GHashTable) values = sc_variables_all(rendering->variables);
        g_autoptr(GPtrArray) files = host_files(rendering, &local);
        if ((files == NULL && !sc_plan_conflict(plan, &local, error)) ||
            !sc_plan_package_of(plan, rendering, files, &package, error))
                return false;
        g_autofree char *unused = sc_rendering_unused_values(rendering);
        if (unused != NULL)
                sc_plan_note(plan, "notes", unused);
        const ScPlanSide new = {
                .unit = rendering->unit,
                .tmpfiles = rendering->tmpfiles[0] != '\0' ? rendering->tmpfiles : NULL,
                .files = package.package != NULL ? NULL : files, /* they are the package's */
                .values = values,
                .set = rendering->input->set,
                .defaults = rendering->exports->defaults,
        };
        sc_plan_values(plan, old, &new);
        return sc_plan_host(plan, rendering->input->container, old, &new, error) &&
               sc_plan_package(plan, old->package, &package, error) && sc_plan_disk(plan, image, bytes_of(rendering), error) &&
               (rendering->tree == NULL || sc_plan_privileged(plan, rendering->tree, error));
}

static bool put_new(ScPlan *plan, const ScPlanImage *image, const ScBuildInput *input, const ScPlanSide *old, GError **error)
{
        g_autoptr(GError) local = NULL;
        if (!image->complete && input->remote == NULL) {
                for (guint i = 0; i < G_N_ELEMENTS(of_layers); i++)
                        sc_plan_note(plan, "unknown", of_layers[i]);
                return sc_plan_disk(plan, image, 0, error);
        }
        g_autoptr(ScRendering) rendering = render(plan, input, &local);
        if (rendering == NULL)
                return sc_plan_conflict(plan, &local, error);
        return put_rendering(plan, image, rendering, old, error);
}

/* ---- install ---- */

static bool is_installed(const ScPlan *plan, const char *container)
{
        struct stat st;
        return plan->checkout_fd >= 0 && sc_lstat(plan->checkout_fd, container, &st, NULL) == 1 && S_ISLNK(st.st_mode);
}

static bool check_places(ScPlan *plan, const char *container, GError **error)
{
        g_autoptr(GError) local = NULL;
        if (plan->checkout_fd >= 0)
                sc_install_slots_are_free(plan->checkout_fd, container, &local);
        if (local == NULL)
                sc_install_host_is_free(plan->systemd, plan->context.config, container, &local);
        return sc_plan_conflict(plan, &local, error);
}

bool sc_plan_install(ScPlan *plan, GError **error)
{
        ScOpContext *context = &plan->context;
        g_auto(ScPlanImage) image = {0};
        g_auto(ScInstallRequest) request = SC_INSTALL_REQUEST_INIT;
        if (!sc_plan_image(plan, context->subject, &image, error) ||
            !sc_install_request_read(context, image.image, &request, error))
                return false;
        put_container(plan, request.container);
        if (is_installed(plan, request.container)) {
                g_autofree char *why = g_strdup_printf("%s already present", request.container);
                sc_plan_changes(plan, false, why);
                return true;
        }
        if (!look_for_intent(plan, request.container, error) || !check_places(plan, request.container, error))
                return false;
        put_deployment(plan, request.container, 0, NULL);
        if (!put_service(plan, request.container, NULL, request.start ? RUN_NOW : RUN_NO_MORE, error))
                return false;
        if (image.image == NULL)
                return true;
        g_autofree char *made = sc_made_folders_lines(context->config->scope);
        const ScBuildInput input = {
                .container = request.container,
                .slot = 0,
                .image_name = image.name,
                .image = image.image,
                .set = request.values,
                .runtime = request.runtime != NULL ? request.runtime : context->config->runtime,
                .remote = request.remote,
                .old_tmpfiles = made,
                .system_package = request.system_package,
        };
        const ScPlanSide nothing = {NULL};
        return put_new(plan, &image, &input, &nothing, error);
}

/* ---- update ---- */

typedef struct {
        ScDeployment *deployment;
        ScSide *live;
        ScReference *reference;
        GHashTable *set;
        GHashTable *set_before;
        const char *rebase;
} Update;

static void update_clear(Update *update)
{
        sc_deployment_free(update->deployment);
        sc_side_free(update->live);
        sc_reference_free(update->reference);
        g_clear_pointer(&update->set, g_hash_table_unref);
        g_clear_pointer(&update->set_before, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Update, update_clear)

static bool read_update(ScPlan *plan, Update *update, GError **error)
{
        ScOpContext *context = &plan->context;
        update->deployment = sc_update_find(context, error);
        if (update->deployment == NULL || !sc_option_string(context, "image", &update->rebase, error))
                return false;
        const ScInfo *info = update->deployment->info;
        const char *name = update->rebase != NULL ? update->rebase : info->image;
        if (name == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "The info file of %s does not say of which image it was made: name one",
                                update->deployment->name);
        g_autofree char *folder = sc_slot_name(update->deployment->name, update->deployment->slot);
        update->reference = sc_reference_parse(name, error);
        update->live = update->reference != NULL
                               ? sc_side_open_leaving(context->config, plan->checkout_fd, update->deployment->name, folder, error)
                               : NULL;
        if (update->live == NULL)
                return false;
        update->set = sc_update_values(context, plan->checkout_fd, update->deployment, error);
        update->set_before = update->set != NULL ? sc_update_values_before(context, plan->checkout_fd, update->deployment, error)
                                                 : NULL;
        return update->set_before != NULL;
}

static bool is_same(const Update *update, const ScPlanImage *image)
{
        const ScInfo *info = update->deployment->info;
        return image->image != NULL && sc_image_is_revision(image->image, sc_info_image_id(info)) &&
               sc_update_values_are_same(update->set, update->set_before) &&
               (update->rebase == NULL || g_strcmp0(update->reference->name, info->image) == 0);
}

static bool put_update(ScPlan *plan, const Update *update, const ScPlanImage *image, GError **error)
{
        const ScDeployment *deployment = update->deployment;
        const ScInfo *info = deployment->info;
        g_autoptr(GError) local = NULL;
        int slot = 1 - deployment->slot;
        sc_pin_check(plan->context.config, plan->systemd, deployment->name, slot, &local);
        if (!sc_plan_conflict(plan, &local, error) || !put_service(plan, deployment->name, deployment->info, RUN_AS_BEFORE, error))
                return false;
        put_deployment(plan, deployment->name, slot, deployment->previous);
        if (image->image != NULL && g_strcmp0(image->image->id, info->bad_image) == 0)
                sc_plan_note(plan, "notes", "This image did not come up here before");
        if (image->image == NULL)
                return true;
        g_autofree char *live = sc_slot_name(deployment->name, deployment->slot);
        g_autofree char *old_tmpfiles = NULL;
        if (!sc_side_read_tmpfiles(plan->checkout_fd, deployment->name, live, &old_tmpfiles, error))
                return false;
        const ScBuildInput input = {
                .container = deployment->name,
                .slot = slot,
                .image_name = update->reference->name,
                .image = image->image,
                .set = update->set,
                .uuid = g_hash_table_lookup(info->values, "UUID"),
                .runtime = info->runtime != NULL ? info->runtime : plan->context.config->runtime,
                .remote = info->remote,
                .old = info,
                .old_tmpfiles = old_tmpfiles,
                .system_package = sc_update_package_wish(info),
        };
        ScPlanSide old = side_of(update->live);
        old.set = update->set_before;
        return put_new(plan, image, &input, &old, error);
}

bool sc_plan_update(ScPlan *plan, GError **error)
{
        g_auto(Update) update = {0};
        g_auto(ScPlanImage) image = {0};
        if (!read_update(plan, &update, error))
                return false;
        put_container(plan, update.deployment->name);
        if (sc_info_image_id(update.deployment->info) != NULL)
                json_object_set_string_member(plan->out, "replaces", sc_info_image_id(update.deployment->info));
        if (!look_for_intent(plan, update.deployment->name, error) || !sc_plan_image(plan, update.reference->name, &image, error))
                return false;
        if (is_same(&update, &image)) {
                sc_plan_changes(plan, false, "Latest version already installed.");
                return true;
        }
        return put_update(plan, &update, &image, error);
}

/* ---- rollback and uninstall ---- */

static ScSide *open_slot(const ScPlan *plan, const char *container, int slot, GError **error)
{
        g_autofree char *folder = sc_slot_name(container, slot);
        return sc_side_open_leaving(plan->context.config, plan->checkout_fd, container, folder, error);
}

/* A deployment of the atomic command that lost its root file system: the rollback makes it again, of the image. */
static bool put_restored(ScPlan *plan, const ScDeployment *deployment, int slot, GError **error)
{
        put_deployment(plan, deployment->name, slot, NULL);
        sc_plan_note(plan, "notes", "The root file system of the previous deployment is made again first");
        for (guint i = 0; i < G_N_ELEMENTS(of_layers); i++)
                sc_plan_note(plan, "unknown", of_layers[i]);
        return put_service(plan, deployment->name, deployment->info, RUN_AS_BEFORE, error);
}

static bool put_previous(ScPlan *plan, const ScDeployment *deployment, GError **error)
{
        g_autoptr(GError) local = NULL;
        int slot = 1 - deployment->slot;
        g_autofree char *folder = sc_slot_name(deployment->name, slot);
        g_autoptr(ScSide) live = open_slot(plan, deployment->name, deployment->slot, error);
        if (live == NULL)
                return false;
        g_autoptr(ScSide) previous = sc_side_open(plan->context.config, plan->checkout_fd, deployment->name, folder, &local);
        if (previous == NULL && !sc_rootfs_is_missing(plan->checkout_fd, deployment->name, slot))
                return sc_plan_conflict(plan, &local, error);
        if (previous == NULL)
                return put_restored(plan, deployment, slot, error);
        const ScPlanSide old = side_of(live), new = side_of(previous);
        put_deployment(plan, deployment->name, slot, NULL);
        sc_plan_values(plan, &old, &new);
        const ScPlanPackage package = {.package = previous->package, .files = previous->info->package_files};
        return put_service(plan, deployment->name, deployment->info, RUN_AS_BEFORE, error) &&
               sc_plan_host(plan, deployment->name, &old, &new, error) && sc_plan_package(plan, old.package, &package, error);
}

static void put_image_of(ScPlan *plan, const ScInfo *info)
{
        JsonObject *object = json_object_new();
        json_object_set_object_member(plan->out, "image", object);
        if (info->image != NULL)
                json_object_set_string_member(object, "name", info->image);
        if (sc_info_image_id(info) != NULL)
                json_object_set_string_member(object, "id", sc_info_image_id(info));
        json_object_set_int_member(object, "bytes_to_fetch", 0);
}

bool sc_plan_rollback(ScPlan *plan, GError **error)
{
        ScOpContext *context = &plan->context;
        g_autoptr(ScDeployment) deployment = sc_deployment_find(context->config, context->subject, error);
        if (deployment == NULL || !sc_rollback_is_possible(context->config, deployment, error))
                return false;
        put_container(plan, deployment->name);
        put_image_of(plan, deployment->previous);
        if (deployment->info != NULL && sc_info_image_id(deployment->info) != NULL)
                json_object_set_string_member(plan->out, "replaces", sc_info_image_id(deployment->info));
        return look_for_intent(plan, deployment->name, error) && put_previous(plan, deployment, error);
}

static void put_removed_slots(ScPlan *plan, const char *container)
{
        JsonArray *list = sc_plan_list(plan, "removed_deployments");
        for (int slot = 0; slot < 2; slot++) {
                g_autofree char *path = deployment_path(plan, container, slot);
                if (sc_slot_exists(plan->checkout_fd, container, slot))
                        json_array_add_string_element(list, path);
        }
}

/* A broken container is uninstalled, too: then not all that it put on the host may be known. */
static bool put_removed(ScPlan *plan, const ScDeployment *deployment, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autoptr(ScSide) live = deployment->slot >= 0 ? open_slot(plan, deployment->name, deployment->slot, &local) : NULL;
        if (live == NULL)
                sc_plan_note(plan, "unknown", "files");
        const ScPlanSide old = side_of(live), nothing = {NULL};
        put_removed_slots(plan, deployment->name);
        return put_service(plan, deployment->name, deployment->info, RUN_NO_MORE, error) &&
               sc_plan_host(plan, deployment->name, &old, &nothing, error) && sc_plan_package(plan, old.package, NULL, error);
}

bool sc_plan_uninstall(ScPlan *plan, GError **error)
{
        ScOpContext *context = &plan->context;
        g_autoptr(GError) local = NULL;
        g_autoptr(ScDeployment) deployment = sc_deployment_find(context->config, context->subject, error);
        if (deployment == NULL)
                return false;
        if (deployment->preinstalled)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "Cannot uninstall a preinstalled container");
        put_container(plan, deployment->name);
        if (deployment->info != NULL)
                put_image_of(plan, deployment->info);
        sc_pin_check(context->config, plan->systemd, deployment->name, SC_PIN_ANY_SLOT, &local);
        return sc_plan_conflict(plan, &local, error) && look_for_intent(plan, deployment->name, error) &&
               put_removed(plan, deployment, error);
}
