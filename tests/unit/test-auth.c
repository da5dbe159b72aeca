/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry/auth.h"
#include "registry/printable.h"
#include "test.h"
#include <string.h>

static const struct {
        const char *header, *realm, *service;
        ScChallengeScheme scheme;
} challenges[] = {
        {"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:library/busybox:pull\"",
         "https://auth.docker.io/token", "registry.docker.io", SC_CHALLENGE_BEARER},
        {"bearer REALM=\"https://a\"", "https://a", NULL, SC_CHALLENGE_BEARER},
        {"Bearer realm=token", "token", NULL, SC_CHALLENGE_BEARER},
        {"Bearer  realm = \"https://a\" , service= \"s\"", "https://a", "s", SC_CHALLENGE_BEARER},
        {"Basic realm=\"x\", Bearer realm=\"https://a\",scope=\"b c\"", "https://a", NULL, SC_CHALLENGE_BEARER},
        {"Negotiate, Bearer realm=\"https://a\"", "https://a", NULL, SC_CHALLENGE_BEARER},
        {"Negotiate oYIBqz==, Bearer realm=\"https://a\"", "https://a", NULL, SC_CHALLENGE_BEARER},
        {"Bearer realm=\"https://a\", Basic realm=\"x\"", "https://a", NULL, SC_CHALLENGE_BEARER},
        {", ,Bearer realm=\"https://a\\\"b\",,", "https://a\"b", NULL, SC_CHALLENGE_BEARER},
        {"Bearer error=\"insufficient_scope\",realm=\"https://a\",realm=\"https://second\"", "https://a", NULL,
         SC_CHALLENGE_BEARER},
        {"Bearer realm=\"https://a, Basic realm=\\\"b\\\"\"", "https://a, Basic realm=\"b\"", NULL, SC_CHALLENGE_BEARER},
        {"Basic realm=\"x\"", "x", NULL, SC_CHALLENGE_BASIC},
        {"basic", NULL, NULL, SC_CHALLENGE_BASIC},
        {"Basic realm=\"x\", Digest realm=\"y\",nonce=\"z\"", "x", NULL, SC_CHALLENGE_BASIC},
        {"Digest realm=\"y\", Basic realm=\"x\", Basic realm=\"z\"", "x", NULL, SC_CHALLENGE_BASIC},
        /* a Bearer challenge that names no server is none */
        {"Bearer service=\"x\", Basic realm=\"x\"", "x", NULL, SC_CHALLENGE_BASIC},
};

START_TEST(reads_a_challenge)
{
        g_auto(ScChallenge) challenge = {};
        g_autoptr(GError) error = NULL;
        bool ok = sc_challenge_parse(challenges[_i].header, &challenge, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_pstr_eq(challenge.realm, challenges[_i].realm);
        ck_assert_pstr_eq(challenge.service, challenges[_i].service);
        ck_assert_int_eq(challenge.scheme, challenges[_i].scheme);
}
END_TEST

static const struct {
        const char *header;
        ScError code;
        const char *message;
} bad_challenges[] = {
        {"", SC_ERROR_ACCESS_DENIED, "()"},
        {"Negotiate", SC_ERROR_ACCESS_DENIED, "(Negotiate)"},
        {"Negotiate, Digest realm=\"y\",nonce=\"z\"", SC_ERROR_ACCESS_DENIED, "(Negotiate, Digest)"},
        {"Basic realm=\"x", SC_ERROR_CORRUPT, "makes no sense"},
        {"Bearer service=\"x\"", SC_ERROR_ACCESS_DENIED, "(Bearer)"},
        {"Bearer realm=\"https://a", SC_ERROR_CORRUPT, "makes no sense"},
        {"Bearer realm=\"https://a\" nonsense=\"b\"", SC_ERROR_CORRUPT, "makes no sense"},
        {"Bearer realm=\"a\nb\"", SC_ERROR_CORRUPT, "realm=\"a?b\""},
        {"Bearer realm=", SC_ERROR_ACCESS_DENIED, "(Bearer"},
        {"Bearer realm=,", SC_ERROR_ACCESS_DENIED, "(Bearer"},
        {"Bearer realm=\xff", SC_ERROR_CORRUPT, "makes no sense"},
        {"\"", SC_ERROR_CORRUPT, "makes no sense"},
        {"Bearer=", SC_ERROR_CORRUPT, "makes no sense"},
};

START_TEST(refuses_a_challenge)
{
        g_auto(ScChallenge) challenge = {};
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_challenge_parse(bad_challenges[_i].header, &challenge, &error));
        ck_assert_error(error, bad_challenges[_i].code, bad_challenges[_i].message);
        ck_assert_ptr_null(challenge.realm);
}
END_TEST

START_TEST(bounds_a_challenge)
{
        g_autofree char *long_realm = g_strnfill(9000, 'a');
        g_autofree char *header = g_strdup_printf("Bearer realm=\"%s\"", long_realm);
        g_auto(ScChallenge) challenge = {};
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_challenge_parse(header, &challenge, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "longer than");
}
END_TEST

