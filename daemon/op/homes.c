/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "homes.h"

#include "base/error.h"
#include "base/home.h"
#include "unit/hostfiles.h"
#include "unit/service.h"

static bool refuse(const char *path, GError **error)
{
        return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                        "Will not touch %s: it lies in a home; HostFilesInHomes=yes in sysconsd.conf allows that", path);
}

bool sc_homes_spare_path(const ScConfig *config, const char *path, GError **error)
{
        return !config->homes_are_hidden || !sc_home_has(path) || refuse(path, error);
}

bool sc_homes_spare_files(const ScConfig *config, GPtrArray *files, GError **error)
{
        for (guint i = 0; files != NULL && i < files->len; i++) {
                const ScHostFile *file = files->pdata[i];
                if (!sc_homes_spare_path(config, file->destination, error))
                        return false;
        }
        return true;
}

bool sc_homes_spare_tmpfiles(const ScConfig *config, const char *text, GError **error)
{
        g_autofree char *path = config->homes_are_hidden ? sc_tmpfiles_find_home(text) : NULL;
        return path == NULL || refuse(path, error);
}

bool sc_homes_spare_paths(const ScConfig *config, char *const *paths, GError **error)
{
        for (char *const *path = paths; path != NULL && *path != NULL; path++)
                if (!sc_homes_spare_path(config, *path, error))
                        return false;
        return true;
}

bool sc_homes_spare_side(const ScConfig *config, const ScSide *side, GError **error)
{
        return side == NULL ||
               (sc_homes_spare_files(config, side->files, error) && sc_homes_spare_tmpfiles(config, side->tmpfiles_text, error));
}
