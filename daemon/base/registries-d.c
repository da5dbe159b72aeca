/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registries-d.h"

#include "error.h"
#include "path.h"
#include <string.h>
#include <yaml.h>

#define MAX_FILE (256u * 1024)
#define MAX_FILES 1024

typedef struct {
        char *lookaside;         /* NULL: not said */
        char *sigstore;          /* the old name of the same */
        const char *attachments; /* "true", "false"; NULL: not said */
} Section;

struct ScRegistriesD {
        Section *fallback;  /* default-docker; NULL: none */
        GHashTable *docker; /* scope to Section */
        bool more;          /* something is said beside lookasides */
};

static void section_free(gpointer data)
{
        Section *section = data;
        if (section == NULL)
                return;
        g_free(section->lookaside);
        g_free(section->sigstore);
        g_free(section);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Section, section_free)

ScRegistriesD *sc_registries_d_new(void)
{
        ScRegistriesD *registries = g_new0(ScRegistriesD, 1);
        registries->docker = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, section_free);
        return registries;
}

void sc_registries_d_free(ScRegistriesD *registries)
{
        if (registries == NULL)
                return;
        section_free(registries->fallback);
        g_hash_table_unref(registries->docker);
        g_free(registries);
}

/* ---- YAML ---- */

/* NULL for what is no plain text, or has a zero in it. */
static const char *scalar(const yaml_node_t *node)
{
        if (node == NULL || node->type != YAML_SCALAR_NODE)
                return NULL;
        const char *text = (const char *)node->data.scalar.value;
        return strlen(text) == node->data.scalar.length ? text : NULL;
}

static bool is_null(const yaml_node_t *node)
{
        const char *text = scalar(node);
        return text != NULL && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
               (*text == '\0' || g_str_equal(text, "~") || g_str_equal(text, "null"));
}

typedef struct {
        yaml_document_t *document;
        ScRegistriesD *registries;
} Reader;

typedef bool (*TakePair)(Reader *reader, const char *key, yaml_node_t *value, gpointer data, GError **error);

static bool for_each_pair(Reader *reader, yaml_node_t *map, TakePair take, gpointer data, GError **error)
{
        if (is_null(map))
                return true;
        if (map == NULL || map->type != YAML_MAPPING_NODE)
                return sc_throw(error, SC_ERROR_CORRUPT, "There is something else where keys with values are wanted");
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
                const char *key = scalar(yaml_document_get_node(reader->document, pair->key));
                if (key == NULL || !g_utf8_validate(key, -1, NULL))
                        return sc_throw(error, SC_ERROR_CORRUPT, "A key is no text");
                if (!g_hash_table_add(seen, (gpointer)key))
                        return sc_throw(error, SC_ERROR_CORRUPT, "'%.200s' is there twice", key);
                if (!take(reader, key, yaml_document_get_node(reader->document, pair->value), data, error))
                        return false;
        }
        return true;
}

static bool take_url(const char *key, const yaml_node_t *node, char **ret, GError **error)
{
        const char *text = scalar(node);
        if (text == NULL || !g_utf8_validate(text, -1, NULL))
                return sc_throw(error, SC_ERROR_CORRUPT, "%s is no text", key);
        if (is_null(node) || *text == '\0')
                return true;
        g_free(*ret);
        *ret = g_strdup(text);
        return true;
}

static bool take_choice(const char *key, const yaml_node_t *node, const char **ret, GError **error)
{
        static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y", NULL};
        static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N", NULL};
        const char *text = scalar(node);
        if (text == NULL || is_null(node))
                return text != NULL || sc_throw(error, SC_ERROR_CORRUPT, "%s is neither true nor false", key);
        *ret = g_strv_contains(yes, text) ? "true" : g_strv_contains(no, text) ? "false" : NULL;
        return *ret != NULL || sc_throw(error, SC_ERROR_CORRUPT, "%s is neither true nor false", key);
}

/* Where signatures are written to (-staging) concerns only who signs, and keys that come later only who knows them. */
static bool take_setting(Reader *reader, const char *key, yaml_node_t *value, gpointer data, GError **error)
{
        Section *section = data;
        if (g_str_equal(key, "lookaside"))
                return take_url(key, value, &section->lookaside, error);
        if (g_str_equal(key, "sigstore"))
                return take_url(key, value, &section->sigstore, error);
        reader->registries->more = true;
        if (g_str_equal(key, "use-sigstore-attachments"))
                return take_choice(key, value, &section->attachments, error);
        return true;
}

static bool take_scope(Reader *reader, const char *key, yaml_node_t *value, gpointer data, GError **error)
{
        g_autoptr(Section) section = g_new0(Section, 1);
        if (!for_each_pair(reader, value, take_setting, section, error))
                return sc_prefix(error, "In '%.200s'", key);
        if (g_hash_table_contains(reader->registries->docker, key))
                return sc_throw(error, SC_ERROR_CORRUPT, "'%.200s' is in another file, too", key);
        g_hash_table_insert(reader->registries->docker, g_strdup(key), g_steal_pointer(&section));
        return true;
}

