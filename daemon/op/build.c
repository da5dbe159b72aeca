/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "build.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "homes.h"
#include "packaging.h"
#include "side.h"
#include "store/checkout.h"
#include "store/deployment.h"
#include "unit/hostfiles.h"
#include "unit/runtime-config.h"
#include "unit/service.h"
#include "unit/template.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
        ScOpContext *context;
        const ScBuildInput *input;
        const ScRendering *rendering;
        ScSystemd *systemd;
        char *folder; /* absolute path of the one that is being filled */
} Build;

static void build_clear(Build *build)
{
        g_free(build->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Build, build_clear)

void sc_built_clear(ScBuilt *built)
{
        g_clear_pointer(&built->hidden, g_free);
        g_clear_pointer(&built->info, sc_info_free);
}

/* The runtime writes its default configuration into a folder of its own, which is gone before anything is rendered wrong. */
static ScRendering *render(ScOpContext *context, ScRepository *repository, int checkout_fd, const ScBuildInput *input,
                           GError **error)
{
        g_autofree char *scratch = NULL;
        sc_autofd fd = sc_slot_build(checkout_fd, input->container, input->slot, &scratch, error);
        if (fd < 0)
                return NULL;
        g_autoptr(ScRendering) rendering = sc_render(context, repository, fd, input, error);
        return sc_remove_tree(checkout_fd, scratch, rendering != NULL ? error : NULL) ? g_steal_pointer(&rendering) : NULL;
}

/* ---- what is written ---- */

/* A deployment is synced as a whole before it gets its name; what is packed is read at once. */
#define BUILDING (SC_WRITE_NEW | SC_WRITE_UNSYNCED)

static bool fill_rootfs(Build *build, int fd, GError **error)
{
        if (build->input->remote != NULL) {
                g_autofree char *target = g_build_filename(build->input->remote, "rootfs", NULL);
                return sc_write_symlink(fd, target, "rootfs", SC_WRITE_REPLACE, error);
        }
        if (mkdirat(fd, "rootfs", 0755) < 0)
                return sc_throw_errno(error, "Cannot make the folder rootfs");
        sc_autofd rootfs = sc_open_beneath(fd, "rootfs", O_RDONLY | O_DIRECTORY, 0, error);
        sc_report_phase(build->context->report, "Checking out", sc_tree_files(build->rendering->tree));
        return rootfs >= 0 &&
               sc_tree_checkout(build->rendering->tree, rootfs, build->context->report, build->context->cancellable, error);
}

static bool write_texts(Build *build, int fd, GError **error)
{
        g_autofree char *unit = sc_side_unit_file(build->input->container);
        g_autofree char *tmpfiles = sc_side_tmpfiles_file(build->input->container);
        const char *config = build->rendering->config;
        return (config == NULL || sc_write_file(fd, "config.json", config, -1, 0600, BUILDING, error)) &&
               (build->rendering->unit == NULL || sc_write_file(fd, unit, build->rendering->unit, -1, 0644, BUILDING, error)) &&
               (build->rendering->tmpfiles[0] == '\0' ||
                sc_write_file(fd, tmpfiles, build->rendering->tmpfiles, -1, 0644, BUILDING, error));
}

/* The host's files are root's. */
static void warn_of_host_files(const Build *build, int hostfs)
{
        if (hostfs >= 0)
                sc_report_message(build->context->report,
                                  "Warning: the image's files for the host (/exports/hostfs) are not installed.  Only root can do "
                                  "that, with a container of the system.");
}

/* What the image wants on the host, and where that lies. */
typedef struct {
        int hostfs; /* -1: none */
        GPtrArray *files;
} Wishes;

static void wishes_clear(Wishes *wishes)
{
        sc_close(&wishes->hostfs);
        g_clear_pointer(&wishes->files, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

static bool find_wishes(Build *build, int fd, Wishes *ret, GError **error)
{
        sc_autofd local = build->input->remote == NULL ? sc_open_beneath(fd, "rootfs", O_RDONLY | O_DIRECTORY, 0, error) : -1;
        int rootfs = build->input->remote == NULL ? local : build->rendering->remote_rootfs;
        if (rootfs < 0)
                return false;
        if (!sc_side_open_hostfs(rootfs, &ret->hostfs, error))
                return false;
        if (!sc_rendering_has_host_files(build->rendering)) {
                warn_of_host_files(build, ret->hostfs);
                ret->files = g_ptr_array_new_with_free_func((GDestroyNotify)sc_host_file_free);
                return true;
        }
        ret->files = sc_host_files_plan(ret->hostfs, build->rendering->exports, build->rendering->variables, error);
        return ret->files != NULL;
}

static void record_files(const Wishes *wishes, ScInfo *info)
{
        for (guint i = 0; i < wishes->files->len; i++) {
                const ScHostFile *file = wishes->files->pdata[i];
                g_hash_table_insert(info->installed_files, g_strdup(file->destination), g_strdup(file->checksum));
        }
}

static ScPackaging packaging_of(const Build *build, int fd, const Wishes *wishes)
{
        return (ScPackaging){
                .context = build->context,
                .rendering = build->rendering,
                .systemd = build->systemd,
                .folder_fd = fd,
                .folder = build->folder,
                .hostfs_fd = wishes->hostfs,
                .files = wishes->files,
        };
}

/* In a package they are the package system's, which knows what is its own. As copies: what lies on the host already stays, unless
 * the live deployment put it there and it is as it was. */
static bool choose_host_files(Build *build, int fd, ScInfo *info, GError **error)
{
        g_auto(Wishes) wishes = {.hostfs = -1};
        ScPackageSystem system;
        if (!find_wishes(build, fd, &wishes, error) ||
            !sc_packaging_choose(build->context->config, build->input->system_package, build->rendering->exports,
                                 wishes.hostfs >= 0, &system, error))
                return false;
        if (system != SC_PACKAGE_NONE) {
                const ScPackaging packaging = packaging_of(build, fd, &wishes);
                return sc_packaging_host_files(&packaging, system, info, error);
        }
        sc_autofd root = sc_open_dir("/", error);
        const ScBuildInput *input = build->input;
        g_autoptr(GPtrArray) old = input->old_files != NULL ? g_ptr_array_ref(input->old_files)
                                   : input->old != NULL     ? sc_side_recorded_files(input->old)
                                                            : NULL;
        if (root < 0 || !sc_homes_spare_files(build->context->config, wishes.files, error) ||
            !sc_homes_spare_files(build->context->config, old, error) ||
            !sc_host_files_settle(root, wishes.files, old, build->context->report, error))
                return false;
        record_files(&wishes, info);
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

/* As the atomic command recorded them, and reads them back: the destinations rendered. */
static GHashTable *rendered_renames(const ScRendering *rendering)
{
        GHashTable *renames = sc_string_map_new();
        GHashTableIter iter;
        gpointer source, destination;
        g_hash_table_iter_init(&iter, rendering->exports->renames);
        while (g_hash_table_iter_next(&iter, &source, &destination)) {
                char *rendered = sc_template_expand("manifest.json", destination, rendering->variables, SC_TEMPLATE_RAW, NULL);
                g_hash_table_insert(renames, g_strdup(source), rendered != NULL ? rendered : g_strdup(destination));
        }
        return renames;
}

static ScInfo *describe(const Build *build)
{
        const ScBuildInput *input = build->input;
        ScInfo *info = sc_info_new();
        info->image = g_strdup(input->image_name);
        char digest[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(&input->image->info->digest, digest);
        info->revision = g_strdup(digest);
        info->image_id = g_strdup(input->image->id);
        info->ostree_commit = g_strdup(input->image->commit);
        info->created = g_get_real_time() / G_USEC_PER_SEC;
        g_hash_table_unref(info->values);
        info->values = sc_variables_all(build->rendering->variables);
        info->has_service = build->rendering->unit != NULL;
        g_strfreev(info->rendered_files);
        info->rendered_files = g_strdupv(build->rendering->exports->rendered);
        g_hash_table_unref(info->renamed_files);
        info->renamed_files = rendered_renames(build->rendering);
        info->system_package = g_strdup("no");
        info->remote = g_strdup(input->remote);
        info->use_links = build->rendering->exports->use_links;
        info->runtime = g_strdup(build->rendering->runtime);
        info->deployment_id = sc_random_name(20);
        info->set_values = sc_string_map_copy(input->set);
        info->command = build->rendering->config != NULL ? sc_runtime_config_command(build->rendering->config) : g_strdup("");
        info->ports = g_strdupv(input->image->info->ports);
        /* The check is executed in the container: there must be one. */
        if (sc_service_needs_runtime(build->rendering->exports))
                info->health_command = health_command(input->image->info->health_test);
        return info;
}

/* A misspelt name would go unnoticed: what is meant has a default. */
static void warn_of_unused_values(const Build *build)
{
        g_autofree char *text = sc_rendering_unused_values(build->rendering);
        if (text != NULL)
                sc_report_message(build->context->report, "Warning: %s", text);
}

static bool write_deployment(Build *build, int fd, ScInfo *info, GError **error)
{
        return sc_failpoint("check-out", error) && fill_rootfs(build, fd, error) && write_texts(build, fd, error) &&
               choose_host_files(build, fd, info, error) && sc_info_write(fd, info, BUILDING, error) &&
               sc_failpoint("sync-deployment", error) && sc_sync_fs(fd, error);
}

static Build build_new(ScOpContext *context, ScSystemd *systemd, const ScBuildInput *input, const ScRendering *rendering,
                       const char *hidden)
{
        return (Build){
                .context = context,
                .input = input,
                .rendering = rendering,
                .systemd = systemd,
                .folder = g_build_filename(context->config->checkout_path, hidden, NULL),
        };
}

bool sc_build(ScOpContext *context, ScRepository *repository, ScSystemd *systemd, int checkout_fd, const ScBuildInput *input,
              ScBuilt *ret, GError **error)
{
        /* Prune must not take layers away between the look at them and the last link. */
        sc_autofd lock = sc_repository_lock(repository, false, context->cancellable, error);
        g_autoptr(ScRendering) rendering = lock >= 0 ? render(context, repository, checkout_fd, input, error) : NULL;
        if (rendering == NULL)
                return false;
        sc_report_message(context->report, "Extracting to %s", rendering->destination);
        g_autofree char *hidden = NULL;
        sc_autofd fd = sc_slot_build(checkout_fd, input->container, input->slot, &hidden, error);
        if (fd < 0)
                return false;
        g_auto(Build) build = build_new(context, systemd, input, rendering, hidden);
        g_autoptr(ScInfo) info = describe(&build);
        if (!write_deployment(&build, fd, info, error)) {
                sc_remove_tree(checkout_fd, hidden, NULL);
                return false;
        }
        warn_of_unused_values(&build);
        ret->hidden = g_steal_pointer(&hidden);
        ret->info = g_steal_pointer(&info);
        return true;
}

/* ---- as a package ---- */

static int pack(Build *build, int fd, ScPackageSystem system, char **ret_name, GError **error)
{
        g_auto(Wishes) wishes = {.hostfs = -1};
        ScPackaging packaging = packaging_of(build, fd, &wishes);
        sc_autofd container = sc_packaging_open_container(&packaging, error);
        if (container < 0 || !fill_rootfs(build, container, error) || !write_texts(build, container, error) ||
            !find_wishes(build, container, &wishes, error))
                return -1;
        packaging.hostfs_fd = wishes.hostfs;
        packaging.files = wishes.files;
        g_autoptr(ScInfo) info = describe(build);
        g_free(info->system_package);
        info->system_package = g_strdup("build");
        record_files(&wishes, info);
        if (!sc_info_write(container, info, BUILDING, error) || !sc_packaging_container(&packaging, system, info, ret_name, error))
                return -1;
        warn_of_unused_values(build);
        return sc_open_beneath(fd, *ret_name, O_RDONLY, 0, error);
}

int sc_build_package(ScOpContext *context, ScRepository *repository, ScSystemd *systemd, int checkout_fd, const ScBuildInput *input,
                     char **ret_name, GError **error)
{
        ScPackageSystem system;
        sc_autofd lock = sc_repository_lock(repository, false, context->cancellable, error);
        g_autoptr(ScRendering) rendering = lock >= 0 ? render(context, repository, checkout_fd, input, error) : NULL;
        if (rendering == NULL || !sc_packaging_choose(context->config, "yes", rendering->exports, true, &system, error))
                return -1;
        g_autofree char *hidden = NULL;
        sc_autofd fd = sc_slot_build(checkout_fd, input->container, input->slot, &hidden, error);
        if (fd < 0)
                return -1;
        g_auto(Build) build = build_new(context, systemd, input, rendering, hidden);
        sc_autofd package = pack(&build, fd, system, ret_name, error);
        bool clean = sc_remove_tree(checkout_fd, hidden, package >= 0 ? error : NULL);
        return clean ? sc_steal_fd(&package) : -1;
}
