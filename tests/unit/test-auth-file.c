/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logins in files: whose is found for which repository. */
#include "base/auth-file.h"
#include "base/keyring.h"
#include "test.h"
#include <string.h>
#include <unistd.h>

#define PATH "/root/.config/containers/auth.json"

/* "u:host", "u:team", ... */
#define HOST "{\"auth\":\"dTpob3N0\"}"
#define TEAM "{\"auth\":\"dTp0ZWFt\"}"
#define APP "{\"auth\":\"dTphcHA=\"}"

static const struct {
        const char *text, *host, *repository;
        const char *login; /* as sc_login_to_text(); NULL: none */
        const char *helper, *server;
} found[] = {
        {"{\"auths\":{\"r:5000\":" HOST ",\"r:5000/team\":" TEAM ",\"r:5000/team/app\":" APP "}}", "r:5000", "team/app", "u:app"},
        {"{\"auths\":{\"r:5000\":" HOST ",\"r:5000/team\":" TEAM ",\"r:5000/team/app\":" APP "}}", "r:5000", "team/other",
         "u:team"},
        {"{\"auths\":{\"r:5000\":" HOST ",\"r:5000/team\":" TEAM "}}", "r:5000", "teams/app", "u:host"},
        {"{\"auths\":{\"r:5000\":" HOST ",\"r:5000/team\":" TEAM "}}", "r:5000", "", "u:host"},
        {"{\"auths\":{\"r:5000/team\":" TEAM "}}", "r:5000", "other", NULL},
        /* another port is another registry, and so is another name */
        {"{\"auths\":{\"r:5000\":" HOST "}}", "r:5001", "team/app", NULL},
        {"{\"auths\":{\"r\":" HOST "}}", "r:5000", "team/app", NULL},
        {"{\"auths\":{\"r.example\":" HOST "}}", "example", "app", NULL},
        {"{\"auths\":{\"r.example\":" HOST "}}", "r.example.org", "app", NULL},
        /* docker's own names */
        {"{\"auths\":{\"https://index.docker.io/v1/\":" HOST "}}", "docker.io", "library/busybox", "u:host"},
        {"{\"auths\":{\"index.docker.io\":" HOST "}}", "docker.io", "library/busybox", "u:host"},
        {"{\"auths\":{\"docker.io\":" APP ",\"https://index.docker.io/v1/\":" HOST "}}", "docker.io", "library/busybox", "u:app"},
        {"{\"auths\":{\"docker.io/library\":" TEAM ",\"docker.io\":" APP "}}", "docker.io", "library/busybox", "u:team"},
        {"{\"auths\":{\"https://r.example/v2/\":" HOST "}}", "r.example", "app", "u:host"},
        {"{\"auths\":{\"http://R.example\":" HOST "}}", "r.example", "app", "u:host"},
        /* tokens */
        {"{\"auths\":{\"r\":{\"auth\":\"PHRva2VuPjo=\",\"identitytoken\":\"abc\"}}}", "r", "app", "<token>:abc"},
        {"{\"auths\":{\"r\":{\"identitytoken\":\"abc\"}}}", "r", "app", "<token>:abc"},
        /* old docker's zeros; a password with colons */
        {"{\"auths\":{\"r\":{\"auth\":\"dTpob3N0AAAA\"}}}", "r", "app", "u:host"},
        {"{\"auths\":{\"r\":{\"auth\":\"dTphOmI6Yw==\"}}}", "r", "app", "u:a:b:c"},
        /* helpers */
        {"{\"credHelpers\":{\"r\":\"one\"},\"credsStore\":\"all\"}", "r", "app", NULL, "one", "r"},
        {"{\"auths\":{\"r\":" HOST "},\"credHelpers\":{\"r\":\"one\"}}", "r", "app", NULL, "one", "r"},
        {"{\"auths\":{\"r\":" HOST "},\"credHelpers\":{\"q\":\"one\"}}", "r", "app", "u:host"},
        {"{\"auths\":{\"r\":{}},\"credsStore\":\"all\"}", "r", "app", NULL, "all", "r"},
        {"{\"credsStore\":\"all\"}", "docker.io", "library/busybox", NULL, "all", "https://index.docker.io/v1/"},
        {"{\"credHelpers\":{\"r\":\"\"},\"credsStore\":\"all\"}", "r", "app", NULL},
        /* nothing */
        {"{}", "r", "app", NULL},
        {"", "r", "app", NULL},
        {" \n", "r", "app", NULL},
        {"{\"auths\":{\"q\":{\"auth\":\"%%%\"}}}", "r", "app", NULL},
};

