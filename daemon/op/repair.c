/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repair.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "image-exports.h"
#include "layer-fetch.h"
#include "registry/manifest.h"
#include "resolve.h"
#include <string.h>
#include <unistd.h>

/* libostree reads no larger one. */
#define MAX_COMMIT (128u << 20)

ScReference *sc_repair_origin(const ScImage *image, const char *name, GError **error)
{
        const ScImageInfo *info = image->info;
        guint i = 0;
        while (image->names[i] != NULL && strcmp(image->names[i], name) != 0)
                i++;
        const char *source = image->names[i] != NULL ? image->sources[i] : "";
        bool is_tag = g_str_has_prefix(source, "tag:");
        bool is_insecure = g_strcmp0(info->source, "registry-insecure") == 0;
        if (info->source != NULL && !is_insecure && strcmp(info->source, "registry") != 0) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "Image %s did not come from a registry (%s): import it again", name,
                         info->source);
                return NULL;
        }
        ScReference *reference = sc_reference_parse(is_tag ? source + strlen("tag:") : name, error);
        if (reference != NULL && is_insecure)
                reference->source = SC_SOURCE_REGISTRY_INSECURE;
        return reference;
}

typedef struct {
        ScOpContext *context;
        ScRepository *repository;
        const ScImage *image;
        const ScVerdict *verdict;
        ScTransport *transport;
        ScImport *import;
} Repair;

static void repair_clear(Repair *repair)
{
        sc_import_free(repair->import);
        sc_transport_free(repair->transport);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Repair, repair_clear)

/* 0: the image does not have the layer. */
static guint64 size_of_layer(const ScImageInfo *info, const ScDigest *digest)
{
        for (guint i = 0; i < info->layers->len; i++) {
                const ScLayerInfo *layer = info->layers->pdata[i];
                if (sc_digest_equal(&layer->digest, digest))
                        return layer->size;
        }
        return 0;
}

/* The first versions of the atomic command did not record how large a layer is: then the registry says it, as long as the name
 * means an image that has the layer. */
static bool learn_sizes(Repair *repair, GError **error)
{
        GPtrArray *layers = repair->verdict->layers;
        g_auto(ScManifestText) manifest = {0};
        g_autofree char *config = NULL;
        g_autoptr(ScImageInfo) info = NULL;
        for (guint i = 0; i < layers->len; i++) {
                ScLayerInfo *layer = layers->pdata[i];
                if (layer->size > 0)
                        continue;
                if (info == NULL)
                        info = sc_resolve(repair->context, repair->transport, repair->context->cancellable, &manifest, &config,
                                          error);
                if (info == NULL)
                        return false;
                layer->size = size_of_layer(info, &layer->digest);
                if (layer->size == 0)
                        return sc_throw(
                                error, SC_ERROR_NOT_FOUND,
                                "The image that %s means by now has other layers than the one that is damaged: pull it, update "
                                "what was made of it, and prune",
                                repair->image->names[0]);
        }
        return true;
}

static bool fetch_layers(Repair *repair, GError **error)
{
        GCancellable *cancellable = repair->context->cancellable;
        GPtrArray *layers = repair->verdict->layers;
        guint64 total = 0;
        if (!learn_sizes(repair, error))
                return false;
        for (guint i = 0; i < layers->len; i++)
                total += ((const ScLayerInfo *)layers->pdata[i])->size;
        sc_report_phase(repair->context->report, "Pulling", total);
        for (guint i = 0; i < layers->len; i++) {
                guint64 inflated;
                if (!sc_layer_fetch(repair->context, repair->transport, repair->import, layers->pdata[i], &inflated, cancellable,
                                    error))
                        return false;
        }
        return true;
}

static bool fetch_config(Repair *repair, GError **error)
{
        const ScImageInfo *info = repair->image->info;
        g_autofree char *config = NULL;
        return sc_transport_get_blob(repair->transport, &info->config, info->config_size, &config, repair->context->cancellable,
                                     error) &&
               sc_import_config(repair->import, &info->config, config, info->config_size, error);
}

