/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry/auth.h"
#include "registry/printable.h"
#include "test.h"
#include <string.h>

static const struct {
        const char *header, *realm, *service, *scope;
} challenges[] = {
        {"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:library/busybox:pull\"",
         "https://auth.docker.io/token", "registry.docker.io", "repository:library/busybox:pull"},
        {"bearer REALM=\"https://a\"", "https://a", NULL, NULL},
        {"Bearer realm=token", "token", NULL, NULL},
        {"Bearer  realm = \"https://a\" , service= \"s\"", "https://a", "s", NULL},
        {"Basic realm=\"x\", Bearer realm=\"https://a\",scope=\"b c\"", "https://a", NULL, "b c"},
        {"Negotiate, Bearer realm=\"https://a\"", "https://a", NULL, NULL},
        {"Negotiate oYIBqz==, Bearer realm=\"https://a\"", "https://a", NULL, NULL},
        {"Bearer realm=\"https://a\", Basic realm=\"x\"", "https://a", NULL, NULL},
        {", ,Bearer realm=\"https://a\\\"b\",,", "https://a\"b", NULL, NULL},
        {"Bearer error=\"insufficient_scope\",realm=\"https://a\",realm=\"https://second\"", "https://a", NULL, NULL},
        {"Bearer realm=\"https://a, Basic realm=\\\"b\\\"\"", "https://a, Basic realm=\"b\"", NULL, NULL},
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
        ck_assert_pstr_eq(challenge.scope, challenges[_i].scope);
}
END_TEST

static const struct {
        const char *header;
        ScError code;
        const char *message;
} bad_challenges[] = {
        {"", SC_ERROR_ACCESS_DENIED, "()"},
        {"Basic realm=\"x\"", SC_ERROR_ACCESS_DENIED, "(Basic)"},
        {"Basic realm=\"x\", Digest realm=\"y\",nonce=\"z\"", SC_ERROR_ACCESS_DENIED, "(Basic, Digest)"},
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

START_TEST(asks_for_each_scope)
{
        const ScChallenge challenge = {.service = (char *)"a service&x", .scope = (char *)"repository:a/b:pull  repository:c:pull"};
        g_autofree char *query = sc_challenge_query(&challenge);
        ck_assert_str_eq(query, "service=a%20service%26x&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull");
        const ScChallenge empty = {};
        g_autofree char *nothing = sc_challenge_query(&empty);
        ck_assert_str_eq(nothing, "");
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
        ScAuth *auth = sc_auth_new();
        ck_assert_ptr_null(sc_auth_get_token(auth));
        sc_auth_set_token(auth, "abc", 60);
        g_autofree char *token = sc_auth_get_token(auth);
        ck_assert_str_eq(token, "abc");
        /* One that is about to expire is not used any more. */
        sc_auth_set_token(auth, "def", 10);
        ck_assert_ptr_null(sc_auth_get_token(auth));
        sc_auth_free(auth);
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
        tcase_add_test(tests, asks_for_each_scope);
        tcase_add_loop_test(tests, reads_a_token, 0, G_N_ELEMENTS(tokens));
        tcase_add_loop_test(tests, refuses_a_token, 0, G_N_ELEMENTS(bad_tokens));
        tcase_add_test(tests, keeps_a_token_while_it_lives);
        tcase_add_test(tests, shows_hostile_text);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
