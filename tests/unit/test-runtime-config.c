/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-unit.h"
#include "unit/image-user.h"
#include "unit/run-config.h"
#include "unit/runtime-config.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34::/:/bin/false\nbad:x:-1:4294967295::/:\n"
#define GROUP "root:x:0:\nweb:x:34:\nlogs:x:4:other,web\nmail:x:8:web\n"

static char *make_with(const char *file, const char *text, const char *runtime, const char *rootfs_path, GError **error)
{
        const char *files[] = {file, text, NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        g_autoptr(ScVariables) variables = test_variables(test_map("PORT", "80", "ADDTL_MOUNTS", ",{\"type\": \"bind\"}", NULL));
        g_autoptr(ScImageInfo) image = sc_image_info_new();
        ScRuntimeConfigInput input = {.exports = exports,
                                      .image = image,
                                      .variables = variables,
                                      .runtime = runtime,
                                      .rootfs_path = rootfs_path,
                                      .scratch_fd = -1};
        return sc_runtime_config_make(&input, error);
}

static char *make(const char *text, GError **error)
{
        return make_with("config.json", text, "/usr/bin/runc", NULL, error);
}

static JsonObject *parse(const char *text)
{
        g_autoptr(GError) error = NULL;
        JsonObject *object = sc_json_parse_object(text, -1, 1 << 20, "result", &error);
        ck_assert_no_error(error);
        return object;
}

static const char *cgroups_path(JsonObject *config)
{
        return json_object_get_string_member(json_object_get_object_member(config, "linux"), "cgroupsPath");
}

#define ROOT "\"root\": {\"path\": \"rootfs\", \"readonly\": true}"

START_TEST(the_images_configuration)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = make("{\"x\": {\"y\": [1, \"$PORT\"]}, \"process\": {\"args\": [\"a\", \"b c\"]}, " ROOT "}",
                                     &error);
        ck_assert_no_error(error);
        g_autoptr(JsonObject) config = parse(text);
        ck_assert_str_eq(cgroups_path(config), "container-hello");
        ck_assert(strstr(text, "\"$PORT\"") != NULL);
        ck_assert(strstr(text, "\"y\"") != NULL);
        g_autofree char *command = sc_runtime_config_command(text);
        ck_assert_str_eq(command, "a b c");

        g_autofree char *rendered = make_with("config.json.template",
                                              "{\"mounts\": [{\"source\": \"$PORT\"}$ADDTL_MOUNTS], " ROOT "}", "/usr/bin/runc",
                                              NULL, &error);
        ck_assert_no_error(error);
        g_autoptr(JsonObject) with_values = parse(rendered);
        ck_assert_uint_eq(json_array_get_length(json_object_get_array_member(with_values, "mounts")), 2);
        ck_assert_ptr_null(make_with("config.json.template", "{$NO, " ROOT "}", "/usr/bin/runc", NULL, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "'config.json.template' still contains an unreplaced value for: ''NO''");
}
END_TEST

START_TEST(control_groups)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *own = make("{\"linux\": {\"cgroupsPath\": \"mine\", \"a\": 1}, " ROOT "}", &error);
        g_autoptr(JsonObject) with_own = parse(own);
        ck_assert_str_eq(cgroups_path(with_own), "mine");
        g_autofree char *empty = make("{\"linux\": {\"cgroupsPath\": \"\"}, " ROOT "}", &error);
        g_autoptr(JsonObject) with_empty = parse(empty);
        ck_assert_str_eq(cgroups_path(with_empty), "container-hello");
        g_autofree char *crun = make_with("config.json", "{" ROOT "}", "/usr/bin/crun", NULL, &error);
        g_autoptr(JsonObject) with_crun = parse(crun);
        ck_assert_str_eq(cgroups_path(with_crun), "/system.slice/hello.service/container-hello");
        ck_assert_no_error(error);

        /* no sysconsd-exec in the unit: what a relative path would mean is unknown */
        const char *files[] = {"config.json", "{" ROOT "}", "service.template", "[Service]\nExecStart=$RUNTIME run $NAME\n", NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        g_autoptr(ScVariables) variables = test_variables(NULL);
        ScRuntimeConfigInput input = {.exports = exports, .variables = variables, .runtime = "/usr/bin/runc", .scratch_fd = -1};
        g_autofree char *text = sc_runtime_config_make(&input, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_null(strstr(text, "cgroupsPath"));
}
END_TEST

START_TEST(a_void_configuration)
{
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(make("{}", &error));
        g_clear_error(&error);
        /* for a unit that starts no container it will do */
        const char *files[] = {"config.json", "{}", "service.template", "[Service]\nExecStart=$DESTDIR/rootfs/bin/x\n", NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        g_autoptr(ScVariables) variables = test_variables(NULL);
        ScRuntimeConfigInput input = {.exports = exports, .variables = variables, .runtime = "/usr/bin/runc", .scratch_fd = -1};
        g_autofree char *text = sc_runtime_config_make(&input, &error);
        ck_assert_no_error(error);
        g_autoptr(JsonObject) config = parse(text);
        ck_assert_uint_eq(json_object_get_size(config), 0);
}
END_TEST

START_TEST(a_remote_rootfs)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = make_with("config.json", "{" ROOT "}", "/usr/bin/runc", "/srv/base/rootfs", &error);
        g_autoptr(JsonObject) config = parse(text);
        ck_assert_str_eq(json_object_get_string_member(json_object_get_object_member(config, "root"), "path"), "/srv/base/rootfs");
}
END_TEST

START_TEST(numbers_stay_as_they_are)
{
        static const char *const numbers[] = {"18446744073709551615",
                                              "9223372036854775807",
                                              "-9223372036854775808",
                                              "123456789012345678901234567890",
                                              "0",
                                              "-1",
                                              "1e400",
                                              "-0.10000000000000000000001",
                                              "1E+2",
                                              "2.50",
                                              "0.0"};
        GString *text = g_string_new("{" ROOT ", \"n\": [\"1.5\", \"\\\"2.5\"");
        for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
                g_string_append_printf(text, ",%s", numbers[i]);
        g_string_append(text, "]}");
        g_autofree char *whole = g_string_free(text, FALSE);
        g_autoptr(GError) error = NULL;
        g_autofree char *made = make(whole, &error);
        ck_assert_no_error(error);
        for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
                g_autofree char *line = g_strdup_printf(" %s%s", numbers[i], i + 1 < G_N_ELEMENTS(numbers) ? "," : "\n");
                ck_assert_msg(strstr(made, line) != NULL, "%s is not in %s", line, made);
        }
        ck_assert(strstr(made, "\"1.5\",") != NULL);
        ck_assert(strstr(made, "\"\\\"2.5\",") != NULL);
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
        static const struct {
                const char *text;
                ScError code;
                const char *message;
        } cases[] = {
                {"{\"root\": {\"path\": \"rootfs\"}}", SC_ERROR_INVALID_ARGUMENT,
                 "Invalid configuration file.  Only readonly images are supported"},
                {"{\"root\": {\"path\": \"rootfs\", \"readonly\": false}}", SC_ERROR_INVALID_ARGUMENT, "Only readonly images"},
                {"{\"root\": {\"path\": \"rootfs\", \"readonly\": \"true\"}}", SC_ERROR_CORRUPT, "'readonly'"},
                {"{\"root\": {\"path\": \"/\", \"readonly\": true}}", SC_ERROR_INVALID_ARGUMENT,
                 "Invalid configuration file.  Path must be 'rootfs'"},
                {"{\"root\": {\"readonly\": true}}", SC_ERROR_INVALID_ARGUMENT, "Path must be 'rootfs'"},
                {"{}", SC_ERROR_CORRUPT, "'root'"},
                {"[]", SC_ERROR_CORRUPT, "not a JSON object"},
                {"{" ROOT ", \"Root\": {\"readonly\": false}}", SC_ERROR_CORRUPT, "'Root' must be written 'root'"},
                {"{\"root\": {\"path\": \"rootfs\", \"readonly\": true, \"ReadOnly\": false}}", SC_ERROR_CORRUPT,
                 "'ReadOnly' must be"},
                {"{" ROOT ", \"LINUX\": {}}", SC_ERROR_CORRUPT, "'LINUX'"},
                {"{" ROOT ", \"linux\": []}", SC_ERROR_CORRUPT, "'linux'"},
                {"{" ROOT ", \"linux\": {\"cgroupsPath\": 1}}", SC_ERROR_CORRUPT, "'cgroupsPath'"},
                {"{" ROOT "} /* c */", SC_ERROR_CORRUPT, "not valid JSON"},
                {"// c\n{" ROOT "}", SC_ERROR_CORRUPT, "not valid JSON"},
                {"{" ROOT ", \"n\": 01}", SC_ERROR_CORRUPT, "'01' is no number"},
                {"{" ROOT ", \"n\": 1.}", SC_ERROR_CORRUPT, "'1.' is no number"},
                {"{" ROOT ", \"n\": -}", SC_ERROR_CORRUPT, "'-' is no number"},
                {"{" ROOT ", \"n\": 1e}", SC_ERROR_CORRUPT, "is no number"},
                {"{" ROOT ", \"n\": 1.2.3}", SC_ERROR_CORRUPT, "is no number"},
                {"{" ROOT ", \"n\": 0x10}", SC_ERROR_CORRUPT, "not valid JSON"},
                {"{" ROOT ", \"s\": \"\\", SC_ERROR_CORRUPT, "not valid JSON"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *made = make(cases[i].text, &error);
                ck_assert_msg(made == NULL, "%s was taken", cases[i].text);
                ck_assert_error(error, cases[i].code, cases[i].message);
        }
}
END_TEST

/* A runtime whose specification looks like runc's where it matters. */
static char *fake_runtime(const char *folder)
{
        char *path = g_build_filename(folder, "runtime", NULL);
        ck_assert(g_file_set_contents(
                path,
                "#!/bin/sh\n[ \"$*\" = \"--root . spec\" ] || exit 9\n"
                "echo '{\"ociVersion\": \"1.0.2-dev\", \"process\": {\"terminal\": true, \"user\": {\"uid\": 0, \"gid\": 0},"
                " \"args\": [\"sh\"], \"env\": [\"PATH=/bin\", \"TERM=xterm\"], \"cwd\": \"/\"},"
                " \"root\": {\"path\": \"other\", \"readonly\": false}, \"linux\": {}}' >config.json\n",
                -1, NULL));
        ck_assert_int_eq(g_chmod(path, 0755), 0);
        return path;
}

static char *make_default(const ScImageInfo *image, GError **error)
{
        char *folder = test_folder_new();
        g_autofree char *runtime = fake_runtime(folder);
        g_autofree char *scratch = g_build_filename(folder, "scratch", NULL);
        ck_assert_int_eq(g_mkdir(scratch, 0700), 0);
        int fd = open(scratch, O_RDONLY | O_DIRECTORY);
        g_autoptr(ScExports) exports = sc_exports_load(NULL, NULL, false, NULL);
        g_autoptr(ScVariables) variables = test_variables(NULL);
        ScRuntimeConfigInput input = {.exports = exports,
                                      .image = image,
                                      .variables = variables,
                                      .runtime = runtime,
                                      .passwd = PASSWD,
                                      .group = GROUP,
                                      .scratch_fd = fd};
        char *text = sc_runtime_config_make(&input, error);
        ck_assert_int_ne(faccessat(fd, "config.json", F_OK, 0), 0);
        close(fd);
        test_folder_remove(folder);
        return text;
}

static char *strings(JsonObject *process, const char *key)
{
        g_auto(GStrv) values = NULL;
        g_autoptr(GError) error = NULL;
        ck_assert(sc_json_get_strv(process, key, SC_JSON_REQUIRED, &values, &error));
        return g_strjoinv("|", values);
}

START_TEST(an_image_without_configuration)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScImageInfo) image = sc_image_info_new();
        g_autofree char *plain = make_default(image, &error);
        ck_assert_no_error(error);
        g_autoptr(JsonObject) config = parse(plain);
        JsonObject *process = json_object_get_object_member(config, "process");
        g_autofree char *args = strings(process, "args");
        ck_assert_str_eq(args, "run.sh");
        ck_assert(!json_object_get_boolean_member(process, "terminal"));
        ck_assert_str_eq(json_object_get_string_member(process, "cwd"), "/");
        JsonObject *root = json_object_get_object_member(config, "root");
        ck_assert(json_object_get_boolean_member(root, "readonly"));
        ck_assert_str_eq(json_object_get_string_member(root, "path"), "rootfs");
        ck_assert_str_eq(cgroups_path(config), "container-hello");

        const char *entrypoint[] = {"/bin/etcd", "--x", NULL}, *cmd[] = {"serve", NULL},
                   *env[] = {"A=1", "PATH=/usr/bin", "A=2", NULL};
        image->entrypoint = g_strdupv((char **)entrypoint);
        image->cmd = g_strdupv((char **)cmd);
        image->env = g_strdupv((char **)env);
        image->working_dir = g_strdup("var/lib/");
        image->user = g_strdup("web");
        g_autofree char *full = make_default(image, &error);
        ck_assert_no_error(error);
        g_autoptr(JsonObject) second = parse(full);
        process = json_object_get_object_member(second, "process");
        g_autofree char *command = strings(process, "args");
        ck_assert_str_eq(command, "/bin/etcd|--x|serve");
        g_autofree char *environment = strings(process, "env");
        ck_assert_str_eq(environment, "TERM=xterm|PATH=/usr/bin|A=2");
        ck_assert_str_eq(json_object_get_string_member(process, "cwd"), "/var/lib");
        JsonObject *user = json_object_get_object_member(process, "user");
        ck_assert_int_eq(json_object_get_int_member(user, "uid"), 33);
        ck_assert_int_eq(json_object_get_int_member(user, "gid"), 34);
        JsonArray *groups = json_object_get_array_member(user, "additionalGids");
        ck_assert_uint_eq(json_array_get_length(groups), 2);
        ck_assert_int_eq(json_array_get_int_element(groups, 1), 8);
}
END_TEST

