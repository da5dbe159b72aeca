/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "user-namespace.h"

#include "base/error.h"
#include "base/json.h"
#include <string.h>
#include <unistd.h>

static GArray *read_map(const char *path, guint32 own)
{
        g_autofree char *text = NULL;
        g_file_get_contents(path, &text, NULL, NULL);
        return sc_subid_map(text, g_get_user_name(), getuid(), own);
}

static bool is_installed(const char *program)
{
        g_autofree char *path = g_find_program_in_path(program);
        return path != NULL;
}

ScUserNamespace *sc_user_namespace_new(const char *runtime)
{
        g_autofree char *runtime_name = g_path_get_basename(runtime);
        ScUserNamespace *user_namespace = g_new0(ScUserNamespace, 1);
        user_namespace->user_name = g_get_user_name();
        user_namespace->sets_groups = g_str_has_prefix(runtime_name, "crun");
        user_namespace->uids = read_map("/etc/subuid", getuid());
        user_namespace->gids = read_map("/etc/subgid", getgid());
        bool ranges = user_namespace->uids->len > 1 && user_namespace->gids->len > 1 && is_installed("newuidmap") &&
                      is_installed("newgidmap");
        if (!ranges) {
                g_array_set_size(user_namespace->uids, 1);
                g_array_set_size(user_namespace->gids, 1);
        }
        return user_namespace;
}

void sc_user_namespace_free(ScUserNamespace *user_namespace)
{
        if (user_namespace == NULL)
                return;
        g_array_unref(user_namespace->uids);
        g_array_unref(user_namespace->gids);
        g_free(user_namespace);
}

/* ---- the namespace ---- */

static JsonArray *array_member(JsonObject *object, const char *name)
{
        JsonNode *node = json_object_get_member(object, name);
        if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node))
                json_object_set_array_member(object, name, json_array_new());
        return json_object_get_array_member(object, name);
}

/* The array's object whose member has this value; NULL: none. */
static JsonObject *find(JsonArray *array, const char *member, const char *value)
{
        for (guint i = 0; i < json_array_get_length(array); i++) {
                JsonNode *node = json_array_get_element(array, i);
                const char *found = NULL;
                if (JSON_NODE_HOLDS_OBJECT(node) &&
                    sc_json_get_string(json_node_get_object(node), member, SC_JSON_OPTIONAL, &found, NULL) &&
                    g_strcmp0(found, value) == 0)
                        return json_node_get_object(node);
        }
        return NULL;
}

static void add_namespace(JsonObject *linux_part)
{
        JsonArray *namespaces = array_member(linux_part, "namespaces");
        if (find(namespaces, "type", "user") != NULL)
                return;
        JsonObject *user = json_object_new();
        json_object_set_string_member(user, "type", "user");
        json_array_add_object_element(namespaces, user);
}

/* True if they are ours: an image's own stay. */
static bool add_mappings(JsonObject *linux_part, const char *name, const GArray *map)
{
        JsonArray *mappings = array_member(linux_part, name);
        if (json_array_get_length(mappings) > 0)
                return false;
        for (guint i = 0; i < map->len; i++) {
                const ScIdRange *range = &g_array_index(map, ScIdRange, i);
                JsonObject *mapping = json_object_new();
                json_object_set_int_member(mapping, "containerID", range->container);
                json_object_set_int_member(mapping, "hostID", range->host);
                json_object_set_int_member(mapping, "size", range->count);
                json_array_add_object_element(mappings, mapping);
        }
        return true;
}

/* ---- what cannot be had in it ---- */

static bool has_own_network(JsonObject *linux_part)
{
        JsonObject *network = find(array_member(linux_part, "namespaces"), "type", "network");
        return network != NULL && !json_object_has_member(network, "path");
}

static void bind_sysfs(JsonObject *mount)
{
        static const char *const options[] = {"rbind", "nosuid", "noexec", "nodev", "ro"};
        JsonArray *array = json_array_new();
        for (guint i = 0; i < G_N_ELEMENTS(options); i++)
                json_array_add_string_element(array, options[i]);
        json_object_set_string_member(mount, "type", "bind");
        json_object_set_string_member(mount, "source", "/sys");
        json_object_set_array_member(mount, "options", array);
}

