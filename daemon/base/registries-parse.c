/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registries.h"

#include "auth-file.h"
#include "error.h"
#include "journal.h"
#include "registries-rule.h"
#include <string.h>
#include <syslog.h>

enum { MAX_RULES = 4096, MAX_LIST = 256 };

/* One file while it is read. */
typedef struct {
        const char *file;
        ScRegistries *registries;
} File;

/* ---- the tree of base/toml.h ---- */

static guint line_of(JsonObject *value)
{
        return (guint)json_object_get_int_member_with_default(value, "line", 0);
}

static bool wrong(const File *file, JsonObject *value, GError **error, const char *format, ...) G_GNUC_PRINTF(4, 5);
static bool wrong(const File *file, JsonObject *value, GError **error, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s:%u: %s", file->file, line_of(value), text);
}

/* The value of a key of a table, NULL where it is absent; it has to be of this kind: "string", "boolean", "array", "table". */
static bool get(const File *file, JsonObject *table, const char *key, const char *kind, JsonObject **ret, GError **error)
{
        JsonObject *members = json_object_get_object_member(table, "table");
        *ret = json_object_has_member(members, key) ? json_object_get_object_member(members, key) : NULL;
        return *ret == NULL || json_object_has_member(*ret, kind) || wrong(file, *ret, error, "%s is no %s", key, kind);
}

/* Absent: "". */
static bool get_string(const File *file, JsonObject *table, const char *key, const char **ret, GError **error)
{
        JsonObject *value;
        if (!get(file, table, key, "string", &value, error))
                return false;
        *ret = value != NULL ? json_object_get_string_member(value, "string") : "";
        return true;
}

static bool get_boolean(const File *file, JsonObject *table, const char *key, bool *ret, GError **error)
{
        JsonObject *value;
        if (!get(file, table, key, "boolean", &value, error))
                return false;
        *ret = value != NULL && json_object_get_boolean_member(value, "boolean");
        return true;
}

/* An array of at most max values of this kind, and its length; 0: absent. */
static bool get_array(const File *file, JsonObject *table, const char *key, const char *kind, guint max, JsonArray **ret,
                      guint *ret_length, GError **error)
{
        JsonObject *value;
        *ret_length = 0;
        if (!get(file, table, key, "array", &value, error) || value == NULL)
                return value == NULL;
        *ret = json_object_get_array_member(value, "array");
        *ret_length = json_array_get_length(*ret);
        if (*ret_length > max)
                return wrong(file, value, error, "%s has more than %u entries", key, max);
        for (guint i = 0; i < *ret_length; i++) {
                JsonObject *entry = json_array_get_object_element(*ret, i);
                if (!json_object_has_member(entry, kind))
                        return wrong(file, entry, error, "%s holds something else than a %s", key, kind);
        }
        return true;
}

/* *ret is replaced where the key is there. */
static bool get_strings(const File *file, JsonObject *table, const char *key, char ***ret, GError **error)
{
        JsonArray *array;
        guint length;
        if (!get_array(file, table, key, "string", MAX_LIST, &array, &length, error))
                return false;
        if (!json_object_has_member(json_object_get_object_member(table, "table"), key))
                return true;
        g_strfreev(*ret);
        *ret = g_new0(char *, length + 1);
        for (guint i = 0; i < length; i++)
                (*ret)[i] = g_strdup(json_object_get_string_member(json_array_get_object_element(array, i), "string"));
        return true;
}

/* What is not known here may be for a newer tool. */
static void warn_of_unknown(const File *file, JsonObject *table, const char *const *known)
{
        JsonObjectIter iter;
        const char *key;
        JsonNode *node;
        json_object_iter_init(&iter, json_object_get_object_member(table, "table"));
        while (json_object_iter_next(&iter, &key, &node)) {
                if (g_strv_contains(known, key))
                        continue;
                g_autofree char *shown = g_strescape(key, NULL);
                g_autofree char *warning = g_strdup_printf("%s:%u: unknown key %.100s, ignored", file->file,
                                                           line_of(json_node_get_object(node)), shown);
                sc_journal(LOG_WARNING, warning, NULL);
        }
}

/* ---- [[registry]] ---- */

