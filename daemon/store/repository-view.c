/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "repository-view.h"
#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "place.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define HEADS "refs/heads"
#define MAX_CONFIG (1u << 20)
#define MAX_REF 1024
#define COMMIT_TYPE "(a{sv}aya(say)sstayay)"

struct ScRepositoryView {
        char *path;
        int fd;
        ScObjectFormat format;
};

static const char *mode_name(ScObjectFormat format)
{
        return format == SC_OBJECTS_BARE_USER ? "bare-user" : "bare";
}

/* Only root can give files to others. */
static ScObjectFormat wanted_format(const ScConfig *config)
{
        return config->scope->kind == SC_SCOPE_USER ? SC_OBJECTS_BARE_USER : SC_OBJECTS_BARE;
}

/* "bare" is what a repository has that says nothing. */
static bool check_mode(const ScRepositoryView *view, GError **error)
{
        g_autofree char *text = NULL, *mode = NULL, *version = NULL;
        gsize size;
        g_autoptr(GKeyFile) file = g_key_file_new();
        if (!sc_read_file(view->fd, "config", MAX_CONFIG, &text, &size, error) ||
            !g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, error))
                return sc_prefix(error, "Cannot read the configuration of the repository %s", view->path);
        mode = g_key_file_get_string(file, "core", "mode", NULL);
        version = g_key_file_get_string(file, "core", "repo_version", NULL);
        if (g_strcmp0(version, "1") != 0)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "The repository %s has the version '%.20s', and only 1 is supported",
                                view->path, version != NULL ? version : "");
        const char *found = mode != NULL ? mode : "bare", *wanted = mode_name(view->format);
        return strcmp(found, wanted) == 0 ||
               sc_throw(error, SC_ERROR_UNSUPPORTED, "The repository %s has the mode %.40s, and only %s is supported", view->path,
                        found, wanted);
}

ScRepositoryView *sc_repository_view_open(const ScConfig *config, GError **error)
{
        g_autofree char *path = sc_repository_find(config, SC_HOST_REPOSITORY, SC_REPOSITORY_READ, error);
        if (path == NULL)
                return NULL;
        if (!sc_place_is_repository(path)) {
                sc_throw(error, SC_ERROR_NOT_FOUND, "There is no repository at %s yet: it is made by the first pull", path);
                return NULL;
        }
        sc_autofd fd = sc_open_dir(path, error);
        if (fd < 0)
                return NULL;
        g_autoptr(ScRepositoryView) view = g_new0(ScRepositoryView, 1);
        view->path = g_steal_pointer(&path);
        view->fd = sc_steal_fd(&fd);
        view->format = wanted_format(config);
        return check_mode(view, error) ? g_steal_pointer(&view) : NULL;
}

void sc_repository_view_free(ScRepositoryView *view)
{
        if (view == NULL)
                return;
        sc_close(&view->fd);
        g_free(view->path);
        g_free(view);
}

const char *sc_repository_view_path(const ScRepositoryView *view)
{
        return view->path;
}

int sc_repository_view_fd(const ScRepositoryView *view)
{
        return view->fd;
}

ScObjectFormat sc_repository_view_format(const ScRepositoryView *view)
{
        return view->format;
}

/* What other programs drop there, and refs in folders, can be no names of images. */
static bool may_be_ref(const struct dirent *entry)
{
        return entry->d_name[0] != '.' && entry->d_type != DT_DIR;
}

