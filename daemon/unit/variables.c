/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "variables.h"

#include "base/error.h"
#include "capabilities.h"
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 255
#define VALUE_MAX_BYTES (64 * 1024)

static const char *const fixed_names[] = {
        "DESTDIR",  "EXEC_START", "EXEC_STARTPRE", "EXEC_STOP", "EXEC_STOPPOST", "HOST_GID", "HOST_UID",
        "IMAGE_ID", "IMAGE_NAME", "NAME",          NULL,
};
static const char *const overridable_names[] = {
        "ALL_PROCESS_CAPABILITIES",
        "ATOMIC",
        "CONF_DIRECTORY",
        "PIDFILE",
        "RUNTIME",
        "RUN_DIRECTORY",
        "STATE_DIRECTORY",
        "UUID",
        NULL,
};

struct ScVariables {
        const ScScope *scope;
        GHashTable *values; /* string to string */
        GHashTable *asked;  /* a set: names that a text has used so far */
};

bool sc_variable_is_fixed(const char *name)
{
        return g_strv_contains(fixed_names, name);
}

bool sc_variable_is_system(const char *name)
{
        return sc_variable_is_fixed(name) || g_strv_contains(overridable_names, name);
}

static bool is_identifier(const char *text)
{
        if (!g_ascii_isalpha(*text) && *text != '_')
                return false;
        return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] == '\0' &&
               strlen(text) <= NAME_MAX_BYTES;
}

bool sc_variable_check(const char *key, const char *value, GError **error)
{
        if (!is_identifier(key)) {
                g_autofree char *shown = g_strescape(key, NULL);
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "\"%.100s\" is no name of a variable: letters, digits and _ only, not beginning with a digit",
                                shown);
        }
        if (sc_variable_is_fixed(key))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s is set by the system and cannot be set to another value",
                                key);
        if (strlen(value) > VALUE_MAX_BYTES)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The value of %s is longer than %d bytes", key, VALUE_MAX_BYTES);
        if (!g_utf8_validate(value, -1, NULL))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The value of %s is not valid UTF-8", key);
        /* A newline would begin another directive in a unit file. */
        for (const char *at = value; *at != '\0'; at = g_utf8_next_char(at)) {
                if (g_unichar_iscntrl(g_utf8_get_char(at)))
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The value of %s contains a control character", key);
        }
        return true;
}

static void put(ScVariables *variables, const char *name, const char *value)
{
        g_hash_table_replace(variables->values, g_strdup(name), g_strdup(value));
}

static void put_new(ScVariables *variables, const char *name, const char *value)
{
        if (!g_hash_table_contains(variables->values, name))
                put(variables, name, value);
}

/* One word of a command line in a unit file (systemd.service(5), "Command lines"). A % is doubled when the value lands there. */
static char *quote_word(const char *text)
{
        GString *out = g_string_new("'");
        for (; *text != '\0'; text++) {
                if (*text == '\'' || *text == '\\')
                        g_string_append_c(out, '\\');
                if (*text == '$')
                        g_string_append_c(out, '$');
                g_string_append_c(out, *text);
        }
        g_string_append_c(out, '\'');
        return g_string_free(out, FALSE);
}

/* A path stays as it is where that reads well. */
static char *quote_path(const char *path)
{
        for (const char *at = path; *at != '\0'; at++) {
                if (!g_ascii_isalnum(*at) && strchr("/._-+:@", *at) == NULL)
                        return quote_word(path);
        }
        return g_strdup(path);
}

static void put_commands(ScVariables *variables, const ScVariablesInput *input)
{
        g_autofree char *name = quote_word(input->name);
        g_autofree char *runtime = quote_path(input->runtime);
        g_autofree char *helper = quote_path(input->exec_helper);
        g_autofree char *pid_file = quote_path(sc_variables_get(variables, "PIDFILE"));
        g_autofree char *start = input->detached ? g_strdup_printf("%s %s run -d --pid-file %s %s", helper, runtime, pid_file, name)
                                                 : g_strdup_printf("%s %s run %s", helper, runtime, name);
        g_autofree char *stop = g_strdup_printf("%s %s kill %s", helper, runtime, name);
        g_autofree char *stop_post = input->detached ? g_strdup_printf("%s delete %s", runtime, name) : g_strdup("");
        put(variables, "EXEC_START", start);
        put(variables, "EXEC_STOP", stop);
        put(variables, "EXEC_STARTPRE", "");
        put(variables, "EXEC_STOPPOST", stop_post);
}

