/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth-file.h"

#include "error.h"
#include "json.h"
#include "path.h"
#include <string.h>

/* What docker calls its own registry, in files and to helpers. */
#define DOCKER_KEY "https://index.docker.io/v1/"
#define MAX_HELPER_NAME 64

struct ScAuthFile {
        char *path;
        JsonObject *top;
        JsonObject *auths;   /* of top; NULL: none */
        JsonObject *helpers; /* of top; NULL: none */
        const char *store;   /* of top; NULL: none */
};

/* It had nothing but the entries. */
static bool is_dockercfg(const char *path)
{
        return g_str_has_suffix(path, "/.dockercfg");
}

ScAuthFile *sc_auth_file_parse(const char *text, gsize size, const char *path, GError **error)
{
        g_autofree char *what = g_strdup_printf("file of logins %s", path);
        /* As podman takes it: an empty one is made by others with mktemp. */
        bool empty = strspn(text, " \t\r\n") >= size;
        g_autoptr(JsonObject) top = empty ? json_object_new()
                                          : sc_json_parse_object(text, (gssize)size, SC_AUTH_FILE_MAX_SIZE, what, error);
        if (top == NULL)
                return NULL;
        JsonObject *auths = top, *helpers = NULL;
        const char *store = NULL;
        if (!is_dockercfg(path) && (!sc_json_get_object(top, "auths", SC_JSON_OPTIONAL, &auths, error) ||
                                    !sc_json_get_object(top, "credHelpers", SC_JSON_OPTIONAL, &helpers, error) ||
                                    !sc_json_get_string(top, "credsStore", SC_JSON_OPTIONAL, &store, error))) {
                sc_prefix(error, "The %s cannot be used", what);
                return NULL;
        }
        ScAuthFile *file = g_new0(ScAuthFile, 1);
        *file = (ScAuthFile){g_strdup(path), g_steal_pointer(&top), auths, helpers, store};
        return file;
}

ScAuthFile *sc_auth_file_read(int fd, const char *path, GError **error)
{
        g_autofree char *text = NULL;
        gsize size;
        if (!sc_read_fd(fd, path, SC_AUTH_FILE_MAX_SIZE, &text, &size, error))
                return NULL;
        ScAuthFile *file = sc_auth_file_parse(text, size, path, error);
        explicit_bzero(text, size);
        return file;
}

void sc_auth_file_free(ScAuthFile *file)
{
        if (file == NULL)
                return;
        json_object_unref(file->top);
        g_free(file->path);
        g_free(file);
}

const char *sc_auth_file_path(const ScAuthFile *file)
{
        return file->path;
}

void sc_auth_helper_clear(ScAuthHelper *helper)
{
        g_clear_pointer(&helper->name, g_free);
        g_clear_pointer(&helper->server, g_free);
}

/* ---- keys ---- */

/* Of a URL the host counts; docker wrote some. */
char *sc_auth_file_normalize(const char *key)
{
        const char *rest = key;
        if (g_str_has_prefix(rest, "https://") || g_str_has_prefix(rest, "http://"))
                rest = strstr(rest, "://") + 3;
        gsize length = rest != key ? strcspn(rest, "/") : strlen(rest);
        g_autofree char *host = g_ascii_strdown(rest, (gssize)length);
        bool docker = strcmp(host, "index.docker.io") == 0 || strcmp(host, "registry-1.docker.io") == 0;
        return docker ? g_strdup("docker.io") : g_steal_pointer(&host);
}

/* The key that means the host, exactly or by another name of it; borrowed. */
static const char *find_host_key(JsonObject *object, const char *host)
{
        if (object == NULL || json_object_has_member(object, host))
                return object != NULL ? host : NULL;
        g_autoptr(GList) keys = json_object_get_members(object);
        for (GList *key = keys; key != NULL; key = key->next) {
                g_autofree char *normal = sc_auth_file_normalize(key->data);
                if (strcmp(normal, host) == 0)
                        return key->data;
        }
        return NULL;
}

/* ---- entries ---- */

static bool throw_entry(const ScAuthFile *file, const char *key, GError **error)
{
        return sc_throw(error, SC_ERROR_CORRUPT, "The entry of %s in %s holds no usable login: log in again", key, file->path);
}

/* From "auth": base64 of USER:PASSWORD, which old docker filled up with zeros. */
static bool decode_auth(const ScAuthFile *file, const char *key, const char *encoded, ScLogin *ret, GError **error)
{
        gsize size;
        if (strlen(encoded) > SC_LOGIN_MAX_SIZE * 2)
                return throw_entry(file, key, error);
        sc_autosecret char *text = (char *)g_base64_decode(encoded, &size);
        text = g_realloc(text, size + 1);
        text[size] = '\0';
        bool whole = size > 0;
        for (gsize i = strlen(text); i < size; i++)
                whole = whole && text[i] == '\0';
        return (whole && sc_login_parse(text, file->path, ret, NULL)) || throw_entry(file, key, error);
}

/* ret stays empty where the entry says nothing: docker leaves one behind for what a helper keeps. */
static bool read_entry(const ScAuthFile *file, const char *key, ScLogin *ret, GError **error)
{
        JsonObject *entry;
        const char *auth, *token;
        if (!sc_json_get_object(file->auths, key, SC_JSON_OPTIONAL, &entry, NULL) ||
            (entry != NULL && (!sc_json_get_string(entry, "auth", SC_JSON_OPTIONAL, &auth, NULL) ||
                               !sc_json_get_string(entry, "identitytoken", SC_JSON_OPTIONAL, &token, NULL))))
                return throw_entry(file, key, error);
        if (entry == NULL)
                return true;
        if (token != NULL && *token != '\0') {
                sc_autosecret char *text = g_strconcat(SC_LOGIN_TOKEN_USER ":", token, NULL);
                return sc_login_parse(text, file->path, ret, NULL) || throw_entry(file, key, error);
        }
        return auth == NULL || *auth == '\0' || decode_auth(file, key, auth, ret, error);
}

