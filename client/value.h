/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What comes over the bus, as JSON values: one form for tables, `show` and --json. */

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

/* The complete value at the message's read position. Strings, object paths: string; integers: integer (what exceeds 64 signed bits
 * is clamped); a dictionary with string keys: object; arrays and structs: array; a variant: what is in it. A negative errno on a
 * message that cannot be read so (file descriptors, other keys). */
int sc_value_read(sd_bus_message *message, JsonNode **ret);
/* The same where only a dictionary with string keys will do. */
int sc_value_read_object(sd_bus_message *message, JsonObject **ret);

/* Members of a properties object; "" or 0 where the member is missing or of another type. */
const char *sc_value_string(JsonObject *object, const char *name);
gint64 sc_value_int(JsonObject *object, const char *name);
bool sc_value_bool(JsonObject *object, const char *name);

/* Seconds since the epoch as people and programs are shown them: a string in ISO 8601, or null for 0, unknown. */
JsonNode *sc_value_present_time(JsonNode *seconds);
/* A scalar as text ("yes", "no" for booleans); NULL for null, arrays and objects. */
char *sc_value_to_text(JsonNode *node);
/* JSON text, indented, with a newline at the end; characters that could command a terminal are escaped. */
char *sc_value_to_json(JsonNode *node);
