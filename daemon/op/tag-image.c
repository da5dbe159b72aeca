/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "base/reference.h"
#include "options.h"
#include "store/image.h"
#include "store/name-claim.h"
#include <string.h>

/* Who was allowed to do it when no container had been installed by the name was not asked for more. */
static bool check_containers(const ScOpContext *context, const char *name, GError **error)
{
        static const char *const words[] = {"any", "none", NULL};
        const char *installed;
        g_autofree char *container = NULL;
        if (!sc_option_word(context, "installed", words, &installed, error))
                return false;
        if (strcmp(installed, "any") == 0)
                return true;
        return sc_name_find_container(context->config, name, &container, error) &&
               (container == NULL ||
                sc_throw(error, SC_ERROR_BUSY, "The container %s was installed from %s in the meantime: try again", container,
                         name));
}

bool sc_op_tag_image(ScOpContext *context, GError **error)
{
        static const char *const replace_words[] = {"no", "yes", NULL};
        const char *replace, *as, *name, *before, *before_source, *source;
        bool changed;
        if (!sc_json_get_string(context->options, "as", SC_JSON_REQUIRED, &as, error) ||
            !sc_option_string(context, "name", &name, error) || !sc_option_string(context, "before", &before, error) ||
            !sc_option_string(context, "before-source", &before_source, error) ||
            !sc_option_string(context, "source", &source, error) ||
            !sc_option_word(context, "replace", replace_words, &replace, error))
                return false;
        g_autoptr(ScReference) reference = sc_reference_parse(as, error);
        if (reference == NULL || !sc_reference_is_tag(reference, error))
                return false;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        sc_autofd lock = repository != NULL ? sc_repository_lock(repository, false, context->cancellable, error) : -1;
        g_autoptr(ScImage) image = lock >= 0 ? sc_image_find(repository, context->subject, error) : NULL;
        if (image == NULL)
                return false;
        if (name != NULL && !g_strv_contains((const char *const *)image->names, name))
                return sc_throw(error, SC_ERROR_NOT_FOUND, "The image %s has no name %s", image->names[0], name);
        sc_detail(context, "image", reference->name);
        sc_detail(context, "image-id", image->id);
        /* Where a name came from stays, or an update would not ask there any more. */
        if (g_strv_contains((const char *const *)image->names, reference->name) && strcmp(replace, "yes") != 0) {
                sc_detail(context, "changed", "no");
                return true;
        }
        const ScTag tag = {
                .from = name != NULL ? name : image->names[0],
                .to = reference->name,
                .flags = strcmp(replace, "yes") == 0 ? SC_TAG_REPLACE : SC_TAG_NEW,
                .before = before,
                .before_source = before_source,
                .source = source,
        };
        if (!sc_failpoint("tag", error) || !check_containers(context, tag.to, error) ||
            !sc_image_tag(repository, &tag, &changed, error))
                return false;
        sc_detail(context, "changed", changed ? "yes" : "no");
        return true;
}
