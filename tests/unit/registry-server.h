/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A registry for tests (registry-server.py), and pulls from it. */

#include "registry/manifest.h"
#include "registry/registry.h"
#include "registry/transport.h"
#include "test.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
        GPid pid;
        int input; /* the server ends when this is closed */
        char *host;
        char *folder;
        char *log;
        ScConfig *config;
        ScRegistries *registries; /* NULL: none */
        ScKeyring *keyring;       /* NULL: nobody in particular asks */
} Server;

static G_GNUC_UNUSED char *read_line(int fd)
{
        g_autoptr(GString) line = g_string_new(NULL);
        char c;
        while (read(fd, &c, 1) == 1 && c != '\n')
                g_string_append_c(line, c);
        return g_string_free(g_steal_pointer(&line), FALSE);
}

static G_GNUC_UNUSED void server_run(Server *server, const char *program, const char *option, const char *argument)
{
        const char *srcdir = g_getenv("srcdir");
        g_autofree char *script = g_build_filename(srcdir != NULL ? srcdir : ".", "tests", "unit", program, NULL);
        server->folder = test_folder_new();
        server->log = g_build_filename(server->folder, "log", NULL);
        const char *argv[] = {"/usr/bin/python3", script, "--until-eof", "--log", server->log, option, argument, NULL};
        int output;
        g_autoptr(GError) error = NULL;
        bool ok = g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &server->pid,
                                           &server->input, &output, NULL, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *port = read_line(output);
        close(output);
        ck_assert_msg(port[0] != '\0', "the server did not start");
        server->host = g_strdup_printf("127.0.0.1:%s", port);
        g_autofree char *no_file = g_build_filename(server->folder, "none", NULL);
        server->config = sc_config_load(no_file, &error);
        ck_assert_no_error(error);
        server->config->stall_timeout = 20;
        server->config->attempts = 2;
}

/* root NULL: the server's made-up image. */
static G_GNUC_UNUSED void server_start(Server *server, const char *option, const char *root)
{
        server_run(server, "registry-server.py", option, root);
}

/* What stalls is waited out soon; with all else a busy machine may be silent for longer. Of what trickles some bytes have to come
 * in twice that time. */
static G_GNUC_UNUSED void server_is_to_do(Server *server, const char *fault)
{
        if (strstr(fault, "stall") != NULL)
                server->config->stall_timeout = 1;
        if (strstr(fault, "trickle") != NULL)
                server->config->stall_timeout = 3;
}

static G_GNUC_UNUSED void server_end(Server *server)
{
        close(server->input);
        ck_assert_int_eq(waitpid(server->pid, NULL, 0), server->pid);
}

static G_GNUC_UNUSED void server_free(Server *server)
{
        g_free(server->host);
        g_free(server->log);
        sc_config_free(server->config);
        test_folder_remove(server->folder);
}

static G_GNUC_UNUSED void server_stop(Server *server)
{
        server_end(server);
        server_free(server);
}

static G_GNUC_UNUSED void server_is_insecure(Server *server)
{
        g_strfreev(server->config->insecure_registries);
        server->config->insecure_registries = g_strsplit(server->host, " ", -1);
}

static G_NO_INLINE G_GNUC_UNUSED char *server_log(const Server *server)
{
        char *text = NULL;
        g_autoptr(GError) error = NULL;
        g_file_get_contents(server->log, &text, NULL, &error);
        ck_assert_no_error(error);
        return text;
}

static G_GNUC_UNUSED guint count_in(const char *text, const char *part)
{
        guint count = 0;
        for (const char *found = strstr(text, part); found != NULL; found = strstr(found + 1, part))
                count++;
        return count;
}

static G_GNUC_UNUSED ScTransport *registry_at(const Server *server, const char *source, const char *name, ScReport *report)
{
        g_autofree char *text = g_strdup_printf("%s%s/%s", source, server->host, name);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScReference) reference = sc_reference_parse(text, &error);
        ck_assert_no_error(error);
        ScTransport *transport = sc_transport_new(&(ScTransportRequest){reference, server->config, report,
                                                                        .registries = server->registries,
                                                                        .keyring = server->keyring},
                                                  &error);
        ck_assert_no_error(error);
        return transport;
}

static G_GNUC_UNUSED bool get_image(ScTransport *transport, ScImageInfo **ret, GError **error)
{
        ScManifestText manifest = {};
        if (!sc_transport_get_manifest(transport, NULL, 0, &manifest, NULL, error))
                return false;
        g_autofree char *what = g_strdup_printf("manifest of %s", ((ScRegistry *)transport)->image);
        ScManifestKind kind = SC_MANIFEST_IMAGE;
        ScDigest digest;
        guint64 size;
        bool ok = sc_manifest_kind(manifest.content_type, manifest.text, manifest.size, what, &kind, error);
        if (ok && kind == SC_MANIFEST_INDEX) {
                ok = sc_index_choose(manifest.text, manifest.size, what, &digest, &size, error);
                sc_manifest_text_clear(&manifest);
                ok = ok && sc_transport_get_manifest(transport, &digest, size, &manifest, NULL, error);
        }
        g_autoptr(ScImageInfo) info = ok ? sc_manifest_parse(manifest.text, manifest.size, &manifest.digest, 10, "manifest", error)
                                         : NULL;
        sc_manifest_text_clear(&manifest);
        g_autofree char *config = NULL;
        if (info == NULL || !sc_transport_get_blob(transport, &info->config, info->config_size, &config, NULL, error) ||
            !sc_manifest_add_config(info, config, info->config_size, "configuration", error))
                return false;
        *ret = g_steal_pointer(&info);
        return true;
}

/* -1: error. */
static G_GNUC_UNUSED gint64 read_blob(ScBlob *blob, GError **error)
{
        gint64 total = 0;
        for (;;) {
                const void *chunk;
                gssize n = sc_blob_read(blob, &chunk, error);
                if (n <= 0)
                        return n < 0 ? -1 : total;
                total += n;
        }
}

static G_GNUC_UNUSED bool pull(ScTransport *transport, GError **error)
{
        g_autoptr(ScImageInfo) info = NULL;
        if (!get_image(transport, &info, error))
                return false;
        ck_assert_uint_eq(info->layers->len, 2);
        for (guint i = 0; i < info->layers->len; i++) {
                ScLayerInfo *layer = g_ptr_array_index(info->layers, i);
                g_autoptr(ScBlob) blob = sc_transport_open_blob(transport, &layer->digest, layer->size, NULL);
                gint64 size = read_blob(blob, error);
                if (size < 0)
                        return false;
                ck_assert_int_eq(size, (gint64)layer->size);
        }
        return true;
}
