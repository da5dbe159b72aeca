/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-place.h"

#include "base/error.h"
#include "base/path.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void sc_host_place_clear(ScHostPlace *place)
{
        sc_close(&place->parent_fd);
}

bool sc_host_place_open(int root_fd, const char *path, ScHostParent mode, ScHostPlace *ret, GError **error)
{
        int fd = -1;
        if (sc_host_parent_open(root_fd, path, mode, &fd, error) < 0)
                return false;
        *ret = (ScHostPlace){path, strrchr(path, '/') + 1, fd};
        return true;
}

static bool checksum_at(const ScHostPlace *place, const struct stat *st, char ret_hex[SC_DIGEST_HEX_SIZE], GError **error)
{
        ScDigest digest;
        if (S_ISLNK(st->st_mode)) {
                char target[PATH_MAX];
                ssize_t size = readlinkat(place->parent_fd, place->name, target, sizeof target);
                if (size < 0)
                        return sc_throw_errno(error, "Cannot read the symbolic link %s", place->path);
                sc_digest_of(target, (gsize)size, &digest);
        } else {
                sc_autofd fd = openat(place->parent_fd, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (fd < 0)
                        return sc_throw_errno(error, "Cannot open %s", place->path);
                if (!sc_digest_of_fd(fd, &digest, error))
                        return sc_prefix(error, "Cannot read %s", place->path);
        }
        sc_digest_to_hex(&digest, ret_hex);
        return true;
}

/* The atomic command's checksum of a symlink. */
static bool leads_to_same(const ScHostPlace *place, const ScHostFile *file, bool *ret, GError **error)
{
        char hex[SC_DIGEST_HEX_SIZE] = "0";
        sc_autofd fd = openat(place->parent_fd, place->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
                ScDigest digest;
                if (!sc_digest_of_fd(fd, &digest, error))
                        return sc_prefix(error, "Cannot read %s", place->path);
                sc_digest_to_hex(&digest, hex);
        }
        *ret = strcmp(hex, file->checksum) == 0;
        return true;
}

static bool same_as_followed(const ScHostPlace *place, const ScHostFile *file, const struct stat *st, bool *ret, GError **error)
{
        char target[PATH_MAX];
        *ret = S_ISDIR(st->st_mode) && strcmp(file->checksum, "0") == 0;
        if (!S_ISLNK(st->st_mode))
                return true;
        ssize_t size = file->link != NULL ? readlinkat(place->parent_fd, place->name, target, sizeof target) : -1;
        *ret = size > 0 && (gsize)size == strlen(file->link) && memcmp(target, file->link, (gsize)size) == 0;
        return *ret || leads_to_same(place, file, ret, error);
}

bool sc_host_place_compare(const ScHostPlace *place, const ScHostFile *file, ScHostFound *ret, struct stat *ret_st, GError **error)
{
        int present = place->parent_fd >= 0 ? sc_lstat(place->parent_fd, place->name, ret_st, error) : 0;
        if (present < 0)
                return false;
        *ret = present == 0 ? SC_HOST_FOUND_NOTHING : SC_HOST_FOUND_OTHER;
        if (present == 0 || file == NULL)
                return true;
        char hex[SC_DIGEST_HEX_SIZE] = "";
        if (!S_ISDIR(ret_st->st_mode)) {
                if (!S_ISREG(ret_st->st_mode) && !S_ISLNK(ret_st->st_mode))
                        return true;
                if (!checksum_at(place, ret_st, hex, error))
                        return false;
        }
        bool same = strcmp(hex, file->checksum) == 0;
        if (!same && file->followed && !same_as_followed(place, file, ret_st, &same, error))
                return false;
        if (same)
                *ret = SC_HOST_FOUND_SAME;
        return true;
}

bool sc_host_file_has_attributes(const ScHostFile *file, const struct stat *st)
{
        return st->st_uid == file->uid && st->st_gid == file->gid && (S_ISLNK(file->mode) || st->st_mode == file->mode);
}

GHashTable *sc_host_files_by_destination(GPtrArray *files)
{
        GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; files != NULL && i < files->len; i++) {
                ScHostFile *file = g_ptr_array_index(files, i);
                g_hash_table_insert(table, file->destination, file);
        }
        return table;
}

bool sc_host_files_have_below(GHashTable *table, const char *path)
{
        GHashTableIter iter;
        gpointer destination;
        gsize size = strlen(path);
        g_hash_table_iter_init(&iter, table);
        while (g_hash_table_iter_next(&iter, &destination, NULL)) {
                if (strncmp(destination, path, size) == 0 && ((const char *)destination)[size] == '/')
                        return true;
        }
        return false;
}
