/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failpoint.h"

#ifdef SC_FAILPOINTS

#include "error.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char *failpoint_file(void)
{
        return g_build_filename(geteuid() == 0 ? "/run" : g_get_user_runtime_dir(), "sysconsd/failpoint", NULL);
}

static unsigned passings(const char *name)
{
        static GMutex mutex;
        static GHashTable *counts;
        g_mutex_lock(&mutex);
        if (counts == NULL)
                counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(counts, name)) + 1;
        g_hash_table_replace(counts, g_strdup(name), GUINT_TO_POINTER(count));
        g_mutex_unlock(&mutex);
        return count;
}

static void wait_for(const char *file)
{
        g_autofree char *go = g_strconcat(file, ".go", NULL);
        for (unsigned i = 0; i < 600 && access(go, F_OK) < 0; i++)
                g_usleep(50 * 1000);
}

static bool act(const char *name, const char *action, const char *file, GError **error)
{
        fprintf(stderr, "failpoint %s: %s\n", name, action);
        if (strcmp(action, "kill") == 0) {
                unlink(file); /* once: recovery passes here, too */
                raise(SIGKILL);
        }
        if (strcmp(action, "sleep") == 0)
                sleep(30);
        else if (strcmp(action, "stop") == 0)
                raise(SIGSTOP);
        else if (strcmp(action, "wait") == 0)
                wait_for(file);
        else if (strcmp(action, "enospc") == 0)
                return sc_throw(error, SC_ERROR_NO_SPACE, "Failpoint %s: No space left on device", name);
        else if (strcmp(action, "error") == 0)
                return sc_throw(error, SC_ERROR_FAILED, "Failpoint %s", name);
        return true;
}

bool sc_failpoint(const char *name, GError **error)
{
        unsigned count = passings(name);
        g_autofree char *file = failpoint_file();
        g_autofree char *text = NULL;
        if (!g_file_get_contents(file, &text, NULL, NULL))
                return true;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line != NULL; line++) {
                char *action = strchr(*line, ' ');
                if (action == NULL)
                        continue;
                *action++ = '\0';
                char *number = strchr(*line, '#');
                if (number != NULL)
                        *number++ = '\0';
                if (strcmp(*line, name) == 0 && (number == NULL || g_ascii_strtoull(number, NULL, 10) == count))
                        return act(name, action, file, error);
        }
        return true;
}

#else
/* ISO C wants a translation unit to hold something. */
typedef int sc_no_failpoints;
#endif