/* Nothing that the damaged commit says is taken over but its digest, which the registry is asked for. */
static bool fetch_manifest(Repair *repair, const ScReference *origin, GError **error)
{
        ScOpContext *context = repair->context;
        const ScImage *image = repair->image;
        g_autofree char *digest = sc_digest_to_string(&image->info->digest), *config = NULL;
        g_autoptr(ScReference) exact = sc_reference_copy(origin);
        g_auto(ScManifestText) manifest = {0};
        g_free(exact->digest);
        exact->digest = g_strdup(digest);
        g_autoptr(ScTransport) transport = sc_resolve_open(context, exact, NULL, error);
        g_autoptr(ScImageInfo)
                info = transport != NULL ? sc_resolve(context, transport, context->cancellable, &manifest, &config, error) : NULL;
        if (info == NULL)
                return false;
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(&info->config, hex);
        if (strcmp(hex, image->id) != 0)
                return sc_throw(error, SC_ERROR_CORRUPT, "Image %s is too damaged to tell what it was: pull it again",
                                image->names[0]);
        info->name = g_strdup(image->info->name);
        info->source = g_strdup(image->info->source);
        /* By these it was let in, and is again: they are judged whenever it is used. */
        info->transport = g_strdup(image->info->transport);
        info->signatures = g_strdup(image->info->signatures);
        if (!sc_image_describe_layers(repair->repository, info, context->cancellable, error))
                return false;
        for (char **name = image->names; *name != NULL; name++) {
                g_autofree char *ref = sc_ref_encode(*name);
                g_autofree char *commit = sc_repository_resolve(repair->repository, ref, NULL);
                if (g_strcmp0(commit, image->commit) == 0 && !sc_image_publish(repair->repository, &(ScImageTarget){*name, commit},
                                                                               manifest.text, manifest.size, info, error))
                        return false;
        }
        return true;
}

static bool fetch(Repair *repair, const ScReference *origin, GError **error)
{
        const ScOpContext *context = repair->context;
        const ScImportLimits limits = {.max_layer_size = context->config->max_layer_size};
        const ScVerdict *verdict = repair->verdict;
        GHashTableIter iter;
        gpointer object;
        g_hash_table_iter_init(&iter, verdict->objects);
        while (g_hash_table_iter_next(&iter, &object, NULL))
                sc_repository_distrust(repair->repository, object);
        repair->transport = sc_resolve_open(context, origin, NULL, error);
        repair->import = repair->transport != NULL ? sc_import_new(repair->repository, &limits, error) : NULL;
        return repair->import != NULL && fetch_layers(repair, error) && (!verdict->config || fetch_config(repair, error)) &&
               (!verdict->manifest || fetch_manifest(repair, origin, error));
}

/* A commit that was made anew has another time, and so another name: no ref is at the damaged one any more. */
static bool drop_damaged_commits(const Repair *repair, GError **error)
{
        int objects_fd = sc_repository_objects_fd(repair->repository);
        GHashTableIter iter;
        gpointer object;
        g_hash_table_iter_init(&iter, repair->verdict->objects);
        while (g_hash_table_iter_next(&iter, &object, NULL)) {
                g_autofree char *data = NULL;
                char hex[SC_DIGEST_HEX_SIZE];
                ScDigest digest;
                gsize size;
                if (!g_str_has_suffix(object, ".commit") || !sc_read_file(objects_fd, object, MAX_COMMIT, &data, &size, NULL))
                        continue;
                sc_digest_of(data, size, &digest);
                sc_digest_to_hex(&digest, hex);
                if (!g_str_has_prefix((const char *)object + 3, hex + 2) && unlinkat(objects_fd, object, 0) < 0)
                        return sc_throw_errno(error, "Cannot remove the damaged object %s", (const char *)object);
        }
        return true;
}

bool sc_repair(ScOpContext *context, ScRepository *repository, const ScImage *image, const ScVerdict *verdict, ScDamage *damage,
               GError **error)
{
        const char *came_by = image->info->name != NULL ? image->info->name : image->names[0];
        g_auto(Repair) repair = {.context = context, .repository = repository, .image = image, .verdict = verdict};
        if (verdict->n_findings > 0) {
                g_autoptr(ScReference) origin = sc_repair_origin(image, came_by, error);
                if (origin == NULL || !sc_failpoint("repair-keep", error) || !sc_damage_keep(damage, error) ||
                    !sc_failpoint("repair-fetch", error) || !fetch(&repair, origin, error) || !drop_damaged_commits(&repair, error))
                        return false;
        }
        return sc_failpoint("repair-containers", error) && sc_damage_mend_containers(damage, context, error);
}
