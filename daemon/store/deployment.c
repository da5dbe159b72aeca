/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deployment.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "place.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_CONFIG (1024u * 1024)

void sc_deployment_free(ScDeployment *deployment)
{
        if (deployment == NULL)
                return;
        g_free(deployment->name);
        g_free(deployment->path);
        sc_info_free(deployment->info);
        g_free(deployment->broken);
        sc_info_free(deployment->previous);
        g_free(deployment->unreadable);
        g_free(deployment);
}

int sc_checkout_open(const ScConfig *config, bool create, GError **error)
{
        if (create && g_mkdir_with_parents(config->checkout_path, 0755) < 0) {
                sc_throw_errno(error, "Cannot make the checkout path %s", config->checkout_path);
                return -1;
        }
        if (create)
                return sc_checkout_open_to_lock(config, error);
        g_autofree char *path = sc_place_checkout(config);
        return sc_open_dir(path, error);
}

int sc_checkout_open_to_lock(const ScConfig *config, GError **error)
{
        sc_autofd fd = sc_checkout_open(config, false, error);
        if (fd < 0)
                return -1;
        const char *folders[] = {SC_LOCK_DIR, SC_INTENT_DIR};
        for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
                sc_autofd made = sc_make_dirs(fd, folders[i], 0700, error);
                if (made < 0) {
                        sc_prefix(error, "Cannot prepare %s", config->checkout_path);
                        return -1;
                }
        }
        return sc_steal_fd(&fd);
}

char *sc_slot_name(const char *name, int slot)
{
        return g_strdup_printf("%s.%d", name, slot);
}

int sc_slot_live(int checkout_fd, const char *name)
{
        char target[512];
        ssize_t length = readlinkat(checkout_fd, name, target, sizeof target - 1);
        if (length < 0)
                return -1;
        target[length] = '\0';
        /* The atomic command wrote absolute targets on some hosts, relative ones on others. */
        const char *slash = strrchr(target, '/');
        const char *base = slash != NULL ? slash + 1 : target;
        for (int slot = 0; slot < 2; slot++) {
                g_autofree char *slot_name = sc_slot_name(name, slot);
                if (strcmp(base, slot_name) == 0)
                        return slot;
        }
        return -1;
}

bool sc_slot_exists(int checkout_fd, const char *name, int slot)
{
        g_autofree char *slot_name = sc_slot_name(name, slot);
        struct stat st;
        return sc_lstat(checkout_fd, slot_name, &st, NULL) == 1 && S_ISDIR(st.st_mode);
}

static ScInfo *read_slot_info(int checkout_fd, const char *name, const char *folder, GError **error)
{
        sc_autofd fd = sc_open_beneath(checkout_fd, folder, O_RDONLY | O_DIRECTORY, 0, error);
        if (fd < 0)
                return NULL;
        g_autofree char *what = g_strdup_printf("info file of the container %s", name);
        return sc_info_read(fd, what, error);
}

/* The atomic command's info does not say what the container runs; config.json does. A remark for lists: no reason to fail. */
static char *read_command(int folder_fd, const char *folder)
{
        g_autofree char *path = g_build_filename(folder, "config.json", NULL), *text = NULL;
        gsize size;
        if (!sc_read_file(folder_fd, path, MAX_CONFIG, &text, &size, NULL))
                return NULL;
        g_autoptr(JsonObject) config = sc_json_parse_object(text, (gssize)size, MAX_CONFIG, "config.json", NULL);
        JsonObject *process;
        g_auto(GStrv) args = NULL;
        if (config == NULL || !sc_json_get_object(config, "process", SC_JSON_REQUIRED, &process, NULL) ||
            !sc_json_get_strv(process, "args", SC_JSON_REQUIRED, &args, NULL))
                return NULL;
        return g_strjoinv(" ", args);
}

/* An info that is missing or damaged stays so, and tells nothing about images; one that cannot be read just now would. */
static void note_unreadable(ScDeployment *deployment, const GError *error)
{
        if (deployment->unreadable == NULL && !g_error_matches(error, SC_ERROR, SC_ERROR_NOT_FOUND) &&
            !g_error_matches(error, SC_ERROR, SC_ERROR_CORRUPT))
                deployment->unreadable = g_strdup(error->message);
}

static ScDeployment *load(int folder_fd, const char *folder_path, const char *name, bool preinstalled)
{
        ScDeployment *deployment = g_new0(ScDeployment, 1);
        g_autoptr(GError) error = NULL;
        deployment->name = g_strdup(name);
        deployment->preinstalled = preinstalled;
        deployment->slot = preinstalled ? -1 : sc_slot_live(folder_fd, name);
        g_autofree char *folder = deployment->slot >= 0 ? sc_slot_name(name, deployment->slot) : g_strdup(name);
        deployment->path = g_build_filename(folder_path, folder, NULL);
        if (!preinstalled && deployment->slot < 0) {
                deployment->broken = g_strdup_printf(
                        "%s/%s does not point to %s.0 or %s.1: set the link again, to where the unit's "
                        "WorkingDirectory= is, or uninstall %s",
                        folder_path, name, name, name, name);
                return deployment;
        }
        deployment->info = read_slot_info(folder_fd, name, folder, &error);
        if (deployment->info == NULL) {
                deployment->broken = g_strdup(error->message);
                note_unreadable(deployment, error);
        } else if (deployment->info->command == NULL)
                deployment->info->command = read_command(folder_fd, folder);
        if (deployment->slot >= 0) {
                g_autofree char *other = sc_slot_name(name, 1 - deployment->slot);
                g_autoptr(GError) none = NULL;
                deployment->previous = read_slot_info(folder_fd, name, other, &none);
                if (deployment->previous == NULL)
                        note_unreadable(deployment, none);
        }
        return deployment;
}

