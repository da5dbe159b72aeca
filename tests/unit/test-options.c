/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"
#include "bus/options.h"
#include "job/protocol.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const no_yes[] = {"no", "yes", NULL};
static const ScOption known[] = {
        {"force", SC_OPTION_CHOICE, no_yes},
        {"name", SC_OPTION_CONTAINER},
        {"image", SC_OPTION_IMAGE},
        {"runtime", SC_OPTION_RUNTIME},
        {"rootfs", SC_OPTION_PATH},
        {"timeout", SC_OPTION_SECONDS},
        {"unset", SC_OPTION_NAMES},
        {"values", SC_OPTION_VALUES},
        {"credentials", SC_OPTION_LOGIN},
        {"stdin", SC_OPTION_FD},
        {"stdout", SC_OPTION_FD},
        {0},
};

static sd_bus *bus;
static int other_end;
static sd_bus_message *message;
static GArray *fds_read;

/* Messages need a connection that they could be sent on; nobody reads at its other end. */
static void setup(void)
{
        int fds[2];
        fds_read = sc_fds_new();
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        other_end = fds[1];
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_message_new_method_call(bus, &message, NULL, "/x", "x.y", "Z"), 0);
}

static void teardown(void)
{
        sd_bus_message_unref(message);
        sd_bus_close_unref(bus);
        close(other_end);
        g_array_unref(fds_read);
}

static JsonObject *read_back(GError **error)
{
        ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(message, true), 0);
        return sc_options_read(message, known, fds_read, error);
}

START_TEST(all_types_are_read)
{
        sd_bus_message_append(message, "a{sv}", 8, "force", "s", "yes", "name", "s", "web", "image", "s", "http:example.com/x:1",
                              "runtime", "s", "crun", "rootfs", "s", "/srv/root", "timeout", "u", 30, "unset", "as", 2, "A", "B_1",
                              "values", "a{ss}", 2, "PORT", "80", "TEXT", "a \"quoted\" {json}, \xe2\x82\xac");
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) options = read_back(&error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(json_object_get_size(options), 8);
        ck_assert_str_eq(sc_options_get(options, "force"), "yes");
        ck_assert_str_eq(sc_options_get(options, "image"), "http:example.com/x:1");
        ck_assert_int_eq(json_object_get_int_member(options, "timeout"), 30);
        ck_assert_str_eq(json_array_get_string_element(json_object_get_array_member(options, "unset"), 1), "B_1");
        JsonObject *values = json_object_get_object_member(options, "values");
        ck_assert_str_eq(json_object_get_string_member(values, "TEXT"), "a \"quoted\" {json}, \xe2\x82\xac");
        ck_assert_ptr_null(sc_options_get(options, "absent"));
}
END_TEST

START_TEST(no_options_are_fine)
{
        sd_bus_message_append(message, "a{sv}", 0);
        g_autoptr(JsonObject) options = read_back(NULL);
        ck_assert_ptr_nonnull(options);
        ck_assert_uint_eq(json_object_get_size(options), 0);
}
END_TEST

static void refuse(const char *part)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) options = read_back(&error);
        ck_assert_ptr_null(options);
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, part);
}

