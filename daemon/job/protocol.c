/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/protocol.h"
#include "base/error.h"
#include "base/path.h"
#include "base/proxy-variables.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_WORD 32
#define MAX_SUBJECT 4096
#define MAX_PHASE 64
#define MAX_DETAILS 64
#define MAX_DETAIL_KEY 64
#define MAX_DETAIL_VALUE (160u * 1024) /* a plan is that long */

static const char *const type_words[] = {
        [SC_PACKET_REQUEST] = "request", [SC_PACKET_PROGRESS] = "progress", [SC_PACKET_MESSAGE] = "message",
        [SC_PACKET_RESULT] = "result",   [SC_PACKET_ERROR] = "error",
};

ScPacket *sc_packet_new(ScPacketType type)
{
        ScPacket *packet = g_new0(ScPacket, 1);
        packet->type = type;
        packet->options = json_object_new();
        packet->details = sc_string_map_new();
        packet->environment = sc_string_map_new();
        return packet;
}

static void close_fds(int *fds, gsize n_fds)
{
        for (gsize i = 0; i < n_fds; i++)
                sc_close(&fds[i]);
}

void sc_packet_free(ScPacket *packet)
{
        if (packet == NULL)
                return;
        close_fds(packet->fds, packet->n_fds);
        g_free(packet->fds);
        g_free(packet->operation);
        g_free(packet->subject);
        json_object_unref(packet->options);
        g_free(packet->phase);
        g_free(packet->text);
        g_hash_table_unref(packet->details);
        g_hash_table_unref(packet->environment);
        g_free(packet);
}

bool sc_packet_socketpair(int ret_fds[2], GError **error)
{
        int fds[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return sc_throw_errno(error, "Cannot make a socket pair");
        /* The kernel cuts this down to net.core.wmem_max, which holds a large request, and doubles it. */
        int size = SC_PROTOCOL_MAX_PACKET;
        for (unsigned i = 0; i < 2; i++)
                if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0) {
                        sc_throw_errno(error, "Cannot set the size of a socket's buffer");
                        close_fds(fds, 2);
                        return false;
                }
        ret_fds[0] = fds[0];
        ret_fds[1] = fds[1];
        return true;
}

/* U+FFFE and its like: Unicode has them, and JSON, but no text on a bus may. */
static bool is_noncharacter(gunichar c)
{
        return (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

static gunichar clean_character(gunichar c, bool keep_lines)
{
        if (is_noncharacter(c))
                return 0xFFFD;
        return g_unichar_iscntrl(c) && !(keep_lines && c == '\n') ? ' ' : c;
}

/* Texts of a worker end on somebody's terminal, and may quote a registry or an image: no control character gets through. */
static char *clean_text(const char *text, gsize max, bool keep_lines)
{
        g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
        g_autoptr(GString) clean = g_string_new(NULL);
        for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (clean->len + 6 > max) {
                        g_string_append(clean, "...");
                        break;
                }
                g_string_append_unichar(clean, clean_character(c, keep_lines));
        }
        return g_string_free(g_steal_pointer(&clean), FALSE);
}

static JsonObject *packet_to_json(const ScPacket *packet)
{
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "type", type_words[packet->type]);
        switch (packet->type) {
        case SC_PACKET_REQUEST:
                json_object_set_int_member(object, "job", (gint64)packet->job);
                json_object_set_string_member(object, "operation", packet->operation);
                json_object_set_string_member(object, "subject", packet->subject);
                json_object_set_object_member(object, "options", json_object_ref(packet->options));
                if (g_hash_table_size(packet->environment) > 0)
                        sc_json_set_string_map(object, "environment", packet->environment);
                break;
        case SC_PACKET_PROGRESS: {
                g_autofree char *phase = clean_text(packet->phase, MAX_PHASE, false);
                json_object_set_string_member(object, "phase", phase);
                json_object_set_int_member(object, "done", (gint64)MIN(packet->done, (guint64)G_MAXINT64));
                json_object_set_int_member(object, "total", (gint64)MIN(packet->total, (guint64)G_MAXINT64));
                break;
        }
        case SC_PACKET_MESSAGE: {
                g_autofree char *line = clean_text(packet->text, SC_PROTOCOL_MAX_TEXT, false);
                json_object_set_string_member(object, "line", line);
                break;
        }
        case SC_PACKET_RESULT:
                sc_json_set_string_map(object, "details", packet->details);
                break;
        case SC_PACKET_ERROR: {
                g_autofree char *message = clean_text(packet->text, SC_PROTOCOL_MAX_TEXT, false);
                json_object_set_string_member(object, "code", sc_error_to_string((ScError)packet->code));
                json_object_set_string_member(object, "message", message);
                sc_json_set_string_map(object, "details", packet->details);
                break;
        }
        }
        return object;
}

char *sc_packet_to_text(const ScPacket *packet)
{
        g_autoptr(JsonObject) object = packet_to_json(packet);
        return sc_json_to_string(object, false);
}

