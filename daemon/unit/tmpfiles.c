/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service.h"

#include "base/error.h"
#include "base/home.h"
#include "command.h"
#include "template.h"
#include <string.h>

/* A path as one quoted field (tmpfiles.d(5)): blanks and control characters of an image's config.json stay inside of it. */
static void append_path(GString *out, const char *path)
{
        g_string_append_c(out, '"');
        for (; *path != '\0'; path++) {
                if (*path == '"' || *path == '\\')
                        g_string_append_c(out, '\\');
                else if (*path == '%')
                        g_string_append_c(out, '%');
                if (g_ascii_iscntrl(*path))
                        g_string_append_printf(out, "\\x%02x", (guchar)*path);
                else
                        g_string_append_c(out, *path);
        }
        g_string_append_c(out, '"');
}

/* The end of a field (tmpfiles.d(5)): quotes and backslashes keep blanks inside of it. */
static const char *field_end(const char *at)
{
        char quote = '\0';
        for (; *at != '\0' && *at != '\n' && (quote != '\0' || !g_ascii_isspace(*at)); at++) {
                if (*at == '\\' && at[1] != '\0' && at[1] != '\n')
                        at++;
                else if (quote == '\0' && (*at == '"' || *at == '\''))
                        quote = *at;
                else if (*at == quote)
                        quote = '\0';
        }
        return at;
}

static bool is_root(const char *field, gsize size)
{
        return (size == 4 && strncmp(field, "root", size) == 0) || (size == 1 && *field == '0');
}

/* Images say "root" of what a container's root owns. In a user's container that is the user: "-". */
static void append_line_of_user(GString *out, const char *line)
{
        enum { USER = 3, GROUP = 4 };
        for (guint field = 0; *line != '\0'; field++) {
                gsize blanks = strspn(line, " \t");
                g_string_append_len(out, line, (gssize)blanks);
                line += blanks;
                const char *end = field_end(line);
                if (end == line)
                        break;
                bool ours = (field == USER || field == GROUP) && is_root(line, (gsize)(end - line));
                g_string_append_len(out, ours ? "-" : line, ours ? 1 : end - line);
                line = end;
        }
        g_string_append(out, line);
}

static char *lines_of_user(const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        GString *out = g_string_new(NULL);
        for (guint i = 0; lines[i] != NULL; i++) {
                g_string_append(out, i > 0 ? "\n" : "");
                append_line_of_user(out, lines[i]);
        }
        return g_string_free(out, FALSE);
}

static char *expand(const ScExports *exports, const ScVariables *variables, GError **error)
{
        g_autofree char *text = sc_template_expand("tmpfiles.template", exports->tmpfiles, variables, SC_TEMPLATE_UNIT, error);
        if (text == NULL || sc_variables_scope(variables)->kind == SC_SCOPE_SYSTEM)
                return g_steal_pointer(&text);
        return lines_of_user(text);
}

char *sc_tmpfiles_make(const ScExports *exports, const ScVariables *variables, char *const *missing_sources, GError **error)
{
        if (exports->tmpfiles != NULL)
                return expand(exports, variables, error);
        GString *out = g_string_new(NULL);
        for (char *const *source = missing_sources; source != NULL && *source != NULL; source++) {
                g_string_append(out, "d ");
                append_path(out, *source);
                g_string_append_printf(out, " 0700 %s %s - -\n", sc_variables_get(variables, "HOST_UID"),
                                       sc_variables_get(variables, "HOST_GID"));
        }
        return g_string_free(out, FALSE);
}

bool sc_tmpfiles_makes(const char *text, const char *path)
{
        g_autoptr(GString) quoted = g_string_new(NULL);
        append_path(quoted, path);
        g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
        for (char **line = lines; *line != NULL; line++) {
                /* D: the first versions of the atomic command */
                if (((*line)[0] != 'd' && (*line)[0] != 'D') || !g_ascii_isspace((*line)[1]))
                        continue;
                const char *field = g_strchug(*line + 1);
                const char *const forms[] = {quoted->str, path};
                for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
                        gsize size = strlen(forms[i]);
                        if (strncmp(field, forms[i], size) == 0 && (field[size] == '\0' || g_ascii_isspace(field[size])))
                                return true;
                }
        }
        return false;
}