static bool has_info(int checkout_fd, const char *name, int slot)
{
        g_autofree char *folder = sc_slot_name(name, slot);
        g_autofree char *info = g_build_filename(folder, "info", NULL);
        return sc_slot_exists(checkout_fd, name, slot) && sc_lstat(checkout_fd, info, NULL, NULL) == 1;
}

/* Somebody's hand, or a crash of the atomic command, has taken the symlink away: the container may run on. A change of ours that is
 * under way, or was interrupted, has an intent. */
static bool has_lost_link(int checkout_fd, const char *name)
{
        g_autofree char *intent = g_strdup_printf(SC_INTENT_DIR "/%s.json", name);
        return sc_lstat(checkout_fd, name, NULL, NULL) == 0 && (has_info(checkout_fd, name, 0) || has_info(checkout_fd, name, 1)) &&
               sc_lstat(checkout_fd, intent, NULL, NULL) == 0;
}

/* A preinstalled container is a folder by its plain name (or a symlink to NAME.0, as an installed one). */
static bool is_container(int folder_fd, const char *name, bool preinstalled)
{
        struct stat st;
        if (name[0] == '.' || !sc_container_name_check(name, NULL))
                return false;
        if (sc_lstat(folder_fd, name, &st, NULL) != 1)
                return !preinstalled && has_lost_link(folder_fd, name);
        if (S_ISLNK(st.st_mode))
                return !preinstalled;
        return preinstalled && S_ISDIR(st.st_mode);
}

/* Of "NAME.N" the owner, of anything else itself. */
static char *owner_of(const char *entry)
{
        gsize length = strlen(entry);
        bool is_slot = length > 2 && (g_str_has_suffix(entry, ".0") || g_str_has_suffix(entry, ".1"));
        return g_strndup(entry, is_slot ? length - 2 : length);
}

static void add(GPtrArray *list, GHashTable *seen, int fd, const char *path, const char *name, bool preinstalled)
{
        if (!is_container(fd, name, preinstalled) || !g_hash_table_add(seen, g_strdup(name)))
                return;
        g_ptr_array_add(list, load(fd, path, name, preinstalled));
}

static bool add_folder(GPtrArray *list, GHashTable *seen, const char *path, bool preinstalled, GError **error)
{
        g_autoptr(GError) none = NULL;
        sc_autofd fd = sc_open_dir(path, &none);
        if (g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        if (fd < 0) {
                g_propagate_error(error, g_steal_pointer(&none));
                return false;
        }
        int listing_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *listing = listing_fd >= 0 ? fdopendir(listing_fd) : NULL;
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list %s", path);
                sc_close(&listing_fd);
                return false;
        }
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                g_autofree char *owner = owner_of(entry->d_name);
                add(list, seen, fd, path, entry->d_name, preinstalled);
                add(list, seen, fd, path, owner, preinstalled);
        }
        closedir(listing);
        return true;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp((*(ScDeployment *const *)a)->name, (*(ScDeployment *const *)b)->name);
}

GPtrArray *sc_deployment_list(const ScConfig *config, GError **error)
{
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)sc_deployment_free);
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (!add_folder(list, seen, config->checkout_path, false, error) ||
            !add_folder(list, seen, config->preinstalled_path, true, error))
                return NULL;
        g_ptr_array_sort(list, compare_names);
        return g_steal_pointer(&list);
}

GPtrArray *sc_deployment_list_all(const ScConfig *config, GError **error)
{
        g_autoptr(GPtrArray) list = sc_deployment_list(config, error);
        for (guint i = 0; list != NULL && i < list->len; i++) {
                const ScDeployment *deployment = list->pdata[i];
                if (deployment->unreadable != NULL) {
                        sc_throw(error, SC_ERROR_FAILED, "Cannot tell which image the container %s has: %s", deployment->name,
                                 deployment->unreadable);
                        return NULL;
                }
        }
        return g_steal_pointer(&list);
}

ScDeployment *sc_deployment_find(const ScConfig *config, const char *name, GError **error)
{
        if (!sc_container_name_check(name, error))
                return NULL;
        struct {
                const char *path;
                bool preinstalled;
        } places[] = {{config->checkout_path, false}, {config->preinstalled_path, true}};
        for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
                g_autoptr(GError) none = NULL;
                sc_autofd fd = sc_open_dir(places[i].path, &none);
                if (fd < 0 && !g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                        g_propagate_error(error, g_steal_pointer(&none));
                        return NULL;
                }
                if (fd >= 0 && is_container(fd, name, places[i].preinstalled))
                        return load(fd, places[i].path, name, places[i].preinstalled);
        }
        sc_throw(error, SC_ERROR_NOT_FOUND, "There is no container %s", name);
        return NULL;
}

