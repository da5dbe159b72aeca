/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What went wrong in the network, said to a human, with the way out, and whether trying again may help. */

#include "patience.h"

/* HOST, or HOST:PORT where the port is not the scheme's own. Newly allocated. */
char *sc_trouble_host(GUri *uri);

/* From an error of GIO or libsoup, met while talking to host. message NULL: there was none yet. */
bool sc_trouble_throw(const GError *problem, SoupMessage *message, const char *host, ScPatience *patience, GError **error);
/* The microseconds that a header Retry-After (RFC 9110, 10.2.3: seconds, or a date) asks for; 0: none, or no sense in it. */
gint64 sc_trouble_retry_after(const char *text);
/* From the status of an answer that is of no use. Honours Retry-After. */
bool sc_trouble_throw_status(SoupMessage *message, ScPatience *patience, GError **error);
