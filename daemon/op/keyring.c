/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who one is for registries: what came with the request, for the registry of its image and no other, then the files that the daemon
 * has opened, the caller's before the host's own. */
#include "op.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "base/reference.h"
#include "base/registries-files.h"
#include "options.h"
#include "unit/systemd.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* It may have to ask a server of its own; nobody is there to answer a question. */
#define HELPER_SECONDS 30

/* ---- programs that keep logins ---- */

/* Names are all that the host's files say: where programs are, the host says. */
static char *find_program(const ScAuthHelper *helper, GError **error)
{
        g_autofree char *name = g_strconcat("docker-credential-", helper->name, NULL);
        char *path = g_find_program_in_path(name);
        if (path == NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND,
                         "The credentials for %s are kept by %s, which is not installed: install it, or `sysconsctl login`",
                         helper->server, name);
        return path;
}

/* What does not fit into a pipe is not listened to: then it waits until its time is over. */
static bool run_program(const ScOpContext *context, char *path, int input_fd, int output_fd, bool *ret_success, GError **error)
{
        g_autoptr(ScSystemd) systemd = sc_systemd_open(context->config->scope, error);
        if (systemd == NULL)
                return false;
        g_autofree char *random = sc_random_name(10);
        g_autofree char *unit = g_strdup_printf("sysconsd-login-%s.service", random);
        g_autofree char *home = g_strconcat("HOME=", g_get_home_dir(), NULL);
        /* What it says about its trouble may be more than is for a journal. */
        sc_autofd nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere < 0)
                return sc_throw_errno(error, "Cannot open /dev/null");
        const ScSystemdCommand command = {
                .unit = unit,
                .argv = (char *[]){path, (char *)"get", NULL},
                .environment = (const char *const[]){home, NULL},
                /* A test does not wait for so long. */
                .seconds = sc_failpoint("login-helper", NULL) ? HELPER_SECONDS : 1,
                .input_fd = input_fd,
                .output_fd = output_fd,
                .error_fd = &nowhere,
        };
        return sc_systemd_run(systemd, &command, context->cancellable, ret_success, error);
}

static bool read_answer(int fd, const ScAuthHelper *helper, bool success, ScLogin *ret, GError **error)
{
        g_autofree char *text = g_malloc0(2 * SC_LOGIN_MAX_SIZE + 2);
        gsize size = 0;
        ssize_t n;
        while (size <= 2 * SC_LOGIN_MAX_SIZE && (n = read(fd, text + size, 2 * SC_LOGIN_MAX_SIZE + 1 - size)) > 0)
                size += (gsize)n;
        bool ok = sc_auth_helper_read(helper, success, text, size, ret, error);
        explicit_bzero(text, size);
        return ok;
}

/* It runs as the host's own program, outside of this sandbox: it has keys to read, and perhaps a server to ask. */
static bool ask(gpointer data, const ScAuthHelper *helper, ScLogin *ret, GError **error)
{
        const ScOpContext *context = data;
        g_autofree char *path = find_program(helper, error);
        sc_autofd input = path != NULL ? sc_secret_to_fd(helper->server, error) : -1;
        int ends[2];
        if (input < 0)
                return false;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return sc_throw_errno(error, "Cannot make a pipe");
        sc_autofd from = ends[0], to = ends[1];
        /* The program's own end is an ordinary one. */
        fcntl(to, F_SETFL, O_WRONLY);
        bool success;
        if (!run_program(context, path, input, to, &success, error))
                return sc_prefix(error, "Cannot ask docker-credential-%s for the credentials of %s", helper->name, helper->server);
        sc_close(&to);
        return read_answer(from, helper, success, ret, error);
}

/* ---- what there is ---- */

static bool add_file(ScKeyring *keyring, int fd, const char *path, ScKeyringHelpers helpers, GError **error)
{
        ScAuthFile *file = sc_auth_file_read(fd, path, error);
        if (file != NULL)
                sc_keyring_add_file(keyring, file, helpers);
        return file != NULL;
}

