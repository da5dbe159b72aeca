/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One attempt to GET something of a repository at one location, with all that belongs to it: the scheme, the token, redirects, and
 * what each status and each trouble means to a human. */

#include "location.h"
#include "patience.h"

typedef struct {
        const char *kind;    /* "manifests", "blobs"; NULL: the registry as such, to see whether it lets one in */
        const char *version; /* tag or digest */
        const char *accept;  /* NULL: anything */
        guint64 offset;      /* > 0: bytes from there on */
        const char *missing; /* the message for a 404 */
} ScRequest;

typedef struct {
        ScHttp *http; /* that it came by; NULL: there is no answer */
        SoupMessage *message;
        GInputStream *body;
} ScAnswer;
void sc_answer_clear(ScAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScAnswer, sc_answer_clear)

/* The answer has status 200, or 206 or 416 if the request has an offset. NotFound, AccessDenied, Network; see sc_patience_throw()
 * for which of them may pass. */
bool sc_request_send(ScLocation *location, ScHttp *http, const ScRequest *request, ScPatience *patience, ScAnswer *ret,
                     GCancellable *cancellable, GError **error);

/* More of the answer's body, at most size bytes; *ret 0: its end. Feeds the patience. */
bool sc_answer_read(const ScAnswer *answer, void *buffer, gsize size, ScPatience *patience, gsize *ret, GCancellable *cancellable,
                    GError **error);

/* The whole body, with a zero behind it that does not count. More than max bytes is Corrupt. `what` names it in that message. */
bool sc_answer_read_all(const ScAnswer *answer, gsize max, const char *what, ScPatience *patience, GByteArray **ret,
                        GCancellable *cancellable, GError **error);
