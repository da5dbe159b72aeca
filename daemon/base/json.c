/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include "error.h"
#include <string.h>

typedef enum { SCAN_OK, SCAN_TOO_DEEP, SCAN_NOT_JSON } ScanResult;

/* json-glib parses recursively, so nesting is counted before it sees the text. It also reads comments, which are no JSON and could
 * hide brackets and quotes from the count: a byte that JSON has no use for outside of strings ends the matter here. *ret_end:
 * behind the first object, where json-glib stops to read. */
static ScanResult scan(const char *text, gsize size, gsize *ret_end)
{
        unsigned depth = 0;
        bool in_string = false;
        *ret_end = size;
        for (gsize i = 0; i < size; i++) {
                char c = text[i];
                if (in_string) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                in_string = false;
                } else if (c == '"') {
                        in_string = true;
                } else if (c == '{' || c == '[') {
                        if (++depth > SC_JSON_MAX_DEPTH)
                                return SCAN_TOO_DEEP;
                } else if (c == '}' || c == ']') {
                        if (depth > 0 && --depth == 0 && *ret_end == size)
                                *ret_end = i + 1;
                } else if (c == '\0' || strchr(" \t\r\n:,+-.0123456789eEtrufalsn", c) == NULL) {
                        return SCAN_NOT_JSON;
                }
        }
        return SCAN_OK;
}

/* json-glib keeps the last of several members of one name; here they are counted. */
static void count_member(JsonParser *parser, JsonObject *object, const char *name, gpointer data)
{
        g_hash_table_insert(data, object, GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(data, object)) + 1));
}

typedef struct {
        GHashTable *counts; /* of members, by object */
        bool repeated;
} Members;

static void compare_count(JsonParser *parser, JsonObject *object, gpointer data)
{
        Members *members = data;
        if (GPOINTER_TO_UINT(g_hash_table_lookup(members->counts, object)) != json_object_get_size(object))
                members->repeated = true;
        /* Its address may become another's. */
        g_hash_table_remove(members->counts, object);
}

static bool load(JsonParser *parser, const char *text, gsize size, bool strictly, const char *what, GError **error)
{
        g_autoptr(GHashTable) counts = g_hash_table_new(NULL, NULL);
        g_autoptr(GError) local = NULL;
        Members members = {counts, false};
        if (strictly) {
                g_signal_connect(parser, "object-member", G_CALLBACK(count_member), counts);
                g_signal_connect(parser, "object-end", G_CALLBACK(compare_count), &members);
        }
        if (!json_parser_load_from_data(parser, text, (gssize)size, &local))
                return sc_throw(error, SC_ERROR_CORRUPT, "The %s is not valid JSON: %s", what, local->message);
        return !members.repeated || sc_throw(error, SC_ERROR_CORRUPT, "The %s has a key twice in one object", what);
}

static bool is_space(const char *text, gsize size)
{
        for (gsize i = 0; i < size; i++)
                if (strchr(" \t\r\n", text[i]) == NULL)
                        return false;
        return true;
}

/* NULL on error. */
static JsonParser *parse(const char *text, gssize size, gsize max, bool strictly, const char *what, GError **error)
{
        gsize length = size < 0 ? strlen(text) : (gsize)size;
        if (length > max) {
                sc_throw(error, SC_ERROR_CORRUPT, "The %s is larger than %" G_GSIZE_FORMAT " bytes", what, max);
                return NULL;
        }
        if (!g_utf8_validate(text, (gssize)length, NULL)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The %s is not valid UTF-8", what);
                return NULL;
        }
        gsize end;
        switch (scan(text, length, &end)) {
        case SCAN_OK:
                break;
        case SCAN_TOO_DEEP:
                sc_throw(error, SC_ERROR_CORRUPT, "The %s is nested deeper than %d levels", what, SC_JSON_MAX_DEPTH);
                return NULL;
        case SCAN_NOT_JSON:
                sc_throw(error, SC_ERROR_CORRUPT, "The %s is not valid JSON", what);
                return NULL;
        }
        if (strictly && !is_space(text + end, length - end)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The %s has something behind its end", what);
                return NULL;
        }
        g_autoptr(JsonParser) parser = json_parser_new_immutable();
        return load(parser, text, length, strictly, what, error) ? g_steal_pointer(&parser) : NULL;
}

