/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* HTTP_PROXY, HTTPS_PROXY, NO_PROXY and the URI that is asked about, parted by zero bytes. */

#include "fuzz.h"

#include "registry/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const uris[] = {"https://registry.example:5000", "http://127.0.0.1", "https://[fe80::1%25a]:443", NULL};
        g_auto(GStrv) texts = fuzz_texts(data, size, 4);
        g_autoptr(ScProxies) proxies = sc_proxies_new(texts[0], texts[0] != NULL ? texts[1] : NULL,
                                                      texts[0] != NULL && texts[1] != NULL ? texts[2] : NULL);
        for (const char *const *uri = uris; *uri != NULL; uri++)
                g_free(sc_proxies_find(proxies, *uri, NULL));
        g_autoptr(GUri) given = g_strv_length(texts) == 4 ? g_uri_parse(texts[3], G_URI_FLAGS_NONE, NULL) : NULL;
        if (given != NULL && g_uri_get_host(given) != NULL)
                g_free(sc_proxies_find(proxies, texts[3], NULL));
        return 0;
}
