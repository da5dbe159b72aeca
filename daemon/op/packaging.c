/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "packaging.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "side.h"
#include "unit/hostfiles.h"
#include "unit/template.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STAGE "package-build" /* beside rootfs, while the package is built */
#define UNIT_DIR "/usr/lib/systemd/system"
#define TMPFILES_DIR "/usr/lib/tmpfiles.d"
#define ID_DIGITS 12

static bool is_ostree_booted(void)
{
        return access("/run/ostree-booted", F_OK) == 0;
}

bool sc_packaging_choose(const ScConfig *config, const char *wish, const ScExports *exports, bool has_host_files,
                         ScPackageSystem *ret, GError **error)
{
        *ret = SC_PACKAGE_NONE;
        if (wish == NULL || strcmp(wish, "no") == 0)
                return true;
        bool is_auto = strcmp(wish, "auto") == 0;
        if (config->scope->kind != SC_SCOPE_SYSTEM || is_ostree_booted())
                return is_auto || sc_throw(error, SC_ERROR_UNSUPPORTED, "No system packages are installed here, as %s",
                                           is_ostree_booted() ? "the host was booted from an OSTree deployment"
                                                              : "the containers of a user are not the system's");
        if (!sc_package_system_find(config->package_system, ret, error))
                return false;
        if (!is_auto)
                return *ret != SC_PACKAGE_NONE ||
                       sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "There is no package system that sysconsd knows on this host (dpkg with dpkg-deb, rpm with "
                                "rpmbuild), or sysconsd.conf says PackageSystem=none: use --system-package=no");
        if (!has_host_files && (*ret != SC_PACKAGE_RPM || exports->rpm_spec == NULL))
                *ret = SC_PACKAGE_NONE;
        return true;
}

/* ---- the build ---- */

static ScPackageFacts *facts_of(const ScRendering *rendering, ScPackageSystem system, const char *default_version, const char *id,
                                GError **error)
{
        const ScBuildInput *input = rendering->input;
        g_autofree char *release = g_strndup(input->image->id, ID_DIGITS);
        const ScPackageSource source = {
                .container = input->container,
                .labels = input->image->info->labels,
                .default_version = default_version,
                .default_release = release,
                .id = id,
        };
        return sc_package_facts_new(system, &source, error);
}

ScPackageFacts *sc_packaging_facts(const ScRendering *rendering, ScPackageSystem system, const char *id, GError **error)
{
        g_autofree char *version = g_strdup_printf("%d", rendering->input->slot);
        return facts_of(rendering, system, version, id, error);
}

static int open_stage_root(const ScPackaging *packaging, GError **error)
{
        return sc_make_dirs(packaging->folder_fd, STAGE "/" SC_PACKAGE_ROOT, 0755, error);
}

static bool stage_host_files(const ScPackaging *packaging, GError **error)
{
        sc_autofd root = open_stage_root(packaging, error);
        return root >= 0 && sc_host_files_apply(root, packaging->hostfs_fd, packaging->files, packaging->rendering->variables, NULL,
                                                packaging->context->report, NULL, error);
}

/* Folders that are there because of the package, or will be. */
static bool add_parents(GHashTable *folders, GHashTable *ours, const char *path)
{
        g_autofree char *folder = g_path_get_dirname(path);
        while (strcmp(folder, "/") != 0) {
                if (g_hash_table_contains(ours, folder) || access(folder, F_OK) < 0)
                        g_hash_table_add(folders, g_strdup(folder));
                char *parent = g_path_get_dirname(folder);
                g_free(folder);
                folder = parent;
        }
        return true;
}

static char **folders_of(GPtrArray *files, GHashTable *ours)
{
        g_autoptr(GHashTable) folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint i = 0; i < files->len; i++)
                add_parents(folders, ours, ((const ScHostFile *)files->pdata[i])->destination);
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(folders), (GCompareFunc)g_strcmp0);
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        for (GList *name = names; name != NULL; name = name->next)
                g_strv_builder_add(builder, name->data);
        return g_strv_builder_end(builder);
}

/* NULL without an error: the image has none. */
static bool render_spec(const ScPackaging *packaging, ScPackageSystem system, char **ret, GError **error)
{
        const ScExports *exports = packaging->rendering->exports;
        *ret = NULL;
        if (system != SC_PACKAGE_RPM || exports->rpm_spec == NULL)
                return true;
        *ret = exports->rpm_spec_is_template ? sc_template_expand("rpm.spec.template", exports->rpm_spec,
                                                                  packaging->rendering->variables, SC_TEMPLATE_RAW, error)
                                             : g_strdup(exports->rpm_spec);
        return *ret != NULL;
}

