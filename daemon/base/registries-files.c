/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registries-files.h"

#include "error.h"
#include "subprocess.h"
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define PARSER LIBEXECDIR "/sysconsd-toml"
#define MAIN_FILE "registries.conf"
#define DROP_INS "registries.conf.d"
enum { MAX_FILES = 512, MAX_OUTPUT = 16 * 1024 * 1024 };

static bool is_there(const char *path)
{
        struct stat st;
        return lstat(path, &st) == 0;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds NAME.conf of a folder, name to path, over what was found before. A folder that is not there has none. */
static bool list_drop_ins(const char *parent, GHashTable *found, GError **error)
{
        g_autofree char *folder = g_build_filename(parent, DROP_INS, NULL);
        g_autoptr(GError) problem = NULL;
        g_autoptr(GDir) dir = g_dir_open(folder, 0, &problem);
        if (dir == NULL && g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return true;
        if (dir == NULL)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s", problem->message);
        for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
                g_autofree char *path = g_build_filename(folder, name, NULL);
                if (!g_str_has_suffix(name, ".conf") || g_file_test(path, G_FILE_TEST_IS_DIR))
                        continue;
                if (g_hash_table_size(found) >= MAX_FILES)
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s holds more than %d files", folder, MAX_FILES);
                g_hash_table_insert(found, g_strdup(name), g_steal_pointer(&path));
        }
        return true;
}

static void add_sorted(GPtrArray *paths, GHashTable *found)
{
        guint length;
        g_autofree gpointer *names = g_hash_table_get_keys_as_array(found, &length);
        qsort(names, length, sizeof *names, compare_names);
        for (guint i = 0; i < length; i++)
                g_ptr_array_add(paths, g_strdup(g_hash_table_lookup(found, names[i])));
}

static bool add_system(GPtrArray *paths, GError **error)
{
        static const char *const parents[] = {"/etc/containers", "/usr/share/containers"};
        g_autoptr(GHashTable) found = sc_string_map_new();
        for (guint i = 0; i < G_N_ELEMENTS(parents); i++) {
                g_autofree char *path = g_build_filename(parents[i], MAIN_FILE, NULL);
                if (paths->len == 0 && is_there(path))
                        g_ptr_array_add(paths, g_steal_pointer(&path));
                if (!list_drop_ins(parents[G_N_ELEMENTS(parents) - 1 - i], found, error))
                        return false;
        }
        add_sorted(paths, found);
        return true;
}

static bool add_users(GPtrArray *paths, const char *folder, GError **error)
{
        g_autofree char *path = g_build_filename(folder, MAIN_FILE, NULL);
        g_autoptr(GHashTable) found = sc_string_map_new();
        if (is_there(path))
                g_ptr_array_add(paths, g_steal_pointer(&path));
        else if (!add_system(paths, error))
                return false;
        if (!list_drop_ins(folder, found, error))
                return false;
        add_sorted(paths, found);
        return true;
}

bool sc_registries_files_find(const ScScope *scope, ScRegistriesFiles *ret, GError **error)
{
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
        bool ok = scope->containers_dir != NULL ? add_users(paths, scope->containers_dir, error) : add_system(paths, error);
        if (!ok)
                return sc_prefix(error, "Cannot read the settings of registries");
        g_ptr_array_add(paths, NULL);
        ret->aliases = is_there(scope->short_names) ? g_strdup(scope->short_names) : NULL;
        ret->settings = (char **)g_ptr_array_steal(paths, NULL);
        return true;
}

void sc_registries_files_clear(ScRegistriesFiles *files)
{
        g_clear_pointer(&files->settings, g_strfreev);
        g_clear_pointer(&files->aliases, g_free);
}

static void add_stamp(GString *text, const char *path)
{
        struct stat st = {0};
        int r = stat(path, &st);
        g_string_append_printf(text, "%s %d %ju %ju %jd %jd.%09ld %jd.%09ld\n", path, r, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
                               (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
                               st.st_ctim.tv_nsec);
}

char *sc_registries_files_stamp(const ScRegistriesFiles *files)
{
        GString *text = g_string_new(NULL);
        for (char **path = files->settings; *path != NULL; path++)
                add_stamp(text, *path);
        if (files->aliases != NULL)
                add_stamp(text, files->aliases);
        return g_string_free(text, FALSE);
}

GSubprocess *sc_registries_files_parse(const ScRegistriesFiles *files, GError **error)
{
        g_autoptr(GStrvBuilder) words = g_strv_builder_new();
        g_strv_builder_add(words, PARSER);
        g_strv_builder_addv(words, (const char **)files->settings);
        if (files->aliases != NULL)
                g_strv_builder_add(words, files->aliases);
        g_auto(GStrv) argv = g_strv_builder_end(words);
        if (argv[1] == NULL)
                return NULL;
        GSubprocess *process = g_subprocess_newv((const char *const *)argv,
                                                 G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, error);
        if (process == NULL)
                sc_prefix(error, "Cannot run " PARSER);
        return process;
}

static ScRegistries *take_trees(const ScRegistriesFiles *files, JsonArray *trees, GError **error)
{
        g_autoptr(ScRegistries) registries = sc_registries_new();
        guint n = g_strv_length(files->settings);
        for (guint i = 0; i < n; i++)
                if (!sc_registries_add(registries, files->settings[i], json_array_get_object_element(trees, i), error))
                        return NULL;
        if (files->aliases != NULL &&
            !sc_registries_add_aliases(registries, files->aliases, json_array_get_object_element(trees, n), error))
                return NULL;
        return g_steal_pointer(&registries);
}

ScRegistries *sc_registries_files_take(const ScRegistriesFiles *files, bool successful, const char *output, const char *problem,
                                       GError **error)
{
        if (!successful) {
                g_autofree char *line = g_strdup(problem != NULL && problem[0] != '\0' ? problem : PARSER " failed");
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Cannot read the settings of registries: %s", g_strchomp(line));
                return NULL;
        }
        g_autofree char *text = g_strconcat("{\"trees\":", output, "}", NULL);
        g_autoptr(JsonObject) object = sc_json_parse_object(text, -1, MAX_OUTPUT, "settings of registries", error);
        guint wanted = g_strv_length(files->settings) + (files->aliases != NULL ? 1 : 0);
        JsonArray *trees;
        if (object == NULL || !sc_json_get_array(object, "trees", SC_JSON_REQUIRED, &trees, error))
                return NULL;
        if (json_array_get_length(trees) != wanted) {
                sc_throw(error, SC_ERROR_CORRUPT, PARSER " did not read all files");
                return NULL;
        }
        return take_trees(files, trees, error);
}

ScRegistries *sc_registries_load(const ScScope *scope, GCancellable *cancellable, GError **error)
{
        g_auto(ScRegistriesFiles) files = {0};
        if (!sc_registries_files_find(scope, &files, error))
                return NULL;
        g_autoptr(GError) problem = NULL;
        g_autoptr(GSubprocess) process = sc_registries_files_parse(&files, &problem);
        if (process == NULL && problem == NULL)
                return sc_registries_new();
        g_autofree char *output = NULL, *complaint = NULL;
        if (process == NULL || !sc_subprocess_communicate(process, cancellable, &output, &complaint, &problem)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                sc_prefix(error, "Cannot read the settings of registries");
                return NULL;
        }
        return sc_registries_files_take(&files, g_subprocess_get_successful(process), output, complaint, error);
}
