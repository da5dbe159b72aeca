/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/number.h"
#include "base/journal.h"
#include <syslog.h>

static char *number_path(void)
{
        const char *folder = g_getenv("RUNTIME_DIRECTORY");
        return folder != NULL ? g_build_filename(folder, "last-job", NULL) : NULL;
}

guint64 sc_job_number_load(void)
{
        g_autofree char *path = number_path();
        g_autofree char *text = NULL;
        guint64 number = 0;
        if (path != NULL && g_file_get_contents(path, &text, NULL, NULL))
                g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXUINT32, &number, NULL);
        return number;
}

void sc_job_number_store(guint64 number)
{
        g_autofree char *path = number_path();
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT "\n", number);
        g_autoptr(GError) error = NULL;
        if (path == NULL || g_file_set_contents(path, text, -1, &error))
                return;
        g_autofree char *line = g_strdup_printf("After a restart jobs may have numbers again that were given already: %s",
                                                error->message);
        sc_journal(LOG_WARNING, line, NULL);
}
