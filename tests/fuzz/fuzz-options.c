/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a caller says in a method's arguments (bus/options.h): the input is the body of a message, behind a byte that says of which
 * kind it is. sd-bus looks into a body only as far as somebody reads it. */

#include "fuzz.h"

#include "bus/options.h"
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST = 64 * 1024, HEADER_ROOM = 128 };

static const char *const words[] = {"no", "yes", NULL};
static const ScOption known[] = {
        {"force", SC_OPTION_CHOICE, words},
        {"name", SC_OPTION_CONTAINER},
        {"image", SC_OPTION_IMAGE},
        {"runtime", SC_OPTION_RUNTIME},
        {"rootfs", SC_OPTION_PATH},
        {"timeout", SC_OPTION_SECONDS},
        {"unset", SC_OPTION_NAMES},
        {"values", SC_OPTION_VALUES},
        {"digest", SC_OPTION_DIGEST},
        {"login", SC_OPTION_LOGIN},
        {"line", SC_OPTION_LINE},
        {"stdin", SC_OPTION_FD},
        {0},
};

/* A connection that is kept from input to input, until one breaks it. */
static sd_bus *bus;
static int other_end = -1;

static void send_all(const void *data, size_t size)
{
        g_assert(send(other_end, data, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static void connect_bus(void)
{
        static const char greeting[] = "\0AUTH ANONYMOUS\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
        int fds[2];
        sd_id128_t id = SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10);
        g_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        other_end = fds[1];
        g_assert(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fds[0], fds[0]) >= 0 && sd_bus_set_server(bus, 1, id) >= 0 &&
                 sd_bus_set_anonymous(bus, 1) >= 0 && sd_bus_start(bus) >= 0);
        send_all(greeting, sizeof greeting - 1);
}

static void disconnect_bus(void)
{
        sd_bus_close_unref(bus);
        bus = NULL;
        close(other_end);
}

static void append_string(GByteArray *bytes, const char *text)
{
        guint32 length = GUINT32_TO_LE((guint32)strlen(text));
        g_byte_array_append(bytes, (const guint8 *)&length, sizeof length);
        g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text) + 1);
}

static void append_field(GByteArray *bytes, guint8 code, const char *type, const char *text)
{
        static const guint8 zeros[8];
        const guint8 head[] = {code, 1, (guint8)*type, 0};
        g_byte_array_append(bytes, zeros, -bytes->len & 7);
        g_byte_array_append(bytes, head, sizeof head);
        if (*type == 'g') {
                const guint8 length = (guint8)strlen(text);
                g_byte_array_append(bytes, &length, 1);
                g_byte_array_append(bytes, (const guint8 *)text, length + 1u);
        } else
                append_string(bytes, text);
}

/* As the D-Bus specification has it, "Message Format"; little endian. */
static void send_call(const char *signature, const uint8_t *body, size_t size)
{
        static guint32 serial;
        static const guint8 zeros[8];
        g_autoptr(GByteArray) fields = g_byte_array_sized_new(HEADER_ROOM), bytes = g_byte_array_sized_new(HEADER_ROOM);
        append_field(fields, 1, "o", "/x");
        append_field(fields, 2, "s", "x.y");
        append_field(fields, 3, "s", "Z");
        append_field(fields, 8, "g", signature);
        const guint8 start[] = {'l', 1, 1, 1};
        const guint32 numbers[] = {GUINT32_TO_LE((guint32)size), GUINT32_TO_LE(++serial), GUINT32_TO_LE(fields->len)};
        g_byte_array_append(bytes, start, sizeof start);
        g_byte_array_append(bytes, (const guint8 *)numbers, sizeof numbers);
        g_byte_array_append(bytes, fields->data, fields->len);
        g_byte_array_append(bytes, zeros, -bytes->len & 7);
        g_byte_array_append(bytes, body, (guint)size);
        send_all(bytes->data, bytes->len);
}

/* NULL: the connection has ended. */
static sd_bus_message *receive(void)
{
        sd_bus_message *message = NULL;
        int r = 1;
        while (r > 0 && message == NULL)
                r = sd_bus_process(bus, &message);
        return message;
}

static void check_line(const char *text)
{
        g_assert(g_utf8_validate(text, -1, NULL) && strlen(text) <= SC_OPTION_MAX_VALUE);
        for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
                g_assert(!g_unichar_iscntrl(g_utf8_get_char(c)));
}

/* What comes out is what the worker relies on. */
static void check_options(JsonObject *options, const GArray *fds)
{
        for (const ScOption *option = known; option->key != NULL; option++) {
                JsonNode *node = json_object_get_member(options, option->key);
                if (node == NULL)
                        continue;
                if (option->type == SC_OPTION_SECONDS)
                        g_assert(json_node_get_int(node) >= 1 && json_node_get_int(node) <= 3600);
                else if (option->type == SC_OPTION_NAMES)
                        g_assert(json_array_get_length(json_node_get_array(node)) <= SC_OPTION_MAX_KEYS);
                else if (option->type == SC_OPTION_VALUES) {
                        JsonObject *values = json_node_get_object(node);
                        g_autoptr(GList) names = json_object_get_members(values);
                        g_assert(json_object_get_size(values) <= SC_OPTION_MAX_KEYS);
                        for (const GList *name = names; name != NULL; name = name->next)
                                check_line(json_object_get_string_member(values, name->data));
                } else if (option->type == SC_OPTION_FD || option->type == SC_OPTION_LOGIN)
                        g_assert(json_object_get_int_member(json_node_get_object(node), "fd") < fds->len);
                else
                        check_line(json_node_get_string(node));
        }
        g_assert(fds->len <= SC_OPTION_MAX_FDS);
}

static void read_call(sd_bus_message *message, uint8_t kind)
{
        g_autoptr(GArray) fds = sc_fds_new();
        g_autoptr(GError) error = NULL;
        if (kind % 3 == 0) {
                g_autoptr(JsonObject) options = sc_options_read(message, known, fds, &error);
                g_assert((options != NULL) == (error == NULL));
                if (options != NULL)
                        check_options(options, fds);
        } else if (kind % 3 == 1) {
                g_autoptr(JsonArray) argv = sc_options_read_argv(message, &error);
                g_assert((argv != NULL) == (error == NULL));
                g_assert(argv == NULL || json_array_get_length(argv) <= SC_OPTION_MAX_WORDS);
        } else {
                g_autoptr(JsonObject) text = sc_options_read_text(message, fds, &error);
                g_assert((text != NULL) == (error == NULL) && fds->len == (text != NULL ? 1 : 0));
        }
        g_assert(error == NULL || g_utf8_validate(error->message, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const signatures[] = {"a{sv}", "as", "s"};
        if (size == 0 || size > LONGEST)
                return 0;
        if (bus == NULL)
                connect_bus();
        send_call(signatures[data[0] % 3], data + 1, size - 1);
        sd_bus_message *message = receive();
        if (message != NULL)
                read_call(message, data[0]);
        sd_bus_message_unref(message);
        if (message == NULL || !sd_bus_is_open(bus))
                disconnect_bus();
        return 0;
}
