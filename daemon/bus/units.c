/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/units.h"
#include "base/scope.h"
#include "bus/reply.h"
#include <string.h>
#include <syslog.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

struct ScUnits {
        sd_bus *bus;
        ScUnitChangedFunc changed;
        gpointer data;
        GHashTable *states; /* name of a followed unit -> word (static) */
        sd_bus_slot *changed_slot;
        sd_bus_slot *reloading_slot;
        guint ask_source;
        sd_bus_slot *reload_slot; /* of a reload that was asked for and is not done */
        bool reload_again;
        GPtrArray *questions; /* Question */
};

/* One question to systemd on its way. */
typedef struct {
        ScUnits *units;
        sd_bus_slot *slot;
        ScUnitsFreshFunc done;
        gpointer data;
} Question;

const char *sc_unit_state_word(const char *active_state, const char *sub_state)
{
        if (strcmp(active_state, "failed") == 0 || strcmp(sub_state, "auto-restart") == 0)
                return "failed";
        const char *const running[] = {"active", "reloading", "activating", "deactivating", NULL};
        return g_strv_contains(running, active_state) ? "running" : "inactive";
}

static void take_state(ScUnits *units, const char *unit, const char *active_state, const char *sub_state)
{
        const char *before = g_hash_table_lookup(units->states, unit);
        const char *now = sc_unit_state_word(active_state, sub_state);
        if (before == NULL || strcmp(before, now) == 0)
                return;
        g_hash_table_replace(units->states, g_strdup(unit), (gpointer)now);
        units->changed(units->data, unit);
}

/* PropertiesChanged(s interface, a{sv} changed, as invalidated) of any unit. */
static int on_unit_changed(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScUnits *units = data;
        g_autofree char *unit = NULL;
        if (sd_bus_path_decode(sd_bus_message_get_path(message), SYSTEMD_PATH "/unit", &unit) <= 0 ||
            !g_hash_table_contains(units->states, unit))
                return 0;
        const char *active = NULL, *sub = "";
        if (sd_bus_message_skip(message, "s") < 0 || sd_bus_message_enter_container(message, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                const char *name;
                if (sd_bus_message_read(message, "s", &name) < 0)
                        return 0;
                const char **place = strcmp(name, "ActiveState") == 0 ? &active : strcmp(name, "SubState") == 0 ? &sub : NULL;
                if ((place != NULL ? sd_bus_message_read(message, "v", "s", place) : sd_bus_message_skip(message, "v")) < 0)
                        return 0;
                sd_bus_message_exit_container(message);
        }
        if (active != NULL)
                take_state(units, unit, active, sub);
        return 0;
}

static void question_free(gpointer data)
{
        Question *question = data;
        sd_bus_slot_unref(question->slot);
        g_free(question);
}

/* Whatever is followed and not listed is inactive. */
static void take_list(ScUnits *units, sd_bus_message *reply)
{
        g_autoptr(GHashTable) unlisted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GHashTableIter iter;
        gpointer unit;
        g_hash_table_iter_init(&iter, units->states);
        while (g_hash_table_iter_next(&iter, &unit, NULL))
                g_hash_table_add(unlisted, g_strdup(unit));

        const char *name, *active, *sub;
        if (sd_bus_message_enter_container(reply, 'a', "(ssssssouso)") < 0)
                return;
        while (sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, &active, &sub, NULL, NULL, NULL, NULL, NULL) > 0)
                if (g_hash_table_remove(unlisted, name))
                        take_state(units, name, active, sub);
        g_hash_table_iter_init(&iter, unlisted);
        while (g_hash_table_iter_next(&iter, &unit, NULL))
                take_state(units, unit, "inactive", "dead");
}

static int on_listed(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        Question *question = data;
        ScUnits *units = question->units;
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        if (refused != NULL)
                sc_bus_complain(LOG_WARNING, "systemd does not say how the containers' units are", refused->message);
        else
                take_list(units, reply);
        ScUnitsFreshFunc done = question->done;
        gpointer done_data = question->data;
        g_ptr_array_remove(units->questions, question);
        if (done != NULL)
                done(done_data);
        return 0;
}