/* parsed: NULL after an error; else it is freed. */
static JsonObject *take_object(JsonParser *parsed, const char *what, GError **error)
{
        g_autoptr(JsonParser) parser = parsed;
        if (parser == NULL)
                return NULL;
        JsonNode *root = json_parser_get_root(parser);
        if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The %s is not a JSON object", what);
                return NULL;
        }
        return json_node_dup_object(root);
}

JsonObject *sc_json_parse_object(const char *text, gssize size, gsize max, const char *what, GError **error)
{
        return take_object(parse(text, size, max, false, what, error), what, error);
}

JsonObject *sc_json_parse_strictly(const char *text, gssize size, gsize max, const char *what, GError **error)
{
        return take_object(parse(text, size, max, true, what, error), what, error);
}

JsonArray *sc_json_parse_array(const char *text, gssize size, gsize max, const char *what, GError **error)
{
        g_autoptr(JsonParser) parser = parse(text, size, max, false, what, error);
        if (parser == NULL)
                return NULL;
        JsonNode *root = json_parser_get_root(parser);
        if (root == NULL || !JSON_NODE_HOLDS_ARRAY(root)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The %s is not a JSON array", what);
                return NULL;
        }
        return json_node_dup_array(root);
}

bool sc_json_has_only(JsonObject *object, const char *const *keys, const char *what, GError **error)
{
        g_autoptr(GList) members = json_object_get_members(object);
        for (const GList *item = members; item != NULL; item = item->next)
                if (!g_strv_contains(keys, item->data)) {
                        g_autofree char *shown = g_strndup(item->data, 64);
                        return sc_throw(error, SC_ERROR_CORRUPT, "The key '%s' is unknown in %s", shown, what);
                }
        return true;
}

/* NULL and *ret_ok false: error. NULL and true: absent. */
static JsonNode *member(JsonObject *object, const char *key, ScJsonNeed need, bool *ret_ok, GError **error)
{
        JsonNode *node = json_object_get_member(object, key);
        *ret_ok = true;
        if (node != NULL && !JSON_NODE_HOLDS_NULL(node))
                return node;
        if (need == SC_JSON_REQUIRED)
                *ret_ok = sc_throw(error, SC_ERROR_CORRUPT, "The key '%s' is missing", key);
        return NULL;
}

static bool wrong_type(const char *key, const char *wanted, GError **error)
{
        return sc_throw(error, SC_ERROR_CORRUPT, "The key '%s' is not %s", key, wanted);
}

