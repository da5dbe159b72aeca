/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "intent.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "deployment.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <systemd/sd-id128.h>

enum { INTENT_MAX_SIZE = 64 * 1024 };

static const char *const phase_words[] = {
        [SC_INTENT_CHANGE] = "change", [SC_INTENT_TRIAL] = "trial",   [SC_INTENT_BACK] = "back",
        [SC_INTENT_KEEP] = "keep",     [SC_INTENT_REMOVE] = "remove",
};

ScIntent *sc_intent_new(const char *container, const char *operation)
{
        ScIntent *intent = g_new0(ScIntent, 1);
        intent->container = g_strdup(container);
        intent->operation = g_strdup(operation);
        intent->boot_id = sc_boot_id();
        intent->old.slot = -1;
        intent->new.slot = -1;
        return intent;
}

void sc_intent_free(ScIntent *intent)
{
        if (intent == NULL)
                return;
        g_free(intent->container);
        g_free(intent->operation);
        g_free(intent->boot_id);
        g_free(intent->old.id);
        g_free(intent->old.hidden);
        g_free(intent->new.id);
        g_free(intent->new.hidden);
        g_free(intent);
}

char *sc_boot_id(void)
{
        sd_id128_t id;
        char text[SD_ID128_STRING_MAX];
        return g_strdup(sd_id128_get_boot(&id) == 0 ? sd_id128_to_string(id, text) : "unknown");
}

bool sc_intent_is_of_another_boot(const ScIntent *intent)
{
        g_autofree char *boot_id = sc_boot_id();
        return strcmp(boot_id, intent->boot_id) != 0;
}

static JsonObject *side_to_json(const ScIntentSide *side)
{
        JsonObject *object = json_object_new();
        json_object_set_int_member(object, "slot", side->slot);
        if (side->id != NULL)
                json_object_set_string_member(object, "id", side->id);
        if (side->hidden != NULL)
                json_object_set_string_member(object, "hidden", side->hidden);
        return object;
}

static char *file_name(const char *container)
{
        return g_strconcat(container, ".json", NULL);
}

static int open_folder(int checkout_fd, GError **error)
{
        return sc_open_beneath(checkout_fd, SC_INTENT_DIR, O_RDONLY | O_DIRECTORY, 0, error);
}

bool sc_intent_write(int checkout_fd, const ScIntent *intent, GError **error)
{
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_int_member(object, "version", 1);
        json_object_set_string_member(object, "container", intent->container);
        json_object_set_string_member(object, "operation", intent->operation);
        json_object_set_string_member(object, "phase", phase_words[intent->phase]);
        json_object_set_string_member(object, "boot-id", intent->boot_id);
        json_object_set_boolean_member(object, "was-active", intent->was_active);
        json_object_set_boolean_member(object, "was-enabled", intent->was_enabled);
        json_object_set_boolean_member(object, "start", intent->start);
        json_object_set_boolean_member(object, "bad", intent->bad);
        json_object_set_boolean_member(object, "spares-unit", intent->spares_unit);
        json_object_set_boolean_member(object, "spares-tmpfiles", intent->spares_tmpfiles);
        json_object_set_int_member(object, "settling-time", intent->settling_time);
        json_object_set_object_member(object, "old", side_to_json(&intent->old));
        json_object_set_object_member(object, "new", side_to_json(&intent->new));
        g_autofree char *text = sc_json_to_string(object, true);
        g_autofree char *name = file_name(intent->container);
        sc_autofd folder = open_folder(checkout_fd, error);
        return folder >= 0 && sc_write_file(folder, name, text, -1, 0600, SC_WRITE_REPLACE, error);
}

static bool parse_side(JsonObject *object, const char *key, const char *container, ScIntentSide *ret, GError **error)
{
        JsonObject *side;
        gint64 slot;
        const char *id, *hidden;
        if (!sc_json_get_object(object, key, SC_JSON_REQUIRED, &side, error) ||
            !sc_json_get_int(side, "slot", SC_JSON_REQUIRED, &slot, error) ||
            !sc_json_get_string(side, "id", SC_JSON_OPTIONAL, &id, error) ||
            !sc_json_get_string(side, "hidden", SC_JSON_OPTIONAL, &hidden, error))
                return false;
        if (slot < -1 || slot > 1)
                return sc_throw(error, SC_ERROR_CORRUPT, "There is no slot %" G_GINT64_FORMAT, slot);
        if (hidden != NULL && !sc_slot_is_hidden(hidden, container))
                return sc_throw(error, SC_ERROR_CORRUPT, "'%s' is not the name of a deployment that is being built", hidden);
        ret->slot = (int)slot;
        ret->id = g_strdup(id);
        ret->hidden = g_strdup(hidden);
        return true;
}

static bool parse_phase(const char *word, ScIntentPhase *ret, GError **error)
{
        for (guint i = 0; i < G_N_ELEMENTS(phase_words); i++)
                if (strcmp(word, phase_words[i]) == 0) {
                        *ret = (ScIntentPhase)i;
                        return true;
                }
        return sc_throw(error, SC_ERROR_CORRUPT, "There is no phase '%s'", word);
}

