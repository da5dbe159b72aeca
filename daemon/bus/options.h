/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options dictionary of a call: known keys of known types only. */

#include "base/error.h"
#include "base/fds.h"
#include "base/json.h"
#include <systemd/sd-bus.h>

#define SC_OPTION_MAX_KEYS 256            /* of a values dictionary, or a list */
#define SC_OPTION_MAX_VALUE (64u * 1024)  /* bytes of one value */
#define SC_OPTION_MAX_TOTAL (256u * 1024) /* bytes of all values and their keys */

#define SC_OPTION_MAX_ARGUMENT 8192 /* bytes of an argument that is no option: a name, maybe with a path in it */
#define SC_OPTION_MAX_FDS 8         /* descriptors of one call */

/* Of a method that takes a command: not an option on the bus, but one for the worker. An array of strings. */
#define SC_OPTION_KEY_ARGV "argv"
#define SC_OPTION_MAX_WORDS 4096
/* Every mutating method takes it. */
#define SC_OPTION_KEY_DISCONNECT "cancel-on-disconnect"

/* Of a method that takes a text as its first argument: not an option on the bus, but one for the worker, a file {"fd":N}. */
#define SC_OPTION_KEY_POLICY "policy"
/* No option of anybody's: the container that an install makes, as polkit's rules, the queue and the recovery were told. */
#define SC_OPTION_KEY_CONTAINER "container"
#define SC_OPTION_MAX_TEXT (4u << 20)

typedef enum {
        SC_OPTION_CHOICE,    /* s: one of `choices` */
        SC_OPTION_CONTAINER, /* s: a container's name */
        SC_OPTION_IMAGE,     /* s: an image, [SOURCE:]NAME */
        SC_OPTION_RUNTIME,   /* s: a program's name or absolute path */
        SC_OPTION_PATH,      /* s: an absolute path on the host */
        SC_OPTION_SECONDS,   /* u: 1 to 3600 */
        SC_OPTION_NAMES,     /* as: names of variables */
        SC_OPTION_VALUES,    /* a{ss}: variables and their values */
        SC_OPTION_DIGEST,    /* s: sha256:HEX */
        SC_OPTION_LINE,      /* s: what it must be is for the worker to say */
        SC_OPTION_LOGIN,     /* s: USER:PASSWORD, which goes into a file in memory at once: then it is as FD */
        SC_OPTION_FD,        /* h: a file; what kind of file is for the worker to check, who may wait for an answer */
} ScOptionType;

typedef struct {
        const char *key;
        ScOptionType type;
        const char *const *choices;
} ScOption;

/* Reads the a{sv} at the message's read position. `known` ends with an entry without a key. InvalidArgument names the key. The
 * caller owns the object; choices, names and paths are members of type string, NAMES arrays, VALUES objects, FD objects {"fd":N}:
 * the Nth of fds, to which a duplicate is added. */
JsonObject *sc_options_read(sd_bus_message *message, const ScOption *known, GArray *fds, GError **error);

/* An argument that is a name or a path: InvalidArgument where it is too long, or holds control characters. It is shown by polkit's
 * dialogs, and in the journal. */
bool sc_options_check_argument(const char *text, GError **error);

/* Reads the words (as) at the message's read position. InvalidArgument where they are too many, or too long. */
JsonArray *sc_options_read_argv(sd_bus_message *message, GError **error);

/* Reads the text (s) at the message's read position into a file among fds; returns the option that names it. InvalidArgument where
 * it is too long. */
JsonObject *sc_options_read_text(sd_bus_message *message, GArray *fds, GError **error);

/* The string option, or NULL. */
const char *sc_options_get(JsonObject *options, const char *key);