/* Whether HOST[:PORT][/PATH][:TAG or @DIGEST] could begin a name. *ret lacks the slashes that people write behind it. */
static bool check_place(const File *file, JsonObject *table, const char *what, const char *text, char **ret, GError **error)
{
        g_autofree char *place = g_strdup(text);
        for (gsize length = strlen(place); length > 0 && place[length - 1] == '/'; length--)
                place[length - 1] = '\0';
        if (strstr(place, "://") != NULL)
                return wrong(file, table, error, "%s '%.200s' is an address; write HOST[:PORT][/PATH]", what, text);
        g_autofree char *name = g_strconcat(place, strchr(place, '/') == NULL ? "/x" : "", NULL);
        g_autoptr(ScReference) reference = sc_reference_parse(name, NULL);
        if (reference == NULL || reference->host == NULL || reference->source != SC_SOURCE_REGISTRY)
                return wrong(file, table, error, "%s '%.200s' is not HOST[:PORT][/PATH]", what, text);
        *ret = g_steal_pointer(&place);
        return true;
}

static bool check_wildcard(const File *file, JsonObject *table, const char *prefix, GError **error)
{
        g_autofree char *name = g_strconcat("x", prefix + 1, "/x", NULL);
        g_autoptr(ScReference) reference = strpbrk(prefix, ":/@") == NULL ? sc_reference_parse(name, NULL) : NULL;
        return (reference != NULL && reference->host != NULL) ||
               wrong(file, table, error, "the prefix '%.200s' is not *.DOMAIN, without a port and a path", prefix);
}

static bool read_use(const File *file, JsonObject *table, const ScRegistryRule *rule, ScMirrorUse *ret, GError **error)
{
        static const char *const words[] = {"all", "digest-only", "tag-only"};
        const char *word = "";
        if (!get_string(file, table, "pull-from-mirror", &word, error))
                return false;
        *ret = SC_MIRROR_ALL;
        if (word[0] == '\0')
                return true;
        if (rule->mirror_by_digest_only)
                return wrong(file, table, error, "pull-from-mirror and mirror-by-digest-only are both set for %s", rule->prefix);
        for (guint i = 0; i < G_N_ELEMENTS(words); i++)
                if (strcmp(word, words[i]) == 0) {
                        *ret = (ScMirrorUse)i;
                        return true;
                }
        return wrong(file, table, error, "pull-from-mirror is all, digest-only or tag-only, not '%.100s'", word);
}

static bool read_mirror(const File *file, JsonObject *table, ScRegistryRule *rule, GError **error)
{
        static const char *const known[] = {"location", "insecure", "pull-from-mirror", NULL};
        const char *location = "";
        g_autofree char *place = NULL;
        bool insecure = false;
        ScMirrorUse use = SC_MIRROR_ALL;
        warn_of_unknown(file, table, known);
        if (!get_string(file, table, "location", &location, error) ||
            !check_place(file, table, "the mirror's location", location, &place, error) ||
            !get_boolean(file, table, "insecure", &insecure, error) || !read_use(file, table, rule, &use, error))
                return false;
        ScMirror *mirror = g_new0(ScMirror, 1);
        *mirror = (ScMirror){g_steal_pointer(&place), insecure, use};
        g_ptr_array_add(rule->mirrors, mirror);
        return true;
}

static bool read_mirrors(const File *file, JsonObject *table, ScRegistryRule *rule, GError **error)
{
        JsonArray *mirrors;
        guint length;
        if (!get_array(file, table, "mirror", "table", MAX_LIST, &mirrors, &length, error))
                return false;
        for (guint i = 0; i < length; i++)
                if (!read_mirror(file, json_array_get_object_element(mirrors, i), rule, error))
                        return false;
        return true;
}

