/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.json of an image. What is made of it can be made again, and is then the same. */

#include "fuzz.h"

#include "base/error.h"
#include "unit/runtime-config.h"
#include <string.h>

static char *make(const ScVariables *variables, const ScUserNamespace *user_namespace, char *config)
{
        char *rendered[] = {NULL};
        ScExports exports = {.present = true, .rendered = rendered, .config = config};
        ScRuntimeConfigInput input = {.exports = &exports,
                                      .variables = variables,
                                      .runtime = "/usr/bin/runc",
                                      .user_namespace = user_namespace,
                                      .scratch_fd = -1};
        return sc_runtime_config_make(&input, NULL);
}

static void check(const ScVariables *variables, const ScUserNamespace *user_namespace, char *config)
{
        g_autofree char *made = make(variables, user_namespace, config);
        if (made == NULL)
                return;
        g_autofree char *again = make(variables, user_namespace, made);
        g_assert_cmpstr(again, ==, made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autoptr(ScScope) scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        ScVariablesInput input = {.scope = scope,
                                  .name = "n",
                                  .destdir = "/d",
                                  .image_name = "i",
                                  .image_id = "0",
                                  .runtime = "/r",
                                  .exec_helper = "/e",
                                  .client = "/c"};
        g_autoptr(ScVariables) variables = sc_variables_new(&input, NULL);
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) missing = sc_runtime_config_missing_sources(text, text, &error);
        g_assert((missing == NULL) == (error != NULL));
        g_autofree char *command = sc_runtime_config_command(text);
        g_assert(command != NULL);
        g_autoptr(ScUserNamespace) user_namespace = sc_user_namespace_new("/usr/bin/runc");
        check(variables, NULL, text);
        check(variables, user_namespace, text);
        return 0;
}
