/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "agent.h"
#include "base/login.h"
#include "text.h"
#include "value.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

void sc_client_close(ScClient *client)
{
        sc_agent_free(client->agent);
        client->agent = NULL;
        client->bus = sd_bus_flush_close_unref(client->bus);
        g_free(client->host);
        client->host = NULL;
        g_clear_pointer(&client->authfile, g_free);
        g_clear_pointer(&client->creds, sc_secret_free);
        g_clear_pointer(&client->login, sc_secret_free);
}

const char *sc_client_program(const ScClient *client)
{
        return client->grammar == SC_GRAMMAR_ATOMIC ? "atomic" : "sysconsctl";
}

void sc_client_report(const ScClient *client, const GError *error)
{
        g_autofree char *message = sc_text_clean(error->message);
        if (client->grammar == SC_GRAMMAR_ATOMIC)
                fprintf(stderr, "%s\n", message);
        else
                fprintf(stderr, "%s: %s\n", sc_client_program(client), message);
}

void sc_client_message(ScClient *client, const char *line)
{
        if (client->quiet)
                return;
        g_autofree char *clean = sc_text_clean(line);
        FILE *stream = client->json || client->stdout_is_taken ? stderr : stdout;
        fprintf(stream, "%s\n", clean);
        fflush(stream);
}

void sc_client_print_json(JsonNode *node)
{
        g_autofree char *text = sc_value_to_json(node);
        fputs(text, stdout);
}

void sc_client_print_table(ScTable *table, bool no_heading, bool no_trunc)
{
        g_autofree char *text = sc_table_format(table, no_trunc ? 0 : sc_terminal_width(STDOUT_FILENO),
                                                no_heading ? SC_TABLE_NO_HEADING : SC_TABLE_HEADING);
        fputs(text, stdout);
}

unsigned sc_terminal_width(int fd)
{
        if (!isatty(fd))
                return 0;
        struct winsize size;
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return 80;
}
