/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/running-unit.h"
#include "base/journal.h"
#include "base/path.h"
#include "base/scope.h"
#include <errno.h>
#include <string.h>
#include <syslog.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

/* systemd that could not be asked (it executes itself anew, say) is asked again. */
#define ASK_AGAIN_SECONDS 1
/* How often it is tried whether a unit's name is free again, and for how long: what has it is being stopped, and ends within its
 * TimeoutStopSec=. */
#define START_AGAIN_MS 100
#define START_SECONDS 120

struct ScRunningUnit {
        const ScWorkers *workers;
        sd_bus *bus;
        const ScJob *job;
        char *name;
        const ScUnitOwner *owner;
        gpointer data;
        ScWorkerOptions options;
        int worker_fd; /* until systemd has it; -1: it has */
        bool insists;
        bool stops; /* it was to be stopped */
        bool stop_if_there;
        gint64 start_until; /* monotonic */
        guint start_timer;  /* between two calls that start it */
        bool start_unsure;  /* it is looked for, to see whether the last one did */
        sd_bus_slot *start_slot;
        sd_bus_slot *look_slot;
        guint look_timer; /* until systemd is asked again for it */
        sd_bus_slot *stop_slot;
        guint stop_timer; /* until systemd is asked again to stop it */
        sd_bus_slot *changed_slot;
        sd_bus_slot *removed_slot;
        char *result;
};

/* Anything else says nothing about the unit: systemd was not there to be asked, or the bus has its limits. */
static bool is_answer(const sd_bus_error *error)
{
        return error == NULL || sd_bus_error_has_name(error, SYSTEMD ".NoSuchUnit");
}

static gboolean on_stop_again(gpointer data)
{
        ScRunningUnit *unit = data;
        unit->stop_timer = 0;
        sc_running_unit_stop(unit);
        return G_SOURCE_REMOVE;
}

static int on_stopped(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        ScRunningUnit *unit = data;
        unit->stop_slot = sd_bus_slot_unref(unit->stop_slot);
        if (!is_answer(sd_bus_message_get_error(reply)) && sd_bus_is_open(unit->bus) > 0)
                unit->stop_timer = g_timeout_add_seconds(ASK_AGAIN_SECONDS, on_stop_again, unit);
        return 0;
}

/* That it has been asked is all that the reply says: the unit's end comes by other ways. */
void sc_running_unit_stop(ScRunningUnit *unit)
{
        unit->stops = true;
        if (unit->stop_slot == NULL && unit->stop_timer == 0)
                sd_bus_call_method_async(unit->bus, &unit->stop_slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit",
                                         on_stopped, unit, "ss", unit->name, "replace");
}

void sc_running_unit_stop_unheard(const ScRunningUnit *unit)
{
        sd_bus_call_method_async(unit->bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit", NULL, NULL, "ss", unit->name,
                                 "replace");
}

