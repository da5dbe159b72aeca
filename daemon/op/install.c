/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "build.h"
#include "change.h"
#include "move.h"
#include "options.h"
#include "store/deployment.h"
#include <string.h>

/* What the call asks for, checked before anything is touched. */
typedef struct {
        char *container;
        const char *runtime;
        const char *remote;
        GHashTable *values;
        bool start;
} Request;

static void request_clear(Request *request)
{
        g_free(request->container);
        g_clear_pointer(&request->values, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Request, request_clear)

static char *choose_name(ScOpContext *context, const ScImage *image, GError **error)
{
        const char *name;
        if (!sc_option_string(context, "name", &name, error))
                return NULL;
        if (name != NULL)
                return sc_container_name_check(name, error) ? g_strdup(name) : NULL;
        g_autoptr(ScReference) reference = sc_reference_parse(context->subject, NULL);
        /* an image named by its id has the name that the repository knows */
        if (reference == NULL || reference->host == NULL) {
                g_clear_pointer(&reference, sc_reference_free);
                reference = sc_reference_parse(image->names[0], error);
        }
        return reference != NULL ? sc_container_name_from_reference(reference, error) : NULL;
}

static bool read_request(ScOpContext *context, const ScImage *image, Request *ret, GError **error)
{
        static const char *const start_words[] = {"no", "now", NULL};
        const char *start;
        if (!sc_option_string(context, "runtime", &ret->runtime, error) ||
            !sc_option_string(context, "rootfs", &ret->remote, error) ||
            !sc_option_word(context, "start", start_words, &start, error) ||
            !sc_option_values(context, "values", &ret->values, error))
                return false;
        ret->start = strcmp(start, "now") == 0;
        ret->container = choose_name(context, image, error);
        return ret->container != NULL;
}

/* X.0 and X.1 are the slots of X: neither may be a container of its own while X is one, nor the reverse. */
static bool slots_are_free(int checkout_fd, const char *container, GError **error)
{
        gsize length = strlen(container);
        if (length > 2 && (g_str_has_suffix(container, ".0") || g_str_has_suffix(container, ".1"))) {
                g_autofree char *owner = g_strndup(container, length - 2);
                if (sc_lstat(checkout_fd, owner, NULL, NULL) != 0)
                        return sc_throw(error, SC_ERROR_EXISTS,
                                        "The name %s is a deployment of the container %s: choose another with --name", container,
                                        owner);
        }
        for (int slot = 0; slot < 2; slot++) {
                g_autofree char *folder = sc_slot_name(container, slot);
                if (sc_lstat(checkout_fd, folder, NULL, NULL) != 0)
                        return sc_throw(error, SC_ERROR_EXISTS,
                                        "%s is in the way in the checkout path: choose another name with --name, or remove it with "
                                        "`sysconsctl prune`",
                                        folder);
        }
        return true;
}

static bool host_is_free(ScChange *change, GError **error)
{
        g_autofree char *unit = g_build_filename(SC_UNIT_DIR, change->unit, NULL);
        g_autofree char *tmpfiles = sc_move_tmpfiles_path(change);
        /* A file of ours would hide the system's of the same name (tmpfiles.d(5)): var.conf makes the folders of /var. */
        g_autofree char *runtime_tmpfiles = g_strconcat("/run/tmpfiles.d/", change->container, ".conf", NULL);
        g_autofree char *local_tmpfiles = g_strconcat("/usr/local/lib/tmpfiles.d/", change->container, ".conf", NULL);
        g_autofree char *system_tmpfiles = g_strconcat("/usr/lib/tmpfiles.d/", change->container, ".conf", NULL);
        const char *files[] = {unit, tmpfiles, runtime_tmpfiles, local_tmpfiles, system_tmpfiles};
        for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
                struct stat st;
                if (lstat(files[i], &st) == 0)
                        return sc_throw(error, SC_ERROR_EXISTS, "The file %s already exists.", files[i]);
        }
        /* A unit of ours would shadow a package's: nobody who may install a container shall replace sshd. */
        g_auto(ScUnitState) state = {0};
        if (!sc_systemd_state(change->systemd, change->unit, &state, error))
                return false;
        if (strcmp(state.load_state, "not-found") != 0)
                return sc_throw(error, SC_ERROR_EXISTS, "systemd already has a unit %s (%s): choose another name with --name",
                                change->unit, state.fragment_path[0] != '\0' ? state.fragment_path : state.load_state);
        return true;
}

static bool carry_out(ScOpContext *context, ScRepository *repository, const ScImage *image, const Request *request,
                      ScChange *change, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse(context->subject, NULL);
        const char *image_name = reference != NULL && g_strv_contains((const char *const *)image->names, reference->name)
                                         ? reference->name
                                         : image->names[0];
        ScBuildInput input = {
                .container = request->container,
                .slot = 0,
                .image_name = image_name,
                .image = image,
                .set = request->values,
                .runtime = request->runtime != NULL ? request->runtime : context->config->runtime,
                .remote = request->remote,
        };
        g_auto(ScBuilt) built = {0};
        if (!sc_build(context, repository, change->checkout_fd, &input, &built, error))
                return false;
        change->intent = sc_intent_new(request->container, "install");
        change->intent->start = request->start && built.info->has_service;
        change->intent->settling_time = context->config->settling_time;
        change->intent->new.slot = 0;
        change->intent->new.id = g_strdup(built.info->deployment_id);
        change->intent->new.hidden = g_strdup(built.hidden);
        return sc_change_carry_out(change, error);
}

bool sc_op_install(ScOpContext *context, GError **error)
{
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        if (repository == NULL)
                return sc_prefix(error, "Image %s not found", context->subject);
        g_autoptr(ScImage) image = sc_image_find(repository, context->subject, error);
        if (image == NULL)
                return false;
        g_auto(Request) request = {0};
        if (!read_request(context, image, &request, error))
                return false;
        g_autoptr(ScChange) change = sc_change_begin(context, request.container, SC_BEGIN_CHANGE, error);
        if (change == NULL)
                return false;

        sc_detail(context, "container", request.container);
        sc_detail(context, "image", image->names[0]);
        sc_detail(context, "image-id", image->id);
        struct stat st;
        if (sc_lstat(change->checkout_fd, request.container, &st, NULL) == 1 && S_ISLNK(st.st_mode)) {
                sc_report_message(context->report, "%s already present", request.container);
                sc_detail(context, "changed", "no");
                return true;
        }
        sc_detail(context, "changed", "yes");
        return slots_are_free(change->checkout_fd, request.container, error) && host_is_free(change, error) &&
               carry_out(context, repository, image, &request, change, error);
}
