/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-name.h"

#include <string.h>

char *sc_image_repository(const char *name)
{
        const char *at = strchr(name, '@');
        const char *end = at != NULL ? at : name + strlen(name);
        const char *slash = g_strrstr_len(name, end - name, "/");
        const char *colon = memchr(slash != NULL ? slash : name, ':', (gsize)(end - (slash != NULL ? slash : name)));
        return g_strndup(name, (gsize)((colon != NULL ? colon : end) - name));
}

static bool is_same_name(const char *text, const char *name)
{
        gsize size = strlen(text);
        return strncmp(name, text, size) == 0 && (name[size] == '\0' || strcmp(name + size, ":latest") == 0);
}

bool sc_image_is_meant(const char *text, const char *name, const char *digest, const char *id)
{
        const char *algorithm = "sha256:";
        if (is_same_name(text, name))
                return true;
        if (g_str_has_prefix(text, algorithm) && strcmp(text + strlen(algorithm), id) == 0)
                return true;
        if (*digest == '\0')
                return false;
        if (strcmp(text, digest) == 0)
                return true;
        const char *at = strchr(text, '@');
        if (at == NULL || strcmp(at + 1, digest) != 0)
                return false;
        g_autofree char *place = g_strndup(text, (gsize)(at - text));
        g_autofree char *asked = sc_image_repository(place);
        g_autofree char *repository = sc_image_repository(name);
        return strcmp(asked, repository) == 0 && (strcmp(asked, place) == 0 || strcmp(place, name) == 0);
}
