/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The project's error domain, and the one way to raise, translate and prefix errors.
 *
 * Every function that can fail returns bool (or a pointer) and takes GError **error last. Expected conditions are part of
 * a function's contract and are handled by its caller; everything else propagates. An error's message says what failed, on
 * which object, and what the user can do. */

#include <glib.h>
#include <stdbool.h>

/* Few codes, those that a client can act on. Each maps to the D-Bus error org.sysconsd1.Error.CODE. */
typedef enum {
        SC_ERROR_NOT_FOUND,
        SC_ERROR_EXISTS,
        SC_ERROR_BUSY,
        SC_ERROR_ACCESS_DENIED,
        SC_ERROR_INVALID_REFERENCE,
        SC_ERROR_INVALID_ARGUMENT,
        SC_ERROR_VERIFY_FAILED,
        SC_ERROR_NETWORK,
        SC_ERROR_NO_SPACE,
        SC_ERROR_UNSUPPORTED,
        SC_ERROR_CORRUPT,
        SC_ERROR_CANCELLED,
        SC_ERROR_FAILED,
} ScError;

#define SC_ERROR (sc_error_quark())
GQuark sc_error_quark(void);

/* "NotFound", "Exists" ...: the last part of the D-Bus error name and the `code` of the worker's error message. */
const char *sc_error_to_string(ScError code);
/* False for an unknown word; *ret is then untouched. */
bool sc_error_from_string(const char *word, ScError *ret);

/* Set *error and return false, so that a caller can `return sc_throw(error, ...)`. */
bool sc_throw(GError **error, ScError code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The same from errno, whose text is appended: "FORMAT: No space left on device". ENOENT becomes NotFound, ENOSPC and
 * EDQUOT NoSpace, EEXIST Exists, all others Failed. Reads errno on entry. */
bool sc_throw_errno(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* True where a system call was refused for what this process lacks just now (memory, descriptors): it says nothing
 * about what was looked at. sc_throw_errno() notes the number, sc_prefix() keeps it; no error of another domain has one. */
bool sc_errno_is_passing(int error_number);
bool sc_error_is_passing(const GError *error);

/* Prefix the error in *error ("FORMAT: old message"), and translate a foreign domain into SC_ERROR: G_IO_ERROR_CANCELLED
 * becomes Cancelled, G_IO_ERROR_NO_SPACE NoSpace, G_IO_ERROR_NOT_FOUND NotFound, all others Failed; a code of our own is
 * kept. Returns false. To be used where an error of a library crosses into ours. */
bool sc_prefix(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* True and sets Cancelled if the operation was cancelled; NULL is never cancelled. */
typedef struct _GCancellable GCancellable;
bool sc_cancelled(GCancellable *cancellable, GError **error);

/* They say at the call what a compiler cannot see, so that it does not warn of results that only success sets. */
static inline bool sc_always_false(bool thrown)
{
        return false;
}
#define sc_throw(...) sc_always_false(sc_throw(__VA_ARGS__))
#define sc_throw_errno(...) sc_always_false(sc_throw_errno(__VA_ARGS__))
#define sc_prefix(...) sc_always_false(sc_prefix(__VA_ARGS__))
