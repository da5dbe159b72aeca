/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An image's /exports: zero bytes part the input into manifest.json, service.template, tmpfiles.template and config.json.template.
 */

#include "fuzz.h"

#include "base/error.h"
#include "unit/exports.h"
#include "unit/service.h"
#include <string.h>

static bool read_part(gpointer source, const char *name, char **ret_text, GError **error)
{
        static const char *const names[] = {"manifest.json", "service.template", "tmpfiles.template", "config.json.template"};
        const GBytes *input = source;
        gsize rest;
        const char *at = g_bytes_get_data((GBytes *)input, &rest);
        *ret_text = NULL;
        for (guint i = 0; i < G_N_ELEMENTS(names) && at != NULL; i++) {
                gsize length = strnlen(at, rest);
                if (strcmp(names[i], name) == 0)
                        *ret_text = g_strndup(at, length);
                if (length == rest)
                        break;
                at += length + 1;
                rest -= length + 1;
        }
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(GBytes) bytes = g_bytes_new(data, size);
        g_autoptr(ScExports) exports = sc_exports_load(read_part, bytes, true, NULL);
        if (exports == NULL)
                return 0;
        g_auto(GStrv) required = sc_exports_required(exports);
        g_assert(required != NULL);
        g_autoptr(ScScope) scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        ScVariablesInput input = {.scope = scope,
                                  .name = "n",
                                  .destdir = "/d",
                                  .image_name = "i",
                                  .image_id = "0",
                                  .runtime = "/r",
                                  .exec_helper = "/e",
                                  .client = "/c",
                                  .detached = sc_service_is_detached(sc_service_template(exports)),
                                  .defaults = exports->defaults};
        g_autoptr(ScVariables) variables = sc_variables_new(&input, NULL);
        g_autofree char *unit = sc_service_make(exports, variables, NULL);
        g_autofree char *tmpfiles = sc_tmpfiles_make(exports, variables, NULL, NULL);
        g_assert(tmpfiles != NULL || exports->tmpfiles != NULL);
        if (unit != NULL) {
                sc_service_is_enableable(unit);
                g_autofree char *cgroup = sc_service_cgroup(scope, unit, "n");
                g_assert(g_str_has_suffix(cgroup, "/n.service"));
        }
        return 0;
}
