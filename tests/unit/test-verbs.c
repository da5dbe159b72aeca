/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"
#include "bus/call.h"
#include <gio/gio.h>
#include <string.h>

/* The contract (dbus/), the table of verbs and the polkit policy must say the same. */

static const char *const interfaces[] = {"Manager", "Image", "Container", "Job"};

static char *source_file(const char *name)
{
        g_autofree char *path = g_build_filename(g_getenv("srcdir") != NULL ? g_getenv("srcdir") : ".", name, NULL);
        char *text = NULL;
        g_autoptr(GError) error = NULL;
        g_file_get_contents(path, &text, NULL, &error);
        ck_assert_no_error(error);
        return text;
}

static const ScVerb *find_verb(const char *interface, const char *member)
{
        for (const ScVerb *verb = sc_verbs; verb->interface != NULL; verb++)
                if (strcmp(verb->interface, interface) == 0 && strcmp(verb->member, member) == 0)
                        return verb;
        return NULL;
}

static GDBusNodeInfo *read_interface(const char *name)
{
        g_autofree char *file = g_strdup_printf("dbus/org.sysconsd1.%s.xml", name);
        g_autofree char *xml = source_file(file);
        g_autoptr(GError) error = NULL;
        GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);
        ck_assert_no_error(error);
        return node;
}

static bool takes_options(const GDBusMethodInfo *method)
{
        for (GDBusArgInfo **arg = method->in_args; arg != NULL && *arg != NULL; arg++)
                if (strcmp((*arg)->signature, "a{sv}") == 0)
                        return true;
        return false;
}

/* What takes options changes something; of the others only those are free that are named here. */
static const char *const free_methods[] = {"GetContainer", "GetImage",   "GetLookaside",      "GetPolicy",
                                           "ListJobs",     "ListLayers", "DescribeVariables", NULL};

START_TEST(every_method_names_an_action)
{
        GDBusNodeInfo *node = read_interface(interfaces[_i]);
        const GDBusInterfaceInfo *interface = node->interfaces[0];
        for (GDBusMethodInfo **method = interface->methods; method != NULL && *method != NULL; method++) {
                const ScVerb *verb = find_verb(interface->name, (*method)->name);
                if (verb == NULL) {
                        ck_assert_msg(g_strv_contains(free_methods, (*method)->name) && !takes_options(*method),
                                      "%s names no action", (*method)->name);
                        continue;
                }
                ck_assert(verb->action != NULL || verb->subject == SC_SUBJECT_PLANNED);
                ck_assert_int_eq(takes_options(*method), verb->options != NULL);
        }
        g_dbus_node_info_unref(node);
}
END_TEST

START_TEST(every_verb_is_a_method)
{
        for (const ScVerb *verb = sc_verbs; verb->interface != NULL; verb++) {
                GDBusNodeInfo *node = read_interface(verb->interface + strlen("org.sysconsd1."));
                ck_assert_msg(g_dbus_interface_info_lookup_method(node->interfaces[0], verb->member) != NULL, "%s is no method",
                              verb->member);
                g_dbus_node_info_unref(node);
        }
}
END_TEST

START_TEST(every_mutating_verb_can_be_cancelled_on_disconnect)
{
        for (const ScVerb *verb = sc_verbs; verb->interface != NULL; verb++) {
                bool found = false;
                for (const ScOption *option = verb->options; option != NULL && option->key != NULL; option++)
                        found = found || strcmp(option->key, SC_OPTION_KEY_DISCONNECT) == 0;
                ck_assert_msg(found == (verb->options != NULL), "%s", verb->member);
        }
}
END_TEST

static bool is_action(const char *policy, const char *action)
{
        g_autofree char *element = g_strdup_printf("<action id=\"" SC_ACTION_PREFIX "%s\">", action);
        return strstr(policy, element) != NULL;
}

START_TEST(every_action_is_in_the_policy)
{
        g_autofree char *policy = source_file("polkit/org.sysconsd1.policy");
        g_autoptr(GHashTable) used = g_hash_table_new(g_str_hash, g_str_equal);
        for (const ScVerb *verb = sc_verbs; verb->interface != NULL; verb++) {
                if (verb->action == NULL)
                        continue;
                ck_assert_msg(is_action(policy, verb->action), "no action %s", verb->action);
                g_hash_table_add(used, (gpointer)verb->action);
        }
        const char *const further[] = {"import", "configure"};
        for (unsigned i = 0; i < G_N_ELEMENTS(further); i++) {
                ck_assert_msg(is_action(policy, further[i]), "no action %s", further[i]);
                g_hash_table_add(used, (gpointer)further[i]);
        }
        guint count = 0;
        for (const char *p = policy; (p = strstr(p, "<action id=")) != NULL; p++)
                count++;
        ck_assert_uint_eq(count, g_hash_table_size(used)); /* and none that guards nothing */
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("verbs");
        TCase *cases = tcase_create("contract");
        tcase_add_loop_test(cases, every_method_names_an_action, 0, G_N_ELEMENTS(interfaces));
        tcase_add_test(cases, every_verb_is_a_method);
        tcase_add_test(cases, every_mutating_verb_can_be_cancelled_on_disconnect);
        tcase_add_test(cases, every_action_is_in_the_policy);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
