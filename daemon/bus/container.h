/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.sysconsd1.Container. */

#include "bus/service.h"

typedef struct ScCall ScCall;

#define SC_BUS_CONTAINER "org.sysconsd1.Container"

int sc_bus_container_publish(ScService *service);
char *sc_bus_container_path(const char *name);
/* All of them, by sc_bus_objects_append(). */
int sc_bus_container_append_all(sd_bus_message *reply, ScService *service);

void sc_bus_container_added(ScService *service, const ScCatalogContainer *container);
void sc_bus_container_changed(ScService *service, const char *name, char **properties);
void sc_bus_container_removed(ScService *service, const char *name);

/* What all verbs of containers have in common: it is there, and polkit's rules see its name and image. */
bool sc_bus_container_plan(ScCall *call, GError **error);
bool sc_bus_container_plan_update(ScCall *call, GError **error);
/* Gives an update its image's full name, if it was planned with one. Before its options go to a job. */
void sc_bus_container_rename(ScCall *call);
bool sc_bus_container_run(ScCall *call, GError **error);
bool sc_bus_container_run_get_values(ScCall *call, GError **error);
