/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client against a real server that is broken on purpose (registry-server.py, whose table FAULTS says how). */
#include "registry-server.h"
#include "registry/fetch.h"
#include "registry/patience.h"
#include "registry/registry.h"
#include "test.h"
#include <fcntl.h>
#include <sys/wait.h>

/* What is pulled in spite of trouble. log: what the server must have seen, and how often. */
static const struct {
        const char *name;
        const char *log;
        guint times;
} good[] = {
        {"ok", "agent=sysconsd/", 4},
        {"ok", " range=- ", 4},
        {"made-up:index", "/manifests/sha256:", 1},
        {"cut-once", "range=bytes=700000- ", 1},
        {"stall-once", "range=bytes=700000- ", 1},
        {"refuse-range", "range=bytes=700000- ", 1},
        {"wrong-range", " range=- ", 5},
        {"said-gzip", "/blobs/", 3},
        {"500-then-ok", "/manifests/latest", 2},
        {"401-token", "GET /token", 1},
        {"401-token-once", "GET /token?uses=1", 4},
        {"redirect-other-host", "GET /elsewhere/", 3},
        {"unsatisfiable-range", " range=- ", 5},
        {"reset-once", "range=bytes=700000- ", 1},
        {"500-every-third", "GET ", 5},
};

START_TEST(pulls)
{
        if (!test_wants_row(good[_i].name))
                return;
        Server server = {};
        server_start(&server, NULL, NULL);
        server_is_to_do(&server, good[_i].name);
        g_autoptr(ScTransport) transport = registry_at(&server, "", good[_i].name, NULL);
        g_autoptr(GError) error = NULL;
        bool ok = pull(transport, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *log = server_log(&server);
        ck_assert_msg(count_in(log, good[_i].log) == good[_i].times, "%s: '%s' is not there %u times in\n%s", good[_i].name,
                      good[_i].log, good[_i].times, log);
        server_stop(&server);
}
END_TEST

/* What is refused. times: requests with "log" that were made; an error that cannot pass must not be tried again. */
static const struct {
        const char *name;
        ScError code;
        const char *message;
        const char *log;
        guint times;
} bad[] = {
        {"404", SC_ERROR_NOT_FOUND, "Image 127.0.0.1:", "GET /v2/404/manifests", 1},
        {"404", SC_ERROR_NOT_FOUND, "not found", "GET /v2/404/manifests", 1},
        {"ok:no-such-tag", SC_ERROR_NOT_FOUND, "no-such-tag not found", "GET ", 1},
        {"missing-blob", SC_ERROR_NOT_FOUND, "lacks the blob sha256:", "/blobs/", 1},
        {"403", SC_ERROR_ACCESS_DENIED, "403:latest (403)", "GET ", 1},
        {"401-basic", SC_ERROR_ACCESS_DENIED, "wants a login, and there is none for", "GET ", 1},
        {"401-always", SC_ERROR_ACCESS_DENIED, "(401)", "GET ", 3},
        {"401-huge-token", SC_ERROR_CORRUPT, "larger than 65536", "GET ", 2},
        {"401-stall-behind-huge-token", SC_ERROR_CORRUPT, "larger than 65536", "GET ", 2},
        {"401-bad-token", SC_ERROR_CORRUPT, "no usable token", "GET ", 2},
        {"401-plain-realm", SC_ERROR_NETWORK, "registry.invalid without TLS", "GET ", 1},
        {"500", SC_ERROR_NETWORK, "trouble of its own (500)", "GET ", 2},
        {"500", SC_ERROR_NETWORK, "(tried 2 times)", "GET ", 2},
        {"html-for-json", SC_ERROR_CORRUPT, "is that server a registry", "GET ", 1},
        {"huge-manifest", SC_ERROR_CORRUPT, "larger than 4194304 bytes", "GET ", 1},
        {"wrong-manifest", SC_ERROR_VERIFY_FAILED, "damaged on its way", "GET ", 1},
        {"wrong-manifest:index", SC_ERROR_VERIFY_FAILED, "", "GET ", 1},
        {"wrong-digest-header", SC_ERROR_VERIFY_FAILED, "says sha256:1111", "GET ", 1},
        {"wrong-digest", SC_ERROR_VERIFY_FAILED, "instead of sha256:", "/blobs/", 1},
        {"lying-length", SC_ERROR_VERIFY_FAILED, "has 7654321 instead of its", "/blobs/", 1},
        {"extra-bytes", SC_ERROR_VERIFY_FAILED, "has more instead", "/blobs/", 1},
        {"truncated", SC_ERROR_NETWORK, "(tried 2 times)", "range=bytes=700000-", 2},
        {"ends-early", SC_ERROR_NETWORK, "broke off the blob", "range=bytes=700000-", 2},
        {"refuse-range-truncated", SC_ERROR_NETWORK, "(tried 2 times)", "range=bytes=700000-", 2},
        {"stall", SC_ERROR_NETWORK, "sent nothing for too long", "range=bytes=700000-", 2},
        {"stall-headers", SC_ERROR_NETWORK, "sent nothing for too long", "GET ", 2},
        {"redirect-loop", SC_ERROR_NETWORK, "more than 10 times", "GET ", 11},
        {"redirect-nowhere", SC_ERROR_NETWORK, "refers to 'nothing'", "GET ", 1},
        {"redirect-file", SC_ERROR_NETWORK, "refers to 'file:///etc/passwd'", "GET ", 1},
        {"redirect-file-host", SC_ERROR_NETWORK, "refers to 'file://localhost/etc/passwd'", "GET ", 1},
        {"redirect-login", SC_ERROR_NETWORK, "no address to go on with", "GET ", 1},
        {"wrong-total", SC_ERROR_VERIFY_FAILED, "instead of its", "/blobs/", 3},
        {"changed", SC_ERROR_VERIFY_FAILED, "instead of sha256:", "range=bytes=700000-", 1},
        {"reset", SC_ERROR_NETWORK, "(tried 2 times)", "range=bytes=700000-", 2},
        {"trickle", SC_ERROR_NETWORK, "less than 1024 bytes a second", "/blobs/", 2},
        {"trickle-manifest", SC_ERROR_NETWORK, "less than 1024 bytes a second", "GET ", 2},
        {"closed", SC_ERROR_NETWORK, "(tried 2 times)", "GET ", 2},
        {"garbage", SC_ERROR_NETWORK, "", "GET ", 2},
        {"endless-headers", SC_ERROR_NETWORK, "", "GET ", 2},
        {"endless-continue", SC_ERROR_NETWORK, "", "GET ", 2},
        {"429-in-an-hour", SC_ERROR_NETWORK, "come again in 3600 s", "GET ", 1},
        {"html-token", SC_ERROR_CORRUPT, "not valid JSON", "GET ", 2},
        {"manifest-of-100-mb", SC_ERROR_CORRUPT, "larger than 4194304 bytes", "GET ", 1},
        {"deep-manifest", SC_ERROR_CORRUPT, "nested deeper than", "GET ", 1},
        /* who waits for its end waits in vain */
        {"stall-behind-huge-manifest", SC_ERROR_CORRUPT, "larger than 4194304 bytes", "GET ", 1},
        /* the login is for the registry, whoever else wishes for one */
        {"redirect-401", SC_ERROR_ACCESS_DENIED, "(401)", "GET ", 2},
};

START_TEST(refuses)
{
        if (!test_wants_row(bad[_i].name))
                return;
        Server server = {};
        server_start(&server, NULL, NULL);
        server_is_to_do(&server, bad[_i].name);
        g_autoptr(ScTransport) transport = registry_at(&server, "", bad[_i].name, NULL);
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!pull(transport, &error), "%s was pulled", bad[_i].name);
        ck_assert_error(error, bad[_i].code, bad[_i].message);
        ck_assert_ptr_nonnull(strstr(error->message, server.host));
        g_autofree char *log = server_log(&server);
        ck_assert_msg(count_in(log, bad[_i].log) == bad[_i].times, "%s: '%s' is not there %u times in\n%s", bad[_i].name,
                      bad[_i].log, bad[_i].times, log);
        server_stop(&server);
}
END_TEST

