/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostfiles.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/path.h"
#include "template.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define FILES_MAX 65536

typedef struct {
        const ScHostSource *source;
        gpointer data;
        const ScExports *exports;
        const ScVariables *variables;
        GPtrArray *files;
} Planner;

void sc_host_file_free(ScHostFile *file)
{
        if (file == NULL)
                return;
        g_free(file->source);
        g_free(file->destination);
        g_free(file->checksum);
        g_free(file->link);
        g_free(file);
}

static char *hex_of(const ScDigest *digest)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(digest, hex);
        return g_strdup(hex);
}

static char *render(const ScHostFile *file, const char *text, gsize size, const ScVariables *variables, GError **error)
{
        if (memchr(text, '\0', size) != NULL) {
                sc_throw(error, SC_ERROR_CORRUPT, "The image's host file %s is called a template, but is not text", file->source);
                return NULL;
        }
        return sc_template_expand(file->source, text, variables, SC_TEMPLATE_RAW, error);
}

char *sc_host_file_render(int hostfs_fd, const ScHostFile *file, const ScVariables *variables, GError **error)
{
        g_autofree char *text = NULL;
        gsize size;
        if (!sc_read_file(hostfs_fd, file->source + 1, SC_HOST_FILE_TEMPLATE_MAX, &text, &size, error))
                return NULL;
        return render(file, text, size, variables, error);
}

static bool checksum_of_rendered(Planner *planner, const ScHostFile *file, int fd, ScDigest *ret, GError **error)
{
        g_autofree char *text = NULL, *rendered = NULL;
        gsize size;
        if (!sc_read_fd(fd, file->source, SC_HOST_FILE_TEMPLATE_MAX, &text, &size, error) ||
            (rendered = render(file, text, size, planner->variables, error)) == NULL)
                return false;
        sc_digest_of(rendered, strlen(rendered), ret);
        return true;
}

static bool checksum_of(Planner *planner, ScHostFile *file, GError **error)
{
        ScDigest digest;
        if (S_ISDIR(file->mode)) {
                file->checksum = g_strdup("");
                return true;
        }
        if (S_ISLNK(file->mode)) {
                sc_digest_of(file->link, strlen(file->link), &digest);
        } else {
                sc_autofd fd = planner->source->open(planner->data, file->source, error);
                if (fd < 0 || !(file->rendered ? checksum_of_rendered(planner, file, fd, &digest, error)
                                               : sc_digest_of_fd(fd, &digest, error)))
                        return false;
        }
        file->checksum = hex_of(&digest);
        return true;
}

/* Names go into `info`, messages and the bus. */
static bool is_printable(const char *path)
{
        if (!g_utf8_validate(path, -1, NULL))
                return false;
        for (; *path != '\0'; path = g_utf8_next_char(path)) {
                if (g_unichar_iscntrl(g_utf8_get_char(path)))
                        return false;
        }
        return true;
}

static char *destination_of(Planner *planner, const char *source, GError **error)
{
        const char *renamed = g_hash_table_lookup(planner->exports->renames, source);
        g_autofree char *destination = g_strdup(source);
        if (renamed != NULL) {
                g_autofree char *what = g_strdup_printf("manifest.json: renameFiles of %s", source);
                g_free(destination);
                destination = sc_template_expand(what, renamed, planner->variables, SC_TEMPLATE_RAW, error);
                if (destination == NULL)
                        return NULL;
        }
        if (!sc_path_is_clean_absolute(destination) || !is_printable(destination)) {
                g_autofree char *shown = g_strescape(destination, NULL);
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                         "The image wants a host file at \"%.200s\": that is no clean absolute path", shown);
                return NULL;
        }
        return g_steal_pointer(&destination);
}

static bool add_file(Planner *planner, const char *source, const struct stat *st, const char *link, GError **error)
{
        if (planner->files->len >= FILES_MAX)
                return sc_throw(error, SC_ERROR_CORRUPT, "The image wants more than %d files on the host", FILES_MAX);
        g_autoptr(ScHostFile) file = g_new0(ScHostFile, 1);
        file->source = g_strdup(source);
        file->mode = st->st_mode;
        file->uid = st->st_uid;
        file->gid = st->st_gid;
        file->link = g_strdup(link);
        file->destination = destination_of(planner, source, error);
        if (file->destination == NULL)
                return false;
        /* The atomic command looked for a renamed file's new name. */
        const char *const *rendered = (const char *const *)planner->exports->rendered;
        file->rendered = S_ISREG(st->st_mode) &&
                         (g_strv_contains(rendered, source) || g_strv_contains(rendered, file->destination));
        if (!checksum_of(planner, file, error))
                return false;
        g_ptr_array_add(planner->files, g_steal_pointer(&file));
        return true;
}

static bool walk(Planner *planner, const char *folder, unsigned depth, GError **error);

