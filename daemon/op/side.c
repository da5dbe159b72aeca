/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "side.h"

#include "base/error.h"
#include "base/path.h"
#include "homes.h"
#include "unit/hostfiles.h"
#include <fcntl.h>
#include <string.h>

enum { MAX_FILE = 1024 * 1024 };

void sc_side_free(ScSide *side)
{
        if (side == NULL)
                return;
        sc_close(&side->fd);
        sc_close(&side->hostfs_fd);
        sc_info_free(side->info);
        sc_exports_free(side->exports);
        sc_variables_free(side->variables);
        g_clear_pointer(&side->files, g_ptr_array_unref);
        sc_package_free(side->package);
        g_free(side->unit_text);
        g_free(side->tmpfiles_text);
        g_free(side);
}

char *sc_side_unit_file(const char *container)
{
        return g_strconcat(container, ".service", NULL);
}

char *sc_side_tmpfiles_file(const char *container)
{
        return g_strconcat("tmpfiles-", container, ".conf", NULL);
}

/* Something else of that name counts as none; a folder that cannot be opened just now does not. */
static bool open_folder_if_there(int dir_fd, const char *name, int *ret, GError **error)
{
        struct stat st;
        int there = sc_lstat(dir_fd, name, &st, error);
        *ret = -1;
        if (there < 0)
                return false;
        if (there == 0 || !S_ISDIR(st.st_mode))
                return true;
        *ret = sc_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0, error);
        return *ret >= 0;
}

bool sc_side_open_exports(int rootfs_fd, int *ret, GError **error)
{
        if (!open_folder_if_there(rootfs_fd, "exports", ret, error))
                return false;
        /* a link to where it lies in the image */
        if (*ret < 0)
                *ret = sc_open_in_root(rootfs_fd, "exports", O_RDONLY | O_DIRECTORY, 0, NULL);
        return true;
}

bool sc_side_open_hostfs(int rootfs_fd, int *ret, GError **error)
{
        sc_autofd exports = -1;
        *ret = -1;
        return sc_side_open_exports(rootfs_fd, &exports, error) &&
               (exports < 0 || open_folder_if_there(exports, "hostfs", ret, error));
}

static int open_rootfs(const ScSide *side, const ScConfig *config, GError **error)
{
        if (side->info->remote == NULL)
                return sc_open_beneath(side->fd, "rootfs", O_RDONLY | O_DIRECTORY, 0, error);
        g_autofree char *path = g_build_filename(side->info->remote, "rootfs", NULL);
        return sc_homes_spare_path(config, path, error) ? sc_open_dir(path, error) : -1;
}

/* The values as they were: host files on the disk were rendered with them, and what is rendered again must be the same. */
static ScVariables *recorded_variables(const ScConfig *config, const ScInfo *info, const char *container, const char *path,
                                       GError **error)
{
        ScVariablesInput input = {
                .scope = config->scope,
                .name = container,
                .destdir = path,
                .image_name = info->image != NULL ? info->image : "",
                .image_id = sc_info_image_id(info) != NULL ? sc_info_image_id(info) : "",
                .runtime = info->runtime != NULL ? info->runtime : config->runtime,
                .exec_helper = LIBEXECDIR "/sysconsd-exec",
                .client = BINDIR "/atomic",
        };
        return sc_variables_recorded(&input, info->values, error);
}

/* A record without an id of ours is the atomic command's. */
static bool is_foreign(const ScInfo *info)
{
        return info->deployment_id == NULL;
}

static ScHostFile *bare_file(const char *destination, const char *checksum)
{
        ScHostFile *file = g_new0(ScHostFile, 1);
        file->destination = g_strdup(destination);
        file->checksum = g_strdup(checksum);
        file->mode = S_IFREG | 0644;
        return file;
}

static gint compare_destinations(gconstpointer a, gconstpointer b)
{
        return strcmp((*(ScHostFile *const *)a)->destination, (*(ScHostFile *const *)b)->destination);
}

bool sc_side_has_no_tmpfiles(const ScSide *side)
{
        return side->tmpfiles_text == NULL && side->info->deployment_id != NULL;
}

GPtrArray *sc_side_recorded_files(const ScInfo *info)
{
        GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)sc_host_file_free);
        GHashTableIter iter;
        gpointer destination, checksum;
        g_hash_table_iter_init(&iter, info->installed_files);
        while (g_hash_table_iter_next(&iter, &destination, &checksum))
                if (sc_path_is_clean_absolute(destination)) {
                        ScHostFile *file = bare_file(destination, checksum);
                        file->followed = is_foreign(info);
                        g_ptr_array_add(files, file);
                }
        g_ptr_array_sort(files, compare_destinations);
        return files;
}

/* What is recorded counts: a planned file that was left alone at install is not ours, and one that the image's folder no longer
 * tells of is still to be removed by its checksum. */