static bool read_places(const File *file, JsonObject *table, ScRegistryRule *rule, GError **error)
{
        const char *prefix = "", *location = "";
        if (!get_string(file, table, "prefix", &prefix, error) || !get_string(file, table, "location", &location, error) ||
            (location[0] != '\0' && !check_place(file, table, "the location", location, &rule->location, error)))
                return false;
        if (g_str_has_prefix(prefix, "*.")) {
                rule->prefix = g_strdup(prefix);
                return check_wildcard(file, table, prefix, error);
        }
        if (prefix[0] == '\0' && rule->location == NULL)
                return wrong(file, table, error, "a [[registry]] has neither prefix nor location");
        if (prefix[0] != '\0')
                return check_place(file, table, "the prefix", prefix, &rule->prefix, error);
        rule->prefix = g_strdup(rule->location);
        return true;
}

static ScRegistryRule *read_rule(const File *file, JsonObject *table, GError **error)
{
        static const char *const known[] = {"prefix", "location", "insecure", "blocked", "mirror-by-digest-only", "mirror", NULL};
        g_autoptr(ScRegistryRule) rule = sc_registry_rule_new(file->file, line_of(table));
        warn_of_unknown(file, table, known);
        if (!read_places(file, table, rule, error) || !get_boolean(file, table, "insecure", &rule->insecure, error) ||
            !get_boolean(file, table, "blocked", &rule->blocked, error) ||
            !get_boolean(file, table, "mirror-by-digest-only", &rule->mirror_by_digest_only, error) ||
            !read_mirrors(file, table, rule, error))
                return NULL;
        return g_steal_pointer(&rule);
}

/* Of another file, or of this one: then they have to agree on what is dangerous to get wrong. */
static bool take_rule(const File *file, JsonObject *table, ScRegistryRule *rule, GError **error)
{
        GPtrArray *rules = file->registries->rules;
        guint i = 0;
        while (i < rules->len && strcmp(((ScRegistryRule *)rules->pdata[i])->prefix, rule->prefix) != 0)
                i++;
        const ScRegistryRule *before = i < rules->len ? rules->pdata[i] : NULL;
        if (before != NULL && strcmp(before->file, rule->file) == 0) {
                bool same = before->insecure == rule->insecure && before->blocked == rule->blocked;
                sc_registry_rule_free(rule);
                return same ||
                       wrong(file, table, error, "%s is there twice, with other words on insecure or blocked", before->prefix);
        }
        if (before != NULL)
                g_ptr_array_remove_index(rules, i);
        g_ptr_array_add(rules, rule);
        return true;
}

static bool read_rules(const File *file, JsonObject *root, GError **error)
{
        JsonArray *tables;
        guint length;
        if (!get_array(file, root, "registry", "table", MAX_RULES, &tables, &length, error))
                return false;
        for (guint i = 0; i < length; i++) {
                JsonObject *table = json_array_get_object_element(tables, i);
                ScRegistryRule *rule = read_rule(file, table, error);
                if (rule == NULL || !take_rule(file, table, rule, error))
                        return false;
        }
        return true;
}

/* ---- short names ---- */

/* "docker:latest" is what an engine calls latest: nobody can mean the short name, and who configured an alias for it is not wrong.
 */
static bool begins_as_source(const char *name)
{
        g_autofree char *tagged = g_strconcat(name, ":latest", NULL);
        const char *rest;
        const ScSourceFacts *facts = sc_source_find(tagged, &rest, NULL);
        return facts == NULL || rest != tagged;
}

static bool read_alias(const File *file, const char *name, JsonObject *value, GError **error)
{
        ScRegistries *registries = file->registries;
        if (!json_object_has_member(value, "string"))
                return wrong(file, value, error, "the alias of %.200s is no string", name);
        const char *target = json_object_get_string_member(value, "string");
        if (begins_as_source(name))
                return true;
        g_autoptr(ScReference) is = sc_reference_parse(name, NULL);
        if (is == NULL || is->host != NULL || strcmp(is->path, name) != 0)
                return wrong(file, value, error, "'%.200s' is no short name without registry, tag and digest", name);
        if (target[0] == '\0') {
                g_hash_table_remove(registries->aliases, name);
                return true;
        }
        g_autoptr(ScReference) means = sc_reference_parse(target, NULL);
        g_autofree char *plain = means != NULL && means->host != NULL ? g_strconcat(means->host, "/", means->path, NULL) : NULL;
        if (plain == NULL || g_ascii_strcasecmp(plain, target) != 0)
                return wrong(file, value, error, "'%.200s', which %s stands for, is no full name without tag and digest", target,
                             name);
        g_hash_table_insert(registries->aliases, g_strdup(name), g_strdup(target));
        g_hash_table_insert(registries->alias_files, g_strdup(name), (gpointer)g_intern_string(file->file));
        return true;
}

