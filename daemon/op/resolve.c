/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resolve.h"

#include "base/error.h"
#include "base/path.h"
#include "base/registries-files.h"
#include "options.h"
#include "ostree-source.h"
#include "registry/manifest.h"
#include "skopeo.h"
#include "source-file.h"
#include "store/layer.h"
#include <string.h>

typedef struct {
        const ScOpContext *context;
        ScTransport *transport;
        GCancellable *cancellable;
} Resolve;

ScTransport *sc_resolve_open(const ScOpContext *context, const ScReference *reference, ScRepository *repository, GError **error)
{
        static const char *const replace_words[] = {"no", "yes", NULL};
        const char *replace;
        sc_autofd file = -1;
        if (!sc_option_word(context, "replace", replace_words, &replace, error) ||
            !sc_source_file_open(context, reference, repository, &file, error))
                return NULL;
        g_autoptr(ScRegistries) registries = NULL;
        bool registry = reference->source == SC_SOURCE_REGISTRY || reference->source == SC_SOURCE_REGISTRY_INSECURE;
        if (registry && (registries = sc_registries_load(context->config->scope, context->cancellable, error)) == NULL)
                return NULL;
        ScStreamSource *stream = NULL;
        if (reference->source == SC_SOURCE_STORAGE && (stream = sc_skopeo_new(context, reference, error)) == NULL)
                return NULL;
        if (reference->source == SC_SOURCE_OSTREE && (stream = sc_ostree_source_new(context, reference, error)) == NULL)
                return NULL;
        const ScTransportRequest request = {
                .reference = reference,
                .config = context->config,
                .report = context->report,
                .flags = strcmp(replace, "yes") == 0 ? SC_TRANSPORT_ANY_SERVER : 0,
                .stream = stream,
                .file = file,
                .registries = registries,
                .keyring = context->keyring,
        };
        ScTransport *transport = sc_transport_new(&request, error);
        if (transport != NULL)
                file = -1; /* the transport's */
        return transport;
}

static bool fetch(const Resolve *resolve, const ScDigest *digest, guint64 size, ScManifestText *ret, ScManifestKind *ret_kind,
                  GError **error)
{
        return sc_transport_get_manifest(resolve->transport, digest, size, ret, resolve->cancellable, error) &&
               sc_manifest_kind(ret->content_type, ret->text, ret->size, resolve->context->subject, ret_kind, error);
}

static bool fetch_manifest(const Resolve *resolve, ScManifestText *ret, GError **error)
{
        const char *what = resolve->context->subject;
        ScManifestKind kind;
        if (!fetch(resolve, NULL, 0, ret, &kind, error))
                return false;
        if (kind == SC_MANIFEST_IMAGE)
                return true;
        ScDigest digest;
        guint64 size;
        if (!sc_index_choose(ret->text, ret->size, what, &digest, &size, error))
                return false;
        sc_manifest_text_clear(ret);
        if (!fetch(resolve, &digest, size, ret, &kind, error))
                return false;
        return kind == SC_MANIFEST_IMAGE || sc_throw(error, SC_ERROR_UNSUPPORTED, "Image %s: its index names another index", what);
}

ScImageInfo *sc_resolve(const ScOpContext *context, ScTransport *transport, GCancellable *cancellable, ScManifestText *ret_manifest,
                        char **ret_config, GError **error)
{
        const Resolve resolve = {context, transport, cancellable};
        const char *what = context->subject;
        if (!fetch_manifest(&resolve, ret_manifest, error))
                return NULL;
        g_autofree char *config = NULL;
        g_autoptr(ScImageInfo) info = sc_manifest_parse(ret_manifest->text, ret_manifest->size, &ret_manifest->digest,
                                                        context->config->max_layers, what, error);
        if (info == NULL || !sc_transport_get_blob(transport, &info->config, info->config_size, &config, cancellable, error) ||
            !sc_manifest_add_config(info, config, info->config_size, what, error))
                return NULL;
        *ret_config = g_steal_pointer(&config);
        return g_steal_pointer(&info);
}

GPtrArray *sc_resolve_missing(ScRepository *repository, const ScImageInfo *info, guint64 *ret_bytes, GError **error)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(sc_digest_hash_func, sc_digest_equal_func);
        g_autoptr(GPtrArray) missing = g_ptr_array_new();
        *ret_bytes = 0;
        for (guint i = 0; i < info->layers->len; i++) {
                ScLayerInfo *layer = info->layers->pdata[i];
                g_autoptr(GError) local = NULL;
                if (!g_hash_table_add(seen, &layer->digest) || sc_layer_exists(repository, &layer->digest, &local))
                        continue;
                if (local != NULL) {
                        g_propagate_error(error, g_steal_pointer(&local));
                        return NULL;
                }
                g_ptr_array_add(missing, layer);
                *ret_bytes += layer->size;
        }
        return g_steal_pointer(&missing);
}