START_TEST(asks_for_what_it_needs)
{
        const ScChallenge challenge = {.service = (char *)"a service&x"}, empty = {};
        const ScLogin login = {.user = (char *)"me&you", .password = (char *)"secret"};
        const ScLogin token = {.user = (char *)"<token>", .identity_token = (char *)"a/b=="};
        const struct {
                const ScChallenge *challenge;
                const char *repository;
                const ScLogin *login;
                const char *query;
        } cases[] = {
                {&challenge, "a/b", NULL, "service=a%20service%26x&scope=repository%3Aa%2Fb%3Apull"},
                {&challenge, "", NULL, "service=a%20service%26x"},
                {&empty, "", NULL, ""},
                {&empty, "c", &login, "scope=repository%3Ac%3Apull&account=me%26you"},
                {&challenge, "c", &token,
                 "grant_type=refresh_token&client_id=sysconsd&service=a%20service%26x&scope=repository%3Ac%3Apull&refresh_token=a%"
                 "2Fb%"
                 "3D%3D"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *query = sc_challenge_query(cases[i].challenge, cases[i].repository, cases[i].login);
                ck_assert_str_eq(query, cases[i].query);
        }
}
END_TEST

static const struct {
        const char *text, *token;
        guint seconds;
} tokens[] = {
        {"{\"token\":\"abc.DEF-_~+/0==\",\"expires_in\":300}", "abc.DEF-_~+/0==", 300},
        {"{\"access_token\":\"abc\"}", "abc", 60},
        {"{\"token\":\"first\",\"access_token\":\"second\",\"expires_in\":5}", "first", 60},
        {"{\"token\":null,\"access_token\":\"second\",\"expires_in\":9223372036854775807}", "second", 3600},
};

START_TEST(reads_a_token)
{
        g_autofree char *token = NULL;
        guint seconds;
        g_autoptr(GError) error = NULL;
        bool ok = sc_token_parse(tokens[_i].text, strlen(tokens[_i].text), "answer", &token, &seconds, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_str_eq(token, tokens[_i].token);
        ck_assert_uint_eq(seconds, tokens[_i].seconds);
}
END_TEST

static const char *const bad_tokens[] = {
        "{}",
        "{\"token\":\"\"}",
        "{\"token\":\"==\"}",
        "{\"token\":\"a=b\"}",
        "{\"token\":\"two words\"}",
        "{\"token\":\"two\\r\\nlines\"}",
        "{\"token\":7}",
        "{\"token\":\"a\",\"expires_in\":-1}",
        "{\"token\":\"a\",\"expires_in\":\"soon\"}",
        "[]",
        "Service unavailable",
};

START_TEST(refuses_a_token)
{
        g_autofree char *token = NULL;
        guint seconds;
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_token_parse(bad_tokens[_i], strlen(bad_tokens[_i]), "answer of x", &token, &seconds, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "answer of x");
        ck_assert_ptr_null(token);
}
END_TEST

START_TEST(keeps_a_token_while_it_lives)
{
        ScAuth *auth = sc_auth_new(NULL, "localhost:5000", "a/b");
        ck_assert_ptr_null(sc_auth_header(auth));
        sc_auth_set_token(auth, "abc", 60);
        g_autofree char *header = sc_auth_header(auth);
        ck_assert_str_eq(header, "Bearer abc");
        /* One that is about to expire is not used any more. */
        sc_auth_set_token(auth, "def", 10);
        ck_assert_ptr_null(sc_auth_header(auth));
        sc_auth_free(auth);
}
END_TEST

START_TEST(knows_its_own_login)
{
        g_autoptr(ScKeyring) keyring = sc_keyring_new(NULL, NULL);
        const ScLogin mine = {.user = (char *)"me", .password = (char *)"pass:word", .origin = (char *)"the request"};
        sc_keyring_give(keyring, "localhost:5000", &mine);
        ScAuth *auth = sc_auth_new(keyring, "localhost:5000", "a/b");
        ScAuth *mirror = sc_auth_new(keyring, "localhost:5001", "a/b");
        g_autoptr(GError) error = NULL;
        const ScLogin *login;
        ck_assert_ptr_null(sc_auth_known_login(auth));
        ck_assert(sc_auth_login(auth, &login, &error));
        ck_assert_str_eq(login->user, "me");
        ck_assert_ptr_eq(sc_auth_known_login(auth), login);
        sc_auth_set_basic(auth, login);
        g_autofree char *header = sc_auth_header(auth);
        ck_assert_str_eq(header, "Basic bWU6cGFzczp3b3Jk");
        /* What was given for one registry is no other's. */
        ck_assert(sc_auth_login(mirror, &login, &error));
        ck_assert_ptr_null(login);
        sc_auth_free(auth);
        sc_auth_free(mirror);
}
END_TEST

START_TEST(shows_hostile_text)
{
        g_autofree char *nothing = sc_printable(NULL), *plain = sc_printable("a b"), *control = sc_printable("a\033[2J\n\xc3\xa4");
        ck_assert_str_eq(nothing, "nothing");
        ck_assert_str_eq(plain, "a b");
        ck_assert_str_eq(control, "a?[2J???");
        g_autofree char *hundred = g_strnfill(100, 'x'), *more = g_strnfill(101, 'x');
        g_autofree char *whole = sc_printable(hundred), *cut = sc_printable(more), *dotted = g_strconcat(hundred, "...", NULL);
        ck_assert_str_eq(whole, hundred);
        ck_assert_str_eq(cut, dotted);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("auth");
        TCase *tests = tcase_create("auth");
        tcase_add_loop_test(tests, reads_a_challenge, 0, G_N_ELEMENTS(challenges));
        tcase_add_loop_test(tests, refuses_a_challenge, 0, G_N_ELEMENTS(bad_challenges));
        tcase_add_test(tests, bounds_a_challenge);
        tcase_add_test(tests, asks_for_what_it_needs);
        tcase_add_loop_test(tests, reads_a_token, 0, G_N_ELEMENTS(tokens));
        tcase_add_loop_test(tests, refuses_a_token, 0, G_N_ELEMENTS(bad_tokens));
        tcase_add_test(tests, keeps_a_token_while_it_lives);
        tcase_add_test(tests, knows_its_own_login);
        tcase_add_test(tests, shows_hostile_text);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
