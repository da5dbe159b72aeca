/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/mount.h"
#include "base/path.h"
#include <string.h>

static bool plan_where(ScCall *call, const char *where, GError **error)
{
        if (call->service->config->scope->kind == SC_SCOPE_USER)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "Only the system's sysconsd can mount. The files of a user's container lie in the folder rootfs of "
                                "its Path: "
                                "`sysconsctl --user show --property=Path NAME`");
        if (!sc_path_is_clean_absolute(where))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Where to mount is an absolute path without `..`");
        call->where = g_strdup(where);
        return true;
}

/* Places for what somebody mounts (Filesystem Hierarchy Standard), where no program looks for anything. */
static bool is_place_for_mounts(const char *where)
{
        static const char *const places[] = {"/mnt/", "/media/"};
        for (guint i = 0; i < G_N_ELEMENTS(places); i++)
                if (g_str_has_prefix(where, places[i]))
                        return true;
        return strcmp(where, "/mnt") == 0;
}

/* A container, or else an image that is here. */
bool sc_bus_mount_plan(ScCall *call, GError **error)
{
        if (!plan_where(call, call->argument, error))
                return false;
        /* Files of an image in a folder where root looks for programs or settings: that is more than to look at them. */
        if (!is_place_for_mounts(call->where))
                sc_call_need(call, "configure");
        const ScCatalogContainer *container = sc_catalog_container(call->service->catalog, call->subject);
        if (container != NULL) {
                call->container = g_strdup(container->name);
                call->image = *container->image != '\0' ? g_strdup(container->image) : NULL;
                return true;
        }
        const ScCatalogImage *image = sc_catalog_image_find(call->service->catalog, call->subject, error);
        if (image == NULL)
                return false;
        call->image = g_strdup(image->names[0] != NULL ? image->names[0] : image->id);
        return true;
}

bool sc_bus_mount_run(ScCall *call, GError **error)
{
        json_object_set_string_member(call->options, "where", call->where);
        return sc_call_queue(call, call->subject, error);
}

bool sc_bus_unmount_plan(ScCall *call, GError **error)
{
        return plan_where(call, call->subject, error);
}

bool sc_bus_unmount_run(ScCall *call, GError **error)
{
        return sc_call_queue(call, call->subject, error);
}
