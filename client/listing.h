/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every verb has in common that lists objects: its options, filters, and the three forms table, names, JSON. */

#include "bus.h"

typedef enum {
        SC_LIST_CUT = 0,
        SC_LIST_NO_TRUNC = 1 << 0, /* ids in full */
        SC_LIST_ALL = 1 << 1,
} ScListFlags;

typedef struct {
        ScObjectKind kind;
        const char *summary;
        const char *details;
        const char *const *properties; /* that a filter may name; NULL-terminated */
        const ScColumn *columns;
        gsize n_columns;
        const char *all_summary;                  /* of the option --all, NULL: there is none, all are shown */
        bool (*is_shown)(JsonObject *properties); /* without --all, and without filters unless filter_within; NULL: all are */
        bool filter_within;
        bool silent_when_empty; /* no heading above nothing */
        void (*add_rows)(ScClient *client, ScTable *table, JsonObject *properties, ScListFlags flags);
        char *(*id)(JsonObject *properties, ScListFlags flags); /* for --quiet */
        /* Adds ScObjects to those of the bus that are listed with them; NULL: none. */
        bool (*complete)(ScClient *client, ScListFlags flags, GPtrArray *objects, GError **error);
        /* What filters see of one, as a new object; NULL: what is presented. */
        JsonObject *(*filter_view)(JsonObject *presented);
        /* Where other things than the objects are listed: these, of which each is a JsonObject as --json shows it. They stand for
         * the properties above. NULL: the objects. */
        GPtrArray *(*entries)(GPtrArray *objects, ScListFlags flags);
} ScListing;

bool sc_listing_run(ScClient *client, const ScListing *listing, int argc, char **argv, GError **error);