/* Asks for all units that are up or failed: unlike a question by name, this makes systemd load no unit file. */
static void ask(ScUnits *units, ScUnitsFreshFunc done, gpointer data)
{
        Question *question = g_new0(Question, 1);
        question->units = units;
        question->done = done;
        question->data = data;
        g_ptr_array_add(units->questions, question);
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(units->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "ListUnitsFiltered");
        if (r >= 0)
                r = sd_bus_message_append(call, "as", 5, "active", "reloading", "activating", "deactivating", "failed");
        if (r >= 0)
                r = sd_bus_call_async(units->bus, &question->slot, call, on_listed, question, SC_SYSTEMD_PATIENCE);
        sd_bus_message_unref(call);
        if (r >= 0)
                return;
        sc_bus_complain(LOG_WARNING, "Cannot ask systemd for the containers' units", strerror(-r));
        g_ptr_array_remove(units->questions, question);
        if (done != NULL)
                done(data);
}

static gboolean on_ask(gpointer data)
{
        ScUnits *units = data;
        units->ask_source = 0;
        ask(units, NULL, NULL);
        return G_SOURCE_REMOVE;
}

static void ask_later(ScUnits *units)
{
        if (units->ask_source == 0)
                units->ask_source = g_idle_add_full(G_PRIORITY_DEFAULT, on_ask, units, NULL);
}

/* Reloading(b active): unit files may have come and gone. */
static int on_reloading(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        int active;
        if (sd_bus_message_read(message, "b", &active) >= 0 && !active)
                ask_later(data);
        return 0;
}

static int on_reloaded(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        ScUnits *units = data;
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        if (refused != NULL)
                sc_bus_complain(LOG_WARNING, "systemd does not read its units again", refused->message);
        units->reload_slot = sd_bus_slot_unref(units->reload_slot);
        if (units->reload_again)
                sc_units_reload(units);
        return 0;
}

void sc_units_reload(ScUnits *units)
{
        units->reload_again = units->reload_slot != NULL;
        if (units->reload_again)
                return;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(units->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "Reload");
        if (r >= 0)
                r = sd_bus_call_async(units->bus, &units->reload_slot, call, on_reloaded, units, SC_SYSTEMD_PATIENCE);
        sd_bus_message_unref(call);
        if (r < 0)
                sc_bus_complain(LOG_WARNING, "Cannot have systemd read its units again", strerror(-r));
}

ScUnits *sc_units_new(sd_bus *bus, ScUnitChangedFunc changed, gpointer data, GError **error)
{
        g_autoptr(ScUnits) units = g_new0(ScUnits, 1);
        units->bus = sd_bus_ref(bus);
        units->changed = changed;
        units->data = data;
        units->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        units->questions = g_ptr_array_new_with_free_func(question_free);
        int r = sd_bus_add_match_async(bus, &units->changed_slot,
                                       "type='signal',sender='" SYSTEMD "',path_namespace='" SYSTEMD_PATH
                                       "/unit',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
                                       "arg0='org.freedesktop.systemd1.Unit'",
                                       on_unit_changed, NULL, units);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, &units->reloading_slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "Reloading",
                                              on_reloading, NULL, units);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", NULL, NULL, NULL);
        if (r >= 0)
                return g_steal_pointer(&units);
        sc_bus_throw(error, r, "Cannot subscribe to systemd's signals");
        return NULL;
}

void sc_units_free(ScUnits *units)
{
        if (units == NULL)
                return;
        g_clear_handle_id(&units->ask_source, g_source_remove);
        g_ptr_array_unref(units->questions);
        sd_bus_slot_unref(units->changed_slot);
        sd_bus_slot_unref(units->reloading_slot);
        sd_bus_slot_unref(units->reload_slot);
        g_hash_table_unref(units->states);
        sd_bus_unref(units->bus);
        g_free(units);
}

void sc_units_follow(ScUnits *units, const char *unit)
{
        if (g_hash_table_contains(units->states, unit))
                return;
        g_hash_table_insert(units->states, g_strdup(unit), (gpointer) "inactive");
        ask_later(units);
}

void sc_units_forget(ScUnits *units, const char *unit)
{
        g_hash_table_remove(units->states, unit);
}

const char *sc_units_state(ScUnits *units, const char *unit)
{
        const char *state = g_hash_table_lookup(units->states, unit);
        return state != NULL ? state : "inactive";
}

void sc_units_when_fresh(ScUnits *units, ScUnitsFreshFunc done, gpointer data)
{
        ask(units, done, data);
}
