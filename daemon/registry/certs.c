/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "certs.h"

#include "base/error.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILES = 256 };

struct ScCerts {
        GPtrArray *authorities; /* of GTlsCertificate */
        ScCertsUse use;
        GTlsCertificate *own;
        bool kept_back;
};

void sc_certs_free(ScCerts *certs)
{
        if (certs == NULL)
                return;
        g_ptr_array_unref(certs->authorities);
        g_clear_object(&certs->own);
        g_free(certs);
}

static bool add_authorities(ScCerts *certs, const char *path, GError **error)
{
        g_autoptr(GError) problem = NULL;
        GList *list = g_tls_certificate_list_new_from_file(path, &problem);
        if (list == NULL)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Cannot read the certificates of authorities in %s: %s", path,
                                problem != NULL ? problem->message : "there are none");
        for (GList *item = list; item != NULL; item = item->next)
                g_ptr_array_add(certs->authorities, item->data);
        g_list_free(list);
        return true;
}

/* path without its suffix, and with another one: is it there? */
static char *other_half(const char *path, const char *suffix, const char *other)
{
        g_autofree char *stem = g_strndup(path, strlen(path) - strlen(suffix));
        return g_strconcat(stem, other, NULL);
}

/* The first pair by name is who we are; the others only have to be whole. */
static bool take_pair(ScCerts *certs, const char *path, GError **error)
{
        g_autofree char *key = other_half(path, ".cert", ".key");
        if (!g_file_test(key, G_FILE_TEST_EXISTS))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The certificate %s lacks its key %s (an authority's certificate would end in .crt)", path, key);
        if (certs->own != NULL)
                return true;
        g_autoptr(GError) problem = NULL;
        certs->own = g_tls_certificate_new_from_files(path, key, &problem);
        return certs->own != NULL || sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Cannot use the certificate %s with its key %s: %s",
                                              path, key, problem->message);
}

static bool check_key(const char *path, GError **error)
{
        g_autofree char *certificate = other_half(path, ".key", ".cert");
        return g_file_test(certificate, G_FILE_TEST_EXISTS) ||
               sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The key %s lacks its certificate %s", path, certificate);
}

static bool take_file(ScCerts *certs, const char *path, GError **error)
{
        if (g_str_has_suffix(path, ".crt"))
                return add_authorities(certs, path, error);
        if (certs->use == SC_CERTS_AUTHORITIES) {
                certs->kept_back |= g_str_has_suffix(path, ".cert");
                return true;
        }
        if (g_str_has_suffix(path, ".cert"))
                return take_pair(certs, path, error);
        return !g_str_has_suffix(path, ".key") || check_key(path, error);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

ScCerts *sc_certs_load_from(const char *folder, ScCertsUse use, GError **error)
{
        g_autoptr(ScCerts) certs = g_new0(ScCerts, 1);
        certs->use = use;
        certs->authorities = g_ptr_array_new_with_free_func(g_object_unref);
        g_autoptr(GError) problem = NULL;
        g_autoptr(GDir) dir = g_dir_open(folder, 0, &problem);
        if (dir == NULL && (g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT) ||
                            g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOTDIR)))
                return g_steal_pointer(&certs);
        if (dir == NULL) {
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s", problem->message);
                return NULL;
        }
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
        for (const char *name; (name = g_dir_read_name(dir)) != NULL && paths->len < MAX_FILES;)
                g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
        g_ptr_array_sort(paths, compare_names);
        for (guint i = 0; i < paths->len; i++)
                if (!take_file(certs, paths->pdata[i], error))
                        return NULL;
        return g_steal_pointer(&certs);
}

/* What a user may not look into is not for him. */
static bool is_for_us(const char *folder)
{
        return access(folder, R_OK | X_OK) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != EACCES);
}

ScCerts *sc_certs_load(const ScScope *scope, const char *host, ScCertsUse use, GError **error)
{
        const char *const parents[] = {scope->containers_dir, "/etc/containers", "/etc/docker"};
        for (guint i = 0; i < G_N_ELEMENTS(parents); i++) {
                if (parents[i] == NULL)
                        continue;
                g_autofree char *folder = g_build_filename(parents[i], "certs.d", host, NULL);
                if (is_for_us(folder))
                        return sc_certs_load_from(folder, use, error);
        }
        return sc_certs_load_from("", use, error);
}

bool sc_certs_vouch(const ScCerts *certs, GTlsCertificate *certificate, GSocketConnectable *identity)
{
        for (guint i = 0; i < certs->authorities->len; i++)
                if (g_tls_certificate_verify(certificate, identity, certs->authorities->pdata[i]) == 0)
                        return true;
        return false;
}

GTlsCertificate *sc_certs_own(const ScCerts *certs)
{
        return certs->own;
}

bool sc_certs_keeps_own_back(const ScCerts *certs)
{
        return certs->kept_back;
}
