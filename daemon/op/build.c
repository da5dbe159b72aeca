/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "build.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "image-exports.h"
#include "side.h"
#include "store/checkout.h"
#include "store/deployment.h"
#include "store/merge.h"
#include "unit/hostfiles.h"
#include "unit/runtime-config.h"
#include "unit/service.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXT = 1024 * 1024 };

typedef struct {
        ScOpContext *context;
        const ScBuildInput *input;
        ScTree *tree;      /* NULL: remote */
        int remote_rootfs; /* -1: none */
        ScExports *exports;
        ScVariables *variables;
        char *runtime;
        char *config;
        char *unit; /* NULL: no service */
        char *tmpfiles;
        char *destination; /* CHECKOUT/NAME.N */
} Build;

void sc_built_clear(ScBuilt *built)
{
        g_clear_pointer(&built->hidden, g_free);
        g_clear_pointer(&built->info, sc_info_free);
}

static void build_clear(Build *build)
{
        sc_tree_free(build->tree);
        sc_close(&build->remote_rootfs);
        sc_exports_free(build->exports);
        sc_variables_free(build->variables);
        g_free(build->runtime);
        g_free(build->config);
        g_free(build->unit);
        g_free(build->tmpfiles);
        g_free(build->destination);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Build, build_clear)

/* ---- where the image's files are read: from the repository, before anything is checked out, or from a remote rootfs ---- */

static bool open_remote(Build *build, GError **error)
{
        const char *remote = build->input->remote;
        g_autofree char *path = g_build_filename(remote, "rootfs", NULL);
        g_autoptr(GError) local = NULL;
        build->remote_rootfs = sc_path_is_clean_absolute(remote) ? sc_open_dir(path, &local) : -1;
        if (build->remote_rootfs < 0)
                return sc_throw(
                        error, SC_ERROR_NOT_FOUND,
                        "The container's rootfs is set to remote, but the remote rootfs does not exist: there is no folder %s",
                        path);
        return true;
}

static bool load_exports(Build *build, ScRepository *repository, GError **error)
{
        const ScImageInfo *info = build->input->image->info;
        if (build->input->remote != NULL) {
                if (!open_remote(build, error))
                        return false;
                sc_autofd exports = sc_side_open_exports(build->remote_rootfs);
                build->exports = sc_exports_load(sc_exports_read_dir, &exports, exports >= 0, error);
        } else {
                build->tree = sc_tree_merge(repository, info->layers, build->context->cancellable, error);
                if (build->tree == NULL)
                        return false;
                build->exports = sc_image_exports(build->tree, error);
        }
        if (build->exports == NULL)
                return sc_prefix(error, "Image %s", build->input->image_name);
        if (!build->exports->present)
                sc_report_message(build->context->report,
                                  "Warning: /exports directory not found.  Default config files will be generated.");
        return true;
}

/* ---- what is rendered ---- */

static bool make_variables(Build *build, GError **error)
{
        const ScBuildInput *input = build->input;
        build->runtime = sc_runtime_find(input->runtime, error);
        if (build->runtime == NULL)
                return false;
        ScVariablesInput variables = {
                .name = input->container,
                .destdir = build->destination,
                .image_name = input->image_name,
                .image_id = input->image->id,
                .runtime = build->runtime,
                .exec_helper = LIBEXECDIR "/sysconsd-exec",
                .client = BINDIR "/sysconsctl",
                .uuid = input->uuid,
                .detached = sc_service_is_detached(sc_service_template(build->exports)),
                .set = input->set,
                .defaults = build->exports->defaults,
        };
        build->variables = sc_variables_new(&variables, error);
        return build->variables != NULL;
}

static char *read_optional_text(Build *build, const char *path)
{
        char *text = NULL;
        if (build->tree != NULL)
                sc_tree_read(build->tree, path, MAX_TEXT, &text, NULL, NULL);
        else
                sc_read_file(build->remote_rootfs, path, MAX_TEXT, &text, NULL, NULL);
        return text;
}

