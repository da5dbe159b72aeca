/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/options.h"
#include "base/login.h"
#include "base/path.h"
#include "base/reference.h"
#include "bus/reply.h"
#include "job/protocol.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const signatures[] = {
        [SC_OPTION_CHOICE] = "s", [SC_OPTION_CONTAINER] = "s", [SC_OPTION_IMAGE] = "s",  [SC_OPTION_RUNTIME] = "s",
        [SC_OPTION_PATH] = "s",   [SC_OPTION_SECONDS] = "u",   [SC_OPTION_NAMES] = "as", [SC_OPTION_VALUES] = "a{ss}",
        [SC_OPTION_FD] = "h",     [SC_OPTION_DIGEST] = "s",    [SC_OPTION_LOGIN] = "s",  [SC_OPTION_LINE] = "s",
};

/* What ends in a unit file or a terminal holds no control characters (the bus has checked that it is UTF-8). */
static bool is_printable(const char *text)
{
        for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
                if (g_unichar_iscntrl(g_utf8_get_char(p)))
                        return false;
        return true;
}

static bool is_identifier(const char *text)
{
        if (!g_ascii_isalpha(*text) && *text != '_')
                return false;
        for (const char *p = text; *p != '\0'; p++)
                if (!g_ascii_isalnum(*p) && *p != '_')
                        return false;
        return strlen(text) <= 255;
}

static bool check_choice(const ScOption *option, const char *value, GError **error)
{
        if (g_strv_contains(option->choices, value))
                return true;
        g_autofree char *choices = g_strjoinv(", ", (char **)option->choices);
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` is one of: %s", option->key, choices);
}

bool sc_options_check_argument(const char *text, GError **error)
{
        return (strlen(text) <= SC_OPTION_MAX_ARGUMENT && is_printable(text)) ||
               sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A name is too long, or holds control characters");
}

static bool check_string(const ScOption *option, const char *value, GError **error)
{
        if (!is_printable(value) || strlen(value) > 4095)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` is too long, or holds control characters",
                                option->key);
        if (option->type == SC_OPTION_CHOICE)
                return check_choice(option, value, error);
        if (option->type == SC_OPTION_CONTAINER)
                return sc_container_name_check(value, error);
        if (option->type == SC_OPTION_IMAGE) {
                g_autoptr(ScReference) reference = sc_reference_parse(value, error);
                return reference != NULL;
        }
        if (option->type == SC_OPTION_DIGEST) {
                ScDigest digest;
                return sc_digest_parse(value, &digest, error);
        }
        if (option->type == SC_OPTION_PATH && !sc_path_is_clean_absolute(value))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` must be an absolute path without `..`", option->key);
        if (option->type == SC_OPTION_RUNTIME && !sc_path_is_clean_absolute(value) &&
            (*value == '\0' || strchr(value, '/') != NULL))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` must be a program's name or an absolute path",
                                option->key);
        return true;
}

static int read_string(sd_bus_message *message, const ScOption *option, JsonObject *options, GError **error)
{
        const char *value;
        int r = sd_bus_message_read(message, "s", &value);
        if (r >= 0 && check_string(option, value, error))
                json_object_set_string_member(options, option->key, value);
        return r;
}

static int read_seconds(sd_bus_message *message, const ScOption *option, JsonObject *options, GError **error)
{
        uint32_t value;
        int r = sd_bus_message_read(message, "u", &value);
        if (r >= 0 && (value < 1 || value > 3600))
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` is from 1 to 3600 seconds", option->key);
        else if (r >= 0)
                json_object_set_int_member(options, option->key, value);
        return r;
}

static bool check_variable(const ScOption *option, const char *name, GError **error)
{
        if (is_identifier(name))
                return true;
        g_autofree char *shown = g_strndup(name, 64);
        for (char *p = shown; *p != '\0'; p++)
                *p = g_ascii_isprint(*p) ? *p : '?';
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "`%s` in option `%s` is no name of a variable (letters, digits, _)",
                        shown, option->key);
}

static int read_names(sd_bus_message *message, const ScOption *option, JsonObject *options, GError **error)
{
        JsonArray *names = json_array_new();
        json_object_set_array_member(options, option->key, names);
        int r = sd_bus_message_enter_container(message, 'a', "s");
        const char *name;
        while (r >= 0 && (r = sd_bus_message_read(message, "s", &name)) > 0) {
                if (!check_variable(option, name, error))
                        return 0;
                if (json_array_get_length(names) == SC_OPTION_MAX_KEYS) {
                        sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` has more than %d names", option->key,
                                 SC_OPTION_MAX_KEYS);
                        return 0;
                }
                json_array_add_string_element(names, name);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static bool check_value(const ScOption *option, const char *name, const char *value, gsize *total, GError **error)
{
        if (!check_variable(option, name, error))
                return false;
        gsize size = strlen(value);
        *total += strlen(name) + size;
        if (size > SC_OPTION_MAX_VALUE || *total > SC_OPTION_MAX_TOTAL)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The value of %s is too long: at most %u bytes each and %u together", name, SC_OPTION_MAX_VALUE,
                                SC_OPTION_MAX_TOTAL);
        if (!is_printable(value))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The value of %s holds control characters (a newline is one)",
                                name);
        return true;
}