START_TEST(descriptors_are_duplicated)
{
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        sd_bus_message_append(message, "a{sv}", 2, "stdout", "h", ends[1], "stdin", "h", ends[0]);
        close(ends[0]);
        close(ends[1]);
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) options = read_back(&error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(fds_read->len, 2);
        ck_assert_int_eq(json_object_get_int_member(json_object_get_object_member(options, "stdout"), "fd"), 0);
        ck_assert_int_eq(json_object_get_int_member(json_object_get_object_member(options, "stdin"), "fd"), 1);

        /* They outlive the message, and nobody else holds the writing end. */
        message = sd_bus_message_unref(message);
        int out = g_array_index(fds_read, int, 0), in = g_array_index(fds_read, int, 1);
        ck_assert_int_ne(fcntl(out, F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_eq(write(out, "x", 1), 1);
        char byte;
        ck_assert_int_eq(read(in, &byte, 1), 1);
        int kept_in = dup(in);
        g_array_set_size(fds_read, 0);
        ck_assert_int_eq(read(kept_in, &byte, 1), 0);
        close(kept_in);
}
END_TEST

START_TEST(too_many_descriptors_are_refused)
{
        for (unsigned i = 0; i < SC_OPTION_MAX_FDS; i++)
                ck_assert_int_ge(sc_fds_add(fds_read, STDERR_FILENO, NULL), 0);
        sd_bus_message_append(message, "a{sv}", 1, "stdout", "h", STDERR_FILENO);
        refuse("file descriptors");
}
END_TEST

START_TEST(credentials_become_a_descriptor)
{
        sd_bus_message_append(message, "a{sv}", 1, "credentials", "s", "me:sec ret:x");
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) options = read_back(&error);
        ck_assert_no_error(error);
        ck_assert_int_eq(json_object_get_int_member(json_object_get_object_member(options, "credentials"), "fd"), 0);
        g_autofree char *text = sc_json_to_string(options, false);
        ck_assert_str_eq(text, "{\"credentials\":{\"fd\":0}}");
        char secret[32] = "";
        ck_assert_int_eq(read(g_array_index(fds_read, int, 0), secret, sizeof(secret) - 1), 12);
        ck_assert_str_eq(secret, "me:sec ret:x");
}
END_TEST

START_TEST(credentials_that_are_none_are_refused)
{
        sd_bus_message_append(message, "a{sv}", 1, "credentials", "s", "no colon");
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) options = read_back(&error);
        ck_assert_ptr_null(options);
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "USER:PASSWORD");
        ck_assert_ptr_null(strstr(error->message, "no colon"));
}
END_TEST

START_TEST(path_instead_of_descriptor_is_refused)
{
        sd_bus_message_append(message, "a{sv}", 1, "stdout", "s", "/etc/shadow");
        refuse("`stdout` has type h, not s");
}
END_TEST

START_TEST(unknown_key_is_named)
{
        sd_bus_message_append(message, "a{sv}", 2, "force", "s", "yes", "fource", "s", "yes");
        refuse("`fource`");
}
END_TEST

START_TEST(wrong_type_is_named)
{
        sd_bus_message_append(message, "a{sv}", 1, "force", "b", 1);
        refuse("`force` has type s, not b");
}
END_TEST

START_TEST(twice_is_refused)
{
        sd_bus_message_append(message, "a{sv}", 2, "force", "s", "yes", "force", "s", "no");
        refuse("`force` is given twice");
}
END_TEST

static const struct {
        const char *key, *value, *part;
} bad_strings[] = {
        {"force", "perhaps", "one of: no, yes"},
        {"force", "", "one of: no, yes"},
        {"name", "../etc", "../etc"},
        {"name", "", "name"},
        {"runtime", "bin/runc", "`runtime`"},
        {"runtime", "", "`runtime`"},
        {"runtime", "/usr/../bin/x", "`runtime`"},
        {"rootfs", "srv", "`rootfs`"},
        {"rootfs", "/srv/../etc", "`rootfs`"},
        {"rootfs", "/srv\nExecStart=/bin/sh", "control characters"},
        {"rootfs", "/srv\xc2\x85", "control characters"},
};

START_TEST(bad_string_is_refused)
{
        sd_bus_message_append(message, "a{sv}", 1, bad_strings[_i].key, "s", bad_strings[_i].value);
        refuse(bad_strings[_i].part);
}
END_TEST

START_TEST(bad_image_is_refused)
{
        sd_bus_message_append(message, "a{sv}", 1, "image", "s", "Not An Image");
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) options = read_back(&error);
        ck_assert_ptr_null(options);
        ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, "Not An Image");
}
END_TEST

START_TEST(seconds_are_bounded)
{
        sd_bus_message_append(message, "a{sv}", 1, "timeout", "u", _i == 0 ? 0 : 3601);
        refuse("`timeout`");
}
END_TEST

static const struct {
        const char *name, *value, *part;
} bad_values[] = {
        {"PORT", "80\n[Service]", "PORT"},
        {"PORT", "a\x7f", "PORT"},
        {"PORT", "\t", "PORT"},
        {"1PORT", "80", "1PORT"},
        {"", "80", "no name"},
        {"A B", "80", "A B"},
        {"A=B", "80", "A=B"},
        {"\xc3\x84", "80", "no name"},
};