static bool render(Build *build, int scratch_fd, GError **error)
{
        g_autofree char *passwd = read_optional_text(build, "etc/passwd");
        g_autofree char *group = read_optional_text(build, "etc/group");
        g_autofree char *rootfs = build->input->remote != NULL ? g_build_filename(build->input->remote, "rootfs", NULL) : NULL;
        ScRuntimeConfigInput input = {
                .exports = build->exports,
                .image = build->input->image->info,
                .variables = build->variables,
                .runtime = build->runtime,
                .rootfs_path = rootfs,
                .passwd = passwd,
                .group = group,
                .scratch_fd = scratch_fd,
        };
        build->config = sc_runtime_config_make(&input, error);
        if (build->config == NULL)
                return false;
        g_auto(GStrv) missing = sc_runtime_config_missing_sources(build->config, build->input->old_tmpfiles, error);
        if (missing == NULL)
                return false;
        build->tmpfiles = sc_tmpfiles_make(build->exports, build->variables, missing, error);
        if (build->tmpfiles == NULL)
                return false;
        if (build->exports->no_service)
                return true;
        build->unit = sc_service_make(build->exports, build->variables, error);
        return build->unit != NULL;
}

/* The runtime writes its default configuration into a folder of its own, which is gone before anything is rendered wrong. */
static bool render_all(Build *build, int checkout_fd, GError **error)
{
        g_autofree char *scratch = NULL;
        sc_autofd fd = sc_slot_build(checkout_fd, build->input->container, build->input->slot, &scratch, error);
        if (fd < 0)
                return false;
        bool rendered = render(build, fd, error);
        return sc_remove_tree(checkout_fd, scratch, rendered ? error : NULL) && rendered;
}

/* ---- what is written ---- */

static bool fill_rootfs(Build *build, int fd, GError **error)
{
        if (build->input->remote != NULL) {
                g_autofree char *target = g_build_filename(build->input->remote, "rootfs", NULL);
                return sc_write_symlink(fd, target, "rootfs", error);
        }
        if (mkdirat(fd, "rootfs", 0755) < 0)
                return sc_throw_errno(error, "Cannot make the folder rootfs");
        sc_autofd rootfs = sc_open_beneath(fd, "rootfs", O_RDONLY | O_DIRECTORY, 0, error);
        sc_report_phase(build->context->report, "Checking out", sc_tree_files(build->tree));
        return rootfs >= 0 && sc_tree_checkout(build->tree, rootfs, build->context->report, build->context->cancellable, error);
}

static bool write_texts(Build *build, int fd, GError **error)
{
        g_autofree char *unit = sc_side_unit_file(build->input->container);
        g_autofree char *tmpfiles = sc_side_tmpfiles_file(build->input->container);
        return sc_write_file(fd, "config.json", build->config, -1, 0600, SC_WRITE_NEW, error) &&
               (build->unit == NULL || sc_write_file(fd, unit, build->unit, -1, 0644, SC_WRITE_NEW, error)) &&
               (build->tmpfiles[0] == '\0' || sc_write_file(fd, tmpfiles, build->tmpfiles, -1, 0644, SC_WRITE_NEW, error));
}

/* What lies on the host already stays, unless the live deployment put it there and it is as it was. */
static bool choose_host_files(Build *build, int fd, ScInfo *info, GError **error)
{
        sc_autofd local = build->input->remote == NULL ? sc_open_beneath(fd, "rootfs", O_RDONLY | O_DIRECTORY, 0, error) : -1;
        int rootfs = build->input->remote == NULL ? local : build->remote_rootfs;
        sc_autofd root = sc_open_dir("/", error);
        if (rootfs < 0 || root < 0)
                return false;
        sc_autofd exports = sc_side_open_exports(rootfs);
        sc_autofd hostfs = exports >= 0 ? sc_open_beneath(exports, "hostfs", O_RDONLY | O_DIRECTORY, 0, NULL) : -1;
        g_autoptr(GPtrArray) files = sc_host_files_plan(hostfs, build->exports, build->variables, error);
        g_autoptr(GPtrArray) old = build->input->old != NULL ? sc_side_recorded_files(build->input->old) : NULL;
        if (files == NULL || !sc_host_files_settle(root, files, old, build->context->report, error))
                return false;
        for (guint i = 0; i < files->len; i++) {
                const ScHostFile *file = files->pdata[i];
                g_hash_table_insert(info->installed_files, g_strdup(file->destination), g_strdup(file->checksum));
        }
        return true;
}

