/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address.h"

#include "base/error.h"
#include "printable.h"

GUri *sc_address_parse(GUri *base, const char *text, GError **error)
{
        g_autoptr(GUri) uri = text != NULL ? g_uri_parse_relative(base, text, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
        bool http = uri != NULL && (g_str_equal(g_uri_get_scheme(uri), "https") || g_str_equal(g_uri_get_scheme(uri), "http"));
        if (!http || g_uri_get_host(uri) == NULL || g_uri_get_host(uri)[0] == '\0' || g_uri_get_userinfo(uri) != NULL) {
                g_autofree char *shown = sc_printable(text);
                sc_throw(error, SC_ERROR_NETWORK, "%s refers to '%s', which is no address to go on with",
                         base != NULL ? g_uri_get_host(base) : "It", shown);
                return NULL;
        }
        return g_steal_pointer(&uri);
}
