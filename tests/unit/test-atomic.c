/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of the atomic command, and how its lists filter and show. */

#include "atomic-filter.h"
#include "atomic-grammar.h"
#include "atomic.h"
#include "options.h"
#include "test.h"

/* What a line ("install --name=x image") is to sysconsctl's verb, words parted by blanks; NULL: an error. */
static char *translate(const char *text, GError **error)
{
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        g_auto(GStrv) line = NULL;
        int n_words, argc = (int)g_strv_length(words);
        const ScAtomicVerb *verb = sc_atomic_find(argc, words, &n_words, error);
        if (verb == NULL || !sc_atomic_translate(verb, argc - n_words, words + n_words, &line, error))
                return NULL;
        ck_assert_ptr_nonnull(line);
        return g_strjoinv(" ", line);
}

static void check_line(const char *text, const char *wanted)
{
        GError *error = NULL;
        g_autofree char *got = translate(text, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(got, wanted);
}

static void check_refused(const char *text, ScExit code, const char *part)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *got = translate(text, &error);
        ck_assert_msg(got == NULL, "'%s' became '%s'", text, got);
        ck_assert_msg(strstr(error->message, part) != NULL, "message of '%s' lacks '%s': %s", text, part, error->message);
        ck_assert_uint_eq(error->domain, SC_EXIT);
        ck_assert_int_eq(error->code, (int)code);
}

START_TEST(options_are_translated)
{
        check_line("pull --storage=ostree oci:etcd", "pull -- oci:etcd");
        check_line("pull --src-creds=a x", "pull --creds=a -- x");
        check_line("pull --storage ostree oci:etcd", "pull -- oci:etcd");
        check_line("pull --src-creds=a x", "pull --creds=a -- x");
        check_line("install --system --name x --set=A=1 --set B=2 --rootfs /r --runtime=/bin/crun image",
                   "install --name=x --set=A=1 --set=B=2 --rootfs=/r --runtime=/bin/crun -- image");
        check_line("install -n x image --user", "install --name=x --user -- image");
        check_line("containers list -aqn -f image=x --no-trunc --json",
                   "containers list --all --quiet --no-heading --filter=image=x --no-trunc --json --");
        check_line("containers update --rebase i --set=A=b c", "containers update --rebase=i --set=A=b -- c");
        check_line("containers update -a", "containers update --all --");
        check_line("images delete -f --storage=ostree a b", "images delete --force -- a b");
        check_line("run --name n hello ls -l --name=x", "run --name=n -- hello ls -l --name=x");
        check_line("run -q hello -- ls", "run --quiet -- hello -- ls");
        check_line("uninstall -f x", "uninstall -- x");
        check_line("uninstall -- -x", "uninstall -- -x");
}
END_TEST

START_TEST(wrong_usage_is_told)
{
        check_refused("", SC_EXIT_USAGE, "a command is missing");
        check_refused("bogus", SC_EXIT_USAGE, "no command 'bogus'; see `atomic --help`");
        check_refused("images", SC_EXIT_USAGE, "a command is missing behind `images`");
        check_refused("images --prune", SC_EXIT_USAGE, "a command is missing behind `images`");
        check_refused("containers bogus", SC_EXIT_USAGE, "no command 'containers bogus'");
        check_refused("install --bogus x", SC_EXIT_USAGE, "see `atomic install --help`");
        check_refused("install", SC_EXIT_USAGE, "Too few arguments: the usage is `atomic install IMAGE`");
        check_refused("stop a b", SC_EXIT_USAGE, "Too many arguments");
        check_refused("install --name", SC_EXIT_USAGE, "--name");
}
END_TEST

