/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime-config.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/path.h"
#include "command.h"
#include "image-user.h"
#include "runtime-json.h"
#include "service.h"
#include "template.h"
#include <string.h>
#include <unistd.h>

/* Runtimes in Go take "Root" for "root", json-glib does not: what we check must be what they read. */
static bool check_spelling(JsonObject *object, const char *name, GError **error)
{
        g_autoptr(GList) members = json_object_get_members(object);
        for (GList *member = members; member != NULL; member = member->next) {
                const char *key = member->data;
                if (g_ascii_strcasecmp(key, name) == 0 && strcmp(key, name) != 0)
                        return sc_throw(error, SC_ERROR_CORRUPT, "Invalid configuration file.  The key '%s' must be written '%s'",
                                        key, name);
        }
        return true;
}

static bool check_root(JsonObject *config, const char *rootfs_path, GError **error)
{
        JsonObject *root;
        bool read_only;
        const char *path;
        if (!check_spelling(config, "root", error) || !check_spelling(config, "linux", error) ||
            !sc_json_get_object(config, "root", SC_JSON_REQUIRED, &root, error) || !check_spelling(root, "readonly", error) ||
            !check_spelling(root, "path", error) || !sc_json_get_bool(root, "readonly", SC_JSON_OPTIONAL, &read_only, error) ||
            !sc_json_get_string(root, "path", SC_JSON_OPTIONAL, &path, error))
                return false;
        if (!read_only)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "Invalid configuration file.  Only readonly images are supported");
        if (path == NULL || strcmp(path, "rootfs") != 0)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Invalid configuration file.  Path must be 'rootfs'");
        if (rootfs_path != NULL)
                json_object_set_string_member(root, "path", rootfs_path);
        return true;
}

char *sc_runtime_config_cgroup(const ScScope *scope, const char *runtime, const char *unit_text, const char *name)
{
        g_autofree char *runtime_name = g_path_get_basename(runtime);
        if (!g_str_has_prefix(runtime_name, "crun"))
                return g_strdup_printf("container-%s", name);
        g_autofree char *unit_cgroup = sc_service_cgroup(scope, unit_text, name);
        return g_strdup_printf("%s/container-%s", unit_cgroup, name);
}

/* A unit that starts the runtime by itself, not by $EXEC_START, has no group of its own for the runtime; a relative path would
 * then begin above the unit. */
static bool set_cgroup(JsonObject *config, const ScRuntimeConfigInput *input, GError **error)
{
        if (!sc_template_uses(sc_service_template(input->exports), "EXEC_START"))
                return true;
        JsonObject *linux_part;
        const char *path;
        if (!sc_json_get_object(config, "linux", SC_JSON_OPTIONAL, &linux_part, error))
                return false;
        if (linux_part == NULL) {
                linux_part = json_object_new();
                json_object_set_object_member(config, "linux", linux_part);
        }
        if (!check_spelling(linux_part, "cgroupsPath", error) ||
            !sc_json_get_string(linux_part, "cgroupsPath", SC_JSON_OPTIONAL, &path, error))
                return false;
        if (path != NULL && *path != '\0')
                return true;
        g_autofree char *unit = sc_service_make(input->exports, input->variables, error);
        if (unit == NULL)
                return false;
        g_autofree char *ours = sc_runtime_config_cgroup(sc_variables_scope(input->variables), input->runtime, unit,
                                                         sc_variables_get(input->variables, "NAME"));
        json_object_set_string_member(linux_part, "cgroupsPath", ours);
        return true;
}

static bool remove_spec(int scratch_fd, GError **error)
{
        return unlinkat(scratch_fd, "config.json", 0) == 0 || sc_throw_errno(error, "Cannot remove config.json");
}

