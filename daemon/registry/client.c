/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include "base/error.h"
#include "failover.h"
#include "fetch.h"
#include "manifest.h"
#include "request.h"
#include <string.h>

static void registry_free(ScTransport *transport)
{
        ScRegistry *registry = (ScRegistry *)transport;
        g_assert(registry->owner == g_thread_self());
        sc_http_free(registry->http);
        sc_throttle_free(registry->throttle);
        g_ptr_array_unref(registry->locations);
        g_free(registry->version);
        g_free(registry->image);
        g_free(registry);
}

/* The calling thread's way into the network. *ret_own: to be freed by the caller, may be NULL. */
static ScHttp *http_of_thread(ScRegistry *registry, ScHttp **ret_own)
{
        if (registry->owner == g_thread_self())
                return registry->http;
        *ret_own = sc_http_new();
        return *ret_own;
}

/* The registry's own word for the digest, where it says one that is understood here, must be right. */
static bool check_said_digest(const ScLocation *location, const ScAnswer *answer, const ScDigest *computed, GError **error)
{
        const char *said = soup_message_headers_get_one(soup_message_get_response_headers(answer->message),
                                                        "Docker-Content-Digest");
        ScDigest digest;
        if (said == NULL || !sc_digest_parse(said, &digest, NULL) || sc_digest_equal(&digest, computed))
                return true;
        g_autofree char *is = sc_digest_to_string(computed), *should = sc_digest_to_string(&digest);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED,
                        "The manifest of %s has the digest %s, and the registry %s says %s: it was damaged on its way",
                        location->image, is, sc_endpoint_host(location->endpoint), should);
}

/* One manifest that is wanted. */
typedef struct {
        ScRegistry *registry;
        ScHttp *http;
        GCancellable *cancellable;
        const char *version;    /* tag or digest */
        const ScDigest *digest; /* NULL: any */
        guint64 size;           /* 0: any */
        bool from_index;        /* which is why it is wanted */
        ScPatience patience;
        ScManifestText *result;
} Wanted;

static bool check_wanted(const Wanted *wanted, const ScLocation *location, gsize size, const ScDigest *computed, GError **error)
{
        if (wanted->size != 0 && size != wanted->size)
                return sc_throw(error, SC_ERROR_VERIFY_FAILED,
                                "The manifest of %s has %" G_GSIZE_FORMAT " bytes instead of %" G_GUINT64_FORMAT, location->image,
                                size, wanted->size);
        if (wanted->digest == NULL || sc_digest_equal(wanted->digest, computed))
                return true;
        g_autofree char *is = sc_digest_to_string(computed), *should = sc_digest_to_string(wanted->digest);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED,
                        "The manifest of %s has the digest %s instead of %s: the registry %s holds something else", location->image,
                        is, should, sc_endpoint_host(location->endpoint));
}

static char *say_missing(const Wanted *wanted, const ScLocation *location)
{
        const char *host = sc_endpoint_host(location->endpoint);
        return wanted->from_index
                       ? g_strdup_printf("Image %s not found: its index names the manifest %s, which the registry %s lacks",
                                         location->image, wanted->version, host)
                       : g_strdup_printf("Image %s not found: the registry %s has no such name or tag", location->image, host);
}

static bool fetch_manifest(ScLocation *location, Wanted *wanted, GError **error)
{
        g_autofree char *missing = say_missing(wanted, location);
        const ScRequest request = {
                .kind = "manifests", .version = wanted->version, .accept = sc_manifest_accept, .missing = missing};
        ScManifestText *ret = wanted->result;
        g_auto(ScAnswer) answer = {};
        if (!sc_request_send(location, wanted->http, &request, &wanted->patience, &answer, wanted->cancellable, error))
                return false;
        g_autofree char *what = g_strdup_printf("manifest of %s", location->image);
        g_autoptr(GByteArray) body = NULL;
        if (!sc_answer_read_all(&answer, SC_MANIFEST_MAX_SIZE, what, &wanted->patience, &body, wanted->cancellable, error))
                return false;
        ScDigest computed;
        sc_digest_of(body->data, body->len, &computed);
        if (!check_wanted(wanted, location, body->len, &computed, error) || !check_said_digest(location, &answer, &computed, error))
                return false;
        ret->content_type = g_strdup(
                soup_message_headers_get_content_type(soup_message_get_response_headers(answer.message), NULL));
        ret->digest = computed;
        ret->text = (char *)g_byte_array_steal(body, &ret->size);
        return true;
}