/* Seconds, or a date four seconds away, whose fraction is lost. */
static const struct {
        const char *name;
        const char *log; /* asked for twice */
} busy[] = {
        {"429-retry-after", "/manifests/latest"},
        {"503-retry-date", "/manifests/latest"},
        {"429-blob", "/blobs/"},
        {"429-token", "GET /token"},
        {"503-token", "GET /token"},
};

START_TEST(comes_again_when_told)
{
        if (!test_wants_row(busy[_i].name))
                return;
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", busy[_i].name, NULL);
        gint64 start = g_get_monotonic_time();
        g_autoptr(GError) error = NULL;
        bool ok = pull(transport, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_int_ge(g_get_monotonic_time() - start, 2 * G_TIME_SPAN_SECOND - G_TIME_SPAN_MILLISECOND);
        g_autofree char *log = server_log(&server);
        /* Of the three blobs one. */
        ck_assert_uint_eq(count_in(log, busy[_i].log), g_str_equal(busy[_i].log, "/blobs/") ? 4 : 2);
        server_stop(&server);
}
END_TEST

static char *port_of_request(const char *log, const char *part)
{
        const char *request = strstr(log, part);
        ck_assert_ptr_nonnull(request);
        const char *port = strstr(request, " from=");
        return g_strndup(port, strcspn(port, "\n"));
}

START_TEST(keeps_its_connection)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "401-token", NULL);
        g_autoptr(ScImageInfo) info = NULL;
        g_autoptr(GError) error = NULL;
        ck_assert(get_image(transport, &info, &error));
        g_autofree char *log = server_log(&server);
        g_autofree char *refused = port_of_request(log, "/manifests/"), *token = port_of_request(log, "/token"),
                        *config = port_of_request(log, "/blobs/");
        ck_assert_str_eq(token, refused);
        ck_assert_str_eq(config, refused);
        server_stop(&server);
}
END_TEST

START_TEST(asks_for_all_manifest_types)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "ok", NULL);
        g_autoptr(ScImageInfo) info = NULL;
        g_autoptr(GError) error = NULL;
        ck_assert(get_image(transport, &info, &error));
        g_autofree char *log = server_log(&server);
        ck_assert_ptr_nonnull(strstr(log, "application/vnd.oci.image.index.v1+json"));
        ck_assert_ptr_nonnull(strstr(log, "application/vnd.oci.image.manifest.v1+json"));
        ck_assert_ptr_nonnull(strstr(log, "application/vnd.docker.distribution.manifest.list.v2+json"));
        ck_assert_ptr_nonnull(strstr(log, "application/vnd.docker.distribution.manifest.v2+json"));
        server_stop(&server);
}
END_TEST

