/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Our errors as D-Bus errors: org.sysconsd1.Error.CODE; and what more than one object puts into its messages. */

#include "base/error.h"
#include <systemd/sd-bus.h>

#define SC_BUS_NAME "org.sysconsd1"
#define SC_BUS_PATH "/org/sysconsd1"
#define SC_BUS_ERROR_PREFIX "org.sysconsd1.Error."

/* The D-Bus name of an error, newly allocated; a foreign one is Failed. */
char *sc_bus_error_name(const GError *error);

/* For a method handler: answers the call with the error. Returns what the handler is to return. */
int sc_bus_reply_error(sd_bus_message *call, const GError *error);

/* A text, as sd_bus_message_append_basic() with 's', which decodes each character by a call. In one that the bus would refuse all
 * that is not ASCII becomes `?`: one image must not spoil the list of all. Then {ss}, and a{ss} of texts by texts. Negative errno,
 * as sd_bus_message_append(). */
int sc_bus_append_text(sd_bus_message *message, const char *text);
int sc_bus_append_pair(sd_bus_message *message, const char *key, const char *value);
int sc_bus_append_map(sd_bus_message *message, GHashTable *map);
/* The same as {sv}, one or all of a table of texts by texts, into an open array of them. */
int sc_bus_append_detail(sd_bus_message *message, const char *key, const char *value);
int sc_bus_append_details(sd_bus_message *message, GHashTable *details);

/* A line in the journal, "WHAT: MESSAGE", for an error that nobody can be told. */
void sc_bus_complain(int priority, const char *what, const char *message);

/* Sets Failed from a negative errno of sd-bus, as sc_throw_errno() does. */
bool sc_bus_throw(GError **error, int r, const char *format, ...) G_GNUC_PRINTF(3, 4);
