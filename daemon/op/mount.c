/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "describe.h"
#include "change.h"
#include "mount-point.h"
#include "mounts.h"
#include "options.h"
#include "rootfs.h"
#include "store/checkout.h"
#include "store/deployment.h"
#include "store/merge.h"
#include <fcntl.h>
#include <string.h>

typedef struct {
        ScOpContext *context;
        const char *where;
        int checkout_fd;
        ScSystemd *systemd;
} Mount;

static void mount_clear(Mount *mount)
{
        sc_close(&mount->checkout_fd);
        sc_systemd_close(mount->systemd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mount, mount_clear)

static bool begin(ScOpContext *context, const char *where, Mount *ret, int *ret_lock, GError **error)
{
        ret->context = context;
        ret->where = where;
        ret->checkout_fd = sc_checkout_open(context->config, true, error);
        ret->systemd = ret->checkout_fd >= 0 ? sc_systemd_open(context->config->scope, error) : NULL;
        if (ret->systemd == NULL)
                return false;
        if (!sc_mounts_sweep(context, ret->checkout_fd, error))
                return false;
        *ret_lock = sc_mounts_lock(context, ret->checkout_fd, error);
        return *ret_lock >= 0;
}

/* ---- mount ---- */

static bool is_unit_free(Mount *mount, GError **error)
{
        g_autofree char *unit = sc_systemd_mount_unit(mount->where);
        g_auto(ScUnitState) state = {0};
        if (unit == NULL)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The path %.200s... is too long for a mount of systemd",
                                mount->where);
        if (!sc_systemd_state(mount->systemd, unit, &state, error))
                return false;
        return strcmp(state.load_state, "not-found") == 0 ||
               sc_throw(error, SC_ERROR_EXISTS, "systemd already has a unit %s (%s)", unit,
                        state.fragment_path[0] != '\0' ? state.fragment_path : state.load_state);
}

/* What was recorded and perhaps checked out goes where the mount did not come. */
static bool put_up(Mount *mount, const char *what, const char *id, GError **error)
{
        g_autofree char *description = g_strdup_printf("%s, mounted by sysconsd", mount->context->subject);
        if (sc_failpoint("mount", error) &&
            sc_systemd_mount(mount->systemd, what, mount->where, description, mount->context->cancellable, error))
                return sc_failpoint("mounted", error);
        g_autofree char *unit = sc_systemd_mount_unit(mount->where);
        sc_systemd_stop(mount->systemd, unit, NULL, NULL);
        sc_mount_record_remove(mount->checkout_fd, id, NULL);
        return false;
}

static bool check_out(Mount *mount, ScRepository *repository, const ScImage *image, int record_fd, GError **error)
{
        ScReport *report = mount->context->report;
        sc_autofd lock = sc_repository_lock(repository, false, mount->context->cancellable, error);
        g_autoptr(ScTree) tree = lock >= 0 ? sc_tree_merge(repository, image->info->layers, mount->context->cancellable, error)
                                           : NULL;
        sc_autofd rootfs = tree != NULL ? sc_make_dirs(record_fd, "rootfs", 0755, error) : -1;
        if (rootfs < 0 || !sc_failpoint("mount-check-out", error))
                return false;
        sc_report_phase(report, "Checking out", sc_tree_files(tree));
        return sc_tree_checkout(tree, rootfs, report, mount->context->cancellable, error);
}

static bool mount_image(Mount *mount, GError **error)
{
        ScOpContext *context = mount->context;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        g_autoptr(ScImage) image = repository != NULL ? sc_image_find_described(context, repository, context->subject, error)
                                                      : NULL;
        if (image == NULL)
                return false;
        g_autofree char *id = NULL;
        sc_autofd record = sc_mount_record_new(mount->checkout_fd, mount->where, NULL, &id, error);
        if (record < 0)
                return false;
        if (!check_out(mount, repository, image, record, error)) {
                sc_mount_record_remove(mount->checkout_fd, id, NULL);
                return false;
        }
        sc_detail(context, "image", image->names[0]);
        sc_detail(context, "image-id", image->id);
        g_autofree char *what = g_build_filename(context->config->checkout_path, SC_MOUNT_DIR, id, "rootfs", NULL);
        return put_up(mount, what, id, error);
}

