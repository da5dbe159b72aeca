/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service.h"

#include "template.h"
#include <string.h>

/* For images that bring no unit. Detached: `systemctl start` then ends when the container runs, or fails with what the runtime
 * said; the container's first process is the service's main process, so that its end is seen as what it is; and no runtime stays
 * in memory. ExecStop and ExecStopPost may find the container gone already, or not there yet: that is no failure of the service. */
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

bool sc_service_needs_runtime(const ScExports *exports)
{
        static const char *const names[] = {"EXEC_START", "EXEC_STARTPRE", "EXEC_STOP", "EXEC_STOPPOST", "RUNTIME"};
        for (guint i = 0; i < G_N_ELEMENTS(names) && !exports->no_service; i++)
                if (sc_template_uses(sc_service_template(exports), names[i]))
                        return true;
        return false;
}

/* The value of the last of these directives in a section of the unit that is not empty; "" if all that are there are, NULL if there
 * is none. */
static char *last_value(const char *unit_text, const char *section, const char *const *directives)
{
        g_auto(GStrv) lines = g_strsplit(unit_text, "\n", -1);
        g_autofree char *header = g_strdup_printf("[%s]", section);
        g_autofree char *value = NULL;
        bool inside = false, continued = false;
        for (char **line = lines; *line != NULL; line++) {
                g_strstrip(*line);
                if (**line == '#' || **line == ';')
                        continue;
                bool continuation = continued;
                continued = g_str_has_suffix(*line, "\\");
                if (continuation)
                        continue;
                if (**line == '[')
                        inside = strcmp(*line, header) == 0;
                char *equals = strchr(*line, '=');
                if (!inside || equals == NULL)
                        continue;
                g_autofree char *key = g_strndup(*line, equals - *line);
                if (!g_strv_contains(directives, g_strchomp(key)))
                        continue;
                g_strchug(equals + 1);
                if (value == NULL || equals[1] != '\0') {
                        g_free(value);
                        value = g_strdup(equals + 1);
                }
        }
        return g_steal_pointer(&value);
}

/* A user's manager has no multi-user.target. */
static char *retarget(const char *unit, const char *target)
{
        g_auto(GStrv) parts = g_strsplit(unit, "multi-user.target", -1);
        return g_strjoinv(target, parts);
}

char *sc_service_make(const ScExports *exports, const ScVariables *variables, GError **error)
{
        static const char *const delegate[] = {"Delegate", NULL};
        const char *template_text = sc_service_template(exports);
        g_autofree char *expanded = sc_template_expand("service.template", template_text, variables, SC_TEMPLATE_UNIT, error);
        if (expanded == NULL)
                return NULL;
        g_autofree char *unit = retarget(expanded, sc_variables_scope(variables)->target);
        if (!sc_template_uses(template_text, "EXEC_START"))
                return g_steal_pointer(&unit);
        g_autofree char *delegated = last_value(unit, "Service", delegate);
        if (delegated != NULL)
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
        g_autofree char *value = last_value(unit_text, "Install", install);
        return value != NULL && *value != '\0';
}

/* systemd leaves out what is no name of a slice. */
static bool is_slice(const char *name)
{
        if (!g_str_has_suffix(name, ".slice") || strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS ":_.\\-") != strlen(name))
                return false;
        if (strcmp(name, "-.slice") == 0)
                return true;
        return name[0] != '-' && name[0] != '.' && strstr(name, "--") == NULL && strstr(name, "-.slice") == NULL;
}

char *sc_service_cgroup(const ScScope *scope, const char *unit_text, const char *name)
{
        static const char *const directive[] = {"Slice", NULL};
        g_autofree char *value = last_value(unit_text, "Service", directive);
        const char *slice = value != NULL && is_slice(value) ? value : scope->slice;
        GString *path = g_string_new(scope->cgroup);
        /* a-b.slice lies in a.slice (systemd.slice(5)); -.slice is the root */
        for (const char *dash = strchr(slice, '-'); dash != NULL && dash > slice; dash = strchr(dash + 1, '-'))
                g_string_append_printf(path, "/%.*s.slice", (int)(dash - slice), slice);
        if (strcmp(slice, "-.slice") != 0)
                g_string_append_printf(path, "/%s", slice);
        g_string_append_printf(path, "/%s.service", name);
        return g_string_free(path, FALSE);
}
