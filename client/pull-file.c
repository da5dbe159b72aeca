/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull-file.h"

#include "base/door.h"
#include "base/path.h"
#include "base/reference.h"
#include "exit.h"
#include "pull-skopeo.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* "/tmp/Hello.tar.gz" can hold an image called "hello". */
static char *name_of_path(const char *path)
{
        static const char *const suffixes[] = {".gz", ".tgz", ".tar", ".oci", ".docker"};
        g_autofree char *base = g_path_get_basename(path), *name = g_ascii_strdown(base, -1);
        for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
                if (g_str_has_suffix(name, suffixes[i]))
                        name[strlen(name) - strlen(suffixes[i])] = '\0';
        g_autoptr(ScReference) reference = strchr(name, ':') == NULL ? sc_reference_parse(name, NULL) : NULL;
        return reference != NULL && sc_reference_is_tag(reference, NULL) ? g_steal_pointer(&name) : NULL;
}

static bool throw_open(const char *path, GError **error)
{
        return sc_exit_throw(error, errno == ENOENT ? SC_EXIT_NOT_FOUND : SC_EXIT_FAILED, "Cannot open %s: %s", path,
                             g_strerror(errno));
}

static bool open_archive(ScPullFile *file, const char *path, GError **error)
{
        struct stat st;
        bool is_input = strcmp(path, "-") == 0;
        file->fd = is_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (file->fd < 0 || fstat(file->fd, &st) < 0)
                return throw_open(is_input ? "standard input" : path, error);
        if (S_ISDIR(st.st_mode))
                return sc_exit_throw(error, SC_EXIT_USAGE, "%s is a folder: is it an OCI layout (oci-layout:%s)?", path, path);
        if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
                return sc_exit_throw(error, SC_EXIT_USAGE, "%s is neither a file nor a pipe", is_input ? "Standard input" : path);
        return true;
}

static gpointer serve(gpointer data)
{
        const ScPullFile *file = data;
        sc_door_serve(file->own_end, file->dir_fd);
        return NULL;
}

static bool open_folder(ScPullFile *file, const char *path, GError **error)
{
        int ends[2];
        if (strcmp(path, "-") == 0)
                return sc_exit_throw(error, SC_EXIT_USAGE,
                                     "A folder does not come through standard input: an OCI layout in a tar file is oci-archive:-");
        file->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (file->dir_fd < 0)
                return throw_open(path, error);
        if (!sc_door_new(ends, error))
                return false;
        file->is_folder = true;
        file->own_end = ends[0];
        file->fd = ends[1];
        file->server = g_thread_new("folder", serve, file);
        return true;
}

static ScPullFile *file_new(void)
{
        ScPullFile *file = g_new0(ScPullFile, 1);
        file->fd = file->own_end = file->dir_fd = -1;
        return file;
}

static bool open_by_skopeo(const char *image, ScPullFile **ret, GError **error)
{
        g_autoptr(ScPullFile) file = file_new();
        g_autofree char *path = g_strdup(strchrnul(image, ':'));
        if (*path == ':')
                path[1 + strcspn(path + 1, ":")] = '\0';
        file->subject = g_strdup(sc_source_facts(SC_SOURCE_DOCKER_ARCHIVE)->prefix);
        file->file_name = *path == ':' ? name_of_path(path + 1) : NULL;
        if (!sc_pull_skopeo_start(image, &file->fd, &file->skopeo, error))
                return false;
        *ret = g_steal_pointer(&file);
        return true;
}

bool sc_pull_file_open(const char *text, ScPullFile **ret, GError **error)
{
        const char *rest;
        *ret = NULL;
        const char *image = sc_pull_skopeo_image(text);
        if (image != NULL)
                return open_by_skopeo(image, ret, error);
        const ScSourceFacts *source = sc_source_find(text, &rest, NULL);
        /* What is wrong with another source, sysconsd says. */
        if (source == NULL || !sc_source_is_file(source->source))
                return true;
        const char *colon = strchr(rest, ':');
        g_autofree char *path = g_strndup(rest, colon != NULL ? (gsize)(colon - rest) : strlen(rest));
        if (*path == '\0')
                return sc_exit_throw(error, SC_EXIT_USAGE, "%s: a path is missing, as in %sPATH[:NAME]", text, source->prefix);
        g_autoptr(ScPullFile) file = file_new();
        file->subject = g_strconcat(source->prefix, colon != NULL ? colon + 1 : "", NULL);
        file->file_name = strcmp(path, "-") != 0 ? name_of_path(path) : NULL;
        if (!(source->source == SC_SOURCE_OCI_LAYOUT ? open_folder(file, path, error) : open_archive(file, path, error)))
                return false;
        *ret = g_steal_pointer(&file);
        return true;
}

void sc_pull_file_free(ScPullFile *file)
{
        if (file == NULL)
                return;
        if (file->server != NULL) {
                shutdown(file->own_end, SHUT_RDWR);
                g_thread_join(file->server);
        }
        sc_close(&file->fd);
        if (file->skopeo != 0)
                sc_pull_skopeo_end(file->skopeo);
        sc_close(&file->own_end);
        sc_close(&file->dir_fd);
        g_free(file->subject);
        g_free(file->file_name);
        g_free(file);
}
