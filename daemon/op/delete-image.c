/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "options.h"
#include "store/deployment.h"
#include "store/image.h"
#include <string.h>

static bool uses(const ScInfo *info, const ScImage *image, const char *name)
{
        if (info == NULL)
                return false;
        return name != NULL ? g_strcmp0(info->image, name) == 0 : sc_image_is_revision(image, info->revision);
}

/* name: only this name is to go, which is in use where a container was installed by it and is updated from it. */
static bool nobody_uses(ScOpContext *context, const ScImage *image, const char *name, GError **error)
{
        g_autoptr(GPtrArray) containers = sc_deployment_list_all(context->config, error);
        if (containers == NULL)
                return false;
        for (guint i = 0; i < containers->len; i++) {
                const ScDeployment *container = containers->pdata[i];
                if (uses(container->info, image, name) || uses(container->previous, image, name))
                        return sc_throw(error, SC_ERROR_BUSY,
                                        "Image %s is used by the container %s: uninstall it first, or force the deletion",
                                        name != NULL ? name : image->names[0], container->name);
        }
        return true;
}

/* An image that keeps a name can be used on; one that loses the last is gone. */
static bool nobody_uses_any(ScOpContext *context, const ScImage *image, char **names, GError **error)
{
        bool kept = false;
        for (char **name = image->names; names != NULL && *name != NULL; name++)
                kept = kept || !g_strv_contains((const char *const *)names, *name);
        if (!kept)
                return nobody_uses(context, image, NULL, error);
        for (char **name = names; *name != NULL; name++)
                if (!nobody_uses(context, image, *name, error))
                        return false;
        return true;
}

bool sc_op_delete_image(ScOpContext *context, GError **error)
{
        static const char *const force_words[] = {"no", "yes", NULL};
        const char *force;
        g_auto(GStrv) names = NULL;
        if (!sc_option_word(context, "force", force_words, &force, error) || !sc_option_strv(context, "names", &names, error))
                return false;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        sc_autofd lock = repository != NULL ? sc_repository_lock(repository, false, context->cancellable, error) : -1;
        g_autoptr(ScImage) image = lock >= 0 ? sc_image_find(repository, context->subject, error) : NULL;
        if (image == NULL)
                return false;
        if (strcmp(force, "no") == 0 && !nobody_uses_any(context, image, names, error))
                return false;
        sc_detail(context, "image", names != NULL ? names[0] : image->names[0]);
        sc_detail(context, "image-id", image->id);
        return sc_image_delete(repository, image, (const char *const *)names, error);
}
