/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon as the bus sees it: what the objects' handlers share. */

#include "base/config.h"
#include "bus/catalog.h"
#include "bus/peer.h"
#include "bus/settings.h"
#include "bus/units.h"
#include "job/process.h"
#include "job/queue.h"

typedef struct ScService ScService;

/* Called once: the name is taken and all is there. / The service ends: error NULL where it was idle for as long as configured. */
typedef struct {
        void (*ready)(gpointer data);
        void (*ended)(gpointer data, const GError *error);
} ScServiceSink;

struct ScService {
        sd_bus *bus;
        const ScConfig *config;
        const ScServiceSink *sink;
        gpointer data;
        GSource *bus_source;
        ScCatalog *catalog;
        ScUnits *units;
        ScPeers *peers;
        ScSettings *settings;
        ScWorkers workers;
        ScQueue *queue;
        GHashTable *plans;     /* number of a job that makes a plan to the sd_bus_message that it answers */
        GPtrArray *calls;      /* ScCall, waiting for who asks or for polkit */
        GHashTable *looked_at; /* commits of images without a description that a worker was sent to; NULL before workers are */
        gint64 last_activity;  /* monotonic time of the last call */
        guint idle_source;
};

/* How workers are started; the strings must outlive the service. */
typedef struct {
        const char *worker;      /* absolute path of the program */
        const char *config_path; /* NULL: the installed one */
} ScServicePaths;

/* Connects, reads what is there, takes over what an earlier daemon left running, and only then takes the name. */
ScService *sc_service_new(sd_bus *bus, const ScConfig *config, const ScServicePaths *paths, const ScServiceSink *sink,
                          gpointer data, GError **error);
/* Jobs that run go on in their units. */
void sc_service_free(ScService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScService, sc_service_free)
