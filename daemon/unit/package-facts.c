/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "package.h"

#include "base/error.h"
#include "base/json.h"
#include <string.h>

enum { MAX_VERSION = 100, MAX_TEXT = 4000, MAX_RELATIONS = 64, MAX_RELATION = 255 };

void sc_package_facts_free(ScPackageFacts *facts)
{
        if (facts == NULL)
                return;
        g_free(facts->name);
        g_free(facts->version);
        g_free(facts->release);
        g_free(facts->summary);
        g_free(facts->description);
        g_free(facts->license);
        g_free(facts->url);
        g_free(facts->id);
        g_strfreev(facts->requires);
        g_strfreev(facts->conflicts);
        g_strfreev(facts->provides);
        g_free(facts);
}

/* Names of Debian's packages have no capitals and no underscores: such a byte becomes + and its hex digits, and no two containers
 * share a name. */
char *sc_package_name(ScPackageSystem system, const char *container)
{
        GString *name = g_string_new("atomic-container-");
        for (const char *p = container; *p != '\0'; p++) {
                if (system == SC_PACKAGE_DEB && (g_ascii_isupper(*p) || *p == '_'))
                        g_string_append_printf(name, "+%02x", (guchar)*p);
                else
                        g_string_append_c(name, *p);
        }
        return g_string_free(name, FALSE);
}

/* The atomic command looked at labels without regard to case. */
static const char *find_label(const ScPackageSource *source, const char *name)
{
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, source->labels);
        while (g_hash_table_iter_next(&iter, &key, &value))
                if (g_ascii_strcasecmp(key, name) == 0 && *(const char *)value != '\0')
                        return value;
        return NULL;
}

/* deb-version(7), without an epoch and with no hyphen; rpm-version(7). */
static char *clean_version(ScPackageSystem system, const char *text)
{
        const char *allowed = system == SC_PACKAGE_DEB ? ".+~" : ".+~_^";
        GString *version = g_string_new(NULL);
        for (const char *p = text; *p != '\0' && version->len < MAX_VERSION; p++)
                g_string_append_c(version, g_ascii_isalnum(*p) || strchr(allowed, *p) != NULL ? *p : '.');
        return g_string_free(version, FALSE);
}

static char *version_of(ScPackageSystem system, const char *text)
{
        g_autofree char *version = clean_version(system, text);
        /* dpkg wants a digit first */
        return g_ascii_isdigit(version[0]) ? g_steal_pointer(&version) : g_strconcat("0.", version, NULL);
}

/* One line, with single blanks. */
static char *clean_text(const char *text)
{
        g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, MAX_TEXT));
        GString *line = g_string_new(NULL);
        for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (!g_unichar_isspace(c) && !g_unichar_iscntrl(c))
                        g_string_append_unichar(line, c);
                else if (line->len > 0 && line->str[line->len - 1] != ' ')
                        g_string_append_c(line, ' ');
        }
        return g_strchomp(g_string_free(line, FALSE));
}

static char *text_of(const ScPackageSource *source, const char *label, const char *fallback)
{
        const char *text = find_label(source, label);
        g_autofree char *line = text != NULL ? clean_text(text) : NULL;
        return line != NULL && line[0] != '\0' ? g_steal_pointer(&line) : g_strdup(fallback);
}

/* ---- relations ---- */

static const char *deb_operator(const char *operator)
{
        if (strcmp(operator, "<") == 0)
                return "<<";
        if (strcmp(operator, ">") == 0)
                return ">>";
        return strcmp(operator, "==") == 0 ? "=" : operator;
}

/* "NAME", "NAME >= VERSION" as the labels have it, written as the system writes it. NULL: it is not such a thing. */
static char *relation(ScPackageSystem system, const char *text)
{
        const char *pattern = system == SC_PACKAGE_DEB
                                      ? "^([a-z0-9][a-z0-9+.-]+)\\s*(?:(<=|>=|==|=|<|>)\\s*([0-9][A-Za-z0-9.+~:-]*))?$"
                                      : "^([A-Za-z0-9/][A-Za-z0-9+._/():-]*)\\s*(?:(<=|>=|==|=|<|>)\\s*([A-Za-z0-9._+~^:-]+))?$";
        g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_DOLLAR_ENDONLY, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;
        if (strlen(text) > MAX_RELATION || !g_regex_match(regex, text, 0, &match))
                return NULL;
        g_autofree char *name = g_match_info_fetch(match, 1);
        g_autofree char *operator= g_match_info_fetch(match, 2);
        g_autofree char *version = g_match_info_fetch(match, 3);
        if (operator== NULL || operator[0] == '\0')
                return g_steal_pointer(&name);
        if (system == SC_PACKAGE_DEB)
                return g_strdup_printf("%s (%s %s)", name, deb_operator(operator), version);
        return g_strdup_printf("%s %s %s", name, strcmp(operator, "==") == 0 ? "=" : operator, version);
}

static bool read_relations(ScPackageSystem system, const ScPackageSource *source, const char *label, char ***ret, GError **error)
{
        const char *text = find_label(source, label);
        g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "", ",", MAX_RELATIONS + 1);
        g_autoptr(GStrvBuilder) relations = g_strv_builder_new();
        for (guint i = 0; parts[i] != NULL; i++) {
                g_strstrip(parts[i]);
                if (parts[i][0] == '\0')
                        continue;
                g_autofree char *written = relation(system, parts[i]);
                if (written == NULL) {
                        g_autofree char *shown = g_strescape(parts[i], NULL);
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                        "The image's label %s names no package in \"%.100s\": install it with "
                                        "--system-package=no, or ask for a better image",
                                        label, shown);
                }
                g_strv_builder_add(relations, written);
        }
        *ret = g_strv_builder_end(relations);
        return true;
}

ScPackageFacts *sc_package_facts_new(ScPackageSystem system, const ScPackageSource *source, GError **error)
{
        g_autoptr(ScPackageFacts) facts = g_new0(ScPackageFacts, 1);
        const char *version = find_label(source, "atomic.version");
        const char *release = find_label(source, "atomic.release");
        facts->system = system;
        facts->name = sc_package_name(system, source->container);
        facts->version = version_of(system, version != NULL ? version : source->default_version);
        facts->release = clean_version(system, release != NULL ? release : source->default_release);
        facts->summary = text_of(source, "atomic.summary", source->container);
        facts->description = text_of(source, "atomic.description", facts->summary);
        facts->license = text_of(source, "atomic.license", "unknown");
        facts->url = text_of(source, "atomic.url", NULL);
        facts->id = g_strdup(source->id);
        return read_relations(system, source, "atomic.requires", &facts->requires, error) &&
                               read_relations(system, source, "atomic.conflicts", &facts->conflicts, error) &&
                               read_relations(system, source, "atomic.provides", &facts->provides, error)
                       ? g_steal_pointer(&facts)
                       : NULL;
}
