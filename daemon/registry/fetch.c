/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch.h"

#include "base/error.h"
#include "failover.h"
#include "request.h"

typedef struct {
        ScRegistry *registry;
        ScHttp *http;
        const ScBlobTarget *target;
        ScBlobTries *tries;
        GCancellable *cancellable;
        ScPatience patience;
        char *name;           /* "sha256:..." */
        ScLocation *location; /* that is asked at the moment */
        GHashTable *whole;    /* locations that cannot continue, and are asked for everything */
        GHashTable *sources;  /* locations that bytes have come from */
        ScHasher *hasher;
        guint8 *chunk; /* SC_BLOB_CHUNK bytes, filled up to: */
        gsize filled;
        guint64 received; /* bytes of the blob that have come in and were hashed */
        bool ended;       /* not by the network: the bytes cannot be taken */
} Fetch;

static const char *host_of(const Fetch *fetch)
{
        return sc_endpoint_host(fetch->location->endpoint);
}

static bool wrong_size(const Fetch *fetch, const char *instead, GError **error)
{
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "The blob %s of %s at %s has %s instead of its %" G_GUINT64_FORMAT " bytes",
                        fetch->name, fetch->registry->image, host_of(fetch), instead, fetch->target->size);
}

static bool check_total(const Fetch *fetch, guint64 total, GError **error)
{
        if (total == fetch->target->size)
                return true;
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, total);
        return wrong_size(fetch, text, error);
}

static bool cannot_continue(Fetch *fetch, GError **error)
{
        g_hash_table_add(fetch->whole, fetch->location);
        return sc_patience_throw(&fetch->patience, error, "%s does not continue the blob %s at byte %" G_GUINT64_FORMAT,
                                 host_of(fetch), fetch->name, fetch->received);
}

/* Where in the blob the answer begins: the byte that was asked for, or 0. */
static bool check_headers(Fetch *fetch, const ScAnswer *answer, guint64 asked, guint64 *ret_start, GError **error)
{
        SoupMessageHeaders *headers = soup_message_get_response_headers(answer->message);
        if (soup_message_get_status(answer->message) == 200) {
                *ret_start = 0;
                return soup_message_headers_get_encoding(headers) != SOUP_ENCODING_CONTENT_LENGTH ||
                       check_total(fetch, (guint64)soup_message_headers_get_content_length(headers), error);
        }
        goffset start, end, total;
        if (soup_message_get_status(answer->message) != 206 ||
            !soup_message_headers_get_content_range(headers, &start, &end, &total) || start < 0 || (guint64)start != asked)
                return cannot_continue(fetch, error);
        if (total >= 0 && !check_total(fetch, (guint64)total, error))
                return false;
        *ret_start = asked;
        return true;
}

static bool flush(Fetch *fetch, GError **error)
{
        gsize size = fetch->filled;
        fetch->filled = 0;
        fetch->ended = size > 0 && !fetch->target->take(fetch->chunk, size, fetch->target->data, error);
        return !fetch->ended;
}

static void report(Fetch *fetch)
{
        ScBlobTries *tries = fetch->tries;
        if (fetch->received <= tries->reported)
                return;
        sc_report_advance(fetch->registry->report, fetch->received - tries->reported);
        tries->reported = fetch->received;
}

/* n bytes stand behind what the chunk holds. */
static bool take_bytes(Fetch *fetch, gsize n, GError **error)
{
        if (n > fetch->target->size - fetch->received)
                return wrong_size(fetch, "more", error);
        g_hash_table_add(fetch->sources, fetch->location);
        if (fetch->location != fetch->registry->primary)
                g_atomic_int_set(&fetch->tries->mirrored, 1);
        sc_hasher_update(fetch->hasher, fetch->chunk + fetch->filled, n);
        fetch->received += n;
        fetch->filled += n;
        sc_patience_advance(&fetch->patience, n);
        report(fetch);
        return fetch->filled < SC_BLOB_CHUNK || flush(fetch, error);
}

/* As fast as it may be. */
static bool read_part(Fetch *fetch, const ScAnswer *answer, void *buffer, gsize size, gsize *ret, GError **error)
{
        ScThrottle *throttle = fetch->registry->throttle;
        if (!sc_answer_read(answer, buffer, sc_throttle_portion(throttle, size), &fetch->patience, ret, fetch->cancellable, error))
                return false;
        gint64 pause = sc_throttle_take(throttle, *ret);
        if (pause <= 0)
                return true;
        g_autoptr(GError) problem = NULL;
        bool waited = sc_http_pause(fetch->http, pause, fetch->cancellable, &problem);
        /* That was no silence of the server's. */
        sc_patience_feed(&fetch->patience);
        return waited || sc_throw(error, SC_ERROR_CANCELLED, "The download was stopped");
}

/* What the server sends again, because it starts at the beginning, is dropped. */
static bool skip_bytes(Fetch *fetch, const ScAnswer *answer, guint64 count, GError **error)
{
        g_autofree guint8 *buffer = count > 0 ? g_malloc(SC_BLOB_CHUNK) : NULL;
        while (count > 0) {
                gsize n;
                if (!read_part(fetch, answer, buffer, (gsize)MIN(count, SC_BLOB_CHUNK), &n, error))
                        return false;
                if (n == 0)
                        return sc_patience_throw(&fetch->patience, error, "%s broke off the blob %s", host_of(fetch), fetch->name);
                count -= n;
        }
        return true;
}

