/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who the user is for registries: his own files and helpers, read here and by him. Of all that, sysconsd gets the login for the one
 * registry that a call is about. */

#include "base/keyring.h"
#include "bus.h"

/* Options of every verb that fetches. */
#define SC_LOGIN_ENTRIES(client)                                                                                                 \
        {"authfile", 0, 0, G_OPTION_ARG_FILENAME, &(client)->authfile, "The file with your logins, instead of the usual places", \
         "FILE"},                                                                                                                \
        {                                                                                                                        \
                "creds", 0, 0, G_OPTION_ARG_STRING, &(client)->creds,                                                            \
                        "Your login for the registry; the password is asked for; -: both are read from standard input", "USER|-" \
        }

/* The places of the user's logins, ended by NULL; the first is where `login` writes. */
char **sc_logins_places(const ScClient *client);
/* All of them. A file that was named has to be there. */
ScKeyring *sc_logins_keyring(const ScClient *client, GError **error);

/* Appends the options that say who the user is for the registry of this image (NULL, or one that names no registry: the file that
 * he has named, if any). */
bool sc_logins_append(ScClient *client, sd_bus_message *call, const char *image, GError **error);
/* The same for the image of a container. */
bool sc_logins_append_for_container(ScClient *client, sd_bus_message *call, const char *container, GError **error);
/* Appends one login, and has the message wiped when it goes. */
bool sc_logins_append_one(sd_bus_message *call, const ScLogin *login, GError **error);
