/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways through proxies, and certificates for one host. */
#include "registry-server.h"
#include "registry/certs.h"
#include "registry/proxy.h"

/* ---- which proxy ---- */

static const struct {
        const char *no_proxy, *uri;
        bool direct;
} exceptions[] = {
        {"", "https://a.example", false},
        {"", "http://localhost:5000", true},
        {"", "http://127.9.9.9", true},
        {"", "http://[::1]:5000", true},
        {"*", "https://a.example", true},
        {"b.example, *", "https://a.example", true},
        {"a.example", "https://a.example", true},
        {"a.example", "https://A.Example:8443", true},
        {"a.example", "https://x.a.example", true},
        {"a.example", "https://xa.example", false},
        {".a.example", "https://a.example", false},
        {".a.example", "https://x.a.example", true},
        {"*.a.example", "https://a.example", false},
        {"*.a.example", "https://x.y.a.example", true},
        {"a.example:443", "https://a.example", true},
        {"a.example:443", "http://a.example", false},
        {"a.example:5000", "https://a.example:5000", true},
        {" b.example ,\ta.example ", "https://a.example", true},
        {"10.1.2.3", "http://10.1.2.3", true},
        {"10.1.2.3:80", "http://10.1.2.3", true},
        {"10.1.2.3:81", "http://10.1.2.3", false},
        {"10.0.0.0/8", "https://10.200.0.1:5000", true},
        {"10.0.0.0/8", "https://11.0.0.1", false},
        {"10.0.0.0/8", "https://ten.example", false},
        {"fd00::/8", "https://[fd12::1]:5000", true},
        {"[fd12::1]:5000", "https://[fd12::1]:5000", true},
        {"fd12::1", "https://[fd12::1]", true},
        {"[fd12::1]", "https://[fd12::2]", false},
        {"bad/net", "https://a.example", false},
        {",, ,", "https://a.example", false},
};

START_TEST(knows_exceptions)
{
        g_autoptr(ScProxies) proxies = sc_proxies_new("h.lan:1", "s.lan:2", exceptions[_i].no_proxy);
        g_autoptr(GError) error = NULL;
        g_autofree char *found = sc_proxies_find(proxies, exceptions[_i].uri, &error);
        ck_assert_no_error(error);
        const char *wanted = g_str_has_prefix(exceptions[_i].uri, "http:") ? "http://h.lan:1" : "tunnel-http://s.lan:2";
        ck_assert_msg(g_strcmp0(found, exceptions[_i].direct ? NULL : wanted) == 0, "NO_PROXY=%s %s: %s", exceptions[_i].no_proxy,
                      exceptions[_i].uri, found);
}
END_TEST

START_TEST(understands_proxies)
{
        static const struct {
                const char *text, *uri; /* NULL: it is none; "": there is none */
        } cases[] = {
                {"proxy.lan:3128", "http://proxy.lan:3128"},
                {"proxy", "http://proxy:80"},
                {"http://proxy.lan:3128/", "http://proxy.lan:3128"},
                {"https://proxy.lan", "https://proxy.lan:443"},
                {"http://me:s%40crt@proxy.lan:1", "http://me:s%40crt@proxy.lan:1"},
                {"socks5h://proxy.lan", "socks5://proxy.lan:1080"},
                {"http://[fd00::1]:3128", "http://[fd00::1]:3128"},
                {"", ""},
                {"ftp://me:secret@proxy.lan", NULL},
                {"http://", NULL},
                {"http://me:secret@", NULL},
                {"http://me:secret@proxy.lan:port", NULL},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(ScProxies) proxies = sc_proxies_new(cases[i].text, NULL, NULL);
                g_autoptr(GError) error = NULL;
                g_autofree char *found = sc_proxies_find(proxies, "http://a.example", &error);
                if (cases[i].uri == NULL) {
                        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "HTTP_PROXY");
                        ck_assert_ptr_null(strstr(error->message, "secret"));
                        continue;
                }
                ck_assert_no_error(error);
                ck_assert_msg(g_strcmp0(found != NULL ? found : "", cases[i].uri) == 0, "%s: %s", cases[i].text, found);
        }
}
END_TEST

/* ---- real ones ---- */

static ScTransport *far_registry(const Server *server, const char *source, const char *name)
{
        g_autofree char *text = g_strconcat(source, "registry.invalid:5000/", name, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScReference) reference = sc_reference_parse(text, &error);
        const ScTransportRequest request = {reference, server->config};
        ScTransport *transport = sc_transport_new(&request, &error);
        ck_assert_no_error(error);
        return transport;
}

static const struct {
        const char *option; /* of the registry */
        const char *user, *login;
        const char *log; /* of the proxy; NULL: nothing comes */
} ways[] = {
        {NULL, NULL, "", "GET http://registry.invalid:5000/v2/ok/manifests/latest"},
        {"--tls", NULL, "", "CONNECT registry.invalid:5000"},
        {NULL, "me:s@crt", "me:s%40crt@", "GET http://registry.invalid:5000/v2/ok/manifests/latest"},
        {"--tls", "me:s@crt", "me:s%40crt@", "CONNECT registry.invalid:5000"},
        {NULL, "me:s@crt", "me:wrong@", NULL},
        {"--tls", "me:s@crt", "me:wrong@", NULL},
        {"--tls", "me:s@crt", "", NULL},
};