/* The container's lock is held: the deployment does not go while it is mounted, and once it is, the record keeps it. */
static bool mount_container(Mount *mount, const ScDeployment *deployment, GError **error)
{
        ScOpContext *context = mount->context;
        g_autoptr(ScChange) change = deployment->preinstalled ? NULL
                                                              : sc_change_begin(context, deployment->name, SC_BEGIN_CONTROL, error);
        if (change == NULL && !deployment->preinstalled)
                return false;
        g_autoptr(ScDeployment) now = sc_deployment_find(context->config, deployment->name, error);
        if (now == NULL)
                return false;
        if (now->info == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "The container %s is broken: %s", now->name, now->broken);
        if (change != NULL && !sc_rootfs_restore(context, mount->checkout_fd, now->name, now->slot, error))
                return false;
        g_autofree char *folder = g_path_get_basename(now->path);
        g_autofree char *what = g_build_filename(now->info->remote != NULL ? now->info->remote : now->path, "rootfs", NULL);
        sc_autofd rootfs = sc_open_dir(what, error);
        g_autofree char *id = NULL;
        sc_autofd record = rootfs >= 0 ? sc_mount_record_new(mount->checkout_fd, mount->where, folder, &id, error) : -1;
        if (record < 0)
                return false;
        sc_detail(context, "container", now->name);
        sc_detail(context, "image", now->info->image);
        sc_detail(context, "image-id", sc_info_image_id(now->info));
        return put_up(mount, what, id, error);
}

bool sc_op_mount(ScOpContext *context, GError **error)
{
        const char *where;
        g_auto(Mount) mount = {.checkout_fd = -1};
        sc_autofd lock = -1;
        if (!sc_json_get_string(context->options, "where", SC_JSON_REQUIRED, &where, error) ||
            !sc_mount_point_check(context->config, where, error) || !begin(context, where, &mount, &lock, error) ||
            !is_unit_free(&mount, error))
                return false;
        sc_detail(context, "where", where);
        g_autoptr(GError) none = NULL;
        g_autoptr(ScDeployment) deployment = sc_deployment_find(context->config, context->subject, &none);
        return deployment != NULL ? mount_container(&mount, deployment, error) : mount_image(&mount, error);
}

/* ---- unmount ---- */

static const ScMountRecord *find(GPtrArray *records, const char *where)
{
        for (guint i = 0; i < records->len; i++) {
                const ScMountRecord *record = records->pdata[i];
                if (g_strcmp0(record->where, where) == 0)
                        return record;
        }
        return NULL;
}

bool sc_op_unmount(ScOpContext *context, GError **error)
{
        g_auto(Mount) mount = {.checkout_fd = -1};
        sc_autofd lock = -1;
        const char *where = context->subject;
        if (!begin(context, where, &mount, &lock, error))
                return false;
        g_autoptr(GPtrArray) records = sc_mount_record_list(mount.checkout_fd, error);
        const ScMountRecord *record = records != NULL ? find(records, where) : NULL;
        if (records == NULL)
                return false;
        if (record == NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "sysconsd has mounted nothing on %s", where);
        g_autofree char *unit = sc_systemd_mount_unit(where);
        if (!sc_failpoint("unmount", error))
                return false;
        if (!sc_systemd_stop(mount.systemd, unit, NULL, error))
                return sc_prefix(error, "Cannot unmount %s (does somebody use it?)", where);
        sc_detail(context, "where", where);
        return sc_failpoint("unmounted", error) && sc_mount_record_remove(mount.checkout_fd, record->id, error);
}
