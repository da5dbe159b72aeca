/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "value.h"
#include "text.h"
#include <errno.h>
#include <string.h>

static JsonNode *node_string(const char *text)
{
        return json_node_init_string(json_node_alloc(), text);
}

static JsonNode *node_int(gint64 number)
{
        return json_node_init_int(json_node_alloc(), number);
}

static int read_basic(sd_bus_message *message, char type, JsonNode **ret)
{
        union {
                const char *s;
                int b;
                guint8 y;
                gint16 n;
                guint16 q;
                gint32 i;
                guint32 u;
                gint64 x;
                guint64 t;
                double d;
        } value;
        int r = sd_bus_message_read_basic(message, type, &value);
        if (r <= 0)
                return r < 0 ? r : -ENODATA;
        switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                *ret = node_string(value.s);
                return 0;
        case SD_BUS_TYPE_BOOLEAN:
                *ret = json_node_init_boolean(json_node_alloc(), value.b != 0);
                return 0;
        case SD_BUS_TYPE_BYTE:
                *ret = node_int(value.y);
                return 0;
        case SD_BUS_TYPE_INT16:
                *ret = node_int(value.n);
                return 0;
        case SD_BUS_TYPE_UINT16:
                *ret = node_int(value.q);
                return 0;
        case SD_BUS_TYPE_INT32:
                *ret = node_int(value.i);
                return 0;
        case SD_BUS_TYPE_UINT32:
                *ret = node_int(value.u);
                return 0;
        case SD_BUS_TYPE_INT64:
                *ret = node_int(value.x);
                return 0;
        case SD_BUS_TYPE_UINT64:
                *ret = node_int((gint64)MIN(value.t, (guint64)G_MAXINT64));
                return 0;
        case SD_BUS_TYPE_DOUBLE:
                *ret = json_node_init_double(json_node_alloc(), value.d);
                return 0;
        default:
                return -EOPNOTSUPP;
        }
}

static int read_dictionary(sd_bus_message *message, const char *contents, JsonNode **ret)
{
        g_autofree char *entry = g_strndup(contents + 1, strlen(contents) - 2);
        g_autoptr(JsonObject) object = json_object_new();
        int r;
        while ((r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, entry)) > 0) {
                const char *key;
                r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &key);
                if (r < 0)
                        return r;
                JsonNode *value;
                r = sc_value_read(message, &value);
                if (r < 0)
                        return r;
                json_object_set_member(object, key, value);
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        *ret = json_node_init_object(json_node_alloc(), object);
        return 0;
}

static int read_sequence(sd_bus_message *message, JsonNode **ret)
{
        g_autoptr(JsonArray) array = json_array_new();
        int r;
        while ((r = sd_bus_message_at_end(message, 0)) == 0) {
                JsonNode *value;
                r = sc_value_read(message, &value);
                if (r < 0)
                        return r;
                json_array_add_element(array, value);
        }
        if (r < 0)
                return r;
        *ret = json_node_init_array(json_node_alloc(), array);
        return 0;
}

int sc_value_read(sd_bus_message *message, JsonNode **ret)
{
        char type;
        const char *contents;
        int r = sd_bus_message_peek_type(message, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -ENODATA;
        if (contents == NULL)
                return read_basic(message, type, ret);

        /* D-Bus itself bounds the depth of containers. */
        r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;
        g_autoptr(JsonNode) node = NULL;
        if (type == SD_BUS_TYPE_VARIANT)
                r = sc_value_read(message, &node);
        else if (type == SD_BUS_TYPE_ARRAY && contents[0] == '{')
                r = contents[1] == SD_BUS_TYPE_STRING ? read_dictionary(message, contents, &node) : -EOPNOTSUPP;
        else
                r = read_sequence(message, &node);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&node);
        return 0;
}

int sc_value_read_object(sd_bus_message *message, JsonObject **ret)
{
        g_autoptr(JsonNode) node = NULL;
        int r = sc_value_read(message, &node);
        if (r < 0)
                return r;
        if (!JSON_NODE_HOLDS_OBJECT(node))
                return -EBADMSG;
        *ret = json_node_dup_object(node);
        return 0;
}

static JsonNode *scalar(JsonObject *object, const char *name, GType type)
{
        JsonNode *node = json_object_get_member(object, name);
        return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node : NULL;
}

const char *sc_value_string(JsonObject *object, const char *name)
{
        JsonNode *node = scalar(object, name, G_TYPE_STRING);
        return node != NULL ? json_node_get_string(node) : "";
}

gint64 sc_value_int(JsonObject *object, const char *name)
{
        JsonNode *node = scalar(object, name, G_TYPE_INT64);
        return node != NULL ? json_node_get_int(node) : 0;
}

bool sc_value_bool(JsonObject *object, const char *name)
{
        JsonNode *node = scalar(object, name, G_TYPE_BOOLEAN);
        return node != NULL && json_node_get_boolean(node);
}

JsonNode *sc_value_present_time(JsonNode *seconds)
{
        bool is_number = JSON_NODE_HOLDS_VALUE(seconds) && json_node_get_value_type(seconds) == G_TYPE_INT64;
        g_autofree char *time = is_number ? sc_format_time(json_node_get_int(seconds)) : NULL;
        return time != NULL ? json_node_init_string(json_node_alloc(), time) : json_node_init_null(json_node_alloc());
}

char *sc_value_to_text(JsonNode *node)
{
        if (!JSON_NODE_HOLDS_VALUE(node))
                return NULL;
        GType type = json_node_get_value_type(node);
        if (type == G_TYPE_STRING)
                return json_node_dup_string(node);
        if (type == G_TYPE_BOOLEAN)
                return g_strdup(json_node_get_boolean(node) ? "yes" : "no");
        if (type == G_TYPE_INT64)
                return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
        return g_strdup_printf("%g", json_node_get_double(node));
}

/* json-glib escapes most of ASCII's control characters; outside of strings there is none but the line break, so the rest can be
 * escaped in the finished text. */
static char *escape_controls(const char *text)
{
        GString *escaped = g_string_new(NULL);
        for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                GUnicodeType type = g_unichar_type(c);
                if (c == '\n' || (type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT)) {
                        g_string_append_unichar(escaped, c);
                        continue;
                }
                gunichar2 units[2] = {(gunichar2)c};
                gsize n_units = 1;
                if (c > 0xffff) {
                        units[0] = (gunichar2)(0xd800 + ((c - 0x10000) >> 10));
                        units[1] = (gunichar2)(0xdc00 + ((c - 0x10000) & 0x3ff));
                        n_units = 2;
                }
                for (gsize i = 0; i < n_units; i++)
                        g_string_append_printf(escaped, "\\u%04x", units[i]);
        }
        return g_string_free(escaped, FALSE);
}

char *sc_value_to_json(JsonNode *node)
{
        g_autoptr(JsonGenerator) generator = json_generator_new();
        json_generator_set_pretty(generator, TRUE);
        json_generator_set_root(generator, node);
        g_autofree char *text = json_generator_to_data(generator, NULL);
        g_autofree char *escaped = escape_controls(text);
        return g_strconcat(escaped, "\n", NULL);
}
