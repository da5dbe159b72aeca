/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy.h"

#include "base/error.h"
#include "base/proxy-variables.h"
#include "tunnel.h"
#include <string.h>

/* ---- which proxy ---- */

typedef struct {
        char *domain;           /* ".a.example"; NULL: an address */
        bool domain_itself;     /* a.example, too */
        GInetAddressMask *mask; /* NULL: a domain */
        int port;               /* 0: any */
} Exception;

struct ScProxies {
        char *http, *https;
        bool except_all;
        GPtrArray *exceptions;
};

static void exception_free(gpointer data)
{
        Exception *exception = data;
        g_free(exception->domain);
        g_clear_object(&exception->mask);
        g_free(exception);
}

/* Cuts :PORT off, and the brackets of an IPv6 address. */
static int take_port(char **text)
{
        char *colon = strrchr(*text, ':');
        bool bracket = **text == '[';
        bool port = colon != NULL && (bracket ? colon[-1] == ']' : strchr(*text, ':') == colon);
        guint64 number = 0;
        if (port && g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &number, NULL))
                *colon = '\0';
        gsize length = strlen(*text);
        if (bracket && length > 1 && (*text)[length - 1] == ']') {
                (*text)[length - 1] = '\0';
                (*text)++;
        }
        return (int)number;
}

static void add_exception(ScProxies *proxies, const char *entry)
{
        g_autofree char *copy = g_ascii_strdown(entry, -1);
        char *text = g_strstrip(copy);
        if (strcmp(text, "*") == 0) {
                proxies->except_all = true;
                return;
        }
        Exception *exception = g_new0(Exception, 1);
        g_ptr_array_add(proxies->exceptions, exception);
        if (strchr(text, '/') == NULL)
                exception->port = take_port(&text);
        exception->mask = g_inet_address_mask_new_from_string(text, NULL);
        if (exception->mask != NULL)
                return;
        if (g_str_has_prefix(text, "*."))
                text++;
        exception->domain_itself = text[0] != '.';
        exception->domain = g_strconcat(exception->domain_itself ? "." : "", text, NULL);
}

ScProxies *sc_proxies_new(const char *http, const char *https, const char *no_proxy)
{
        ScProxies *proxies = g_new0(ScProxies, 1);
        proxies->http = g_strdup(http);
        proxies->https = g_strdup(https);
        proxies->exceptions = g_ptr_array_new_with_free_func(exception_free);
        g_auto(GStrv) entries = g_strsplit(no_proxy != NULL ? no_proxy : "", ",", -1);
        for (char **entry = entries; *entry != NULL; entry++)
                if (strspn(*entry, " \t") < strlen(*entry))
                        add_exception(proxies, *entry);
        return proxies;
}

void sc_proxies_free(ScProxies *proxies)
{
        if (proxies == NULL)
                return;
        g_free(proxies->http);
        g_free(proxies->https);
        g_ptr_array_unref(proxies->exceptions);
        g_free(proxies);
}

static bool is_excepted_by(const Exception *exception, const char *host, GInetAddress *address, int port)
{
        if (exception->port != 0 && exception->port != port)
                return false;
        if (exception->mask != NULL)
                return address != NULL && g_inet_address_mask_matches(exception->mask, address);
        return g_str_has_suffix(host, exception->domain) || (exception->domain_itself && strcmp(host, exception->domain + 1) == 0);
}

static bool is_excepted(const ScProxies *proxies, const char *host, int port)
{
        g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
        if (strcmp(host, "localhost") == 0 || (address != NULL && g_inet_address_get_is_loopback(address)))
                return true;
        for (guint i = 0; i < proxies->exceptions->len; i++)
                if (is_excepted_by(proxies->exceptions->pdata[i], host, address, port))
                        return true;
        return proxies->except_all;
}

/* NULL: it is no proxy that can be used. */
static char *proxy_uri(const char *text, bool tunnel)
{
        static const struct {
                const char *scheme, *known_as, *tunnel;
                int port;
        } schemes[] = {{"http", "http", SC_TUNNEL_HTTP, 80},
                       {"https", "https", SC_TUNNEL_HTTPS, 443},
                       {"socks5", "socks5", "socks5", 1080},
                       {"socks5h", "socks5", "socks5", 1080}};
        g_autofree char *whole = strstr(text, "://") != NULL ? g_strdup(text) : g_strconcat("http://", text, NULL);
        g_autoptr(GUri) uri = g_uri_parse(whole, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_NON_DNS, NULL);
        if (uri == NULL || g_uri_get_host(uri) == NULL || g_uri_get_host(uri)[0] == '\0')
                return NULL;
        for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
                if (strcmp(g_uri_get_scheme(uri), schemes[i].scheme) == 0)
                        return g_uri_join_with_user(G_URI_FLAGS_HAS_PASSWORD, tunnel ? schemes[i].tunnel : schemes[i].known_as,
                                                    g_uri_get_user(uri), g_uri_get_password(uri), NULL, g_uri_get_host(uri),
                                                    g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : schemes[i].port, "", NULL,
                                                    NULL);
        return NULL;
}

