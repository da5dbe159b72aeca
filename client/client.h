/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of the client: what its global options say, its connection, and what every verb prints with. */

#include "exit.h"
#include "table.h"
#include <json-glib/json-glib.h>
#include <systemd/sd-bus.h>

typedef struct ScAgent ScAgent;

/* Under which name it was called: this decides about the grammar of the command line, and about what is printed. */
typedef enum { SC_GRAMMAR_SYSCONSCTL, SC_GRAMMAR_ATOMIC } ScGrammar;

typedef struct {
        sd_bus *bus;    /* NULL before sc_client_connect() */
        ScAgent *agent; /* polkit's text agent, NULL where none was needed yet */
        char *host;     /* [USER@]HOST[:PORT], NULL: this machine */
        ScGrammar grammar;
        /* gboolean, because GOption writes them. */
        gboolean user; /* the daemon of this user, on the bus of his sessions */
        gboolean json;
        gboolean quiet;
        gboolean no_wait;
        gboolean no_ask_password;
        gboolean display;     /* show what would be done, and do nothing ... */
        gboolean show_values; /* ... with values */
        gboolean help;
        gboolean version;
        gboolean assume_yes; /* atomic's, as the next */
        gboolean debug;
        bool stdout_is_taken; /* by a command that was run: messages go to stderr */
        char *authfile;       /* of a verb that fetches: the user's file of logins; NULL: the usual places */
        char *creds;          /* of the same: --creds as it was given; NULL: it was not */
        char *login;          /* what became of that, USER:PASSWORD; a secret */
        int status;           /* what a command that was run ended with, for the exit code */
} ScClient;

/* Ends the agent, closes the connection. */
void sc_client_close(ScClient *client);

/* A verb: its name, its arguments as shown in help, and what runs it. argv[0] is the verb's name. */
typedef struct {
        const char *name;
        const char *synopsis;
        const char *summary;
        bool (*run)(ScClient *client, int argc, char **argv, GError **error);
} ScVerb;

/* The program's name, for messages. */
const char *sc_client_program(const ScClient *client);
/* "sysconsctl: MESSAGE" on stderr, cleaned; atomic had no such prefix. */
void sc_client_report(const ScClient *client, const GError *error);
/* A line for the user: on stdout, on stderr where stdout is for JSON, nowhere with --quiet. Cleaned. */
void sc_client_message(ScClient *client, const char *line);
/* A value as JSON on stdout. */
void sc_client_print_json(JsonNode *node);
/* A table on stdout, cut to the terminal's width unless no_trunc. */
void sc_client_print_table(ScTable *table, bool no_heading, bool no_trunc);
/* Columns of the terminal at fd, 0 where it is none. */
unsigned sc_terminal_width(int fd);