START_TEST(a_runtime_that_fails)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScExports) exports = sc_exports_load(NULL, NULL, false, NULL);
        g_autoptr(ScVariables) variables = test_variables(NULL);
        g_autoptr(ScImageInfo) image = sc_image_info_new();
        ScRuntimeConfigInput input = {
                .exports = exports, .image = image, .variables = variables, .runtime = "/bin/false", .scratch_fd = -1};
        ck_assert_ptr_null(sc_runtime_config_make(&input, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "an image that brings none: /bin/false ended with status 1");
}
END_TEST

START_TEST(users)
{
        static const struct {
                const char *text, *passwd, *group;
                uid_t uid;
                gid_t gid;
                guint groups;
        } good[] = {
                {"0", NULL, NULL, 0, 0, 0},
                {"root", NULL, NULL, 0, 0, 0},
                {"1000", NULL, NULL, 1000, 0, 0},
                {"1000:7", NULL, NULL, 1000, 7, 0},
                {"web", PASSWD, GROUP, 33, 34, 2},
                {"33", PASSWD, GROUP, 33, 34, 2},
                {"web:logs", PASSWD, GROUP, 33, 4, 0},
                {"5:logs", NULL, GROUP, 5, 4, 0},
                {"web:", PASSWD, NULL, 33, 34, 0},
                {"4294967294", NULL, NULL, 4294967294, 0, 0},
        };
        for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
                g_auto(ScImageUser) user = {0};
                g_autoptr(GError) error = NULL;
                ck_assert(sc_image_user_resolve(good[i].text, good[i].passwd, good[i].group, &user, &error));
                ck_assert_no_error(error);
                ck_assert_msg(user.uid == good[i].uid && user.gid == good[i].gid && user.groups->len == good[i].groups, "%s",
                              good[i].text);
        }
        static const char *const bad[] = {"",   ":1",  "nobody", "-1",     "4294967295",  "1 ",
                                          "+1", "0x1", "bad",    "broken", "web:nogroup", "1:-1"};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_auto(ScImageUser) user = {0};
                g_autoptr(GError) error = NULL;
                ck_assert_msg(!sc_image_user_resolve(bad[i], PASSWD, GROUP, &user, &error), "'%s' was taken", bad[i]);
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "does not have");
        }
}
END_TEST

