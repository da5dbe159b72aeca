/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What files of registries say, and what follows for an image. */
#include "base/registries-files.h"
#include "base/toml.h"
#include "test.h"
#include <sys/stat.h>
#include <unistd.h>

static JsonObject *tree_of(const char *text, char **ret_problem)
{
        unsigned line;
        char *json = sc_toml_to_json(text, strlen(text), ret_problem, &line);
        if (json == NULL)
                return NULL;
        g_autoptr(GError) error = NULL;
        JsonObject *tree = sc_json_parse_object(json, -1, 1 << 20, "tree", &error);
        ck_assert_no_error(error);
        free(json);
        return tree;
}

static bool add(ScRegistries *registries, const char *file, const char *text, GError **error)
{
        char *problem = NULL;
        g_autoptr(JsonObject) tree = tree_of(text, &problem);
        ck_assert_msg(tree != NULL, "%s: %s", text, problem);
        return sc_registries_add(registries, file, tree, error);
}

static ScRegistries *registries_of(const char *text)
{
        g_autoptr(GError) error = NULL;
        ScRegistries *registries = sc_registries_new();
        bool ok = add(registries, "/a.conf", text, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        return registries;
}

static ScReference *reference_of(const char *text)
{
        g_autoptr(GError) error = NULL;
        ScReference *reference = sc_reference_parse(text, &error);
        ck_assert_no_error(error);
        return reference;
}

/* ---- the trees ---- */

START_TEST(toml_becomes_a_tree)
{
        char *problem = NULL;
        g_autoptr(JsonObject) tree = tree_of("a = \"\\u0022\\\\\\n\u00e9\"\n[b]\nc = [true, -7, 1.5, 1979-05-27]\n", &problem);
        ck_assert_ptr_nonnull(tree);
        g_autofree char *text = sc_json_to_string(tree, false);
        ck_assert_str_eq(text, "{\"line\":1,\"table\":{\"a\":{\"line\":1,\"string\":\"\\\"\\\\\\n\u00e9\"},"
                               "\"b\":{\"line\":2,\"table\":{\"c\":{\"line\":3,\"array\":["
                               "{\"line\":3,\"boolean\":true},{\"line\":3,\"integer\":-7},"
                               "{\"line\":3,\"other\":\"float\"},{\"line\":3,\"other\":\"time\"}]}}}}}");
}
END_TEST

START_TEST(bad_toml_is_told_with_its_line)
{
        static const struct {
                const char *text;
                unsigned line;
        } cases[] = {
                {"a = 1\nb = \n", 2}, {"a = 1\na = 2\n", 2},      {"[[registry]]\nlocation = \"x", 2},
                {"a = \"\xff\"", 1},  {"\n\na = \"\\u0000\"", 3}, {"a = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", 1},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                char *problem = NULL;
                unsigned line = 0;
                char *json = sc_toml_to_json(cases[i].text, strlen(cases[i].text), &problem, &line);
                ck_assert_msg(json == NULL, "%s was read", cases[i].text);
                ck_assert_msg(problem != NULL && problem[0] != '\0' && line == cases[i].line, "%s: line %u: %s", cases[i].text,
                              line, problem);
                free(problem);
        }
}
END_TEST

/* ---- what is refused ---- */

static const struct {
        const char *text, *part;
} refused[] = {
        {"[registries.search]\nregistries = ['a.com']\n", "/a.conf:1: [registries.*] is version 1"},
        {"registries = 1", "/a.conf:1: [registries.*] is version 1"},
        {"[[registry]]\nblocked = true", "/a.conf:1: a [[registry]] has neither prefix nor location"},
        {"\n[[registry]]\nlocation = 'https://a.com'", "/a.conf:2: the location 'https://a.com' is an address"},
        {"[[registry]]\nlocation = 'nohost'", "is not HOST[:PORT][/PATH]"},
        {"[[registry]]\nlocation = 'http:a.com'", "is not HOST[:PORT][/PATH]"},
        {"[[registry]]\nlocation = 'a.com/UPPER'", "is not HOST[:PORT][/PATH]"},
        {"[[registry]]\nprefix = '*.a.com/x'", "is not *.DOMAIN"},
        {"[[registry]]\nprefix = '*.a.com:5000'", "is not *.DOMAIN"},
        {"[[registry]]\nprefix = 'a.*.com'", "is not HOST[:PORT][/PATH]"},
        {"[[registry]]\nlocation = 'a.com'\ninsecure = 'yes'", "/a.conf:3: insecure is no boolean"},
        {"[[registry]]\nlocation = 7", "/a.conf:2: location is no string"},
        {"[registry]\nlocation = 'a.com'", "registry is no array"},
        {"registry = [1]", "registry holds something else than a table"},
        {"[[registry]]\nlocation = 'a.com'\n[[registry.mirror]]\n", "/a.conf:3: the mirror's location '' is not"},
        {"[[registry]]\nlocation = 'a.com'\n[[registry.mirror]]\nlocation = 'b.com'\npull-from-mirror = 'some'",
         "/a.conf:3: pull-from-mirror is all, digest-only or tag-only, not 'some'"},
        {"[[registry]]\nlocation = 'a.com'\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = 'b.com'\n"
         "pull-from-mirror = 'all'",
         "both set"},
        {"[[registry]]\nlocation = 'a.com'\n[[registry]]\nlocation = 'a.com'\nblocked = true", "/a.conf:3: a.com is there twice"},
        {"unqualified-search-registries = 'a.com'", "is no array"},
        {"unqualified-search-registries = [1]", "holds something else than a string"},
        {"unqualified-search-registries = ['plain']", "the search registry 'plain'"},
        {"credential-helpers = 'x'", "credential-helpers is no array"},
        {"credential-helpers = ['x', '../x']", "'../x' is no word"},
        {"credential-helpers = ['']", "'' is no word"},
        {"short-name-mode = 'maybe'", "short-name-mode is enforcing, permissive or disabled"},
        {"[aliases]\na = 1", "the alias of a is no string"},
        {"[aliases]\n'a.com/b' = 'c.com/d'", "is no short name"},
        {"[aliases]\n'b:1' = 'c.com/d'", "is no short name"},
        {"[aliases]\nb = 'c.com/d:1'", "is no full name"},
        {"[aliases]\nb = 'c'", "is no full name"},
};

START_TEST(refuses)
{
        g_autoptr(ScRegistries) registries = sc_registries_new();
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!add(registries, "/a.conf", refused[_i].text, &error), "%s was taken", refused[_i].text);
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, refused[_i].part);
}
END_TEST

