/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope.h"

#include "auth-file.h"
#include "error.h"
#include <stdlib.h>
#include <unistd.h>

#define SHORT_NAMES "short-name-aliases.conf"

static char **system_tmpfiles_dirs(void)
{
        static const char *const dirs[] = {"/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d", NULL};
        return g_strdupv((char **)dirs);
}

static ScScope *new_system(void)
{
        ScScope *scope = g_new0(ScScope, 1);
        *scope = (ScScope){
                .kind = SC_SCOPE_SYSTEM,
                .config_path = g_strdup(SYSCONFDIR "/sysconsd.conf"),
                .short_names = g_strdup("/var/cache/containers/" SHORT_NAMES),
                .checkout_path = g_strdup("/var/lib/containers/atomic"),
                .preinstalled_path = g_strdup("/usr/lib/containers/atomic"),
                .unit_dir = g_strdup("/etc/systemd/system"),
                .tmpfiles_dir = g_strdup("/etc/tmpfiles.d"),
                .hidden_tmpfiles_dirs = system_tmpfiles_dirs(),
                .systemd_socket = g_strdup("/run/systemd/private"),
                .cgroup = g_strdup(""),
                .slice = "system.slice",
                .run_directory = g_strdup("/run"),
                .state_directory = g_strdup("/var/lib"),
                .conf_directory = g_strdup("/etc"),
                .auth_files = sc_auth_file_places("/run/containers/0"),
                .target = "multi-user.target",
                .systemctl = "systemctl",
                .journalctl = "journalctl",
                .tmpfiles = "systemd-tmpfiles",
        };
        return scope;
}

/* A variable of the XDG specification, which a relative path makes void; else a folder of the home. The result has no symlinks
 * in it as far as it is there: paths are walked without following any. */
static char *place(const char *variable, const char *home, const char *fallback)
{
        const char *value = g_getenv(variable);
        g_autofree char *path = value != NULL && g_path_is_absolute(value) ? g_canonicalize_filename(value, "/")
                                                                           : g_build_filename(home, fallback, NULL);
        char *real = realpath(path, NULL);
        if (real == NULL)
                return g_steal_pointer(&path);
        g_autofree char *found = g_strdup(real);
        free(real);
        return g_steal_pointer(&found);
}

static char **user_tmpfiles_dirs(const char *runtime, const char *data)
{
        g_autoptr(GStrvBuilder) dirs = g_strv_builder_new();
        g_autofree char *in_runtime = g_build_filename(runtime, "user-tmpfiles.d", NULL);
        g_autofree char *in_data = g_build_filename(data, "user-tmpfiles.d", NULL);
        g_strv_builder_add_many(dirs, in_runtime, in_data, "/usr/share/user-tmpfiles.d", NULL);
        return g_strv_builder_end(dirs);
}

static ScScope *new_user(GError **error)
{
        char *real_home = realpath(g_get_home_dir(), NULL);
        g_autofree char *home = g_strdup(real_home);
        free(real_home);
        const char *runtime = g_getenv("XDG_RUNTIME_DIR");
        if (home == NULL) {
                sc_throw(error, SC_ERROR_FAILED, "There is no home folder %s to keep a user's containers in", g_get_home_dir());
                return NULL;
        }
        if (runtime == NULL || !g_path_is_absolute(runtime)) {
                sc_throw(error, SC_ERROR_FAILED,
                         "XDG_RUNTIME_DIR is not set: a user's containers need a login session, or `loginctl enable-linger`");
                return NULL;
        }
        g_autofree char *data = place("XDG_DATA_HOME", home, ".local/share");
        g_autofree char *config = place("XDG_CONFIG_HOME", home, ".config");
        g_autofree char *cache = place("XDG_CACHE_HOME", home, ".cache");
        g_autofree char *containers = g_build_filename(runtime, "containers", NULL);
        ScScope *scope = g_new0(ScScope, 1);
        *scope = (ScScope){
                .kind = SC_SCOPE_USER,
                .config_path = g_build_filename(config, "sysconsd.conf", NULL),
                .containers_dir = g_build_filename(config, "containers", NULL),
                .short_names = g_build_filename(cache, "containers", SHORT_NAMES, NULL),
                .checkout_path = g_build_filename(data, "containers/atomic", NULL),
                .repository = g_build_filename(data, "containers/atomic/repo", NULL),
                .preinstalled_path = g_strdup("/usr/lib/containers/atomic-user"),
                .unit_dir = g_build_filename(config, "systemd/user", NULL),
                .tmpfiles_dir = g_build_filename(config, "user-tmpfiles.d", NULL),
                .hidden_tmpfiles_dirs = user_tmpfiles_dirs(runtime, data),
                .systemd_socket = g_build_filename(runtime, "systemd/private", NULL),
                .cgroup = g_strdup_printf("/user.slice/user-%u.slice/user@%u.service", getuid(), getuid()),
                .slice = "app.slice",
                .run_directory = g_strdup(runtime),
                .state_directory = g_build_filename(home, ".data", NULL),
                .conf_directory = g_build_filename(home, ".config", NULL),
                .auth_files = sc_auth_file_places(containers),
                .target = "default.target",
                .systemctl = "systemctl --user",
                .journalctl = "journalctl --user",
                .tmpfiles = "systemd-tmpfiles --user",
                .user_config = g_strdup(config),
                .option = "--user",
        };
        return scope;
}

ScScope *sc_scope_new(ScScopeKind kind, GError **error)
{
        return kind == SC_SCOPE_SYSTEM ? new_system() : new_user(error);
}

void sc_scope_free(ScScope *scope)
{
        if (scope == NULL)
                return;
        g_free(scope->config_path);
        g_free(scope->containers_dir);
        g_free(scope->short_names);
        g_free(scope->checkout_path);
        g_free(scope->repository);
        g_free(scope->preinstalled_path);
        g_free(scope->unit_dir);
        g_free(scope->tmpfiles_dir);
        g_strfreev(scope->hidden_tmpfiles_dirs);
        g_free(scope->systemd_socket);
        g_free(scope->cgroup);
        g_free(scope->run_directory);
        g_free(scope->state_directory);
        g_free(scope->conf_directory);
        g_free(scope->user_config);
        g_strfreev(scope->auth_files);
        g_free(scope);
}

char **sc_scope_command(const char *command, const char *const *arguments)
{
        g_auto(GStrv) words = g_strsplit(command, " ", -1);
        g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
        g_strv_builder_addv(argv, (const char **)words);
        g_strv_builder_addv(argv, (const char **)arguments);
        return g_strv_builder_end(argv);
}
