/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a deb has what it depends on, and nothing is there that it conflicts with. dpkg finds out the one only when it has
 * unpacked the package, and with --dry-run it runs the hooks of its configuration. Relations are those that package-facts.c writes:
 * one name each, without alternatives. */

#include "package-driver.h"

#include "base/error.h"
#include "command.h"
#include <string.h>

typedef struct {
        char *name;
        char *operator; /* "", or as deb-control has it */
        char *version;
} Relation;

static void relation_free(gpointer data)
{
        Relation *relation = data;
        g_free(relation->name);
        g_free(relation->operator);
        g_free(relation->version);
        g_free(relation);
}

/* "NAME", "NAME:ARCHITECTURE (>= VERSION)". */
static Relation *relation_new(const char *text)
{
        g_autoptr(GRegex)
                regex = g_regex_new("^\\s*([^\\s:(]+)(?::\\S+)?\\s*(?:\\(\\s*([<>=]+)\\s*([^\\s)]+)\\s*\\))?\\s*$", 0, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;
        if (!g_regex_match(regex, text, 0, &match))
                return NULL;
        Relation *relation = g_new0(Relation, 1);
        relation->name = g_match_info_fetch(match, 1);
        relation->operator= g_match_info_fetch(match, 2);
        relation->version = g_match_info_fetch(match, 3);
        return relation;
}

static GPtrArray *relations_new(const char *text)
{
        GPtrArray *relations = g_ptr_array_new_with_free_func(relation_free);
        g_auto(GStrv) parts = g_strsplit(text, ",", -1);
        for (char **part = parts; *part != NULL; part++) {
                Relation *relation = relation_new(*part);
                if (relation != NULL)
                        g_ptr_array_add(relations, relation);
        }
        return relations;
}

/* 1: version fits; 0: it does not; -1: error. Any fits a relation without a version; none ("") only that. */
static int fits(const Relation *wanted, const char *version, GError **error)
{
        if (wanted->version == NULL || wanted->version[0] == '\0')
                return 1;
        if (version == NULL || version[0] == '\0')
                return 0;
        const char *const argv[] = {"dpkg", "--compare-versions", version, wanted->operator, wanted->version, NULL};
        int status;
        g_autofree char *answer = NULL;
        if (!sc_command_ask(argv, &status, &answer, error))
                return -1;
        return status == 0 ? 1 : 0;
}

/* The same for what a package provides, "NAME (= VERSION), NAME". */
static int provides(const Relation *wanted, const char *text, GError **error)
{
        g_autoptr(GPtrArray) provided = relations_new(text);
        for (guint i = 0; i < provided->len; i++) {
                const Relation *one = provided->pdata[i];
                int r = strcmp(one->name, wanted->name) == 0 ? fits(wanted, one->version, error) : 0;
                if (r != 0)
                        return r;
        }
        return 0;
}

/* line: STATUS TAB NAME TAB VERSION TAB PROVIDES */
static int satisfies(const Relation *wanted, const char *line, GError **error)
{
        static const char *const whole[] = {"installed", "triggers-awaited", "triggers-pending", NULL};
        g_auto(GStrv) fields = g_strsplit(line, "\t", 4);
        if (g_strv_length(fields) < 4 || !g_strv_contains(whole, fields[0]))
                return 0;
        int r = strcmp(fields[1], wanted->name) == 0 ? fits(wanted, fields[2], error) : 0;
        return r != 0 ? r : provides(wanted, fields[3], error);
}

static int is_there(const Relation *wanted, char *const *lines, GError **error)
{
        for (; *lines != NULL; lines++) {
                /* most name it nowhere */
                int r = strstr(*lines, wanted->name) != NULL ? satisfies(wanted, *lines, error) : 0;
                if (r != 0)
                        return r;
        }
        return 0;
}

static void append_relation(GString *text, const Relation *relation)
{
        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", relation->name);
        if (relation->version != NULL && relation->version[0] != '\0')
                g_string_append_printf(text, " (%s %s)", relation->operator, relation->version);
}

/* Those of the relations of which it is true, or not, that something installed satisfies them. */
static bool find(const char *text, const char *installed, bool there, char **ret, GError **error)
{
        g_autoptr(GPtrArray) relations = relations_new(text);
        g_auto(GStrv) lines = g_strsplit(installed, "\n", -1);
        g_autoptr(GString) found = g_string_new(NULL);
        for (guint i = 0; i < relations->len; i++) {
                int r = is_there(relations->pdata[i], lines, error);
                if (r < 0)
                        return false;
                if ((r > 0) == there)
                        append_relation(found, relations->pdata[i]);
        }
        *ret = found->len > 0 ? g_strdup(found->str) : NULL;
        return true;
}

bool sc_package_deb_find_missing(const char *depends, const char *installed, char **ret, GError **error)
{
        return find(depends, installed, false, ret, error);
}

/* An older version of the package itself goes. */
static char *without(const char *installed, const char *name)
{
        g_autofree char *field = g_strconcat("\t", name, "\t", NULL);
        g_auto(GStrv) lines = g_strsplit(installed, "\n", -1);
        g_autoptr(GStrvBuilder) others = g_strv_builder_new();
        for (char **line = lines; *line != NULL; line++)
                if (strstr(*line, field) == NULL)
                        g_strv_builder_add(others, *line);
        g_auto(GStrv) kept = g_strv_builder_end(others);
        return g_strjoinv("\n", kept);
}

bool sc_package_deb_check_relations(const ScPackageRelations *relations, GError **error)
{
        static const char *const argv[] = {"dpkg-query", "--show", "-f",
                                           "${db:Status-Status}\\t${Package}\\t${Version}\\t${Provides}\\n", NULL};
        g_autofree char *answer = NULL;
        g_autofree char *missing = NULL;
        g_autofree char *present = NULL;
        if (relations->depends[0] == '\0' && relations->conflicts[0] == '\0')
                return true;
        if (!sc_command_ask(argv, NULL, &answer, error))
                return false;
        g_autofree char *others = without(answer, relations->name);
        g_autofree char *all = g_strconcat(others, "\ninstalled\t\t\t", relations->provides, NULL);
        if (!find(relations->depends, all, false, &missing, error) || !find(relations->conflicts, others, true, &present, error))
                return false;
        if (missing != NULL)
                return sc_throw(error, SC_ERROR_FAILED, "It depends on %s: install that first", missing);
        return present == NULL || sc_throw(error, SC_ERROR_EXISTS, "It conflicts with %s, which is installed", present);
}
