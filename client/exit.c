/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exit.h"
#include <stdarg.h>

GQuark sc_exit_quark(void)
{
        return g_quark_from_static_string("sc-exit");
}

bool sc_exit_throw(GError **error, ScExit code, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *message = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_set_error_literal(error, SC_EXIT, code, message);
        return false;
}

ScExit sc_exit_code(const GError *error)
{
        return error->domain == SC_EXIT ? (ScExit)error->code : SC_EXIT_FAILED;
}