START_TEST(bind_sources_that_are_missing)
{
        char *folder = test_folder_new();
        g_autofree char *config = g_strdup_printf(
                "{\"mounts\": ["
                "{\"type\": \"bind\", \"source\": \"%s/b\"}, {\"type\": \"bind\", \"source\": \"%s\"},"
                "{\"source\": \"%s/a\", \"options\": [\"ro\", \"rbind\"]},"
                "{\"source\": \"%s/b\", \"options\": [\"bind\"]},"
                "{\"type\": \"tmpfs\", \"source\": \"%s/c\"}, {\"type\": \"bind\", \"source\": \"relative\"},"
                "{\"type\": \"bind\"}, 5, {\"type\": 5, \"source\": \"/d\"}]}",
                folder, folder, folder, folder, folder);
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) missing = sc_runtime_config_missing_sources(config, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(g_strv_length(missing), 2);
        ck_assert(g_str_has_suffix(missing[0], "/b"));
        ck_assert(g_str_has_suffix(missing[1], "/a"));
        /* the second one is there, but only because the deployment before this one has it made */
        g_autofree char *tmpfiles = g_strdup_printf("d \"%s\" 0700 0 0 - -\n", folder);
        g_auto(GStrv) made = sc_runtime_config_missing_sources(config, tmpfiles, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(g_strv_length(made), 3);
        ck_assert_str_eq(made[1], folder);
        g_auto(GStrv) none = sc_runtime_config_missing_sources("{}", NULL, &error);
        ck_assert_ptr_null(none[0]);
        ck_assert_ptr_null(sc_runtime_config_missing_sources("{\"mounts\": 1}", NULL, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "'mounts'");
        test_folder_remove(folder);
}
END_TEST

START_TEST(commands_for_lists)
{
        static const char *const without[] = {"", "{}", "{\"process\": []}", "{\"process\": {}}", "{\"process\": {\"args\": [1]}}"};
        for (guint i = 0; i < G_N_ELEMENTS(without); i++) {
                g_autofree char *command = sc_runtime_config_command(without[i]);
                ck_assert_str_eq(command, "");
        }
}
END_TEST

START_TEST(runtimes_are_found)
{
        g_autoptr(GError) error = NULL;
        char *folder = test_folder_new();
        g_autofree char *runtime = fake_runtime(folder);
        g_autofree char *by_path = sc_runtime_find(runtime, &error);
        ck_assert_str_eq(by_path, runtime);
        g_setenv("PATH", folder, TRUE);
        g_autofree char *by_name = sc_runtime_find("runtime", &error);
        ck_assert_str_eq(by_name, runtime);
        ck_assert_no_error(error);
        const char *const bad[] = {"", "nothing", "./runtime", "/no/such/runc", folder};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_clear_error(&error);
                ck_assert_ptr_null(sc_runtime_find(bad[i], &error));
                g_autofree char *message = g_strdup_printf("the runtime %s is not installed", bad[i]);
                ck_assert_error(error, SC_ERROR_UNSUPPORTED, message);
        }
        g_setenv("PATH", "/usr/bin:/bin", TRUE);
        test_folder_remove(folder);
}
END_TEST

/* ---- for one command ---- */

#define CONFIG                                                                                                                \
        "{\"process\": {\"args\": [\"serve\"], \"terminal\": true, \"consoleSize\": {\"height\": 1, \"width\": 2}, \"cwd\": " \
        "\"/x\", "                                                                                                            \
        "\"rlimits\": [{\"hard\": 18446744073709551615}]}, \"mounts\": [{\"type\": \"bind\", \"source\": \"own\"}, "          \
        "{\"type\": \"bind\", \"source\": \"/host\"}, {\"type\": \"proc\", \"source\": \"proc\"}], "                          \
        "\"linux\": {\"cgroupsPath\": \"container-web\"}, " ROOT "}"

static ScRunConfigInput run_input(const char *const *argv)
{
        return (ScRunConfigInput){
                .scope = test_scope(SC_SCOPE_SYSTEM),
                .id = "sysconsd-run-7",
                .argv = (char *const *)argv,
                .runtime = "/usr/bin/runc",
        };
}

static JsonObject *run_config(const ScRunConfigInput *input, char *(*render)(const char *, const ScRunConfigInput *, GError **))
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = render(CONFIG, input, &error);
        ck_assert_no_error(error);
        ck_assert_msg(strstr(text, "18446744073709551615") != NULL, "%s", text);
        return parse(text);
}

