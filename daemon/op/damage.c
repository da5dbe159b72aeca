/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "damage.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/reference.h"
#include "store/deployment.h"
#include "store/object-check.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "damaged"
/* The name of a whole file on its way to its place in a container. */
#define HIDDEN ".sysconsd-"
#define HIDDEN_RANDOM 12
#define MAX_DEPTH 1024

typedef struct {
        dev_t dev;
        ino_t ino;
        ScDigest id; /* of the object that it was */
} Inode;

struct ScDamage {
        ScRepository *repository;
        int kept_fd;
        GHashTable *inodes; /* a set of Inode */
};

static guint inode_hash(gconstpointer inode)
{
        guint64 number = ((const Inode *)inode)->ino;
        return (guint)(number ^ (number >> 32));
}

static gboolean inode_equal(gconstpointer a, gconstpointer b)
{
        const Inode *one = a, *other = b;
        return one->ino == other->ino && one->dev == other->dev;
}

static void add_inode(ScDamage *damage, const struct stat *st, const ScDigest *id)
{
        Inode *inode = g_new0(Inode, 1);
        inode->dev = st->st_dev;
        inode->ino = st->st_ino;
        inode->id = *id;
        g_hash_table_add(damage->inodes, inode);
}

/* Of "XX/YYY.file" in objects/; false for other objects. */
static bool parse_object(const char *path, ScDigest *ret)
{
        g_autofree char *hex = g_strdup_printf("%.2s%.*s", path, SC_DIGEST_HEX_SIZE - 3, path + 3);
        return g_str_has_suffix(path, ".file") && sc_digest_parse_hex(hex, ret, NULL);
}

/* One object can be damaged twice, before the first damage is mended everywhere. */
static char *kept_name(const Inode *inode)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(&inode->id, hex);
        return g_strdup_printf("%s-%" G_GUINT64_FORMAT, hex, (guint64)inode->ino);
}

static bool parse_kept(const char *name, ScDigest *ret)
{
        g_autofree char *hex = g_strndup(name, SC_DIGEST_HEX_SIZE - 1);
        return sc_digest_parse_hex(hex, ret, NULL);
}

static bool read_kept(ScDamage *damage, GError **error)
{
        int fd = openat(damage->kept_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list what an earlier repair has left");
                sc_close(&fd);
                return false;
        }
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                struct stat st;
                ScDigest id;
                if (!parse_kept(entry->d_name, &id) || fstatat(damage->kept_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if (st.st_nlink > 1)
                        add_inode(damage, &st, &id);
                else
                        (void)unlinkat(damage->kept_fd, entry->d_name, 0); /* no deployment has it any more */
        }
        closedir(listing);
        return true;
}

ScDamage *sc_damage_new(ScRepository *repository, GHashTable *objects, GError **error)
{
        g_autoptr(ScDamage) damage = g_new0(ScDamage, 1);
        sc_autofd state_fd = sc_repository_open_state(repository, error);
        damage->repository = repository;
        damage->inodes = g_hash_table_new_full(inode_hash, inode_equal, g_free, NULL);
        damage->kept_fd = state_fd >= 0 ? sc_make_dirs(state_fd, FOLDER, 0700, error) : -1;
        if (damage->kept_fd < 0 || !read_kept(damage, error))
                return NULL;
        if (objects == NULL)
                return g_steal_pointer(&damage);
        GHashTableIter iter;
        gpointer object;
        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &object, NULL)) {
                struct stat st;
                ScDigest id;
                if (parse_object(object, &id) &&
                    fstatat(sc_repository_objects_fd(repository), object, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink > 1)
                        add_inode(damage, &st, &id);
        }
        return g_steal_pointer(&damage);
}

void sc_damage_free(ScDamage *damage)
{
        if (damage == NULL)
                return;
        sc_close(&damage->kept_fd);
        g_hash_table_unref(damage->inodes);
        g_free(damage);
}

bool sc_damage_is_known(const ScDamage *damage)
{
        return g_hash_table_size(damage->inodes) > 0;
}

/* ---- deployments */

/* A look through the deployments of a container. */
typedef struct {
        ScDamage *damage;
        const ScOpContext *context;
        const char *slot; /* NAME.N */
        bool mend;
        guint64 n_found;
} Look;

/* A whole file that was not put in its place yet when a repair was killed: its name alone would not tell it from the container's.
 */
static bool is_left_over(const Look *look, const char *name, const struct stat *st)
{
        if (!g_str_has_prefix(name, HIDDEN) || strlen(name) != strlen(HIDDEN) + HIDDEN_RANDOM)
                return false;
        GHashTableIter iter;
        gpointer inode;
        g_hash_table_iter_init(&iter, look->damage->inodes);
        while (g_hash_table_iter_next(&iter, &inode, NULL)) {
                char object[SC_OBJECT_PATH_SIZE];
                struct stat whole;
                sc_object_path(SC_OBJECT_FILE, &((const Inode *)inode)->id, object);
                if (fstatat(sc_repository_objects_fd(look->damage->repository), object, &whole, AT_SYMLINK_NOFOLLOW) == 0 &&
                    whole.st_dev == st->st_dev && whole.st_ino == st->st_ino)
                        return true;
        }
        return false;
}

