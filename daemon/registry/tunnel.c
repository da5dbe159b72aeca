/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tunnel.h"

#include <gio/gio.h>
#include <stdbool.h>

#define SC_TYPE_TUNNEL (sc_tunnel_get_type())
G_DECLARE_FINAL_TYPE(ScTunnel, sc_tunnel, SC, TUNNEL, GObject)

struct _ScTunnel {
        GObject parent;
};

static void implement(GProxyInterface *interface);
G_DEFINE_FINAL_TYPE_WITH_CODE(ScTunnel, sc_tunnel, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE(G_TYPE_PROXY, implement))

static GProxy *real_proxy(GProxyAddress *address)
{
        bool https = g_str_equal(g_proxy_address_get_protocol(address), SC_TUNNEL_HTTPS);
        return g_proxy_get_default_for_protocol(https ? "https" : "http");
}

static GIOStream *tunnel_connect(GProxy *proxy, GIOStream *connection, GProxyAddress *address, GCancellable *cancellable,
                                 GError **error)
{
        g_autoptr(GProxy) real = real_proxy(address);
        return g_proxy_connect(real, connection, address, cancellable, error);
}

static void on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
        g_autoptr(GTask) task = data;
        GError *problem = NULL;
        GIOStream *stream = g_proxy_connect_finish(G_PROXY(source), result, &problem);
        if (stream != NULL)
                g_task_return_pointer(task, stream, g_object_unref);
        else
                g_task_return_error(task, problem);
}

static void tunnel_connect_async(GProxy *proxy, GIOStream *connection, GProxyAddress *address, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer data)
{
        g_autoptr(GProxy) real = real_proxy(address);
        GTask *task = g_task_new(proxy, cancellable, callback, data);
        g_proxy_connect_async(real, connection, address, cancellable, on_connected, task);
}

static GIOStream *tunnel_connect_finish(GProxy *proxy, GAsyncResult *result, GError **error)
{
        return g_task_propagate_pointer(G_TASK(result), error);
}

static gboolean tunnel_supports_hostname(GProxy *proxy)
{
        return TRUE;
}

static void implement(GProxyInterface *interface)
{
        interface->connect = tunnel_connect;
        interface->connect_async = tunnel_connect_async;
        interface->connect_finish = tunnel_connect_finish;
        interface->supports_hostname = tunnel_supports_hostname;
}

static void sc_tunnel_class_init(ScTunnelClass *class)
{
}

static void sc_tunnel_init(ScTunnel *tunnel)
{
}

void sc_tunnel_register(void)
{
        static gsize done;
        if (!g_once_init_enter(&done))
                return;
        /* GIO has its own first. */
        g_autoptr(GProxy) first G_GNUC_UNUSED = g_proxy_get_default_for_protocol("http");
        g_io_extension_point_implement(G_PROXY_EXTENSION_POINT_NAME, SC_TYPE_TUNNEL, SC_TUNNEL_HTTP, 0);
        g_io_extension_point_implement(G_PROXY_EXTENSION_POINT_NAME, SC_TYPE_TUNNEL, SC_TUNNEL_HTTPS, 0);
        g_once_init_leave(&done, 1);
}
