/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine.h"

#include "base/error.h"
#include "http.h"
#include "streamed-archive.h"

/* An engine writes all of an image to its own disk before it sends the first byte. */
#define FIRST_BYTE (30 * 60 * G_TIME_SPAN_SECOND)

typedef struct {
        ScStreamSource source;
        const ScConfig *config;
        char *image;
} Engine;

typedef struct {
        ScStream stream;
        ScHttp *http;
        SoupMessage *message;
        GInputStream *body;
        gint64 limit;
        const char *socket; /* the configuration's */
} Answer;

static void answer_free(ScStream *stream)
{
        Answer *answer = (Answer *)stream;
        if (answer->http != NULL)
                sc_http_release(answer->http, &answer->message, &answer->body);
        sc_http_free(answer->http);
        g_free(answer);
}

static bool prefix(const char *socket, GError **error)
{
        return sc_prefix(error, "The engine at %s (EngineSocket= of the configuration)", socket);
}

static gssize answer_read(ScStream *stream, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
        Answer *answer = (Answer *)stream;
        gssize n = sc_http_read(answer->http, answer->body, buffer, size, answer->limit, cancellable, error);
        if (n < 0)
                prefix(answer->socket, error);
        return n;
}

static Answer *get(const Engine *engine, const char *what, GCancellable *cancellable, GError **error)
{
        g_autofree char *text = g_strdup_printf("http://localhost/images/%s/%s", engine->image, what);
        Answer *answer = g_new0(Answer, 1);
        answer->stream = (ScStream){answer_read, answer_free};
        answer->socket = engine->config->engine_socket;
        answer->limit = (gint64)engine->config->stall_timeout * G_TIME_SPAN_SECOND;
        answer->http = sc_http_new_local(answer->socket);
        answer->message = soup_message_new("GET", text);
        g_autoptr(GError) local = NULL;
        answer->body = sc_http_send(answer->http, answer->message, FIRST_BYTE, cancellable, &local);
        if (answer->body != NULL)
                return answer;
        /* Not the image is what could not be found. */
        if (g_error_matches(local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
                sc_throw(error, SC_ERROR_NETWORK,
                         "No engine answers at %s: start its socket, or set EngineSocket= in sysconsd.conf (podman's is "
                         "/run/podman/podman.sock)",
                         answer->socket);
        } else {
                g_propagate_error(error, g_steal_pointer(&local));
                prefix(answer->socket, error);
        }
        answer_free(&answer->stream);
        return NULL;
}

static bool check(const Engine *engine, const Answer *answer, GError **error)
{
        guint status = soup_message_get_status(answer->message);
        if (status == 200)
                return true;
        if (status == 404)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found: the engine at %s has none of this name",
                                engine->image, answer->socket);
        return sc_throw(error, SC_ERROR_NETWORK, "The engine at %s answers %u when it is asked for %s", answer->socket, status,
                        engine->image);
}

static ScStream *engine_open(ScStreamSource *source, GCancellable *cancellable, GError **error)
{
        const Engine *engine = (const Engine *)source;
        /* podman's service says of an image that it lacks, when it is asked for all of it, that it failed */
        Answer *look = get(engine, "json", cancellable, error);
        bool is_there = look != NULL && check(engine, look, error);
        if (look != NULL)
                answer_free(&look->stream);
        Answer *answer = is_there ? get(engine, "get", cancellable, error) : NULL;
        if (answer == NULL || check(engine, answer, error))
                return (ScStream *)answer;
        answer_free(&answer->stream);
        return NULL;
}

static void engine_free(ScStreamSource *source)
{
        Engine *engine = (Engine *)source;
        g_free(engine->image);
        g_free(engine);
}

ScTransport *sc_engine_new(const ScTransportRequest *request)
{
        Engine *engine = g_new0(Engine, 1);
        engine->source = (ScStreamSource){engine_open, engine_free};
        engine->config = request->config;
        engine->image = g_strdup(request->reference->name);
        return sc_streamed_archive_new(request, &engine->source);
}