static ScAttemptResult attempt_manifest(ScLocation *location, gpointer data, GError **error)
{
        return fetch_manifest(location, data, error) ? SC_ATTEMPT_DONE : SC_ATTEMPT_FAILED;
}

static bool get_manifest(ScTransport *transport, const ScDigest *digest, guint64 expected_size, ScManifestText *ret,
                         GCancellable *cancellable, GError **error)
{
        ScRegistry *registry = (ScRegistry *)transport;
        g_autoptr(ScHttp) own = NULL;
        g_autofree char *named = digest != NULL ? sc_digest_to_string(digest) : NULL;
        Wanted wanted = {
                .registry = registry,
                .http = http_of_thread(registry, &own),
                .cancellable = cancellable,
                .version = named != NULL ? named : registry->version,
                .digest = digest,
                .size = expected_size,
                .from_index = digest != NULL,
                .result = ret,
        };
        /* A reference by digest says what to expect, too. */
        ScDigest referenced;
        if (digest == NULL && strchr(registry->version, ':') != NULL) {
                if (!sc_digest_parse(registry->version, &referenced, error))
                        return false;
                wanted.digest = &referenced;
        }
        sc_patience_init(&wanted.patience, registry->config);
        const ScFailoverPlan plan = {wanted.digest != NULL ? SC_FAILOVER_BY_DIGEST : SC_FAILOVER_BY_TAG, NULL, attempt_manifest,
                                     &wanted};
        return sc_failover_run(registry, wanted.http, &plan, &wanted.patience, cancellable, error) ||
               sc_prefix(error, "Cannot pull %s", registry->image);
}

static bool append_chunk(const void *chunk, gsize size, gpointer data, GError **error)
{
        g_byte_array_append(data, chunk, (guint)size);
        return true;
}

static bool get_blob(ScTransport *transport, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                     GError **error)
{
        ScRegistry *registry = (ScRegistry *)transport;
        if (size > SC_CONFIG_MAX_SIZE)
                return sc_throw(error, SC_ERROR_CORRUPT, "A configuration of %" G_GUINT64_FORMAT " bytes is too large", size);
        g_autoptr(ScHttp) own = NULL;
        ScHttp *http = http_of_thread(registry, &own);
        g_autoptr(GByteArray) data = g_byte_array_sized_new((guint)size + 1);
        const ScBlobTarget target = {.digest = digest, .size = size, .take = append_chunk, .data = data};
        g_auto(ScBlobTries) tries = {0};
        while (!sc_fetch_blob(registry, http, &target, &tries, cancellable, error)) {
                if (!tries.again)
                        return false;
                g_clear_error(error);
                g_byte_array_set_size(data, 0);
        }
        g_byte_array_append(data, (const guint8 *)"", 1);
        *ret_data = (char *)g_byte_array_steal(data, NULL);
        return true;
}

ScTransport *sc_registry_new(const ScTransportRequest *request, GError **error)
{
        static const ScTransportKind kind = {get_manifest, get_blob, sc_registry_open_blob, registry_free, NULL};
        const ScReference *reference = request->reference;
        if (reference->host == NULL) {
                sc_throw(error, SC_ERROR_INVALID_REFERENCE, "The image %s names no registry: write it in front, as in docker.io/%s",
                         reference->name, reference->name);
                return NULL;
        }
        g_autoptr(GPtrArray) locations = sc_locations_new(reference, request->registries, request->config, request->keyring, error);
        if (locations == NULL)
                return NULL;
        ScRegistry *registry = g_new0(ScRegistry, 1);
        registry->transport.kind = &kind;
        registry->config = request->config;
        registry->report = request->report;
        registry->image = g_strdup(reference->name);
        registry->version = g_strdup(reference->digest != NULL ? reference->digest : reference->tag);
        registry->locations = g_steal_pointer(&locations);
        registry->primary = registry->locations->pdata[registry->locations->len - 1];
        for (guint i = 0; (request->flags & SC_TRANSPORT_ANY_SERVER) != 0 && i < registry->locations->len; i++)
                sc_endpoint_allow_any_server(((ScLocation *)registry->locations->pdata[i])->endpoint);
        registry->owner = g_thread_self();
        registry->http = sc_http_new();
        registry->throttle = sc_throttle_new(request->config->bandwidth_limit);
        return &registry->transport;
}
