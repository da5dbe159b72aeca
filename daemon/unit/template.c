/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "template.h"

#include "base/error.h"
#include <string.h>

/* A template of 1 MiB made of one-letter variables could grow to the memory of the machine. */
#define EXPANDED_MAX (16 * 1024 * 1024)

typedef enum {
        PIECE_END,
        PIECE_TEXT,     /* start, size: verbatim */
        PIECE_DOLLAR,   /* $$ */
        PIECE_VARIABLE, /* start, size: the identifier */
        PIECE_INVALID,  /* a dollar sign that begins nothing */
} PieceKind;

typedef struct {
        PieceKind kind;
        const char *start;
        gsize size;
} Piece;

static gsize identifier_length(const char *text)
{
        gsize length = 0;
        while (g_ascii_isalpha(text[length]) || text[length] == '_' || (length > 0 && g_ascii_isdigit(text[length])))
                length++;
        return length;
}

/* Reads the piece at *cursor and moves the cursor behind it. */
static Piece next_piece(const char **cursor)
{
        const char *at = *cursor;
        if (*at == '\0')
                return (Piece){PIECE_END, at, 0};
        if (*at != '$') {
                gsize size = strcspn(at, "$");
                *cursor = at + size;
                return (Piece){PIECE_TEXT, at, size};
        }
        if (at[1] == '$') {
                *cursor = at + 2;
                return (Piece){PIECE_DOLLAR, at, 2};
        }
        bool braced = at[1] == '{';
        const char *name = at + 1 + braced;
        gsize length = identifier_length(name);
        if (length == 0 || (braced && name[length] != '}')) {
                *cursor = at + 1;
                return (Piece){PIECE_INVALID, at, 1};
        }
        *cursor = name + length + braced;
        return (Piece){PIECE_VARIABLE, name, length};
}

static void append_value(GString *out, const char *value, ScTemplateEscape escape)
{
        if (escape == SC_TEMPLATE_RAW) {
                g_string_append(out, value);
                return;
        }
        for (; *value != '\0'; value++) {
                if (*value == '%')
                        g_string_append_c(out, '%');
                g_string_append_c(out, *value);
        }
}

/* With systemd a line that ends in a backslash goes on in the next one; a second backslash before it makes no line of its own end.
 */
static bool joins_next_line(const GString *out, const char *rest)
{
        return out->len > 0 && out->str[out->len - 1] == '\\' && (*rest == '\n' || *rest == '\0');
}

static unsigned line_of(const char *text, const char *at)
{
        unsigned line = 1;
        for (; text < at; text++)
                line += *text == '\n';
        return line;
}

char *sc_template_expand(const char *file, const char *text, const ScVariables *variables, ScTemplateEscape escape, GError **error)
{
        g_autoptr(GString) out = g_string_sized_new(strlen(text));
        const char *cursor = text;
        for (Piece piece = next_piece(&cursor); piece.kind != PIECE_END; piece = next_piece(&cursor)) {
                if (piece.kind == PIECE_TEXT) {
                        g_string_append_len(out, piece.start, piece.size);
                } else if (piece.kind == PIECE_DOLLAR) {
                        g_string_append_c(out, '$');
                } else if (piece.kind == PIECE_VARIABLE) {
                        g_autofree char *name = g_strndup(piece.start, piece.size);
                        const char *value = sc_variables_get(variables, name);
                        if (value == NULL) {
                                sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                         "The template file '%s' still contains an unreplaced value for: ''%s''", file, name);
                                return NULL;
                        }
                        append_value(out, value, escape);
                        if (escape != SC_TEMPLATE_RAW && joins_next_line(out, cursor)) {
                                sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                         "The value of %s ends a line of the template file '%s' with a backslash, which would join "
                                         "the next line to it",
                                         name, file);
                                return NULL;
                        }
                } else {
                        sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                 "The template file '%s' has a dollar sign in line %u that begins no variable: write $$ for a "
                                 "dollar sign",
                                 file, line_of(text, piece.start));
                        return NULL;
                }
                if (out->len > EXPANDED_MAX) {
                        sc_throw(error, SC_ERROR_CORRUPT, "The template file '%s' grows beyond %d MiB with its values", file,
                                 EXPANDED_MAX / (1024 * 1024));
                        return NULL;
                }
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

void sc_template_collect(const char *text, GHashTable *names)
{
        const char *cursor = text;
        for (Piece piece = next_piece(&cursor); piece.kind != PIECE_END; piece = next_piece(&cursor)) {
                if (piece.kind == PIECE_VARIABLE)
                        g_hash_table_add(names, g_strndup(piece.start, piece.size));
        }
}

bool sc_template_uses(const char *text, const char *name)
{
        gsize length = strlen(name);
        const char *cursor = text;
        for (Piece piece = next_piece(&cursor); piece.kind != PIECE_END; piece = next_piece(&cursor)) {
                if (piece.kind == PIECE_VARIABLE && piece.size == length && memcmp(piece.start, name, length) == 0)
                        return true;
        }
        return false;
}
