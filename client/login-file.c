/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "login-file.h"
#include "base/atomicfile.h"
#include "base/json.h"
#include "base/path.h"
#include "exit.h"
#include "helper.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct ScLoginFile {
        char *path;
        char *name; /* in the folder */
        int folder;
        JsonNode *root;
        JsonObject *top;
        ScAuthFile *parsed; /* as it was when it was opened */
};

void sc_login_file_free(ScLoginFile *file)
{
        if (file == NULL)
                return;
        sc_close(&file->folder);
        g_clear_pointer(&file->root, json_node_unref);
        sc_auth_file_free(file->parsed);
        g_free(file->name);
        g_free(file->path);
        g_free(file);
}

static bool throw_errno(const char *what, const char *path, GError **error)
{
        return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot %s %s: %s", what, path, g_strerror(errno));
}

/* A link to it (from a repository of settings, say) stays one. */
static char *find_real(const char *path)
{
        char *real = realpath(path, NULL);
        char *copy = real != NULL ? g_strdup(real) : g_canonicalize_filename(path, NULL);
        free(real);
        return copy;
}

/* The lock is the folder's, because the file is another one after each change. */
static bool lock_folder(ScLoginFile *file, GError **error)
{
        g_autofree char *folder = g_path_get_dirname(file->path);
        if (g_mkdir_with_parents(folder, 0700) < 0)
                return throw_errno("make the folder", folder, error);
        file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (file->folder < 0 || flock(file->folder, LOCK_EX) < 0)
                return throw_errno("open the folder", folder, error);
        return true;
}

static bool read_text(ScLoginFile *file, char **ret, gsize *ret_size, GError **error)
{
        sc_autofd fd = openat(file->folder, file->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0)
                return sc_read_fd(fd, file->path, SC_AUTH_FILE_MAX_SIZE, ret, ret_size, error);
        if (errno != ENOENT)
                return throw_errno("open", file->path, error);
        *ret = g_strdup("");
        *ret_size = 0;
        return true;
}

static bool load(ScLoginFile *file, GError **error)
{
        sc_autosecret char *text = NULL;
        gsize size = 0;
        if (!read_text(file, &text, &size, error))
                return false;
        file->parsed = sc_auth_file_parse(text, size, file->path, error);
        if (file->parsed == NULL)
                return false;
        g_autoptr(JsonParser) parser = json_parser_new();
        g_assert(text != NULL);
        bool empty = strspn(text, " \t\r\n") == size;
        if (!json_parser_load_from_data(parser, empty ? "{}" : text, -1, error))
                return false;
        file->root = json_parser_steal_root(parser);
        file->top = json_node_get_object(file->root);
        return true;
}

ScLoginFile *sc_login_file_open(const char *path, GError **error)
{
        g_autoptr(ScLoginFile) file = g_new0(ScLoginFile, 1);
        file->folder = -1;
        file->path = find_real(path);
        file->name = g_path_get_basename(file->path);
        return lock_folder(file, error) && load(file, error) ? g_steal_pointer(&file) : NULL;
}

static bool save(ScLoginFile *file, GError **error)
{
        sc_autosecret char *text = sc_json_to_string(file->top, true);
        return sc_write_file(file->folder, file->name, text, -1, 0600, SC_WRITE_REPLACE, error);
}

/* .dockercfg has the entries at its top. */
static JsonObject *entries(ScLoginFile *file)
{
        if (strcmp(file->name, ".dockercfg") == 0)
                return file->top;
        if (!json_object_has_member(file->top, "auths"))
                json_object_set_object_member(file->top, "auths", json_object_new());
        return json_object_get_object_member(file->top, "auths");
}

/* Helpers know registries only. */
static bool find_helper(ScLoginFile *file, const char *key, ScAuthHelper *ret, GError **error)
{
        g_auto(ScLogin) login = {};
        return strchr(key, '/') != NULL || sc_auth_file_find(file->parsed, key, "", &login, ret, error);
}

static JsonObject *entry_of(JsonObject *all, const char *key)
{
        JsonNode *node = json_object_get_member(all, key);
        if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
                json_object_set_object_member(all, key, json_object_new());
        return json_object_get_object_member(all, key);
}

/* The key, and other names of the same registry. */
static GPtrArray *keys_of(JsonObject *all, const char *key)
{
        GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GList) members = json_object_get_members(all);
        for (GList *member = members; member != NULL; member = member->next) {
                g_autofree char *normal = sc_auth_file_normalize(member->data);
                if (strcmp(member->data, key) == 0 || strcmp(normal, key) == 0)
                        g_ptr_array_add(keys, g_strdup(member->data));
        }
        return keys;
}

static void write_entry(JsonObject *all, const char *key, const ScLogin *login)
{
        /* Where docker has one under its own name of the registry, it finds the new one there. */
        g_autoptr(GPtrArray) keys = keys_of(all, key);
        if (keys->len == 0)
                g_ptr_array_add(keys, g_strdup(key));
        const char *user = login != NULL ? login->user : "", *password = login != NULL ? login->password : "";
        sc_autosecret char *text = g_strconcat(user, ":", password, NULL);
        sc_autosecret char *auth = g_base64_encode((const guchar *)text, strlen(text));
        for (guint i = 0; i < keys->len; i++) {
                JsonObject *entry = entry_of(all, keys->pdata[i]);
                json_object_remove_member(entry, "identitytoken");
                json_object_remove_member(entry, "auth");
                if (login != NULL)
                        json_object_set_string_member(entry, "auth", auth);
        }
}

bool sc_login_file_set(ScLoginFile *file, const char *key, const ScLogin *login, GError **error)
{
        g_auto(ScAuthHelper) helper = {};
        if (!find_helper(file, key, &helper, error))
                return false;
        if (helper.name != NULL && !sc_helper_store(&helper, login, error))
                return false;
        /* Of what a helper keeps docker leaves an empty entry behind. */
        write_entry(entries(file), key, helper.name != NULL ? NULL : login);
        return save(file, error);
}

bool sc_login_file_remove(ScLoginFile *file, const char *key, bool *ret_removed, GError **error)
{
        g_auto(ScAuthHelper) helper = {};
        if (!find_helper(file, key, &helper, error))
                return false;
        if (helper.name != NULL && !sc_helper_remove(&helper, ret_removed, error))
                return false;
        g_autoptr(GPtrArray) keys = keys_of(entries(file), key);
        *ret_removed = *ret_removed || keys->len > 0;
        for (guint i = 0; i < keys->len; i++)
                json_object_remove_member(entries(file), keys->pdata[i]);
        return keys->len == 0 || save(file, error);
}

bool sc_login_file_remove_all(ScLoginFile *file, GError **error)
{
        g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
        JsonObject *const objects[] = {entries(file), json_object_has_member(file->top, "credHelpers")
                                                              ? json_object_get_object_member(file->top, "credHelpers")
                                                              : NULL};
        for (gsize i = 0; i < G_N_ELEMENTS(objects); i++) {
                g_autoptr(GList) members = objects[i] != NULL ? json_object_get_members(objects[i]) : NULL;
                for (GList *member = members; member != NULL; member = member->next)
                        g_ptr_array_add(keys, g_strdup(member->data));
        }
        for (guint i = 0; i < keys->len; i++) {
                bool removed = false;
                if (!sc_login_file_remove(file, keys->pdata[i], &removed, error))
                        return false;
        }
        return save(file, error);
}
