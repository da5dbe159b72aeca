/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The config.json of a container, made one for a single command. */

#include "fuzz.h"

#include "base/json.h"
#include "unit/run-config.h"

static void check(const char *config, const char *runtime)
{
        g_autoptr(ScScope) scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        char *const argv[] = {"ls", "-l", NULL};
        const ScRunConfigInput input = {
                .scope = scope,
                .id = "run-1",
                .argv = argv,
                .terminal = TRUE,
                .rows = 24,
                .columns = 80,
                .place = "/p",
                .runtime = runtime,
        };
        g_autofree char *process G_GNUC_UNUSED = sc_run_config_process(config, &input, NULL);
        g_autofree char *first = sc_run_config_make(config, &input, NULL);
        if (first == NULL)
                return;
        /* From then on it stays as it is, members in their order. */
        g_autofree char *made = sc_run_config_make(first, &input, NULL);
        g_assert(made != NULL);
        g_autofree char *again = sc_run_config_make(made, &input, NULL);
        g_assert_cmpstr(made, ==, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        check(text, "/usr/bin/runc");
        check(text, "/usr/bin/crun");
        return 0;
}
