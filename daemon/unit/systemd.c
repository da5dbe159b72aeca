/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "systemd.h"

#include "base/error.h"
#include "base/path.h"
#include "systemd-bus.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"

bool sc_systemd_reload(ScSystemd *systemd, GError **error)
{
        return sc_systemd_call(systemd, "Cannot have systemd read its units again", "Reload", NULL, error, "");
}

/* The folder may be gone with its last link, or be new in its own folder. */
static bool sync_folder_of(const char *link, GError **error)
{
        g_autofree char *folder = g_path_get_dirname(link);
        g_autofree char *above = g_path_get_dirname(folder);
        const char *const folders[] = {folder, above};
        for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
                sc_autofd fd = open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0 && errno == ENOENT)
                        continue;
                if (fd < 0)
                        return sc_throw_errno(error, "Cannot open the folder %s", folders[i]);
                if (!sc_sync_dir(fd, error))
                        return sc_prefix(error, "%s", folders[i]);
        }
        return true;
}

/* Reads the array of changes (type, link, target) that comes next. */
static bool sync_changes(Message *reply, const char *what, GError **error)
{
        const char *type, *link, *target;
        int r = sd_bus_message_enter_container(reply, 'a', "(sss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sss)", &type, &link, &target)) > 0) {
                if ((strcmp(type, "symlink") == 0 || strcmp(type, "unlink") == 0) && !sync_folder_of(link, error))
                        return false;
        }
        return r >= 0 || sc_systemd_throw(error, r, NULL, what);
}

bool sc_systemd_enable(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot enable %s", unit);
        g_autoptr(Message) reply = NULL;
        int installable;
        if (!sc_systemd_call(systemd, what, "EnableUnitFiles", &reply, error, "asbb", 1, unit, false, false))
                return false;
        int r = sd_bus_message_read(reply, "b", &installable);
        return r >= 0 ? sync_changes(reply, what, error) : sc_systemd_throw(error, r, NULL, what);
}

bool sc_systemd_disable(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot disable %s", unit);
        g_autoptr(Message) reply = NULL;
        g_autoptr(GError) local = NULL;
        bool ok = sc_systemd_call(systemd, what, "DisableUnitFiles", &reply, &local, "asb", 1, unit, false);
        if (!sc_systemd_forgive_missing(ok, &local, error))
                return false;
        return reply == NULL || sync_changes(reply, what, error);
}

bool sc_systemd_file_state(ScSystemd *systemd, const char *unit, char **ret, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot ask systemd for the state of %s", unit);
        g_autoptr(Message) reply = NULL;
        g_autoptr(GError) local = NULL;
        const char *state = NULL;
        bool ok = sc_systemd_call(systemd, what, "GetUnitFileState", &reply, &local, "s", unit);
        if (!sc_systemd_forgive_missing(ok, &local, error))
                return false;
        int r = reply != NULL ? sd_bus_message_read(reply, "s", &state) : 0;
        if (r < 0)
                return sc_systemd_throw(error, r, NULL, what);
        *ret = g_strdup(state);
        return true;
}

bool sc_systemd_reset_failed(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot reset the failed state of %s", unit);
        g_autoptr(GError) local = NULL;
        bool ok = sc_systemd_call(systemd, what, "ResetFailedUnit", NULL, &local, "s", unit);
        return sc_systemd_forgive_missing(ok, &local, error);
}

void sc_unit_state_clear(ScUnitState *state)
{
        g_free(state->load_state);
        g_free(state->active_state);
        g_free(state->sub_state);
        g_free(state->type);
        g_free(state->result);
        g_free(state->fragment_path);
        *state = (ScUnitState){0};
}

/* Reads the value at hand: to where the property belongs, or past it. */
static int read_property(Message *reply, const char *name, ScUnitState *state)
{
        const struct {
                const char *name, *type;
                gpointer place; /* "s": of a text that is owned */
        } wanted[] = {
                {"LoadState", "s", &state->load_state},
                {"ActiveState", "s", &state->active_state},
                {"SubState", "s", &state->sub_state},
                {"Type", "s", &state->type},
                {"Result", "s", &state->result},
                {"FragmentPath", "s", &state->fragment_path},
                {"MainPID", "u", &state->main_pid},
                {"NRestarts", "u", &state->restarts},
                {"ExecMainCode", "i", &state->exit_code},
                {"ExecMainStatus", "i", &state->exit_status},
                {"NeedDaemonReload", "b", &state->is_stale},
        };
        for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
                if (strcmp(name, wanted[i].name) != 0)
                        continue;
                if (strcmp(wanted[i].type, "s") != 0)
                        return sd_bus_message_read(reply, "v", wanted[i].type, wanted[i].place);
                char **text = wanted[i].place;
                const char *value;
                int r = sd_bus_message_read(reply, "v", "s", &value);
                if (r >= 0) {
                        g_free(*text);
                        *text = g_strdup(value);
                }
                return r;
        }
        return sd_bus_message_skip(reply, "v");
}

static int read_properties(Message *reply, ScUnitState *state)
{
        const char *name;
        int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &name);
                if (r >= 0)
                        r = read_property(reply, name, state);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

bool sc_systemd_state(ScSystemd *systemd, const char *unit, ScUnitState *ret, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot ask systemd for the state of %s", unit);
        g_autoptr(Message) loaded = NULL;
        g_autoptr(Message) reply = NULL;
        __attribute__((cleanup(sc_unit_state_clear))) ScUnitState state = {0};
        const char *path;
        /* Loads it where nobody needs it just now; a unit that is not there is "not-found", no error. */
        if (!sc_systemd_call(systemd, what, "LoadUnit", &loaded, error, "s", unit))
                return false;
        int r = sd_bus_message_read(loaded, "o", &path);
        if (r < 0)
                return sc_systemd_throw(error, r, NULL, what);
        /* The interface "" stands for all: those of a unit and of a service. */
        const ScSystemdMethod get_all = {path, PROPERTIES, "GetAll"};
        if (!sc_systemd_call_object(systemd, what, &get_all, &reply, error, "s", ""))
                return false;
        r = read_properties(reply, &state);
        if (r < 0)
                return sc_systemd_throw(error, r, NULL, what);
        *ret = state;
        state = (ScUnitState){0};
        return true;
}

bool sc_systemd_is_stopping(ScSystemd *systemd, bool *ret, GError **error)
{
        static const ScSystemdMethod get = {SC_SYSTEMD_OBJECT, PROPERTIES, "Get"};
        static const char what[] = "Cannot ask systemd for its state";
        g_autoptr(Message) reply = NULL;
        const char *state;
        if (!sc_systemd_call_object(systemd, what, &get, &reply, error, "ss", SC_SYSTEMD_MANAGER, "SystemState"))
                return false;
        int r = sd_bus_message_read(reply, "v", "s", &state);
        if (r < 0)
                return sc_systemd_throw(error, r, NULL, what);
        *ret = strcmp(state, "stopping") == 0;
        return true;
}
