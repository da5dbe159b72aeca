/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/reply.h"
#include "base/journal.h"
#include <errno.h>
#include <stdarg.h>

char *sc_bus_error_name(const GError *error)
{
        ScError code = error->domain == SC_ERROR ? (ScError)error->code : SC_ERROR_FAILED;
        return g_strconcat(SC_BUS_ERROR_PREFIX, sc_error_to_string(code), NULL);
}

int sc_bus_reply_error(sd_bus_message *call, const GError *error)
{
        g_autofree char *name = sc_bus_error_name(error);
        return sd_bus_reply_method_errorf(call, name, "%s", error->message);
}

void sc_bus_complain(int priority, const char *what, const char *message)
{
        g_autofree char *line = g_strdup_printf("%s: %s", what, message);
        sc_journal(priority, line, NULL);
}

bool sc_bus_throw(GError **error, int r, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        errno = -r;
        return sc_throw_errno(error, "%s", text);
}