static bool read_aliases(const File *file, JsonObject *root, GError **error)
{
        JsonObject *value;
        if (!get(file, root, "aliases", "table", &value, error) || value == NULL)
                return value == NULL;
        JsonObjectIter iter;
        const char *name;
        JsonNode *node;
        json_object_iter_init(&iter, json_object_get_object_member(value, "table"));
        while (json_object_iter_next(&iter, &name, &node))
                if (!read_alias(file, name, json_node_get_object(node), error))
                        return false;
        return true;
}

static bool read_search(const File *file, JsonObject *root, GError **error)
{
        static const char key[] = "unqualified-search-registries";
        ScRegistries *registries = file->registries;
        JsonObject *value;
        if (!get(file, root, key, "array", &value, error) || !get_strings(file, root, key, &registries->search, error))
                return false;
        if (value == NULL)
                return true;
        g_free(registries->search_file);
        registries->search_file = g_strdup(file->file);
        for (char **entry = registries->search; *entry != NULL; entry++) {
                char *place = NULL;
                if (!check_place(file, value, "the search registry", *entry, &place, error))
                        return false;
                g_free(*entry);
                *entry = place;
        }
        return true;
}

static bool read_helpers(const File *file, JsonObject *root, GError **error)
{
        static const char key[] = "credential-helpers";
        JsonObject *value;
        if (!get(file, root, key, "array", &value, error) ||
            !get_strings(file, root, key, &file->registries->credential_helpers, error))
                return false;
        for (char **name = file->registries->credential_helpers; value != NULL && *name != NULL; name++)
                if (!sc_auth_helper_is_name(*name))
                        return wrong(file, value, error,
                                     "the credential helper '%.100s' is no word: write NAME of a program docker-credential-NAME",
                                     *name);
        return true;
}

static bool read_mode(const File *file, JsonObject *root, GError **error)
{
        static const char *const words[] = {"permissive", "enforcing", "disabled"};
        JsonObject *value;
        if (!get(file, root, "short-name-mode", "string", &value, error) || value == NULL)
                return value == NULL;
        const char *word = json_object_get_string_member(value, "string");
        for (guint i = 0; i < G_N_ELEMENTS(words); i++)
                if (strcmp(word, words[i]) == 0) {
                        file->registries->short_names = (ScShortNames)i;
                        return true;
                }
        return word[0] == '\0' ||
               wrong(file, value, error, "short-name-mode is enforcing, permissive or disabled, not '%.100s'", word);
}

/* ---- the file ---- */

/* [registries.search], [registries.insecure] and [registries.block] were version 1. */
static bool check_version(const File *file, JsonObject *root, GError **error)
{
        JsonObject *members = json_object_get_object_member(root, "table");
        if (!json_object_has_member(members, "registries"))
                return true;
        return wrong(file, json_object_get_object_member(members, "registries"), error,
                     "[registries.*] is version 1 of this format, which is not supported: write unqualified-search-registries and "
                     "[[registry]] instead, see containers-registries.conf(5)");
}

bool sc_registries_add(ScRegistries *registries, const char *path, JsonObject *tree, GError **error)
{
        static const char *const known[] = {"unqualified-search-registries",
                                            "short-name-mode",
                                            "credential-helpers",
                                            "additional-layer-store-auth-helper",
                                            "aliases",
                                            "registry",
                                            NULL};
        const File file = {path, registries};
        if (!check_version(&file, tree, error))
                return false;
        warn_of_unknown(&file, tree, known);
        return read_search(&file, tree, error) && read_mode(&file, tree, error) && read_helpers(&file, tree, error) &&
               read_aliases(&file, tree, error) && read_rules(&file, tree, error);
}

bool sc_registries_add_aliases(ScRegistries *registries, const char *path, JsonObject *tree, GError **error)
{
        const File file = {path, registries};
        return read_aliases(&file, tree, error);
}