/* The registry that the caller has named: of a pull or a plan that pulls, of an image that is verified, of a login. */
static char *named_host(const ScOpContext *context)
{
        const char *fetch = NULL, *name = NULL;
        if (!sc_option_string(context, "fetch", &fetch, NULL) || !sc_option_string(context, "name", &name, NULL))
                return NULL;
        const char *const texts[] = {fetch, context->subject, name};
        for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(ScReference) reference = texts[i] != NULL ? sc_reference_parse(texts[i], NULL) : NULL;
                if (reference != NULL && reference->host != NULL)
                        return g_strdup(reference->host);
        }
        g_autoptr(ScReference) registry = sc_reference_parse_registry(context->subject, NULL);
        return registry != NULL ? g_strdup(registry->host) : NULL;
}

static bool add_given(const ScOpContext *context, ScKeyring *keyring, GError **error)
{
        static const char *const origin = "the request";
        int fd;
        if (!sc_option_fd(context, "credentials", &fd, error))
                return false;
        sc_autofd owned G_GNUC_UNUSED = fd;
        if (fd < 0)
                return true;
        g_autofree char *text = NULL;
        gsize size;
        g_auto(ScLogin) login = {};
        if (!sc_read_fd(fd, origin, SC_LOGIN_MAX_SIZE, &text, &size, error))
                return false;
        bool ok = sc_login_parse(text, origin, &login, error);
        explicit_bzero(text, size);
        g_autofree char *host = ok ? named_host(context) : NULL;
        if (host != NULL)
                sc_keyring_give(keyring, host, &login);
        return ok;
}

static bool add_callers_file(const ScOpContext *context, ScKeyring *keyring, GError **error)
{
        int fd;
        if (!sc_option_fd(context, "authfile", &fd, error))
                return false;
        sc_autofd owned G_GNUC_UNUSED = fd;
        return fd < 0 || add_file(keyring, fd, "the request's authfile", SC_KEYRING_HELPERS_REFUSED, error);
}

static bool find_stores(gpointer data, char ***ret, GError **error)
{
        const ScOpContext *context = data;
        g_autoptr(ScRegistries) registries = sc_registries_load(context->config->scope, context->cancellable, error);
        if (registries == NULL)
                return false;
        *ret = g_steal_pointer(&registries->credential_helpers);
        registries->credential_helpers = g_new0(char *, 1);
        return true;
}

/* The list is there, be it empty, where the job may go by what the host knows. */
static bool add_hosts_files(const ScOpContext *context, ScKeyring *keyring, GError **error)
{
        JsonArray *files;
        if (!sc_json_get_array(context->options, "logins", SC_JSON_OPTIONAL, &files, error))
                return false;
        if (files != NULL) {
                sc_keyring_add_certificates(keyring);
                sc_keyring_set_stores(keyring, find_stores);
        }
        for (guint i = 0; files != NULL && i < json_array_get_length(files); i++) {
                JsonNode *node = json_array_get_element(files, i);
                const char *path;
                int fd;
                if (!JSON_NODE_HOLDS_OBJECT(node))
                        return sc_throw(error, SC_ERROR_CORRUPT, "The option logins is no list of files");
                if (!sc_json_get_string(json_node_get_object(node), "path", SC_JSON_REQUIRED, &path, error) ||
                    !sc_option_take_fd(context, json_node_get_object(node), "logins", &fd, error))
                        return false;
                sc_autofd owned G_GNUC_UNUSED = fd;
                /* Of no concern to who needs no login. */
                GError *problem = NULL;
                if (!add_file(keyring, fd, path, SC_KEYRING_HELPERS_RUN, &problem))
                        sc_keyring_add_broken(keyring, problem);
        }
        return true;
}

ScKeyring *sc_op_keyring(const ScOpContext *context, GError **error)
{
        g_autoptr(ScKeyring) keyring = sc_keyring_new(ask, (gpointer)context);
        if (!add_given(context, keyring, error) || !add_callers_file(context, keyring, error) ||
            !add_hosts_files(context, keyring, error))
                return NULL;
        return g_steal_pointer(&keyring);
}