/* Goes on behind the last byte, to see whether the server takes that for the last one, too. */
static bool receive(Fetch *fetch, const ScAnswer *answer, GError **error)
{
        for (;;) {
                gsize n;
                g_autoptr(GError) problem = NULL;
                if (!read_part(fetch, answer, fetch->chunk + fetch->filled, SC_BLOB_CHUNK - fetch->filled, &n, &problem)) {
                        /* A connection that breaks behind the last byte is none of our trouble. */
                        if (fetch->patience.passing && fetch->received == fetch->target->size)
                                return true;
                        g_propagate_error(error, g_steal_pointer(&problem));
                        return false;
                }
                if (n == 0)
                        return true;
                if (!take_bytes(fetch, n, error))
                        return false;
        }
}

static bool receive_rest(Fetch *fetch, GError **error)
{
        g_autofree char *missing = g_strdup_printf("The registry %s lacks the blob %s, which image %s names: push the image again",
                                                   host_of(fetch), fetch->name, fetch->registry->image);
        guint64 asked = g_hash_table_contains(fetch->whole, fetch->location) ? 0 : fetch->received;
        const ScRequest request = {.kind = "blobs", .version = fetch->name, .offset = asked, .missing = missing};
        g_auto(ScAnswer) answer = {};
        guint64 start = 0;
        if (!sc_request_send(fetch->location, fetch->http, &request, &fetch->patience, &answer, fetch->cancellable, error) ||
            !check_headers(fetch, &answer, asked, &start, error) || !skip_bytes(fetch, &answer, fetch->received - start, error) ||
            !receive(fetch, &answer, error))
                return false;
        if (fetch->received < fetch->target->size)
                return sc_patience_throw(&fetch->patience, error,
                                         "%s broke off the blob %s after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes",
                                         host_of(fetch), fetch->name, fetch->received, fetch->target->size);
        return true;
}

static ScAttemptResult attempt(ScLocation *location, gpointer data, GError **error)
{
        Fetch *fetch = data;
        fetch->location = location;
        if (receive_rest(fetch, error))
                return SC_ATTEMPT_DONE;
        return fetch->ended ? SC_ATTEMPT_ENDED : SC_ATTEMPT_FAILED;
}

/* The hosts, in the order of the settings. */
static char *name_sources(const Fetch *fetch)
{
        g_autoptr(GPtrArray) hosts = g_ptr_array_new();
        for (guint i = 0; i < fetch->registry->locations->len; i++) {
                ScLocation *location = fetch->registry->locations->pdata[i];
                const char *host = sc_endpoint_host(location->endpoint);
                if (g_hash_table_contains(fetch->sources, location) &&
                    !g_ptr_array_find_with_equal_func(hosts, host, g_str_equal, NULL))
                        g_ptr_array_add(hosts, (gpointer)host);
        }
        g_ptr_array_add(hosts, NULL);
        return g_strjoinv(" and ", (char **)hosts->pdata);
}

/* Half a blob cannot be checked: of several who had a part in it each mirror may be the one. Beside them the registry itself is
 * not blamed, which is left to be asked. */
static void distrust_mirrors(Fetch *fetch)
{
        ScBlobTries *tries = fetch->tries;
        GHashTableIter iter;
        gpointer location;
        if (tries->distrusted == NULL)
                tries->distrusted = g_hash_table_new(NULL, NULL);
        g_hash_table_iter_init(&iter, fetch->sources);
        while (g_hash_table_iter_next(&iter, &location, NULL)) {
                if (location == fetch->registry->primary)
                        continue;
                sc_failover_put_last(location);
                g_hash_table_add(tries->distrusted, location);
                tries->again = true;
        }
}

static bool check_digest(Fetch *fetch, GError **error)
{
        ScDigest computed;
        sc_hasher_finish(fetch->hasher, &computed);
        if (sc_digest_equal(&computed, fetch->target->digest))
                return true;
        g_autofree char *is = sc_digest_to_string(&computed), *from = name_sources(fetch);
        g_autofree char *problem = g_strdup_printf(
                "A blob of %s at %s has the digest %s instead of %s: the registry's copy is damaged", fetch->registry->image, from,
                is, fetch->name);
        distrust_mirrors(fetch);
        if (fetch->tries->again)
                sc_report_message(fetch->registry->report, "%s; asking for all of it elsewhere", problem);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "%s", problem);
}

static bool run(Fetch *fetch, GError **error)
{
        const ScFailoverPlan plan = {SC_FAILOVER_BY_DIGEST, fetch->tries->distrusted, attempt, fetch};
        if (!sc_failover_run(fetch->registry, fetch->http, &plan, &fetch->patience, fetch->cancellable, error))
                return sc_prefix(error, "Cannot pull %s", fetch->registry->image);
        return flush(fetch, error) && check_digest(fetch, error);
}

void sc_blob_tries_clear(ScBlobTries *tries)
{
        g_clear_pointer(&tries->distrusted, g_hash_table_unref);
}

bool sc_fetch_blob(ScRegistry *registry, ScHttp *http, const ScBlobTarget *target, ScBlobTries *tries, GCancellable *cancellable,
                   GError **error)
{
        Fetch fetch = {.registry = registry, .http = http, .target = target, .tries = tries, .cancellable = cancellable};
        g_autofree char *name = sc_digest_to_string(target->digest);
        g_autofree guint8 *chunk = g_malloc(SC_BLOB_CHUNK);
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        g_autoptr(GHashTable) whole = g_hash_table_new(NULL, NULL);
        g_autoptr(GHashTable) sources = g_hash_table_new(NULL, NULL);
        fetch.name = name;
        fetch.chunk = chunk;
        fetch.hasher = hasher;
        fetch.whole = whole;
        fetch.sources = sources;
        sc_patience_init(&fetch.patience, registry->config);
        tries->again = false;
        g_atomic_int_set(&tries->mirrored, 0);
        return run(&fetch, error);
}
