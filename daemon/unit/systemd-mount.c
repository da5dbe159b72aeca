/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "systemd.h"

#include "base/error.h"
#include "systemd-bus.h"
#include <string.h>

/* Longer names of units systemd does not take. */
#define UNIT_NAME_MAX 255
/* Nothing in an image is to be run with more rights than its reader has, or to be a door to a device. */
#define OPTIONS "bind,ro,nosuid,nodev"

/* As `systemd-escape --path` does (systemd.unit(5), "String escaping for inclusion in unit names"). */
char *sc_systemd_mount_unit(const char *path)
{
        g_autoptr(GString) name = g_string_new(NULL);
        const char *begin = path + 1;
        for (const char *p = begin; *p != '\0'; p++) {
                if (*p == '/')
                        g_string_append_c(name, '-');
                else if ((g_ascii_isalnum(*p) || strchr(":_.", *p) != NULL) && !(p == begin && *p == '.'))
                        g_string_append_c(name, *p);
                else
                        g_string_append_printf(name, "\\x%02x", (guchar)*p);
        }
        g_string_append(name, ".mount");
        return name->len <= UNIT_NAME_MAX ? g_strdup(name->str) : NULL;
}

static int new_mount(ScSystemd *systemd, const char *unit, const char *what, const char *description, Message **ret)
{
        g_autoptr(Message) message = NULL;
        int r = sd_bus_message_new_method_call(systemd->bus, &message, SC_SYSTEMD_SERVICE, SC_SYSTEMD_OBJECT, SC_SYSTEMD_MANAGER,
                                               "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(message, "ssa(sv)a(sa(sv))", unit, "fail", 5, "Description", "s", description, "What",
                                          "s", what, "Type", "s", "none", "Options", "s", OPTIONS, "CollectMode", "s",
                                          "inactive-or-failed", 0);
        if (r >= 0)
                *ret = g_steal_pointer(&message);
        return r;
}

bool sc_systemd_mount(ScSystemd *systemd, const char *what, const char *where, const char *description, GCancellable *cancellable,
                      GError **error)
{
        g_autofree char *unit = sc_systemd_mount_unit(where);
        g_autofree char *doing = g_strdup_printf("Cannot mount on %s", where);
        g_autoptr(Message) message = NULL;
        g_autoptr(Message) reply = NULL;
        __attribute__((cleanup(sd_bus_error_free))) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        if (!sc_systemd_ensure_open(systemd, error))
                return false;
        g_clear_pointer(&systemd->job, g_free);
        int r = new_mount(systemd, unit, what, description, &message);
        if (r >= 0)
                r = sd_bus_call(systemd->bus, message, SC_SYSTEMD_CALL_TIMEOUT, &bus_error, &reply);
        if (r < 0)
                return sc_systemd_throw(error, r, &bus_error, doing);
        ScSystemdWait wait = {unit, "start", G_MAXUINT64, cancellable};
        return sc_systemd_wait_for_job(systemd, reply, &wait, error) || sc_prefix(error, "%s", doing);
}
