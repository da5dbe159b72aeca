/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signature-gpg.h"

#include "base/error.h"
#include "base/path.h"
#include "signature.h"
#include <errno.h>
#include <gpgme.h>
#include <unistd.h>

struct ScGpg {
        char *home;
        gpgme_ctx_t context;
};

/* ---- gpgme's data ---- */

static gpgme_data_t data_of(GBytes *bytes)
{
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);
        gpgme_data_t result = NULL;
        return gpgme_data_new_from_mem(&result, data != NULL ? data : "", size, 0) == 0 ? result : NULL;
}

/* A signed message is packed, and may become much larger than it was. */
static ssize_t take(void *handle, const void *buffer, size_t size)
{
        GByteArray *text = handle;
        if (text->len + size > SC_SIGNATURE_MAX_SIZE) {
                errno = EFBIG;
                return -1;
        }
        g_byte_array_append(text, buffer, (guint)size);
        return (ssize_t)size;
}

/* ---- the keys ---- */

static bool gpg_throw(GError **error, gpgme_error_t problem, const char *what)
{
        char text[256];
        gpgme_strerror_r(problem, text, sizeof text);
        return sc_throw(error, SC_ERROR_FAILED, "%s: %s (%s)", what, text, gpgme_strsource(problem));
}

static bool import(ScGpg *gpg, GBytes *keys, GError **error)
{
        gpgme_data_t data = data_of(keys);
        if (data == NULL)
                return sc_throw(error, SC_ERROR_FAILED, "Cannot hand keys to gpg");
        gpgme_error_t problem = gpgme_op_import(gpg->context, data);
        gpgme_data_release(data);
        if (gpgme_err_code(problem) == GPG_ERR_NO_DATA)
                return sc_throw(error, SC_ERROR_CORRUPT, "There is no OpenPGP key in it");
        if (problem != 0)
                return gpg_throw(error, problem, "gpg cannot read the keys");
        gpgme_import_result_t result = gpgme_op_import_result(gpg->context);
        return (result->considered > 0 && result->imported + result->unchanged > 0) ||
               sc_throw(error, SC_ERROR_CORRUPT, "There is no OpenPGP key in it");
}

static bool write_settings(const char *home, GError **error)
{
        static const char settings[] = "no-autostart\n"
                                       "no-auto-key-retrieve\n"
                                       "no-auto-check-trustdb\n"
                                       "trust-model always\n";
        g_autofree char *path = g_build_filename(home, "gpg.conf", NULL);
        g_autoptr(GError) local = NULL;
        return g_file_set_contents(path, settings, sizeof settings - 1, &local) ||
               sc_throw(error, SC_ERROR_FAILED, "Cannot make a folder for gpg: %s", local->message);
}

static bool open_context(ScGpg *gpg, GError **error)
{
        g_autoptr(GError) local = NULL;
        gpg->home = g_dir_make_tmp("sysconsd-gpg-XXXXXX", &local);
        if (gpg->home == NULL)
                return sc_throw(error, SC_ERROR_FAILED, "Cannot make a folder for gpg: %s", local->message);
        if (!write_settings(gpg->home, error))
                return false;
        gpgme_check_version(NULL);
        gpgme_error_t problem = gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP);
        if (problem == 0)
                problem = gpgme_new(&gpg->context);
        if (problem == 0)
                problem = gpgme_ctx_set_engine_info(gpg->context, GPGME_PROTOCOL_OpenPGP, NULL, gpg->home);
        if (problem != 0)
                return gpg_throw(error, problem, "gpg cannot be used; is the package gnupg (or gpg) installed?");
        gpgme_set_offline(gpg->context, 1);
        return true;
}

ScGpg *sc_gpg_new(GPtrArray *keys, GError **error)
{
        g_autoptr(ScGpg) gpg = g_new0(ScGpg, 1);
        if (!open_context(gpg, error))
                return NULL;
        for (guint i = 0; i < keys->len; i++)
                if (!import(gpg, keys->pdata[i], error))
                        return NULL;
        return g_steal_pointer(&gpg);
}

void sc_gpg_free(ScGpg *gpg)
{
        if (gpg == NULL)
                return;
        if (gpg->context != NULL)
                gpgme_release(gpg->context);
        if (gpg->home != NULL) {
                g_autofree char *parent = g_path_get_dirname(gpg->home), *name = g_path_get_basename(gpg->home);
                sc_autofd fd = sc_open_dir(parent, NULL);
                if (fd >= 0)
                        (void)sc_remove_tree(fd, name, NULL);
        }
        g_free(gpg->home);
        g_free(gpg);
}

/* ---- a signature ---- */

static const char *what_is_wrong(const struct _gpgme_signature *signature)
{
        switch (gpgme_err_code(signature->status)) {
        case GPG_ERR_NO_ERROR:
                return signature->wrong_key_usage || signature->validity == GPGME_VALIDITY_NEVER
                               ? "the key is not meant for signatures"
                               : NULL;
        case GPG_ERR_NO_PUBKEY:
                return "it was made with another key";
        case GPG_ERR_KEY_EXPIRED:
                return "the key has expired";
        case GPG_ERR_SIG_EXPIRED:
                return "the signature has expired";
        case GPG_ERR_CERT_REVOKED:
                return "the key was revoked";
        case GPG_ERR_BAD_SIGNATURE:
                return "what is signed was changed";
        default:
                return "gpg cannot verify it";
        }
}

/* gpg accepts more than a signed message in a file (other kinds of messages, several signatures), which only makes it less clear
 * what was signed by whom. */
static bool check_result(ScGpg *gpg, GError **error)
{
        gpgme_verify_result_t result = gpgme_op_verify_result(gpg->context);
        if (result == NULL || result->signatures == NULL || result->signatures->next != NULL)
                return sc_throw(error, SC_ERROR_VERIFY_FAILED, "It has not exactly one signature");
        const char *wrong = what_is_wrong(result->signatures);
        const char *key = result->signatures->fpr;
        return wrong == NULL || sc_throw(error, SC_ERROR_VERIFY_FAILED, "Key %s: %s", key != NULL ? key : "(unknown)", wrong);
}

static bool looks_binary(GBytes *message)
{
        gsize size;
        const guint8 *data = g_bytes_get_data(message, &size);
        return size > 0 && (data[0] & 0x80) != 0;
}

GBytes *sc_gpg_open(ScGpg *gpg, GBytes *message, GError **error)
{
        struct gpgme_data_cbs callbacks = {.write = take};
        g_autoptr(GByteArray) text = g_byte_array_new();
        gpgme_data_t plain = NULL;
        if (!looks_binary(message)) {
                sc_throw(error, SC_ERROR_VERIFY_FAILED, "It is no OpenPGP message");
                return NULL;
        }
        gpgme_data_t data = data_of(message);
        gpgme_error_t problem = data != NULL ? gpgme_data_new_from_cbs(&plain, &callbacks, text) : gpgme_error(GPG_ERR_ENOMEM);
        if (problem == 0)
                problem = gpgme_op_verify(gpg->context, data, NULL, plain);
        gpgme_data_release(data);
        gpgme_data_release(plain);
        if (problem != 0) {
                char reason[256];
                gpgme_strerror_r(problem, reason, sizeof reason);
                sc_throw(error, SC_ERROR_VERIFY_FAILED, "gpg cannot read it: %s", reason);
                return NULL;
        }
        return check_result(gpg, error) ? g_byte_array_free_to_bytes(g_steal_pointer(&text)) : NULL;
}