START_TEST(checks_a_manifest_against_the_digest_asked_for)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "ok", NULL);
        g_autoptr(GError) error = NULL;
        ScManifestText manifest = {};
        ck_assert(sc_transport_get_manifest(transport, NULL, 0, &manifest, NULL, &error));
        g_autofree char *digest = sc_digest_to_string(&manifest.digest);
        ScManifestText again = {};

        g_autofree char *by_digest = g_strdup_printf("ok@%s", digest);
        g_autoptr(ScTransport) right = registry_at(&server, "", by_digest, NULL);
        ck_assert(sc_transport_get_manifest(right, NULL, manifest.size, &again, NULL, &error));
        ck_assert_str_eq(again.text, manifest.text);
        sc_manifest_text_clear(&again);

        /* The reference's digest, an index's digest, an index's size. */
        g_autofree char *altered = g_strdup_printf("wrong-manifest@%s", digest);
        g_autoptr(ScTransport) wrong = registry_at(&server, "", altered, NULL);
        ck_assert(!sc_transport_get_manifest(wrong, NULL, 0, &again, NULL, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, digest);
        g_clear_error(&error);
        ck_assert(!sc_transport_get_manifest(wrong, &manifest.digest, 0, &again, NULL, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, digest);
        g_clear_error(&error);
        g_autofree char *exchanged = g_strdup_printf("other-manifest@%s", digest);
        g_autoptr(ScTransport) other = registry_at(&server, "", exchanged, NULL);
        ck_assert(!sc_transport_get_manifest(other, NULL, 0, &again, NULL, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "holds something else");
        g_clear_error(&error);
        ck_assert(!sc_transport_get_manifest(right, &manifest.digest, manifest.size + 1, &again, NULL, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "bytes instead of");
        ck_assert_ptr_null(again.text);
        sc_manifest_text_clear(&manifest);
        server_stop(&server);
}
END_TEST

/* It is held in memory: refused before it is asked for. */
START_TEST(bounds_a_configuration)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "ok", NULL);
        const ScDigest digest = {};
        g_autoptr(GError) error = NULL;
        char *config = NULL;
        ck_assert(!sc_transport_get_blob(transport, &digest, SC_CONFIG_MAX_SIZE + 1, &config, NULL, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "is too large");
        ck_assert_ptr_null(config);
        g_autofree char *log = NULL;
        ck_assert(!g_file_get_contents(server.log, &log, NULL, NULL) || log[0] == '\0');
        server_stop(&server);
}
END_TEST

START_TEST(says_that_nobody_listens)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "ok", NULL);
        server_end(&server);
        g_autoptr(GError) error = NULL;
        ck_assert(!pull(transport, &error));
        ck_assert_error(error, SC_ERROR_NETWORK, "is the registry running");
        ck_assert_error(error, SC_ERROR_NETWORK, server.host);
        ck_assert_error(error, SC_ERROR_NETWORK, "(tried 2 times)");
        server_free(&server);
}
END_TEST

/* ---- who asks ---- */

static void server_knows(Server *server, const char *user_and_password)
{
        g_auto(ScLogin) login = {};
        g_autoptr(GError) error = NULL;
        sc_login_parse(user_and_password, "/the/file", &login, &error);
        ck_assert_no_error(error);
        server->keyring = sc_keyring_new(NULL, NULL);
        sc_keyring_give(server->keyring, server->host, &login);
}

#define PASSWORD "tester:pass:word"
#define IDENTITY "<token>:refresh-me"

static const struct {
        const char *name, *login;
        bool tls;
        const char *logged; /* a part of the log; NULL: any */
} welcome[] = {
        {"basic/x", PASSWORD, false, "auth=Basic"},
        {"basic/x", PASSWORD, true, "auth=Basic"},
        {"login/x", PASSWORD, false, "account=tester range=- auth=Basic"},
        {"login/x", IDENTITY, false,
         "POST /token?login=1 form=client_id,grant_type,refresh_token,scope,service scope=['repository:login/x:pull']"},
        {"login-once/x", PASSWORD, false, NULL},
        {"login-once/x", IDENTITY, false, NULL},
        {"login-elsewhere/x", PASSWORD, false, NULL},
        {"two-challenges/x", NULL, false, "auth=Bearer"},
        {"401-greedy/x", NULL, false, "&scope=repository%3A401-greedy%2Fx%3Apull range"},
        {"honest/x", PASSWORD, false, NULL},
};

START_TEST(says_who_it_is)
{
        Server server = {};
        server_start(&server, welcome[_i].tls ? "--tls" : NULL, NULL);
        if (welcome[_i].tls)
                server_is_insecure(&server);
        if (welcome[_i].login != NULL)
                server_knows(&server, welcome[_i].login);
        g_autoptr(GError) error = NULL;
        ScTransport *registry = registry_at(&server, "", welcome[_i].name, NULL);
        bool ok = pull(registry, &error);
        sc_transport_free(registry);
        server_end(&server);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *log = server_log(&server);
        if (welcome[_i].logged != NULL)
                ck_assert_msg(strstr(log, welcome[_i].logged) != NULL, "%s is not in %s", welcome[_i].logged, log);
        ck_assert_ptr_null(strstr(log, "push"));
        ck_assert_ptr_null(strstr(log, "catalog"));
        /* Nobody is told who asks that does not want to know. */
        if (strcmp(welcome[_i].name, "honest/x") == 0)
                ck_assert_ptr_null(strstr(log, "auth=Basic"));
        sc_keyring_free(server.keyring);
        server_free(&server);
}
END_TEST

static const struct {
        const char *name, *login;
        ScError code;
        const char *message;
        guint requests; /* at most */
} turned_away[] = {
        {"basic/x", NULL, SC_ERROR_ACCESS_DENIED, "`sysconsctl login 127.0.0.1:", 1},
        {"basic/x", "tester:wrong", SC_ERROR_ACCESS_DENIED, "/the/file", 2},
        {"basic/x", IDENTITY, SC_ERROR_ACCESS_DENIED, "identity token (from /the/file)", 1},
        {"login/x", NULL, SC_ERROR_ACCESS_DENIED, "`sysconsctl login 127.0.0.1:", 2},
        {"login/x", "tester:wrong", SC_ERROR_ACCESS_DENIED, "/the/file", 2},
        {"login/x", "<token>:wrong", SC_ERROR_ACCESS_DENIED, "/the/file", 2},
        /* what is said at a token server is not carried to another host */
        {"login-redirect/x", PASSWORD, SC_ERROR_ACCESS_DENIED, "refuses the credentials", 3},
        {"login-redirect/x", IDENTITY, SC_ERROR_NETWORK, "redirects who brings it an identity token", 2},
        {"401-always/x", PASSWORD, SC_ERROR_ACCESS_DENIED, "/the/file", 4},
};

