/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-config.h"

#include "base/error.h"
#include "manifest.h"
#include "platform.h"
#include "printable.h"

/* The members of the image's configuration go to a value of their own first, so that a bad one leaves the caller's info alone. */

static bool check_platform(JsonObject *object, ScImageInfo *config, ScJsonNeed need, GError **error)
{
        const char *os, *architecture;
        if (!sc_json_get_string(object, "os", need, &os, error) ||
            !sc_json_get_string(object, "architecture", need, &architecture, error))
                return false;
        ScPlatform host;
        sc_platform_of_host(&host);
        os = os != NULL ? os : "linux";
        architecture = architecture != NULL ? architecture : host.architecture;
        if (!g_str_equal(os, "linux") || !g_str_equal(architecture, host.architecture)) {
                g_autofree char *shown_os = sc_printable(os), *shown_architecture = sc_printable(architecture);
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "The image is for %s/%s, and this machine is linux/%s", shown_os,
                                shown_architecture, host.architecture);
        }
        config->os = g_strdup(os);
        config->architecture = g_strdup(architecture);
        return true;
}

static bool parse_created(JsonObject *object, ScImageInfo *config, GError **error)
{
        const char *created;
        if (!sc_json_get_string(object, "created", SC_JSON_OPTIONAL, &created, error))
                return false;
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        g_autoptr(GDateTime) time = created != NULL ? g_date_time_new_from_iso8601(created, utc) : NULL;
        /* Reproducible builds say year 1 or nothing useful at all: that is no reason to refuse an image. */
        config->created = time != NULL ? MAX(g_date_time_to_unix(time), 0) : 0;
        return true;
}

static bool take_strv(JsonObject *object, const char *key, char ***ret, GError **error)
{
        g_auto(GStrv) strings = NULL;
        if (!sc_json_get_strv(object, key, SC_JSON_OPTIONAL, &strings, error))
                return false;
        if (strings != NULL && strings[0] != NULL)
                *ret = g_steal_pointer(&strings);
        return true;
}

static bool take_string(JsonObject *object, const char *key, char **ret, GError **error)
{
        const char *string;
        if (!sc_json_get_string(object, key, SC_JSON_OPTIONAL, &string, error))
                return false;
        if (string != NULL && string[0] != '\0')
                *ret = g_strdup(string);
        return true;
}

/* {"2379/tcp": {}, ...} */
static bool take_ports(JsonObject *object, char ***ret, GError **error)
{
        JsonObject *ports;
        if (!sc_json_get_object(object, "ExposedPorts", SC_JSON_OPTIONAL, &ports, error))
                return false;
        if (ports == NULL || json_object_get_size(ports) == 0)
                return true;
        g_autoptr(GList) names = json_object_get_members(ports);
        g_autoptr(GPtrArray) vector = g_ptr_array_new();
        for (GList *name = names; name != NULL; name = name->next)
                g_ptr_array_add(vector, g_strdup(name->data));
        g_ptr_array_add(vector, NULL);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&vector), FALSE);
        return true;
}

static bool take_health_test(JsonObject *object, char ***ret, GError **error)
{
        JsonObject *check;
        if (!sc_json_get_object(object, "Healthcheck", SC_JSON_OPTIONAL, &check, error))
                return false;
        return check == NULL || take_strv(check, "Test", ret, error);
}

static bool parse_execution(JsonObject *object, ScImageInfo *config, GError **error)
{
        JsonObject *execution;
        if (!sc_json_get_object(object, "config", SC_JSON_OPTIONAL, &execution, error))
                return false;
        if (execution == NULL)
                return true;
        GHashTable *labels;
        if (!sc_json_get_string_map(execution, "Labels", SC_JSON_OPTIONAL, &labels, error))
                return false;
        g_hash_table_unref(config->labels);
        config->labels = labels;
        return take_strv(execution, "Entrypoint", &config->entrypoint, error) && take_strv(execution, "Cmd", &config->cmd, error) &&
               take_strv(execution, "Env", &config->env, error) && take_ports(execution, &config->ports, error) &&
               take_string(execution, "User", &config->user, error) &&
               take_string(execution, "WorkingDir", &config->working_dir, error) &&
               take_health_test(execution, &config->health_test, error);
}

