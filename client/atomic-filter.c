/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic-filter.h"
#include "exit.h"
#include <string.h>

static const char *resolve(const char *given, const char *const *names, const ScFilterAlias *aliases)
{
        for (; aliases->alias != NULL; aliases++)
                if (g_ascii_strcasecmp(aliases->alias, given) == 0)
                        return aliases->name;
        for (; *names != NULL; names++)
                if (g_ascii_strcasecmp(*names, given) == 0)
                        return *names;
        return NULL;
}

static bool throw_unknown(const char *given, const char *const *names, const ScFilterAlias *aliases, GError **error)
{
        g_autoptr(GString) list = g_string_new(NULL);
        for (; *names != NULL; names++)
                g_string_append_printf(list, "%s'%s'", list->len > 0 ? ", " : "", *names);
        for (; aliases->alias != NULL; aliases++)
                g_string_append_printf(list, ", '%s'", aliases->alias);
        return sc_exit_throw(error, SC_EXIT_FAILED, "The filter %s is not valid.  Please choose from [%s]", given, list->str);
}

/* The glob that fits what contains the text, in any case. */
static void append_pattern(GString *filter, const char *text)
{
        g_string_append_c(filter, '*');
        for (; *text != '\0'; text++) {
                if (g_ascii_isalpha(*text))
                        g_string_append_printf(filter, "[%c%c]", g_ascii_tolower(*text), g_ascii_toupper(*text));
                else if (strchr("*?[]\\", *text) != NULL)
                        g_string_append_printf(filter, "\\%c", *text);
                else
                        g_string_append_c(filter, *text);
        }
        g_string_append_c(filter, '*');
}

static char *translate(const char *text, const char *const *names, const ScFilterAlias *aliases, GError **error)
{
        const char *equals = strchr(text, '=');
        if (equals == NULL) {
                sc_exit_throw(error, SC_EXIT_FAILED, "The filter %s is not valid: it is not VARIABLE=VALUE", text);
                return NULL;
        }
        g_autofree char *given = g_strndup(text, (gsize)(equals - text));
        const char *name = resolve(given, names, aliases), *value = equals + 1;
        if (name == NULL) {
                throw_unknown(given, names, aliases, error);
                return NULL;
        }
        GString *filter = g_string_new(NULL);
        g_string_append_printf(filter, "--filter=%s=", name);
        /* What is true or false is shown as yes or no. */
        if (g_ascii_strcasecmp(value, "true") == 0 || g_ascii_strcasecmp(value, "false") == 0)
                value = g_ascii_strcasecmp(value, "true") == 0 ? "yes" : "no";
        append_pattern(filter, value);
        return g_string_free(filter, FALSE);
}

bool sc_atomic_filters(char *const *line, const char *const *names, const ScFilterAlias *aliases, char ***ret, GError **error)
{
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        bool options = true;
        for (; *line != NULL; line++) {
                options = options && strcmp(*line, "--") != 0;
                g_autofree char *filter = NULL;
                if (options && g_str_has_prefix(*line, "--filter=")) {
                        filter = translate(*line + strlen("--filter="), names, aliases, error);
                        if (filter == NULL)
                                return false;
                }
                g_strv_builder_add(builder, filter != NULL ? filter : *line);
        }
        *ret = g_strv_builder_end(builder);
        return true;
}

char *sc_atomic_format_size(guint64 bytes)
{
        static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
        if (bytes == 0)
                return g_strdup("0B");
        double size = (double)bytes;
        gsize unit = 0;
        while (size >= 1000 && unit + 1 < G_N_ELEMENTS(units)) {
                size /= 1000;
                unit++;
        }
        /* At least one digit behind the point, and no second one that is 0: as Python writes a rounded number. */
        g_autofree char *number = g_strdup_printf("%.2f", size);
        gsize length = strlen(number);
        if (number[length - 1] == '0')
                number[length - 1] = '\0';
        return g_strdup_printf("%s %s", number, units[unit]);
}