START_TEST(is_turned_away)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        if (turned_away[_i].login != NULL)
                server_knows(&server, turned_away[_i].login);
        g_autoptr(GError) error = NULL;
        ScTransport *registry = registry_at(&server, "", turned_away[_i].name, NULL);
        ck_assert(!pull(registry, &error));
        sc_transport_free(registry);
        server_end(&server);
        ck_assert_error(error, turned_away[_i].code, turned_away[_i].message);
        ck_assert_ptr_null(strstr(error->message, "wrong"));
        ck_assert_ptr_null(strstr(error->message, "pass:word"));
        g_autofree char *log = server_log(&server);
        guint requests = count_in(log, "\n");
        ck_assert_msg(requests <= turned_away[_i].requests, "%u requests: %s", requests, log);
        sc_keyring_free(server.keyring);
        server_free(&server);
}
END_TEST

START_TEST(shows_a_refused_login_once)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        server_knows(&server, "tester:wrong");
        ScTransport *registry = registry_at(&server, "", "basic/x", NULL);
        for (guint i = 0; i < 2; i++) {
                g_autoptr(GError) error = NULL;
                ck_assert(!pull(registry, &error));
                ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "/the/file");
        }
        sc_transport_free(registry);
        server_end(&server);
        g_autofree char *log = server_log(&server);
        /* without it, with it; and once more for the second pull, which has it from the first */
        ck_assert_uint_eq(count_in(log, "\n"), 3);
        sc_keyring_free(server.keyring);
        server_free(&server);
}
END_TEST

START_TEST(lets_no_password_out)
{
        /* The registry is spoken to by TLS, and names a token server that is not. */
        Server server = {};
        server_start(&server, "--tls", NULL);
        server_is_insecure(&server);
        server_knows(&server, PASSWORD);
        g_autoptr(GError) error = NULL;
        ScTransport *registry = registry_at(&server, "", "login-plain/x", NULL);
        ck_assert(!pull(registry, &error));
        sc_transport_free(registry);
        ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "nothing protects them");
        server_end(&server);
        sc_keyring_free(server.keyring);
        server_free(&server);
}
END_TEST

START_TEST(wants_a_registry_in_the_name)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScReference) reference = sc_reference_parse("busybox", &error);
        ck_assert_no_error(error);
        ScScope scope = {};
        ScConfig config = {.scope = &scope};
        ck_assert_ptr_null(sc_transport_new(&(ScTransportRequest){reference, &config, NULL}, &error));
        ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, "docker.io/busybox");
}
END_TEST

START_TEST(knows_where_docker_io_is)
{
        const struct {
                const char *text, *repository;
        } cases[] = {{"docker.io/busybox", "library/busybox"},
                     {"docker.io/grafana/grafana", "grafana/grafana"},
                     {"quay.io/etcd", "etcd"}};
        ScScope scope = {};
        ScConfig config = {.scope = &scope};
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(ScReference) reference = sc_reference_parse(cases[i].text, &error);
                ck_assert_no_error(error);
                g_autoptr(ScTransport)
                        transport = sc_transport_new(&(ScTransportRequest){.reference = reference, .config = &config}, &error);
                ck_assert_no_error(error);
                ScRegistry *registry = (ScRegistry *)transport;
                ck_assert_str_eq(registry->primary->repository, cases[i].repository);
                ck_assert_str_eq(sc_endpoint_host(registry->primary->endpoint), i < 2 ? "registry-1.docker.io" : "quay.io");
                /* A registry out there is spoken to by verified https, and nothing is tried first. */
                g_autoptr(ScHttp) http = sc_http_new();
                const char *base = sc_endpoint_base(registry->primary->endpoint, http, 0, NULL, &error);
                ck_assert_no_error(error);
                ck_assert(g_str_has_prefix(base, "https://"));
        }
}
END_TEST