static bool find_files(ScSide *side, GError **error)
{
        g_autoptr(GPtrArray) planned = sc_host_files_plan(side->hostfs_fd, side->exports, side->variables, error);
        if (planned == NULL)
                return false;
        g_autoptr(GHashTable) still_planned = g_hash_table_new(g_str_hash, g_str_equal);
        side->files = g_ptr_array_new_with_free_func((GDestroyNotify)sc_host_file_free);
        while (planned->len > 0) {
                g_autoptr(ScHostFile) file = g_ptr_array_steal_index(planned, 0);
                const char *recorded = g_hash_table_lookup(side->info->installed_files, file->destination);
                if (recorded == NULL)
                        continue;
                if (recorded[0] != '\0') {
                        file->followed = is_foreign(side->info);
                        g_free(file->checksum);
                        file->checksum = g_strdup(recorded);
                }
                g_hash_table_add(still_planned, file->destination);
                g_ptr_array_add(side->files, g_steal_pointer(&file));
        }
        g_autoptr(GPtrArray) recorded_files = sc_side_recorded_files(side->info);
        while (recorded_files->len > 0) {
                g_autoptr(ScHostFile) file = g_ptr_array_steal_index(recorded_files, 0);
                if (!g_hash_table_contains(still_planned, file->destination) && file->checksum[0] != '\0')
                        g_ptr_array_add(side->files, g_steal_pointer(&file));
        }
        return true;
}

static bool read_optional(int fd, const char *name, char **ret, GError **error)
{
        int there = sc_lstat(fd, name, NULL, error);
        if (there < 0)
                return false;
        return there == 0 || sc_read_file(fd, name, MAX_FILE, ret, NULL, error);
}

bool sc_side_read_tmpfiles(int checkout_fd, const char *container, const char *folder, char **ret, GError **error)
{
        g_autofree char *name = sc_side_tmpfiles_file(container);
        g_autofree char *path = g_build_filename(folder, name, NULL);
        *ret = NULL;
        return read_optional(checkout_fd, path, ret, error);
}

static ScSide *open_info(int checkout_fd, const char *container, const char *folder, GError **error)
{
        g_autoptr(ScSide) side = g_new0(ScSide, 1);
        side->hostfs_fd = -1;
        side->fd = sc_open_beneath(checkout_fd, folder, O_RDONLY | O_DIRECTORY, 0, error);
        if (side->fd < 0)
                return NULL;
        g_autofree char *what = g_strdup_printf("info file of the container %s in %s", container, folder);
        side->info = sc_info_read(side->fd, what, error);
        if (side->info == NULL)
                return NULL;
        if (side->info->rpm_installed != NULL)
                side->package = sc_package_new(side->info->rpm_installed, side->info->deployment_id);
        return g_steal_pointer(&side);
}

char *sc_side_package_file(const ScSide *side, GError **error)
{
        sc_autofd fd = sc_open_beneath(side->fd, side->info->rpm_installed, O_RDONLY, 0, error);
        if (fd < 0)
                return NULL;
        g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
        GError *local = NULL;
        char *path = g_file_read_link(link, &local);
        if (path == NULL)
                g_propagate_prefixed_error(error, local, "Cannot tell where the package %s is: ", side->info->rpm_installed);
        return path;
}

static bool read_root(ScSide *side, const ScConfig *config, const char *container, const char *folder, GError **error)
{
        sc_autofd rootfs = open_rootfs(side, config, error);
        if (rootfs < 0)
                return false;
        sc_autofd exports = -1;
        if (!sc_side_open_exports(rootfs, &exports, error) || !sc_side_open_hostfs(rootfs, &side->hostfs_fd, error))
                return false;
        side->exports = sc_exports_load(sc_exports_read_rootfs, &rootfs, exports >= 0, error);
        g_autofree char *path = g_build_filename(config->checkout_path, folder, NULL);
        side->variables = side->exports != NULL ? recorded_variables(config, side->info, container, path, error) : NULL;
        return side->variables != NULL && find_files(side, error);
}

static bool read_texts(ScSide *side, const char *container, GError **error)
{
        g_autofree char *unit = sc_side_unit_file(container);
        g_autofree char *tmpfiles = sc_side_tmpfiles_file(container);
        if ((side->info->has_service && !read_optional(side->fd, unit, &side->unit_text, error)) ||
            !read_optional(side->fd, tmpfiles, &side->tmpfiles_text, error))
                return false;
        if (side->tmpfiles_text != NULL && side->tmpfiles_text[0] == '\0')
                g_clear_pointer(&side->tmpfiles_text, g_free);
        return true;
}

ScSide *sc_side_open(const ScConfig *config, int checkout_fd, const char *container, const char *folder, GError **error)
{
        g_autoptr(ScSide) side = open_info(checkout_fd, container, folder, error);
        if (side == NULL)
                return NULL;
        g_autoptr(GError) local = NULL;
        if (!read_root(side, config, container, folder, &local) || !read_texts(side, container, &local)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The deployment %s is broken: %s", folder, local->message);
                return NULL;
        }
        return g_steal_pointer(&side);
}

ScSide *sc_side_open_leaving(const ScConfig *config, int checkout_fd, const char *container, const char *folder, GError **error)
{
        ScSide *whole = sc_side_open(config, checkout_fd, container, folder, NULL);
        if (whole != NULL)
                return whole;
        g_autoptr(ScSide) side = open_info(checkout_fd, container, folder, error);
        if (side == NULL)
                return NULL;
        side->files = sc_side_recorded_files(side->info);
        read_texts(side, container, NULL);
        return g_steal_pointer(&side);
}
