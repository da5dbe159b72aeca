/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "home.h"

#include <fnmatch.h>
#include <glib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };

static const char *const homes[] = {"/home", "/root", "/run/user"};

/* Where it lies, or would come to lie: what is not there yet, or is hidden, may be reached by links all the same. */
static char *resolve(const char *path, unsigned links)
{
        char real[PATH_MAX], link[PATH_MAX];
        if (strlen(path) >= PATH_MAX || strcmp(path, "/") == 0)
                return g_strdup(path);
        if (realpath(path, real) != NULL)
                return g_strdup(real);
        g_autofree char *parent = g_path_get_dirname(path);
        g_autofree char *name = g_path_get_basename(path);
        g_autofree char *folder = resolve(parent, links);
        g_autofree char *resolved = g_build_filename(folder, name, NULL);
        ssize_t size = links < MAX_LINKS ? readlink(resolved, link, sizeof link - 1) : -1;
        if (size < 0)
                return g_steal_pointer(&resolved);
        link[size] = '\0';
        g_autofree char *target = g_canonicalize_filename(link, folder);
        return resolve(target, links + 1);
}

static bool begins_with(const char *pattern, const char *folder)
{
        const char *end = pattern;
        for (const char *at = folder; *at != '\0'; at++)
                if (*at == '/') {
                        if (*end != '/')
                                return false;
                        end += 1 + strcspn(end + 1, "/");
                }
        g_autofree char *part = g_strndup(pattern, (gsize)(end - pattern));
        /* from there on it could be anything */
        char *brace = strchr(part, '{');
        if (brace != NULL)
                *brace = '\0';
        g_autofree char *any = brace != NULL ? g_strconcat(part, "*", NULL) : NULL;
        return fnmatch(any != NULL ? any : part, folder, FNM_PATHNAME | (any != NULL ? FNM_LEADING_DIR : 0)) == 0;
}

bool sc_home_has(const char *path)
{
        g_autofree char *resolved = resolve(path, 0);
        for (guint i = 0; i < G_N_ELEMENTS(homes); i++) {
                /* on hosts of OSTree they are links into /var */
                g_autofree char *home = resolve(homes[i], 0);
                if (begins_with(path, homes[i]) || begins_with(resolved, home))
                        return true;
        }
        return false;
}

bool sc_home_is_below(const char *path)
{
        g_autofree char *resolved = resolve(path, 0);
        gsize size = strcmp(resolved, "/") == 0 ? 0 : strlen(resolved);
        for (guint i = 0; i < G_N_ELEMENTS(homes); i++) {
                g_autofree char *home = resolve(homes[i], 0);
                if (strncmp(home, resolved, size) == 0 && home[size] == '/')
                        return true;
        }
        return false;
}
