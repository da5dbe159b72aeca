/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rootfs.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "describe.h"
#include "store/checkout.h"
#include "store/deployment.h"
#include "store/image.h"
#include <fcntl.h>
#include <stdio.h>

/* The image under any name that it still has, or else by its commit. */
static ScImageInfo *find_info(ScOpContext *context, ScRepository *repository, const ScInfo *info, const char *folder,
                              GError **error)
{
        const char *name = info->image != NULL ? info->image : "";
        g_autoptr(GPtrArray) images = sc_image_list(sc_repository_view(repository), NULL, error);
        if (images == NULL)
                return NULL;
        for (guint i = 0; i < images->len; i++) {
                ScImage *image = images->pdata[i];
                if (image->info != NULL && sc_image_is_revision(image, sc_info_image_id(info)))
                        return g_steal_pointer(&image->info);
        }
        g_autoptr(GError) local = NULL;
        ScImageInfo *found = info->ostree_commit != NULL
                                     ? sc_image_info_of_commit(context, repository, info->ostree_commit, name, &local)
                                     : NULL;
        if (found == NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND,
                         "The deployment %s has no root file system, and the image %s that it was made of is not here any more: "
                         "uninstall the container, and install it anew",
                         folder, name);
        return found;
}

static bool check_out(ScOpContext *context, int checkout_fd, const char *container, int slot, const ScInfo *info, GError **error)
{
        g_autofree char *folder = sc_slot_name(container, slot), *hidden = NULL;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        sc_autofd lock = repository != NULL ? sc_repository_lock(repository, false, context->cancellable, error) : -1;
        g_autoptr(ScImageInfo) image = lock >= 0 ? find_info(context, repository, info, folder, error) : NULL;
        g_autoptr(ScTree) tree = image != NULL ? sc_tree_merge(repository, image->layers, context->cancellable, error) : NULL;
        sc_autofd folder_fd = tree != NULL ? sc_open_beneath(checkout_fd, folder, O_RDONLY | O_DIRECTORY, 0, error) : -1;
        sc_autofd fd = folder_fd >= 0 ? sc_slot_build(checkout_fd, container, slot, &hidden, error) : -1;
        if (fd < 0 || !sc_failpoint("restore-check-out", error) ||
            !sc_tree_checkout(tree, fd, context->report, context->cancellable, error) || !sc_sync_fs(fd, error) ||
            !sc_failpoint("restore-place", error))
                return false;
        if (renameat2(checkout_fd, hidden, folder_fd, "rootfs", RENAME_NOREPLACE) < 0)
                return sc_throw_errno(error, "Cannot put the root file system of %s into place", folder);
        return sc_failpoint("restored", error) && sc_sync_dir(folder_fd, error) && sc_sync_dir(checkout_fd, error);
}

bool sc_rootfs_is_missing(int checkout_fd, const char *container, int slot)
{
        g_autofree char *folder = sc_slot_name(container, slot);
        g_autofree char *rootfs = g_build_filename(folder, "rootfs", NULL);
        return sc_lstat(checkout_fd, rootfs, NULL, NULL) == 0;
}

bool sc_rootfs_restore(ScOpContext *context, int checkout_fd, const char *container, int slot, GError **error)
{
        g_autofree char *folder = sc_slot_name(container, slot);
        sc_autofd fd = sc_open_beneath(checkout_fd, folder, O_RDONLY | O_DIRECTORY, 0, error);
        g_autoptr(ScInfo) info = fd >= 0 ? sc_info_read(fd, folder, error) : NULL;
        if (info == NULL)
                return false;
        if (info->has_service || info->remote != NULL || sc_lstat(fd, "rootfs", NULL, NULL) != 0)
                return true;
        sc_report_message(context->report, "Extracting to %s/%s", context->config->checkout_path, folder);
        return check_out(context, checkout_fd, container, slot, info, error);
}