START_TEST(ignores_what_it_does_not_know)
{
        g_autoptr(ScRegistries) registries = registries_of("new = 1\n[[registry]]\nlocation = 'a.com'\nnew = 2\n");
        ck_assert_uint_eq(registries->rules->len, 1);
}
END_TEST

/* ---- which rule ---- */

START_TEST(longest_prefix_wins)
{
        static const struct {
                const char *name, *prefix;
        } cases[] = {
                {"a.com/z", "a.com"},
                {"a.com/x", "a.com/x"},
                {"a.com/x/y:1", "a.com/x"},
                {"a.com/xy", "a.com"},
                {"a.com/x:1", "a.com/x:1"},
                {"a.com/x:12", "a.com/x"},
                {"a.com:5000/x", "a.com"}, /* as podman has it */
                {"b.a.com/x", NULL},
                {"aa.com/x", NULL},
                {"deep.sub.w.org/x", "*.w.org"},
                {"sub.w.org:5000/x", "*.w.org"},
                {"w.org/x", NULL},
                {"xw.org/x", NULL},
                {"a.org/sub.w.org/x", NULL},
                {"very.long.w.org/x", "very.long.w.org"},
                {"docker.io/busybox", "docker.io/library"},
                {"docker.io/user/busybox", "docker.io"},
                {"short", NULL},
        };
        g_autoptr(ScRegistries) registries = registries_of(
                "registry = [{location='a.com'}, {location='a.com/x'}, {prefix='a.com/x:1'}, {prefix='*.w.org'},"
                "{location='very.long.w.org'}, {location='docker.io/library'}, {location='docker.io'}]");
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(ScReference) reference = reference_of(cases[i].name);
                const ScRegistryRule *rule = sc_registries_find(registries, reference);
                ck_assert_msg(g_strcmp0(rule != NULL ? rule->prefix : NULL, cases[i].prefix) == 0, "%s: %s", cases[i].name,
                              rule != NULL ? rule->prefix : "none");
        }
}
END_TEST