START_TEST(trusts_only_whom_it_may)
{
        const struct {
                const char *reference, *uri;
                bool plain, unverified, login;
        } cases[] = {
                {"quay.io/etcd", "https://quay.io/token", false, false, true},
                {"quay.io/etcd", "https://auth.quay.io/token", false, false, true},
                {"quay.io/etcd", "http://quay.io/token", false, false},
                {"quay.io/etcd", "http://127.0.0.1:5001/token", true, false, true},
                {"quay.io/etcd", "http://localhost/token", true, false, true},
                {"quay.io/etcd", "http://[::1]:5001/token", true, false, true},
                {"quay.io/etcd", "http://localhost.example.org/token", false, false},
                {"quay.io/etcd", "https://lab.example.org:5000/", true, true, true},
                {"quay.io/etcd", "https://lab.example.org:5001/", false, false, true},
                {"quay.io/etcd", "https://LAB2.example.org/", true, true, true},
                {"quay.io/etcd", "http://lab2.example.org:80/", true, true, true},
                {"quay.io/etcd", "https://lab3.example.org/", true, true, true},
                {"quay.io/etcd", "http://lab3.example.org/", false, false},
                {"http:quay.io/etcd", "http://quay.io:5001/token", true, true, false},
                {"http:quay.io/etcd", "https://quay.io/token", true, true, false},
                {"http:quay.io/etcd", "http://auth.quay.io/token", false, false},
        };
        char *insecure[] = {(char *)"lab.example.org:5000", (char *)"lab2.example.org", (char *)"lab3.example.org:443", NULL};
        const ScConfig config = {.insecure_registries = insecure};
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(ScReference) reference = sc_reference_parse(cases[i].reference, &error);
                ck_assert_no_error(error);
                g_autoptr(GUri) uri = g_uri_parse(cases[i].uri, SOUP_HTTP_URI_FLAGS, &error);
                ck_assert_no_error(error);
                ScEndpoint *endpoint = sc_endpoint_new(
                        reference, reference->source == SC_SOURCE_REGISTRY ? SC_ENDPOINT_VERIFIED : SC_ENDPOINT_PLAIN, &config);
                ck_assert_msg(sc_endpoint_allows_plain(endpoint, uri) == cases[i].plain, "plain to %s", cases[i].uri);
                ck_assert_msg(sc_endpoint_allows_unverified(endpoint, uri) == cases[i].unverified, "unverified to %s",
                              cases[i].uri);
                ck_assert_msg(sc_endpoint_may_see_login(endpoint, uri) == cases[i].login, "password to %s", cases[i].uri);
                sc_endpoint_free(endpoint);
        }
}
END_TEST

START_TEST(lets_nobody_choose_who_gets_the_password)
{
        static const struct {
                const char *reference, *registry, *receiver;
                bool allowed;
        } cases[] = {
                {"quay.io/etcd", "https://quay.io/v2/", "https://auth.example.org/token", true},
                {"quay.io/etcd", "https://quay.io/v2/", "https://quay.io/v2/", true},
                {"quay.io/etcd", "https://quay.io/v2/", "http://127.0.0.1:5001/token", false},
                {"localhost:5000/etcd", "http://localhost:5000/v2/", "https://auth.example.org/token", true},
                {"http:lab.example.org/etcd", "http://lab.example.org/v2/", "https://auth.example.org/token", true},
                /* whoever is on the way there can say this */
                {"http:quay.io/etcd", "http://quay.io/v2/", "https://auth.example.org/token", false},
                {"http:quay.io/etcd", "https://quay.io/v2/", "https://auth.example.org/token", false},
                {"http:quay.io/etcd", "http://quay.io/v2/", "http://quay.io/v2/", false},
        };
        char *insecure[] = {(char *)"lab.example.org", NULL};
        const ScConfig config = {.insecure_registries = insecure};
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(ScReference) reference = sc_reference_parse(cases[i].reference, NULL);
                g_autoptr(GUri) registry = g_uri_parse(cases[i].registry, SOUP_HTTP_URI_FLAGS, NULL);
                g_autoptr(GUri) receiver = g_uri_parse(cases[i].receiver, SOUP_HTTP_URI_FLAGS, NULL);
                ScEndpoint *endpoint = sc_endpoint_new(
                        reference, reference->source == SC_SOURCE_REGISTRY ? SC_ENDPOINT_VERIFIED : SC_ENDPOINT_PLAIN, &config);
                ck_assert_msg(sc_endpoint_may_send_login(endpoint, registry, receiver) == cases[i].allowed, "%s to %s",
                              cases[i].registry, cases[i].receiver);
                sc_endpoint_free(endpoint);
        }
}
END_TEST

START_TEST(refuses_a_certificate_that_nobody_signed)
{
        Server server = {};
        server_start(&server, "--tls", NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "ok", NULL);
        g_autoptr(GError) error = NULL;
        ck_assert(!pull(transport, &error));
        ck_assert_error(error, SC_ERROR_NETWORK, "is not signed by an authority that this machine knows");
        ck_assert_error(error, SC_ERROR_NETWORK, server.host);
        g_autofree char *log = NULL;
        ck_assert_msg(!g_file_get_contents(server.log, &log, NULL, NULL) || log[0] == '\0', "a request was made all the same: %s",
                      log);
        server_stop(&server);
}
END_TEST

/* Called insecure by the configuration, or by the user. */
START_TEST(takes_any_certificate_where_told)
{
        Server server = {};
        server_start(&server, "--tls", NULL);
        if (_i == 0)
                server_is_insecure(&server);
        g_autoptr(ScTransport) transport = registry_at(&server, _i == 0 ? "" : "http:", "401-token", NULL);
        g_autoptr(GError) error = NULL;
        pull(transport, &error);
        ck_assert_no_error(error);
        g_autofree char *log = server_log(&server);
        ck_assert_uint_eq(count_in(log, "auth=Bearer"), 4);
        server_stop(&server);
}
END_TEST

START_TEST(does_not_follow_from_https_to_http)
{
        Server server = {};
        server_start(&server, "--tls", NULL);
        server_is_insecure(&server);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "redirect-plain-http", NULL);
        g_autoptr(GError) error = NULL;
        ck_assert(!pull(transport, &error));
        ck_assert_error(error, SC_ERROR_NETWORK, "plain http at localhost, which is refused");
        server_stop(&server);
}
END_TEST

START_TEST(speaks_plain_http_where_asked)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "http:", "ok", NULL);
        g_autoptr(GError) error = NULL;
        ck_assert(pull(transport, &error));
        ck_assert_no_error(error);
        server_stop(&server);
}
END_TEST