static bool give_whole_file(const Look *look, int folder_fd, const char *name, const ScDigest *id, GError **error)
{
        char object[SC_OBJECT_PATH_SIZE];
        ScRepository *repository = look->damage->repository;
        int objects_fd = sc_repository_objects_fd(repository);
        g_autofree char *random = sc_random_name(HIDDEN_RANDOM), *hidden = g_strconcat(HIDDEN, random, NULL);
        sc_object_path(SC_OBJECT_FILE, id, object);
        bool made = linkat(objects_fd, object, folder_fd, hidden, 0) == 0;
        if (!made && errno == EMLINK)
                made = sc_object_copy(objects_fd, object, sc_repository_format(repository), folder_fd, hidden, error);
        else if (!made)
                sc_throw_errno(error, "Cannot link the object %s", object);
        if (!made)
                return false;
        if (renameat(folder_fd, hidden, folder_fd, name) == 0)
                return true;
        sc_throw_errno(error, "Cannot replace %s", name);
        (void)unlinkat(folder_fd, hidden, 0);
        return false;
}

static bool look_at(Look *look, int folder_fd, const char *path, const char *name, const struct stat *st, GError **error)
{
        const Inode key = {.dev = st->st_dev, .ino = st->st_ino};
        const Inode *inode = st->st_nlink > 1 ? g_hash_table_lookup(look->damage->inodes, &key) : NULL;
        if (look->mend && is_left_over(look, name, st))
                return unlinkat(folder_fd, name, 0) == 0 ||
                       sc_throw_errno(error, "Cannot remove %s/%s of %s", path, name, look->slot);
        if (inode == NULL)
                return true;
        look->n_found++;
        if (!look->mend) {
                sc_report_message(look->context->report, "Container %s has the damaged file %s/%s", look->slot, path, name);
                return true;
        }
        if (!give_whole_file(look, folder_fd, name, &inode->id, error))
                return sc_prefix(error, "Container %s, file %s/%s", look->slot, path, name);
        sc_report_message(look->context->report, "Container %s: replaced %s/%s", look->slot, path, name);
        return true;
}

/* Takes the descriptor. The folder's list is read before anything in it is replaced. */
static bool look_through(Look *look, int folder_fd, const char *path, unsigned depth, GError **error)
{
        DIR *listing = fdopendir(folder_fd);
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list %s", path);
                sc_close(&folder_fd);
                return false;
        }
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        g_ptr_array_add(names, g_strdup(entry->d_name));
        bool ok = !sc_cancelled(look->context->cancellable, error);
        for (guint i = 0; ok && i < names->len; i++) {
                const char *name = names->pdata[i];
                struct stat st;
                if (fstatat(dirfd(listing), name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        ok = errno == ENOENT || sc_throw_errno(error, "Cannot stat %s/%s", path, name);
                        continue;
                }
                if (!S_ISDIR(st.st_mode)) {
                        ok = look_at(look, dirfd(listing), path, name, &st, error);
                        continue;
                }
                g_autofree char *below = g_strconcat(path, "/", name, NULL);
                int below_fd = openat(dirfd(listing), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (below_fd < 0)
                        ok = errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
                             sc_throw_errno(error, "Cannot open the folder %s of %s", below, look->slot);
                else if (depth < MAX_DEPTH)
                        ok = look_through(look, below_fd, below, depth + 1, error);
                else
                        sc_close(&below_fd);
        }
        closedir(listing);
        return ok;
}

/* A root file system that is another container's is a symlink: it is looked at there. */
static bool look_through_slot(Look *look, int checkout_fd, GError **error)
{
        g_autofree char *path = g_build_filename(look->slot, "rootfs", NULL);
        struct stat st;
        int there = sc_lstat(checkout_fd, path, &st, error);
        if (there <= 0 || !S_ISDIR(st.st_mode))
                return there >= 0;
        int fd = sc_open_beneath(checkout_fd, path, O_RDONLY | O_DIRECTORY, 0, error);
        return fd >= 0 && look_through(look, fd, "", 0, error);
}

static bool look_through_container(ScDamage *damage, const ScOpContext *context, int checkout_fd, const char *name, bool mend,
                                   guint64 *ret_found, GError **error)
{
        *ret_found = 0;
        for (int slot = 0; slot < 2; slot++) {
                g_autofree char *folder = sc_slot_name(name, slot);
                Look look = {.damage = damage, .context = context, .slot = folder, .mend = mend};
                if (!look_through_slot(&look, checkout_fd, error))
                        return false;
                *ret_found += look.n_found;
        }
        return true;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Also slots without a symlink: only the names count. */
static GPtrArray *list_containers(int checkout_fd, GError **error)
{
        int fd = openat(checkout_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list the checkout path");
                sc_close(&fd);
                return NULL;
        }
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                gsize size = strlen(entry->d_name);
                if (entry->d_name[0] != '.' && size > 2 &&
                    (g_str_has_suffix(entry->d_name, ".0") || g_str_has_suffix(entry->d_name, ".1")))
                        g_hash_table_add(seen, g_strndup(entry->d_name, size - 2));
        }
        closedir(listing);
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        GHashTableIter iter;
        gpointer name;
        g_hash_table_iter_init(&iter, seen);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                if (sc_container_name_check(name, NULL))
                        g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_sort(names, compare_names);
        return names;
}

char **sc_damage_containers(ScDamage *damage, const ScOpContext *context, GError **error)
{
        g_autoptr(GStrvBuilder) found = g_strv_builder_new();
        if (g_hash_table_size(damage->inodes) == 0)
                return g_strv_builder_end(found);
        g_autoptr(GError) none = NULL;
        sc_autofd checkout_fd = sc_checkout_open(context->config, false, &none);
        if (g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND))
                return g_strv_builder_end(found);
        if (checkout_fd < 0) {
                g_propagate_error(error, g_steal_pointer(&none));
                return NULL;
        }
        g_autoptr(GPtrArray) names = list_containers(checkout_fd, error);
        for (guint i = 0; names != NULL && i < names->len; i++) {
                guint64 n_found;
                if (!look_through_container(damage, context, checkout_fd, names->pdata[i], false, &n_found, error))
                        return NULL;
                if (n_found > 0)
                        g_strv_builder_add(found, names->pdata[i]);
        }
        return names != NULL ? g_strv_builder_end(found) : NULL;
}

