/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "helper.h"
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
        gint64 end = g_get_monotonic_time() + PATIENCE_SECONDS * G_USEC_PER_SEC;
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

static bool order(const ScAuthHelper *helper, const char *action, const char *input, GError **error)
{
        g_auto(Answer) answer = {};
        if (!run(helper, action, input, &answer, error))
                return false;
        g_autofree char *said = g_utf8_make_valid(answer.text, (gssize)answer.size);
        return answer.success || sc_exit_throw(error, SC_EXIT_FAILED, "docker-credential-%s %s failed for %s: %s", helper->name,
                                               action, helper->server, g_strstrip(said));
}

bool sc_helper_store(const ScAuthHelper *helper, const ScLogin *login, GError **error)
{
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_string_member(object, "ServerURL", helper->server);
        json_object_set_string_member(object, "Username", login->user);
        json_object_set_string_member(object, "Secret", login->identity_token != NULL ? login->identity_token : login->password);
        sc_autosecret char *text = sc_json_to_string(object, false);
        return order(helper, "store", text, error);
}

bool sc_helper_erase(const ScAuthHelper *helper, GError **error)
{
        return order(helper, "erase", helper->server, error);
}
