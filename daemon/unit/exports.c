/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exports.h"

#include "base/error.h"
#include "base/path.h"
#include "template.h"
#include "variables.h"
#include <string.h>

#define TEXT_MAX (1024 * 1024)

/* What a reader gives is checked here, so that every reader is bounded alike. */
static bool read_text(ScExportsRead read, gpointer source, const char *name, char **ret_text, GError **error)
{
        g_autofree char *text = NULL;
        if (!read(source, name, &text, error))
                return sc_prefix(error, "Cannot read the image's exports/%s", name);
        if (text != NULL && strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
                return sc_throw(error, SC_ERROR_CORRUPT, "The image's exports/%s is larger than 1 MiB", name);
        if (text != NULL && !g_utf8_validate(text, -1, NULL))
                return sc_throw(error, SC_ERROR_CORRUPT, "The image's exports/%s is not valid UTF-8 text", name);
        *ret_text = g_steal_pointer(&text);
        return true;
}

static bool parse_manifest(ScExports *exports, const char *text, GError **error)
{
        g_autoptr(JsonObject) manifest = sc_json_parse_object(text, -1, TEXT_MAX, "exports/manifest.json of the image", error);
        if (manifest == NULL)
                return false;
        g_autoptr(GHashTable) defaults = NULL;
        g_autoptr(GHashTable) renames = NULL;
        g_auto(GStrv) rendered = NULL;
        if (!sc_json_get_string_map(manifest, "defaultValues", SC_JSON_OPTIONAL, &defaults, error) ||
            !sc_json_get_string_map(manifest, "renameFiles", SC_JSON_OPTIONAL, &renames, error) ||
            !sc_json_get_strv(manifest, "installedFilesTemplate", SC_JSON_OPTIONAL, &rendered, error) ||
            !sc_json_get_bool(manifest, "noContainerService", SC_JSON_OPTIONAL, &exports->no_service, error))
                return sc_prefix(error, "The image's exports/manifest.json is malformed");
        if (json_object_has_member(manifest, "useLinks") && !json_object_get_null_member(manifest, "useLinks") &&
            !sc_json_get_bool(manifest, "useLinks", SC_JSON_REQUIRED, &exports->use_links, error))
                return sc_prefix(error, "The image's exports/manifest.json is malformed");
        g_hash_table_unref(exports->defaults);
        exports->defaults = g_steal_pointer(&defaults);
        g_hash_table_unref(exports->renames);
        exports->renames = g_steal_pointer(&renames);
        if (rendered != NULL) {
                g_strfreev(exports->rendered);
                exports->rendered = g_steal_pointer(&rendered);
        }
        return true;
}

ScExports *sc_exports_load(ScExportsRead read, gpointer source, bool present, GError **error)
{
        g_autoptr(ScExports) exports = g_new0(ScExports, 1);
        exports->present = present;
        exports->use_links = true;
        exports->defaults = sc_string_map_new();
        exports->renames = sc_string_map_new();
        exports->rendered = g_new0(char *, 1);
        if (!present)
                return g_steal_pointer(&exports);

        g_autofree char *manifest = NULL;
        if (!read_text(read, source, "manifest.json", &manifest, error))
                return NULL;
        if (manifest != NULL && !parse_manifest(exports, manifest, error))
                return NULL;
        if (!read_text(read, source, "service.template", &exports->service, error) ||
            !read_text(read, source, "tmpfiles.template", &exports->tmpfiles, error) ||
            !read_text(read, source, "config.json.template", &exports->config, error) ||
            !read_text(read, source, "rpm.spec.template", &exports->rpm_spec, error))
                return NULL;
        exports->config_is_template = exports->config != NULL;
        exports->rpm_spec_is_template = exports->rpm_spec != NULL;
        if (exports->rpm_spec == NULL && !read_text(read, source, "rpm.spec", &exports->rpm_spec, error))
                return NULL;
        if (exports->config == NULL && !read_text(read, source, "config.json", &exports->config, error))
                return NULL;
        return g_steal_pointer(&exports);
}

void sc_exports_free(ScExports *exports)
{
        if (exports == NULL)
                return;
        g_hash_table_unref(exports->defaults);
        g_hash_table_unref(exports->renames);
        g_strfreev(exports->rendered);
        g_free(exports->service);
        g_free(exports->tmpfiles);
        g_free(exports->config);
        g_free(exports->rpm_spec);
        g_free(exports);
}

bool sc_exports_read_rootfs(gpointer source, const char *name, char **ret_text, GError **error)
{
        g_autofree char *path = g_build_filename("exports", name, NULL), *text = NULL;
        g_autoptr(GError) local = NULL;
        gsize size;
        *ret_text = NULL;
        if (!sc_read_file_in_root(*(const int *)source, path, TEXT_MAX, &text, &size, &local)) {
                if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return true;
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        if (memchr(text, '\0', size) != NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "%s contains a zero byte", name);
        *ret_text = g_steal_pointer(&text);
        return true;
}

static int compare_strings(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **sc_exports_required(const ScExports *exports)
{
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (!exports->no_service && exports->service != NULL)
                sc_template_collect(exports->service, names);
        if (exports->tmpfiles != NULL)
                sc_template_collect(exports->tmpfiles, names);
        if (!exports->no_service && exports->config_is_template)
                sc_template_collect(exports->config, names);
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, exports->renames);
        while (g_hash_table_iter_next(&iter, &key, &value))
                sc_template_collect(value, names);

        GPtrArray *required = g_ptr_array_new();
        g_hash_table_iter_init(&iter, names);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                if (!sc_variable_is_system(key) && !g_hash_table_contains(exports->defaults, key))
                        g_ptr_array_add(required, g_strdup(key));
        }
        g_ptr_array_sort(required, compare_strings);
        g_ptr_array_add(required, NULL);
        return (char **)g_ptr_array_free(required, FALSE);
}