bool sc_packet_send(int socket_fd, const ScPacket *packet, GError **error)
{
        g_autofree char *text = sc_packet_to_text(packet);
        gsize size = strlen(text);
        if (size > SC_PROTOCOL_MAX_PACKET)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A %s of %zu bytes is too large", type_words[packet->type], size);
        if (packet->n_fds > SC_PROTOCOL_MAX_FDS)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%zu file descriptors are too many", packet->n_fds);

        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(SC_PROTOCOL_MAX_FDS * sizeof(int))];
        } control = {0};
        struct iovec part = {.iov_base = text, .iov_len = size};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        if (packet->n_fds > 0) {
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(packet->n_fds * sizeof(int));
                struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
                rights->cmsg_level = SOL_SOCKET;
                rights->cmsg_type = SCM_RIGHTS;
                rights->cmsg_len = CMSG_LEN(packet->n_fds * sizeof(int));
                memcpy(CMSG_DATA(rights), packet->fds, packet->n_fds * sizeof(int));
        }
        ssize_t sent;
        do
                sent = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        if (sent < 0 && errno == EMSGSIZE)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A %s of %zu bytes is too large for net.core.wmem_max",
                                type_words[packet->type], size);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                return sc_throw(error, SC_ERROR_BUSY, "Nobody takes a %s", type_words[packet->type]);
        if (sent < 0)
                return sc_throw_errno(error, "Cannot send a %s", type_words[packet->type]);
        return true;
}

static bool is_word(const char *text, gsize max)
{
        gsize length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
        return length > 0 && length <= max && text[length] == '\0';
}

static bool read_text(JsonObject *object, const char *key, gsize max, char **ret, GError **error)
{
        const char *text;
        if (!sc_json_get_string(object, key, SC_JSON_REQUIRED, &text, error))
                return false;
        *ret = clean_text(text, max, false);
        return true;
}

/* Of what is not known here nothing is taken: a variable can change more than a proxy. */
static bool read_environment(JsonObject *object, ScPacket *packet, GError **error)
{
        g_autoptr(GHashTable) variables = NULL;
        if (!sc_json_get_string_map(object, "environment", SC_JSON_OPTIONAL, &variables, error))
                return false;
        for (const char *const *name = sc_proxy_variables; *name != NULL; name++) {
                const char *value = g_hash_table_lookup(variables, *name);
                if (value != NULL)
                        g_hash_table_insert(packet->environment, g_strdup(*name), g_strdup(value));
        }
        return true;
}

static bool read_request(JsonObject *object, ScPacket *packet, GError **error)
{
        const char *operation, *subject;
        JsonObject *options;
        if (!sc_json_get_uint(object, "job", SC_JSON_REQUIRED, &packet->job, error) ||
            !sc_json_get_string(object, "operation", SC_JSON_REQUIRED, &operation, error) ||
            !sc_json_get_string(object, "subject", SC_JSON_REQUIRED, &subject, error) ||
            !sc_json_get_object(object, "options", SC_JSON_OPTIONAL, &options, error) || !read_environment(object, packet, error))
                return false;
        if (!is_word(operation, MAX_WORD))
                return sc_throw(error, SC_ERROR_CORRUPT, "The request's operation is no word");
        if (strlen(subject) > MAX_SUBJECT)
                return sc_throw(error, SC_ERROR_CORRUPT, "The request's subject is too long");
        packet->operation = g_strdup(operation);
        packet->subject = g_strdup(subject);
        if (options != NULL) {
                json_object_unref(packet->options);
                packet->options = json_object_ref(options);
        }
        return true;
}

static bool read_details(JsonObject *object, ScPacket *packet, GError **error)
{
        g_autoptr(GHashTable) details = NULL;
        if (!sc_json_get_string_map(object, "details", SC_JSON_OPTIONAL, &details, error))
                return false;
        if (g_hash_table_size(details) > MAX_DETAILS)
                return sc_throw(error, SC_ERROR_CORRUPT, "The result has more than %d details", MAX_DETAILS);
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, details);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
                if (!is_word(key, MAX_DETAIL_KEY))
                        return sc_throw(error, SC_ERROR_CORRUPT, "A detail's key is no word");
                g_hash_table_replace(packet->details, g_strdup(key), clean_text(value, MAX_DETAIL_VALUE, true));
        }
        return true;
}

static bool read_error(JsonObject *object, ScPacket *packet, GError **error)
{
        const char *code;
        ScError number;
        if (!sc_json_get_string(object, "code", SC_JSON_REQUIRED, &code, error))
                return false;
        if (!sc_error_from_string(code, &number))
                return sc_throw(error, SC_ERROR_CORRUPT, "The error's code is unknown");
        packet->code = (int)number;
        return read_text(object, "message", SC_PROTOCOL_MAX_TEXT, &packet->text, error) && read_details(object, packet, error);
}

static bool find_type(const char *word, ScPacketType *ret, GError **error)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(type_words); i++)
                if (strcmp(type_words[i], word) == 0) {
                        *ret = (ScPacketType)i;
                        return true;
                }
        return sc_throw(error, SC_ERROR_CORRUPT, "The packet's type is unknown");
}