static ScBlob *open_first_layer(ScTransport *transport, GCancellable *cancellable)
{
        ScManifestText manifest = {};
        g_autoptr(GError) error = NULL;
        ck_assert(sc_transport_get_manifest(transport, NULL, 0, &manifest, NULL, &error));
        g_autoptr(ScImageInfo) info = sc_manifest_parse(manifest.text, manifest.size, &manifest.digest, 10, "manifest", &error);
        sc_manifest_text_clear(&manifest);
        ck_assert_no_error(error);
        ScLayerInfo *layer = g_ptr_array_index(info->layers, 0);
        return sc_transport_open_blob(transport, &layer->digest, layer->size, cancellable);
}

static void read_up_to_the_stall(ScBlob *blob)
{
        g_autoptr(GError) error = NULL;
        gssize total = 0;
        while (total < 2 * SC_BLOB_CHUNK) {
                const void *chunk;
                gssize n = sc_blob_read(blob, &chunk, &error);
                ck_assert_no_error(error);
                total += n;
        }
}

START_TEST(ends_a_stalled_blob_at_once)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        server.config->stall_timeout = 25;
        g_autoptr(ScTransport) transport = registry_at(&server, "", "stall", NULL);
        ScBlob *blob = open_first_layer(transport, NULL);
        read_up_to_the_stall(blob);
        gint64 start = g_get_monotonic_time();
        sc_blob_free(blob);
        ck_assert_int_lt(g_get_monotonic_time() - start, 20 * G_TIME_SPAN_SECOND);
        server_stop(&server);
}
END_TEST

static gpointer cancel_it(gpointer cancellable)
{
        g_cancellable_cancel(cancellable);
        return NULL;
}

START_TEST(cancels_a_stalled_blob)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        server.config->stall_timeout = 25;
        g_autoptr(ScTransport) transport = registry_at(&server, "", "stall", NULL);
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(ScBlob) blob = open_first_layer(transport, cancellable);
        read_up_to_the_stall(blob);
        GThread *thread = g_thread_new("cancel", cancel_it, cancellable);
        g_autoptr(GError) error = NULL;
        const void *chunk;
        while (sc_blob_read(blob, &chunk, &error) > 0)
                ;
        g_thread_join(thread);
        ck_assert_error(error, SC_ERROR_CANCELLED, "stopped");
        g_clear_error(&error);
        ck_assert_int_eq(sc_blob_read(blob, &chunk, &error), -1);
        ck_assert_error(error, SC_ERROR_CANCELLED, "stopped");
        server_stop(&server);
}
END_TEST

START_TEST(cancels_a_manifest)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        server.config->stall_timeout = 25;
        g_autoptr(ScTransport) transport = registry_at(&server, "", "stall-headers", NULL);
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        GThread *thread = g_thread_new("cancel", cancel_it, cancellable);
        g_autoptr(GError) error = NULL;
        ScManifestText manifest = {};
        ck_assert(!sc_transport_get_manifest(transport, NULL, 0, &manifest, cancellable, &error));
        g_thread_join(thread);
        ck_assert_error(error, SC_ERROR_CANCELLED, "stopped");
        server_stop(&server);
}
END_TEST

/* The cancelling thread is still at it when the one that waited goes on. */
static void go_on_cancelling(GCancellable *cancellable, gpointer data)
{
        g_usleep(G_USEC_PER_SEC / 10);
}

START_TEST(leaves_nothing_to_a_thread_that_is_still_cancelling)
{
        g_autoptr(ScHttp) http = sc_http_new();
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_signal_connect_after(cancellable, "cancelled", G_CALLBACK(go_on_cancelling), NULL);
        GThread *thread = g_thread_new("cancel", cancel_it, cancellable);
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_http_pause(http, 100 * G_TIME_SPAN_SECOND, cancellable, &error));
        ck_assert(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
        g_thread_join(thread);
        g_clear_error(&error);
        ck_assert(!sc_http_pause(http, 100 * G_TIME_SPAN_SECOND, cancellable, &error));
        ck_assert(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}
END_TEST

static gpointer cancel_a_little_later(gpointer cancellable)
{
        g_usleep((gulong)g_random_int_range(0, 400));
        g_cancellable_cancel(cancellable);
        g_object_unref(cancellable);
        return NULL;
}

static void start_to_cancel(GCancellable *cancellable)
{
        g_thread_unref(g_thread_new("cancel", cancel_a_little_later, g_object_ref(cancellable)));
}

/* Cancelled at any moment of an answer's arrival, also between that and its being taken. */
START_TEST(cancels_while_an_answer_arrives)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autofree char *uri = g_strdup_printf("http://%s/v2/ok/manifests/latest", server.host);
        g_autoptr(ScHttp) http = sc_http_new();
        guint taken = 0, cancelled = 0;
        for (guint i = 0; i < 400; i++) {
                g_autoptr(GCancellable) cancellable = g_cancellable_new();
                g_autoptr(GError) error = NULL;
                SoupMessage *message = soup_message_new("GET", uri);
                g_signal_connect_swapped(message, i % 2 == 0 ? "got-headers" : "starting", G_CALLBACK(start_to_cancel),
                                         cancellable);
                GInputStream *body = sc_http_send(http, message, 10 * G_TIME_SPAN_SECOND, cancellable, &error);
                taken += body != NULL;
                cancelled += error != NULL && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
                sc_http_release(http, &message, &body);
                sc_http_reset(http);
        }
        ck_assert_uint_eq(taken + cancelled, 400);
        server_stop(&server);
}
END_TEST

static gpointer pull_in_thread(gpointer transport)
{
        GError *error = NULL;
        pull(transport, &error);
        return error;
}

START_TEST(serves_several_threads)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "401-token", NULL);
        GThread *threads[4];
        for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
                threads[i] = g_thread_new("pull", pull_in_thread, transport);
        for (guint i = 0; i < G_N_ELEMENTS(threads); i++) {
                g_autoptr(GError) error = g_thread_join(threads[i]);
                ck_assert_no_error(error);
        }
        server_stop(&server);
}
END_TEST

