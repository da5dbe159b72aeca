/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "staging.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PREFIX "staging-"
#define LOCK_NAME "lock"
#define SWEEP_LOCK_NAME "staging.lock"
#define N_FOLDERS 256
/* When so much has been written, it is on its way to the disk while the rest comes. */
#define EARLY_SYNC_SIZE (48u << 20)
/* What a file costs the disk beside its bytes. */
#define FILE_SIZE 1024
/* Left to the rest of the system, unless the repository is told to keep nothing free. */
#define RESERVED_INODES 1024

typedef enum {
        CLAIMED, /* somebody is writing it */
        FAILED,
        STAGED, /* whole in the staging folder */
        MOVING, /* on its way into objects/ */
        STORED, /* in objects/ */
} State;

struct ScStagedObject {
        ScDigest id;
        ScObjectType type;
        State state;
        bool replace; /* what lies under its name in objects/ is damaged */
        bool common;  /* it is staged in a folder X */
};

/* A folder XX of objects. */
typedef struct {
        guint claimed; /* objects in the staging folder's XX, or about to be */
        bool frozen;   /* it is being moved, with all that is in it */
        gint stored;   /* atomic: the repository has it, too */
} Folder;

struct ScStaging {
        ScRepository *repository;
        bool repository_locked;
        int state_fd;
        int fd;
        int lock_fd;
        char *name;
        guint64 reserved_space; /* bytes that the repository wants kept free */
        GArray *left;           /* Left; NULL: nothing */

        GMutex mutex;
        GCond settled;
        GHashTable *objects; /* a set of ScStagedObject, by type and id */
        Folder folders[N_FOLDERS];
        bool taken_over; /* the folder: there may be files in it that nobody has claimed */

        GThread *syncer; /* NULL: not needed yet */
        GCond much_written;
        guint64 written; /* bytes since the last sync began */
        bool ended;
        GError *sync_error;
};

/* A large file that an interrupted import left behind under its object's name. */
typedef struct {
        guint64 size;
        char path[SC_OBJECT_PATH_SIZE];
} Left;

static bool read_boot_id(char **ret, GError **error)
{
        g_autofree char *text = NULL;

        if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, error))
                return sc_prefix(error, "Cannot tell this boot from others");
        *ret = g_strdup(g_strstrip(text));
        return true;
}

/* The folder's own lock; -1 if an import holds it, or it cannot be had. */
static int lock_folder(int state_fd, const char *name)
{
        sc_autofd fd = openat(state_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -1 : sc_lock_try(fd, LOCK_NAME, SC_LOCK_EXCLUSIVE, NULL);
}

static GPtrArray *list_names(int dir_fd, const char *prefix, GError **error)
{
        int list_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);

        if (dir == NULL) {
                sc_throw_errno(error, "Cannot list the staging folders");
                sc_close(&list_fd);
                return NULL;
        }
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
                if (g_str_has_prefix(entry->d_name, prefix))
                        g_ptr_array_add(names, g_strdup(entry->d_name));
        closedir(dir);
        return names;
}

/* Goes through what earlier imports left. Under the sweep lock, so that nobody meets a folder that has no lock yet, or has lost it
 * while it is removed. *ret_lock_fd stays -1 where there is nothing to take over; own_prefix NULL: nothing is. */
static bool sweep(int state_fd, const char *own_prefix, char **ret_name, int *ret_lock_fd, GError **error)
{
        g_autoptr(GPtrArray) names = list_names(state_fd, PREFIX, error);

        if (names == NULL)
                return false;
        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];
                sc_autofd lock_fd = lock_folder(state_fd, name);
                if (lock_fd < 0)
                        continue;
                if (own_prefix != NULL && *ret_lock_fd < 0 && g_str_has_prefix(name, own_prefix)) {
                        *ret_name = g_strdup(name);
                        *ret_lock_fd = sc_steal_fd(&lock_fd);
                } else if (!sc_remove_tree(state_fd, name, error))
                        return sc_prefix(error, "Cannot remove what an interrupted import left");
        }
        return true;
}