START_TEST(finds_the_nearest)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScAuthFile) file = sc_auth_file_parse(found[_i].text, strlen(found[_i].text), PATH, &error);
        ck_assert_no_error(error);
        g_auto(ScLogin) login = {};
        g_auto(ScAuthHelper) helper = {};
        bool ok = sc_auth_file_find(file, found[_i].host, found[_i].repository, &login, &helper, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *text = sc_login_is_set(&login) ? sc_login_to_text(&login) : NULL;
        ck_assert_pstr_eq(text, found[_i].login);
        ck_assert_pstr_eq(helper.name, found[_i].helper);
        ck_assert_pstr_eq(helper.server, found[_i].server);
        if (text != NULL)
                ck_assert_str_eq(login.origin, PATH);
}
END_TEST

START_TEST(reads_dockercfg)
{
        const char *text = "{\"https://index.docker.io/v1/\":" HOST ",\"r/team\":" TEAM "}";
        g_autoptr(GError) error = NULL;
        g_autoptr(ScAuthFile) file = sc_auth_file_parse(text, strlen(text), "/root/.dockercfg", &error);
        ck_assert_no_error(error);
        g_auto(ScLogin) login = {}, none = {};
        g_auto(ScAuthHelper) helper = {};
        ck_assert(sc_auth_file_find(file, "docker.io", "library/busybox", &login, &helper, &error));
        ck_assert_str_eq(login.password, "host");
        /* Namespaces came later. */
        ck_assert(sc_auth_file_find(file, "r", "team/app", &none, &helper, &error));
        ck_assert(!sc_login_is_set(&none));
}
END_TEST

static const char *const bad_files[] = {"[]", "{\"auths\":[]}", "{\"credHelpers\":\"x\"}", "{\"credsStore\":{}}", "{", "auths"};

START_TEST(refuses_a_file)
{
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(sc_auth_file_parse(bad_files[_i], strlen(bad_files[_i]), PATH, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, PATH);
}
END_TEST

static const char *const bad_entries[] = {
        "{\"auths\":{\"r\":[]}}",
        "{\"auths\":{\"r\":{\"auth\":7}}}",
        "{\"auths\":{\"r\":{\"auth\":\"bm8gY29sb24=\"}}}",         /* no colon */
        "{\"auths\":{\"r\":{\"auth\":\"dTpsaW5lDQpvdGhlcg==\"}}}", /* two lines */
        "{\"auths\":{\"r\":{\"auth\":\"dTpob3N0AABh\"}}}",         /* a zero inside */
        "{\"auths\":{\"r\":{\"auth\":\"dTr/\"}}}",                 /* no UTF-8 */
        "{\"auths\":{\"r\":{\"identitytoken\":{}}}}",
        "{\"credHelpers\":{\"r\":\"../../bin/sh\"}}",
        "{\"credHelpers\":{\"r\":\"a b\"}}",
        "{\"credHelpers\":{\"r\":[]}}",
        "{\"credsStore\":\"$(id)\"}",
};

START_TEST(refuses_an_entry)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScAuthFile) file = sc_auth_file_parse(bad_entries[_i], strlen(bad_entries[_i]), PATH, &error);
        ck_assert_no_error(error);
        g_auto(ScLogin) login = {};
        g_auto(ScAuthHelper) helper = {};
        ck_assert(!sc_auth_file_find(file, "r", "app", &login, &helper, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, PATH);
        ck_assert(!sc_login_is_set(&login) && helper.name == NULL);
}
END_TEST

