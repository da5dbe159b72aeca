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

typedef struct {
        const char *what, *description;
} Mount;

static int append_mount(Message *message, gconstpointer data)
{
        const Mount *mount = data;
        return sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)", "Description", "s", mount->description, "What", "s",
                                     mount->what, "Type", "s", "none", "Options", "s", OPTIONS, "CollectMode", "s",
                                     "inactive-or-failed");
}

bool sc_systemd_mount(ScSystemd *systemd, const char *what, const char *where, const char *description, GCancellable *cancellable,
                      GError **error)
{
        const Mount mount = {what, description};
        g_autofree char *unit = sc_systemd_mount_unit(where);
        g_autofree char *doing = g_strdup_printf("Cannot mount on %s", where);
        g_autoptr(Message) reply = NULL;
        if (!sc_systemd_start_transient(systemd, unit, append_mount, &mount, doing, &reply, error))
                return false;
        ScSystemdWait wait = {unit, "start", G_MAXUINT64, cancellable};
        return sc_systemd_wait_for_job(systemd, reply, &wait, error) || sc_prefix(error, "%s", doing);
}