START_TEST(rewrites_the_prefix)
{
        static const struct {
                const char *rule, *name, *result;
        } cases[] = {
                {"{location='a.com'}", "a.com/x/y:1", "a.com/x/y:1"},
                {"{prefix='a.com/foo', location='b.net:5000/bar/'}", "a.com/foo/i", "b.net:5000/bar/i:latest"},
                {"{prefix='a.com/foo/i', location='b.net/j'}", "a.com/foo/i:2", "b.net/j:2"},
                {"{prefix='a.com/foo:1', location='b.net/j:2'}", "a.com/foo:1", "b.net/j:2"},
                {"{prefix='*.w.org', location='b.net'}", "x.y.w.org/i", "b.net/i:latest"},
                {"{prefix='*.w.org'}", "x.y.w.org/i", "x.y.w.org/i:latest"},
                {"{prefix='docker.io', location='m.lan/hub'}", "docker.io/busybox", "m.lan/hub/library/busybox:latest"},
                {"{location='other.org'}", "docker.io/busybox", "docker.io/library/busybox:latest"},
                {"{prefix='a.com', location='b.net/x'}", "a.com:5000/i", NULL},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = g_strdup_printf("registry = [%s]", cases[i].rule);
                g_autoptr(ScRegistries) registries = registries_of(text);
                g_autoptr(ScReference) reference = reference_of(cases[i].name);
                g_autoptr(GError) error = NULL;
                const ScRegistryRule *rule = sc_registries_find(registries, reference);
                g_autoptr(ScReference)
                        result = sc_registry_rule_rewrite(rule, rule != NULL ? rule->location : NULL, reference, &error);
                if (cases[i].result == NULL) {
                        ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, "/a.conf:1 turns a.com:5000/i:latest");
                        continue;
                }
                ck_assert_no_error(error);
                ck_assert_str_eq(result->name, cases[i].result);
        }
}
END_TEST

START_TEST(mirrors_keep_their_order)
{
        g_autoptr(ScRegistries)
                registries = registries_of("[[registry]]\nprefix='a.com'\nlocation='p.net'\n"
                                           "[[registry.mirror]]\nlocation='m1.net/x'\ninsecure=true\n"
                                           "[[registry.mirror]]\nlocation='m2.net'\npull-from-mirror='digest-only'\n"
                                           "[[registry.mirror]]\nlocation='m3.net'\npull-from-mirror='tag-only'\n");
        const ScRegistryRule *rule = registries->rules->pdata[0];
        ck_assert_uint_eq(rule->mirrors->len, 3);
        const ScMirror *first = rule->mirrors->pdata[0], *second = rule->mirrors->pdata[1], *third = rule->mirrors->pdata[2];
        ck_assert_str_eq(first->location, "m1.net/x");
        ck_assert(first->insecure && first->use == SC_MIRROR_ALL);
        ck_assert(!second->insecure && second->use == SC_MIRROR_DIGEST_ONLY);
        ck_assert(!third->insecure && third->use == SC_MIRROR_TAG_ONLY);
}
END_TEST