static bool names_nobody(const char *option, const char *prefix, const GArray *map)
{
        guint64 id;
        return g_str_has_prefix(option, prefix) &&
               g_ascii_string_to_unsigned(option + strlen(prefix), 10, 0, G_MAXUINT32, &id, NULL) &&
               !sc_subid_maps(map, (guint32)id);
}

static void drop_options(const ScUserNamespace *user_namespace, JsonObject *mount)
{
        JsonArray *options = NULL;
        sc_json_get_array(mount, "options", SC_JSON_OPTIONAL, &options, NULL);
        for (guint i = options != NULL ? json_array_get_length(options) : 0; i > 0; i--) {
                JsonNode *node = json_array_get_element(options, i - 1);
                const char *option = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
                if (option != NULL &&
                    (names_nobody(option, "uid=", user_namespace->uids) || names_nobody(option, "gid=", user_namespace->gids)))
                        json_array_remove_element(options, i - 1);
        }
}

static void adapt_mounts(const ScUserNamespace *user_namespace, JsonObject *config, JsonObject *linux_part)
{
        JsonArray *mounts = array_member(config, "mounts");
        for (guint i = 0; i < json_array_get_length(mounts); i++) {
                JsonNode *node = json_array_get_element(mounts, i);
                const char *type = NULL;
                if (!JSON_NODE_HOLDS_OBJECT(node))
                        continue;
                JsonObject *mount = json_node_get_object(node);
                sc_json_get_string(mount, "type", SC_JSON_OPTIONAL, &type, NULL);
                if (g_strcmp0(type, "sysfs") == 0 && !has_own_network(linux_part))
                        bind_sysfs(mount);
                drop_options(user_namespace, mount);
        }
}

/* ---- who the container is ---- */

static bool check_id(const ScUserNamespace *user_namespace, const char *what, gint64 id, const GArray *map, GError **error)
{
        if (id >= 0 && id <= G_MAXUINT32 && sc_subid_maps(map, (guint32)id))
                return true;
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                        "The container runs as the %s %" G_GINT64_FORMAT
                        ", whom the user namespace of %s does not have: a range in /etc/subuid and /etc/subgid helps (as root: "
                        "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s; it must belong to nobody else), "
                        "newuidmap and newgidmap must be installed",
                        what, id, user_namespace->user_name, user_namespace->user_name);
}

static gint64 id_member(JsonObject *user, const char *name)
{
        JsonNode *node = json_object_get_member(user, name);
        return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : 0;
}

static bool check_user(const ScUserNamespace *user_namespace, JsonObject *config, GError **error)
{
        JsonObject *process = NULL, *user = NULL;
        JsonArray *groups = NULL;
        if (!sc_json_get_object(config, "process", SC_JSON_OPTIONAL, &process, error) ||
            (process != NULL && !sc_json_get_object(process, "user", SC_JSON_OPTIONAL, &user, error)) ||
            (user != NULL && !sc_json_get_array(user, "additionalGids", SC_JSON_OPTIONAL, &groups, error)))
                return false;
        if (user == NULL)
                return true;
        if (!user_namespace->sets_groups) {
                json_object_remove_member(user, "additionalGids");
                groups = NULL;
        }
        if (!check_id(user_namespace, "user", id_member(user, "uid"), user_namespace->uids, error) ||
            !check_id(user_namespace, "group", id_member(user, "gid"), user_namespace->gids, error))
                return false;
        for (guint i = 0; groups != NULL && i < json_array_get_length(groups); i++) {
                JsonNode *node = json_array_get_element(groups, i);
                gint64 gid = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : -1;
                if (!check_id(user_namespace, "group", gid, user_namespace->gids, error))
                        return false;
        }
        return true;
}

bool sc_user_namespace_apply(const ScUserNamespace *user_namespace, JsonObject *config, GError **error)
{
        JsonObject *linux_part = NULL;
        if (!sc_json_get_object(config, "linux", SC_JSON_OPTIONAL, &linux_part, error))
                return false;
        if (linux_part == NULL) {
                linux_part = json_object_new();
                json_object_set_object_member(config, "linux", linux_part);
        }
        add_namespace(linux_part);
        bool uids = add_mappings(linux_part, "uidMappings", user_namespace->uids);
        bool gids = add_mappings(linux_part, "gidMappings", user_namespace->gids);
        adapt_mounts(user_namespace, config, linux_part);
        return !uids || !gids || check_user(user_namespace, config, error);
}