START_TEST(goes_through_a_proxy)
{
        Server server = {}, proxy = {};
        server_start(&server, ways[_i].option, NULL);
        server_is_to_do(&server, "");
        g_autofree char *to = g_strconcat("--to=", server.host, NULL);
        g_autofree char *user = ways[_i].user != NULL ? g_strconcat("--user=", ways[_i].user, NULL) : NULL;
        server_run(&proxy, "proxy-server.py", to, user);
        g_autofree char *uri = g_strdup_printf("http://%s%s", ways[_i].login, proxy.host);
        g_setenv("HTTP_PROXY", uri, TRUE);
        g_setenv("HTTPS_PROXY", uri, TRUE);
        g_autoptr(ScTransport) transport = far_registry(&server, "http:", "ok");
        g_autoptr(GError) error = NULL;
        bool ok = pull(transport, &error);
        g_autofree char *log = server_log(&proxy);
        if (ways[_i].log != NULL) {
                ck_assert_no_error(error);
                ck_assert(ok);
                ck_assert_msg(strstr(log, ways[_i].log) != NULL, "%s", log);
                /* Nowhere else, and nobody is asked for a login that he has given. */
                g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
                for (char **line = lines; **line != '\0'; line++)
                        ck_assert_msg(strstr(*line, "registry.invalid:5000") != NULL, "%s", log);
        } else {
                ck_assert(!ok);
                ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "wants a login");
                ck_assert_ptr_null(strstr(error->message, "wrong"));
                ck_assert_ptr_null(strstr(log, "GET "));
        }
        server_stop(&server);
        server_stop(&proxy);
}
END_TEST

/* ---- certificates ---- */

static char *write_in(const char *folder, const char *name, const char *text)
{
        char *path = g_build_filename(folder, name, NULL);
        ck_assert(g_file_set_contents(path, text, -1, NULL));
        return path;
}

static void make_certificate(const char *folder, const char *certificate, const char *key)
{
        g_autofree char *out = g_build_filename(folder, certificate, NULL), *keyout = g_build_filename(folder, key, NULL);
        const char *argv[] = {"openssl", "req",   "-x509",    "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                              "-nodes",  "-subj", "/CN=test", "-days",   "2",  "-keyout",  keyout,
                              "-out",    out,     NULL};
        int status = -1;
        ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL,
                               &status, NULL));
        ck_assert_int_eq(status, 0);
}

START_TEST(reads_certificates)
{
        char *folder = test_folder_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(ScCerts) none = sc_certs_load_from("/nowhere", SC_CERTS_ALL, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_null(sc_certs_own(none));
        make_certificate(folder, "ca.crt", "other");
        make_certificate(folder, "client.cert", "client.key");
        g_autofree char *note G_GNUC_UNUSED = write_in(folder, "README", "not a certificate");
        g_autoptr(ScCerts) certs = sc_certs_load_from(folder, SC_CERTS_ALL, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_nonnull(sc_certs_own(certs));
        g_autofree char *ca_path = g_build_filename(folder, "ca.crt", NULL),
                        *own_path = g_build_filename(folder, "client.cert", NULL);
        g_autoptr(GTlsCertificate) ca = g_tls_certificate_new_from_file(ca_path, &error);
        g_autoptr(GTlsCertificate) own = g_tls_certificate_new_from_file(own_path, &error);
        ck_assert(sc_certs_vouch(certs, ca, NULL));
        ck_assert(!sc_certs_vouch(certs, own, NULL));
        ck_assert(!sc_certs_vouch(none, ca, NULL));
        ck_assert(!sc_certs_keeps_own_back(certs));
        ck_assert(!sc_certs_keeps_own_back(none));
        /* Who has no part in what we are: not even a broken key is of concern to him. */
        g_autofree char *key = write_in(folder, "client.key", "nonsense");
        ck_assert_ptr_null(sc_certs_load_from(folder, SC_CERTS_ALL, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, key);
        g_clear_error(&error);
        g_autoptr(ScCerts) authorities = sc_certs_load_from(folder, SC_CERTS_AUTHORITIES, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_null(sc_certs_own(authorities));
        ck_assert(sc_certs_keeps_own_back(authorities));
        ck_assert(sc_certs_vouch(authorities, ca, NULL));
        test_folder_remove(folder);
}
END_TEST

START_TEST(refuses_half_a_pair)
{
        static const struct {
                const char *file, *text, *message;
        } cases[] = {
                {"x.cert", "", "x.cert lacks its key"},
                {"x.key", "", "x.key lacks its certificate"},
                {"x.crt", "", "Cannot read the certificates of authorities in"},
                {"x.crt", "nonsense", "x.crt"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                char *folder = test_folder_new();
                g_autofree char *path = write_in(folder, cases[i].file, cases[i].text);
                g_autoptr(GError) error = NULL;
                ck_assert_ptr_null(sc_certs_load_from(folder, SC_CERTS_ALL, &error));
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, cases[i].message);
                ck_assert_ptr_nonnull(strstr(error->message, path));
                test_folder_remove(folder);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("proxy");
        TCase *tests = tcase_create("proxy");
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, knows_exceptions, 0, G_N_ELEMENTS(exceptions));
        tcase_add_test(tests, understands_proxies);
        tcase_add_loop_test(tests, goes_through_a_proxy, 0, G_N_ELEMENTS(ways));
        tcase_add_test(tests, reads_certificates);
        tcase_add_test(tests, refuses_half_a_pair);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
