/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "info.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/path.h"

#define OUR_KEY "sysconsd"

ScInfo *sc_info_new(void)
{
        ScInfo *info = g_new0(ScInfo, 1);
        info->values = sc_string_map_new();
        info->installed_files = sc_string_map_new();
        info->renamed_files = sc_string_map_new();
        info->rendered_files = g_new0(char *, 1);
        info->unknown = json_object_new();
        info->has_service = true;
        info->use_links = true;
        return info;
}

void sc_info_free(ScInfo *info)
{
        if (info == NULL)
                return;
        g_free(info->image);
        g_free(info->revision);
        g_free(info->image_id);
        g_free(info->ostree_commit);
        g_hash_table_unref(info->values);
        g_hash_table_unref(info->installed_files);
        g_strfreev(info->rendered_files);
        g_hash_table_unref(info->renamed_files);
        g_free(info->rpm_installed);
        g_free(info->system_package);
        g_free(info->remote);
        g_free(info->runtime);
        g_free(info->deployment_id);
        g_clear_pointer(&info->set_values, g_hash_table_unref);
        g_free(info->command);
        g_strfreev(info->ports);
        g_strfreev(info->health_command);
        g_strfreev(info->package_files);
        g_free(info->bad_image);
        json_object_unref(info->unknown);
        g_free(info);
}

static const char *const atomic_keys[] = {
        "image",
        "revision",
        "ostree-commit",
        "created",
        "values",
        "has-container-service",
        "installed-files",
        "installed-files-checksum",
        "installed-files-template",
        "rename-installed-files",
        "rpm-installed",
        "system-package",
        "remote",
        "use-links",
        "runtime",
        OUR_KEY,
};

static bool get_text(JsonObject *object, const char *key, char **ret, GError **error)
{
        const char *text;
        if (!sc_json_get_string(object, key, SC_JSON_OPTIONAL, &text, error))
                return false;
        g_free(*ret);
        *ret = g_strdup(text);
        return true;
}

static bool get_map(JsonObject *object, const char *key, GHashTable **ret, GError **error)
{
        GHashTable *map;
        if (!sc_json_get_string_map(object, key, SC_JSON_OPTIONAL, &map, error))
                return false;
        g_clear_pointer(ret, g_hash_table_unref);
        *ret = map;
        return true;
}

/* A key that an older version of the atomic command did not write means what it did then. */
static bool get_flag(JsonObject *object, const char *key, bool absent, bool *ret, GError **error)
{
        *ret = absent;
        return !json_object_has_member(object, key) || sc_json_get_bool(object, key, SC_JSON_OPTIONAL, ret, error);
}

/* `remote` was false, or a path; it was written as a boolean where there was none. */
static bool get_remote(JsonObject *object, char **ret, GError **error)
{
        JsonNode *node = json_object_get_member(object, "remote");
        if (node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN &&
            !json_node_get_boolean(node))
                return true;
        return get_text(object, "remote", ret, error);
}

/* Old files have the list without checksums: such a file is ours, but can never be proven unmodified. */
static bool get_installed_files(JsonObject *object, ScInfo *info, GError **error)
{
        g_auto(GStrv) files = NULL;
        if (!sc_json_get_strv(object, "installed-files", SC_JSON_OPTIONAL, &files, error) ||
            !get_map(object, "installed-files-checksum", &info->installed_files, error))
                return false;
        for (char **file = files; file != NULL && *file != NULL; file++)
                if (!g_hash_table_contains(info->installed_files, *file))
                        g_hash_table_insert(info->installed_files, g_strdup(*file), g_strdup(""));
        return true;
}

static bool get_created(JsonObject *object, gint64 *ret, GError **error)
{
        JsonNode *node = json_object_get_member(object, "created");
        if (node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_DOUBLE) {
                double created = json_node_get_double(node);
                *ret = created > 0 && created < 1e15 ? (gint64)created : 0;
                return true;
        }
        return sc_json_get_int(object, "created", SC_JSON_OPTIONAL, ret, error);
}

static bool get_ours(JsonObject *object, ScInfo *info, GError **error)
{
        JsonObject *ours;
        if (!sc_json_get_object(object, OUR_KEY, SC_JSON_OPTIONAL, &ours, error))
                return false;
        if (ours == NULL)
                return true;
        return get_text(ours, "deployment-id", &info->deployment_id, error) && get_text(ours, "image-id", &info->image_id, error) &&
               (!json_object_has_member(ours, "set-values") || get_map(ours, "set-values", &info->set_values, error)) &&
               get_text(ours, "command", &info->command, error) &&
               sc_json_get_strv(ours, "ports", SC_JSON_OPTIONAL, &info->ports, error) &&
               sc_json_get_strv(ours, "health-command", SC_JSON_OPTIONAL, &info->health_command, error) &&
               get_flag(ours, "enabled", false, &info->enabled, error) &&
               sc_json_get_strv(ours, "package-files", SC_JSON_OPTIONAL, &info->package_files, error) &&
               get_text(ours, "bad-image", &info->bad_image, error);
}

static void keep_unknown(JsonObject *object, ScInfo *info)
{
        g_autoptr(GList) names = json_object_get_members(object);
        for (GList *name = names; name != NULL; name = name->next) {
                bool known = false;
                for (guint i = 0; i < G_N_ELEMENTS(atomic_keys) && !known; i++)
                        known = g_str_equal(name->data, atomic_keys[i]);
                if (!known)
                        json_object_set_member(info->unknown, name->data, json_object_dup_member(object, name->data));
        }
}