/* ---- repair */

bool sc_damage_keep(ScDamage *damage, GError **error)
{
        int objects_fd = sc_repository_objects_fd(damage->repository);
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, damage->inodes);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const Inode *inode = key;
                g_autofree char *name = kept_name(inode);
                char object[SC_OBJECT_PATH_SIZE];
                struct stat st;
                sc_object_path(SC_OBJECT_FILE, &inode->id, object);
                bool is_object = fstatat(objects_fd, object, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == inode->ino;
                if (is_object && linkat(objects_fd, object, damage->kept_fd, name, 0) < 0 && errno != EEXIST)
                        return sc_throw_errno(error, "Cannot remember the damaged object %s", object);
        }
        return sc_sync_dir(damage->kept_fd, error);
}

static bool forget(ScDamage *damage, GError **error)
{
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, damage->inodes);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                g_autofree char *name = kept_name(key);
                if (unlinkat(damage->kept_fd, name, 0) < 0 && errno != ENOENT)
                        return sc_throw_errno(error, "Cannot remove the damaged file %s", name);
        }
        return sc_sync_dir(damage->kept_fd, error);
}

static bool mend_container(ScDamage *damage, const ScOpContext *context, int checkout_fd, const char *name, GError **error)
{
        g_autofree char *lock_name = g_build_filename(SC_LOCK_DIR, name, NULL);
        sc_autofd lock = sc_lock_wait(checkout_fd, lock_name, SC_LOCK_EXCLUSIVE, context->cancellable, error);
        guint64 n_found;
        return lock >= 0 && look_through_container(damage, context, checkout_fd, name, true, &n_found, error);
}

/* Of another image, whose repair was broken off earlier: it has to wait for its own, as has one that cannot be checked now. */
static gboolean has_no_whole_object(gpointer key, gpointer value G_GNUC_UNUSED, gpointer damage)
{
        const Inode *inode = key;
        bool whole;
        return !sc_object_check(((const ScDamage *)damage)->repository, &inode->id, NULL, NULL, &whole, NULL) || !whole;
}

bool sc_damage_mend_containers(ScDamage *damage, const ScOpContext *context, GError **error)
{
        g_autoptr(GError) none = NULL;
        sc_autofd checkout_fd = sc_checkout_open_to_lock(context->config, &none);
        g_hash_table_foreach_remove(damage->inodes, has_no_whole_object, damage);
        if (g_hash_table_size(damage->inodes) == 0 || g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        if (checkout_fd < 0) {
                g_propagate_error(error, g_steal_pointer(&none));
                return false;
        }
        g_autoptr(GPtrArray) names = list_containers(checkout_fd, error);
        for (guint i = 0; names != NULL && i < names->len; i++)
                if (!mend_container(damage, context, checkout_fd, names->pdata[i], error))
                        return false;
        return names != NULL && sc_sync_fs(checkout_fd, error) && sc_failpoint("repair-forget", error) && forget(damage, error);
}