static JsonObject *runtime_spec(const char *runtime, int scratch_fd, ScNumbers *numbers, GError **error)
{
        /* A user's runc wants to set up the folder of its state first, which cannot be written to here. */
        const char *const argv[] = {runtime, "--root", ".", "spec", NULL};
        g_autofree char *text = NULL;
        gsize size;
        if (!sc_command_run(argv, scratch_fd, NULL, error) ||
            !sc_read_file(scratch_fd, "config.json", SC_RUNTIME_JSON_MAX, &text, &size, error) || !remove_spec(scratch_fd, error)) {
                sc_prefix(error, "Cannot make a configuration for an image that brings none");
                return NULL;
        }
        return sc_runtime_json_parse(text, numbers, error);
}

static JsonObject *object_member(JsonObject *parent, const char *key)
{
        JsonNode *node = json_object_get_member(parent, key);
        if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
                json_object_set_object_member(parent, key, json_object_new());
        return json_object_get_object_member(parent, key);
}

static void add_strings(JsonArray *array, char *const *strings)
{
        for (char *const *string = strings; string != NULL && *string != NULL; string++)
                json_array_add_string_element(array, *string);
}

static void set_args(JsonObject *process, const ScImageInfo *image)
{
        JsonArray *args = json_array_new();
        add_strings(args, image->entrypoint);
        add_strings(args, image->cmd);
        if (json_array_get_length(args) == 0)
                json_array_add_string_element(args, "run.sh");
        json_object_set_array_member(process, "args", args);
}

/* The image's environment, after what the runtime would have had (a later assignment of a name wins). */
static void set_env(JsonObject *process, const ScImageInfo *image)
{
        JsonNode *node = json_object_get_member(process, "env");
        if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node))
                json_object_set_array_member(process, "env", json_array_new());
        JsonArray *env = json_object_get_array_member(process, "env");
        for (char *const *entry = image->env; entry != NULL && *entry != NULL; entry++) {
                gsize name_size = strcspn(*entry, "=") + 1;
                for (guint i = json_array_get_length(env); i > 0; i--) {
                        if (strncmp(json_array_get_string_element(env, i - 1), *entry, name_size) == 0)
                                json_array_remove_element(env, i - 1);
                }
                json_array_add_string_element(env, *entry);
        }
}

static bool set_user(JsonObject *process, const ScImageInfo *image, const char *passwd, const char *group, GError **error)
{
        if (image->user == NULL || *image->user == '\0')
                return true;
        g_auto(ScImageUser) resolved = {0};
        if (!sc_image_user_resolve(image->user, passwd, group, &resolved, error))
                return false;
        JsonObject *user = json_object_new();
        json_object_set_int_member(user, "uid", resolved.uid);
        json_object_set_int_member(user, "gid", resolved.gid);
        if (resolved.groups->len > 0) {
                JsonArray *groups = json_array_new();
                for (guint i = 0; i < resolved.groups->len; i++)
                        json_array_add_int_element(groups, g_array_index(resolved.groups, gid_t, i));
                json_object_set_array_member(user, "additionalGids", groups);
        }
        json_object_set_object_member(process, "user", user);
        return true;
}

static bool fill_in(JsonObject *config, const ScImageInfo *image, const char *passwd, const char *group, GError **error)
{
        JsonObject *root = object_member(config, "root");
        json_object_set_string_member(root, "path", "rootfs");
        json_object_set_boolean_member(root, "readonly", TRUE);
        JsonObject *process = object_member(config, "process");
        json_object_set_boolean_member(process, "terminal", FALSE);
        set_args(process, image);
        set_env(process, image);
        if (image->working_dir != NULL && *image->working_dir != '\0') {
                g_autofree char *cwd = g_canonicalize_filename(image->working_dir, "/");
                json_object_set_string_member(process, "cwd", cwd);
        }
        return set_user(process, image, passwd, group, error);
}

static JsonObject *load(const ScRuntimeConfigInput *input, ScNumbers *numbers, GError **error)
{
        const ScExports *exports = input->exports;
        if (exports->config == NULL) {
                g_autoptr(JsonObject) config = runtime_spec(input->runtime, input->scratch_fd, numbers, error);
                if (config == NULL || !fill_in(config, input->image, input->passwd, input->group, error))
                        return NULL;
                return g_steal_pointer(&config);
        }
        if (!exports->config_is_template)
                return sc_runtime_json_parse(exports->config, numbers, error);
        g_autofree char *text = sc_template_expand("config.json.template", exports->config, input->variables, SC_TEMPLATE_RAW,
                                                   error);
        return text != NULL ? sc_runtime_json_parse(text, numbers, error) : NULL;
}

