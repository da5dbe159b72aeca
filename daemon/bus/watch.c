/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/watch.h"
#include "base/path.h"
#include "bus/reply.h"
#include <errno.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#define DELAY_MS 100

struct ScWatch {
        int fd;
        guint source;
        guint timer;
        GHashTable *tags; /* watch descriptor to tag */
        ScWatchFunc changed;
        ScWatchTellsFunc tells;
        gpointer data;
};

static gboolean on_delay(gpointer data)
{
        ScWatch *watch = data;
        watch->timer = 0;
        watch->changed(watch->data);
        return G_SOURCE_REMOVE;
}

/* After a loss, of which nobody knows where it was: every folder may have changed. */
static bool tell_of_all(ScWatch *watch)
{
        GHashTableIter iter;
        gpointer tag;
        bool tells = false;
        g_hash_table_iter_init(&iter, watch->tags);
        while (g_hash_table_iter_next(&iter, NULL, &tag))
                tells = watch->tells(watch->data, GPOINTER_TO_UINT(tag), NULL, false) || tells;
        return tells;
}

static bool is_telling(ScWatch *watch, const struct inotify_event *event)
{
        gpointer tag;
        if ((event->mask & IN_Q_OVERFLOW) != 0)
                return tell_of_all(watch);
        if (!g_hash_table_lookup_extended(watch->tags, GINT_TO_POINTER(event->wd), NULL, &tag))
                return false;
        if ((event->mask & IN_IGNORED) != 0)
                g_hash_table_remove(watch->tags, GINT_TO_POINTER(event->wd));
        return watch->tells(watch->data, GPOINTER_TO_UINT(tag), event->len > 0 ? event->name : NULL,
                            (event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0);
}

static gboolean on_events(int fd, GIOCondition condition, gpointer data)
{
        ScWatch *watch = data;
        bool telling = false;
        char buffer[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t size;
        while ((size = read(fd, buffer, sizeof(buffer))) > 0)
                for (const char *p = buffer; p < buffer + size;) {
                        const struct inotify_event *event = (const struct inotify_event *)p;
                        telling = is_telling(watch, event) || telling;
                        p += sizeof(*event) + event->len;
                }
        if (telling && watch->timer == 0)
                watch->timer = g_timeout_add(DELAY_MS, on_delay, watch);
        return G_SOURCE_CONTINUE;
}

ScWatch *sc_watch_new(ScWatchFunc changed, ScWatchTellsFunc tells, gpointer data)
{
        ScWatch *watch = g_new0(ScWatch, 1);
        watch->tags = g_hash_table_new(NULL, NULL);
        watch->changed = changed;
        watch->tells = tells;
        watch->data = data;
        watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (watch->fd >= 0)
                watch->source = g_unix_fd_add(watch->fd, G_IO_IN, on_events, watch);
        else
                sc_bus_complain(LOG_WARNING, "Changes made by others are not noticed: inotify does not work", strerror(errno));
        return watch;
}

void sc_watch_free(ScWatch *watch)
{
        if (watch == NULL)
                return;
        g_clear_handle_id(&watch->source, g_source_remove);
        g_clear_handle_id(&watch->timer, g_source_remove);
        sc_close(&watch->fd);
        g_hash_table_unref(watch->tags);
        g_free(watch);
}

typedef enum { NOT_WATCHED, WATCHED_NOW, WATCHED_BEFORE } WatchState;

static WatchState add(ScWatch *watch, guint tag, const char *path)
{
        const uint32_t mask = IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR;
        int descriptor = watch->fd >= 0 ? inotify_add_watch(watch->fd, path, mask) : -1;
        if (descriptor < 0)
                return NOT_WATCHED;
        return g_hash_table_insert(watch->tags, GINT_TO_POINTER(descriptor), GUINT_TO_POINTER(tag)) ? WATCHED_NOW : WATCHED_BEFORE;
}

bool sc_watch_folder(ScWatch *watch, guint tag, const char *path)
{
        return add(watch, tag, path) == WATCHED_BEFORE;
}

bool sc_watch_path(ScWatch *watch, guint tag, const char *path)
{
        g_autofree char *there = g_strdup(path);
        WatchState state;
        while ((state = add(watch, tag, there)) == NOT_WATCHED && watch->fd >= 0 && strcmp(there, "/") != 0) {
                char *parent = g_path_get_dirname(there);
                g_free(there);
                there = parent;
        }
        return state == WATCHED_BEFORE;
}

void sc_watch_settle(ScWatch *watch)
{
        g_clear_handle_id(&watch->timer, g_source_remove);
        if (watch->fd < 0)
                return;
        on_events(watch->fd, G_IO_IN, watch);
        g_clear_handle_id(&watch->timer, g_source_remove);
}