/* Healthcheck.Test of the image's configuration (image-spec extension of Docker): ["CMD", ARGUMENT...], ["CMD-SHELL", COMMAND], or
 * ["NONE"]. */
static char **health_command(char *const *test)
{
        if (test == NULL || test[0] == NULL || test[1] == NULL)
                return NULL;
        if (strcmp(test[0], "CMD") == 0)
                return g_strdupv((char **)test + 1);
        const char *const shell[] = {"/bin/sh", "-c", test[1], NULL};
        return strcmp(test[0], "CMD-SHELL") == 0 ? g_strdupv((char **)shell) : NULL;
}

static ScInfo *describe(const Build *build)
{
        const ScBuildInput *input = build->input;
        ScInfo *info = sc_info_new();
        info->image = g_strdup(input->image_name);
        info->revision = g_strdup(input->image->id);
        info->ostree_commit = g_strdup(input->image->commit);
        info->created = g_get_real_time() / G_USEC_PER_SEC;
        g_hash_table_unref(info->values);
        info->values = sc_variables_all(build->variables);
        info->has_service = build->unit != NULL;
        g_strfreev(info->rendered_files);
        info->rendered_files = g_strdupv(build->exports->rendered);
        g_hash_table_unref(info->renamed_files);
        info->renamed_files = sc_string_map_copy(build->exports->renames);
        info->system_package = g_strdup("no");
        info->remote = g_strdup(input->remote);
        info->use_links = build->exports->use_links;
        info->runtime = g_strdup(build->runtime);
        info->deployment_id = sc_random_name(20);
        info->set_values = sc_string_map_copy(input->set);
        info->command = sc_runtime_config_command(build->config);
        info->ports = g_strdupv(input->image->info->ports);
        info->health_command = health_command(input->image->info->health_test);
        return info;
}

static bool write_deployment(Build *build, int fd, ScInfo *info, GError **error)
{
        return sc_failpoint("check-out", error) && fill_rootfs(build, fd, error) && write_texts(build, fd, error) &&
               choose_host_files(build, fd, info, error) && sc_info_write(fd, info, error) &&
               sc_failpoint("sync-deployment", error) && sc_sync_fs(fd, error);
}

bool sc_build(ScOpContext *context, ScRepository *repository, int checkout_fd, const ScBuildInput *input, ScBuilt *ret,
              GError **error)
{
        if (input->image->info == NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND,
                                "Image %s was not pulled by sysconsd and is not described yet: pull it again", input->image_name);
        g_auto(Build) build = {.context = context, .input = input, .remote_rootfs = -1};
        g_autofree char *slot = sc_slot_name(input->container, input->slot);
        build.destination = g_build_filename(context->config->checkout_path, slot, NULL);

        /* Prune must not take layers away between the look at them and the last link. */
        sc_autofd lock = sc_repository_lock(repository, false, context->cancellable, error);
        if (lock < 0 || !load_exports(&build, repository, error) || !make_variables(&build, error) ||
            !render_all(&build, checkout_fd, error))
                return false;

        sc_report_message(context->report, "Extracting to %s", build.destination);
        g_autofree char *hidden = NULL;
        sc_autofd fd = sc_slot_build(checkout_fd, input->container, input->slot, &hidden, error);
        if (fd < 0)
                return false;
        g_autoptr(ScInfo) info = describe(&build);
        if (!write_deployment(&build, fd, info, error)) {
                sc_remove_tree(checkout_fd, hidden, NULL);
                return false;
        }
        ret->hidden = g_steal_pointer(&hidden);
        ret->info = g_steal_pointer(&info);
        return true;
}