char *sc_runtime_config_make(const ScRuntimeConfigInput *input, GError **error)
{
        g_auto(ScNumbers) numbers = {0};
        g_autoptr(JsonObject) config = load(input, &numbers, error);
        if (config == NULL)
                return NULL;
        /* An image whose unit needs no runtime may bring {}, as the atomic command wrote for it. */
        bool is_void = json_object_get_size(config) == 0 && !sc_service_needs_runtime(input->exports);
        if (!is_void && (!check_root(config, input->rootfs_path, error) ||
                         (input->user_namespace != NULL && !sc_user_namespace_apply(input->user_namespace, config, error)) ||
                         !set_cgroup(config, input, error)))
                return NULL;
        return sc_runtime_json_print(config, &numbers);
}

bool sc_runtime_config_is_bind(JsonObject *mount)
{
        const char *type = NULL;
        g_auto(GStrv) options = NULL;
        if (!sc_json_get_string(mount, "type", SC_JSON_OPTIONAL, &type, NULL) ||
            !sc_json_get_strv(mount, "options", SC_JSON_OPTIONAL, &options, NULL))
                return false;
        return g_strcmp0(type, "bind") == 0 || (options != NULL && (g_strv_contains((const char *const *)options, "bind") ||
                                                                    g_strv_contains((const char *const *)options, "rbind")));
}

char **sc_runtime_config_missing_sources(const char *config, const char *tmpfiles, GError **error)
{
        g_auto(ScNumbers) numbers = {0};
        g_autoptr(JsonObject) object = sc_runtime_json_parse(config, &numbers, error);
        JsonArray *mounts;
        if (object == NULL || !sc_json_get_array(object, "mounts", SC_JSON_OPTIONAL, &mounts, error))
                return NULL;
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        GPtrArray *missing = g_ptr_array_new();
        for (guint i = 0; mounts != NULL && i < json_array_get_length(mounts); i++) {
                JsonNode *node = json_array_get_element(mounts, i);
                const char *source;
                if (!JSON_NODE_HOLDS_OBJECT(node) || !sc_runtime_config_is_bind(json_node_get_object(node)) ||
                    !sc_json_get_string(json_node_get_object(node), "source", SC_JSON_OPTIONAL, &source, NULL))
                        continue;
                /* A relative one counts from the deployment, which brings it. */
                if (source == NULL || *source != '/' || (access(source, F_OK) == 0 && !sc_tmpfiles_makes(tmpfiles, source)))
                        continue;
                if (g_hash_table_add(seen, (gpointer)source))
                        g_ptr_array_add(missing, g_strdup(source));
        }
        g_ptr_array_add(missing, NULL);
        return (char **)g_ptr_array_free(missing, FALSE);
}

char *sc_runtime_config_command(const char *config)
{
        g_auto(ScNumbers) numbers = {0};
        g_autoptr(JsonObject) object = sc_runtime_json_parse(config, &numbers, NULL);
        JsonObject *process = NULL;
        g_auto(GStrv) args = NULL;
        if (object == NULL || !sc_json_get_object(object, "process", SC_JSON_OPTIONAL, &process, NULL) || process == NULL ||
            !sc_json_get_strv(process, "args", SC_JSON_OPTIONAL, &args, NULL) || args == NULL)
                return g_strdup("");
        return g_strjoinv(" ", args);
}

char *sc_runtime_find(const char *name, GError **error)
{
        bool is_path = strchr(name, '/') != NULL;
        g_autofree char *found = *name != '\0' && (!is_path || g_path_is_absolute(name)) ? g_find_program_in_path(name) : NULL;
        if (found == NULL) {
                sc_throw(error, SC_ERROR_UNSUPPORTED,
                         "Cannot run the container: the runtime %s is not installed; install it, or name another one (runtime)",
                         name);
                return NULL;
        }
        return g_steal_pointer(&found);
}
