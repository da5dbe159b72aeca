/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include "base/error.h"
#include "base/path.h"
#include "unit/variables.h"
#include <fcntl.h>
#include <unistd.h>

bool sc_option_string(const ScOpContext *context, const char *key, const char **ret, GError **error)
{
        return sc_json_get_string(context->options, key, SC_JSON_OPTIONAL, ret, error);
}

bool sc_option_values(const ScOpContext *context, const char *key, GHashTable **ret, GError **error)
{
        g_autoptr(GHashTable) values = NULL;
        if (!sc_json_get_string_map(context->options, key, SC_JSON_OPTIONAL, &values, error))
                return false;
        GHashTableIter iter;
        gpointer name, value;
        g_hash_table_iter_init(&iter, values);
        while (g_hash_table_iter_next(&iter, &name, &value))
                if (!sc_variable_check(name, value, error))
                        return false;
        *ret = g_steal_pointer(&values);
        return true;
}

bool sc_option_strv(const ScOpContext *context, const char *key, char ***ret, GError **error)
{
        return sc_json_get_strv(context->options, key, SC_JSON_OPTIONAL, ret, error);
}

bool sc_option_uint(const ScOpContext *context, const char *key, guint fallback, guint *ret, GError **error)
{
        if (!json_object_has_member(context->options, key)) {
                *ret = fallback;
                return true;
        }
        guint64 number;
        if (!sc_json_get_uint(context->options, key, SC_JSON_REQUIRED, &number, error))
                return false;
        if (number > G_MAXINT)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The option %s is too large", key);
        *ret = (guint)number;
        return true;
}

bool sc_option_word(const ScOpContext *context, const char *key, const char *const *words, const char **ret, GError **error)
{
        const char *word;
        if (!sc_option_string(context, key, &word, error))
                return false;
        if (word == NULL || g_strv_contains(words, word)) {
                *ret = word != NULL ? word : words[0];
                return true;
        }
        g_autofree char *choices = g_strjoinv(", ", (char **)words);
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The option %s is one of %s, not '%.40s'", key, choices, word);
}

/* A descriptor opened with O_PATH can be neither read nor written, yet opens anything below it. */
static bool is_stream(int fd)
{
        struct stat st;
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || (flags & O_PATH) != 0 || fstat(fd, &st) < 0)
                return false;
        return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd));
}

bool sc_option_fd(const ScOpContext *context, const char *key, int *ret, GError **error)
{
        JsonObject *reference;
        *ret = -1;
        if (!sc_json_get_object(context->options, key, SC_JSON_OPTIONAL, &reference, error))
                return false;
        return reference == NULL || sc_option_take_fd(context, reference, key, ret, error);
}

bool sc_option_take_fd(const ScOpContext *context, JsonObject *reference, const char *key, int *ret, GError **error)
{
        guint64 index;
        if (!sc_json_get_uint(reference, "fd", SC_JSON_REQUIRED, &index, error))
                return false;
        if (index >= context->n_fds || context->fds[index] < 0)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The file descriptor of the option %s did not come with it", key);
        if (!is_stream(context->fds[index]))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The option %s must be a pipe, a socket, a terminal or a regular file", key);
        *ret = sc_steal_fd(&context->fds[index]);
        return true;
}

void sc_detail(ScOpContext *context, const char *key, const char *value)
{
        if (value != NULL)
                g_hash_table_replace(context->details, g_strdup(key), g_strdup(value));
}
