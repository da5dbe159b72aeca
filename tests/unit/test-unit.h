/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of daemon/unit share: variables of a container that does not exist, and exports from a table. */

#include "test.h"
#include "unit/exports.h"
#include "unit/variables.h"

/* Lives as long as the test, which has a process of its own. */
static inline const ScScope *test_scope(ScScopeKind kind)
{
        static ScScope *scopes[2];
        g_autoptr(GError) error = NULL;
        if (scopes[kind] == NULL)
                scopes[kind] = sc_scope_new(kind, &error);
        ck_assert_no_error(error);
        return scopes[kind];
}

static inline ScVariablesInput test_variables_input(void)
{
        return (ScVariablesInput){
                .scope = test_scope(SC_SCOPE_SYSTEM),
                .name = "hello",
                .destdir = "/var/lib/containers/atomic/hello.0",
                .image_name = "localhost:5000/hello:latest",
                .image_id = "00ff",
                .runtime = "/usr/bin/runc",
                .exec_helper = "/usr/libexec/sysconsd-exec",
                .client = "/usr/bin/sysconsctl",
                .uuid = "f0e1",
        };
}

/* Pairs of name and value, ended by NULL. */
static inline GHashTable *test_map(const char *name, ...)
{
        GHashTable *map = sc_string_map_new();
        va_list arguments;
        va_start(arguments, name);
        for (; name != NULL; name = va_arg(arguments, const char *))
                g_hash_table_insert(map, g_strdup(name), g_strdup(va_arg(arguments, const char *)));
        va_end(arguments);
        return map;
}

/* With these defaults (taken over; may be NULL). */
static inline ScVariables *test_variables(GHashTable *defaults)
{
        ScVariablesInput input = test_variables_input();
        input.defaults = defaults;
        g_autoptr(GError) error = NULL;
        ScVariables *variables = sc_variables_new(&input, &error);
        ck_assert_no_error(error);
        if (defaults != NULL)
                g_hash_table_unref(defaults);
        return variables;
}

/* A reader whose source is a vector of names and texts, ended by NULL. */
static inline bool test_read(gpointer source, const char *name, char **ret_text, GError **error)
{
        *ret_text = NULL;
        for (const char **pair = source; *pair != NULL; pair += 2) {
                if (strcmp(pair[0], name) == 0)
                        *ret_text = g_strdup(pair[1]);
        }
        return true;
}

static inline ScExports *test_exports(const char **files)
{
        g_autoptr(GError) error = NULL;
        ScExports *exports = sc_exports_load(test_read, files, true, &error);
        ck_assert_no_error(error);
        return exports;
}
