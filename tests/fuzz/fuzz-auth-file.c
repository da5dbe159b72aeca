/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/auth-file.h"
#include <string.h>

static void look_for(const ScAuthFile *file, const char *host, const char *repository)
{
        g_auto(ScLogin) login = {};
        g_auto(ScAuthHelper) helper = {};
        g_autoptr(GError) error = NULL;
        if (!sc_auth_file_find(file, host, repository, &login, &helper, &error)) {
                g_assert(error != NULL);
                return;
        }
        g_assert(!(sc_login_is_set(&login) && helper.name != NULL));
        if (helper.name != NULL)
                g_assert(helper.name[0] != '\0' && strpbrk(helper.name, "/ \n$;") == NULL && helper.server != NULL);
        if (sc_login_is_set(&login))
                g_assert((login.password != NULL) != (login.identity_token != NULL) && strchr(login.user, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const paths[] = {"/root/.config/containers/auth.json", "/root/.dockercfg"};
        for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
                g_autofree char *text = g_strndup((const char *)data, size);
                g_autoptr(ScAuthFile) file = sc_auth_file_parse(text, size, paths[i], NULL);
                if (file == NULL)
                        continue;
                look_for(file, "docker.io", "library/busybox");
                look_for(file, "registry.example:5000", "team/app");
                look_for(file, "registry.example:5000", "");
        }
        const ScAuthHelper helper = {.name = (char *)"store", .server = (char *)"registry.example:5000"};
        g_auto(ScLogin) login = {};
        if (sc_auth_helper_read(&helper, true, (const char *)data, size, &login, NULL))
                g_assert(sc_login_is_set(&login));
        return 0;
}