int sc_slot_build(int checkout_fd, const char *name, int slot, char **ret_hidden, GError **error)
{
        g_autofree char *suffix = sc_random_name(6);
        g_autofree char *hidden = g_strdup_printf(".%s.%d.%s", name, slot, suffix);
        if (mkdirat(checkout_fd, hidden, 0755) < 0) {
                sc_throw_errno(error, "Cannot make the folder %s", hidden);
                return -1;
        }
        int fd = sc_open_beneath(checkout_fd, hidden, O_RDONLY | O_DIRECTORY, 0, error);
        if (fd < 0) {
                (void)unlinkat(checkout_fd, hidden, AT_REMOVEDIR);
                return -1;
        }
        *ret_hidden = g_steal_pointer(&hidden);
        return fd;
}

bool sc_slot_place(int checkout_fd, const char *name, int slot, const char *hidden, GError **error)
{
        g_autofree char *slot_name = sc_slot_name(name, slot);
        if (sc_slot_exists(checkout_fd, name, slot))
                return sc_rename_exchange(checkout_fd, hidden, slot_name, error);
        return sc_rename_new(checkout_fd, hidden, slot_name, error);
}

bool sc_slot_make_live(int checkout_fd, const char *name, int slot, ScWriteFlags flags, GError **error)
{
        if (slot < 0)
                return sc_unlink_durably(checkout_fd, name, error);
        g_autofree char *slot_name = sc_slot_name(name, slot);
        return sc_write_symlink(checkout_fd, slot_name, name, flags, error);
}

static bool is_random(const char *text, gsize length)
{
        for (const char *c = text; *c != '\0'; c++)
                if (!g_ascii_isalnum(*c))
                        return false;
        return strlen(text) == length;
}

static char *name_before(const char *entry, const char *tail)
{
        g_autofree char *name = g_strndup(entry + 1, (gsize)(tail - entry) - 1);
        return sc_container_name_check(name, NULL) ? g_steal_pointer(&name) : NULL;
}

/* ".NAME.N.XXXXXX": the container's name, newly allocated; NULL for anything else. Another container may be called NAME.0.more, so
 * the name is what is left when the two last parts are taken away. */
static char *leftover_of(const char *entry)
{
        gsize length = strlen(entry), tail = strlen(".N.XXXXXX");
        if (entry[0] != '.' || length <= tail + 1)
                return NULL;
        const char *rest = entry + length - tail;
        if (rest[0] != '.' || (rest[1] != '0' && rest[1] != '1') || rest[2] != '.' || !is_random(rest + 3, 6))
                return NULL;
        return name_before(entry, rest);
}

/* ".NAME.XXXXXXXX", a symlink: sc_write_symlink() was interrupted. */
static char *half_made_link_of(int checkout_fd, const char *entry)
{
        const char *rest = strrchr(entry, '.');
        struct stat st;
        if (entry[0] != '.' || rest == entry || !is_random(rest + 1, 8) || sc_lstat(checkout_fd, entry, &st, NULL) != 1 ||
            !S_ISLNK(st.st_mode))
                return NULL;
        return name_before(entry, rest);
}

bool sc_slot_is_hidden(const char *entry, const char *name)
{
        g_autofree char *owner = leftover_of(entry);
        return g_strcmp0(owner, name) == 0;
}

static DIR *list_checkout(int checkout_fd, GError **error)
{
        int listing_fd = openat(checkout_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *listing = listing_fd >= 0 ? fdopendir(listing_fd) : NULL;
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list the checkout path");
                sc_close(&listing_fd);
        }
        return listing;
}

char **sc_slot_leftovers(int checkout_fd, GError **error)
{
        DIR *listing = list_checkout(checkout_fd, error);
        if (listing == NULL)
                return NULL;
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                g_autofree char *name = leftover_of(entry->d_name);
                if (name == NULL)
                        name = half_made_link_of(checkout_fd, entry->d_name);
                if (name != NULL && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                        g_ptr_array_add(names, g_steal_pointer(&name));
        }
        closedir(listing);
        g_ptr_array_set_free_func(names, NULL);
        g_ptr_array_add(names, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

bool sc_slot_sweep(int checkout_fd, const char *name, GError **error)
{
        DIR *listing = list_checkout(checkout_fd, error);
        if (listing == NULL)
                return false;
        bool ok = true;
        for (struct dirent *entry; ok && (entry = readdir(listing)) != NULL;) {
                g_autofree char *link_owner = half_made_link_of(checkout_fd, entry->d_name);
                if (sc_slot_is_hidden(entry->d_name, name) || g_strcmp0(link_owner, name) == 0)
                        ok = sc_remove_tree(checkout_fd, entry->d_name, error);
        }
        closedir(listing);
        return ok;
}