typedef struct {
        gint chunks_read;
        guint reports;
        guint64 most_ahead; /* bytes that had come in and were not read */
        guint64 done;
} Watch;

static void watch_progress(gpointer data, const char *phase, guint64 done, guint64 total)
{
        Watch *watch = data;
        guint64 taken = (guint64)g_atomic_int_get(&watch->chunks_read) * SC_BLOB_CHUNK;
        watch->reports++;
        watch->done = done;
        if (done > taken)
                watch->most_ahead = MAX(watch->most_ahead, done - taken);
}

static void ignore_message(gpointer data, const char *line)
{
}

/* An OCI layout with nothing but one blob of zeros. */
static void make_layout(const char *folder, gsize size, ScDigest *ret_digest)
{
        g_autofree char *zeros = g_malloc0(size);
        sc_digest_of(zeros, size, ret_digest);
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(ret_digest, hex);
        g_autofree char *blobs = g_build_filename(folder, "big", "blobs", "sha256", NULL);
        g_autofree char *blob = g_build_filename(blobs, hex, NULL);
        g_autofree char *index = g_build_filename(folder, "big", "index.json", NULL);
        ck_assert_int_eq(g_mkdir_with_parents(blobs, 0755), 0);
        ck_assert(g_file_set_contents(blob, zeros, (gssize)size, NULL));
        ck_assert(g_file_set_contents(index, "{\"manifests\": []}", -1, NULL));
}

START_TEST(does_not_run_ahead_of_its_reader)
{
        enum { SIZE = 48 * 1024 * 1024, LIMIT = 4 * 1024 * 1024 };
        char *root = test_folder_new();
        ScDigest digest;
        make_layout(root, SIZE, &digest);
        g_autofree char *option = g_strconcat("--root=", root, NULL);
        Server server = {};
        server_start(&server, option, NULL);
        const ScReportSink sink = {.progress = watch_progress, .message = ignore_message};
        Watch watch = {};
        g_autoptr(ScReport) report = sc_report_new(&sink, &watch);
        sc_report_phase(report, "Pulling", SIZE);
        g_autoptr(ScTransport) transport = registry_at(&server, "", "big", report);
        ScBlob *blob = sc_transport_open_blob(transport, &digest, SIZE, NULL);
        g_autoptr(GError) error = NULL;
        const void *chunk;
        gssize n;
        while ((n = sc_blob_read(blob, &chunk, &error)) > 0) {
                /* A slow reader: an unbounded queue would hold all of it long before the next report. */
                g_atomic_int_inc(&watch.chunks_read);
                g_usleep(3000);
        }
        ck_assert_no_error(error);
        sc_blob_free(blob);
        ck_assert_int_eq(watch.chunks_read, SIZE / SC_BLOB_CHUNK);
        ck_assert_uint_gt(watch.reports, 3);
        ck_assert_uint_gt(watch.done, SIZE / 2);
        /* The queue, what is being received, and what the reader holds. */
        ck_assert_uint_le(watch.most_ahead, LIMIT + 2 * SC_BLOB_CHUNK);
        server_stop(&server);
        test_folder_remove(root);
}
END_TEST

START_TEST(gives_up_within_two_minutes)
{
        const ScConfig config = {.stall_timeout = 25, .attempts = 4};
        ScPatience patience;
        sc_patience_init(&patience, &config);
        gint64 start = patience.last_byte;
        ck_assert_int_eq(sc_patience_limit(&patience), 30 * G_TIME_SPAN_SECOND);
        patience.made = 1;
        ck_assert_int_eq(sc_patience_limit(&patience), 25 * G_TIME_SPAN_SECOND);
        /* 100 seconds of silence later there is less left than one more stall. */
        patience.last_byte = start - 100 * G_TIME_SPAN_SECOND;
        ck_assert_int_le(sc_patience_limit(&patience), 15 * G_TIME_SPAN_SECOND);
        patience.last_byte = start - 119 * G_TIME_SPAN_SECOND;
        g_autoptr(ScHttp) http = sc_http_new();
        g_autoptr(GError) problem = NULL;
        sc_patience_throw(&patience, &problem, "It broke");
        ck_assert(!sc_patience_again(&patience, http, NULL, &problem));
        ck_assert_error(problem, SC_ERROR_NETWORK, "It broke (tried 2 times)");
}
END_TEST

START_TEST(ends_half_a_handshake)
{
        Server server = {};
        server_start(&server, _i == 0 ? "--half-handshake=stall" : "--half-handshake=close", NULL);
        server_is_to_do(&server, "stall");
        g_autoptr(ScTransport) transport = registry_at(&server, "", "ok", NULL);
        g_autoptr(GError) error = NULL;
        gint64 start = g_get_monotonic_time();
        ck_assert(!pull(transport, &error));
        ck_assert_error(error, SC_ERROR_NETWORK, server.host);
        ck_assert_int_lt(g_get_monotonic_time() - start, 30 * G_TIME_SPAN_SECOND);
        server_stop(&server);
}
END_TEST

typedef struct {
        ScTransport *transport;
        const ScLayerInfo *layer;
} Puller;

static gpointer pull_blob(gpointer data)
{
        const Puller *puller = data;
        g_autoptr(ScBlob) blob = sc_transport_open_blob(puller->transport, &puller->layer->digest, puller->layer->size, NULL);
        return GINT_TO_POINTER(read_blob(blob, NULL) == (gint64)puller->layer->size);
}

