/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "door.h"

#include "digest.h"
#include "error.h"
#include "path.h"
#include "ready.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOBS "blobs/sha256/"
#define MAX_QUESTION (sizeof(BLOBS) + SC_DIGEST_HEX_SIZE)

/* A question is the name in a packet. An answer is a packet with an errno, 0: the descriptor is with it. */
typedef union {
        char buffer[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
} Control;

bool sc_door_new(int ret_ends[2], GError **error)
{
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) == 0 ||
               sc_throw_errno(error, "Cannot make a socket");
}

bool sc_door_knows(const char *name)
{
        if (strcmp(name, "oci-layout") == 0 || strcmp(name, "index.json") == 0)
                return true;
        return g_str_has_prefix(name, BLOBS) && sc_digest_is_hex(name + strlen(BLOBS));
}

/* ---- the owner's side ---- */

static bool answer(int end, int problem, int fd)
{
        Control control = {0};
        struct iovec vector = {.iov_base = &problem, .iov_len = sizeof(problem)};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
        if (fd >= 0) {
                message.msg_control = control.buffer;
                message.msg_controllen = sizeof(control.buffer);
                struct cmsghdr *header = CMSG_FIRSTHDR(&message);
                header->cmsg_level = SOL_SOCKET;
                header->cmsg_type = SCM_RIGHTS;
                header->cmsg_len = CMSG_LEN(sizeof(fd));
                memcpy(CMSG_DATA(header), &fd, sizeof(fd));
        }
        return sendmsg(end, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(problem);
}

/* A fifo in the place of a file must not hold this up. */
static int open_asked(int dir_fd, const char *name)
{
        sc_autofd fd = sc_door_knows(name) ? sc_open_beneath(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, NULL) : -1;
        return sc_steal_fd(&fd);
}

void sc_door_serve(int end, int dir_fd)
{
        for (;;) {
                char name[MAX_QUESTION + 1];
                ssize_t size = recv(end, name, sizeof(name) - 1, 0);
                if (size < 0 && errno == EINTR)
                        continue;
                if (size <= 0)
                        return;
                name[size] = '\0';
                errno = EINVAL;
                sc_autofd fd = open_asked(dir_fd, name);
                if (!answer(end, fd < 0 ? errno : 0, fd))
                        return;
        }
}

/* ---- the other side ---- */

bool sc_door_check(int end, GError **error)
{
        int domain = 0, type = 0;
        socklen_t size = sizeof(domain);
        if (getsockopt(end, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
            getsockopt(end, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
                return true;
        return sc_throw(
                error, SC_ERROR_INVALID_ARGUMENT,
                "A folder is handed over as a socket (AF_UNIX, SOCK_SEQPACKET) at whose other end its files can be asked for");
}

/* One question, and its answer. */
typedef struct {
        int end;
        guint stall_seconds;
        GCancellable *cancellable;
} Asking;

static bool wait_for(const Asking *asking, short events, GError **error)
{
        int r = sc_wait_ready(asking->end, events, asking->stall_seconds, asking->cancellable, error);
        return r > 0 || (r == 0 && sc_throw(error, SC_ERROR_FAILED, "Whoever shows the folder of the image did not answer for %u s",
                                            asking->stall_seconds));
}

static bool ended(GError **error)
{
        return sc_throw(error, SC_ERROR_FAILED, "The folder of the image was taken away: whoever pulls it must stay to the end");
}

static bool send_question(const Asking *asking, const char *name, GError **error)
{
        for (;;) {
                if (!wait_for(asking, POLLOUT, error))
                        return false;
                ssize_t sent = send(asking->end, name, strlen(name), MSG_DONTWAIT | MSG_NOSIGNAL);
                if (sent >= 0)
                        return true;
                if (errno != EAGAIN && errno != EINTR)
                        return ended(error);
        }
}

/* The first one; there is room for more of them behind it, and what came unasked must not stay open. */
static int take_fd(struct msghdr *message)
{
        int taken = -1;
        for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
                if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
                        continue;
                gsize size = header->cmsg_len - CMSG_LEN(0);
                for (gsize at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
                        int fd;
                        memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
                        if (taken < 0)
                                taken = fd;
                        else
                                close(fd);
                }
        }
        return taken;
}

static bool receive_answer(const Asking *asking, int *ret_problem, int *ret_fd, GError **error)
{
        for (;;) {
                Control control = {0};
                struct iovec vector = {.iov_base = ret_problem, .iov_len = sizeof(*ret_problem)};
                struct msghdr message = {.msg_iov = &vector,
                                         .msg_iovlen = 1,
                                         .msg_control = control.buffer,
                                         .msg_controllen = sizeof(control.buffer)};
                if (!wait_for(asking, POLLIN, error))
                        return false;
                ssize_t size = recvmsg(asking->end, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
                if (size < 0 && (errno == EAGAIN || errno == EINTR))
                        continue;
                *ret_fd = size >= 0 ? take_fd(&message) : -1;
                return size == (ssize_t)sizeof(*ret_problem) || ended(error);
        }
}

static bool is_readable_file(int fd)
{
        struct stat st;
        int flags = fcntl(fd, F_GETFL);
        return flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_WRONLY && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

int sc_door_ask(int end, const char *name, guint stall_seconds, GCancellable *cancellable, GError **error)
{
        int problem = 0;
        sc_autofd fd = -1;
        const Asking asking = {end, stall_seconds, cancellable};
        if (!send_question(&asking, name, error) || !receive_answer(&asking, &problem, &fd, error))
                return -1;
        if (fd < 0) {
                errno = problem > 0 ? problem : EPROTO;
                sc_throw_errno(error, "Cannot open %s of the layout", name);
                return -1;
        }
        if (!is_readable_file(fd)) {
                sc_throw(error, SC_ERROR_CORRUPT, "%s of the layout is not a regular file that can be read", name);
                return -1;
        }
        return sc_steal_fd(&fd);
}
