/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "base/reference.h"
#include "info.h"
#include "value.h"
#include "verbs.h"
#include <string.h>

typedef struct {
        char *const *options; /* up to "--" */
        gsize n_options;
        const char *name;     /* of --name, or NULL */
        const char *subject;  /* a container, or an image */
        char *const *command; /* NULL-terminated */
} Run;

static Run parse(char *const *argv)
{
        Run run = {.options = argv + 1};
        while (strcmp(run.options[run.n_options], "--") != 0) {
                if (g_str_has_prefix(run.options[run.n_options], "--name="))
                        run.name = run.options[run.n_options] + strlen("--name=");
                run.n_options++;
        }
        run.subject = run.options[run.n_options + 1];
        run.command = run.options + run.n_options + 2;
        return run;
}

/* True and *ret_found false where there is no such container. */
static bool container_exists(ScClient *client, const char *name, bool *ret_found, GError **error)
{
        g_autofree char *path = NULL;
        g_autoptr(GError) local = NULL;
        *ret_found = sc_object_find(client, SC_OBJECT_CONTAINER, name, &path, &local);
        if (*ret_found || sc_exit_code(local) == SC_EXIT_NOT_FOUND)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

/* The container that is meant: by --name, else by its own name, or that which an install of the image gives it. *ret NULL: there is
 * none yet. */
static bool find_container(ScClient *client, const Run *run, char **ret, GError **error)
{
        g_autoptr(ScReference) reference = run->name == NULL ? sc_reference_parse(run->subject, NULL) : NULL;
        g_autofree char *from_image = reference != NULL ? sc_container_name_from_reference(reference, NULL) : NULL;
        const char *const names[] = {run->name != NULL ? run->name : run->subject, from_image};
        for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
                bool found;
                if (names[i] == NULL || !sc_container_name_check(names[i], NULL))
                        continue;
                if (!container_exists(client, names[i], &found, error))
                        return false;
                if (found) {
                        *ret = g_strdup(names[i]);
                        return true;
                }
        }
        *ret = NULL;
        return true;
}

typedef bool (*Verb)(ScClient *client, int argc, char **argv, GError **error);

/* A verb of sysconsctl with these options. */
static bool call(ScClient *client, Verb verb, const char *words, char *const *options, gsize n_options, const char *subject,
                 char *const *command, GError **error)
{
        g_autoptr(GPtrArray) line = g_ptr_array_new();
        g_ptr_array_add(line, (char *)words);
        for (gsize i = 0; i < n_options; i++)
                g_ptr_array_add(line, options[i]);
        g_ptr_array_add(line, (char *)"--");
        g_ptr_array_add(line, (char *)subject);
        for (; command != NULL && *command != NULL; command++)
                g_ptr_array_add(line, *command);
        int argc = (int)line->len;
        g_ptr_array_add(line, NULL);
        return verb(client, argc, (char **)line->pdata, error);
}

/* Its labels decide what running it means, so it has to be here. */
static bool runs_once(ScClient *client, const char *image, bool *ret, GError **error)
{
        g_auto(ScDescription) description = {NULL};
        g_autoptr(GError) local = NULL;
        if (!sc_describe(client, image, &description, &local)) {
                if (sc_exit_code(local) != SC_EXIT_NOT_FOUND) {
                        g_propagate_error(error, g_steal_pointer(&local));
                        return false;
                }
                if (!call(client, sc_verb_pull, "run", NULL, 0, image, NULL, error))
                        return false;
                sc_description_clear(&description);
                description = (ScDescription){NULL};
                if (!sc_describe(client, image, &description, error))
                        return false;
        }
        JsonNode *labels = json_object_get_member(description.image->properties, "Labels");
        *ret = labels != NULL && JSON_NODE_HOLDS_OBJECT(labels) &&
               strcmp(sc_value_string(json_node_get_object(labels), "atomic.run"), "once") == 0;
        return true;
}

bool sc_atomic_run_verb(ScClient *client, int argc, char **argv, GError **error)
{
        const Run run = parse(argv);
        bool has_command = run.command[0] != NULL;
        g_autofree char *container = NULL;
        if (!find_container(client, &run, &container, error))
                return false;
        if (container != NULL && !has_command)
                return call(client, sc_verb_start, argv[0], NULL, 0, container, NULL, error);

        g_autoptr(GPtrArray) options = g_ptr_array_new();
        for (gsize i = 0; i < run.n_options; i++)
                if (container == NULL || !g_str_has_prefix(run.options[i], "--name="))
                        g_ptr_array_add(options, run.options[i]);
        if (container != NULL)
                return call(client, sc_verb_run, argv[0], (char *const *)options->pdata, options->len, container, run.command,
                            error);
        bool once = has_command;
        if (!once && !runs_once(client, run.subject, &once, error))
                return false;
        if (once)
                return sc_verb_run(client, argc, argv, error);
        g_ptr_array_add(options, (char *)"--start");
        return call(client, sc_verb_install, argv[0], (char *const *)options->pdata, options->len, run.subject, NULL, error);
}