static bool parse_diff_ids(JsonObject *object, const ScImageInfo *info, GArray *diff_ids, GError **error)
{
        JsonObject *rootfs;
        g_auto(GStrv) texts = NULL;
        if (!sc_json_get_object(object, "rootfs", SC_JSON_REQUIRED, &rootfs, error) ||
            !sc_json_get_strv(rootfs, "diff_ids", SC_JSON_REQUIRED, &texts, error))
                return false;
        if (g_strv_length(texts) != info->layers->len)
                return sc_throw(error, SC_ERROR_CORRUPT, "It has %u diff_ids for %u layers", g_strv_length(texts),
                                info->layers->len);
        g_autoptr(GHashTable) known = g_hash_table_new(sc_digest_hash_func, sc_digest_equal_func);
        for (guint i = 0; i < info->layers->len; i++) {
                ScLayerInfo *layer = g_ptr_array_index(info->layers, i);
                ScDigest *diff_id = &g_array_index(diff_ids, ScDigest, i);
                if (!sc_digest_parse(texts[i], diff_id, NULL))
                        return sc_throw(error, SC_ERROR_CORRUPT, "The diff_id of layer %u is not a sha256 digest", i);
                /* A layer that stands there twice is fetched and checked once. */
                ScDigest *earlier = g_hash_table_lookup(known, &layer->digest);
                if (earlier != NULL && !sc_digest_equal(earlier, diff_id))
                        return sc_throw(error, SC_ERROR_CORRUPT, "Layer %u has two different diff_ids", i);
                g_hash_table_insert(known, &layer->digest, diff_id);
        }
        return true;
}

static void move_config(ScImageInfo *info, ScImageInfo *config)
{
        /* Swapped, not copied: what info held before goes with `config`. */
        ScImageInfo old = *info;
        info->created = config->created;
        info->architecture = config->architecture, config->architecture = old.architecture;
        info->os = config->os, config->os = old.os;
        info->labels = config->labels, config->labels = old.labels;
        info->entrypoint = config->entrypoint, config->entrypoint = old.entrypoint;
        info->cmd = config->cmd, config->cmd = old.cmd;
        info->env = config->env, config->env = old.env;
        info->ports = config->ports, config->ports = old.ports;
        info->user = config->user, config->user = old.user;
        info->working_dir = config->working_dir, config->working_dir = old.working_dir;
        info->health_test = config->health_test, config->health_test = old.health_test;
}

bool sc_image_config_take(ScImageInfo *info, JsonObject *object, ScJsonNeed need, GError **error)
{
        g_autoptr(ScImageInfo) config = sc_image_info_new();
        if (!check_platform(object, config, need, error) || !parse_created(object, config, error) ||
            !parse_execution(object, config, error))
                return false;
        move_config(info, config);
        return true;
}

bool sc_manifest_add_config(ScImageInfo *info, const char *text, gsize size, const char *what, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_CONFIG_MAX_SIZE, what, error);
        if (object == NULL)
                return false;
        g_autoptr(GArray) diff_ids = g_array_sized_new(FALSE, TRUE, sizeof(ScDigest), info->layers->len);
        g_array_set_size(diff_ids, info->layers->len);
        if (!parse_diff_ids(object, info, diff_ids, error) || !sc_image_config_take(info, object, SC_JSON_REQUIRED, error))
                return sc_prefix(error, "The %s cannot be used", what);
        for (guint i = 0; i < info->layers->len; i++) {
                ScLayerInfo *layer = g_ptr_array_index(info->layers, i);
                layer->diff_id = g_array_index(diff_ids, ScDigest, i);
                layer->has_diff_id = true;
        }
        return true;
}
