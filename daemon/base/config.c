/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "error.h"
#include "journal.h"
#include "path.h"
#include <errno.h>
#include <string.h>
#include <syslog.h>

typedef enum { KEY_STRING, KEY_PATH, KEY_UINT, KEY_SIZE, KEY_LIST, KEY_YES_NO, KEY_PACKAGE_SYSTEM } KeyType;

/* Every key there is. max bounds a KEY_UINT. */
static const struct {
        const char *group;
        const char *key;
        KeyType type;
        gsize offset;
        guint min, max;
} keys[] = {
        {"Storage", "CheckoutPath", KEY_PATH, G_STRUCT_OFFSET(ScConfig, checkout_path), 0, 0},
        {"Storage", "Repository", KEY_PATH, G_STRUCT_OFFSET(ScConfig, repository), 0, 0},
        {"Storage", "PreinstalledPath", KEY_PATH, G_STRUCT_OFFSET(ScConfig, preinstalled_path), 0, 0},
        {"Container", "Runtime", KEY_STRING, G_STRUCT_OFFSET(ScConfig, runtime), 0, 0},
        {"Container", "SettlingTime", KEY_UINT, G_STRUCT_OFFSET(ScConfig, settling_time), 0, 3600},
        {"Container", "StartTimeout", KEY_UINT, G_STRUCT_OFFSET(ScConfig, start_timeout), 1, 86400},
        {"Container", "HostFilesInHomes", KEY_YES_NO, G_STRUCT_OFFSET(ScConfig, files_in_homes), 0, 0},
        {"Container", "PackageSystem", KEY_PACKAGE_SYSTEM, G_STRUCT_OFFSET(ScConfig, package_system), 0, 0},
        {"Pull", "ParallelLayers", KEY_UINT, G_STRUCT_OFFSET(ScConfig, parallel_layers), 1, 16},
        {"Pull", "StallTimeout", KEY_UINT, G_STRUCT_OFFSET(ScConfig, stall_timeout), 1, 3600},
        {"Pull", "Attempts", KEY_UINT, G_STRUCT_OFFSET(ScConfig, attempts), 1, 100},
        {"Pull", "MinimumRate", KEY_SIZE, G_STRUCT_OFFSET(ScConfig, minimum_rate), 0, 0},
        {"Pull", "BandwidthLimit", KEY_SIZE, G_STRUCT_OFFSET(ScConfig, bandwidth_limit), 0, 0},
        {"Pull", "MaxLayerSize", KEY_SIZE, G_STRUCT_OFFSET(ScConfig, max_layer_size), 0, 0},
        {"Pull", "MaxArchiveSize", KEY_SIZE, G_STRUCT_OFFSET(ScConfig, max_archive_size), 0, 0},
        {"Pull", "MaxLayers", KEY_UINT, G_STRUCT_OFFSET(ScConfig, max_layers), 1, 4096},
        {"Pull", "EngineSocket", KEY_PATH, G_STRUCT_OFFSET(ScConfig, engine_socket), 0, 0},
        {"Pull", "InsecureRegistries", KEY_LIST, G_STRUCT_OFFSET(ScConfig, insecure_registries), 0, 0},
        {"Daemon", "IdleTimeout", KEY_UINT, G_STRUCT_OFFSET(ScConfig, idle_timeout), 0, G_MAXINT},
        {"Daemon", "MaxJobs", KEY_UINT, G_STRUCT_OFFSET(ScConfig, max_jobs), 1, 64},
        {"Daemon", "MaxJobsPerUser", KEY_UINT, G_STRUCT_OFFSET(ScConfig, max_jobs_per_user), 1, 4096},
};

static bool parse_number(const char *text, guint64 *ret, char *ret_unit)
{
        char *end;
        errno = 0;
        if (!g_ascii_isdigit(text[0]))
                return false;
        guint64 number = g_ascii_strtoull(text, &end, 10);
        if (errno != 0 || (end[0] != '\0' && end[1] != '\0'))
                return false;
        *ret = number;
        *ret_unit = end[0];
        return true;
}

static bool parse_size(const char *text, guint64 *ret)
{
        static const char units[] = "KMGT";
        char unit;
        guint64 number;
        if (!parse_number(text, &number, &unit))
                return false;
        const char *at = unit != '\0' ? strchr(units, unit) : NULL;
        if (unit != '\0' && at == NULL)
                return false;
        unsigned shift = at != NULL ? 10 * (unsigned)(at - units + 1) : 0;
        if (number > ((guint64)G_MAXINT64 >> shift))
                return false;
        *ret = number << shift;
        return true;
}