static int read_values(sd_bus_message *message, const ScOption *option, JsonObject *options, GError **error)
{
        JsonObject *values = json_object_new();
        json_object_set_object_member(options, option->key, values);
        gsize total = 0;
        int r = sd_bus_message_enter_container(message, 'a', "{ss}");
        const char *name, *value;
        while (r >= 0 && (r = sd_bus_message_read(message, "{ss}", &name, &value)) > 0) {
                if (!check_value(option, name, value, &total, error))
                        return 0;
                if (json_object_has_member(values, name)) {
                        sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s has two values", name);
                        return 0;
                }
                if (json_object_get_size(values) == SC_OPTION_MAX_KEYS) {
                        sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` has more than %d values", option->key,
                                 SC_OPTION_MAX_KEYS);
                        return 0;
                }
                json_object_set_string_member(values, name, value);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static bool add_fd(int fd, const ScOption *option, JsonObject *options, GArray *fds, GError **error)
{
        if (fds->len == SC_OPTION_MAX_FDS)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "More than %d file descriptors", SC_OPTION_MAX_FDS);
        int index = sc_fds_add(fds, fd, error);
        if (index < 0)
                return false;
        JsonObject *reference = json_object_new();
        json_object_set_int_member(reference, "fd", index);
        json_object_set_object_member(options, option->key, reference);
        return true;
}

/* The message owns its descriptors, and goes before the job starts. */
static int read_fd(sd_bus_message *message, const ScOption *option, JsonObject *options, GArray *fds, GError **error)
{
        int fd;
        int r = sd_bus_message_read(message, "h", &fd);
        if (r >= 0)
                add_fd(fd, option, options, fds, error);
        return r;
}

/* From here on nobody in the daemon has the text: it is in the message, which is wiped when it goes, and in the file. */
static int read_login(sd_bus_message *message, const ScOption *option, JsonObject *options, GArray *fds, GError **error)
{
        const char *text;
        g_auto(ScLogin) login = {};
        sd_bus_message_sensitive(message);
        int r = sd_bus_message_read(message, "s", &text);
        if (r < 0 || !sc_login_parse(text, "the request", &login, error))
                return r;
        sc_autofd fd = sc_secret_to_fd(text, error);
        if (fd >= 0)
                add_fd(fd, option, options, fds, error);
        return r;
}

/* A negative errno for a message that cannot be read; else *error is set where the value is not allowed. */
static int read_value(sd_bus_message *message, const ScOption *option, JsonObject *options, GArray *fds, GError **error)
{
        switch (option->type) {
        case SC_OPTION_SECONDS:
                return read_seconds(message, option, options, error);
        case SC_OPTION_NAMES:
                return read_names(message, option, options, error);
        case SC_OPTION_VALUES:
                return read_values(message, option, options, error);
        case SC_OPTION_LOGIN:
                return read_login(message, option, options, fds, error);
        case SC_OPTION_FD:
                return read_fd(message, option, options, fds, error);
        default:
                return read_string(message, option, options, error);
        }
}

static const ScOption *find_option(const ScOption *known, const char *key, GError **error)
{
        g_autoptr(GString) keys = g_string_new(NULL);
        for (const ScOption *option = known; option->key != NULL; option++) {
                if (strcmp(option->key, key) == 0)
                        return option;
                g_string_append_printf(keys, "%s%s", keys->len > 0 ? ", " : "", option->key);
        }
        g_autofree char *shown = g_strndup(key, 64);
        for (char *p = shown; *p != '\0'; p++)
                *p = g_ascii_isprint(*p) ? *p : '?';
        sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Unknown option `%s`; known here: %s", shown, keys->str);
        return NULL;
}

/* One entry, up to its end. Errors as in read_value(). */
static int read_entry(sd_bus_message *message, const ScOption *known, JsonObject *options, GArray *fds, GError **error)
{
        const char *key, *contents;
        char type;
        int r = sd_bus_message_read(message, "s", &key);
        if (r < 0)
                return r;
        const ScOption *option = find_option(known, key, error);
        if (option == NULL)
                return 0;
        if (json_object_has_member(options, key)) {
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` is given twice", key);
                return 0;
        }
        if ((r = sd_bus_message_peek_type(message, &type, &contents)) < 0)
                return r;
        const char *wanted = signatures[option->type];
        if (strcmp(contents, wanted) != 0) {
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` has type %s, not %s", key, wanted, contents);
                return 0;
        }
        GError *refused = NULL;
        if ((r = sd_bus_message_enter_container(message, 'v', wanted)) < 0 ||
            (r = read_value(message, option, options, fds, &refused)) < 0 || refused != NULL) {
                g_propagate_error(error, refused);
                return r;
        }
        if ((r = sd_bus_message_exit_container(message)) < 0)
                return r;
        return sd_bus_message_exit_container(message);
}

JsonObject *sc_options_read(sd_bus_message *message, const ScOption *known, GArray *fds, GError **error)
{
        g_autoptr(JsonObject) options = json_object_new();
        g_autoptr(GError) refused = NULL;
        int r = sd_bus_message_enter_container(message, 'a', "{sv}");
        while (r >= 0 && refused == NULL && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0)
                r = read_entry(message, known, options, fds, &refused);
        if (refused != NULL) {
                g_propagate_error(error, g_steal_pointer(&refused));
                return NULL;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0) {
                sc_bus_throw(error, r, "Cannot read the options");
                return NULL;
        }
        return g_steal_pointer(&options);
}

JsonArray *sc_options_read_argv(sd_bus_message *message, GError **error)
{
        g_autoptr(JsonArray) words = json_array_new();
        gsize total = 0;
        int r = sd_bus_message_enter_container(message, 'a', "s");
        const char *word;
        while (r >= 0 && (r = sd_bus_message_read(message, "s", &word)) > 0) {
                total += strlen(word) + 1;
                if (json_array_get_length(words) == SC_OPTION_MAX_WORDS || total > SC_OPTION_MAX_TOTAL) {
                        sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A command is at most %d words and %u bytes",
                                 SC_OPTION_MAX_WORDS, SC_OPTION_MAX_TOTAL);
                        return NULL;
                }
                json_array_add_string_element(words, word);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r >= 0)
                return g_steal_pointer(&words);
        sc_bus_throw(error, r, "Cannot read the command");
        return NULL;
}

/* What is long goes to the worker as a file, not in its request; in memory, so that nobody is waited for. */
static int text_file(const char *text, gsize size, GError **error)
{
        sc_autofd fd = memfd_create("text", MFD_CLOEXEC);
        if (fd < 0 || !sc_write_all(fd, text, size, error) || lseek(fd, 0, SEEK_SET) < 0) {
                if (error != NULL && *error == NULL)
                        sc_throw_errno(error, "Cannot keep the text");
                return -1;
        }
        return sc_steal_fd(&fd);
}

JsonObject *sc_options_read_text(sd_bus_message *message, GArray *fds, GError **error)
{
        const char *text;
        int r = sd_bus_message_read(message, "s", &text);
        if (r < 0) {
                sc_bus_throw(error, r, "Cannot read the call");
                return NULL;
        }
        gsize size = strlen(text);
        if (size > SC_OPTION_MAX_TEXT) {
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A text is at most %u bytes", SC_OPTION_MAX_TEXT);
                return NULL;
        }
        sc_autofd fd = text_file(text, size, error);
        int index = fd >= 0 ? sc_fds_add(fds, fd, error) : -1;
        if (index < 0)
                return NULL;
        JsonObject *reference = json_object_new();
        json_object_set_int_member(reference, "fd", index);
        return reference;
}

const char *sc_options_get(JsonObject *options, const char *key)
{
        return json_object_has_member(options, key) ? json_object_get_string_member(options, key) : NULL;
}