START_TEST(later_files_win)
{
        g_autoptr(ScRegistries)
                registries = registries_of("unqualified-search-registries = ['a.com', 'b.com']\nshort-name-mode = 'enforcing'\n"
                                           "registry = [{location='a.com', blocked=true}, {location='b.com', "
                                           "insecure=true}]\n[aliases]\nx='a.com/x'\ny='a.com/y'\n");
        g_autoptr(GError) error = NULL;
        ck_assert(add(registries, "/b.conf",
                      "unqualified-search-registries = ['c.com']\nregistry = [{location='a.com'}]\n[aliases]\nx=''\ny='c.com/z'\n",
                      &error));
        ck_assert(add(registries, "/c.conf", "", &error));
        g_autoptr(ScReference) a = reference_of("a.com/i"), b = reference_of("b.com/i"), x = reference_of("x"),
                               y = reference_of("y:3");
        ck_assert(sc_registry_rule_check(sc_registries_find(registries, a), a, &error));
        ck_assert(!sc_registries_allow_insecure(registries, a));
        ck_assert(sc_registries_allow_insecure(registries, b));
        g_autofree char *why = NULL, *why_y = NULL;
        g_autoptr(ScReference) full = sc_registries_complete(registries, x, &why, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(full->name, "c.com/x:latest");
        ck_assert_str_eq(why, "Resolved x:latest as c.com/x:latest (unqualified-search-registries of /b.conf)");
        g_autoptr(ScReference) full_y = sc_registries_complete(registries, y, &why_y, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(full_y->name, "c.com/z:3");
        ck_assert_str_eq(why_y, "Resolved y:3 as c.com/z:3 (alias in /b.conf)");
        ck_assert_int_eq(registries->short_names, SC_SHORT_NAMES_ENFORCING);
}
END_TEST

START_TEST(blocked_names_the_file)
{
        g_autoptr(ScRegistries) registries = registries_of("\n[[registry]]\nprefix = '*.w.org'\nblocked = true\n");
        g_autoptr(ScReference) reference = reference_of("x.w.org/i:1");
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_registry_rule_check(sc_registries_find(registries, reference), reference, &error));
        ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "Image x.w.org/i:1 may not be pulled: /a.conf:2 blocks *.w.org");
}
END_TEST

/* ---- short names ---- */

START_TEST(completes_short_names)
{
        static const struct {
                const char *text, *name, *result; /* a result with a space in it is an error's part */
        } cases[] = {
                {"", "x", "names no registry"},
                {"unqualified-search-registries = []", "x", "names no registry"},
                {"unqualified-search-registries = ['docker.io']", "busybox", "docker.io/library/busybox:latest"},
                {"unqualified-search-registries = ['docker.io']", "user/x:1", "docker.io/user/x:1"},
                {"unqualified-search-registries = ['localhost:5000/ns']", "x", "localhost:5000/ns/x:latest"},
                {"unqualified-search-registries = ['a.com', 'b.com']", "x:2", "could be any of a.com/x:2, b.com/x:2, by"},
                {"unqualified-search-registries = ['a.com', 'b.com']\nshort-name-mode = 'enforcing'", "x",
                 "write the one that is meant"},
                {"unqualified-search-registries = ['a.com', 'b.com']\nshort-name-mode = 'disabled'", "x", "a.com/x:latest"},
                {"unqualified-search-registries = ['a.com', 'b.com']\n[aliases]\nx = 'docker.io/x'", "x",
                 "docker.io/library/x:latest"},
                {"[aliases]\ndocker = 'docker.io/library/docker'\nx = 'q.io/p'", "x", "q.io/p:latest"}, /* Debian's own */
                {"[aliases]\nx = 'q.io/p/stable'", "x:v1", "q.io/p/stable:v1"},
                {"[aliases]\nx = 'q.io/p/stable'", "x@sha256:0000000000000000000000000000000000000000000000000000000000000000",
                 "q.io/p/stable@sha256:0000000000000000000000000000000000000000000000000000000000000000"},
                {"[aliases]\n'ns/x' = 'q.io/p'", "ns/x", "q.io/p:latest"},
                {"[aliases]\n'ns/x' = 'q.io/p'", "x", "names no registry"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(ScRegistries) registries = registries_of(cases[i].text);
                g_autoptr(ScReference) reference = reference_of(cases[i].name);
                g_autofree char *why = NULL;
                g_autoptr(GError) error = NULL;
                g_autoptr(ScReference) full = sc_registries_complete(registries, reference, &why, &error);
                if (strchr(cases[i].result, ' ') != NULL) {
                        ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, cases[i].result);
                        continue;
                }
                ck_assert_no_error(error);
                ck_assert_str_eq(full->name, cases[i].result);
        }
}
END_TEST