/* Reads the unit's Result out of PropertiesChanged(s interface, a{sv} changed, as invalidated). */
static int on_changed(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScRunningUnit *unit = data;
        if (sd_bus_message_skip(message, "s") < 0 || sd_bus_message_enter_container(message, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                const char *name, *value;
                if (sd_bus_message_read(message, "s", &name) < 0)
                        return 0;
                if (strcmp(name, "Result") == 0) {
                        if (sd_bus_message_read(message, "v", "s", &value) < 0)
                                return 0;
                        g_free(unit->result);
                        unit->result = g_strdup(value);
                } else if (sd_bus_message_skip(message, "v") < 0) {
                        return 0;
                }
                sd_bus_message_exit_container(message);
        }
        return 0;
}

static int look(ScRunningUnit *unit);

static gboolean on_look_again(gpointer data)
{
        ScRunningUnit *unit = data;
        unit->look_timer = 0;
        (void)look(unit);
        return G_SOURCE_REMOVE;
}

static void look_later(ScRunningUnit *unit)
{
        if (unit->look_timer == 0)
                unit->look_timer = g_timeout_add_seconds(ASK_AGAIN_SECONDS, on_look_again, unit);
}

static gboolean on_start_again(gpointer data);

static void start_later(ScRunningUnit *unit)
{
        unit->start_timer = g_timeout_add(START_AGAIN_MS, on_start_again, unit);
}

/* Who has taken the request along was started, whether it is there or gone: how it ends, its owner hears. While nobody has, what is
 * there may be whoever had the name before. */
static void settle_start(ScRunningUnit *unit, bool is_there)
{
        bool is_open = unit->owner->trace(unit->data) == SC_WORKER_UNSEEN && g_get_monotonic_time() <= unit->start_until;
        if (is_open && is_there) {
                look_later(unit);
                return;
        }
        unit->start_unsure = false;
        g_clear_handle_id(&unit->look_timer, g_source_remove);
        if (is_open)
                start_later(unit);
        else
                sc_close(&unit->worker_fd);
}

static int on_looked(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        ScRunningUnit *unit = data;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        unit->look_slot = sd_bus_slot_unref(unit->look_slot);
        /* What had its name is gone; it is yet to come. */
        if (unit->start_slot != NULL || unit->start_timer != 0)
                return 0;
        if (!is_answer(error)) {
                /* A daemon that has lost the bus ends: the next one takes the worker over. */
                if (sd_bus_is_open(unit->bus) > 0)
                        look_later(unit);
        } else if (unit->start_unsure) {
                settle_start(unit, error == NULL);
        } else if (error != NULL) {
                unit->owner->gone(unit->data);
        } else if (unit->stop_if_there) {
                sc_running_unit_stop(unit);
        }
        return 0;
}

static int look(ScRunningUnit *unit)
{
        if (unit->look_slot != NULL || unit->look_timer != 0)
                return 0;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(unit->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnit");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", unit->name);
        if (r >= 0)
                r = sd_bus_call_async(unit->bus, &unit->look_slot, call, on_looked, unit, SC_SYSTEMD_PATIENCE);
        sd_bus_message_unref(call);
        return r;
}

int sc_running_unit_look(ScRunningUnit *unit, ScLook how)
{
        unit->stop_if_there = unit->stop_if_there || how == SC_LOOK_AND_STOP;
        return look(unit);
}

/* systemd says so of every unit, too, when it reloads its configuration. */
static int on_removed(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        (void)look(data);
        return 0;
}

/* The bus may refuse a match; without a function here sd-bus would give up the whole connection. The worker's socket tells its end,
 * too. */
static int on_watched(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        const ScRunningUnit *unit = data;
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        if (refused == NULL)
                return 1;
        g_autofree char *line = g_strdup_printf("Cannot watch %s", unit->name);
        sc_journal(LOG_WARNING, line, SC_FIELD_ERROR, refused->message, NULL);
        return 1;
}

bool sc_running_unit_watch(ScRunningUnit *unit, GError **error)
{
        g_autofree char *path = NULL;
        int r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit->name, &path);
        g_autofree char *changed = g_strdup_printf("type='signal',sender='" SYSTEMD
                                                   "',path='%s',interface='org.freedesktop.DBus.Properties',"
                                                   "member='PropertiesChanged',arg0='org.freedesktop.systemd1.Service'",
                                                   path);
        g_autofree char *removed = g_strdup_printf("type='signal',sender='" SYSTEMD "',path='" SYSTEMD_PATH
                                                   "',interface='" SYSTEMD_MANAGER "',"
                                                   "member='UnitRemoved',arg0='%s'",
                                                   unit->name);
        if (r >= 0)
                r = sd_bus_add_match_async(unit->bus, &unit->changed_slot, changed, on_changed, on_watched, unit);
        if (r >= 0)
                r = sd_bus_add_match_async(unit->bus, &unit->removed_slot, removed, on_removed, on_watched, unit);
        errno = -r;
        return r >= 0 || sc_throw_errno(error, "Cannot watch %s", unit->name);
}

static void fail_start(ScRunningUnit *unit, const char *why)
{
        sc_running_unit_stop_unheard(unit); /* where the answer only came too late */
        unit->owner->not_started(unit->data, why);
}

static bool ask_to_start(ScRunningUnit *unit, GError **error);

static gboolean on_start_again(gpointer data)
{
        ScRunningUnit *unit = data;
        unit->start_timer = 0;
        g_autoptr(GError) error = NULL;
        if (unit->stops)
                unit->owner->not_started(unit->data, NULL);
        else if (!ask_to_start(unit, &error))
                fail_start(unit, error->message);
        return G_SOURCE_REMOVE;
}

/* A worker that was prepared for this stage, and is of no use, or that an earlier daemon has left, has its name until it has ended.
 */