static const char *mount_source(JsonObject *config, guint i)
{
        JsonArray *mounts = json_object_get_array_member(config, "mounts");
        return json_object_get_string_member(json_array_get_object_element(mounts, i), "source");
}

START_TEST(for_one_command)
{
        const char *const argv[] = {"sh", "-c", "", NULL};
        ScRunConfigInput input = run_input(argv);
        input.place = "/srv/web.0";
        g_autoptr(JsonObject) config = run_config(&input, sc_run_config_make);
        JsonObject *process = json_object_get_object_member(config, "process");
        JsonArray *args = json_object_get_array_member(process, "args");
        ck_assert_uint_eq(json_array_get_length(args), 3);
        ck_assert_str_eq(json_array_get_string_element(args, 2), "");
        ck_assert_str_eq(json_object_get_string_member(process, "cwd"), "/x");
        ck_assert(!json_object_get_boolean_member(process, "terminal"));
        ck_assert(!json_object_has_member(process, "consoleSize"));
        ck_assert_str_eq(cgroups_path(config), "container-sysconsd-run-7");
        /* what counted from the deployment's folder still does */
        ck_assert_str_eq(json_object_get_string_member(json_object_get_object_member(config, "root"), "path"), "/srv/web.0/rootfs");
        ck_assert_str_eq(mount_source(config, 0), "/srv/web.0/own");
        ck_assert_str_eq(mount_source(config, 1), "/host");
        ck_assert_str_eq(mount_source(config, 2), "proc");
}
END_TEST

