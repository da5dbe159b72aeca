/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/reference.h"
#include "image-name.h"
#include "logins.h"
#include "logins.h"
#include "options.h"
#include "run.h"
#include "value.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

#define SHORT_ID 12

/* ---- version */

/* The first that there is; labels are written in several ways. */
static const char *label(JsonObject *labels, const char *const *names)
{
        for (; *names != NULL; names++)
                if (*sc_value_string(labels, *names) != '\0')
                        return sc_value_string(labels, *names);
        return "";
}

char *sc_image_version(const ScObject *image)
{
        static const char *const versions[] = {"version", "Version", "org.opencontainers.image.version", NULL};
        static const char *const releases[] = {"release", "Release", NULL};
        JsonNode *node = json_object_get_member(image->properties, "Labels");
        if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
                return g_strdup("");
        const char *version = label(json_node_get_object(node), versions), *release = label(json_node_get_object(node), releases);
        return g_strconcat(version, *version != '\0' && *release != '\0' ? "-" : "", release, NULL);
}

static JsonObject *by_name(const ScObject *image, const char *property)
{
        JsonNode *node = json_object_get_member(image->properties, property);
        return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* One entry for each name that is meant. */
static void add_versions(const ScObject *image, const char *text, JsonArray *versions)
{
        const char *meant = sc_name_meant(image, text);
        g_autoptr(ScReference) reference = meant != NULL ? sc_reference_parse(meant, NULL) : NULL;
        JsonArray *names = json_object_get_array_member(image->properties, "Names");
        bool is_name = false;
        for (guint i = 0; i < json_array_get_length(names); i++)
                is_name = is_name || (reference != NULL && strcmp(json_array_get_string_element(names, i), reference->name) == 0);
        g_autofree char *version = sc_image_version(image);
        for (guint i = 0; i < json_array_get_length(names); i++) {
                const char *name = json_array_get_string_element(names, i);
                JsonObject *digests = by_name(image, "Digests");
                if (is_name && strcmp(name, reference->name) != 0)
                        continue;
                g_autoptr(JsonObject) entry = json_object_new();
                json_object_set_string_member(entry, "name", name);
                json_object_set_string_member(entry, "id", sc_value_string(image->properties, "Id"));
                json_object_set_string_member(entry, "version", version);
                json_object_set_string_member(entry, "digest", digests != NULL ? sc_value_string(digests, name) : "");
                json_array_add_object_element(versions, g_steal_pointer(&entry));
        }
}

static void print_versions(ScClient *client, JsonArray *versions, bool no_trunc)
{
        static const ScColumn columns[] = {{"NAME", SC_COLUMN_SHRINK}, {"IMAGE ID"}, {"VERSION"}, {"DIGEST"}};
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < json_array_get_length(versions); i++) {
                JsonObject *entry = json_array_get_object_element(versions, i);
                const char *id = sc_value_string(entry, "id"), *digest = sc_value_string(entry, "digest");
                g_autofree char *short_id = no_trunc ? g_strdup(id) : g_strndup(id, SHORT_ID);
                g_autofree char *short_digest = no_trunc ? g_strdup(digest) : g_strndup(digest, strlen("sha256:") + SHORT_ID);
                sc_table_add(table, sc_value_string(entry, "name"));
                sc_table_add(table, short_id);
                sc_table_add(table, sc_value_string(entry, "version"));
                sc_table_add(table, short_digest);
        }
        sc_client_print_table(table, false, no_trunc);
}

bool sc_verb_version(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean no_trunc = FALSE;
        const GOptionEntry entries[] = {
                {"no-trunc", 0, 0, G_OPTION_ARG_NONE, &no_trunc, "Cut nothing, show ids and digests in full", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0], "IMAGE...",      "Show the version that an image's labels say, its id and its digest.", NULL, entries,
                1,       SC_ARGUMENTS_ANY};
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        g_autoptr(JsonArray) versions = json_array_new();
        for (char **argument = arguments; *argument != NULL; argument++) {
                g_autofree char *path = NULL;
                g_autoptr(ScObject) image = NULL;
                if (!sc_object_find(client, SC_OBJECT_IMAGE, *argument, &path, error) ||
                    !sc_object_get(client, SC_OBJECT_IMAGE, path, &image, error))
                        return false;
                add_versions(image, *argument, versions);
        }
        if (client->json) {
                g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), versions);
                sc_client_print_json(node);
        } else
                print_versions(client, versions, no_trunc);
        return true;
}

/* ---- update-image */

