/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON from outside, bounded before it is parsed, and read by typed accessors whose errors name the key. */

#include <json-glib/json-glib.h>
#include <stdbool.h>

#define SC_JSON_MAX_DEPTH 64

/* The text must be one JSON object of at most max bytes and SC_JSON_MAX_DEPTH levels, valid UTF-8; anything else is Corrupt.
 * `what` names the text in messages ("manifest of localhost:5000/etcd:latest"). size -1: a string. */
JsonObject *sc_json_parse_object(const char *text, gssize size, gsize max, const char *what, GError **error);
/* The same, and an object with the same key twice is Corrupt, as is anything behind the object: for what decides whom to trust, and
 * is read by other programs too. */
JsonObject *sc_json_parse_strictly(const char *text, gssize size, gsize max, const char *what, GError **error);
/* Every key of the object is one of those; Corrupt names one that is not. `what` names the object: "a signature". */
bool sc_json_has_only(JsonObject *object, const char *const *keys, const char *what, GError **error);

/* The same for an array. */
JsonArray *sc_json_parse_array(const char *text, gssize size, gsize max, const char *what, GError **error);

/* Accessors: *ret is set to the member, or to its "absent" value (NULL, 0, false) where the key is missing or null and
 * `need` is SC_JSON_OPTIONAL. A member of another type is Corrupt, so is a missing one that is SC_JSON_REQUIRED. Strings and
 * objects stay owned by the parent. */
typedef enum { SC_JSON_OPTIONAL, SC_JSON_REQUIRED } ScJsonNeed;
bool sc_json_get_string(JsonObject *object, const char *key, ScJsonNeed need, const char **ret, GError **error);
bool sc_json_get_object(JsonObject *object, const char *key, ScJsonNeed need, JsonObject **ret, GError **error);
bool sc_json_get_array(JsonObject *object, const char *key, ScJsonNeed need, JsonArray **ret, GError **error);
bool sc_json_get_uint(JsonObject *object, const char *key, ScJsonNeed need, guint64 *ret, GError **error);
bool sc_json_get_int(JsonObject *object, const char *key, ScJsonNeed need, gint64 *ret, GError **error);
bool sc_json_get_bool(JsonObject *object, const char *key, ScJsonNeed need, bool *ret, GError **error);
/* An array of strings, as a new NULL-terminated vector (an absent one: NULL). */
bool sc_json_get_strv(JsonObject *object, const char *key, ScJsonNeed need, char ***ret, GError **error);
/* An object of scalars, as a new GHashTable of strings (numbers and booleans become their JSON text); absent: empty table. */
bool sc_json_get_string_map(JsonObject *object, const char *key, ScJsonNeed need, GHashTable **ret, GError **error);

void sc_json_set_string_map(JsonObject *object, const char *key, GHashTable *map);
void sc_json_set_strv(JsonObject *object, const char *key, char *const *strv);
/* A new GHashTable of owned strings. */
GHashTable *sc_string_map_new(void);
GHashTable *sc_string_map_copy(GHashTable *map);

/* Newly allocated; pretty: indented by two spaces, with a newline at the end. */
char *sc_json_to_string(JsonObject *object, bool pretty);
