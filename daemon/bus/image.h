/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.sysconsd1.Image. */

#include "bus/service.h"

typedef struct ScCall ScCall;

#define SC_BUS_IMAGE "org.sysconsd1.Image"

int sc_bus_image_publish(ScService *service);
char *sc_bus_image_path(const char *id);
/* All of them, by sc_bus_objects_append(). */
int sc_bus_image_append_all(sd_bus_message *reply, ScService *service);

void sc_bus_image_added(ScService *service, const ScCatalogImage *image);
void sc_bus_image_changed(ScService *service, const ScCatalogImage *image, char **properties);
void sc_bus_image_removed(ScService *service, const char *id);

bool sc_bus_image_plan_delete(ScCall *call, GError **error);
bool sc_bus_image_run_delete(ScCall *call, GError **error);
bool sc_bus_image_plan_tag(ScCall *call, GError **error);
bool sc_bus_image_run_tag(ScCall *call, GError **error);
bool sc_bus_image_plan_verify(ScCall *call, GError **error);
bool sc_bus_image_run_verify(ScCall *call, GError **error);