START_TEST(reads_an_answer)
{
        const ScAuthHelper helper = {.name = (char *)"x", .server = (char *)"r"};
        const char *good = "{\"ServerURL\":\"r\",\"Username\":\"me\",\"Secret\":\"a:b\"}\n";
        const char *token = "{\"ServerURL\":\"r\",\"Username\":\"<token>\",\"Secret\":\"abc\"}";
        const char *none = "credentials not found in native keychain\n", *colon = "{\"Username\":\"a:b\",\"Secret\":\"c\"}";
        g_auto(ScLogin) login = {}, identity = {}, nobody = {};
        g_autoptr(GError) error = NULL;
        ck_assert(sc_auth_helper_read(&helper, true, good, strlen(good), &login, &error));
        ck_assert_str_eq(login.user, "me");
        ck_assert_str_eq(login.password, "a:b");
        ck_assert_str_eq(login.origin, "docker-credential-x");
        ck_assert(sc_auth_helper_read(&helper, true, token, strlen(token), &identity, &error));
        ck_assert_str_eq(identity.identity_token, "abc");
        ck_assert_ptr_null(identity.password);
        ck_assert(sc_auth_helper_read(&helper, false, none, strlen(none), &nobody, &error));
        ck_assert(!sc_login_is_set(&nobody));
        ck_assert(!sc_auth_helper_read(&helper, false, good, strlen(good), &nobody, &error));
        ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "docker-credential-x");
        ck_assert_ptr_null(strstr(error->message, "a:b"));
        g_clear_error(&error);
        ck_assert(!sc_auth_helper_read(&helper, true, colon, strlen(colon), &nobody, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "docker-credential-x");
        g_clear_error(&error);
        ck_assert(!sc_auth_helper_read(&helper, true, none, strlen(none), &nobody, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "docker-credential-x");
}
END_TEST

static const char *const bad_logins[] = {"", "user", "user:", ":", "a:b\nc", "a\tb:c", "a:\xff"};

START_TEST(refuses_a_login)
{
        g_auto(ScLogin) login = {};
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_login_parse(bad_logins[_i], "the request", &login, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "the request");
        ck_assert(!sc_login_is_set(&login));
}
END_TEST

START_TEST(bounds_a_login)
{
        g_autofree char *filler = g_strnfill(SC_LOGIN_MAX_SIZE, 'x'), *text = g_strconcat("u:", filler, NULL);
        g_auto(ScLogin) login = {};
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_login_parse(text, "the request", &login, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "longer than");
        text[SC_LOGIN_MAX_SIZE] = '\0';
        g_clear_error(&error);
        ck_assert(sc_login_parse(text, "the request", &login, &error));
}
END_TEST

START_TEST(keeps_a_secret_in_memory)
{
        g_autoptr(GError) error = NULL;
        int fd = sc_secret_to_fd("u:secret", &error);
        ck_assert_no_error(error);
        char text[16] = "";
        ck_assert_int_eq(read(fd, text, sizeof(text) - 1), 8);
        ck_assert_str_eq(text, "u:secret");
        close(fd);
}
END_TEST

/* ---- several of them ---- */

static bool answer(gpointer data, const ScAuthHelper *helper, ScLogin *ret, GError **error)
{
        (*(int *)data)++;
        if (strcmp(helper->name, "none") == 0)
                return true;
        if (strcmp(helper->name, "broken") == 0)
                return sc_throw(error, SC_ERROR_ACCESS_DENIED, "it is broken");
        return sc_login_parse("helped:secret", "docker-credential-x", ret, error);
}

static void add(ScKeyring *keyring, const char *text, const char *path, ScKeyringHelpers helpers)
{
        g_autoptr(GError) error = NULL;
        ScAuthFile *file = sc_auth_file_parse(text, strlen(text), path, &error);
        ck_assert_no_error(error);
        sc_keyring_add_file(keyring, file, helpers);
}

static char *find(ScKeyring *keyring, const char *host, GError **error)
{
        g_auto(ScLogin) login = {};
        if (!sc_keyring_find(keyring, host, "team/app", &login, error))
                return NULL;
        return sc_login_is_set(&login) ? sc_login_to_text(&login) : g_strdup("none");
}

START_TEST(looks_through_all)
{
        int asked = 0;
        g_autoptr(ScKeyring) keyring = sc_keyring_new(answer, &asked);
        add(keyring, "{\"auths\":{\"a\":" HOST "},\"credHelpers\":{\"b\":\"none\",\"c\":\"x\"}}", "/first", SC_KEYRING_HELPERS_RUN);
        add(keyring, "{\"auths\":{\"a\":" TEAM ",\"b\":" TEAM ",\"c\":" TEAM ",\"d\":" TEAM "}}", "/second",
            SC_KEYRING_HELPERS_RUN);
        const ScLogin given = {.user = (char *)"own", .password = (char *)"one", .origin = (char *)"the request"};
        sc_keyring_give(keyring, "d", &given);
        const struct {
                const char *host, *login;
        } cases[] = {{"a", "u:host"}, {"b", "u:team"}, {"c", "helped:secret"}, {"d", "own:one"}, {"e", "none"}};
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *login = find(keyring, cases[i].host, &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(login, cases[i].login);
        }
        ck_assert_int_eq(asked, 2);
        ck_assert(!sc_keyring_has_certificates(NULL));
        ck_assert(!sc_keyring_has_certificates(keyring));
        g_autofree char *nobody = find(NULL, "a", NULL);
        ck_assert_str_eq(nobody, "none");
}
END_TEST

START_TEST(runs_nothing_for_others)
{
        int asked = 0;
        g_autoptr(ScKeyring) keyring = sc_keyring_new(answer, &asked);
        add(keyring, "{\"credHelpers\":{\"a\":\"x\"}}", "/theirs", SC_KEYRING_HELPERS_REFUSED);
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(find(keyring, "a", &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "docker-credential-x");
        ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(says_what_is_broken)
{
        int asked = 0;
        g_autoptr(ScKeyring) keyring = sc_keyring_new(answer, &asked);
        add(keyring, "{\"credHelpers\":{\"a\":\"broken\"}}", "/first", SC_KEYRING_HELPERS_RUN);
        add(keyring, "{\"auths\":{\"a\":" TEAM "}}", "/second", SC_KEYRING_HELPERS_RUN);
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(find(keyring, "a", &error));
        ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "broken");
}
END_TEST

/* Programs of the settings in front of the files, behind them, and in their place. */
static const struct {
        const char *stores;
        const char *host, *login; /* NULL: an error */
        int asked;
} stores[] = {
        {"", "a", "u:host", 0},
        {"", "z", "none", 0},
        {"containers-auth.json x", "a", "u:host", 0},
        {"containers-auth.json x", "z", "helped:secret", 1},
        {"x containers-auth.json", "a", "helped:secret", 1},
        {"none containers-auth.json", "a", "u:host", 1},
        {"none", "a", "none", 1},
        {"x", "a", "helped:secret", 1},
        /* Another's trouble is none as long as somebody knows. */
        {"broken containers-auth.json", "a", "u:host", 1},
        {"broken none x", "a", "helped:secret", 3},
        {"broken containers-auth.json", "z", NULL, 1},
        {"none broken", "a", NULL, 2},
};

typedef struct {
        int helpers; /* first: answer() counts it */
        int settings;
        const char *stores;
} Asked;

static bool say_stores(gpointer data, char ***ret, GError **error G_GNUC_UNUSED)
{
        Asked *asked = data;
        asked->settings++;
        *ret = g_strsplit(asked->stores, " ", -1);
        return true;
}

START_TEST(goes_by_the_settings)
{
        Asked asked = {.stores = stores[_i].stores};
        g_autoptr(ScKeyring) keyring = sc_keyring_new(answer, &asked);
        add(keyring, "{\"auths\":{\"a\":" HOST "}}", "/own", SC_KEYRING_HELPERS_RUN);
        add(keyring, "{\"auths\":{\"theirs\":" TEAM "}}", "/theirs", SC_KEYRING_HELPERS_REFUSED);
        sc_keyring_set_stores(keyring, say_stores);
        g_autoptr(GError) error = NULL;
        /* Who brings his own needs none of ours. */
        g_autofree char *theirs = find(keyring, "theirs", &error);
        ck_assert_str_eq(theirs, "u:team");
        ck_assert_int_eq(asked.settings, 0);
        for (int turn = 1; turn <= 2; turn++) {
                g_autofree char *login = find(keyring, stores[_i].host, &error);
                if (stores[_i].login == NULL) {
                        ck_assert_ptr_null(login);
                        ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "it is broken");
                        g_clear_error(&error);
                } else {
                        ck_assert_no_error(error);
                        ck_assert_str_eq(login, stores[_i].login);
                }
                ck_assert_int_eq(asked.helpers, turn * stores[_i].asked);
        }
        ck_assert_int_eq(asked.settings, 1);
}
END_TEST

static bool no_stores(gpointer data G_GNUC_UNUSED, char ***ret G_GNUC_UNUSED, GError **error)
{
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "/registries.conf:1: no");
}

