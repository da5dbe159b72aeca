/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime-json.h"

#include "base/error.h"
#include "base/path.h"
#include <string.h>

#define WHAT "config.json of the container"

void sc_numbers_clear(ScNumbers *numbers)
{
        g_free(numbers->mark);
}

static gsize digits(const char *text)
{
        return strspn(text, "0123456789");
}

/* RFC 8259, section 6. *ret_plain: an integer that every parser keeps. */
static bool is_number(const char *text, gsize size, bool *ret_plain)
{
        const char *at = text + (*text == '-');
        gsize whole = digits(at);
        if (whole == 0 || (whole > 1 && *at == '0'))
                return false;
        at += whole;
        *ret_plain = whole <= 18 && at == text + size;
        if (*at == '.') {
                gsize fraction = digits(at + 1);
                if (fraction == 0)
                        return false;
                at += 1 + fraction;
        }
        if (*at == 'e' || *at == 'E') {
                at += 1 + (at[1] == '+' || at[1] == '-');
                gsize exponent = digits(at);
                if (exponent == 0)
                        return false;
                at += exponent;
        }
        return at == text + size;
}

static gsize string_length(const char *text)
{
        gsize i = 1;
        while (text[i] != '\0' && text[i] != '"')
                i += text[i] == '\\' && text[i + 1] != '\0' ? 2 : 1;
        return text[i] == '"' ? i + 1 : i;
}

static char *numbers_hide(ScNumbers *numbers, const char *text, GError **error)
{
        g_autofree char *random = sc_random_name(24);
        g_autofree char *mark = g_strdup_printf("\"number:%s:", random);
        g_autoptr(GString) out = g_string_sized_new(strlen(text));
        while (*text != '\0') {
                gsize size = 1;
                if (*text == '"') {
                        size = string_length(text);
                        g_string_append_len(out, text, size);
                } else if (*text == '-' || g_ascii_isdigit(*text)) {
                        bool plain;
                        size = strspn(text, "0123456789+-.eE");
                        if (!is_number(text, size, &plain)) {
                                sc_throw(error, SC_ERROR_CORRUPT, "The " WHAT " is not valid JSON: '%.*s' is no number",
                                         (int)MIN(size, 40), text);
                                return NULL;
                        }
                        g_string_append(out, plain ? "" : mark);
                        g_string_append_len(out, text, size);
                        g_string_append(out, plain ? "" : "\"");
                } else {
                        g_string_append_c(out, *text);
                }
                text += size;
        }
        numbers->mark = g_steal_pointer(&mark);
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *numbers_show(const ScNumbers *numbers, const char *text)
{
        GString *out = g_string_sized_new(strlen(text));
        const char *found;
        while ((found = strstr(text, numbers->mark)) != NULL) {
                g_string_append_len(out, text, found - text);
                text = found + strlen(numbers->mark);
                gsize size = strcspn(text, "\"");
                g_string_append_len(out, text, size);
                text += size + (text[size] == '"');
        }
        g_string_append(out, text);
        return g_string_free(out, FALSE);
}

/* sc_json_parse_object() checks, but what it gives is immutable. */
JsonObject *sc_runtime_json_parse(const char *text, ScNumbers *numbers, GError **error)
{
        g_autofree char *hidden = numbers_hide(numbers, text, error);
        if (hidden == NULL)
                return NULL;
        g_autoptr(JsonObject) checked = sc_json_parse_object(hidden, -1, SC_RUNTIME_JSON_MAX, WHAT, error);
        if (checked == NULL)
                return NULL;
        g_autoptr(JsonParser) parser = json_parser_new();
        if (!json_parser_load_from_data(parser, hidden, -1, error)) {
                sc_prefix(error, "Cannot read the " WHAT);
                return NULL;
        }
        return json_node_dup_object(json_parser_get_root(parser));
}

char *sc_runtime_json_print(JsonObject *config, const ScNumbers *numbers)
{
        g_autofree char *text = sc_json_to_string(config, true);
        return numbers_show(numbers, text);
}
