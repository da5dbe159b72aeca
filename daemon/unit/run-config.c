/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-config.h"

#include "base/error.h"
#include "runtime-config.h"
#include "runtime-json.h"
#include <string.h>

static bool member_object(JsonObject *parent, const char *key, JsonObject **ret, GError **error)
{
        if (!sc_json_get_object(parent, key, SC_JSON_OPTIONAL, ret, error))
                return false;
        if (*ret == NULL) {
                *ret = json_object_new();
                json_object_set_object_member(parent, key, *ret);
        }
        return true;
}

/* The runtime asks the terminal for its size, too, but by then the command may have asked. */
static void set_console_size(JsonObject *process, const ScRunConfigInput *input)
{
        json_object_remove_member(process, "consoleSize");
        if (!input->terminal || input->rows == 0 || input->columns == 0)
                return;
        JsonObject *size = json_object_new();
        json_object_set_int_member(size, "height", input->rows);
        json_object_set_int_member(size, "width", input->columns);
        json_object_set_object_member(process, "consoleSize", size);
}

static bool set_process(JsonObject *config, const ScRunConfigInput *input, JsonObject **ret, GError **error)
{
        JsonObject *process;
        if (!member_object(config, "process", &process, error))
                return false;
        *ret = process;
        json_object_set_boolean_member(process, "terminal", input->terminal);
        set_console_size(process, input);
        if (input->argv != NULL && input->argv[0] != NULL)
                sc_json_set_strv(process, "args", input->argv);
        return true;
}

static void make_absolute(JsonObject *object, const char *key, const char *path, const char *place)
{
        g_autofree char *absolute = g_build_filename(place, path, NULL);
        if (path[0] != '/')
                json_object_set_string_member(object, key, absolute);
}

static bool set_root(JsonObject *config, const char *place, GError **error)
{
        JsonObject *root;
        const char *path;
        if (!sc_json_get_object(config, "root", SC_JSON_REQUIRED, &root, error) ||
            !sc_json_get_string(root, "path", SC_JSON_REQUIRED, &path, error))
                return false;
        make_absolute(root, "path", path, place);
        return true;
}

static bool set_mounts(JsonObject *config, const char *place, GError **error)
{
        JsonArray *mounts;
        if (!sc_json_get_array(config, "mounts", SC_JSON_OPTIONAL, &mounts, error))
                return false;
        for (guint i = 0; mounts != NULL && i < json_array_get_length(mounts); i++) {
                JsonNode *node = json_array_get_element(mounts, i);
                const char *source;
                if (!JSON_NODE_HOLDS_OBJECT(node) || !sc_runtime_config_is_bind(json_node_get_object(node)) ||
                    !sc_json_get_string(json_node_get_object(node), "source", SC_JSON_OPTIONAL, &source, NULL) || source == NULL)
                        continue;
                make_absolute(json_node_get_object(node), "source", source, place);
        }
        return true;
}

static bool set_cgroup(JsonObject *config, const ScRunConfigInput *input, GError **error)
{
        JsonObject *linux_part;
        if (!member_object(config, "linux", &linux_part, error))
                return false;
        g_autofree char *path = sc_runtime_config_cgroup(input->scope, input->runtime, "", input->id);
        json_object_set_string_member(linux_part, "cgroupsPath", path);
        return true;
}

char *sc_run_config_make(const char *config, const ScRunConfigInput *input, GError **error)
{
        g_auto(ScNumbers) numbers = {0};
        g_autoptr(JsonObject) object = sc_runtime_json_parse(config, &numbers, error);
        JsonObject *process;
        if (object == NULL || !set_process(object, input, &process, error) || !set_cgroup(object, input, error))
                return NULL;
        if (input->place != NULL && (!set_root(object, input->place, error) || !set_mounts(object, input->place, error)))
                return NULL;
        return sc_runtime_json_print(object, &numbers);
}

char *sc_run_config_process(const char *config, const ScRunConfigInput *input, GError **error)
{
        g_auto(ScNumbers) numbers = {0};
        g_autoptr(JsonObject) object = sc_runtime_json_parse(config, &numbers, error);
        JsonObject *process;
        return object != NULL && set_process(object, input, &process, error) ? sc_runtime_json_print(process, &numbers) : NULL;
}
