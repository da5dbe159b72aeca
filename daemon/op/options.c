/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include "base/error.h"
#include "unit/variables.h"

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

void sc_detail(ScOpContext *context, const char *key, const char *value)
{
        if (value != NULL)
                g_hash_table_replace(context->details, g_strdup(key), g_strdup(value));
}