static bool start_when_it_is_gone(ScRunningUnit *unit, const sd_bus_error *refused)
{
        if (!sd_bus_error_has_name(refused, SYSTEMD ".UnitExists") || g_get_monotonic_time() > unit->start_until)
                return false;
        sc_running_unit_stop_unheard(unit); /* said again with each attempt, and not behind the one that succeeds */
        start_later(unit);
        return true;
}

/* Whether it was started is not known: systemd was not there, or its answer was lost. */
static bool is_silence(const sd_bus_error *error)
{
        static const char *const names[] = {"NoReply",        "Timeout",      "TimedOut",      "ServiceUnknown",
                                            "NameHasNoOwner", "Disconnected", "LimitsExceeded"};
        static const char prefix[] = "org.freedesktop.DBus.Error.";
        if (!g_str_has_prefix(error->name, prefix))
                return false;
        const char *name = error->name + strlen(prefix);
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return g_str_has_prefix(name, "Spawn.");
}

static bool look_whether_it_started(ScRunningUnit *unit, const sd_bus_error *refused)
{
        if (!is_silence(refused))
                return false;
        unit->start_unsure = true;
        look_later(unit);
        return true;
}

static int on_started(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        ScRunningUnit *unit = data;
        unit->start_slot = sd_bus_slot_unref(unit->start_slot);
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        if (refused != NULL && sd_bus_is_open(unit->bus) <= 0)
                return 0; /* the daemon ends, and the next one takes the worker over, if there is one */
        bool is_missing = refused != NULL && unit->owner->trace(unit->data) != SC_WORKER_DONE;
        if (is_missing && unit->insists && (start_when_it_is_gone(unit, refused) || look_whether_it_started(unit, refused)))
                return 0;
        sc_close(&unit->worker_fd);
        if (is_missing)
                fail_start(unit, refused->message);
        return 0;
}

static bool ask_to_start(ScRunningUnit *unit, GError **error)
{
        g_autoptr(GError) local_error = NULL;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(unit->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sc_worker_unit_append(call, unit->workers, unit->job, &unit->options, unit->worker_fd, &local_error);
        if (r >= 0)
                r = sd_bus_call_async(unit->bus, &unit->start_slot, call, on_started, unit, SC_SYSTEMD_PATIENCE);
        sd_bus_message_unref(call);
        if (local_error != NULL) {
                g_propagate_error(error, g_steal_pointer(&local_error));
                return false;
        }
        errno = -r;
        return r >= 0 || sc_throw_errno(error, "Cannot ask systemd to start %s", unit->name);
}

bool sc_running_unit_start(ScRunningUnit *unit, int worker_fd, GError **error)
{
        unit->worker_fd = worker_fd;
        unit->start_until = g_get_monotonic_time() + START_SECONDS * G_USEC_PER_SEC;
        unit->options = sc_worker_options(unit->workers, unit->job);
        return ask_to_start(unit, error);
}

void sc_running_unit_insist(ScRunningUnit *unit)
{
        unit->insists = true;
}

const char *sc_running_unit_name(const ScRunningUnit *unit)
{
        return unit->name;
}

const char *sc_running_unit_result(const ScRunningUnit *unit)
{
        return unit->result;
}

const ScWorkerOptions *sc_running_unit_options(const ScRunningUnit *unit)
{
        return &unit->options;
}

ScRunningUnit *sc_running_unit_new(const ScWorkers *workers, const ScJob *job, const ScUnitOwner *owner, gpointer data)
{
        ScRunningUnit *unit = g_new0(ScRunningUnit, 1);
        unit->workers = workers;
        unit->bus = sd_bus_ref(workers->bus);
        unit->job = job;
        unit->name = sc_worker_unit_name(job);
        unit->owner = owner;
        unit->data = data;
        unit->worker_fd = -1;
        return unit;
}

void sc_running_unit_free(ScRunningUnit *unit)
{
        g_clear_handle_id(&unit->look_timer, g_source_remove);
        g_clear_handle_id(&unit->stop_timer, g_source_remove);
        g_clear_handle_id(&unit->start_timer, g_source_remove);
        sd_bus_slot_unref(unit->start_slot);
        sd_bus_slot_unref(unit->look_slot);
        sd_bus_slot_unref(unit->stop_slot);
        sd_bus_slot_unref(unit->changed_slot);
        sd_bus_slot_unref(unit->removed_slot);
        sc_close(&unit->worker_fd);
        sd_bus_unref(unit->bus);
        g_free(unit->name);
        g_free(unit->result);
        g_free(unit);
}