static bool holds(JsonNode *node, GType type)
{
        return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

bool sc_json_get_string(JsonObject *object, const char *key, ScJsonNeed need, const char **ret, GError **error)
{
        bool ok;
        JsonNode *node = member(object, key, need, &ok, error);
        if (node != NULL && !holds(node, G_TYPE_STRING))
                return wrong_type(key, "a string", error);
        if (ok)
                *ret = node != NULL ? json_node_get_string(node) : NULL;
        return ok;
}

bool sc_json_get_object(JsonObject *object, const char *key, ScJsonNeed need, JsonObject **ret, GError **error)
{
        bool ok;
        JsonNode *node = member(object, key, need, &ok, error);
        if (node != NULL && !JSON_NODE_HOLDS_OBJECT(node))
                return wrong_type(key, "an object", error);
        if (ok)
                *ret = node != NULL ? json_node_get_object(node) : NULL;
        return ok;
}

bool sc_json_get_array(JsonObject *object, const char *key, ScJsonNeed need, JsonArray **ret, GError **error)
{
        bool ok;
        JsonNode *node = member(object, key, need, &ok, error);
        if (node != NULL && !JSON_NODE_HOLDS_ARRAY(node))
                return wrong_type(key, "an array", error);
        if (ok)
                *ret = node != NULL ? json_node_get_array(node) : NULL;
        return ok;
}

bool sc_json_get_int(JsonObject *object, const char *key, ScJsonNeed need, gint64 *ret, GError **error)
{
        bool ok;
        JsonNode *node = member(object, key, need, &ok, error);
        if (node != NULL && !holds(node, G_TYPE_INT64))
                return wrong_type(key, "an integer", error);
        if (ok)
                *ret = node != NULL ? json_node_get_int(node) : 0;
        return ok;
}

bool sc_json_get_uint(JsonObject *object, const char *key, ScJsonNeed need, guint64 *ret, GError **error)
{
        gint64 value;
        if (!sc_json_get_int(object, key, need, &value, error))
                return false;
        if (value < 0)
                return wrong_type(key, "a positive integer", error);
        *ret = (guint64)value;
        return true;
}

bool sc_json_get_bool(JsonObject *object, const char *key, ScJsonNeed need, bool *ret, GError **error)
{
        bool ok;
        JsonNode *node = member(object, key, need, &ok, error);
        if (node != NULL && !holds(node, G_TYPE_BOOLEAN))
                return wrong_type(key, "true or false", error);
        if (ok)
                *ret = node != NULL && json_node_get_boolean(node);
        return ok;
}

bool sc_json_get_strv(JsonObject *object, const char *key, ScJsonNeed need, char ***ret, GError **error)
{
        JsonArray *array;
        if (!sc_json_get_array(object, key, need, &array, error))
                return false;
        if (array == NULL) {
                *ret = NULL;
                return true;
        }
        g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < json_array_get_length(array); i++) {
                JsonNode *node = json_array_get_element(array, i);
                if (!holds(node, G_TYPE_STRING))
                        return wrong_type(key, "an array of strings", error);
                g_ptr_array_add(strings, g_strdup(json_node_get_string(node)));
        }
        g_ptr_array_add(strings, NULL);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
        return true;
}

bool sc_json_get_string_map(JsonObject *object, const char *key, ScJsonNeed need, GHashTable **ret, GError **error)
{
        JsonObject *members;
        if (!sc_json_get_object(object, key, need, &members, error))
                return false;
        g_autoptr(GHashTable) map = sc_string_map_new();
        g_autoptr(GList) names = members != NULL ? json_object_get_members(members) : NULL;
        for (GList *name = names; name != NULL; name = name->next) {
                JsonNode *node = json_object_get_member(members, name->data);
                char *value = NULL;
                if (holds(node, G_TYPE_STRING))
                        value = json_node_dup_string(node);
                else if (JSON_NODE_HOLDS_VALUE(node))
                        value = json_to_string(node, FALSE);
                else
                        return sc_throw(error, SC_ERROR_CORRUPT, "In '%s', the value of '%s' is not a string", key,
                                        (char *)name->data);
                g_hash_table_insert(map, g_strdup(name->data), value);
        }
        *ret = g_steal_pointer(&map);
        return true;
}

/* Sorted, so that the same map is always the same text. */
void sc_json_set_string_map(JsonObject *object, const char *key, GHashTable *map)
{
        JsonObject *members = json_object_new();
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(map), (GCompareFunc)strcmp);
        for (GList *name = names; name != NULL; name = name->next)
                json_object_set_string_member(members, name->data, g_hash_table_lookup(map, name->data));
        json_object_set_object_member(object, key, members);
}

void sc_json_set_strv(JsonObject *object, const char *key, char *const *strv)
{
        JsonArray *array = json_array_new();
        for (char *const *string = strv; string != NULL && *string != NULL; string++)
                json_array_add_string_element(array, *string);
        json_object_set_array_member(object, key, array);
}

GHashTable *sc_string_map_new(void)
{
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

GHashTable *sc_string_map_copy(GHashTable *map)
{
        GHashTable *copy = sc_string_map_new();
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, map);
        while (g_hash_table_iter_next(&iter, &key, &value))
                g_hash_table_insert(copy, g_strdup(key), g_strdup(value));
        return copy;
}

char *sc_json_to_string(JsonObject *object, bool pretty)
{
        g_autoptr(JsonNode) node = json_node_alloc();
        json_node_init_object(node, object);
        char *text = json_to_string(node, pretty);
        if (!pretty)
                return text;
        char *with_end = g_strconcat(text, "\n", NULL);
        g_free(text);
        return with_end;
}
