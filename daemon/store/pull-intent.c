/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pull-intent.h"
#include "base/atomicfile.h"
#include "base/error.h"
#include "base/journal.h"
#include "base/path.h"
#include "base/reference.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>

#define FOLDER "pull"
#define SUFFIX ".json"
#define MAX_SIZE (4u << 20)

void sc_pull_intent_free(ScPullIntent *intent)
{
        if (intent == NULL)
                return;
        g_free(intent->name);
        g_strfreev(intent->refs);
        g_free(intent);
}

static int open_folder(ScRepository *repository, GError **error)
{
        sc_autofd state_fd = sc_repository_open_state(repository, error);

        return state_fd < 0 ? -1 : sc_make_dirs(state_fd, FOLDER, 0755, error);
}

static char *file_name(const char *name)
{
        ScDigest digest;
        char hex[SC_DIGEST_HEX_SIZE];

        sc_digest_of(name, strlen(name), &digest);
        sc_digest_to_hex(&digest, hex);
        return g_strconcat(hex, SUFFIX, NULL);
}

bool sc_pull_intent_write(ScRepository *repository, const char *name, GPtrArray *layers, GError **error)
{
        g_autoptr(JsonObject) object = json_object_new();
        JsonArray *array = json_array_new();

        for (guint i = 0; i < layers->len; i++) {
                char hex[SC_DIGEST_HEX_SIZE];
                sc_digest_to_hex(&((const ScLayerInfo *)layers->pdata[i])->digest, hex);
                json_array_add_string_element(array, hex);
        }
        json_object_set_int_member(object, "version", 1);
        json_object_set_string_member(object, "name", name);
        json_object_set_int_member(object, "time", g_get_real_time() / G_USEC_PER_SEC);
        json_object_set_array_member(object, "layers", array);
        g_autofree char *text = sc_json_to_string(object, true), *file = file_name(name);
        sc_autofd folder = open_folder(repository, error);
        if (folder < 0)
                return false;
        /* Another pull of the name may be at its record just now. */
        if (flock(folder, LOCK_EX) < 0)
                return sc_throw_errno(error, "Cannot lock the records of pulls");
        return sc_write_sweep(folder, file, error) && sc_write_file(folder, file, text, -1, 0644, SC_WRITE_REPLACE, error);
}

bool sc_pull_intent_remove(ScRepository *repository, const char *name, GError **error)
{
        g_autofree char *file = file_name(name);
        sc_autofd folder = open_folder(repository, error);

        return folder >= 0 && sc_unlink_durably(folder, file, error);
}

static bool read_refs(char **hexes, ScPullIntent *intent, GError **error)
{
        g_autoptr(GStrvBuilder) refs = g_strv_builder_new();

        for (char **hex = hexes; *hex != NULL; hex++) {
                g_autofree char *ref = g_strconcat(SC_REF_PREFIX, *hex, NULL);
                if (!sc_ref_is_blob(ref))
                        return sc_throw(error, SC_ERROR_CORRUPT, "'%.80s' is no layer", *hex);
                g_strv_builder_add(refs, ref);
        }
        intent->refs = g_strv_builder_end(refs);
        return true;
}

ScPullIntent *sc_pull_intent_parse(const char *text, gsize size, const char *what, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, MAX_SIZE, what, error);
        g_autoptr(ScPullIntent) intent = g_new0(ScPullIntent, 1);
        g_auto(GStrv) hexes = NULL;
        const char *name;
        guint64 version;

        if (object == NULL || !sc_json_get_uint(object, "version", SC_JSON_REQUIRED, &version, error) ||
            !sc_json_get_string(object, "name", SC_JSON_REQUIRED, &name, error) ||
            !sc_json_get_int(object, "time", SC_JSON_REQUIRED, &intent->time, error) ||
            !sc_json_get_strv(object, "layers", SC_JSON_REQUIRED, &hexes, error) || !read_refs(hexes, intent, error)) {
                sc_prefix(error, "Cannot read the %s", what);
                return NULL;
        }
        if (version != 1) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "The %s was written by a newer version", what);
                return NULL;
        }
        intent->name = g_strdup(name);
        return g_steal_pointer(&intent);
}

static ScPullIntent *read_intent(int folder, const char *file, GError **error)
{
        g_autofree char *text = NULL, *what = g_strconcat("record of a pull ", file, NULL);
        gsize size;

        return sc_read_file(folder, file, MAX_SIZE, &text, &size, error) ? sc_pull_intent_parse(text, size, what, error) : NULL;
}

/* A clock that was set back must not keep a record for ever. */
static bool is_current(const ScPullIntent *intent, gint64 now)
{
        return intent->time <= now && now - intent->time < SC_PULL_INTENT_SECONDS;
}

static bool hold(int folder, const char *file, gint64 now, GHashTable *refs, GError **error)
{
        g_autoptr(GError) unreadable = NULL;
        g_autoptr(ScPullIntent) intent = read_intent(folder, file, &unreadable);

        if (intent != NULL && is_current(intent, now)) {
                for (char **ref = intent->refs; *ref != NULL; ref++)
                        g_hash_table_add(refs, g_strdup(*ref));
                return true;
        }
        if (intent == NULL && !g_error_matches(unreadable, SC_ERROR, SC_ERROR_CORRUPT)) {
                g_propagate_error(error, g_steal_pointer(&unreadable));
                return sc_prefix(error, "The record of a pull");
        }
        if (intent == NULL)
                sc_journal(LOG_WARNING, unreadable->message, NULL);
        return sc_unlink_durably(folder, file, error);
}

bool sc_pull_intents_hold(ScRepository *repository, gint64 now, GHashTable *refs, GError **error)
{
        int folder = open_folder(repository, error);
        DIR *listing = folder < 0 ? NULL : fdopendir(folder);

        if (listing == NULL) {
                if (folder >= 0)
                        sc_throw_errno(error, "Cannot list the records of pulls");
                sc_close(&folder);
                return false;
        }
        bool ok = true;
        for (struct dirent *entry; ok && (entry = readdir(listing)) != NULL;) {
                if (entry->d_name[0] != '.' && g_str_has_suffix(entry->d_name, SUFFIX))
                        ok = hold(dirfd(listing), entry->d_name, now, refs, error);
                else if (entry->d_name[0] == '.' && strstr(entry->d_name, SUFFIX) != NULL)
                        (void)unlinkat(dirfd(listing), entry->d_name, 0); /* whoever wrote it was killed before it had its name */
        }
        closedir(listing);
        return ok;
}
