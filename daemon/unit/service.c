/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service.h"

#include "template.h"
#include <string.h>

/* For images that bring no unit. Detached: `systemctl start` then ends when the container runs, or fails with what the runtime
 * said; the container's first process is the service's main process, so that its end is seen as what it is; and no runtime stays
 * in memory. ExecStop and ExecStopPost may find the container gone already: that is no failure of the service. */
static const char default_template[] = "[Unit]\n"
                                       "Description=System container $NAME\n"
                                       "\n"
                                       "[Service]\n"
                                       "Type=forking\n"
                                       "PIDFile=$PIDFILE\n"
                                       "WorkingDirectory=$DESTDIR\n"
                                       "ExecStartPre=$EXEC_STARTPRE\n"
                                       "ExecStart=$EXEC_START\n"
                                       "ExecStop=-$EXEC_STOP\n"
                                       "ExecStopPost=-$EXEC_STOPPOST\n"
                                       "Restart=on-failure\n"
                                       "TimeoutStopSec=10\n"
                                       "\n"
                                       "[Install]\n"
                                       "WantedBy=multi-user.target\n";

const char *sc_service_template(const ScExports *exports)
{
        return exports->service != NULL ? exports->service : default_template;
}

bool sc_service_is_detached(const char *template_text)
{
        return sc_template_uses(template_text, "EXEC_STOPPOST") && sc_template_uses(template_text, "PIDFILE");
}

/* True if section of the unit has one of the directives; with_value: an empty assignment does not count. */
static bool has_directive(const char *unit_text, const char *section, const char *const *directives, bool with_value)
{
        g_auto(GStrv) lines = g_strsplit(unit_text, "\n", -1);
        g_autofree char *header = g_strdup_printf("[%s]", section);
        bool inside = false, continued = false;
        for (char **line = lines; *line != NULL; line++) {
                g_strstrip(*line);
                bool comment = **line == '#' || **line == ';';
                bool continuation = continued;
                if (comment)
                        continue;
                continued = g_str_has_suffix(*line, "\\");
                if (continuation)
                        continue;
                if (**line == '[') {
                        inside = strcmp(*line, header) == 0;
                        continue;
                }
                char *equals = strchr(*line, '=');
                if (!inside || equals == NULL)
                        continue;
                g_autofree char *key = g_strndup(*line, equals - *line);
                if (g_strv_contains(directives, g_strchomp(key)) && (!with_value || *g_strchug(equals + 1) != '\0'))
                        return true;
        }
        return false;
}

char *sc_service_make(const ScExports *exports, const ScVariables *variables, GError **error)
{
        static const char *const delegate[] = {"Delegate", NULL};
        const char *template_text = sc_service_template(exports);
        g_autofree char *unit = sc_template_expand("service.template", template_text, variables, SC_TEMPLATE_UNIT, error);
        if (unit == NULL || !sc_template_uses(template_text, "EXEC_START") || has_directive(unit, "Service", delegate, false))
                return g_steal_pointer(&unit);
        /* systemd joins sections of the same name, so this needs no drop-in: one file less to keep in step. */
        const char *newline = g_str_has_suffix(unit, "\n") ? "" : "\n";
        return g_strconcat(unit, newline,
                           "\n"
                           "# The container's control group lies inside the one of this unit.\n"
                           "[Service]\n"
                           "Delegate=yes\n",
                           NULL);
}

bool sc_service_is_enableable(const char *unit_text)
{
        static const char *const install[] = {"WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also", NULL};
        return has_directive(unit_text, "Install", install, true);
}