static bool set_key(ScConfig *config, guint i, const char *text, const char **ret_wanted)
{
        static const char *const package_systems[] = {"auto", "deb", "rpm", "none", NULL};
        void *field = G_STRUCT_MEMBER_P(config, keys[i].offset);
        guint64 number;
        char unit;
        switch (keys[i].type) {
        case KEY_PATH:
                *ret_wanted = "an absolute path";
                if (!sc_path_is_clean_absolute(text))
                        return false;
                break;
        case KEY_STRING:
                *ret_wanted = "a name or an absolute path";
                if (*text == '\0')
                        return false;
                break;
        case KEY_PACKAGE_SYSTEM:
                *ret_wanted = "one of auto, deb, rpm and none";
                if (!g_strv_contains(package_systems, text))
                        return false;
                break;
        case KEY_UINT:
                *ret_wanted = "a number in its range";
                if (!parse_number(text, &number, &unit) || unit != '\0' || number < keys[i].min || number > keys[i].max)
                        return false;
                *(guint *)field = (guint)number;
                return true;
        case KEY_YES_NO:
                *ret_wanted = "yes or no";
                *(bool *)field = strcmp(text, "yes") == 0;
                return *(bool *)field || strcmp(text, "no") == 0;
        case KEY_SIZE:
                *ret_wanted = "a number of bytes, with K, M, G or T behind it";
                return parse_size(text, field);
        case KEY_LIST:
                *ret_wanted = "a list";
                g_strfreev(*(char ***)field);
                *(char ***)field = g_strsplit_set(text, " ,;", -1);
                return true;
        }
        g_free(*(char **)field);
        *(char **)field = g_strdup(text);
        return true;
}

static int find_key(const char *group, const char *key)
{
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
                if (strcmp(keys[i].group, group) == 0 && strcmp(keys[i].key, key) == 0)
                        return (int)i;
        return -1;
}

static bool read_file(ScConfig *config, const char *path, GError **error)
{
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) local = NULL;
        if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &local)) {
                if (g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                        return true;
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Cannot read the configuration %s: %s", path, local->message);
        }
        g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
        for (char **group = groups; *group != NULL; group++) {
                g_auto(GStrv) names = g_key_file_get_keys(file, *group, NULL, NULL);
                for (char **name = names; name != NULL && *name != NULL; name++) {
                        int i = find_key(*group, *name);
                        if (i < 0) {
                                g_autofree char *warning = g_strdup_printf("%s: unknown key %s in [%s], ignored", path, *name,
                                                                           *group);
                                sc_journal(LOG_WARNING, warning, NULL);
                                continue;
                        }
                        g_autofree char *text = g_key_file_get_value(file, *group, *name, NULL);
                        const char *wanted = "";
                        if (!set_key(config, (guint)i, g_strstrip(text), &wanted))
                                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s: %s= in [%s] is not %s: %s", path, *name,
                                                *group, wanted, text);
                }
        }
        return true;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool read_drop_ins(ScConfig *config, const char *folder, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autoptr(GDir) dir = g_dir_open(folder, 0, &local);
        if (dir == NULL && !g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Cannot read the configuration in %s: %s", folder,
                                local->message);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;)
                if (g_str_has_suffix(name, ".conf"))
                        g_ptr_array_add(names, g_build_filename(folder, name, NULL));
        g_ptr_array_sort(names, compare_names);
        for (guint i = 0; i < names->len; i++)
                if (!read_file(config, names->pdata[i], error))
                        return false;
        return true;
}

ScConfig *sc_config_load_for(ScScopeKind kind, const char *path, GError **error)
{
        g_autoptr(ScScope) scope = sc_scope_new(kind, error);
        if (scope == NULL)
                return NULL;
        g_autoptr(ScConfig) config = g_new0(ScConfig, 1);
        *config = (ScConfig){
                .checkout_path = g_strdup(scope->checkout_path),
                .repository = g_strdup(scope->repository),
                .preinstalled_path = g_strdup(scope->preinstalled_path),
                .runtime = g_strdup("runc"),
                .settling_time = 5,
                .start_timeout = 90,
                .package_system = g_strdup("auto"),
                .parallel_layers = 3,
                .stall_timeout = 25,
                .attempts = 4,
                .minimum_rate = 1024,
                .max_layer_size = G_GUINT64_CONSTANT(64) << 30,
                .max_archive_size = G_GUINT64_CONSTANT(64) << 30,
                .max_layers = 256,
                .engine_socket = g_strdup("/run/docker.sock"),
                .insecure_registries = g_new0(char *, 1),
                .max_jobs = 4,
                .max_jobs_per_user = 32,
        };
        config->scope = g_steal_pointer(&scope);
        g_autofree char *drop_ins = g_strconcat(config->scope->config_path, ".d", NULL);
        if (!read_file(config, path != NULL ? path : config->scope->config_path, error))
                return NULL;
        if (path == NULL && !read_drop_ins(config, drop_ins, error))
                return NULL;
        return g_steal_pointer(&config);
}

ScConfig *sc_config_load(const char *path, GError **error)
{
        return sc_config_load_for(SC_SCOPE_SYSTEM, path, error);
}

void sc_config_free(ScConfig *config)
{
        if (config == NULL)
                return;
        sc_scope_free(config->scope);
        g_free(config->checkout_path);
        g_free(config->repository);
        g_free(config->preinstalled_path);
        g_free(config->runtime);
        g_free(config->package_system);
        g_free(config->engine_socket);
        g_strfreev(config->insecure_registries);
        g_free(config);
}