START_TEST(for_its_own_command_on_a_terminal)
{
        ScRunConfigInput input = run_input(NULL);
        input.terminal = true;
        input.rows = 24;
        input.columns = 80;
        input.runtime = "/usr/bin/crun";
        g_autoptr(JsonObject) config = run_config(&input, sc_run_config_make);
        JsonObject *process = json_object_get_object_member(config, "process");
        ck_assert_str_eq(json_array_get_string_element(json_object_get_array_member(process, "args"), 0), "serve");
        ck_assert(json_object_get_boolean_member(process, "terminal"));
        ck_assert_int_eq(json_object_get_int_member(json_object_get_object_member(process, "consoleSize"), "height"), 24);
        ck_assert_str_eq(cgroups_path(config), "/system.slice/sysconsd-run-7.service/container-sysconsd-run-7");
        ck_assert_str_eq(json_object_get_string_member(json_object_get_object_member(config, "root"), "path"), "rootfs");
        ck_assert_str_eq(mount_source(config, 0), "own");
}
END_TEST

START_TEST(the_process_of_one_command)
{
        const char *const argv[] = {"id", NULL};
        ScRunConfigInput input = run_input(argv);
        g_autoptr(JsonObject) process = run_config(&input, sc_run_config_process);
        ck_assert_str_eq(json_array_get_string_element(json_object_get_array_member(process, "args"), 0), "id");
        ck_assert_str_eq(json_object_get_string_member(process, "cwd"), "/x");
        ck_assert(!json_object_has_member(process, "root"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("runtime-config");
        TCase *tcase = tcase_create("runtime-config");
        tcase_set_timeout(tcase, 30);
        tcase_add_test(tcase, the_images_configuration);
        tcase_add_test(tcase, control_groups);
        tcase_add_test(tcase, a_void_configuration);
        tcase_add_test(tcase, a_remote_rootfs);
        tcase_add_test(tcase, numbers_stay_as_they_are);
        tcase_add_test(tcase, bad_configurations_are_refused);
        tcase_add_test(tcase, an_image_without_configuration);
        tcase_add_test(tcase, a_runtime_that_fails);
        tcase_add_test(tcase, users);
        tcase_add_test(tcase, bind_sources_that_are_missing);
        tcase_add_test(tcase, commands_for_lists);
        tcase_add_test(tcase, runtimes_are_found);
        tcase_add_test(tcase, for_one_command);
        tcase_add_test(tcase, for_its_own_command_on_a_terminal);
        tcase_add_test(tcase, the_process_of_one_command);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