START_TEST(what_is_not_here_says_what_to_use)
{
        check_refused("pull --storage=docker x", SC_EXIT_FAILED, "'docker' is not supported");
        check_refused("images delete --remote x", SC_EXIT_FAILED, "skopeo delete");
        check_refused("push --what -ever x", SC_EXIT_FAILED, "podman push");
        check_refused("scan", SC_EXIT_FAILED, "atomic mount");
        for (const ScAtomicVerb *verb = sc_atomic_verbs(); verb->words != NULL; verb++)
                ck_assert_msg((verb->run == NULL) == (verb->instead != NULL), "%s", verb->words);
}
END_TEST

START_TEST(first_error_counts)
{
        check_refused("install --storage=docker --storage=bogus x", SC_EXIT_FAILED, "'docker'");
}
END_TEST

START_TEST(exit_codes_are_atomic_s)
{
        static const struct {
                ScExit code;
                int wanted;
        } codes[] = {{SC_EXIT_FAILED, 1},  {SC_EXIT_USAGE, 2}, {SC_EXIT_NOT_FOUND, 1},
                     {SC_EXIT_REFUSED, 1}, {SC_EXIT_GONE, 1},  {SC_EXIT_INTERRUPTED, 130}};
        for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
                g_autoptr(GError) error = NULL;
                sc_exit_throw(&error, codes[i].code, "x");
                ck_assert_int_eq(sc_atomic_exit_code(error), codes[i].wanted);
        }
}
END_TEST

static const char *const names[] = {"repo", "id", NULL};
static const ScFilterAlias aliases[] = {{"repository", "repo"}, {"image", "id"}, {NULL, NULL}};

static char *filter(const char *text, GError **error)
{
        char *line[] = {(char *)"list", (char *)text, (char *)"--", (char *)"--filter=stays=1", NULL};
        g_auto(GStrv) got = NULL;
        if (!sc_atomic_filters(line, names, aliases, &got, error))
                return NULL;
        ck_assert_uint_eq(g_strv_length(got), 4);
        ck_assert_str_eq(got[3], line[3]);
        return g_strdup(got[1]);
}

static void check_filter(const char *text, const char *wanted)
{
        GError *error = NULL;
        g_autofree char *got = filter(text, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(got, wanted);
}

START_TEST(filters_contain_in_any_case)
{
        check_filter("--filter=repo=a1", "--filter=repo=*[aA]1*");
        check_filter("--filter=Repository=", "--filter=repo=**");
        check_filter("--filter=IMAGE=[?*\\]=", "--filter=id=*\\[\\?\\*\\\\\\]=*");
        check_filter("--filter=id=True", "--filter=id=*[yY][eE][sS]*");
        check_filter("--json", "--json");
}
END_TEST

START_TEST(wrong_filters_are_told)
{
        static const char *const wrong[] = {"--filter=size=1", "--filter=repo"};
        for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert_ptr_null(filter(wrong[i], &error));
                ck_assert_ptr_nonnull(strstr(error->message, "is not valid"));
        }
}
END_TEST

START_TEST(sizes_are_atomic_s)
{
        static const struct {
                guint64 bytes;
                const char *wanted;
        } sizes[] = {{0, "0B"},         {1, "1.0 B"},         {999, "999.0 B"},         {1000, "1.0 KB"},
                     {1126, "1.13 KB"}, {2030000, "2.03 MB"}, {196509652, "196.51 MB"}, {G_MAXUINT64, "18.45 EB"}};
        for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
                g_autofree char *got = sc_atomic_format_size(sizes[i].bytes);
                ck_assert_str_eq(got, sizes[i].wanted);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("atomic");
        TCase *tcase = tcase_create("all");
        tcase_add_test(tcase, options_are_translated);
        tcase_add_test(tcase, wrong_usage_is_told);
        tcase_add_test(tcase, what_is_not_here_says_what_to_use);
        tcase_add_test(tcase, first_error_counts);
        tcase_add_test(tcase, exit_codes_are_atomic_s);
        tcase_add_test(tcase, filters_contain_in_any_case);
        tcase_add_test(tcase, wrong_filters_are_told);
        tcase_add_test(tcase, sizes_are_atomic_s);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