START_TEST(http_stays_http)
{
        g_autoptr(ScRegistries) registries = registries_of("[aliases]\nx = 'q.io/p'");
        g_autoptr(ScReference) reference = reference_of("http:x");
        g_autofree char *why = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(ScReference) full = sc_registries_complete(registries, reference, &why, &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(full->source, SC_SOURCE_REGISTRY_INSECURE);
}
END_TEST

START_TEST(podmans_choices_come_last)
{
        g_autoptr(ScRegistries) registries = registries_of("[aliases]\nx = 'a.com/x'");
        char *problem = NULL;
        g_autoptr(JsonObject) tree = tree_of("short-name-mode = 'enforcing'\n[aliases]\nx = 'b.com/x'", &problem);
        g_autoptr(GError) error = NULL;
        ck_assert(sc_registries_add_aliases(registries, "/s.conf", tree, &error));
        ck_assert_str_eq(g_hash_table_lookup(registries->aliases, "x"), "b.com/x");
        ck_assert_int_eq(registries->short_names, SC_SHORT_NAMES_PERMISSIVE);
}
END_TEST

/* ---- which files ---- */

static void write_file(const char *folder, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *parent = g_path_get_dirname(path);
        ck_assert_int_eq(g_mkdir_with_parents(parent, 0755), 0);
        ck_assert(g_file_set_contents(path, text, -1, NULL));
}

START_TEST(a_users_own_files)
{
        char *folder = test_folder_new();
        g_autofree char *names = g_build_filename(folder, "names", NULL);
        ScScope scope = {.kind = SC_SCOPE_USER, .containers_dir = folder, .short_names = names};
        write_file(folder, "registries.conf", "");
        write_file(folder, "registries.conf.d/b.conf", "");
        write_file(folder, "registries.conf.d/a.conf", "");
        write_file(folder, "registries.conf.d/a.txt", "");
        write_file(folder, "registries.conf.d/sub.conf/x.conf", "");
        g_auto(ScRegistriesFiles) files = {0}, again = {0};
        g_autoptr(GError) error = NULL;
        ck_assert(sc_registries_files_find(&scope, &files, &error));
        ck_assert_uint_eq(g_strv_length(files.settings), 3);
        ck_assert(g_str_has_suffix(files.settings[0], "/registries.conf"));
        ck_assert(g_str_has_suffix(files.settings[1], "/registries.conf.d/a.conf"));
        ck_assert(g_str_has_suffix(files.settings[2], "/registries.conf.d/b.conf"));
        ck_assert_ptr_null(files.aliases);
        g_autofree char *stamp = sc_registries_files_stamp(&files);
        g_autofree char *same = sc_registries_files_stamp(&files);
        ck_assert_str_eq(stamp, same);
        write_file(folder, "registries.conf.d/a.conf", "x");
        write_file(folder, "names", "");
        ck_assert(sc_registries_files_find(&scope, &again, &error));
        ck_assert_str_eq(again.aliases, names);
        g_autofree char *other = sc_registries_files_stamp(&again);
        ck_assert_str_ne(stamp, other);
        test_folder_remove(folder);
}
END_TEST

START_TEST(what_the_parser_says)
{
        char *paths[] = {(char *)"/a.conf", NULL};
        const ScRegistriesFiles files = {.settings = paths};
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(sc_registries_files_take(&files, false, "[", "/a.conf:3: bad\n", &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "Cannot read the settings of registries: /a.conf:3: bad");
        g_clear_error(&error);
        ck_assert_ptr_null(sc_registries_files_take(&files, true, "[]", "", &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "did not read all files");
        g_clear_error(&error);
        g_autoptr(ScRegistries) good = sc_registries_files_take(
                &files, true, "[{\"line\":1,\"table\":{\"short-name-mode\":{\"line\":1,\"string\":\"disabled\"}}}]", "", &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(good->short_names, SC_SHORT_NAMES_DISABLED);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("registries");
        TCase *tests = tcase_create("registries");
        tcase_add_test(tests, toml_becomes_a_tree);
        tcase_add_test(tests, bad_toml_is_told_with_its_line);
        tcase_add_loop_test(tests, refuses, 0, G_N_ELEMENTS(refused));
        tcase_add_test(tests, ignores_what_it_does_not_know);
        tcase_add_test(tests, longest_prefix_wins);
        tcase_add_test(tests, rewrites_the_prefix);
        tcase_add_test(tests, mirrors_keep_their_order);
        tcase_add_test(tests, later_files_win);
        tcase_add_test(tests, blocked_names_the_file);
        tcase_add_test(tests, completes_short_names);
        tcase_add_test(tests, http_stays_http);
        tcase_add_test(tests, podmans_choices_come_last);
        tcase_add_test(tests, a_users_own_files);
        tcase_add_test(tests, what_the_parser_says);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
