/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a registry sends us (Location, the realm of a token service), and when it wants us back (Retry-After). */

#include "fuzz.h"

#include "registry/address.h"
#include "registry/trouble.h"

static void check_address(GUri *base, const char *text)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GUri) uri = sc_address_parse(base, text, &error);
        g_assert((uri == NULL) == (error != NULL));
        if (uri == NULL)
                return;
        const char *scheme = g_uri_get_scheme(uri);
        g_assert(g_str_equal(scheme, "http") || g_str_equal(scheme, "https"));
        g_assert(g_uri_get_host(uri)[0] != '\0' && g_uri_get_userinfo(uri) == NULL);
        g_autofree char *host = sc_trouble_host(uri);
        g_assert(host != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autoptr(GUri) base = g_uri_parse("https://registry.example/v2/a/blobs/b", SOUP_HTTP_URI_FLAGS, NULL);
        check_address(NULL, text);
        check_address(base, text);
        g_assert(sc_trouble_retry_after(text) >= 0);
        return 0;
}
