/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

enum { MAX_FIELDS = 18 };

void sc_journal(int priority, const char *message, ...)
{
        g_auto(GStrv) texts = g_new0(char *, MAX_FIELDS + 1);
        struct iovec fields[MAX_FIELDS];
        int n = 0;
        texts[n++] = g_strconcat("MESSAGE=", message, NULL);
        texts[n++] = g_strdup_printf("PRIORITY=%d", priority);

        va_list args;
        va_start(args, message);
        for (const char *field; n < MAX_FIELDS && (field = va_arg(args, const char *)) != NULL;) {
                const char *value = va_arg(args, const char *);
                if (value != NULL)
                        texts[n++] = g_strconcat(field, "=", value, NULL);
        }
        va_end(args);

        for (int i = 0; i < n; i++)
                fields[i] = (struct iovec){.iov_base = texts[i], .iov_len = strlen(texts[i])};
        if (sd_journal_sendv(fields, n) < 0)
                fprintf(stderr, "<%d>%s\n", priority, message);
}