static bool take_top(Reader *reader, const char *key, yaml_node_t *value, gpointer data, GError **error)
{
        if (g_str_equal(key, "docker"))
                return for_each_pair(reader, value, take_scope, NULL, error);
        reader->registries->more = true;
        if (!g_str_equal(key, "default-docker"))
                return true;
        if (is_null(value))
                return true;
        g_autoptr(Section) section = g_new0(Section, 1);
        if (!for_each_pair(reader, value, take_setting, section, error))
                return sc_prefix(error, "In default-docker");
        if (reader->registries->fallback != NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "default-docker is in another file, too");
        reader->registries->fallback = g_steal_pointer(&section);
        return true;
}

static bool read_document(ScRegistriesD *registries, yaml_parser_t *parser, GError **error)
{
        yaml_document_t document;
        if (!yaml_parser_load(parser, &document))
                return sc_throw(error, SC_ERROR_CORRUPT, "It is no YAML: %s in line %zu",
                                parser->problem != NULL ? parser->problem : "out of memory", parser->problem_mark.line + 1);
        Reader reader = {&document, registries};
        yaml_node_t *root = yaml_document_get_root_node(&document);
        bool ok = root == NULL || for_each_pair(&reader, root, take_top, NULL, error);
        yaml_document_delete(&document);
        return ok;
}

bool sc_registries_d_add(ScRegistriesD *registries, const char *text, gsize size, const char *file, GError **error)
{
        yaml_parser_t parser;
        if (!yaml_parser_initialize(&parser))
                return sc_throw(error, SC_ERROR_FAILED, "Cannot read %s", file);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
        bool ok = read_document(registries, &parser, error);
        yaml_parser_delete(&parser);
        return ok || sc_prefix(error, "%s", file);
}

/* ---- the folder ---- */

static int compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_file(ScRegistriesD *registries, const char *folder, const char *name, GError **error)
{
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *text = NULL;
        gsize size;
        return sc_read_path(path, MAX_FILE, &text, &size, error) && sc_registries_d_add(registries, text, size, path, error);
}

/* The files of the folder, sorted; none where it is missing. */
static GPtrArray *list_files(const char *folder, GError **error)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) local = NULL;
        g_autoptr(GDir) dir = g_dir_open(folder, 0, &local);
        if (g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return g_steal_pointer(&names);
        if (dir == NULL) {
                sc_throw(error, SC_ERROR_FAILED, "%s", local->message);
                return NULL;
        }
        for (const char *name; (name = g_dir_read_name(dir)) != NULL && names->len < MAX_FILES;)
                if (g_str_has_suffix(name, ".yaml"))
                        g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_sort(names, compare_names);
        return g_steal_pointer(&names);
}

ScRegistriesD *sc_registries_d_load(const char *folder, GError **error)
{
        g_autoptr(ScRegistriesD) registries = sc_registries_d_new();
        g_autoptr(GPtrArray) names = list_files(folder, error);
        if (names == NULL)
                return NULL;
        for (guint i = 0; i < names->len; i++)
                if (!add_file(registries, folder, names->pdata[i], error))
                        return NULL;
        return g_steal_pointer(&registries);
}

bool sc_registries_d_find(const char *folder, const char *scope, char **ret_file, bool *ret_alone, GError **error)
{
        g_autoptr(GPtrArray) names = list_files(folder, error);
        *ret_file = NULL;
        for (guint i = 0; names != NULL && i < names->len; i++) {
                g_autoptr(ScRegistriesD) one = sc_registries_d_new();
                if (!add_file(one, folder, names->pdata[i], error))
                        return false;
                if (!g_hash_table_contains(one->docker, scope))
                        continue;
                *ret_file = g_strdup(names->pdata[i]);
                *ret_alone = !one->more && g_hash_table_size(one->docker) == 1;
                return true;
        }
        return names != NULL;
}

/* ---- what is asked ---- */

static const char *lookaside_of(const Section *section)
{
        return section == NULL ? NULL : section->lookaside != NULL ? section->lookaside : section->sigstore;
}

static const char *attachments_of(const Section *section)
{
        return section != NULL ? section->attachments : NULL;
}

/* A section that does not say it leaves it to the next: so it is done, though the manual has it otherwise. */
static const char *find(const ScRegistriesD *registries, const char *const *scopes, const char *(*get)(const Section *section))
{
        const char *value = NULL;
        for (const char *const *scope = scopes; *scope != NULL && value == NULL; scope++)
                value = get(g_hash_table_lookup(registries->docker, *scope));
        return value != NULL ? value : get(registries->fallback);
}

const char *sc_registries_d_lookaside(const ScRegistriesD *registries, const char *const *scopes)
{
        return find(registries, scopes, lookaside_of);
}

bool sc_registries_d_uses_attachments(const ScRegistriesD *registries, const char *const *scopes)
{
        return g_strcmp0(find(registries, scopes, attachments_of), "true") == 0;
}

GHashTable *sc_registries_d_lookasides(const ScRegistriesD *registries)
{
        GHashTable *lookasides = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        GHashTableIter iter;
        gpointer scope, section;
        g_hash_table_iter_init(&iter, registries->docker);
        while (g_hash_table_iter_next(&iter, &scope, &section))
                if (lookaside_of(section) != NULL)
                        g_hash_table_insert(lookasides, g_strdup(scope), g_strdup(lookaside_of(section)));
        if (lookaside_of(registries->fallback) != NULL)
                g_hash_table_insert(lookasides, g_strdup(""), g_strdup(lookaside_of(registries->fallback)));
        return lookasides;
}