static void put_fixed(ScVariables *variables, const ScVariablesInput *input)
{
        g_autofree char *uid = g_strdup_printf("%u", geteuid());
        g_autofree char *gid = g_strdup_printf("%u", getegid());
        put(variables, "DESTDIR", input->destdir);
        put(variables, "NAME", input->name);
        put(variables, "HOST_UID", uid);
        put(variables, "HOST_GID", gid);
        put(variables, "IMAGE_ID", input->image_id);
        put(variables, "IMAGE_NAME", input->image_name);
        put_commands(variables, input);
}

static bool put_overridable(ScVariables *variables, const ScVariablesInput *input, GError **error)
{
        g_autofree char *capabilities = sc_capabilities_of_host(error);
        if (capabilities == NULL)
                return false;
        put_new(variables, "RUN_DIRECTORY", input->scope->run_directory);
        put_new(variables, "STATE_DIRECTORY", input->scope->state_directory);
        put_new(variables, "CONF_DIRECTORY", input->scope->conf_directory);
        put_new(variables, "ALL_PROCESS_CAPABILITIES", capabilities);
        put_new(variables, "RUNTIME", input->runtime);
        put_new(variables, "ATOMIC", input->client);
        g_autofree char *pid_file = g_strdup_printf("%s/container-%s.pid", sc_variables_get(variables, "RUN_DIRECTORY"),
                                                    input->name);
        put_new(variables, "PIDFILE", pid_file);
        return true;
}

static bool put_set(ScVariables *variables, GHashTable *set, GError **error)
{
        if (set == NULL)
                return true;
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, set);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
                if (!sc_variable_check(key, value, error))
                        return false;
                put(variables, key, value);
        }
        return true;
}

static void put_defaults(ScVariables *variables, GHashTable *defaults)
{
        if (defaults == NULL)
                return;
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, defaults);
        while (g_hash_table_iter_next(&iter, &key, &value))
                put_new(variables, key, value);
}

ScVariables *sc_variables_new(const ScVariablesInput *input, GError **error)
{
        g_autoptr(ScVariables) variables = g_new0(ScVariables, 1);
        variables->scope = input->scope;
        variables->values = sc_string_map_new();
        variables->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        /* From the strongest to the weakest; the fixed ones cannot be in the set, and some are made of overridable ones. */
        if (!put_set(variables, input->set, error) || !put_overridable(variables, input, error))
                return NULL;
        put_fixed(variables, input);
        put_defaults(variables, input->defaults);
        g_autofree char *random = g_uuid_string_random();
        put_new(variables, "UUID", input->uuid != NULL ? input->uuid : random);
        return g_steal_pointer(&variables);
}

ScVariables *sc_variables_recorded(const ScVariablesInput *input, GHashTable *recorded, GError **error)
{
        ScVariables *variables = sc_variables_new(input, error);
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, recorded);
        while (variables != NULL && g_hash_table_iter_next(&iter, &key, &value))
                put(variables, key, value);
        return variables;
}

void sc_variables_free(ScVariables *variables)
{
        if (variables == NULL)
                return;
        g_hash_table_unref(variables->values);
        g_hash_table_unref(variables->asked);
        g_free(variables);
}

const char *sc_variables_get(const ScVariables *variables, const char *name)
{
        if (!g_hash_table_contains(variables->asked, name))
                g_hash_table_add(variables->asked, g_strdup(name));
        return g_hash_table_lookup(variables->values, name);
}

char **sc_variables_unused(const ScVariables *variables, GHashTable *set, GHashTable *defaults)
{
        g_autoptr(GStrvBuilder) unused = g_strv_builder_new();
        g_autoptr(GList) names = set != NULL ? g_list_sort(g_hash_table_get_keys(set), (GCompareFunc)strcmp) : NULL;
        for (GList *name = names; name != NULL; name = name->next)
                if (!sc_variable_is_system(name->data) && !g_hash_table_contains(defaults, name->data) &&
                    !g_hash_table_contains(variables->asked, name->data))
                        g_strv_builder_add(unused, name->data);
        return g_strv_builder_end(unused);
}

const ScScope *sc_variables_scope(const ScVariables *variables)
{
        return variables->scope;
}

GHashTable *sc_variables_all(const ScVariables *variables)
{
        return sc_string_map_copy(variables->values);
}