ScPacket *sc_packet_from_text(const char *text, gsize size, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_PROTOCOL_MAX_PACKET, "packet", error);
        const char *word;
        ScPacketType type = SC_PACKET_REQUEST;
        if (object == NULL || !sc_json_get_string(object, "type", SC_JSON_REQUIRED, &word, error) || !find_type(word, &type, error))
                return NULL;
        g_autoptr(ScPacket) packet = sc_packet_new(type);
        bool ok = false;
        switch (type) {
        case SC_PACKET_REQUEST:
                ok = read_request(object, packet, error);
                break;
        case SC_PACKET_PROGRESS:
                ok = read_text(object, "phase", MAX_PHASE, &packet->phase, error) &&
                     sc_json_get_uint(object, "done", SC_JSON_REQUIRED, &packet->done, error) &&
                     sc_json_get_uint(object, "total", SC_JSON_REQUIRED, &packet->total, error);
                break;
        case SC_PACKET_MESSAGE:
                ok = read_text(object, "line", SC_PROTOCOL_MAX_TEXT, &packet->text, error);
                break;
        case SC_PACKET_RESULT:
                ok = read_details(object, packet, error);
                break;
        case SC_PACKET_ERROR:
                ok = read_error(object, packet, error);
                break;
        }
        return ok ? g_steal_pointer(&packet) : NULL;
}

/* Takes the descriptors out of the control messages; ret_fds has room for SC_PROTOCOL_MAX_FDS. */
static gsize take_fds(struct msghdr *message, int *ret_fds)
{
        gsize n_fds = 0;
        for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
                if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
                        continue;
                gsize count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (gsize i = 0; i < count; i++) {
                        int fd;
                        memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
                        if (n_fds < SC_PROTOCOL_MAX_FDS)
                                ret_fds[n_fds++] = fd;
                        else
                                sc_close(&fd);
                }
        }
        return n_fds;
}

/* Once, and at any moment, a socket says ECONNRESET if the other end has gone without having read all; what it sent before that
 * still lies there, and the end behind it. */
static bool asks_again(void)
{
        return errno == EINTR || errno == ECONNRESET;
}

/* 1: *ret_text holds the packet; 0 and -1 as sc_packet_receive(). */
static int receive_text(int socket_fd, char **ret_text, gsize *ret_size, int *ret_fds, gsize *ret_n_fds, bool *ret_again,
                        GError **error)
{
        ssize_t size;
        do
                size = recv(socket_fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
        while (size < 0 && asks_again());
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && ret_again != NULL) {
                *ret_again = true;
                return 0;
        }
        if (size < 0) {
                sc_throw_errno(error, "Cannot receive a packet");
                return -1;
        }

        gsize room = MIN((gsize)size, SC_PROTOCOL_MAX_PACKET);
        g_autofree char *text = g_malloc(room + 1);
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(SC_PROTOCOL_MAX_FDS * sizeof(int))];
        } control;
        struct iovec part = {.iov_base = text, .iov_len = room};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        do
                size = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (size < 0 && asks_again());
        if (size < 0) {
                sc_throw_errno(error, "Cannot receive a packet");
                return -1;
        }
        int fds[SC_PROTOCOL_MAX_FDS];
        gsize n_fds = take_fds(&message, fds);
        if (size == 0) {
                close_fds(fds, n_fds);
                return 0;
        }
        if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
                close_fds(fds, n_fds);
                sc_throw(error, SC_ERROR_CORRUPT, "A packet is too large, or brings too many file descriptors");
                return -1;
        }
        text[size] = '\0';
        memcpy(ret_fds, fds, n_fds * sizeof(int));
        *ret_n_fds = n_fds;
        *ret_size = (gsize)size;
        *ret_text = g_steal_pointer(&text);
        return 1;
}

int sc_packet_receive(int socket_fd, ScPacket **ret, bool *ret_again, GError **error)
{
        g_autofree char *text = NULL;
        gsize size = 0, n_fds = 0;
        int fds[SC_PROTOCOL_MAX_FDS];
        if (ret_again != NULL)
                *ret_again = false;
        int r = receive_text(socket_fd, &text, &size, fds, &n_fds, ret_again, error);
        if (r <= 0)
                return r;

        g_autoptr(ScPacket) packet = sc_packet_from_text(text, size, error);
        if (packet != NULL && packet->type != SC_PACKET_REQUEST && n_fds > 0) {
                sc_throw(error, SC_ERROR_CORRUPT, "A %s brings file descriptors", type_words[packet->type]);
                g_clear_pointer(&packet, sc_packet_free);
        }
        if (packet == NULL) {
                close_fds(fds, n_fds);
                return -1;
        }
        if (n_fds > 0) {
                packet->fds = g_memdup2(fds, n_fds * sizeof(int));
                packet->n_fds = n_fds;
        }
        *ret = g_steal_pointer(&packet);
        return 1;
}
