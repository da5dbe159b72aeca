/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "helper.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/path.h"
#include "exit.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Somebody may have to unlock his keys first. */
#define PATIENCE_SECONDS 120
#define MAX_ANSWER (2 * SC_LOGIN_MAX_SIZE + 1)

typedef struct {
        char *text; /* MAX_ANSWER bytes and a zero */
        gsize size;
        bool success;
} Answer;

static void answer_clear(Answer *answer)
{
        if (answer->text != NULL)
                explicit_bzero(answer->text, MAX_ANSWER);
        g_clear_pointer(&answer->text, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

/* False: its time is over, or it says too much. */
static bool read_answer(int fd, Answer *answer)
{
        /* A test does not wait for so long. */
        gint64 patience = sc_failpoint("login-helper", NULL) ? PATIENCE_SECONDS : 1;
        gint64 end = g_get_monotonic_time() + patience * G_USEC_PER_SEC;
        while (answer->size < MAX_ANSWER) {
                struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
                gint64 left = (end - g_get_monotonic_time()) / 1000;
                if (left <= 0 || (poll(&poll_fd, 1, (int)left) == 0))
                        return false;
                ssize_t n = read(fd, answer->text + answer->size, MAX_ANSWER - answer->size);
                if (n == 0 || (n < 0 && errno != EINTR))
                        return n == 0;
                answer->size += n > 0 ? (gsize)n : 0;
        }
        return false;
}

static bool start(const ScAuthHelper *helper, const char *action, int input, int output, GPid *ret, GError **error)
{
        g_autofree char *name = g_strconcat("docker-credential-", helper->name, NULL);
        char *argv[] = {name, (char *)action, NULL};
        g_autoptr(GError) local = NULL;
        if (g_spawn_async_with_fds(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, ret, input,
                                   output, -1, &local))
                return true;
        return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot run %s, which keeps the login for %s: %s", name, helper->server,
                             local->message);
}

static bool run(const ScAuthHelper *helper, const char *action, const char *input, Answer *ret, GError **error)
{
        int ends[2];
        sc_autofd given = sc_secret_to_fd(input, error);
        if (given < 0)
                return false;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot make a pipe: %s", g_strerror(errno));
        sc_autofd from = ends[0], to = ends[1];
        GPid pid;
        if (!start(helper, action, given, to, &pid, error))
                return false;
        sc_close(&to);
        ret->text = g_malloc0(MAX_ANSWER + 1);
        bool whole = read_answer(from, ret);
        if (!whole)
                kill(pid, SIGKILL);
        int status;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                continue;
        ret->success = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        return whole || sc_exit_throw(error, SC_EXIT_FAILED, "docker-credential-%s %s said nothing for %d seconds, or too much",
                                      helper->name, action, PATIENCE_SECONDS);
}

bool sc_helper_get(gpointer data, const ScAuthHelper *helper, ScLogin *ret, GError **error)
{
        g_auto(Answer) answer = {};
        return run(helper, "get", helper->server, &answer, error) &&
               sc_auth_helper_read(helper, answer.success, answer.text, answer.size, ret, error);
}

static bool order(const ScAuthHelper *helper, const char *action, const char *input, Answer *ret, GError **error)
{
        if (!run(helper, action, input, ret, error))
                return false;
        g_autofree char *said = g_utf8_make_valid(ret->text, (gssize)ret->size);
        return ret->success || sc_exit_throw(error, SC_EXIT_FAILED, "docker-credential-%s %s failed for %s: %s", helper->name,
                                             action, helper->server, g_strstrip(said));
}

bool sc_helper_store(const ScAuthHelper *helper, const ScLogin *login, GError **error)
{
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_string_member(object, "ServerURL", helper->server);
        json_object_set_string_member(object, "Username", login->user);
        json_object_set_string_member(object, "Secret", login->identity_token != NULL ? login->identity_token : login->password);
        sc_autosecret char *text = sc_json_to_string(object, false);
        g_auto(Answer) answer = {};
        return order(helper, "store", text, &answer, error);
}

bool sc_helper_erase(const ScAuthHelper *helper, GError **error)
{
        g_auto(Answer) answer = {};
        return order(helper, "erase", helper->server, &answer, error);
}

bool sc_helper_remove(const ScAuthHelper *helper, bool *ret_removed, GError **error)
{
        g_auto(ScLogin) login = {};
        if (!sc_helper_get(NULL, helper, &login, error) || (sc_login_is_set(&login) && !sc_helper_erase(helper, error)))
                return false;
        *ret_removed = sc_login_is_set(&login);
        return true;
}

/* An object of servers and users; NULL on error. */
static JsonObject *list(const ScAuthHelper *helper, GError **error)
{
        g_auto(Answer) answer = {};
        if (!order(helper, "list", "", &answer, error))
                return NULL;
        g_autofree char *what = g_strdup_printf("list of docker-credential-%s", helper->name);
        JsonObject *servers = sc_json_parse_object(answer.text, (gssize)answer.size, MAX_ANSWER, what, error);
        if (servers == NULL)
                sc_prefix(error, "The %s cannot be used", what);
        return servers;
}

bool sc_helper_erase_all(const char *name, GError **error)
{
        const ScAuthHelper all = {(char *)name, (char *)"all registries"};
        g_autoptr(JsonObject) servers = list(&all, error);
        if (servers == NULL)
                return false;
        g_autoptr(GList) members = json_object_get_members(servers);
        for (GList *member = members; member != NULL; member = member->next) {
                const ScAuthHelper helper = {(char *)name, member->data};
                if (!sc_helper_erase(&helper, error))
                        return false;
        }
        return true;
}
