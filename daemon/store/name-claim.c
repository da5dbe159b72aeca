/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "name-claim.h"

#include "base/error.h"
#include "base/reference.h"
#include "deployment.h"
#include "image.h"
#include <string.h>

/* The atomic command wrote names as they were given to it. */
static bool is_name(const char *text, const char *name)
{
        g_autoptr(ScReference) reference = text != NULL ? sc_reference_parse(text, NULL) : NULL;
        return reference != NULL && strcmp(reference->name, name) == 0;
}

bool sc_name_find_container(const ScConfig *config, const char *name, char **ret, GError **error)
{
        g_autoptr(GPtrArray) deployments = sc_deployment_list_all(config, error);
        *ret = NULL;
        for (guint i = 0; deployments != NULL && i < deployments->len && *ret == NULL; i++) {
                const ScDeployment *deployment = deployments->pdata[i];
                if (deployment->info != NULL && is_name(deployment->info->image, name))
                        *ret = g_strdup(deployment->name);
        }
        return deployments != NULL;
}

/* The commit that the name means, "" for none. */
static char *resolve(ScRepository *repository, const char *name, GError **error)
{
        g_autofree char *ref = sc_ref_encode(name);
        g_autoptr(GError) own_error = NULL;
        char *commit = sc_repository_resolve(repository, ref, &own_error);
        if (commit != NULL)
                return commit;
        if (g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                return g_strdup("");
        g_propagate_error(error, g_steal_pointer(&own_error));
        return NULL;
}

/* What cannot be read is verified, for all that is known. */
static bool is_verified(ScRepository *repository, const char *commit, const char *name)
{
        g_autoptr(ScImage) image = sc_image_at(repository, commit, name, NULL);
        return image == NULL || image->info == NULL || sc_provenance_is_verified(image->info->source);
}

static bool check_container(const ScConfig *config, const ScNameClaim *claim, GError **error)
{
        g_autofree char *container = NULL;
        if (!sc_name_find_container(config, claim->name, &container, error))
                return false;
        return container == NULL ||
               sc_throw(error, SC_ERROR_EXISTS,
                        "The container %s was installed from the image %s, which is not here any more, and nobody vouches for what "
                        "comes from this source (%s): to give the name to it, pull with `replace` (--replace)",
                        container, claim->name, claim->source);
}

bool sc_name_claim(ScRepository *repository, const ScConfig *config, const ScNameClaim *claim, char **ret_from, GError **error)
{
        *ret_from = NULL;
        if (sc_name_is_digest(claim->name))
                return sc_throw(error, SC_ERROR_INVALID_REFERENCE, "An image cannot be called %s: that is a digest", claim->name);
        if (claim->may_replace || sc_provenance_is_verified(claim->source))
                return true;
        g_autofree char *before = resolve(repository, claim->name, error);
        if (before == NULL)
                return false;
        if (*before == '\0') {
                if (!check_container(config, claim, error))
                        return false;
        } else if (is_verified(repository, before, claim->name)) {
                return sc_throw(
                        error, SC_ERROR_EXISTS,
                        "The name %s means an image of a registry, and nobody vouches for what comes from this source (%s): "
                        "to give the name to it, pull with `replace` (--replace)",
                        claim->name, claim->source);
        }
        *ret_from = g_steal_pointer(&before);
        return true;
}