/* Temporary files have no id yet that they could be found by. */
static bool remove_temporaries(int fd, GError **error)
{
        g_autoptr(GPtrArray) names = list_names(fd, SC_STAGING_TEMPORARY, error);

        for (guint i = 0; names != NULL && i < names->len; i++)
                if (unlinkat(fd, names->pdata[i], 0) < 0)
                        return sc_throw_errno(error, "Cannot remove %s", (const char *)names->pdata[i]);
        return names != NULL;
}

static void note_left(ScStaging *staging, const char *folder, const char *name)
{
        Left left;
        struct stat st;

        if (!g_str_has_suffix(name, ".file") ||
            snprintf(left.path, sizeof left.path, "%s/%s", folder, name) >= (int)sizeof left.path ||
            fstatat(staging->fd, left.path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) || st.st_size <= SC_STAGING_LARGE)
                return;
        left.size = (guint64)st.st_size;
        g_array_append_val(staging->left, left);
}

/* Small ones are found by their names. */
static void find_left(ScStaging *staging)
{
        g_autoptr(GPtrArray) folders = list_names(staging->fd, "", NULL);

        staging->left = g_array_new(FALSE, FALSE, sizeof(Left));
        for (guint i = 0; folders != NULL && i < folders->len; i++) {
                const char *folder = folders->pdata[i];
                sc_autofd fd = openat(staging->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                g_autoptr(GPtrArray) names = fd >= 0 && *folder != '.' ? list_names(fd, "", NULL) : NULL;
                for (guint j = 0; names != NULL && j < names->len; j++)
                        note_left(staging, folder, names->pdata[j]);
        }
}

static guint object_hash(gconstpointer object)
{
        return sc_digest_hash_func(&((const ScStagedObject *)object)->id);
}

static gboolean object_equal(gconstpointer a, gconstpointer b)
{
        const ScStagedObject *one = a, *other = b;

        return one->type == other->type && sc_digest_equal(&one->id, &other->id);
}

static bool open_folder(ScStaging *staging, ScStagingStart start, GError **error)
{
        g_autofree char *boot_id = NULL;

        if (!read_boot_id(&boot_id, error))
                return false;
        g_autofree char *own_prefix = g_strconcat(PREFIX, boot_id, "-", NULL);
        sc_autofd sweep_lock = sc_lock_wait(staging->state_fd, SWEEP_LOCK_NAME, SC_LOCK_EXCLUSIVE, NULL, error);
        if (sweep_lock < 0)
                return false;
        if (start == SC_STAGING_TAKE_OVER && !sweep(staging->state_fd, own_prefix, &staging->name, &staging->lock_fd, error))
                return false;
        bool fresh = staging->name == NULL;
        if (fresh) {
                g_autofree char *random = sc_random_name(12);
                staging->name = g_strconcat(own_prefix, random, NULL);
                if (mkdirat(staging->state_fd, staging->name, 0700) < 0)
                        return sc_throw_errno(error, "Cannot make the folder %s", staging->name);
        }
        staging->fd = sc_open_beneath(staging->state_fd, staging->name, O_RDONLY | O_DIRECTORY, 0, error);
        if (staging->fd < 0)
                return false;
        if (!fresh) {
                staging->taken_over = true;
                find_left(staging);
                return remove_temporaries(staging->fd, error);
        }
        staging->lock_fd = sc_lock_try(staging->fd, LOCK_NAME, SC_LOCK_EXCLUSIVE, error);
        return staging->lock_fd >= 0;
}

bool sc_staging_sweep(ScRepository *repository, GError **error)
{
        sc_autofd state_fd = sc_repository_open_state(repository, error);
        sc_autofd sweep_lock = state_fd >= 0 ? sc_lock_wait(state_fd, SWEEP_LOCK_NAME, SC_LOCK_EXCLUSIVE, NULL, error) : -1;
        return sweep_lock >= 0 && sweep(state_fd, NULL, NULL, NULL, error);
}

/* Whoever makes a folder later, and puts the same object into it, is met when ours is moved. */
static void find_stored_folders(ScStaging *staging)
{
        for (guint i = 0; i < N_FOLDERS; i++) {
                char name[3];
                (void)snprintf(name, sizeof name, "%02x", i);
                staging->folders[i].stored = faccessat(sc_repository_objects_fd(staging->repository), name, F_OK, 0) == 0;
        }
}

static bool lock_repository(ScStaging *staging, GError **error)
{
        if (!sc_repository_make_lock_file(staging->repository, error) ||
            !ostree_repo_lock_push(sc_repository_ostree(staging->repository), OSTREE_REPO_LOCK_SHARED, NULL, error))
                return sc_prefix(error, "Cannot lock the repository %s", sc_repository_path(staging->repository));
        staging->repository_locked = true;
        return true;
}

static bool learn_reserved_space(ScStaging *staging, GError **error)
{
        return ostree_repo_get_min_free_space_bytes(sc_repository_ostree(staging->repository), &staging->reserved_space, error) ||
               sc_prefix(error, "Repository %s", sc_repository_path(staging->repository));
}

ScStaging *sc_staging_new(ScRepository *repository, ScStagingStart start, GError **error)
{
        ScStaging *staging = g_new0(ScStaging, 1);

        staging->repository = repository;
        staging->fd = staging->lock_fd = -1;
        g_mutex_init(&staging->mutex);
        g_cond_init(&staging->settled);
        g_cond_init(&staging->much_written);
        staging->objects = g_hash_table_new_full(object_hash, object_equal, NULL, g_free);
        staging->state_fd = sc_repository_open_state(repository, error);
        if (staging->state_fd < 0 || !learn_reserved_space(staging, error) || !lock_repository(staging, error) ||
            !open_folder(staging, start, error)) {
                sc_staging_free(staging, SC_STAGING_KEEP);
                return NULL;
        }
        find_stored_folders(staging);
        return staging;
}

static void remove_folder(ScStaging *staging)
{
        /* Where that fails the next import sweeps it. */
        sc_autofd sweep_lock = sc_lock_wait(staging->state_fd, SWEEP_LOCK_NAME, SC_LOCK_EXCLUSIVE, NULL, NULL);

        if (sweep_lock >= 0)
                (void)sc_remove_tree(staging->state_fd, staging->name, NULL);
}

static void stop_syncer(ScStaging *staging)
{
        g_mutex_lock(&staging->mutex);
        staging->ended = true;
        g_cond_signal(&staging->much_written);
        g_mutex_unlock(&staging->mutex);
        if (staging->syncer != NULL)
                g_thread_join(staging->syncer);
}

void sc_staging_free(ScStaging *staging, ScStagingEnd end)
{
        stop_syncer(staging);
        if (end == SC_STAGING_REMOVE)
                remove_folder(staging);
        sc_close(&staging->lock_fd);
        sc_close(&staging->fd);
        sc_close(&staging->state_fd);
        if (staging->repository_locked)
                (void)ostree_repo_lock_pop(sc_repository_ostree(staging->repository), OSTREE_REPO_LOCK_SHARED, NULL, NULL);
        g_hash_table_unref(staging->objects);
        g_clear_pointer(&staging->left, g_array_unref);
        g_mutex_clear(&staging->mutex);
        g_cond_clear(&staging->settled);
        g_cond_clear(&staging->much_written);
        g_clear_error(&staging->sync_error);
        g_free(staging->name);
        g_free(staging);
}

int sc_staging_fd(ScStaging *staging)
{
        return staging->fd;
}

bool sc_staging_check_space(ScStaging *staging, GError **error)
{
        struct statvfs st;

        if (fstatvfs(staging->fd, &st) < 0)
                return sc_throw_errno(error, "Cannot tell how much space is free");
        /* Some file systems make inodes as they need them, and say 0. */
        if (st.f_files > 0 && st.f_favail <= (staging->reserved_space > 0 ? RESERVED_INODES : 0))
                return sc_throw(error, SC_ERROR_NO_SPACE,
                                "No space is left: the repository's file system has too few inodes for more files; prune images");
        if ((guint64)st.f_bavail * st.f_frsize > staging->reserved_space)
                return true;
        if (staging->reserved_space == 0)
                return sc_throw(error, SC_ERROR_NO_SPACE,
                                "No space is left in the repository's file system; prune images or make room");
        return sc_throw(error, SC_ERROR_NO_SPACE,
                        "No space is left: the repository keeps %" G_GUINT64_FORMAT
                        " MB free (min-free-space in its config); prune images or make room",
                        staging->reserved_space / 1000000);
}

int sc_staging_open_left(ScStaging *staging, const ScObjectMeta *meta, guint64 size, guint *at, char ret_path[SC_OBJECT_PATH_SIZE])
{
        while (staging->left != NULL && *at < staging->left->len) {
                const Left *left = &g_array_index(staging->left, Left, (*at)++);
                int fd = left->size != size ? -1
                                            : sc_object_open_similar(staging->fd, left->path,
                                                                     sc_repository_format(staging->repository), meta, size);
                if (fd < 0)
                        continue;
                memcpy(ret_path, left->path, sizeof left->path);
                return fd;
        }
        return -1;
}

const ScDigest *sc_staged_object_id(const ScStagedObject *object)
{
        return &object->id;
}

static void settle(ScStaging *staging, ScStagedObject *object, State state)
{
        g_mutex_lock(&staging->mutex);
        object->state = state;
        g_cond_broadcast(&staging->settled);
        g_mutex_unlock(&staging->mutex);
}

/* Trees and commits are plain files in every repository. */
static ScObjectFormat format_of(const ScStaging *staging, const ScStagedObject *object)
{
        return object->type == SC_OBJECT_FILE ? sc_repository_format(staging->repository) : SC_OBJECTS_BARE;
}

static Folder *folder_of(ScStaging *staging, const ScStagedObject *object)
{
        return &staging->folders[object->id.bytes[0]];
}

static ScObjectLook look(ScStaging *staging, const ScStagedObject *object, const char *path, const ScObjectMeta *meta, guint64 size)
{
        int objects_fd = sc_repository_objects_fd(staging->repository);
        struct stat st;

        if (object->type == SC_OBJECT_FILE)
                return sc_object_look(objects_fd, path, format_of(staging, object), meta, size);
        if (fstatat(objects_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return SC_OBJECT_MISSING;
        return S_ISREG(st.st_mode) && (guint64)st.st_size == size ? SC_OBJECT_WHOLE : SC_OBJECT_DAMAGED;
}

/* Whether the repository has the object. One that is not what its name says (an empty file that a power cut left behind somebody
 * who does not sync) is to be replaced. */
static bool in_repository(ScStaging *staging, ScStagedObject *object, const ScObjectMeta *meta, guint64 size)
{
        char path[SC_OBJECT_PATH_SIZE];

        if (g_atomic_int_get(&folder_of(staging, object)->stored) == 0)
                return false;
        sc_object_path(object->type, &object->id, path);
        ScObjectLook found = look(staging, object, path, meta, size);
        if (found == SC_OBJECT_MISSING)
                return false;
        object->replace = found == SC_OBJECT_DAMAGED || sc_repository_is_distrusted(staging->repository, path);
        return !object->replace;
}

/* Where it lies until it is moved: XX/YYY... as in objects/, or X/XYYY.... */
static void staged_path(const ScStagedObject *object, char ret_path[SC_OBJECT_PATH_SIZE])
{
        sc_object_path(object->type, &object->id, ret_path);
        if (object->common) {
                ret_path[2] = ret_path[1];
                ret_path[1] = '/';
        }
}

static bool lies_in_its_folder(const ScStaging *staging, const ScStagedObject *object)
{
        char path[SC_OBJECT_PATH_SIZE];
        struct stat st;

        sc_object_path(object->type, &object->id, path);
        return fstatat(staging->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What the repository has no folder for comes into one that can be moved as a whole. All else is moved one by one, and to make 256
 * folders for the few objects of an image that was built again, and to remove them, would cost more than the objects. */
static void choose_folder(ScStaging *staging, ScStagedObject *object)
{
        Folder *folder = folder_of(staging, object);
        /* What was interrupted may have begun before the repository had it. */
        bool is_left = staging->taken_over && lies_in_its_folder(staging, object);

        g_mutex_lock(&staging->mutex);
        object->common = !is_left && g_atomic_int_get(&folder->stored) != 0;
        if (!object->common) {
                while (folder->frozen)
                        g_cond_wait(&staging->settled, &staging->mutex);
                folder->claimed++;
        }
        g_mutex_unlock(&staging->mutex);
}

ScStagedObject *sc_staging_claim(ScStaging *staging, ScObjectType type, const ScDigest *id, const ScObjectMeta *meta, guint64 size,
                                 bool *ret_mine)
{
        const ScStagedObject key = {.id = *id, .type = type};

        g_mutex_lock(&staging->mutex);
        ScStagedObject *object = g_hash_table_lookup(staging->objects, &key);
        bool known = object != NULL;
        if (!known) {
                object = g_new(ScStagedObject, 1);
                *object = key;
                g_hash_table_add(staging->objects, object);
        }
        g_mutex_unlock(&staging->mutex);

        *ret_mine = !known && !in_repository(staging, object, meta, size);
        if (*ret_mine)
                choose_folder(staging, object);
        else if (!known)
                settle(staging, object, STORED);
        return object;
}

/* Makes XX for a path XX/..., as objects/ has it, or X: nobody else can enter the staging folder. */
static bool make_parent(int dir_fd, const char *path, GError **error)
{
        char parent[] = {path[0], path[1], '\0'};

        if (parent[1] == '/')
                parent[1] = '\0';

        if (mkdirat(dir_fd, parent, 0755) < 0 && errno != EEXIST)
                return sc_throw_errno(error, "Cannot make the folder %s", parent);
        return true;
}

static bool write_object(ScStaging *staging, const char *path, ScObjectFormat format, const ScObjectMeta *meta, const void *data,
                         gsize size, GError **error)
{
        g_autoptr(GError) own_error = NULL;

        if (sc_object_write(staging->fd, path, format, meta, data, size, &own_error))
                return true;
        if (g_error_matches(own_error, SC_ERROR, SC_ERROR_EXISTS)) {
                /* Nobody of this import has written that name: it is from the one whose folder was taken over. */
                if (sc_object_matches(staging->fd, path, format, meta, data, size))
                        return true;
                if (unlinkat(staging->fd, path, 0) < 0)
                        return sc_throw_errno(error, "Cannot remove %s", path);
        } else if (g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                if (!make_parent(staging->fd, path, error))
                        return false;
        } else {
                g_propagate_error(error, g_steal_pointer(&own_error));
                return false;
        }
        return sc_object_write(staging->fd, path, format, meta, data, size, error);
}

bool sc_staging_write(ScStaging *staging, ScStagedObject *object, const ScObjectMeta *meta, const void *data, gsize size,
                      GError **error)
{
        char path[SC_OBJECT_PATH_SIZE];

        staged_path(object, path);
        bool written = write_object(staging, path, format_of(staging, object), meta, data, size, error);
        settle(staging, object, written ? STAGED : FAILED);
        sc_staging_wrote(staging, size + FILE_SIZE);
        return written;
}

bool sc_staging_take(ScStaging *staging, ScStagedObject *object, const char *temporary, GError **error)
{
        char path[SC_OBJECT_PATH_SIZE];

        staged_path(object, path);
        bool taken = make_parent(staging->fd, path, error);
        if (taken && renameat(staging->fd, temporary, staging->fd, path) < 0)
                taken = sc_throw_errno(error, "Cannot rename %s to %s", temporary, path);
        settle(staging, object, taken ? STAGED : FAILED);
        return taken;
}

void sc_staging_give_up(ScStaging *staging, ScStagedObject *object)
{
        settle(staging, object, FAILED);
}

bool sc_staging_wait(ScStaging *staging, GPtrArray *objects, GError **error)
{
        bool whole = true;

        g_mutex_lock(&staging->mutex);
        for (guint i = 0; i < objects->len && whole; i++) {
                const ScStagedObject *object = objects->pdata[i];
                while (object->state == CLAIMED)
                        g_cond_wait(&staging->settled, &staging->mutex);
                whole = object->state != FAILED;
        }
        g_mutex_unlock(&staging->mutex);
        if (!whole)
                return sc_throw(error, SC_ERROR_FAILED, "A file that another layer shares could not be written");
        return true;
}

static bool move_one(const ScStaging *staging, const ScStagedObject *object, GError **error)
{
        const unsigned flags = object->replace ? 0 : RENAME_NOREPLACE;
        int objects_fd = sc_repository_objects_fd(staging->repository);
        char staged[SC_OBJECT_PATH_SIZE], path[SC_OBJECT_PATH_SIZE];

        staged_path(object, staged);
        sc_object_path(object->type, &object->id, path);
        if (renameat2(staging->fd, staged, objects_fd, path, flags) == 0)
                return true;
        if (errno == ENOENT) {
                if (!make_parent(objects_fd, path, error))
                        return false;
                if (renameat2(staging->fd, staged, objects_fd, path, flags) == 0)
                        return true;
        }
        /* Another process was faster: its object stays, for checkouts may be linked to it. */
        if (errno == EEXIST && unlinkat(staging->fd, staged, 0) == 0)
                return true;
        return sc_throw_errno(error, "Cannot move %s into %s/objects", path, sc_repository_path(staging->repository));
}

/* Of the objects of a round that lie in folders XX. */
typedef struct {
        guint n[N_FOLDERS];
        bool whole[N_FOLDERS]; /* all that is in the staging's folder, which nobody enters meanwhile */
} Round;

/* Most of the price of many new files is their names: where the repository has no such folder yet, one rename brings all of them.
 */
static void move_folders(const ScStaging *staging, Round *round)
{
        int objects_fd = sc_repository_objects_fd(staging->repository);

        for (guint i = 0; i < N_FOLDERS; i++) {
                char name[3];
                (void)snprintf(name, sizeof name, "%02x", i);
                round->whole[i] = round->whole[i] && renameat2(staging->fd, name, objects_fd, name, RENAME_NOREPLACE) == 0;
        }
}

/* One by one, and by one thread: the kernel lets a file system have one rename between folders at a time. */
static bool move_rest(ScStaging *staging, const Round *round, GPtrArray *objects, GError **error)
{
        for (guint i = 0; i < objects->len; i++) {
                const ScStagedObject *object = objects->pdata[i];
                bool is_moved = !object->common && round->whole[object->id.bytes[0]];
                if (!is_moved && !move_one(staging, object, error))
                        return false;
        }
        return true;
}

/* Under the mutex: which objects of these are to be moved, and what of that goes by whole folders. */
static GPtrArray *begin_round(ScStaging *staging, GPtrArray *objects, Round *round)
{
        GPtrArray *moving = g_ptr_array_new();

        for (guint i = 0; i < objects->len; i++) {
                ScStagedObject *object = objects->pdata[i];
                if (object->state != STAGED)
                        continue;
                object->state = MOVING;
                if (!object->common)
                        round->n[object->id.bytes[0]]++;
                g_ptr_array_add(moving, object);
        }
        for (guint i = 0; i < N_FOLDERS; i++) {
                Folder *folder = &staging->folders[i];
                round->whole[i] = !staging->taken_over && round->n[i] > 0 && round->n[i] == folder->claimed;
                folder->frozen = round->whole[i];
        }
        return moving;
}

static void thaw(ScStaging *staging)
{
        g_mutex_lock(&staging->mutex);
        for (guint i = 0; i < N_FOLDERS; i++)
                staging->folders[i].frozen = false;
        g_cond_broadcast(&staging->settled);
        g_mutex_unlock(&staging->mutex);
}

static void end_round(ScStaging *staging, GPtrArray *objects, const Round *round, State state)
{
        for (guint i = 0; i < objects->len; i++)
                ((ScStagedObject *)objects->pdata[i])->state = state;
        for (guint i = 0; i < N_FOLDERS; i++) {
                Folder *folder = &staging->folders[i];
                folder->claimed -= round->n[i];
                if (round->n[i] > 0)
                        g_atomic_int_set(&folder->stored, 1);
        }
        g_cond_broadcast(&staging->settled);
}

static bool sync_disk(ScStaging *staging, GError **error)
{
        return sc_sync_fs(staging->fd, error) || sc_prefix(error, "Repository %s", sc_repository_path(staging->repository));
}

/* The disk works while the rest of the layers is fetched and inflated. The kernel tells of an error once: it must not be lost. */
static gpointer sync_early(gpointer data)
{
        ScStaging *staging = data;

        g_mutex_lock(&staging->mutex);
        while (!staging->ended) {
                if (staging->written < EARLY_SYNC_SIZE) {
                        g_cond_wait(&staging->much_written, &staging->mutex);
                        continue;
                }
                staging->written = 0;
                g_mutex_unlock(&staging->mutex);
                GError *error = NULL;
                bool synced = sync_disk(staging, &error);
                g_mutex_lock(&staging->mutex);
                if (!synced && staging->sync_error == NULL)
                        staging->sync_error = g_steal_pointer(&error);
                g_clear_error(&error);
        }
        g_mutex_unlock(&staging->mutex);
        return NULL;
}

void sc_staging_wrote(ScStaging *staging, guint64 size)
{
        g_mutex_lock(&staging->mutex);
        staging->written += size;
        if (staging->written >= EARLY_SYNC_SIZE) {
                if (staging->syncer == NULL)
                        staging->syncer = g_thread_new("early-sync", sync_early, staging);
                g_cond_signal(&staging->much_written);
        }
        g_mutex_unlock(&staging->mutex);
}

bool sc_staging_sync(ScStaging *staging, GError **error)
{
        bool synced = sync_disk(staging, error);

        g_mutex_lock(&staging->mutex);
        if (synced && staging->sync_error != NULL) {
                g_propagate_error(error, g_error_copy(staging->sync_error));
                synced = false;
        }
        g_mutex_unlock(&staging->mutex);
        return synced;
}

bool sc_staging_move(ScStaging *staging, GPtrArray *objects, GError **error)
{
        Round round = {0};

        g_mutex_lock(&staging->mutex);
        g_autoptr(GPtrArray) moving = begin_round(staging, objects, &round);
        g_mutex_unlock(&staging->mutex);
        move_folders(staging, &round);
        thaw(staging);
        bool moved = move_rest(staging, &round, moving, error);
        g_mutex_lock(&staging->mutex);
        end_round(staging, moving, &round, moved ? STORED : FAILED);
        g_mutex_unlock(&staging->mutex);
        return moved;
}