GPtrArray *sc_repository_view_refs(const ScRepositoryView *view, GError **error)
{
        g_autoptr(GPtrArray) refs = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) own_error = NULL;
        sc_autofd fd = sc_open_in_root(view->fd, HEADS "/" SC_REF_PREFIX, O_RDONLY | O_DIRECTORY, 0, &own_error);
        if (g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                return g_steal_pointer(&refs);
        if (own_error != NULL) {
                g_propagate_prefixed_error(error, g_steal_pointer(&own_error),
                                           "Cannot list the images of the repository %s: ", view->path);
                return NULL;
        }
        DIR *listing = fdopendir(fd);
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list the images of the repository %s", view->path);
                return NULL;
        }
        sc_steal_fd(&fd);
        errno = 0;
        for (const struct dirent *entry; (entry = readdir(listing)) != NULL; errno = 0)
                if (may_be_ref(entry))
                        g_ptr_array_add(refs, g_strconcat(SC_REF_PREFIX, entry->d_name, NULL));
        bool ok = errno == 0 || sc_throw_errno(error, "Cannot list the images of the repository %s", view->path);
        closedir(listing);
        return ok ? g_steal_pointer(&refs) : NULL;
}

char *sc_repository_view_resolve(const ScRepositoryView *view, const char *ref, GError **error)
{
        g_autoptr(GError) own_error = NULL;
        g_autofree char *text = NULL;
        g_autofree char *path = g_build_filename(HEADS, ref, NULL);
        if (!sc_read_file_in_root(view->fd, path, MAX_REF, &text, NULL, &own_error)) {
                if (g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                        sc_throw(error, SC_ERROR_NOT_FOUND, "The repository %s has no ref %s", view->path, ref);
                        return NULL;
                }
                g_propagate_prefixed_error(error, g_steal_pointer(&own_error), "Cannot read the ref %s of the repository %s: ", ref,
                                           view->path);
                return NULL;
        }
        g_strchomp(text);
        if (!sc_digest_is_hex(text)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The ref %s of the repository %s names no commit", ref, view->path);
                return NULL;
        }
        return g_steal_pointer(&text);
}

GVariant *sc_commit_parse(char *data, gsize size, const char *commit, GError **error)
{
        g_autoptr(GVariant)
                object = g_variant_ref_sink(g_variant_new_from_data(G_VARIANT_TYPE(COMMIT_TYPE), data, size, FALSE, g_free, data));
        if (g_variant_is_normal_form(object))
                return g_steal_pointer(&object);
        sc_throw(error, SC_ERROR_CORRUPT, "The commit %s is damaged", commit);
        return NULL;
}

GVariant *sc_repository_view_commit(const ScRepositoryView *view, const char *commit, GError **error)
{
        char *data;
        gsize size;
        if (!sc_digest_is_hex(commit)) {
                sc_throw(error, SC_ERROR_CORRUPT, "'%.80s' is not the checksum of a commit", commit);
                return NULL;
        }
        g_autofree char *path = g_strdup_printf("objects/%.2s/%s.commit", commit, commit + 2);
        if (!sc_read_file(view->fd, path, SC_COMMIT_MAX_SIZE, &data, &size, error)) {
                sc_prefix(error, "Cannot read the commit %s", commit);
                return NULL;
        }
        return sc_commit_parse(data, size, commit, error);
}

GVariant *sc_commit_metadata(GVariant *commit)
{
        return g_variant_get_child_value(commit, 0);
}

gint64 sc_commit_time(GVariant *commit)
{
        guint64 time;
        g_variant_get_child(commit, 5, "t", &time);
        return (gint64)MIN(GUINT64_FROM_BE(time), (guint64)G_MAXINT64);
}

static bool take_digest(GVariant *commit, gsize index, ScDigest *ret, GError **error)
{
        g_autoptr(GVariant) bytes = g_variant_get_child_value(commit, index);

        if (g_variant_get_size(bytes) != sizeof ret->bytes)
                return sc_throw(error, SC_ERROR_CORRUPT, "A commit names no tree");
        memcpy(ret->bytes, g_variant_get_data(bytes), sizeof ret->bytes);
        return true;
}

bool sc_commit_tree(GVariant *commit, ScDigest *ret_contents, ScDigest *ret_meta, GError **error)
{
        return take_digest(commit, 6, ret_contents, error) && take_digest(commit, 7, ret_meta, error);
}
