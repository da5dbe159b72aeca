/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus.h"
#include "value.h"
#include <stdlib.h>
#include <string.h>

#define JOBS_PATH SC_BUS_ROOT "/job"

static const struct {
        const char *interface;
        const char *finder; /* the Manager's method, NULL: there is none */
} kinds[] = {
        [SC_OBJECT_CONTAINER] = {SC_BUS_CONTAINER, "GetContainer"},
        [SC_OBJECT_IMAGE] = {SC_BUS_IMAGE, "GetImage"},
        [SC_OBJECT_JOB] = {SC_BUS_JOB, NULL},
        [SC_OBJECT_MANAGER] = {SC_BUS_MANAGER, NULL},
};

void sc_object_free(ScObject *object)
{
        if (object == NULL)
                return;
        g_free(object->path);
        g_clear_pointer(&object->properties, json_object_unref);
        g_free(object);
}

/* Takes the properties. */
static ScObject *object_new(ScObjectKind kind, const char *path, JsonObject *properties)
{
        ScObject *object = g_new0(ScObject, 1);
        object->kind = kind;
        object->path = g_strdup(path);
        object->properties = properties;
        if (kind == SC_OBJECT_JOB)
                json_object_set_int_member(properties, "Job", (gint64)sc_job_number(path));
        return object;
}

static const char *first_name(const ScObject *object)
{
        if (object->kind == SC_OBJECT_CONTAINER)
                return sc_value_string(object->properties, "Name");
        JsonNode *names = json_object_get_member(object->properties, "Names");
        if (names != NULL && JSON_NODE_HOLDS_ARRAY(names) && json_array_get_length(json_node_get_array(names)) > 0)
                return json_array_get_string_element(json_node_get_array(names), 0);
        return "";
}

static int compare(gconstpointer a, gconstpointer b)
{
        const ScObject *left = *(const ScObject *const *)a, *right = *(const ScObject *const *)b;
        if (left->kind == SC_OBJECT_JOB) {
                guint64 x = sc_job_number(left->path), y = sc_job_number(right->path);
                return x < y ? -1 : x > y;
        }
        int order = g_strcmp0(first_name(left), first_name(right));
        return order != 0 ? order : strcmp(left->path, right->path);
}

/* The message is at the a{sa{sv}} of one object. */
static int read_interfaces(sd_bus_message *reply, ScObjectKind kind, const char *path, GPtrArray *objects)
{
        int r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "{sa{sv}}");
        while (r > 0 && (r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}")) > 0) {
                const char *interface;
                r = sd_bus_message_read_basic(reply, SD_BUS_TYPE_STRING, &interface);
                if (r < 0)
                        return r;
                if (strcmp(interface, kinds[kind].interface) == 0) {
                        JsonObject *properties;
                        r = sc_value_read_object(reply, &properties);
                        if (r < 0)
                                return r;
                        g_ptr_array_add(objects, object_new(kind, path, properties));
                } else {
                        r = sd_bus_message_skip(reply, "a{sv}");
                        if (r < 0)
                                return r;
                }
                r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int read_objects(sd_bus_message *reply, ScObjectKind kind, GPtrArray *objects)
{
        int r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "{oa{sa{sv}}}");
        while (r > 0 && (r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_DICT_ENTRY, "oa{sa{sv}}")) > 0) {
                const char *path;
                r = sd_bus_message_read_basic(reply, SD_BUS_TYPE_OBJECT_PATH, &path);
                if (r < 0)
                        return r;
                r = read_interfaces(reply, kind, path, objects);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static void object_destroy(gpointer object)
{
        sc_object_free(object);
}

bool sc_objects_list(ScClient *client, ScObjectKind kind, GPtrArray **ret, GError **error)
{
        sd_bus_message *call, *reply;
        if (!sc_call_new(client, SC_BUS_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &call, error))
                return false;
        bool ok = sc_call(client, call, NULL, &reply, error);
        sd_bus_message_unref(call);
        if (!ok)
                return false;
        g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func(object_destroy);
        int r = read_objects(reply, kind, objects);
        sd_bus_message_unref(reply);
        if (!sc_bus_check(r, "The answer of sysconsd cannot be read", error))
                return false;
        g_ptr_array_sort(objects, compare);
        *ret = g_steal_pointer(&objects);
        return true;
}

bool sc_object_find(ScClient *client, ScObjectKind kind, const char *name, char **ret_path, GError **error)
{
        g_assert(kinds[kind].finder != NULL);
        sd_bus_message *call, *reply;
        if (!sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, kinds[kind].finder, name, &call, error))
                return false;
        bool ok = sc_call(client, call, NULL, &reply, error);
        sd_bus_message_unref(call);
        if (!ok)
                return false;
        const char *path;
        int r = sd_bus_message_read_basic(reply, SD_BUS_TYPE_OBJECT_PATH, &path);
        if (r > 0)
                *ret_path = g_strdup(path);
        sd_bus_message_unref(reply);
        return sc_bus_check(r, "The answer of sysconsd cannot be read", error);
}