/* The name to pull anew, with its source; NULL where there is nothing that could be newer, and *ret_why says so. */
static char *source_to_pull(const ScObject *image, const char *name, char **ret_why)
{
        g_autoptr(ScReference) reference = sc_reference_parse(name, NULL);
        JsonObject *sources = by_name(image, "Sources");
        const char *source = sources != NULL ? sc_value_string(sources, name) : "";
        if (reference == NULL || reference->host == NULL)
                *ret_why = g_strdup_printf("Image %s not fully qualified: skipping", name);
        else if (reference->digest != NULL)
                *ret_why = g_strdup_printf("Image %s is named by its digest, nothing can be newer: skipping", name);
        else if (g_str_has_prefix(source, "tag:"))
                *ret_why = g_strdup_printf("Image %s is a name given here to %s: skipping", name, source + strlen("tag:"));
        else if (*source != '\0' && strcmp(source, "registry") != 0 && strcmp(source, "registry-insecure") != 0)
                *ret_why = g_strdup_printf("Image %s did not come from a registry: skipping", name);
        else
                return g_strconcat(strcmp(source, "registry-insecure") == 0 ? "http:" : "", name, NULL);
        return NULL;
}

/* atomic told errors on stderr, and this was one. */
static void tell_skipped(ScClient *client, const char *why)
{
        if (client->grammar != SC_GRAMMAR_ATOMIC) {
                sc_client_message(client, why);
                return;
        }
        g_autoptr(GError) error = NULL;
        sc_exit_throw(&error, SC_EXIT_FAILED, "%s", why);
        sc_client_report(client, error);
}

static void add_sources(ScClient *client, const ScObject *image, const char *only, GPtrArray *sources)
{
        JsonArray *names = json_object_get_array_member(image->properties, "Names");
        for (guint i = 0; i < json_array_get_length(names); i++) {
                const char *name = json_array_get_string_element(names, i);
                g_autofree char *why = NULL;
                if (only != NULL && strcmp(name, only) != 0)
                        continue;
                char *source = source_to_pull(image, name, &why);
                if (source != NULL)
                        g_ptr_array_add(sources, source);
                else
                        tell_skipped(client, why);
        }
}

static bool find_all(ScClient *client, GPtrArray *sources, GError **error)
{
        g_autoptr(GPtrArray) images = NULL;
        if (!sc_objects_list(client, SC_OBJECT_IMAGE, &images, error))
                return false;
        for (guint i = 0; i < images->len; i++)
                add_sources(client, images->pdata[i], NULL, sources);
        return true;
}

static bool find_named(ScClient *client, char *const *texts, GPtrArray *sources, GError **error)
{
        for (; *texts != NULL; texts++) {
                g_autofree char *path = NULL;
                g_autoptr(ScObject) image = NULL;
                if (!sc_object_find(client, SC_OBJECT_IMAGE, *texts, &path, error) ||
                    !sc_object_get(client, SC_OBJECT_IMAGE, path, &image, error))
                        return false;
                const char *meant = sc_name_meant(image, *texts);
                g_autoptr(ScReference) reference = meant != NULL ? sc_reference_parse(meant, NULL) : NULL;
                add_sources(client, image, reference != NULL ? reference->name : NULL, sources);
        }
        return true;
}

bool sc_images_to_pull(ScClient *client, char *const *images, GPtrArray **ret, GError **error)
{
        g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(g_free);
        if (images == NULL ? !find_all(client, sources, error) : !find_named(client, images, sources, error))
                return false;
        g_ptr_array_add(sources, NULL);
        *ret = g_steal_pointer(&sources);
        return true;
}

bool sc_verb_update_image(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean all = FALSE;
        const GOptionEntry entries[] = {
                {"all", 'a', 0, G_OPTION_ARG_NONE, &all, "All images", NULL},
                SC_LOGIN_ENTRIES(client),
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "IMAGE...|--all",
                "Pull images again, from where they came; of those that did not change nothing is fetched.",
                "Containers stay as they are: `sysconsctl update` brings them the newer image.",
                entries,
                0,
                SC_ARGUMENTS_ANY,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (all == (arguments[0] != NULL))
                return sc_exit_throw(error, SC_EXIT_USAGE, "name images, or say --all; see `sysconsctl %s --help`", argv[0]);
        g_autoptr(GPtrArray) sources = NULL;
        if (!sc_images_to_pull(client, all ? NULL : arguments, &sources, error))
                return false;
        if (sources->pdata[0] == NULL)
                return true;
        bool many = all || arguments[1] != NULL;
        const ScTask task = {sc_pull_call, NULL, SC_PULL_ACTIONS};
        return sc_run_each(client, &task, (char *const *)sources->pdata, many, error);
}