char *sc_proxies_find(const ScProxies *proxies, const char *text, GError **error)
{
        g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NON_DNS, NULL);
        const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
        if (host == NULL)
                return NULL;
        bool http = strcmp(g_uri_get_scheme(uri), "http") == 0;
        const char *proxy = http ? proxies->http : proxies->https;
        int port = g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : http ? 80 : 443;
        g_autofree char *name = g_ascii_strdown(host, -1);
        if (proxy == NULL || proxy[0] == '\0' || is_excepted(proxies, name, port))
                return NULL;
        char *found = proxy_uri(proxy, !http);
        if (found == NULL)
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                         "%s in the environment of sysconsd is no proxy that can be used: write http://[USER:PASSWORD@]HOST:PORT",
                         http ? "HTTP_PROXY" : "HTTPS_PROXY");
        return found;
}

/* ---- for GIO ---- */

#define SC_TYPE_PROXY_RESOLVER (sc_proxy_resolver_get_type())
G_DECLARE_FINAL_TYPE(ScProxyResolver, sc_proxy_resolver, SC, PROXY_RESOLVER, GObject)

struct _ScProxyResolver {
        GObject parent;
        ScProxies *proxies;
};

static void implement(GProxyResolverInterface *interface);
G_DEFINE_FINAL_TYPE_WITH_CODE(ScProxyResolver, sc_proxy_resolver, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_PROXY_RESOLVER, implement))

static char **lookup(GProxyResolver *resolver, const char *uri, GCancellable *cancellable, GError **error)
{
        GError *problem = NULL;
        g_autofree char *proxy = sc_proxies_find(SC_PROXY_RESOLVER(resolver)->proxies, uri, &problem);
        if (problem != NULL) {
                g_propagate_error(error, problem);
                return NULL;
        }
        const char *const found[] = {proxy != NULL ? proxy : "direct://", NULL};
        return g_strdupv((char **)found);
}

static void lookup_async(GProxyResolver *resolver, const char *uri, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer data)
{
        g_autoptr(GTask) task = g_task_new(resolver, cancellable, callback, data);
        GError *problem = NULL;
        char **found = lookup(resolver, uri, cancellable, &problem);
        if (found == NULL)
                g_task_return_error(task, problem);
        else
                g_task_return_pointer(task, found, (GDestroyNotify)g_strfreev);
}

static char **lookup_finish(GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
        return g_task_propagate_pointer(G_TASK(result), error);
}

static gboolean is_supported(GProxyResolver *resolver)
{
        return TRUE;
}

static void implement(GProxyResolverInterface *interface)
{
        interface->is_supported = is_supported;
        interface->lookup = lookup;
        interface->lookup_async = lookup_async;
        interface->lookup_finish = lookup_finish;
}

static void finalize(GObject *object)
{
        sc_proxies_free(SC_PROXY_RESOLVER(object)->proxies);
        G_OBJECT_CLASS(sc_proxy_resolver_parent_class)->finalize(object);
}

static void sc_proxy_resolver_class_init(ScProxyResolverClass *class)
{
        G_OBJECT_CLASS(class)->finalize = finalize;
}

static void sc_proxy_resolver_init(ScProxyResolver *resolver)
{
}

/* Of a pair of names the first that is set. */
static const char *variable(guint pair)
{
        const char *value = g_getenv(sc_proxy_variables[2 * pair]);
        return value != NULL && value[0] != '\0' ? value : g_getenv(sc_proxy_variables[2 * pair + 1]);
}

GProxyResolver *sc_proxy_resolver_new(void)
{
        sc_tunnel_register();
        ScProxyResolver *resolver = g_object_new(SC_TYPE_PROXY_RESOLVER, NULL);
        resolver->proxies = sc_proxies_new(variable(0), variable(1), variable(2));
        return G_PROXY_RESOLVER(resolver);
}