static bool build(const ScPackaging *packaging, ScPackageInput *input, char ***ret_files, GError **error)
{
        g_autofree char *folder = g_build_filename(packaging->folder, STAGE, NULL);
        input->folder = folder;
        input->files = packaging->files;
        sc_report_phase(packaging->context->report, "Building the package", 0);
        bool ok = sc_failpoint("build-package", error) &&
                  sc_package_build(packaging->systemd, input, packaging->context->cancellable, ret_files, error);
        input->folder = NULL;
        return ok;
}

/* The result leaves the stage, and is root's alone: templates may hold passwords. */
static bool keep_result(const ScPackaging *packaging, const char *name, GError **error)
{
        sc_autofd stage = sc_open_beneath(packaging->folder_fd, STAGE, O_RDONLY | O_DIRECTORY, 0, error);
        if (stage < 0)
                return false;
        if (renameat(stage, SC_PACKAGE_FILE, packaging->folder_fd, name) < 0 || fchmodat(packaging->folder_fd, name, 0600, 0) < 0)
                return sc_throw_errno(error, "Cannot keep the package %s", name);
        return sc_remove_tree(packaging->folder_fd, STAGE, error);
}

bool sc_packaging_host_files(const ScPackaging *packaging, ScPackageSystem system, ScInfo *info, GError **error)
{
        g_autoptr(ScPackageFacts) facts = sc_packaging_facts(packaging->rendering, system, info->deployment_id, error);
        g_autofree char *spec = NULL;
        if (facts == NULL || !render_spec(packaging, system, &spec, error) || !stage_host_files(packaging, error))
                return false;
        g_autofree char *file = g_strconcat(facts->name, sc_package_suffix(system), NULL);
        g_autoptr(ScPackage) package = sc_package_new(file, NULL);
        g_autoptr(GHashTable) ours = NULL;
        if (!sc_package_installed_files(package, &ours, error))
                return false;
        g_auto(GStrv) folders = folders_of(packaging->files, ours);
        ScPackageInput input = {
                .facts = facts,
                .folders = folders,
                .spec = spec,
        };
        if (!build(packaging, &input, &info->package_files, error) || !keep_result(packaging, file, error))
                return false;
        info->rpm_installed = g_steal_pointer(&file);
        g_free(info->system_package);
        info->system_package = g_strdup("yes");
        return true;
}

/* ---- a whole container ---- */

static char *container_path(const ScPackaging *packaging)
{
        return g_build_filename(packaging->context->config->preinstalled_path, packaging->rendering->input->container, NULL);
}

int sc_packaging_open_container(const ScPackaging *packaging, GError **error)
{
        sc_autofd root = open_stage_root(packaging, error);
        g_autofree char *path = container_path(packaging);
        return root >= 0 ? sc_make_dirs(root, path + 1, 0755, error) : -1;
}

static bool put_text(int root_fd, const char *folder, const char *name, const char *text, GError **error)
{
        sc_autofd fd = sc_make_dirs(root_fd, folder + 1, 0755, error);
        return fd >= 0 && sc_write_file(fd, name, text, -1, 0644, SC_WRITE_NEW, error);
}

/* Where the systemd of a package's files looks for them. */
static bool put_system_files(const ScPackaging *packaging, GPtrArray *trees, GError **error)
{
        const ScRendering *rendering = packaging->rendering;
        g_autofree char *unit = g_strconcat(rendering->input->container, ".service", NULL);
        g_autofree char *tmpfiles = g_strconcat(rendering->input->container, ".conf", NULL);
        sc_autofd root = open_stage_root(packaging, error);
        if (root < 0)
                return false;
        if (rendering->unit != NULL) {
                if (!put_text(root, UNIT_DIR, unit, rendering->unit, error))
                        return false;
                g_ptr_array_add(trees, g_build_filename(UNIT_DIR, unit, NULL));
        }
        if (rendering->tmpfiles[0] != '\0') {
                if (!put_text(root, TMPFILES_DIR, tmpfiles, rendering->tmpfiles, error))
                        return false;
                g_ptr_array_add(trees, g_build_filename(TMPFILES_DIR, tmpfiles, NULL));
        }
        return true;
}

bool sc_packaging_container(const ScPackaging *packaging, ScPackageSystem system, const ScInfo *info, char **ret_name,
                            GError **error)
{
        g_autoptr(ScPackageFacts) facts = facts_of(packaging->rendering, system, "1", info->deployment_id, error);
        g_autoptr(GPtrArray) trees = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) files = NULL;
        g_ptr_array_add(trees, container_path(packaging));
        if (facts == NULL || !put_system_files(packaging, trees, error) || !stage_host_files(packaging, error))
                return false;
        g_ptr_array_add(trees, NULL);
        g_autofree char *name = g_strconcat(facts->name, sc_package_suffix(system), NULL);
        ScPackageInput input = {.facts = facts, .trees = (char *const *)trees->pdata};
        if (!build(packaging, &input, &files, error) || !keep_result(packaging, name, error))
                return false;
        *ret_name = g_steal_pointer(&name);
        return true;
}
