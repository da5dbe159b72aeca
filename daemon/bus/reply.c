/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/reply.h"
#include "base/journal.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>

char *sc_bus_error_name(const GError *error)
{
        ScError code = error->domain == SC_ERROR ? (ScError)error->code : SC_ERROR_FAILED;
        return g_strconcat(SC_BUS_ERROR_PREFIX, sc_error_to_string(code), NULL);
}

void sc_bus_complain(int priority, const char *what, const char *message)
{
        g_autofree char *line = g_strdup_printf("%s: %s", what, message);
        sc_journal(priority, line, NULL);
}

static bool is_ascii(const char *text, size_t size)
{
        unsigned char all = 0;
        for (size_t i = 0; i < size; i++)
                all |= (unsigned char)text[i];
        return all < 0x80;
}

/* For sd-bus that is more than what is no UTF-8: U+FFFE and its like, which JSON may hold, and with it an image. */
static char *mend(const char *text)
{
        char *mended = g_strdup(text);
        for (char *c = mended; *c != '\0'; c++)
                if ((unsigned char)*c >= 0x80)
                        *c = '?';
        return mended;
}

static int append_mended(sd_bus_message *message, const char *text)
{
        g_autofree char *mended = mend(text);
        return sd_bus_message_append_basic(message, 's', mended);
}

int sc_bus_reply_error(sd_bus_message *call, const GError *error)
{
        g_autofree char *name = sc_bus_error_name(error);
        int r = sd_bus_reply_method_errorf(call, name, "%s", error->message);
        if (r != -EINVAL)
                return r;
        g_autofree char *mended = mend(error->message);
        return sd_bus_reply_method_errorf(call, name, "%s", mended);
}

int sc_bus_append_text(sd_bus_message *message, const char *text)
{
        if (text == NULL)
                text = "";
        size_t size = strlen(text);
        char *place;
        if (!is_ascii(text, size)) {
                int r = sd_bus_message_append_basic(message, 's', text);
                return r == -EINVAL ? append_mended(message, text) : r;
        }
        int r = sd_bus_message_append_string_space(message, size, &place);
        if (r >= 0)
                memcpy(place, text, size + 1);
        return r;
}

int sc_bus_append_pair(sd_bus_message *message, const char *key, const char *value)
{
        int r;
        if ((r = sd_bus_message_open_container(message, 'e', "ss")) < 0 || (r = sc_bus_append_text(message, key)) < 0 ||
            (r = sc_bus_append_text(message, value)) < 0)
                return r;
        return sd_bus_message_close_container(message);
}

int sc_bus_append_map(sd_bus_message *message, GHashTable *map)
{
        int r = sd_bus_message_open_container(message, 'a', "{ss}");
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, map);
        while (r >= 0 && g_hash_table_iter_next(&iter, &key, &value))
                r = sc_bus_append_pair(message, key, value);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

int sc_bus_append_detail(sd_bus_message *message, const char *key, const char *value)
{
        int r;
        if ((r = sd_bus_message_open_container(message, 'e', "sv")) < 0 || (r = sc_bus_append_text(message, key)) < 0 ||
            (r = sd_bus_message_open_container(message, 'v', "s")) < 0 || (r = sc_bus_append_text(message, value)) < 0 ||
            (r = sd_bus_message_close_container(message)) < 0)
                return r;
        return sd_bus_message_close_container(message);
}

int sc_bus_append_details(sd_bus_message *message, GHashTable *details)
{
        int r = 0;
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, details);
        while (r >= 0 && g_hash_table_iter_next(&iter, &key, &value))
                r = sc_bus_append_detail(message, key, value);
        return r;
}

bool sc_bus_throw(GError **error, int r, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        errno = -r;
        return sc_throw_errno(error, "%s", text);
}