START_TEST(bad_value_is_refused)
{
        sd_bus_message_append(message, "a{sv}", 1, "values", "a{ss}", 1, bad_values[_i].name, bad_values[_i].value);
        refuse(bad_values[_i].part);
}
END_TEST

START_TEST(value_twice_is_refused)
{
        sd_bus_message_append(message, "a{sv}", 1, "values", "a{ss}", 2, "A", "1", "A", "2");
        refuse("A has two values");
}
END_TEST

START_TEST(bad_unset_name_is_refused)
{
        sd_bus_message_append(message, "a{sv}", 1, "unset", "as", 1, "A\nB");
        refuse("`A?B`");
}
END_TEST

static void open_values(const char *key, const char *type)
{
        sd_bus_message_open_container(message, 'a', "{sv}");
        sd_bus_message_open_container(message, 'e', "sv");
        sd_bus_message_append(message, "s", key);
        sd_bus_message_open_container(message, 'v', type);
        sd_bus_message_open_container(message, 'a', type + 1);
}

static void close_values(void)
{
        for (unsigned i = 0; i < 4; i++)
                ck_assert_int_ge(sd_bus_message_close_container(message), 0);
}

START_TEST(number_of_values_is_bounded)
{
        open_values("values", "a{ss}");
        for (unsigned i = 0; i < SC_OPTION_MAX_KEYS + 1; i++) {
                g_autofree char *name = g_strdup_printf("A%u", i);
                sd_bus_message_append(message, "{ss}", name, "");
        }
        close_values();
        refuse("more than 256");
}
END_TEST

START_TEST(number_of_names_is_bounded)
{
        open_values("unset", "as");
        for (unsigned i = 0; i < SC_OPTION_MAX_KEYS + 1; i++)
                sd_bus_message_append(message, "s", "A");
        close_values();
        refuse("more than 256");
}
END_TEST

START_TEST(size_of_a_value_is_bounded)
{
        g_autofree char *value = g_strnfill(SC_OPTION_MAX_VALUE + 1, 'v');
        sd_bus_message_append(message, "a{sv}", 1, "values", "a{ss}", 1, "LONG", value);
        refuse("LONG is too long");
}
END_TEST

START_TEST(size_of_all_values_is_bounded)
{
        g_autofree char *value = g_strnfill(SC_OPTION_MAX_VALUE, 'v');
        open_values("values", "a{ss}");
        for (unsigned i = 0; i < SC_OPTION_MAX_TOTAL / SC_OPTION_MAX_VALUE; i++) {
                g_autofree char *name = g_strdup_printf("A%u", i);
                sd_bus_message_append(message, "{ss}", name, value);
        }
        close_values();
        refuse("A3 is too long");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("options");
        TCase *cases = tcase_create("dictionary");
        tcase_add_checked_fixture(cases, setup, teardown);
        tcase_add_test(cases, all_types_are_read);
        tcase_add_test(cases, no_options_are_fine);
        tcase_add_test(cases, descriptors_are_duplicated);
        tcase_add_test(cases, too_many_descriptors_are_refused);
        tcase_add_test(cases, credentials_become_a_descriptor);
        tcase_add_test(cases, credentials_that_are_none_are_refused);
        tcase_add_test(cases, path_instead_of_descriptor_is_refused);
        tcase_add_test(cases, unknown_key_is_named);
        tcase_add_test(cases, wrong_type_is_named);
        tcase_add_test(cases, twice_is_refused);
        tcase_add_loop_test(cases, bad_string_is_refused, 0, G_N_ELEMENTS(bad_strings));
        tcase_add_test(cases, bad_image_is_refused);
        tcase_add_loop_test(cases, seconds_are_bounded, 0, 2);
        tcase_add_loop_test(cases, bad_value_is_refused, 0, G_N_ELEMENTS(bad_values));
        tcase_add_test(cases, value_twice_is_refused);
        tcase_add_test(cases, bad_unset_name_is_refused);
        tcase_add_test(cases, number_of_values_is_bounded);
        tcase_add_test(cases, number_of_names_is_bounded);
        tcase_add_test(cases, size_of_a_value_is_bounded);
        tcase_add_test(cases, size_of_all_values_is_bounded);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
