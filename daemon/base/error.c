/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <errno.h>
#include <gio/gio.h>

typedef struct {
        int number; /* errno, 0: it came of none */
} ScErrorPrivate;

static void sc_error_private_init(ScErrorPrivate *private)
{
        private->number = 0;
}

static void sc_error_private_copy(const ScErrorPrivate *from, ScErrorPrivate *to)
{
        *to = *from;
}

static void sc_error_private_clear(ScErrorPrivate *private G_GNUC_UNUSED)
{
}

G_DEFINE_EXTENDED_ERROR(ScError, sc_error)

static const char *const error_words[] = {
        [SC_ERROR_NOT_FOUND] = "NotFound",
        [SC_ERROR_EXISTS] = "Exists",
        [SC_ERROR_BUSY] = "Busy",
        [SC_ERROR_ACCESS_DENIED] = "AccessDenied",
        [SC_ERROR_INVALID_REFERENCE] = "InvalidReference",
        [SC_ERROR_INVALID_ARGUMENT] = "InvalidArgument",
        [SC_ERROR_VERIFY_FAILED] = "VerifyFailed",
        [SC_ERROR_NETWORK] = "Network",
        [SC_ERROR_NO_SPACE] = "NoSpace",
        [SC_ERROR_UNSUPPORTED] = "Unsupported",
        [SC_ERROR_CORRUPT] = "Corrupt",
        [SC_ERROR_CANCELLED] = "Cancelled",
        [SC_ERROR_FAILED] = "Failed",
};

const char *sc_error_to_string(ScError code)
{
        return (guint)code < G_N_ELEMENTS(error_words) ? error_words[code] : "Failed";
}

bool sc_error_from_string(const char *word, ScError *ret)
{
        for (guint i = 0; i < G_N_ELEMENTS(error_words); i++)
                if (g_strcmp0(word, error_words[i]) == 0) {
                        *ret = (ScError)i;
                        return true;
                }
        return false;
}

bool(sc_throw)(GError **error, ScError code, const char *format, ...)
{
        if (error == NULL)
                return false;
        va_list args;
        va_start(args, format);
        g_assert(*error == NULL);
        *error = g_error_new_valist(SC_ERROR, (gint)code, format, args);
        va_end(args);
        return false;
}

static ScError code_from_errno(int error_number)
{
        switch (error_number) {
        case ENOENT:
                return SC_ERROR_NOT_FOUND;
        case EEXIST:
                return SC_ERROR_EXISTS;
        case ENOSPC:
        case EDQUOT:
                return SC_ERROR_NO_SPACE;
        default:
                return SC_ERROR_FAILED;
        }
}

bool(sc_throw_errno)(GError **error, const char *format, ...)
{
        int error_number = errno;
        if (error == NULL)
                return false;
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        (void)sc_throw(error, code_from_errno(error_number), "%s: %s", what, g_strerror(error_number));
        sc_error_get_private(*error)->number = error_number;
        return false;
}

bool sc_errno_is_passing(int error_number)
{
        return error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE || error_number == EINTR;
}

bool sc_error_is_passing(const GError *error)
{
        return error->domain == SC_ERROR && sc_errno_is_passing(sc_error_get_private(error)->number);
}

static ScError code_of_foreign(const GError *error)
{
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                return SC_ERROR_CANCELLED;
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
                return SC_ERROR_NO_SPACE;
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) || g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return SC_ERROR_NOT_FOUND;
        return SC_ERROR_FAILED;
}

bool(sc_prefix)(GError **error, const char *format, ...)
{
        if (error == NULL || *error == NULL)
                return false;
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);

        g_autoptr(GError) old = g_steal_pointer(error);
        ScError code = old->domain == SC_ERROR ? (ScError)old->code : code_of_foreign(old);
        (void)sc_throw(error, code, "%s: %s", what, old->message);
        if (old->domain == SC_ERROR)
                *sc_error_get_private(*error) = *sc_error_get_private(old);
        return false;
}

bool sc_cancelled(GCancellable *cancellable, GError **error)
{
        if (cancellable == NULL || !g_cancellable_is_cancelled(cancellable))
                return false;
        sc_throw(error, SC_ERROR_CANCELLED, "The operation was cancelled");
        return true;
}
