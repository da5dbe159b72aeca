/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "describe.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "image-exports.h"
#include "registry/manifest.h"
#include "registry/old-manifest.h"
#include "registry/signature.h"
#include "store/foreign.h"
#include "store/repository.h"
#include "verbs.h"
#include <string.h>

/* What another program stored is not taken on trust: manifest and configuration are checked as those of a registry are. */
static ScImageInfo *read_current(const ScOpContext *context, ScRepository *repository, const ScForeignImage *image, GError **error)
{
        gsize size = strlen(image->manifest), config_size;
        ScManifestKind kind = SC_MANIFEST_IMAGE;
        ScDigest digest, said;
        sc_digest_of(image->manifest, size, &digest);
        if (image->digest != NULL && (!sc_digest_parse(image->digest, &said, NULL) || !sc_digest_equal(&digest, &said))) {
                sc_throw(error, SC_ERROR_VERIFY_FAILED, "Its manifest does not have the digest %.80s", image->digest);
                return NULL;
        }
        g_autofree char *config = NULL;
        if (!sc_manifest_kind(NULL, image->manifest, size, "manifest", &kind, error))
                return NULL;
        g_autoptr(ScImageInfo)
                info = sc_manifest_parse(image->manifest, size, &digest, context->config->max_layers, "manifest", error);
        if (info == NULL || !sc_foreign_config(repository, &info->config, SC_CONFIG_MAX_SIZE, &config, &config_size, error))
                return NULL;
        sc_digest_of(config, config_size, &digest);
        if (config_size != info->config_size || !sc_digest_equal(&digest, &info->config)) {
                sc_throw(error, SC_ERROR_VERIFY_FAILED, "Its configuration is not what its manifest says");
                return NULL;
        }
        return sc_manifest_add_config(info, config, config_size, "configuration", error) ? g_steal_pointer(&info) : NULL;
}

/* The digest of a signed manifest cannot be had from its text alone, and some have none: then the id is all there is. */
static ScImageInfo *read_old(const ScOpContext *context, const ScForeignImage *image, const char *id, GError **error)
{
        ScDigest stand_in, digest;
        if (!sc_digest_parse_hex(id, &stand_in, error))
                return NULL;
        if (image->digest == NULL || !sc_digest_parse(image->digest, &digest, NULL))
                digest = stand_in;
        ScImageInfo *info = sc_manifest_parse_old(image->manifest, strlen(image->manifest), &stand_in, &digest,
                                                  context->config->max_layers, "manifest", error);
        if (info != NULL && info->created == 0)
                info->created = image->created;
        return info;
}

static ScImageInfo *read_any(const ScOpContext *context, ScRepository *repository, const ScForeignImage *image, const char *id,
                             GError **error)
{
        return sc_manifest_is_old(image->manifest, strlen(image->manifest)) ? read_old(context, image, id, error)
                                                                            : read_current(context, repository, image, error);
}

ScImageInfo *sc_image_info_of_commit(const ScOpContext *context, ScRepository *repository, const char *commit, const char *name,
                                     GError **error)
{
        g_autoptr(ScForeignImage) image = sc_foreign_image_at(repository, commit, name, error);
        return image != NULL ? read_any(context, repository, image, commit, error) : NULL;
}

static bool read_signatures(ScRepository *repository, const ScForeignImage *image, char **ret, GError **error)
{
        g_autoptr(GPtrArray) found = sc_foreign_signatures(repository, image, SC_SIGNATURE_MAX_COUNT, SC_SIGNATURE_MAX_SIZE, error);
        if (found == NULL)
                return false;
        g_autoptr(GPtrArray) signatures = g_ptr_array_new_with_free_func((GDestroyNotify)sc_signature_free);
        for (guint i = 0; i < found->len; i++) {
                gsize size;
                gconstpointer data = g_bytes_get_data(found->pdata[i], &size);
                g_ptr_array_add(signatures, sc_signature_new(SC_SIGNATURE_GPG, data, size));
        }
        return sc_signatures_to_text(signatures, ret, error);
}

/* They were good once, and are judged again whenever the image is used. Those that cannot be kept are as none: a policy that wants
 * them says so, and what to do. */
static void take_signatures(const ScOpContext *context, ScRepository *repository, const ScForeignImage *image, ScImageInfo *info)
{
        g_autoptr(GError) local = NULL;
        if (!read_signatures(repository, image, &info->signatures, &local))
                sc_report_message(context->report, "Image %s is taken over without its signatures: %s", image->name,
                                  local->message);
}

static bool describe(const ScOpContext *context, ScRepository *repository, const ScForeignImage *image, GError **error)
{
        g_autoptr(ScImage) listed = sc_image_find(repository, image->name, error);
        if (listed == NULL)
                return false;
        g_autoptr(ScImageInfo) info = read_any(context, repository, image, listed->id, error);
        if (info != NULL) {
                /* What it was pulled as is what a signature must name. */
                info->name = g_strdup(image->name);
                take_signatures(context, repository, image, info);
        }
        return (info != NULL && sc_image_describe_layers(repository, info, context->cancellable, error) &&
                sc_failpoint("describe", error) && sc_foreign_describe(repository, image, info, error)) ||
               sc_prefix(error, "Image %s cannot be used as another program stored it", image->name);
}

static GPtrArray *begin(const ScOpContext *context, ScRepository *repository, int *ret_lock, GError **error)
{
        *ret_lock = sc_repository_lock(repository, false, context->cancellable, error);
        return *ret_lock >= 0 ? sc_foreign_images(repository, error) : NULL;
}

ScImage *sc_image_find_described(const ScOpContext *context, ScRepository *repository, const char *name_or_id, GError **error)
{
        g_autoptr(ScImage) image = sc_image_find(repository, name_or_id, error);
        if (image == NULL || image->info != NULL)
                return g_steal_pointer(&image);
        sc_autofd lock = -1;
        g_autoptr(GPtrArray) foreign = begin(context, repository, &lock, error);
        if (foreign == NULL)
                return NULL;
        for (guint i = 0; i < foreign->len; i++) {
                const ScForeignImage *one = foreign->pdata[i];
                if (g_strv_contains((const char *const *)image->names, one->name) && !describe(context, repository, one, error))
                        return NULL;
        }
        return sc_image_find(repository, name_or_id, error);
}

/* All of them: one that cannot be used is no hindrance for the others, and the first of those is the job's error. */
bool sc_op_describe(ScOpContext *context, GError **error)
{
        g_autoptr(GError) first = NULL;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        sc_autofd lock = -1;
        g_autoptr(GPtrArray) foreign = repository != NULL ? begin(context, repository, &lock, error) : NULL;
        if (foreign == NULL)
                return false;
        sc_report_phase(context->report, "Describing", foreign->len);
        for (guint i = 0; i < foreign->len; i++) {
                g_autoptr(GError) local = NULL;
                if (sc_cancelled(context->cancellable, error))
                        return false;
                if (!describe(context, repository, foreign->pdata[i], &local)) {
                        sc_report_message(context->report, "%s", local->message);
                        if (first == NULL)
                                first = g_steal_pointer(&local);
                }
                sc_report_advance(context->report, 1);
        }
        if (first == NULL)
                return true;
        g_propagate_error(error, g_steal_pointer(&first));
        return false;
}