static bool find_entry(const ScAuthFile *file, const char *host, const char *repository, ScLogin *ret, GError **error)
{
        if (file->auths == NULL)
                return true;
        g_autofree char *key = g_strconcat(host, *repository != '\0' ? "/" : "", repository, NULL);
        for (char *slash; !is_dockercfg(file->path) && (slash = strrchr(key, '/')) != NULL; *slash = '\0')
                if (!read_entry(file, key, ret, error) || sc_login_is_set(ret))
                        return sc_login_is_set(ret);
        const char *found = find_host_key(file->auths, host);
        return found == NULL || read_entry(file, found, ret, error);
}

/* ---- helpers ---- */

bool sc_auth_helper_is_name(const char *name)
{
        gsize length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
        return length > 0 && length <= MAX_HELPER_NAME && name[length] == '\0';
}

static bool set_helper(const ScAuthFile *file, const char *name, const char *server, ScAuthHelper *ret, GError **error)
{
        if (!sc_auth_helper_is_name(name))
                return sc_throw(error, SC_ERROR_CORRUPT, "The credential helper for %s in %s is no word", server, file->path);
        *ret = (ScAuthHelper){g_strdup(name), g_strdup(server)};
        return true;
}

static bool find_helper(const ScAuthFile *file, const char *host, ScAuthHelper *ret, GError **error)
{
        const char *key = find_host_key(file->helpers, host), *name;
        if (key == NULL)
                return true;
        if (!sc_json_get_string(file->helpers, key, SC_JSON_OPTIONAL, &name, error))
                return sc_prefix(error, "The file of logins %s cannot be used", file->path);
        /* An empty one takes the store's away. */
        return name == NULL || *name == '\0' || set_helper(file, name, key, ret, error);
}

bool sc_auth_file_find(const ScAuthFile *file, const char *host, const char *repository, ScLogin *ret_login,
                       ScAuthHelper *ret_helper, GError **error)
{
        if (!find_helper(file, host, ret_helper, error))
                return false;
        if (ret_helper->name != NULL)
                return true;
        if (!find_entry(file, host, repository, ret_login, error))
                return false;
        if (sc_login_is_set(ret_login) || file->store == NULL || *file->store == '\0' || find_host_key(file->helpers, host) != NULL)
                return true;
        return set_helper(file, file->store, strcmp(host, "docker.io") == 0 ? DOCKER_KEY : host, ret_helper, error);
}

bool sc_auth_helper_read(const ScAuthHelper *helper, bool success, const char *text, gsize size, ScLogin *ret, GError **error)
{
        g_autofree char *what = g_strdup_printf("answer of docker-credential-%s", helper->name);
        if (!success) {
                /* github.com/docker/docker-credential-helpers: this much of the text is a contract. */
                if (g_strstr_len(text, (gssize)size, "credentials not found") != NULL)
                        return true;
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "docker-credential-%s failed to give the credentials for %s: run `echo %s | docker-credential-%s "
                                "get` to see why",
                                helper->name, helper->server, helper->server, helper->name);
        }
        g_autoptr(JsonObject) answer = sc_json_parse_object(text, (gssize)size, SC_LOGIN_MAX_SIZE * 2, what, error);
        const char *user, *secret;
        if (answer == NULL || !sc_json_get_string(answer, "Username", SC_JSON_OPTIONAL, &user, error) ||
            !sc_json_get_string(answer, "Secret", SC_JSON_OPTIONAL, &secret, error))
                return sc_prefix(error, "The %s cannot be used", what);
        if (user == NULL || secret == NULL || strchr(user, ':') != NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "The %s holds no login", what);
        sc_autosecret char *both = g_strconcat(user, ":", secret, NULL);
        g_autofree char *origin = g_strconcat("docker-credential-", helper->name, NULL);
        return sc_login_parse(both, origin, ret, error);
}

/* ---- places ---- */

char **sc_auth_file_places(const char *runtime_directory)
{
        g_autoptr(GStrvBuilder) places = g_strv_builder_new();
        const char *only = g_getenv("REGISTRY_AUTH_FILE");
        if (only != NULL && *only != '\0') {
                g_strv_builder_add(places, only);
                return g_strv_builder_end(places);
        }
        const char *home = g_get_home_dir(), *config = g_getenv("XDG_CONFIG_HOME"), *docker = g_getenv("DOCKER_CONFIG");
        g_autofree char *in_run = g_build_filename(runtime_directory, "auth.json", NULL);
        g_autofree char *in_home = g_build_filename(home, ".config", NULL);
        g_autofree char *in_config = g_build_filename(config != NULL && *config != '\0' ? config : in_home, "containers/auth.json",
                                                      NULL);
        g_autofree char *docker_home = g_build_filename(home, ".docker", NULL);
        g_autofree char *in_docker = g_build_filename(docker != NULL && *docker != '\0' ? docker : docker_home, "config.json",
                                                      NULL);
        g_autofree char *in_old = g_build_filename(home, ".dockercfg", NULL);
        g_strv_builder_add_many(places, in_run, in_config, in_docker, in_old, NULL);
        return g_strv_builder_end(places);
}
