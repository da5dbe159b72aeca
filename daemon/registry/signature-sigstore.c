/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signature-sigstore.h"

#include "base/error.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static EVP_PKEY *read_key(GBytes *key, GError **error)
{
        gsize size;
        const void *data = g_bytes_get_data(key, &size);
        BIO *bio = size > 0 && size <= G_MAXINT ? BIO_new_mem_buf(data, (int)size) : NULL;
        EVP_PKEY *result = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
        ERR_clear_error();
        if (result == NULL)
                sc_throw(error, SC_ERROR_CORRUPT, "It is no public key in the PEM format");
        return result;
}

static bool verify(EVP_PKEY *key, GBytes *payload, GBytes *signature, GError **error)
{
        gsize text_size, size;
        const guchar *text = g_bytes_get_data(payload, &text_size), *bytes = g_bytes_get_data(signature, &size);
        int kind = EVP_PKEY_get_base_id(key);
        if (kind != EVP_PKEY_EC && kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "Its key is neither ECDSA nor RSA nor Ed25519");
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool good = context != NULL &&
                    EVP_DigestVerifyInit(context, NULL, kind == EVP_PKEY_ED25519 ? NULL : EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestVerify(context, bytes, size, text, text_size) == 1;
        EVP_MD_CTX_free(context);
        ERR_clear_error();
        return good || sc_throw(error, SC_ERROR_VERIFY_FAILED, "It was made with another key, or what is signed was changed");
}

bool sc_sigstore_verify(GBytes *key, GBytes *payload, GBytes *signature, GError **error)
{
        EVP_PKEY *parsed = read_key(key, error);
        bool ok = parsed != NULL && verify(parsed, payload, signature, error);
        EVP_PKEY_free(parsed);
        return ok;
}