ScInfo *sc_info_parse(const char *text, gsize size, const char *what, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_INFO_MAX_SIZE, what, error);
        if (object == NULL)
                return NULL;
        g_autoptr(ScInfo) info = sc_info_new();
        bool ok = get_text(object, "image", &info->image, error) && get_text(object, "revision", &info->revision, error) &&
                  get_text(object, "ostree-commit", &info->ostree_commit, error) && get_created(object, &info->created, error) &&
                  get_map(object, "values", &info->values, error) &&
                  get_flag(object, "has-container-service", true, &info->has_service, error) &&
                  get_installed_files(object, info, error);
        g_auto(GStrv) rendered = NULL;
        ok = ok && sc_json_get_strv(object, "installed-files-template", SC_JSON_OPTIONAL, &rendered, error) &&
             get_map(object, "rename-installed-files", &info->renamed_files, error) &&
             get_text(object, "rpm-installed", &info->rpm_installed, error) &&
             get_text(object, "system-package", &info->system_package, error) && get_remote(object, &info->remote, error) &&
             get_flag(object, "use-links", true, &info->use_links, error) && get_text(object, "runtime", &info->runtime, error) &&
             get_ours(object, info, error);
        if (!ok) {
                sc_prefix(error, "Cannot read the %s", what);
                return NULL;
        }
        if (rendered != NULL) {
                g_strfreev(info->rendered_files);
                info->rendered_files = g_steal_pointer(&rendered);
        }
        keep_unknown(object, info);
        return g_steal_pointer(&info);
}

static void set_text(JsonObject *object, const char *key, const char *text)
{
        if (text != NULL)
                json_object_set_string_member(object, key, text);
        else
                json_object_set_null_member(object, key);
}

static char **sorted_keys(GHashTable *map)
{
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(map), (GCompareFunc)g_strcmp0);
        char **keys = g_new0(char *, g_hash_table_size(map) + 1);
        guint n = 0;
        for (GList *name = names; name != NULL; name = name->next)
                keys[n++] = g_strdup(name->data);
        return keys;
}

static JsonObject *ours_to_json(const ScInfo *info)
{
        JsonObject *ours = json_object_new();
        set_text(ours, "deployment-id", info->deployment_id);
        if (info->image_id != NULL)
                json_object_set_string_member(ours, "image-id", info->image_id);
        if (info->set_values != NULL)
                sc_json_set_string_map(ours, "set-values", info->set_values);
        set_text(ours, "command", info->command);
        if (info->ports != NULL)
                sc_json_set_strv(ours, "ports", info->ports);
        if (info->health_command != NULL)
                sc_json_set_strv(ours, "health-command", info->health_command);
        if (info->enabled)
                json_object_set_boolean_member(ours, "enabled", true);
        if (info->package_files != NULL)
                sc_json_set_strv(ours, "package-files", info->package_files);
        set_text(ours, "bad-image", info->bad_image);
        return ours;
}

char *sc_info_to_text(const ScInfo *info)
{
        g_autoptr(JsonObject) object = json_object_new();
        g_auto(GStrv) files = sorted_keys(info->installed_files);
        set_text(object, "image", info->image);
        set_text(object, "revision", info->revision);
        set_text(object, "ostree-commit", info->ostree_commit);
        json_object_set_int_member(object, "created", info->created);
        sc_json_set_string_map(object, "values", info->values);
        json_object_set_boolean_member(object, "has-container-service", info->has_service);
        sc_json_set_strv(object, "installed-files", files);
        sc_json_set_string_map(object, "installed-files-checksum", info->installed_files);
        sc_json_set_strv(object, "installed-files-template", info->rendered_files);
        sc_json_set_string_map(object, "rename-installed-files", info->renamed_files);
        set_text(object, "rpm-installed", info->rpm_installed);
        set_text(object, "system-package", info->system_package != NULL ? info->system_package : "no");
        set_text(object, "remote", info->remote);
        json_object_set_boolean_member(object, "use-links", info->use_links);
        set_text(object, "runtime", info->runtime);
        json_object_set_object_member(object, OUR_KEY, ours_to_json(info));
        g_autoptr(GList) names = json_object_get_members(info->unknown);
        for (GList *name = names; name != NULL; name = name->next)
                json_object_set_member(object, name->data, json_object_dup_member(info->unknown, name->data));
        return sc_json_to_string(object, true);
}

ScInfo *sc_info_read(int deployment_fd, const char *what, GError **error)
{
        g_autofree char *text = NULL;
        gsize size;
        if (!sc_read_file(deployment_fd, "info", SC_INFO_MAX_SIZE, &text, &size, error)) {
                sc_prefix(error, "Cannot read the %s", what);
                return NULL;
        }
        return sc_info_parse(text, size, what, error);
}

bool sc_info_write(int deployment_fd, const ScInfo *info, ScWriteFlags flags, GError **error)
{
        g_autofree char *text = sc_info_to_text(info);
        return sc_write_sweep(deployment_fd, "info", error) && sc_write_file(deployment_fd, "info", text, -1, 0600, flags, error);
}

const char *sc_info_image_id(const ScInfo *info)
{
        return info->image_id != NULL ? info->image_id : info->revision;
}