/* ---- lines that need homes ---- */

/* As systemd reads it: quotes, and characters by number. */
static char *unquote(const char *field, gsize size)
{
        GString *out = g_string_new(NULL);
        char quote = '\0';
        for (const char *at = field, *end = field + size; at < end; at++) {
                if (*at == '\\' && end - at >= 4 && at[1] == 'x' && g_ascii_isxdigit(at[2]) && g_ascii_isxdigit(at[3])) {
                        g_string_append_c(out, (char)(g_ascii_xdigit_value(at[2]) * 16 + g_ascii_xdigit_value(at[3])));
                        at += 3;
                } else if (*at == '\\' && at + 1 < end)
                        g_string_append_c(out, *++at);
                else if (quote == '\0' && (*at == '"' || *at == '\''))
                        quote = *at;
                else if (*at == quote)
                        quote = '\0';
                else
                        g_string_append_c(out, *at);
        }
        return g_string_free(out, FALSE);
}

/* What the system's systemd-tmpfiles puts in a specifier's place, as far as that can be a home or lead to one. Others could be
 * anything. */
static const char *specifier(char letter)
{
        static const struct {
                char letter;
                const char *value;
        } known[] = {{'h', "/root"},      {'t', "/run"},     {'u', "root"}, {'g', "root"},     {'S', "/var/lib"},
                     {'C', "/var/cache"}, {'L', "/var/log"}, {'T', "/tmp"}, {'V', "/var/tmp"}, {'%', "%"}};
        for (guint i = 0; i < G_N_ELEMENTS(known); i++)
                if (known[i].letter == letter)
                        return known[i].value;
        return "*";
}

static char *field_value(const char *field, gsize size)
{
        g_autofree char *text = unquote(field, size);
        GString *out = g_string_new(NULL);
        for (const char *at = text; *at != '\0'; at++) {
                if (*at == '%' && at[1] != '\0')
                        g_string_append(out, specifier(*++at));
                else
                        g_string_append_c(out, *at);
        }
        return g_string_free(out, FALSE);
}

static char *find_home_in_line(const char *line)
{
        enum { TYPE, PATH, ARGUMENT = 6 };
        char type = '\0';
        for (guint field = TYPE; field <= ARGUMENT; field++) {
                line += strspn(line, " \t");
                const char *end = field_end(line);
                if (end == line || *line == '#')
                        break;
                if (field == TYPE)
                        type = *line;
                /* what is copied is read, too */
                if (field == PATH || (field == ARGUMENT && type == 'C')) {
                        g_autofree char *path = field_value(line, (gsize)(end - line));
                        bool deep = field == PATH && strchr("RDZATH", type) != NULL;
                        if (*path == '/' && (sc_home_has(path) || (deep && sc_home_is_below(path))))
                                return g_steal_pointer(&path);
                }
                line = end;
        }
        return NULL;
}

char *sc_tmpfiles_find_home(const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
        char *found = NULL;
        for (char **line = lines; *line != NULL && found == NULL; line++)
                found = find_home_in_line(*line);
        return found;
}

/* ---- systemd-tmpfiles ---- */

static bool run_tmpfiles(const ScScope *scope, const char *option, const char *path, GCancellable *cancellable, GError **error)
{
        const char *const arguments[] = {option, path, NULL};
        g_auto(GStrv) argv = sc_scope_command(scope->tmpfiles, arguments);
        return sc_command_run((const char *const *)argv, -1, cancellable, error);
}

bool sc_tmpfiles_create(const ScScope *scope, const char *path, GCancellable *cancellable, GError **error)
{
        return run_tmpfiles(scope, "--create", path, cancellable, error) || sc_prefix(error, "Cannot make what %s asks for", path);
}

bool sc_tmpfiles_remove(const ScScope *scope, const char *path, GCancellable *cancellable, GError **error)
{
        return run_tmpfiles(scope, "--remove", path, cancellable, error) ||
               sc_prefix(error, "Cannot remove what %s asks for", path);
}