bool sc_job_path(const char *number, char **ret, GError **error)
{
        guint64 value;
        if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT64, &value, NULL))
                return sc_exit_throw(error, SC_EXIT_USAGE, "'%s' is not the number of a job; `sysconsctl jobs` lists them", number);
        *ret = g_strdup_printf(JOBS_PATH "/%" G_GUINT64_FORMAT, value);
        return true;
}

guint64 sc_job_number(const char *path)
{
        guint64 value = 0;
        if (g_str_has_prefix(path, JOBS_PATH "/"))
                g_ascii_string_to_unsigned(path + strlen(JOBS_PATH "/"), 10, 0, G_MAXUINT64, &value, NULL);
        return value;
}

bool sc_job_throw_unknown(const char *path, GError **error)
{
        return sc_exit_throw(error, SC_EXIT_NOT_FOUND,
                             "Job %" G_GUINT64_FORMAT " is not known; a finished job is forgotten after a minute",
                             sc_job_number(path));
}

bool sc_object_get(ScClient *client, ScObjectKind kind, const char *path, ScObject **ret, GError **error)
{
        sd_bus_message *call, *reply;
        if (!sc_call_new(client, path, "org.freedesktop.DBus.Properties", "GetAll", kinds[kind].interface, &call, error))
                return false;
        g_autoptr(GError) local = NULL;
        bool ok = sc_call(client, call, NULL, &reply, &local);
        sd_bus_message_unref(call);
        if (!ok) {
                if (kind == SC_OBJECT_JOB && sc_exit_code(local) == SC_EXIT_NOT_FOUND)
                        return sc_job_throw_unknown(path, error);
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        JsonObject *properties;
        int r = sc_value_read_object(reply, &properties);
        sd_bus_message_unref(reply);
        if (!sc_bus_check(r, "The answer of sysconsd cannot be read", error))
                return false;
        *ret = object_new(kind, path, properties);
        return true;
}

static JsonNode *present_error(JsonNode *node)
{
        if (!JSON_NODE_HOLDS_ARRAY(node) || json_array_get_length(json_node_get_array(node)) != 2)
                return NULL;
        JsonArray *pair = json_node_get_array(node);
        const char *name = json_array_get_string_element(pair, 0);
        if (name == NULL || name[0] == '\0')
                return json_node_init_null(json_node_alloc());
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_string_member(object, "name", name);
        json_object_set_string_member(object, "message", json_array_get_string_element(pair, 1));
        return json_node_init_object(json_node_alloc(), object);
}

JsonObject *sc_object_present(const ScObject *object)
{
        JsonObject *shown = json_object_new();
        /* A job's number leads. */
        if (object->kind == SC_OBJECT_JOB)
                json_object_set_int_member(shown, "Job", sc_value_int(object->properties, "Job"));
        JsonObjectIter iter;
        const char *name;
        JsonNode *node;
        json_object_iter_init_ordered(&iter, object->properties);
        while (json_object_iter_next_ordered(&iter, &name, &node)) {
                JsonNode *value = NULL;
                if (strcmp(name, "Created") == 0) {
                        value = sc_value_present_time(node);
                } else if (object->kind == SC_OBJECT_JOB && strcmp(name, "Error") == 0) {
                        value = present_error(node);
                }
                json_object_set_member(shown, name, value != NULL ? value : json_node_copy(node));
        }
        return shown;
}

/* "VirtualSize" to "virtual_size" */
static char *snake_case(const char *name)
{
        GString *text = g_string_new(NULL);
        for (const char *p = name; *p != '\0'; p++) {
                if (g_ascii_isupper(*p) && p != name)
                        g_string_append_c(text, '_');
                g_string_append_c(text, g_ascii_tolower(*p));
        }
        return g_string_free(text, FALSE);
}

JsonObject *sc_object_to_json(JsonObject *presented)
{
        JsonObject *object = json_object_new();
        JsonObjectIter iter;
        const char *name;
        JsonNode *node;
        json_object_iter_init_ordered(&iter, presented);
        while (json_object_iter_next_ordered(&iter, &name, &node)) {
                g_autofree char *key = snake_case(name);
                json_object_set_member(object, key, json_node_copy(node));
        }
        return object;
}