static bool walk_entry(Planner *planner, const char *path, unsigned depth, GError **error)
{
        struct stat st;
        g_autofree char *link = NULL;
        if (!planner->source->look(planner->data, path, &st, &link, error))
                return sc_prefix(error, "Cannot look at the image's host file %s", path);
        /* devices, sockets and fifos are not for the host */
        if (!S_ISDIR(st.st_mode))
                return (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) || add_file(planner, path, &st, link, error);
        if (depth >= DEPTH_MAX)
                return sc_throw(error, SC_ERROR_CORRUPT, "The image's host files are nested deeper than %d folders", DEPTH_MAX);
        guint before = planner->files->len;
        if (!walk(planner, path, depth + 1, error))
                return false;
        return planner->files->len > before || add_file(planner, path, &st, NULL, error);
}

static bool walk(Planner *planner, const char *folder, unsigned depth, GError **error)
{
        g_auto(GStrv) names = planner->source->list(planner->data, folder, error);
        if (names == NULL)
                return sc_prefix(error, "Cannot list the image's host files in %s/", folder);
        for (char **name = names; *name != NULL; name++) {
                g_autofree char *path = g_strdup_printf("%s/%s", folder, *name);
                if (!walk_entry(planner, path, depth, error))
                        return false;
        }
        return true;
}

/* Two files for one place, or a file where another one needs a folder: renameFiles can ask for that. */
static bool check_places(GPtrArray *files, GError **error)
{
        g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < files->len; i++) {
                ScHostFile *file = g_ptr_array_index(files, i);
                if (!g_hash_table_insert(places, file->destination, file))
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The image wants two host files at %s",
                                        file->destination);
        }
        for (guint i = 0; i < files->len; i++) {
                ScHostFile *file = g_ptr_array_index(files, i);
                g_autofree char *folder = g_path_get_dirname(file->destination);
                for (char *end = strrchr(folder, '/'); end != NULL && *folder != '\0'; end = strrchr(folder, '/')) {
                        ScHostFile *other = g_hash_table_lookup(places, folder);
                        if (other != NULL && !S_ISDIR(other->mode))
                                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                                "The image wants %s on the host to be a file and a folder", other->destination);
                        *end = '\0';
                }
        }
        return true;
}

static int compare_destinations(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const ScHostFile *const *)a)->destination, (*(const ScHostFile *const *)b)->destination);
}

GPtrArray *sc_host_files_plan_from(const ScHostSource *source, gpointer data, const ScExports *exports,
                                   const ScVariables *variables, GError **error)
{
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)sc_host_file_free);
        Planner planner = {source, data, exports, variables, files};
        if (data != NULL && !walk(&planner, "", 0, error))
                return NULL;
        /* An empty hostfs is no wish to make the root folder; it never is one, as only its entries are walked. */
        if (!check_places(files, error))
                return NULL;
        g_ptr_array_sort(files, compare_destinations);
        return g_steal_pointer(&files);
}

/* ---- a folder on disk: data is its descriptor ---- */

static const char *below(const char *path)
{
        return *path == '\0' ? "." : path + 1;
}

static char **list_folder(gpointer data, const char *folder, GError **error)
{
        int listing_fd = sc_open_beneath(*(int *)data, below(folder), O_RDONLY | O_DIRECTORY, 0, error);
        DIR *listing = listing_fd >= 0 ? fdopendir(listing_fd) : NULL;
        if (listing == NULL) {
                sc_close(&listing_fd);
                return NULL;
        }
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        struct dirent *entry;
        for (errno = 0; (entry = readdir(listing)) != NULL; errno = 0)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        g_strv_builder_add(names, entry->d_name);
        int failed = errno;
        closedir(listing);
        errno = failed;
        if (failed != 0 && !sc_throw_errno(error, "Cannot read the folder"))
                return NULL;
        return g_strv_builder_end(names);
}

static bool look_in_folder(gpointer data, const char *path, struct stat *ret, char **ret_link, GError **error)
{
        sc_autofd fd = sc_open_beneath(*(int *)data, below(path), O_PATH | O_NOFOLLOW, 0, error);
        if (fd < 0)
                return false;
        if (fstat(fd, ret) < 0)
                return sc_throw_errno(error, "Cannot stat it");
        *ret_link = NULL;
        if (!S_ISLNK(ret->st_mode))
                return true;
        char target[PATH_MAX];
        ssize_t size = readlinkat(fd, "", target, sizeof target - 1);
        if (size < 0)
                return sc_throw_errno(error, "Cannot read the symbolic link");
        *ret_link = g_strndup(target, (gsize)size);
        return true;
}

static int open_in_folder(gpointer data, const char *path, GError **error)
{
        return sc_open_beneath(*(int *)data, below(path), O_RDONLY | O_NONBLOCK, 0, error);
}

GPtrArray *sc_host_files_plan(int hostfs_fd, const ScExports *exports, const ScVariables *variables, GError **error)
{
        static const ScHostSource folder = {list_folder, look_in_folder, open_in_folder};
        return sc_host_files_plan_from(&folder, hostfs_fd >= 0 ? &hostfs_fd : NULL, exports, variables, error);
}