ScIntent *sc_intent_parse(const char *text, gsize size, const char *what, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, INTENT_MAX_SIZE, what, error);
        if (object == NULL)
                return NULL;
        const char *container, *operation, *phase, *boot_id;
        guint64 settling_time, version;
        if (!sc_json_get_uint(object, "version", SC_JSON_REQUIRED, &version, error) ||
            !sc_json_get_string(object, "container", SC_JSON_REQUIRED, &container, error) ||
            !sc_json_get_string(object, "operation", SC_JSON_REQUIRED, &operation, error) ||
            !sc_json_get_string(object, "phase", SC_JSON_REQUIRED, &phase, error) ||
            !sc_json_get_string(object, "boot-id", SC_JSON_REQUIRED, &boot_id, error) ||
            !sc_json_get_uint(object, "settling-time", SC_JSON_OPTIONAL, &settling_time, error) ||
            !sc_container_name_check(container, error)) {
                sc_prefix(error, "Cannot read the %s", what);
                return NULL;
        }
        g_autoptr(ScIntent) intent = sc_intent_new(container, operation);
        g_free(intent->boot_id);
        intent->boot_id = g_strdup(boot_id);
        intent->settling_time = (guint)MIN(settling_time, 3600);
        if (version != 1 || !parse_phase(phase, &intent->phase, error) ||
            !sc_json_get_bool(object, "was-active", SC_JSON_REQUIRED, &intent->was_active, error) ||
            !sc_json_get_bool(object, "was-enabled", SC_JSON_REQUIRED, &intent->was_enabled, error) ||
            !sc_json_get_bool(object, "start", SC_JSON_OPTIONAL, &intent->start, error) ||
            !sc_json_get_bool(object, "bad", SC_JSON_OPTIONAL, &intent->bad, error) ||
            !sc_json_get_bool(object, "spares-unit", SC_JSON_OPTIONAL, &intent->spares_unit, error) ||
            !sc_json_get_bool(object, "spares-tmpfiles", SC_JSON_OPTIONAL, &intent->spares_tmpfiles, error) ||
            !parse_side(object, "old", container, &intent->old, error) ||
            !parse_side(object, "new", container, &intent->new, error)) {
                if (version != 1)
                        sc_throw(error, SC_ERROR_UNSUPPORTED, "The %s was written by a newer version", what);
                sc_prefix(error, "Cannot read the %s", what);
                return NULL;
        }
        return g_steal_pointer(&intent);
}

ScIntent *sc_intent_read(int checkout_fd, const char *container, GError **error)
{
        sc_autofd folder = open_folder(checkout_fd, error);
        g_autofree char *name = file_name(container);
        g_autofree char *text = NULL;
        gsize size;
        if (folder < 0 || !sc_read_file(folder, name, INTENT_MAX_SIZE, &text, &size, error))
                return NULL;
        g_autofree char *what = g_strdup_printf("intent %s/%s", SC_INTENT_DIR, name);
        g_autoptr(ScIntent) intent = sc_intent_parse(text, size, what, error);
        if (intent != NULL && strcmp(intent->container, container) != 0) {
                sc_throw(error, SC_ERROR_CORRUPT, "The %s is one of %s", what, intent->container);
                return NULL;
        }
        return g_steal_pointer(&intent);
}

bool sc_intent_sweep(int checkout_fd, const char *container, GError **error)
{
        sc_autofd folder = open_folder(checkout_fd, error);
        g_autofree char *name = file_name(container);
        return folder >= 0 && sc_write_sweep(folder, name, error);
}

bool sc_intent_remove(int checkout_fd, const char *container, GError **error)
{
        sc_autofd folder = open_folder(checkout_fd, error);
        g_autofree char *name = file_name(container);
        return folder >= 0 && sc_write_sweep(folder, name, error) && sc_unlink_durably(folder, name, error);
}

/* Of "NAME.json", and of ".NAME.json.XXXXXXXX", which is what a kill in the middle of writing it leaves. NULL: of neither. */
static char *container_of(const char *entry)
{
        gsize length = strlen(entry), tail = strlen(".XXXXXXXX");
        if (entry[0] == '.' && (length <= tail || entry[length - tail] != '.'))
                return NULL;
        g_autofree char *file = entry[0] == '.' ? g_strndup(entry + 1, length - tail - 1) : g_strdup(entry);
        return g_str_has_suffix(file, ".json") ? g_strndup(file, strlen(file) - strlen(".json")) : NULL;
}

char **sc_intent_list(int checkout_fd, GError **error)
{
        int folder = open_folder(checkout_fd, error);
        if (folder < 0)
                return NULL;
        DIR *listing = fdopendir(folder);
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list " SC_INTENT_DIR);
                sc_close(&folder);
                return NULL;
        }
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                char *container = container_of(entry->d_name);
                if (container != NULL)
                        g_ptr_array_add(names, container);
        }
        closedir(listing);
        g_ptr_array_add(names, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}