/* Two layers at once are not faster than one. */
START_TEST(keeps_to_its_bandwidth)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        server.config->bandwidth_limit = 2000000;
        g_autoptr(ScTransport) transport = registry_at(&server, "", "ok", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScImageInfo) info = NULL;
        ck_assert(get_image(transport, &info, &error));
        Puller puller = {transport, info->layers->pdata[0]};
        gint64 start = g_get_monotonic_time();
        GThread *threads[] = {g_thread_new("one", pull_blob, &puller), g_thread_new("two", pull_blob, &puller)};
        for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
                ck_assert(GPOINTER_TO_INT(g_thread_join(threads[i])));
        gint64 least = (gint64)(2 * puller.layer->size * G_TIME_SPAN_SECOND / server.config->bandwidth_limit);
        ck_assert_int_ge(g_get_monotonic_time() - start, least * 9 / 10);
        server_stop(&server);
}
END_TEST

/* Silence counts, and what is waited for; a server that is quick enough on average may pause. */
START_TEST(measures_the_rate)
{
        const ScConfig config = {.stall_timeout = 25, .attempts = 4, .minimum_rate = 1000};
        ScPatience patience;
        sc_patience_init(&patience, &config);
        sc_patience_begin(&patience);
        sc_patience_advance(&patience, 1000000);
        for (guint i = 0; i < 10; i++)
                ck_assert(sc_patience_measure(&patience, 20 * G_TIME_SPAN_SECOND, i % 3 == 2 ? 100000 : 1));
        patience.waited = 0;
        patience.came = 0;
        for (guint i = 0; i < 4; i++)
                ck_assert(sc_patience_measure(&patience, 10 * G_TIME_SPAN_SECOND, 9000));
        ck_assert_uint_eq(patience.advanced, 1000000);
        ck_assert(!sc_patience_measure(&patience, 10 * G_TIME_SPAN_SECOND, 9000));
        ck_assert_uint_eq(patience.advanced, 0);
        const ScConfig any = {.stall_timeout = 25, .attempts = 4};
        sc_patience_init(&patience, &any);
        ck_assert(sc_patience_measure(&patience, 1000 * G_TIME_SPAN_SECOND, 1));
}
END_TEST

/* With little that is new, an attempt counts as failed; with much of it, counting starts anew. */
START_TEST(counts_attempts_without_progress)
{
        const ScConfig config = {.stall_timeout = 25, .attempts = 4};
        ScPatience patience;
        sc_patience_init(&patience, &config);
        g_autoptr(ScHttp) http = sc_http_new();
        const struct {
                gsize bytes;
                guint made;
        } cases[] = {{100, 1}, {100000, 0}};
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) problem = NULL;
                sc_patience_begin(&patience);
                sc_patience_advance(&patience, cases[i].bytes);
                sc_patience_throw(&patience, &problem, "It broke");
                gint64 start = g_get_monotonic_time();
                guint before = patience.made;
                ck_assert(sc_patience_again(&patience, http, NULL, &problem));
                ck_assert_ptr_null(problem);
                ck_assert_uint_eq(patience.made, cases[i].made);
                ck_assert_int_ge(g_get_monotonic_time() - start,
                                 ((gint64)1 << before) * G_TIME_SPAN_SECOND - G_TIME_SPAN_MILLISECOND);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("registry");
        TCase *tests = tcase_create("registry");
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, pulls, 0, G_N_ELEMENTS(good));
        tcase_add_loop_test(tests, refuses, 0, G_N_ELEMENTS(bad));
        tcase_add_loop_test(tests, comes_again_when_told, 0, G_N_ELEMENTS(busy));
        tcase_add_loop_test(tests, ends_half_a_handshake, 0, 2);
        tcase_add_test(tests, keeps_to_its_bandwidth);
        tcase_add_test(tests, measures_the_rate);
        tcase_add_test(tests, keeps_its_connection);
        tcase_add_test(tests, asks_for_all_manifest_types);
        tcase_add_test(tests, checks_a_manifest_against_the_digest_asked_for);
        tcase_add_test(tests, bounds_a_configuration);
        tcase_add_test(tests, says_that_nobody_listens);
        tcase_add_loop_test(tests, says_who_it_is, 0, G_N_ELEMENTS(welcome));
        tcase_add_loop_test(tests, is_turned_away, 0, G_N_ELEMENTS(turned_away));
        tcase_add_test(tests, shows_a_refused_login_once);
        tcase_add_test(tests, lets_no_password_out);
        tcase_add_test(tests, wants_a_registry_in_the_name);
        tcase_add_test(tests, knows_where_docker_io_is);
        tcase_add_test(tests, trusts_only_whom_it_may);
        tcase_add_test(tests, lets_nobody_choose_who_gets_the_password);
        tcase_add_test(tests, refuses_a_certificate_that_nobody_signed);
        tcase_add_loop_test(tests, takes_any_certificate_where_told, 0, 2);
        tcase_add_test(tests, does_not_follow_from_https_to_http);
        tcase_add_test(tests, speaks_plain_http_where_asked);
        tcase_add_test(tests, ends_a_stalled_blob_at_once);
        tcase_add_test(tests, cancels_a_stalled_blob);
        tcase_add_test(tests, cancels_a_manifest);
        tcase_add_test(tests, leaves_nothing_to_a_thread_that_is_still_cancelling);
        tcase_add_test(tests, serves_several_threads);
        tcase_add_test(tests, does_not_run_ahead_of_its_reader);
        tcase_add_test(tests, gives_up_within_two_minutes);
        tcase_add_test(tests, counts_attempts_without_progress);
        suite_add_tcase(suite, tests);
        TCase *arrival = tcase_create("arrival");
        tcase_set_timeout(arrival, 60);
        tcase_add_test(arrival, cancels_while_an_answer_arrives);
        suite_add_tcase(suite, arrival);
        return test_run(suite);
}
