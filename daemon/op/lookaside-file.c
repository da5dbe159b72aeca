/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lookaside-file.h"

#include "base/atomicfile.h"
#include "base/containers-conf.h"
#include "base/error.h"
#include "base/path.h"
#include "base/registries-d.h"
#include <string.h>

#define FOLDER "registries.d"

/* Nothing that would need care in YAML, or in a file's name. */
static bool has_only(const char *text, const char *punctuation)
{
        for (const char *c = text; *c != '\0'; c++)
                if (!g_ascii_isalnum(*c) && strchr(punctuation, *c) == NULL)
                        return false;
        return *text != '\0';
}

static bool is_url(const char *text)
{
        g_autoptr(GUri) uri = has_only(text, "-._~:/?#[]@!$&()*+,;=%") ? g_uri_parse(text, G_URI_FLAGS_NONE, NULL) : NULL;
        if (uri == NULL || g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL)
                return false;
        const char *scheme = g_uri_get_scheme(uri), *host = g_uri_get_host(uri);
        if (strcmp(scheme, "file") == 0)
                return (host == NULL || *host == '\0') && *g_uri_get_path(uri) == '/';
        return (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0) && host != NULL && *host != '\0';
}

bool sc_lookaside_file_check(const char *images, const char *url, GError **error)
{
        if (!has_only(images, "-._:/@[]") || strchr("-./:", *images) != NULL || strstr(images, "..") != NULL ||
            strlen(images) > 200)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "'%.200s' is no scope that " FOLDER " knows: it is HOST[:PORT][/PATH[:TAG]]", images);
        return is_url(url) ||
               sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                        "'%.200s' is no URL at which signatures can lie: https://HOST/PATH, http:// or file:///PATH", url);
}

static char *name_for(const char *images)
{
        g_autofree char *flat = g_strdelimit(g_strdup(images), "/", '-');
        return g_strconcat(flat, ".yaml", NULL);
}

static char *folder_path(const ScScope *scope)
{
        g_autofree char *folder = sc_containers_own_folder(scope);
        return g_build_filename(folder, FOLDER, NULL);
}

/* What it says now; NULL: nothing. */
static bool read_now(const char *folder, const char *images, char **ret_url, GError **error)
{
        g_autoptr(ScRegistriesD) registries = sc_registries_d_load(folder, error);
        if (registries == NULL)
                return false;
        g_autoptr(GHashTable) all = sc_registries_d_lookasides(registries);
        *ret_url = g_strdup(g_hash_table_lookup(all, images));
        return true;
}

static bool write_file(int containers_fd, const char *folder, const char *name, ScWriteFlags flags, const char *images,
                       const char *url, GError **error)
{
        g_autofree char *text = g_strdup_printf("docker:\n  \"%s\":\n    lookaside: \"%s\"\n", images, url);
        /* An administrator may have a symlink there. */
        sc_autofd fd = sc_open_dir(folder, NULL);
        if (fd < 0)
                fd = sc_make_dirs(containers_fd, FOLDER, 0755, error);
        if (fd < 0 || !sc_write_sweep(fd, name, error))
                return false;
        g_autoptr(GError) local = NULL;
        if (sc_write_file(fd, name, text, -1, 0644, flags, &local))
                return true;
        if (g_error_matches(local, SC_ERROR, SC_ERROR_EXISTS))
                return sc_throw(error, SC_ERROR_EXISTS, "%s/%s is about other images: write it into a file there by hand", folder,
                                name);
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

bool sc_lookaside_file_write(const ScScope *scope, int containers_fd, const char *images, const char *url, bool *ret_changed,
                             GError **error)
{
        g_autofree char *folder = folder_path(scope), *now = NULL, *file = NULL;
        bool alone = true;
        *ret_changed = false;
        if (!read_now(folder, images, &now, error) || !sc_registries_d_find(folder, images, &file, &alone, error))
                return false;
        if (g_strcmp0(now, url) == 0)
                return true;
        if (file != NULL && !alone)
                return sc_throw(error, SC_ERROR_EXISTS,
                                "%s/%s has more to say of %s than where its signatures lie: change it there by hand", folder, file,
                                images);
        g_autofree char *fresh = name_for(images);
        *ret_changed = true;
        return write_file(containers_fd, folder, file != NULL ? file : fresh, file != NULL ? SC_WRITE_REPLACE : SC_WRITE_NEW,
                          images, url, error);
}

bool sc_lookaside_file_remove(const ScScope *scope, const char *images, bool *ret_changed, char **ret_other, GError **error)
{
        g_autofree char *folder = folder_path(scope), *file = NULL;
        bool alone = true;
        *ret_changed = false;
        *ret_other = NULL;
        if (!sc_registries_d_find(folder, images, &file, &alone, error))
                return false;
        if (file == NULL)
                return true;
        if (!alone) {
                *ret_other = g_build_filename(folder, file, NULL);
                return true;
        }
        sc_autofd fd = sc_open_dir(folder, error);
        *ret_changed = true;
        return fd >= 0 && sc_unlink_durably(fd, file, error);
}