START_TEST(cannot_read_the_settings)
{
        int asked = 0;
        g_autoptr(ScKeyring) keyring = sc_keyring_new(answer, &asked);
        add(keyring, "{\"auths\":{\"a\":" HOST "}}", "/own", SC_KEYRING_HELPERS_RUN);
        sc_keyring_set_stores(keyring, no_stores);
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(find(keyring, "a", &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "/registries.conf:1");
}
END_TEST

START_TEST(knows_the_places)
{
        g_unsetenv("REGISTRY_AUTH_FILE");
        g_unsetenv("XDG_CONFIG_HOME");
        g_unsetenv("DOCKER_CONFIG");
        g_autofree char *config = g_build_filename(g_get_home_dir(), ".config/containers/auth.json", NULL);
        g_autofree char *docker = g_build_filename(g_get_home_dir(), ".docker/config.json", NULL);
        g_autofree char *old = g_build_filename(g_get_home_dir(), ".dockercfg", NULL);
        g_auto(GStrv) places = sc_auth_file_places("/run/containers/0");
        ck_assert(g_strv_equal((const char *const *)places,
                               (const char *const[]){"/run/containers/0/auth.json", config, docker, old, NULL}));
        g_setenv("XDG_CONFIG_HOME", "/c", TRUE);
        g_setenv("DOCKER_CONFIG", "/d", TRUE);
        g_auto(GStrv) moved = sc_auth_file_places("/run/containers/0");
        ck_assert(g_strv_equal(
                (const char *const *)moved,
                (const char *const[]){"/run/containers/0/auth.json", "/c/containers/auth.json", "/d/config.json", old, NULL}));
        g_setenv("REGISTRY_AUTH_FILE", "/only", TRUE);
        g_auto(GStrv) only = sc_auth_file_places("/run/containers/0");
        ck_assert(g_strv_equal((const char *const *)only, (const char *const[]){"/only", NULL}));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("auth-file");
        TCase *tests = tcase_create("auth-file");
        tcase_add_loop_test(tests, finds_the_nearest, 0, G_N_ELEMENTS(found));
        tcase_add_test(tests, reads_dockercfg);
        tcase_add_loop_test(tests, refuses_a_file, 0, G_N_ELEMENTS(bad_files));
        tcase_add_loop_test(tests, refuses_an_entry, 0, G_N_ELEMENTS(bad_entries));
        tcase_add_test(tests, reads_an_answer);
        tcase_add_loop_test(tests, refuses_a_login, 0, G_N_ELEMENTS(bad_logins));
        tcase_add_test(tests, bounds_a_login);
        tcase_add_test(tests, keeps_a_secret_in_memory);
        tcase_add_test(tests, looks_through_all);
        tcase_add_test(tests, runs_nothing_for_others);
        tcase_add_test(tests, says_what_is_broken);
        tcase_add_loop_test(tests, goes_by_the_settings, 0, G_N_ELEMENTS(stores));
        tcase_add_test(tests, cannot_read_the_settings);
        tcase_add_test(tests, knows_the_places);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
