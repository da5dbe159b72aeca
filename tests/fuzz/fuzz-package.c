/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An image's labels as a system package: lines "NAME=VALUE", where \n stands for a newline. Besides not crashing: no label adds a
 * field, a section or a macro. */

#include "fuzz.h"

#include "base/json.h"
#include "unit/package-driver.h"
#include <string.h>

static GHashTable *read_labels(const char *text)
{
        GHashTable *labels = sc_string_map_new();
        g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
        for (char **line = lines; *line != NULL; line++) {
                char *equals = strchr(*line, '=');
                if (equals == NULL)
                        continue;
                *equals = '\0';
                g_autofree char *value = g_strcompress(equals + 1);
                if (g_utf8_validate(value, -1, NULL) && g_utf8_validate(*line, -1, NULL))
                        g_hash_table_insert(labels, g_strdup(*line), g_steal_pointer(&value));
        }
        return labels;
}

static void check_control(const char *control)
{
        static const char *const fields[] = {"Package: ",     "Version: ",  "Architecture: ", "Maintainer: ",
                                             "Section: ",     "Priority: ", "Depends: ",      "Conflicts: ",
                                             "Provides: ",    "Homepage: ", "License: ",      "Sysconsd-Deployment: ",
                                             "Description: ", " "};
        gsize next = 0;
        g_auto(GStrv) lines = g_strsplit(control, "\n", -1);
        for (char **line = lines; line[0][0] != '\0'; line++) {
                while (next < G_N_ELEMENTS(fields) && !g_str_has_prefix(*line, fields[next]))
                        next++;
                g_assert_cmpuint(next++, <, G_N_ELEMENTS(fields));
        }
}

/* Each % of a label is doubled, and none stands at the start of a line. */
static void check_spec(const char *spec)
{
        static const char *const own[] = {"%global debug_package %{nil}", "%global __os_install_post %{nil}",
                                          "%global _build_id_links none", "%description", "%files"};
        gsize next = 0;
        g_auto(GStrv) lines = g_strsplit(spec, "\n", -1);
        for (char **line = lines; *line != NULL; line++) {
                if (**line == '%') {
                        g_assert_cmpuint(next, <, G_N_ELEMENTS(own));
                        g_assert_cmpstr(*line, ==, own[next++]);
                        continue;
                }
                g_assert(!g_str_has_suffix(*line, "\\"));
                for (const char *p = strchr(*line, '%'); p != NULL; p = strchr(p + 2, '%'))
                        g_assert(p[1] == '%');
        }
        g_assert_cmpuint(next, ==, G_N_ELEMENTS(own));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autoptr(GHashTable) labels = read_labels(text);
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        const ScPackageSource source = {
                .container = "c",
                .labels = labels,
                .default_version = "1",
                .default_release = "1",
                .id = "i",
        };
        g_autoptr(ScPackageFacts) deb = sc_package_facts_new(SC_PACKAGE_DEB, &source, NULL);
        g_autoptr(ScPackageFacts) rpm = sc_package_facts_new(SC_PACKAGE_RPM, &source, NULL);
        const ScPackageInput input = {.facts = rpm, .files = none};
        g_autofree char *control = deb != NULL ? sc_package_deb_control(deb, "all") : NULL;
        g_autofree char *spec = rpm != NULL ? sc_package_rpm_spec(&input, NULL) : NULL;
        if (control != NULL)
                check_control(control);
        if (spec != NULL)
                check_spec(spec);
        return 0;
}
