/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "options.h"
#include "verbs.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const ScVerb verbs[] = {
        {"pull", "[SOURCE:]IMAGE...", "Fetch images from registries, files or this host", sc_verb_pull},
        {"images", "", "List images", sc_verb_images},
        {"info", "IMAGE", "Labels and variables of an image", sc_verb_info},
        {"version", "IMAGE...", "Version, id and digest of images", sc_verb_version},
        {"update-image", "IMAGE...|--all", "Pull images again", sc_verb_update_image},
        {"verify", "IMAGE...", "Hash the files of images again", sc_verb_verify},
        {"tag", "IMAGE NAME", "Give an image one more name", sc_verb_tag},
        {"delete-image", "IMAGE...", "Drop images", sc_verb_delete_image},
        {"prune", "", "Remove what no image and no container needs", sc_verb_prune},
        {"install", "IMAGE", "Make a container of an image", sc_verb_install},
        {"mount", "CONTAINER|IMAGE DIR", "Show files in a folder", sc_verb_mount},
        {"umount", "DIR", "End that", sc_verb_umount},
        {"plan", "VERB ...", "What a verb would do", sc_verb_plan},
        {"list", "", "List containers", sc_verb_list},
        {"show", "[NAME]", "All about a container, a job or an image", sc_verb_show},
        {"values", "CONTAINER", "The values that a container was installed with", sc_verb_values},
        {"update", "CONTAINER...|--all", "Bring containers to the newest version", sc_verb_update},
        {"rollback", "CONTAINER...", "Go back to the previous version", sc_verb_rollback},
        {"uninstall", "CONTAINER...", "Remove containers", sc_verb_uninstall},
        {"run", "CONTAINER|IMAGE [COMMAND...]", "Run a command in a container", sc_verb_run},
        {"start", "CONTAINER...", "Start containers", sc_verb_start},
        {"stop", "CONTAINER...", "Stop containers", sc_verb_stop},
        {"restart", "CONTAINER...", "Restart containers", sc_verb_restart},
        {"trust", "show|add|delete|default", "Which images are trusted", sc_verb_trust},
        {"login", "[REGISTRY]", "Keep your login for a registry", sc_verb_login},
        {"logout", "[REGISTRY]", "Forget it", sc_verb_logout},
        {"jobs", "", "List jobs", sc_verb_jobs},
        {"wait", "JOB", "Wait for the end of a job", sc_verb_wait},
        {"cancel", "JOB", "Cancel a job", sc_verb_cancel},
};

static const ScVerb *find_verb(const char *name)
{
        for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
                if (strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
        return NULL;
}

/* The bus takes nothing else, and says so in words that nobody understands. */
static bool check_encoding(int argc, char **argv, GError **error)
{
        for (int i = 1; i < argc; i++)
                if (!g_utf8_validate(argv[i], -1, NULL))
                        return sc_exit_throw(error, SC_EXIT_USAGE, "argument %d is not valid UTF-8: %s", i, argv[i]);
        return true;
}

static bool run(ScClient *client, int argc, char **argv, GError **error)
{
        if (!check_encoding(argc, argv, error))
                return false;
        if (client->grammar == SC_GRAMMAR_ATOMIC)
                return sc_atomic_run(client, argc, argv, error);
        if (!sc_options_parse_global(client, &argc, &argv, error))
                return false;
        if (client->version) {
                puts("sysconsctl " VERSION);
                return true;
        }
        if (argc == 0 && client->help) {
                g_autofree char *help = sc_options_help(verbs, G_N_ELEMENTS(verbs));
                fputs(help, stdout);
                return true;
        }
        if (argc == 0)
                return sc_exit_throw(error, SC_EXIT_USAGE, "a verb is missing; see `sysconsctl --help`");
        const ScVerb *verb = find_verb(argv[0]);
        if (verb == NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE, "there is no verb '%s'; see `sysconsctl --help`", argv[0]);
        return verb->run(client, argc, argv, error);
}

/* Output that could not be written (a full disk) is a failure, too. */
static bool flush(GError **error)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return true;
        return sc_exit_throw(error, SC_EXIT_FAILED, "the output could not be written");
}

/* The program has a second name: that of the command that it succeeds. */
static ScGrammar which_grammar(const char *program)
{
        g_autofree char *name = g_path_get_basename(program);
        return strcmp(name, "atomic") == 0 ? SC_GRAMMAR_ATOMIC : SC_GRAMMAR_SYSCONSCTL;
}

int main(int argc, char **argv)
{
        /* Only what tells the encoding of the terminal: messages and numbers are those of the C locale. */
        setlocale(LC_CTYPE, "");
        ScClient client = {.grammar = which_grammar(argc > 0 ? argv[0] : "")};
        g_set_prgname(sc_client_program(&client));
        g_autoptr(GError) error = NULL;
        bool ok = run(&client, argc, argv, &error);
        sc_client_close(&client);
        if (ok)
                ok = flush(&error);
        if (ok)
                return client.status;
        fflush(stdout);
        sc_client_report(&client, error);
        return client.grammar == SC_GRAMMAR_ATOMIC ? sc_atomic_exit_code(error) : (int)sc_exit_code(error);
}
